//! The initialisation schemes against PEFT's own: which start value is zero, and the power of
//! alpha in each. `tests/peft/README.md` says how the record was made.

use std::collections::BTreeMap;
use std::path::Path;

use lora_gauge::arith::{F64, Surd};
use lora_gauge::audit::{builtin, judge};
use lora_gauge::exec::random::{self, Draw};
use lora_gauge::exec::{Options, Outputs, Sizes, Tensor, run};
use lora_gauge::graph::StepBuilder;
use lora_gauge::zoo::initializers::{INITIALIZERS, Initializer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    schemes: BTreeMap<String, Scheme>,
}

#[derive(Deserialize)]
struct Scheme {
    zero: Vec<String>,
    power_of_alpha: BTreeMap<String, String>,
}

fn record() -> Record {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peft/initialisation.json");
    let text = std::fs::read_to_string(path).expect("the record is there");
    serde_json::from_str(&text).expect("a readable record")
}

const STARTS: [&str; 3] = ["A0", "B0", "W0"];

/// The start values at the scale `s`, entry by entry.
fn start(scheme: &Initializer, s: i64) -> BTreeMap<String, Vec<f64>> {
    let builder = StepBuilder::new();
    let initial = (scheme.build)(&builder);
    for (name, value) in STARTS.into_iter().zip([initial.a, initial.b, initial.w0]) {
        builder.output(name, value);
    }
    builder.set_loss(builder.ratio(0, 1));
    let step = builder.finish().expect("a step");
    let sizes = Sizes::from([("n_in", 5), ("n_out", 3), ("r", 2), ("half_r", 1)]);
    let mut values = random::values(&step, &sizes, 1, |_| Draw::default()).expect("sizes");
    if step.graph.leaf("sigma").is_some() {
        // Singular values are not negative.
        values.set_tensor(
            "sigma",
            Tensor::new(2, 1, vec![3.0, 0.7]).expect("two values"),
        );
    }
    if step.graph.leaf("s").is_some() {
        values.set_scalar("s", Surd::from(s));
    }
    let all = Options {
        outputs: Outputs::All,
        ..Options::default()
    };
    let run = run(F64, &step, &sizes, &values, 0, &all).expect("a run");
    let entries = |name: &str| run.outputs[name][0].iter().copied().collect();
    STARTS.map(|name| (name.to_owned(), entries(name))).into()
}

/// The power of s in a start value, bit by bit from s = 1, 4 and 16.
fn power(values: &[Vec<f64>; 3]) -> String {
    let powers = [
        ("-1", 0.25),
        ("-1/2", 0.5),
        ("0", 1.0),
        ("1/2", 2.0),
        ("1", 4.0),
    ];
    let fits = |factor: f64| {
        let scaled = |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| x * factor == *y);
        values.windows(2).all(|pair| scaled(&pair[0], &pair[1]))
    };
    let found = powers.iter().find(|(_, factor)| fits(*factor));
    found.map_or("none", |(name, _)| name).to_owned()
}

#[test]
fn the_formulas_do_what_peft_does() {
    let record = record();
    let known: Vec<&str> = record.schemes.keys().map(String::as_str).collect();
    for name in &known {
        assert!(
            INITIALIZERS.iter().any(|i| i.name == *name),
            "{name} is not here"
        );
    }
    for scheme in INITIALIZERS {
        let peft = record.schemes.get(scheme.name);
        let peft = peft.unwrap_or_else(|| panic!("{} was not tried in PEFT", scheme.name));
        let runs = [1, 4, 16].map(|s| start(scheme, s));
        for name in STARTS {
            let values = runs.each_ref().map(|run| run[name].clone());
            let zero = values.iter().flatten().all(|x| *x == 0.0);
            assert_eq!(
                zero,
                peft.zero.iter().any(|z| z == name),
                "{} {name}",
                scheme.name
            );
            if !zero {
                assert_eq!(
                    power(&values),
                    peft.power_of_alpha[name],
                    "{} {name}",
                    scheme.name
                );
            }
        }
    }
}

/// What the audit derives from the formulas, without running them.
#[test]
fn the_audit_derives_the_powers_that_peft_has() {
    let record = record();
    let claims = builtin().expect("well-formed built-in claims");
    let claim = claims
        .iter()
        .find(|c| c.id() == "S9")
        .expect("the claim on initialisation");
    let judgement = judge(claim).judgement;
    let table = judgement.tables.first().expect("a table of schemes");
    assert_eq!(table.rows.len(), record.schemes.len());
    for row in &table.rows {
        let peft = &record.schemes[&row[0]];
        for (name, cell) in STARTS.iter().zip(&row[1..]) {
            let expected = match peft.power_of_alpha.get(*name).map(String::as_str) {
                None => vec!["independent".to_owned()],
                Some("0") => vec!["independent".to_owned(), "s cancels".to_owned()],
                Some("none") => vec!["contains s".to_owned()],
                Some(power) => vec![format!("s^({power})")],
            };
            assert!(
                expected.contains(cell),
                "{} {name}: {cell}, not {expected:?}",
                row[0]
            );
        }
    }
}
