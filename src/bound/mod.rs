//! Certified statements about rounding.
//!
//! [`Rescaling`] is a rule of weights put to work: the run to which it leads. From one run,
//! [`exactness`] says for which powers of two the rescaled run has the same bits, and checks the
//! answer by running. [`study`] is the form in which all of it is reported.
//!
//! This room uses `arith`, `graph`, `zoo`, `exec`, `scenario` and `gauge`. It looks for no
//! counterexamples, judges no claims, prints nothing and never touches files.

pub mod exactness;
#[cfg(feature = "mp")]
pub mod measured;
#[cfg(feature = "mp")]
pub mod pair;
#[cfg(feature = "mp")]
pub mod precision;
mod rescaling;
pub mod study;

pub use exactness::{Drift, ExactnessError, Limit, Range, Split, bit_exact_range, zero_drift};
pub use rescaling::Rescaling;
