//! Witness files: two runs, what was said of them, and what was found instead.

use serde::{Deserialize, Serialize};

use crate::arith::{
    Arithmetic, ArithmeticName, UnknownArithmetic, WithArithmetic, with_arithmetic,
};
use crate::scenario::{CheckError, Difference, Outcome, Property, Scenario, check};

/// The exact arithmetic of this build: the rationals, or the prime field without GMP. In both a
/// difference refutes an identity; equality in the prime field alone does not prove one.
pub fn exact_arithmetic() -> ArithmeticName {
    if cfg!(feature = "mp") {
        ArithmeticName::Rational
    } else {
        ArithmeticName::Prime
    }
}

/// What contradicts the property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// An observable differs.
    Differs(Difference),
    /// An observable has no value.
    Undefined {
        /// How many steps had been taken.
        after_steps: usize,
        /// `left` or `right`.
        side: String,
        /// Which node, step and entry, and why.
        reason: String,
    },
    /// Something else that a property of a campaign rules out.
    Contradicts {
        /// What it is, in words.
        says: String,
        /// Where, if there is a place.
        place: Option<Place>,
    },
}

/// Where two things that should agree do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// How many steps had been taken.
    pub after_steps: usize,
    /// The node or quantity.
    pub quantity: String,
    /// The entry (row, column), from 0.
    pub entry: (usize, usize),
    /// What is there on the left.
    pub left: String,
    /// What is there on the right.
    pub right: String,
}

impl Finding {
    /// What an outcome contradicts; `None` where it contradicts nothing.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Fails(difference) => Some(Self::Differs(difference.clone())),
            Outcome::Undefined {
                after_steps,
                side,
                error,
            } => Some(Self::Undefined {
                after_steps: *after_steps,
                side: (*side).to_owned(),
                reason: error.to_string(),
            }),
            Outcome::Holds { .. } | Outcome::PremiseFails(_) | Outcome::Undecided(_) => None,
        }
    }

    /// The finding in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Differs(d) => format!(
                "after {} step{}, {} at row {}, column {} is {} on the left and {} on the right; the difference is {}",
                d.after_steps,
                if d.after_steps == 1 { "" } else { "s" },
                d.quantity,
                d.entry.0,
                d.entry.1,
                d.left,
                d.right,
                d.difference
            ),
            Self::Undefined {
                after_steps,
                side,
                reason,
            } => {
                format!("after {after_steps} steps, on the {side}: {reason}")
            }
            Self::Contradicts { says, place: None } => says.clone(),
            Self::Contradicts {
                says,
                place: Some(p),
            } => format!(
                "{says}: in step {}, {} at row {}, column {} is {} on the left and {} on the right",
                p.after_steps + 1,
                p.quantity,
                p.entry.0,
                p.entry.1,
                p.left,
                p.right
            ),
        }
    }
}

/// Why two runs cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WitnessError {
    /// The arithmetic is unknown or not built.
    #[error("field `arithmetic`: {0}")]
    Arithmetic(#[from] UnknownArithmetic),
    /// The runs could not be carried through.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// What was found now; `None` when nothing contradicts the property on the two runs.
    pub found: Option<Finding>,
    /// Where it cannot be told whether the property holds, in words.
    pub doubt: Option<String>,
    /// Of a campaign's case, the first node of all at which the two runs differ.
    pub first_node: Option<Place>,
    /// Whether that is exactly what the file says.
    pub agrees: bool,
}

struct CheckTask<'a> {
    property: &'a Property,
    left: &'a Scenario,
    right: &'a Scenario,
    steps: usize,
}

impl WithArithmetic for CheckTask<'_> {
    type Output = Result<Outcome, CheckError>;
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        check(&ctx, self.property, self.left, self.right, self.steps)
    }
}

/// Checks a property on two runs in the arithmetic called `name`.
///
/// # Errors
/// [`WitnessError::Arithmetic`] or [`WitnessError::Check`].
pub(crate) fn check_in(
    name: ArithmeticName,
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Outcome, WitnessError> {
    Ok(with_arithmetic(
        name,
        CheckTask {
            property,
            left,
            right,
            steps,
        },
    )??)
}

/// Checks a property on two runs in [`exact_arithmetic`].
///
/// # Errors
/// [`WitnessError::Check`] when a run cannot be carried through.
pub fn check_exactly(
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Outcome, WitnessError> {
    check_in(exact_arithmetic(), property, left, right, steps)
}
