//! A precision study as JSON, in the form that scripts rely on.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words;
use crate::bound::ExponentRange;
use crate::bound::study::{
    Bound, Ending, Enough, Jump, Magnitude, Probability, Quantity, Row, Study, Summary,
};
use crate::report::ReportError;

/// By quantity: a number as text, or null.
type Numbers<'a> = BTreeMap<&'a str, Option<&'a str>>;
/// By quantity: why a number is null.
type Reasons<'a> = BTreeMap<&'a str, &'a str>;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    scenario: &'a Summary,
    leading: &'a str,
    rows: Vec<RowJson<'a>>,
    fits: Vec<FitJson<'a>>,
    enough: &'a [Enough],
    reproduce: &'a str,
}

#[derive(Serialize)]
struct RowJson<'a> {
    arith: &'a str,
    precision: u32,
    k: &'a str,
    split: &'a str,
    optimizer: &'a str,
    loss: &'a str,
    steps: usize,
    factors: BTreeMap<&'a str, &'a str>,
    drift: Numbers<'a>,
    bound: Numbers<'a>,
    bound_stated: Numbers<'a>,
    enclosure: Numbers<'a>,
    probabilistic: Numbers<'a>,
    adversarial: Numbers<'a>,
    ratio: Option<&'a str>,
    bit_equal: bool,
    bits_left: Option<String>,
    bit_exact_k_exponents: Option<&'a ExponentRange>,
    growth_per_step: Option<String>,
    own_error: OwnJson<'a>,
    certificate_ends: Option<&'a Ending>,
    jumps: JumpsJson<'a>,
    ends_before_jump: Option<i64>,
    probability: Option<&'a Probability>,
    drift_by_step: BTreeMap<&'a str, Vec<Option<&'a str>>>,
    bound_by_step: BTreeMap<&'a str, Vec<Option<&'a str>>>,
    /// For each field above that has a null: why.
    why: BTreeMap<&'static str, Reasons<'a>>,
}

#[derive(Serialize)]
struct OwnJson<'a> {
    left: Numbers<'a>,
    right: Numbers<'a>,
}

#[derive(Serialize)]
struct JumpsJson<'a> {
    count: usize,
    first: &'a [Jump],
}

#[derive(Serialize)]
struct FitJson<'a> {
    k: &'a str,
    of: &'a str,
    slope_from: String,
    slope_to: String,
    bits: Vec<u32>,
}

/// The study as indented JSON with a final newline; equal results have equal bytes.
///
/// # Errors
/// [`ReportError::Json`] when serialisation fails.
pub fn json(study: &Study) -> Result<String, ReportError> {
    let fits = study.fits.iter().map(|f| FitJson {
        k: &f.k,
        of: &f.of,
        slope_from: f.slope.0.to_string(),
        slope_to: f.slope.1.to_string(),
        bits: f.points.iter().map(|(bits, _)| *bits).collect(),
    });
    let document = Document {
        schema: "lora-gauge/precision/1",
        scenario: &study.scenario,
        leading: &study.leading,
        rows: study.rows.iter().map(|row| row_json(study, row)).collect(),
        fits: fits.collect(),
        enough: &study.enough,
        reproduce: &study.reproduce,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn row_json<'a>(study: &'a Study, row: &'a Row) -> RowJson<'a> {
    let mut why: BTreeMap<&'static str, Reasons<'a>> = BTreeMap::new();
    let mut numbers = |field: &'static str, of: &dyn Fn(&'a Quantity) -> &'a Bound| {
        bounds(
            field,
            &mut why,
            row.quantities.iter().map(|(n, q)| (n, of(q))),
        )
    };
    let bound = numbers("bound", &|q| &q.bounds.certified);
    let bound_stated = numbers("bound_stated", &|q| &q.bounds.certified_stated);
    let enclosure = numbers("enclosure", &|q| &q.bounds.enclosure);
    let probabilistic = numbers("probabilistic", &|q| &q.bounds.probabilistic);
    let adversarial = numbers("adversarial", &|q| &q.bounds.adversarial);
    let own_error = OwnJson {
        left: bounds("own_error.left", &mut why, row.own_errors.left.iter()),
        right: bounds("own_error.right", &mut why, row.own_errors.right.iter()),
    };
    let mut drift = Numbers::new();
    for (name, quantity) in &row.quantities {
        let text = quantity.measured.as_ref();
        drift.insert(name, text.ok().map(|d| d.up.text.as_str()));
        if let Err(reason) = text {
            why.entry("drift").or_default().insert(name, reason);
        }
    }
    let mut single = |field: &'static str, reason: Option<&'a str>| {
        if let Some(reason) = reason {
            why.entry(field).or_default().insert("", reason);
        }
    };
    single("ratio", row.ratio.as_ref().err().map(String::as_str));
    single(
        "bit_exact_k_exponents",
        row.bit_exact.as_ref().err().map(String::as_str),
    );
    if row.bits_left.is_none() {
        single("bits_left", Some(words::no_bits_left(study, row)));
    }
    if row.growth_per_step.is_none() {
        single("growth_per_step", Some(words::NO_GROWTH));
    }
    let texts = |all: &'a [Option<Magnitude>]| {
        all.iter()
            .map(|m| m.as_ref().map(|m| m.text.as_str()))
            .collect()
    };
    let quantities = || row.quantities.iter();
    RowJson {
        arith: &row.arith,
        precision: row.precision,
        k: &row.k,
        split: row.split.name(),
        optimizer: &study.scenario.optimizer,
        loss: &study.scenario.loss,
        steps: row.steps,
        factors: quantities()
            .map(|(n, q)| (n.as_str(), q.factor.as_str()))
            .collect(),
        drift,
        bound,
        bound_stated,
        enclosure,
        probabilistic,
        adversarial,
        ratio: row.ratio.as_ref().ok().map(|m| m.text.as_str()),
        bit_equal: row.bit_equal,
        bits_left: row.bits_left.map(|bits| format!("{bits:.1}")),
        bit_exact_k_exponents: row.bit_exact.as_ref().ok(),
        growth_per_step: row.growth_per_step.map(|g| g.to_string()),
        own_error,
        certificate_ends: row.ending.as_ref(),
        jumps: JumpsJson {
            count: row.jump_count,
            first: &row.jumps,
        },
        ends_before_jump: words::ends_before_jump(row),
        probability: row.probability.as_ref(),
        drift_by_step: quantities()
            .map(|(n, q)| (n.as_str(), texts(&q.by_step)))
            .collect(),
        bound_by_step: quantities()
            .map(|(n, q)| (n.as_str(), texts(&q.certified_by_step)))
            .collect(),
        why,
    }
}

/// The numbers by quantity; the reasons of those that are missing go to `why`.
fn bounds<'a>(
    field: &'static str,
    why: &mut BTreeMap<&'static str, Reasons<'a>>,
    all: impl Iterator<Item = (&'a String, &'a Bound)>,
) -> Numbers<'a> {
    let mut numbers = Numbers::new();
    for (name, bound) in all {
        numbers.insert(name, bound.as_ref().ok().map(|m| m.text.as_str()));
        if let Err(reason) = bound {
            why.entry(field).or_default().insert(name, reason);
        }
    }
    numbers
}
