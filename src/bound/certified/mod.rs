//! Certified bounds of the drift of two runs.
//!
//! The way there: the exact run is enclosed at high precision (`reference`); all admissible runs
//! lie in a box about it (`course`, `generators`), whose size comes from the sensitivities of
//! every node (`snapshot`, `adjoint`); from a result the same sensitivities lead back to every
//! elementary error (`trace`), which gives the bounds, and to the run in which all of them hurt
//! (`adversary`). `drift` puts two runs side by side.

mod adjoint;
mod adversary;
mod coarse;
mod course;
mod drift;
mod error;
mod generators;
mod layout;
mod reference;
mod snapshot;
#[cfg(test)]
mod tests;
mod trace;
mod upward;

pub use course::MAX_CARRIED;
pub use drift::{
    Bounds, EntryBound, FAILURE_PROBABILITY, Gap, PairBounds, pair_bounds, pair_bounds_where,
};
pub use error::{BoundError, Ending};
