//! The results of a precision study as plain data: for programs as they stand, for people through
//! `report`.
//!
//! # What drift is
//! The rule says that a quantity x of one run is c·x in the rescaled run. After t steps the
//! *drift* of x is the largest |x'ᵢⱼ − c·xᵢⱼ| divided by the largest |c·xᵢⱼ| of the left float run,
//! where `loss` and the outputs (`W`) are those that the step itself computes in the format from
//! the parameters after t steps. 0/0 is 0. Where only the divisor is 0 there is no relative
//! drift. A row's drift is the largest after 0, 1, … steps.
//!
//! # What is assumed
//! Every operation rounds to nearest, ties to even, with gradual underflow. What flushes subnormal
//! numbers to zero, or computes in shorter formats than it says, is not covered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::exactness::ExponentRange;
pub use super::magnitude::{Magnitude, Side};
pub use crate::scenario::Split;

/// A number, or why there is none.
pub type Bound = Result<Magnitude, String>;

/// The larger of two bounds; where one could not be had, that one.
fn larger(x: Bound, y: Bound) -> Bound {
    Ok(x?.max(y?))
}

/// A measured drift, enclosed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The drift rounded up, and the digits are sure.
    pub up: Magnitude,
    /// A lower bound, close to it.
    pub down: Magnitude,
}

/// The bounds on one quantity's drift after one number of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bounds<B> {
    /// The bound from the enclosure of every operation by itself; any order of summation.
    pub enclosure: B,
    /// The certified bound, of first order with certified remainder; any order of summation, fused
    /// or not, and another one in every step.
    pub certified: B,
    /// The same for the stated order of operations.
    pub certified_stated: B,
    /// The bound that holds with a probability and is no certificate (Higham and Mary 2019): with
    /// that probability no bound of this kind is exceeded, of any quantity at any time, where
    /// elementary errors are independent and have mean zero. At most the certified one for the
    /// stated order.
    pub probabilistic: B,
    /// A lower bound on what the error model can reach, by roundings chosen to hurt.
    pub adversarial: B,
}

impl Bounds<Bound> {
    /// No bounds, for one reason.
    pub fn none(why: &str) -> Self {
        let none = || Err(why.to_owned());
        Self {
            enclosure: none(),
            certified: none(),
            certified_stated: none(),
            probabilistic: none(),
            adversarial: none(),
        }
    }

    /// The larger of each.
    pub fn max(self, other: Self) -> Self {
        Self {
            enclosure: larger(self.enclosure, other.enclosure),
            certified: larger(self.certified, other.certified),
            certified_stated: larger(self.certified_stated, other.certified_stated),
            probabilistic: larger(self.probabilistic, other.probabilistic),
            adversarial: larger(self.adversarial, other.adversarial),
        }
    }
}

/// The end of a certificate: from this step on nothing is certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The number of the step, from 1.
    pub step: u64,
    /// The node whose branch may fall either way; empty where the reason has no place.
    pub node: String,
    /// The row and column, from 0.
    pub entry: (usize, usize),
    /// The reason in words.
    pub why: String,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} steps", self.step.saturating_sub(1))?;
        if !self.node.is_empty() {
            let (row, col) = self.entry;
            write!(f, ", `{}` at row {row}, column {col}", self.node)?;
        }
        write!(f, ": {}", self.why)
    }
}

/// The assumption of the probabilistic bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// Higham and Mary's λ, as a decimal.
    pub lambda: String,
    /// The probability with which any of the probabilistic bounds fails at most, in any entry, of any
    /// quantity, after any number of steps.
    pub failure_probability: String,
}

/// A decision that fell differently in two runs although the rule says that it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump {
    /// The number of the step in which it fell, from 1.
    pub step: u64,
    /// The node that decides.
    pub node: String,
    /// The row and column, from 0.
    pub entry: (usize, usize),
    /// The left run's decision: a sign, or which side.
    pub left: String,
    /// The right run's decision.
    pub right: String,
    /// The value that was decided upon in the left run.
    pub left_value: String,
    /// The same in the right run.
    pub right_value: String,
}

/// One quantity of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// The factor by which it is multiplied from the left run to the right one.
    pub factor: String,
    /// The largest drift after 0, 1, … steps.
    pub measured: Result<Drift, String>,
    /// Bounds on it.
    pub bounds: Bounds<Bound>,
    /// The drift after each number of steps, from 0.
    pub by_step: Vec<Option<Magnitude>>,
    /// The certified bound after each number of steps, from 0.
    pub certified_by_step: Vec<Option<Magnitude>>,
}

/// The distance of each run from its own exact trajectory, at most; enclosed at a higher
/// precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnErrors {
    /// The left run, by quantity.
    pub left: BTreeMap<String, Bound>,
    /// The right run.
    pub right: BTreeMap<String, Bound>,
}

/// One arithmetic, one k, one number of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The arithmetic's name.
    pub arith: String,
    /// Its significand bits.
    pub precision: u32,
    /// The factor k, exactly.
    pub k: String,
    /// A number near k, for figures.
    pub k_near: f64,
    /// The split of k between the factors.
    pub split: Split,
    /// The number of steps.
    pub steps: usize,
    /// By quantity: `loss`, the outputs and every trained tensor.
    pub quantities: BTreeMap<String, Quantity>,
    /// Certified bound over measured drift of [`Study::leading`].
    pub ratio: Bound,
    /// True where every quantity was multiplied by its factor exactly after every step.
    pub bit_equal: bool,
    /// The number of bits of [`Study::leading`] that the two runs share, rounded down; none where they
    /// share all.
    pub bits_left: Option<f64>,
    /// The factor by which the drift of [`Study::leading`] grows with each step, fitted.
    pub growth_per_step: Option<f64>,
    /// Each run's distance from its exact trajectory.
    pub own_errors: OwnErrors,
    /// The place where the certificate ends.
    pub ending: Option<Ending>,
    /// The number of decisions that fell differently.
    pub jump_count: usize,
    /// The first of them, by step.
    pub jumps: Vec<Jump>,
    /// The powers of two for which nothing is rounded differently.
    pub bit_exact: Result<ExponentRange, String>,
    /// The assumption of the probabilistic bound.
    pub probability: Option<Probability>,
}

/// A slope with its certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The factor k.
    pub k: String,
    /// `measured` or `certified`.
    pub of: String,
    /// Precision and log₂ of the drift (its enclosure), for each arithmetic that was used.
    pub points: Vec<(u32, (f64, f64))>,
    /// The least-squares slope of log₂ drift against precision lies in this interval.
    pub slope: (f64, f64),
    /// The line's value at precision 0, for drawing.
    pub intercept: f64,
}

/// The precision that is enough for a wanted agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enough {
    /// The factor k.
    pub k: String,
    /// The number of bits of the leading quantity that are to agree.
    pub wanted: u32,
    /// The least precise of the arithmetics in which they do, as measured.
    pub measured: Option<String>,
    /// The least precise in which they certainly do, in any order of summation.
    pub certified: Option<String>,
    /// The bits at which the line through the measured drifts reaches the wanted agreement.
    pub fitted_bits: Option<u32>,
    /// The first `mp:BITS` near there in which a run did.
    pub tried_bits: Option<u32>,
}

/// The training in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The scenario's name.
    pub name: String,
    /// The network.
    pub model: String,
    /// The loss.
    pub loss: String,
    /// The optimizer.
    pub optimizer: String,
    /// The size of each dimension.
    pub sizes: BTreeMap<String, usize>,
    /// The distance that the entries of a tensor may have from the given ones, where they may.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges: BTreeMap<String, String>,
}

/// A study: all that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// The training.
    pub scenario: Summary,
    /// The quantity that ratio, bits and slope are about: `W`, or the loss where there is none.
    pub leading: String,
    /// The rows: factors, within them arithmetics, within them numbers of steps.
    pub rows: Vec<Row>,
    /// Slopes of log₂ drift against precision.
    pub fits: Vec<Fit>,
    /// The precision that is enough, for each k.
    pub enough: Vec<Enough>,
    /// The command that reproduces the study.
    pub reproduce: String,
}
