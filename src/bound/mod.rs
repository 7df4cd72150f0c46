//! Certified statements about rounding: the drift of two runs that should be one.
//!
//! [`Rescaling`] is a rule of weights put to work: the run to which it leads. `measured` runs
//! both and `drift` computes how far they are apart, `certified` bounds what that can be in every
//! rounding and order of summation that a float format admits, and [`exactness`] says from one run
//! for which powers of two it is 0. [`study`] is the form in which all of it is reported.
//!
//! This room uses `arith`, `graph`, `zoo`, `exec`, `scenario` and `gauge`. It looks for no
//! counterexamples, judges no claims, prints nothing and never touches files. It writes no
//! operation of a step a second time: all that it knows of a step comes from running its graph, or
//! the graph's adjoint, in another arithmetic.

#[cfg(feature = "mp")]
pub mod certified;
#[cfg(feature = "mp")]
pub mod drift;
pub mod exactness;
mod magnitude;
#[cfg(feature = "mp")]
pub mod measured;
#[cfg(feature = "mp")]
pub mod precision;
#[cfg(feature = "mp")]
mod quantity;
mod rescaling;
pub mod study;

pub use exactness::{
    Differences, ExactnessError, ExponentRange, FORMATS, Limit, bit_exact_range, compare_runs,
};
pub use rescaling::{NoSplit, Rescaling};
