//! Why a bound cannot be had, and where a certificate ends.

use crate::arith::OpError;
use crate::bound::study::Ending;
use crate::exec::ExecError;
use crate::graph::GraphError;
use crate::zoo::RecipeError;

/// The reason why a run has no certified bound at all.
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
        /// Their number.
        carried: usize,
    },
}

impl Ending {
    /// After `taken` steps, for a reason without a place.
    pub(super) fn plain(taken: usize, why: String) -> Self {
        Self {
            step: taken as u64 + 1,
            node: String::new(),
            entry: (0, 0),
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
                node: node.clone(),
                entry: *entry,
                ..Self::plain(taken, source.to_string())
            },
            other => Self::plain(taken, other.to_string()),
        }
    }
}
