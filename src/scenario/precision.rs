//! The settings of a precision study as they are stored: the table `[precision]` of a scenario.

use num_traits::Signed;
use serde::{Deserialize, Serialize};

use super::{Exact, ScenarioError, Split};
use crate::arith::{ArithmeticName, Ratio, Surd};

/// The table `[precision]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionFile {
    /// The arithmetics in which the runs are compared.
    #[serde(default = "arithmetics")]
    pub arithmetics: Vec<String>,
    /// The factors, rational and positive.
    #[serde(default = "three")]
    pub k: Vec<Exact>,
    /// The split of each factor between A and B.
    #[serde(default)]
    pub split: Split,
    /// The numbers of steps after which there is a row; the largest is run. The scenario's `steps` when
    /// absent.
    #[serde(default)]
    pub steps: Vec<usize>,
    /// Precisions of `mp` against which the slope of the drift is fitted.
    #[serde(default = "against_bits")]
    pub against_bits: Vec<u32>,
    /// The number of bits of the weight that are to agree, for which a precision is looked for.
    #[serde(default = "wanted")]
    pub wanted: u32,
}

fn arithmetics() -> Vec<String> {
    ["f32", "f64", "bf16", "mp:113", "mp:256", "mp:1024"]
        .map(str::to_owned)
        .to_vec()
}
fn three() -> Vec<Exact> {
    vec![Exact(Surd::from(3))]
}
fn against_bits() -> Vec<u32> {
    vec![24, 53, 113, 256, 512, 1024]
}
fn wanted() -> u32 {
    16
}

impl Default for PrecisionFile {
    fn default() -> Self {
        Self {
            arithmetics: arithmetics(),
            k: three(),
            split: Split::default(),
            steps: vec![],
            against_bits: against_bits(),
            wanted: wanted(),
        }
    }
}

/// The largest precision of a study: more digits are a test of patience.
const MOST_BITS: u32 = 1 << 16;
/// The largest number of steps, likewise.
const MOST_STEPS: usize = 100_000;

impl PrecisionFile {
    /// The arithmetics by name, each one that rounds.
    ///
    /// # Errors
    /// [`ScenarioError::Field`] for an unknown name, an arithmetic that does not round, and
    /// digits beyond reason.
    pub fn arithmetics(&self) -> Result<Vec<ArithmeticName>, ScenarioError> {
        let name = |(i, text): (usize, &String)| {
            let field = format!("precision.arithmetics[{i}]");
            let name: ArithmeticName = text.parse().map_err(|e| ScenarioError::field(&field, e))?;
            match name {
                ArithmeticName::Rational
                | ArithmeticName::Prime
                | ArithmeticName::IntervalF64
                | ArithmeticName::Other(_)
                | ArithmeticName::Interval(_) => Err(ScenarioError::field(
                    &field,
                    format!(
                        "found `{text}`, which does not round: expected a format such as f32 or mp:256"
                    ),
                )),
                ArithmeticName::Mp(bits) => check_bits(&field, bits).map(|_| name),
                _ => Ok(name),
            }
        };
        let names = self.arithmetics.iter().enumerate().map(name);
        let names: Vec<ArithmeticName> = names.collect::<Result<_, _>>()?;
        filled("precision.arithmetics", names)
    }

    /// The factors.
    ///
    /// # Errors
    /// [`ScenarioError::Field`] for one that is not rational or not positive.
    pub fn factors(&self) -> Result<Vec<Ratio>, ScenarioError> {
        let factor = |(i, k): (usize, &Exact)| match k.0.as_ratio() {
            Some(q) if q.is_positive() => Ok(q.clone()),
            _ => Err(ScenarioError::field(
                format!("precision.k[{i}]"),
                format!("found {}, expected a positive rational number", k.0),
            )),
        };
        let factors: Vec<Ratio> = self
            .k
            .iter()
            .enumerate()
            .map(factor)
            .collect::<Result<_, _>>()?;
        filled("precision.k", factors)
    }

    /// The numbers of steps, ascending, each once; `own` where the file names none.
    ///
    /// # Errors
    /// [`ScenarioError::Field`] for a number beyond reason.
    pub fn steps(&self, own: usize) -> Result<Vec<usize>, ScenarioError> {
        let mut steps = self.steps.clone();
        if steps.is_empty() {
            steps.push(own);
        }
        steps.sort_unstable();
        steps.dedup();
        match steps.last() {
            Some(most) if *most > MOST_STEPS => Err(ScenarioError::field(
                "precision.steps",
                format!("found {most}, expected at most {MOST_STEPS}"),
            )),
            _ => Ok(steps),
        }
    }

    /// The precisions for the slope, ascending, each once.
    ///
    /// # Errors
    /// [`ScenarioError::Field`] for digits beyond reason.
    pub fn against_bits(&self) -> Result<Vec<u32>, ScenarioError> {
        for (i, bits) in self.against_bits.iter().enumerate() {
            check_bits(&format!("precision.against_bits[{i}]"), *bits)?;
        }
        let mut bits = self.against_bits.clone();
        bits.sort_unstable();
        bits.dedup();
        Ok(bits)
    }
}

fn check_bits(field: &str, bits: u32) -> Result<u32, ScenarioError> {
    match bits {
        2..=MOST_BITS => Ok(bits),
        _ => Err(ScenarioError::field(
            field,
            format!("found {bits} bits, expected 2 to {MOST_BITS}"),
        )),
    }
}

fn filled<T>(field: &str, list: Vec<T>) -> Result<Vec<T>, ScenarioError> {
    match list.is_empty() {
        true => Err(ScenarioError::field(
            field,
            "found an empty list, expected at least one",
        )),
        false => Ok(list),
    }
}
