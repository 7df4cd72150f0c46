//! What the tests of several subjects need, once.

pub mod cases;
pub mod golden;
pub mod rules;
pub mod runs;
// Only what needs MPFR draws by itself.
#[cfg(feature = "mp")]
pub mod split_mix;
