//! Why a step cannot be run.

use crate::arith::OpError;
use crate::graph::Shape;

/// The reason for which a plan, a machine or a run ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// A leaf that the step reads was given no value.
    #[error("no value is given for `{leaf}` ({shape})")]
    MissingValue {
        /// The leaf's name.
        leaf: String,
        /// Its shape.
        shape: Shape,
    },
    /// The value of a leaf has the wrong number of rows or columns.
    #[error(
        "the value of `{leaf}` is {} × {}, expected {} × {} ({shape})",
        found.0, found.1, expected.0, expected.1
    )]
    WrongShape {
        /// The leaf's name.
        leaf: String,
        /// Its shape in named dimensions.
        shape: Shape,
        /// Rows and columns that the sizes ask for.
        expected: (usize, usize),
        /// Rows and columns that were given.
        found: (usize, usize),
    },
    /// A value was given to a node that takes none.
    #[error("`{node}` is no leaf that the step reads, so it takes no value")]
    NotRead {
        /// The node.
        node: String,
    },
    /// The sizes leave out a dimension.
    #[error("no size is given for the dimension `{dimension}` of `{node}`")]
    UnknownDimension {
        /// The dimension's name.
        dimension: String,
        /// A node that has it.
        node: String,
    },
    /// A matrix would have more than [`MAX_ENTRIES`](super::MAX_ENTRIES) entries.
    #[error(
        "`{node}` ({shape}) is too large: more than {} entries",
        super::MAX_ENTRIES
    )]
    TooLarge {
        /// The node.
        node: String,
        /// Its shape.
        shape: Shape,
    },
    /// The step contains a loss that is only known by name.
    #[error("`{node}` is an opaque loss: it can be reasoned about, not run")]
    Opaque {
        /// The node.
        node: String,
    },
    /// No output of the step has this name.
    #[error("the step has no output `{name}`; it has {known}")]
    UnknownOutput {
        /// The name that was asked for.
        name: String,
        /// The outputs there are, in words.
        known: String,
    },
    /// An undefined entry reached a result.
    #[error(
        "step {step}: `{node}` has no value at row {}, column {} (counted from 0): {source}",
        entry.0, entry.1
    )]
    Operation {
        /// The node at which the trouble began: its formula, after its name where it has one.
        node: String,
        /// The number of the step, from 1; 0 while leaves and first states are set up.
        step: u64,
        /// Row and column, both counted from 0.
        entry: (usize, usize),
        /// The fault there.
        source: OpError,
    },
}

impl ExecError {
    /// `true` if the run has no value in any arithmetic, as after a division by zero.
    pub fn is_undefined(&self) -> bool {
        matches!(
            self,
            Self::Operation {
                source: OpError::Undefined(_),
                ..
            }
        )
    }
}
