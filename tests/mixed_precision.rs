//! Mixed precision as nodes of the graph: weights that are kept in a short format, and products
//! of rounded operands.
#![cfg(feature = "mp")]

use lora_gauge::arith::{
    Arithmetic, ArithmeticName, FloatFormat, Ratio, Rational, WithArithmetic, parse_ratio,
    ratio_from_f64, with_arithmetic,
};
use lora_gauge::exec::{self, ExecError, Options};
use lora_gauge::gauge::{self, derive};
use lora_gauge::scenario::{Scenario, ScenarioFile};

fn scenario(extra: &str) -> Scenario {
    let text = format!(
        "steps = 2\nalpha = 3\nreduction = \"sum\"\n{extra}\n\
         sizes = {{ batch = 1, n_in = 1, n_out = 1, r = 1 }}\nhyperparameters.lr = \"1/64\"\n\
         tensors.X = {{ rows = 1, cols = 1, values = [1.2345678] }}\n\
         tensors.Y = {{ rows = 1, cols = 1, values = [0.7654321] }}\n\
         tensors.W0 = {{ rows = 1, cols = 1, values = [0.3141592] }}\n\
         tensors.A = {{ rows = 1, cols = 1, values = [0.2718281] }}\n\
         tensors.B = {{ rows = 1, cols = 1, values = [-0.5772156] }}\n"
    );
    let file = ScenarioFile::from_toml(&text).expect("a scenario file");
    file.scenario().expect("a complete scenario")
}

fn trained<A: Arithmetic>(ctx: A, case: &Scenario) -> Result<(A::Elem, A::Elem), ExecError> {
    let step = case.recipe.build().expect("a step");
    let (sizes, values) = (&case.sizes, &case.values);
    let run = exec::run(ctx, &step, sizes, values, case.steps, &Options::default())?;
    let last = |name: &str| run.parameters[name].last().expect("a value")[(0, 0)].clone();
    Ok((last("A"), last("B")))
}

/// Two steps by hand: `Z = x·w + s·(x·a)·b`, products of operands in `compute`, weights in
/// `storage`.
fn by_hand(storage: Option<FloatFormat>, compute: Option<FloatFormat>) -> (Ratio, Ratio) {
    let into = |format: Option<FloatFormat>, x: &Ratio| match format {
        None => x.clone(),
        Some(format) => ratio_from_f64(format.round(x).expect("in range")).expect("finite"),
    };
    let (s, two, rate) = ("3", "2", "1/64");
    let [s, two, rate] = [s, two, rate].map(|q| parse_ratio(q).expect("a number"));
    let value = |x: f64| ratio_from_f64(x).expect("finite");
    let (x, y, w) = (value(1.2345678), value(0.7654321), value(0.3141592));
    let (mut a, mut b) = (value(0.2718281), value(-0.5772156));
    for _ in 0..2 {
        let [cx, cw, ca, cb] = [&x, &w, &a, &b].map(|q| into(compute, q));
        let inner = into(compute, &(&cx * &ca));
        let z = &cx * &cw + &s * &inner * &cb;
        let d = &two * (z - &y) * &s;
        let (to_a, to_b) = (&d * &cb * &cx, &d * &inner);
        a = into(storage, &(a - &rate * to_a));
        b = into(storage, &(b - &rate * to_b));
    }
    (a, b)
}

#[test]
fn roundings_are_where_a_hand_computation_has_them() {
    let (bf16, f16) = (Some(FloatFormat::Bf16), Some(FloatFormat::F16));
    let mut all = vec![];
    for (text, storage, compute) in [
        ("", None, None),
        ("storage = \"bf16\"", bf16, None),
        ("compute = \"f16\"", None, f16),
        ("storage = \"bf16\"\ncompute = \"f16\"", bf16, f16),
    ] {
        let (a, b) = trained(Rational, &scenario(text)).expect("a run");
        let exact = |x| Rational.to_ratio(&x).expect("a rational");
        let found = (exact(a), exact(b));
        assert_eq!(found, by_hand(storage, compute), "{text}");
        // With both, the weights swallow what the products lose.
        let both = storage.is_some() && compute.is_some();
        assert!(both || !all.contains(&found), "{text} changes nothing");
        all.push(found);
    }
}

#[test]
fn every_ordered_arithmetic_has_casts() {
    struct Run;
    impl WithArithmetic for Run {
        type Output = Result<(f64, f64), ExecError>;
        fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
            let case = scenario("storage = \"bf16\"\ncompute = \"f16\"");
            let (a, b) = trained(ctx.clone(), &case)?;
            Ok((ctx.approx(&a), ctx.approx(&b)))
        }
    }
    let of = |name: &str| {
        let name: ArithmeticName = name.parse().expect("a name");
        with_arithmetic(name, Run).expect("a build with MPFR")
    };
    let exact = of("rational").expect("a run");
    for name in ["f64", "mp:53", "mp:200", "interval", "interval:53", "f32"] {
        // In bfloat16 every one of these arithmetics has the same weights.
        assert_eq!(of(name).expect(name), exact, "{name}");
    }
    for name in [
        "bf16",
        "bf16/f32",
        "bf16/exact",
        "f16",
        "f16/f32",
        "f16/exact",
    ] {
        let (a, b) = of(name).expect(name);
        assert!(
            (a - exact.0).abs() < 0.05 && (b - exact.1).abs() < 0.05,
            "{name}"
        );
    }
    let refused = of("prime").expect_err("no order");
    let unsupported = |e: &ExecError| format!("{e}").contains("prime arithmetic has no");
    assert!(unsupported(&refused), "{refused}");
}

#[test]
fn a_rule_for_powers_of_two_remains() {
    let plain = scenario("").recipe.build().expect("a step");
    let exact = derive(&plain, &gauge::Options::default(), "s");
    for text in ["storage = \"bf16\"", "compute = \"f16\""] {
        let step = scenario(text).recipe.build().expect("a step");
        let derivation = derive(&step, &gauge::Options::default(), "s");
        assert_eq!(derivation.refused, None);
        let powers = derivation.powers_of_two.as_ref().expect("a rule");
        assert_eq!(powers.rule.weights, exact.rule().weights, "{text}");
        assert!(
            derivation.rule().dimension() < exact.rule().dimension(),
            "{text}"
        );
    }
}

#[test]
fn both_fields_survive_being_written() {
    let first = ScenarioFile::from(&scenario("storage = \"bf16\"\ncompute = \"f32\""));
    let read = serde_json::to_string(&first).and_then(|text| serde_json::from_str(&text));
    let read: ScenarioFile = read.expect("the same form");
    let second = read.scenario().expect("a complete scenario");
    assert_eq!(second.recipe.storage, Some(FloatFormat::Bf16));
    assert_eq!(second.recipe.compute, Some(FloatFormat::F32));
    let wrong = ScenarioFile {
        storage: Some("f8".into()),
        ..read
    };
    let error = wrong.scenario().expect_err("no such format").to_string();
    assert!(
        error.contains("unknown format `f8`: expected one of bf16, f16, f32"),
        "{error}"
    );
}
