//! The initialisation schemes against PEFT's own: which start value is zero, and the power of
//! alpha in each, and whether the network is the same before the first step whatever alpha is.
//! `tests/peft/README.md` says how the record was made.

use std::collections::BTreeMap;
use std::path::Path;

#[cfg(feature = "mp")]
use lora_gauge::arith::Rational;
use lora_gauge::arith::{Arithmetic, F64, Surd};
use lora_gauge::audit::{builtin, judge};
use lora_gauge::exec::random::{self, Draw};
use lora_gauge::exec::{Options, Outputs, Sizes, Tensor, Values, run};
use lora_gauge::graph::{Expr, StepBuilder, StepGraph};
#[cfg(feature = "mp")]
use lora_gauge::zoo::initializers::First;
use lora_gauge::zoo::initializers::{INITIALIZERS, Initializer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    rank: f64,
    schemes: BTreeMap<String, Scheme>,
    eva_redistributed: BTreeMap<String, BTreeMap<String, Layer>>,
}

#[derive(Deserialize)]
struct Layer {
    rank: f64,
    alpha: f64,
    scaling: f64,
}

#[derive(Deserialize)]
struct Scheme {
    zero: Vec<String>,
    power_of_alpha: BTreeMap<String, String>,
    #[cfg_attr(not(feature = "mp"), allow(dead_code))]
    network: String,
}

/// What PEFT cannot build without a GPU.
const NOT_TRIED: &[&str] = &["loftq"];

/// What PEFT makes of LoftQ by its source, `peft/utils/loftq_utils.py`: A, B and the quantised
/// weight are formed without the scaling.
fn of_loftq() -> Scheme {
    let power = |name: &str| (name.to_owned(), "0".to_owned());
    Scheme {
        zero: vec![],
        power_of_alpha: STARTS.map(power).into(),
        network: "moves".to_owned(),
    }
}

fn record() -> Record {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peft/initialisation.json");
    let text = std::fs::read_to_string(path).expect("the record is there");
    let mut record: Record = serde_json::from_str(&text).expect("a readable record");
    for name in NOT_TRIED {
        let known = record.schemes.insert((*name).to_owned(), of_loftq());
        assert!(known.is_none(), "{name} was tried after all");
    }
    record
}

const STARTS: [&str; 3] = ["A0", "B0", "W0"];

/// The scheme as a step, and the values from which it starts at the scale `s`.
fn prepared(scheme: &Initializer, s: i64) -> (StepGraph, Sizes, Values) {
    let builder = StepBuilder::new();
    let initial = (scheme.build)(&builder);
    for (name, value) in STARTS.into_iter().zip([initial.a, initial.b, initial.w0]) {
        builder.output(name, value);
    }
    let network = initial.w0 + scale(&builder) * initial.b.matmul(initial.a);
    builder.output("network", network);
    builder.set_loss(builder.ratio(0, 1));
    let step = builder.finish().expect("a step");
    let sizes = Sizes::from([("n_in", 5), ("n_out", 3), ("r", 2), ("half_r", 1)]);
    let mut values = random::values(&step, &sizes, 1, |_| Draw::default()).expect("sizes");
    let mut set = |name: &str, rows: usize, cols: usize, entries: &[f64]| {
        if step.graph.leaf(name).is_some() {
            let tensor = Tensor::new(rows, cols, entries.to_vec()).expect("so many values");
            values.set_tensor(name, tensor);
        }
    };
    // Singular values are not negative; the roots of these are rational.
    set("sigma", 2, 1, &[9.0, 0.25]);
    // Rows at right angles.
    set("odd_rows", 1, 2, &[3.0, 4.0]);
    set("even_rows", 1, 2, &[-4.0, 3.0]);
    values.set_scalar("s", Surd::from(s));
    (step, sizes, values)
}

/// The scaling, which not every scheme has in its formulas.
fn scale(builder: &StepBuilder) -> Expr<'_> {
    builder.hyperparameter("s", "s", false)
}

/// The start values at the scale `s`, entry by entry.
fn start<A: Arithmetic>(
    arithmetic: A,
    scheme: &Initializer,
    s: i64,
) -> BTreeMap<String, Vec<A::Elem>> {
    let (step, sizes, values) = prepared(scheme, s);
    let all = Options {
        outputs: Outputs::All,
        ..Options::default()
    };
    let run = run(arithmetic, &step, &sizes, &values, 0, &all).expect("a run");
    let entries = |name: &str| run.outputs[name][0].iter().cloned().collect();
    let names = STARTS.into_iter().chain(["network"]);
    names.map(|name| (name.to_owned(), entries(name))).collect()
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
        let runs = [1, 4, 16].map(|s| start(F64, scheme, s));
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

/// The network at s = 1, 4 and 16 in exact arithmetic: the same where PEFT's is.
#[test]
#[cfg(feature = "mp")]
fn the_network_before_the_first_step_is_the_one_that_is_said() {
    let record = record();
    for scheme in INITIALIZERS {
        let networks = [1, 4, 16].map(|s| {
            let mut values = start(Rational, scheme, s);
            values.remove("network").expect("an output")
        });
        let same = networks[0] == networks[1] && networks[1] == networks[2];
        assert_eq!(same, scheme.first == First::Kept, "{}", scheme.name);
        let peft = &record.schemes[scheme.name];
        assert_eq!(same, peft.network == "kept", "{} in PEFT", scheme.name);
    }
}

/// What EVA makes of alpha where it shares ranks out anew, as the remark says.
#[test]
fn eva_keeps_alpha_over_the_rank() {
    let record = record();
    assert_eq!(record.eva_redistributed.len(), 3);
    for (alpha, layers) in &record.eva_redistributed {
        let alpha: f64 = alpha.parse().expect("a number");
        assert!(layers.values().any(|layer| layer.rank != record.rank));
        for layer in layers.values() {
            assert_eq!(layer.alpha, alpha * layer.rank / record.rank);
            assert_eq!(layer.scaling, alpha / record.rank);
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
