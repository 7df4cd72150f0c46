//! Runs of PyTorch, step by step, against the same runs in `f64`; and `mp:53` against `f64`.

use std::path::Path;

use lora_gauge::arith::{Arithmetic, F64};
use lora_gauge::exec::{self, Options, Trajectory};
use lora_gauge::scenario::{Golden, parse_golden};

/// The file of a loop whose length depends on the data, which is no step graph.
const LINE_SEARCH: &str = "lbfgs_wolfe";

/// The names and texts of all golden files.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("tests/golden is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .map(|p| {
            let name = p.file_stem().expect("a name").to_string_lossy();
            let text = std::fs::read_to_string(&p).expect("a readable file");
            (name.into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

/// Every run that can be compared, by name.
fn runs() -> Vec<(String, Golden)> {
    files()
        .into_iter()
        .filter(|(name, _)| name != LINE_SEARCH)
        .map(|(name, text)| {
            let golden = parse_golden(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, golden)
        })
        .collect()
}

fn run<A: Arithmetic>(ctx: A, golden: &Golden) -> Trajectory<A::Elem> {
    let scenario = &golden.scenario;
    let step = scenario.recipe.build().expect("a recipe that can be built");
    exec::run(
        ctx,
        &step,
        &scenario.sizes,
        &scenario.values,
        scenario.steps,
        &Options::default(),
    )
    .expect("a run without undefined entries")
}

/// The tolerance that `tests/golden/README.md` states: a hundred roundings of binary64, times
/// the condition of the run, relative to the largest entry.
fn tolerance(golden: &Golden) -> f64 {
    100.0 * (golden.sensitivity / 1e-14) * 2e-16
}

#[test]
fn every_step_agrees_with_pytorch() {
    let cases = runs();
    assert!(cases.len() >= 55, "{} files", cases.len());
    for (name, golden) in cases {
        let trajectory = run(F64, &golden);
        let tolerance = tolerance(&golden);
        let close = |what: &str, step: usize, ours: &[f64], theirs: &[f64]| {
            assert_eq!(ours.len(), theirs.len(), "{name}: {what}");
            let size = theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (i, (x, y)) in ours.iter().zip(theirs).enumerate() {
                assert!(
                    (x - y).abs() <= tolerance * size,
                    "{name}: {what}[{i}] after step {step}: {x:e} here, {y:e} in PyTorch, off by {:e}, allowed {:e}",
                    (x - y).abs(),
                    tolerance * size
                );
            }
        };
        assert_eq!(trajectory.losses.len(), golden.losses.len());
        for (step, (ours, theirs)) in trajectory.losses.iter().zip(&golden.losses).enumerate() {
            close("loss", step, &[*ours], &[*theirs]);
        }
        close(
            "final loss",
            golden.scenario.steps,
            &[trajectory.final_loss],
            &[golden.final_loss],
        );
        for (tensor, theirs) in &golden.parameters {
            for (step, theirs) in theirs.iter().enumerate() {
                let ours = trajectory.parameters[tensor][step].transpose();
                close(tensor, step + 1, ours.as_slice(), theirs);
            }
        }
    }
}

#[test]
fn a_line_search_is_refused_by_the_setting_that_asks_for_it() {
    let (_, text) = files()
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
    use lora_gauge::arith::Mp;
    use lora_gauge::graph::{Binary, NodeId, Op, Unary};

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
        let (machine, mp) = (run(F64, &golden), run(ctx, &golden));
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
