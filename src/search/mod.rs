//! Looking for counterexamples, keeping what was found, and judging it again.
//!
//! [`hunt`] draws small exact runs with proptest, smallest shapes first, and shrinks what
//! breaks a property; a [`Witness`] is the found pair of runs as a file that needs nothing
//! else; [`Witness::replay`] judges it anew.
//!
//! This room decides nothing about claims and never touches the disk.

mod case;
mod hunt;
mod witness;

pub use case::{Case, Start, cases};
pub use hunt::{Found, Hunt, HuntError, Hunted, hunt};
pub use witness::{Finding, Replay, Witness, WitnessError, check_exactly, exact_arithmetic};
