//! Why a bound cannot be had, and where a certificate ends.

use serde::Serialize;

use crate::arith::OpError;
use crate::exec::ExecError;
use crate::graph::GraphError;
use crate::zoo::RecipeError;

/// Why a run has no certified bound at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BoundError {
    /// The arithmetic does not round to nearest.
    #[error("{0} is no float format that rounds to nearest")]
    NoFormat(crate::arith::ArithmeticName),
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A node has no derivative.
    #[error("a rounding cannot be followed: {0}")]
    Graph(#[from] GraphError),
    /// A run cannot begin, or a value cannot be read.
    #[error(transparent)]
    Run(#[from] ExecError),
    /// An operation of the analysis has no answer.
    #[error(transparent)]
    Operation(#[from] OpError),
    /// Nothing is known of how a node passes a change of its operand on.
    #[error("nothing is known of how `{node}` passes a change on")]
    UnknownSlope {
        /// The node.
        node: String,
    },
    /// The value of a node is needed that the run has not kept.
    #[error("the value of `{node}` is not kept")]
    NotKept {
        /// The node.
        node: String,
    },
    /// A state whose first value is computed from inputs that fill a range.
    #[error("the first value of `state.{state}` is computed from inputs that fill a range")]
    RangedState {
        /// The state.
        state: String,
    },
    /// Too many numbers are carried from step to step.
    #[error(
        "{carried} numbers are carried from step to step; at most {} are enclosed",
        super::MAX_CARRIED
    )]
    TooLarge {
        /// How many.
        carried: usize,
    },
}

/// Where a certificate ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// The number of steps that were enclosed before.
    pub after_steps: usize,
    /// The node, where there is one.
    pub node: Option<String>,
    /// Its entry (row, column), from 0.
    pub entry: Option<(usize, usize)>,
    /// What is in doubt there.
    pub why: String,
}

impl Ending {
    /// After `taken` steps, for a reason without a place.
    pub(super) fn plain(taken: usize, why: String) -> Self {
        Self {
            after_steps: taken,
            node: None,
            entry: None,
            why,
        }
    }

    /// The end of a run in which an operation has no sure answer.
    pub(super) fn of(error: &ExecError, taken: usize) -> Self {
        match error {
            ExecError::Operation {
                node,
                entry,
                source,
                ..
            } => Self {
                after_steps: taken,
                node: Some(node.clone()),
                entry: Some(*entry),
                why: source.to_string(),
            },
            other => Self::plain(taken, other.to_string()),
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} steps", self.after_steps)?;
        if let (Some(node), Some((row, col))) = (&self.node, self.entry) {
            write!(f, ", `{node}` at row {row}, column {col}")?;
        }
        write!(f, ": {}", self.why)
    }
}
