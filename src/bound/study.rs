//! What a precision study found, as plain data: for programs as it stands, for people through
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

pub use super::magnitude::{Magnitude, Side};

/// A number, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The number.
    pub value: Option<Magnitude>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Bound {
    /// A number that could be had.
    pub fn of(value: Magnitude) -> Self {
        Self {
            value: Some(value),
            why: None,
        }
    }

    /// No number, and why.
    pub fn none(why: impl Into<String>) -> Self {
        Self {
            value: None,
            why: Some(why.into()),
        }
    }

    /// The larger of two; where one could not be had, that one.
    pub fn max(self, other: Self) -> Self {
        match (self.value, other.value) {
            (Some(x), Some(y)) => Self::of(x.max(y)),
            (None, _) => Self {
                value: None,
                why: self.why,
            },
            (_, None) => Self {
                value: None,
                why: other.why,
            },
        }
    }
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
pub struct QuantityBounds {
    /// All roundings enclosed in intervals; any order of summation.
    pub enclosure: Bound,
    /// First order with certified remainder; any order of summation, fused or not, and another
    /// one in every step.
    pub certified: Bound,
    /// The same for the stated order of operations.
    pub certified_stated: Bound,
    /// Likely, not certain (Higham and Mary 2019).
    pub probabilistic: Bound,
    /// A lower bound on what the error model can reach, by roundings chosen to hurt.
    pub adversarial: Bound,
}

impl QuantityBounds {
    /// Nothing could be had, for one reason.
    pub fn none(why: &str) -> Self {
        Self {
            enclosure: Bound::none(why),
            certified: Bound::none(why),
            certified_stated: Bound::none(why),
            probabilistic: Bound::none(why),
            adversarial: Bound::none(why),
        }
    }

    /// The larger of each.
    pub fn max(self, other: Self) -> Self {
        Self {
            enclosure: self.enclosure.max(other.enclosure),
            certified: self.certified.max(other.certified),
            certified_stated: self.certified_stated.max(other.certified_stated),
            probabilistic: self.probabilistic.max(other.probabilistic),
            adversarial: self.adversarial.max(other.adversarial),
        }
    }
}

/// Where a certificate ends: from this step on nothing is certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The number of the step, from 1.
    pub step: u64,
    /// The node whose branch may fall either way.
    pub node: String,
    /// Row and column, from 0.
    pub entry: (usize, usize),
    /// In words.
    pub why: String,
}

/// What the probabilistic bound assumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// Higham and Mary's λ, as a decimal.
    pub lambda: String,
    /// The probability with which any of the likely bounds fails at most, in any entry, of any
    /// quantity, after any number of steps.
    pub failure_probability: String,
}

/// The bounds on two runs, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundSet {
    /// After each number of steps that was asked for: the bounds by quantity, on the drift after
    /// exactly so many steps.
    pub after: BTreeMap<usize, BTreeMap<String, QuantityBounds>>,
    /// Where the certificate ends, if it does.
    pub ending: Option<Ending>,
    /// What the probabilistic bound assumes; none where there is no such bound.
    pub probability: Option<Probability>,
}

/// A decision that fell differently in two runs although the rule says that it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump {
    /// The number of the step in which it fell, from 1.
    pub step: u64,
    /// The node that decides.
    pub node: String,
    /// Row and column, from 0.
    pub entry: (usize, usize),
    /// The left run's decision: a sign, or which side.
    pub left: String,
    /// The right run's decision.
    pub right: String,
    /// What was decided upon in the left run.
    pub left_value: String,
    /// The same in the right run.
    pub right_value: String,
}

/// One quantity of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// What it is multiplied by from the left run to the right one.
    pub factor: String,
    /// The largest drift after 0, 1, … steps.
    pub measured: Result<Drift, String>,
    /// Bounds on it.
    pub bounds: QuantityBounds,
    /// The drift after each number of steps, from 0.
    pub by_step: Vec<Option<Magnitude>>,
    /// The certified bound (any order) after each number of steps, from 0.
    pub certified_by_step: Vec<Option<Magnitude>>,
}

/// How far each run is from its own exact trajectory, at most; enclosed at a higher precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnErrors {
    /// The left run, by quantity.
    pub left: BTreeMap<String, Bound>,
    /// The right run.
    pub right: BTreeMap<String, Bound>,
}

/// The exponents n for which k = 2ⁿ gives the same bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactExponents {
    /// `sqrt` or `b`.
    pub split: String,
    /// The first; none where nothing limits them.
    pub from: Option<i64>,
    /// The last; none where nothing limits them.
    pub to: Option<i64>,
    /// The distance of two neighbours: 2 where √k must be a power of two.
    pub every: i64,
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
    /// How k is shared between the factors: `sqrt`, `b` or `a`.
    pub split: String,
    /// The number of steps.
    pub steps: usize,
    /// By quantity: `loss`, the outputs and every trained tensor.
    pub quantities: BTreeMap<String, Quantity>,
    /// Certified bound over measured drift of [`Study::leading`].
    pub ratio: Bound,
    /// Whether every quantity was multiplied by its factor exactly after every step.
    pub bit_equal: bool,
    /// How many bits of [`Study::leading`] the two runs share, rounded down; none where they
    /// share all.
    pub bits_left: Option<f64>,
    /// By what factor the drift of [`Study::leading`] grows with each step, fitted.
    pub growth_per_step: Option<f64>,
    /// Each run's distance from its exact trajectory.
    pub own_errors: OwnErrors,
    /// Where the certificate ends.
    pub ending: Option<Ending>,
    /// How many decisions fell differently.
    pub jump_count: usize,
    /// The first of them, by step.
    pub jumps: Vec<Jump>,
    /// For which powers of two nothing is rounded differently.
    pub bit_exact: Result<ExactExponents, String>,
    /// What the probabilistic bound assumes.
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

/// Which precision is enough for a wanted agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enough {
    /// The factor k.
    pub k: String,
    /// So many bits of the leading quantity are to agree.
    pub wanted: u32,
    /// The least precise of the arithmetics in which they do, as measured.
    pub measured: Option<String>,
    /// The least precise in which they certainly do, in any order of summation.
    pub certified: Option<String>,
    /// The line through the measured drifts reaches the wanted agreement at so many bits.
    pub fitted_bits: Option<u32>,
    /// The first `mp:BITS` near there in which a run did.
    pub tried_bits: Option<u32>,
}

/// What is trained, in short.
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
    /// How far the entries of a tensor may be from the given ones, where they may.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges: BTreeMap<String, String>,
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// What is trained.
    pub scenario: Summary,
    /// The quantity that ratio, bits and slope are about: `W`, or the loss where there is none.
    pub leading: String,
    /// The rows: factors, within them arithmetics, within them numbers of steps.
    pub rows: Vec<Row>,
    /// Slopes of log₂ drift against precision.
    pub fits: Vec<Fit>,
    /// Which precision is enough.
    pub enough: Vec<Enough>,
    /// The command that reproduces the study.
    pub reproduce: String,
}
