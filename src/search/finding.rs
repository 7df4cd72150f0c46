//! The finding that a witness records.

use serde::{Deserialize, Serialize};

use crate::scenario::{Difference, Outcome};

/// The contradiction to the property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// An observable differs.
    Differs(Difference),
    /// An observable has no value.
    Undefined {
        /// The number of steps that had been taken.
        after_steps: usize,
        /// `left` or `right`.
        side: String,
        /// The node, step and entry without a value, and the reason.
        reason: String,
    },
    /// Something else that a property of a campaign rules out.
    Contradicts {
        /// The contradiction in words.
        says: String,
        /// Its place, if there is one.
        place: Option<Place>,
    },
}

/// The place at which two things that should agree do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The number of steps that had been taken.
    pub after_steps: usize,
    /// The node or quantity.
    pub quantity: String,
    /// The entry (row, column), from 0.
    pub entry: (usize, usize),
    /// The value on the left.
    pub left: String,
    /// The value on the right.
    pub right: String,
}

impl Finding {
    /// The contradiction in an outcome; `None` where there is none.
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
