//! What the tests of several subjects need, once.

pub mod cases;
pub mod golden;
pub mod rules;
pub mod runs;
pub mod split_mix;
