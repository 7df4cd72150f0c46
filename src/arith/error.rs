//! The reasons for which an operation has no answer.

use super::ArithmeticName;

/// The reason for which an operation produced no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// The operation has no value at these operands in any arithmetic.
    #[error("undefined: {0}")]
    Undefined(&'static str),
    /// There is such a number, but it is no element of this arithmetic.
    #[error("no value in this arithmetic: {0}")]
    NotHeld(&'static str),
    /// This arithmetic does not have the operation at all.
    #[error("{arithmetic} arithmetic has no {operation}")]
    Unsupported {
        /// The operation, in words.
        operation: &'static str,
        /// The arithmetic that lacks it.
        arithmetic: ArithmeticName,
    },
    /// The arithmetic holds too little information to answer.
    #[error("undecided: {0}")]
    Undecided(&'static str),
    /// The result is beyond the largest finite number.
    #[error("overflow: the result is not a finite {0} number")]
    Overflow(ArithmeticName),
}
