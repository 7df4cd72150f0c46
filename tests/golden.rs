//! Runs of PyTorch, step by step, against the same runs in `f64`; and `mp:53` against `f64`.

use lora_gauge::scenario::parse_golden;

use crate::common::golden::{LINE_SEARCH, compare, files, runs};

#[test]
fn every_step_agrees_with_pytorch() {
    let cases = runs();
    assert!(cases.len() >= 55, "{} files", cases.len());
    for (name, golden) in cases {
        let lists = compare(&name, &golden);
        assert!(lists > 2 * golden.scenario.steps, "{name}");
    }
}

#[test]
fn a_line_search_is_refused_by_the_setting_that_asks_for_it() {
    let (_, text) = files("tests/golden")
        .into_iter()
        .find(|(n, _)| n == LINE_SEARCH)
        .expect("the file");
    let error = parse_golden(&text).expect_err("a line search").to_string();
    assert_eq!(
        error,
        "field `hyper_A.line_search_fn`: found \"strong_wolfe\", expected null: nothing else is built"
    );
}

#[cfg(feature = "mp")]
#[test]
fn mp_53_agrees_with_f64_bit_for_bit() {
    use lora_gauge::arith::{Arithmetic, F64, Mp};
    use lora_gauge::graph::{Binary, NodeId, Op, Unary};

    use crate::common::runs::run;

    let ctx = Mp::new(53);
    let (mut compared, mut same_bits) = (0, 0);
    for (name, golden) in runs() {
        // Transcendental functions are faithful in f64, correctly rounded in mp.
        let step = golden.scenario.recipe.build().expect("a recipe");
        let read = step.graph.cone(step.roots());
        let transcendental = |id: NodeId| {
            matches!(
                step.graph.node(id).op,
                Op::Unary(Unary::Function(_), _) | Op::Binary(Binary::Atan2, ..)
            )
        };
        if step
            .graph
            .ids()
            .any(|id| read[id.index()] && transcendental(id))
        {
            continue;
        }
        same_bits += 1;
        let machine = run(F64, &golden.scenario).expect("a run");
        let mp = run(ctx, &golden.scenario).expect("a run");
        let same = |what: &str, x: &f64, y: &rug::Float| {
            assert!(
                x.to_bits() == y.to_f64().to_bits() && *y == *x,
                "{name}: {what}: {} in f64, {} in mp:53",
                F64.show(x),
                ctx.show(y)
            );
        };
        for (x, y) in machine.losses.iter().zip(&mp.losses) {
            same("loss", x, y);
            compared += 1;
        }
        same("final loss", &machine.final_loss, &mp.final_loss);
        for (tensor, values) in &machine.parameters {
            for (x, y) in values.iter().zip(&mp.parameters[tensor]) {
                for (x, y) in x.iter().zip(y) {
                    same(tensor, x, y);
                    compared += 1;
                }
            }
        }
    }
    assert!(same_bits >= 40, "compared only {same_bits} files");
    assert!(compared > 1000, "compared only {compared} numbers");
}
