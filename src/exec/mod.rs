//! Running a step in an arithmetic.
//!
//! A `Plan` puts the nodes of a [`StepGraph`](crate::graph::StepGraph) in order and gives each
//! a buffer for given [`Sizes`]; a [`Machine`] evaluates the plan in one arithmetic, step after
//! step, from given [`Values`]; [`Machine::walk`] goes along a run, and [`run`] records it as a
//! [`Trajectory`]. [`random`] draws problems as pure functions of shape and seed.
//!
//! # The order of operations is part of the specification
//! - An entry of a matrix product: the products in the order of the inner index, each rounded,
//!   added from left to right beginning with the first product. No fused multiply-add.
//! - A sum: the entries from left to right, then from top to bottom, beginning with the first.
//! - The empty sum and the empty product are `+0`.
//! - A row maximum: from left to right, the earlier entry where two are equal.
//! - Everything else is elementwise; a dimension of size 1 is repeated.
//!
//! # Entries without a value
//! An operation may have no answer at an entry: a division by zero, a result that overflows, a
//! sign in the prime field. Such an entry is *undefined*, and so is what is computed from it;
//! a `select` drops what it does not take. Nothing else stops. Only when an undefined entry
//! reaches the loss, an output, a next parameter or a next state does the run end, with the
//! first cause: [`ExecError::Operation`] names the node, the step and the entry.
//!
//! This room uses `arith` and `graph`, nothing else. It does not know optimizers or symmetries,
//! it never judges whether two numbers are close, and it has no fast kernel that changes the
//! order above.

mod buffer;
mod decision;
mod error;
mod evaluate;
mod kernels;
mod load;
mod machine;
mod matrix;
mod options;
mod plan;
pub mod random;
mod schedule;
mod trajectory;
mod values;
mod walk;

#[cfg(test)]
mod tests;

pub use decision::{Branch, Decision, decisions};
pub use error::ExecError;
pub use machine::{Machine, Perturb};
#[cfg(feature = "mp")]
pub(crate) use matrix::inverse;
pub use options::{Keep, Options, Outputs};
pub(crate) use plan::Plan;
pub use schedule::MAX_ENTRIES;
pub use trajectory::{Trajectory, run};
pub use values::{Sizes, Tensor, TensorError, Values};
