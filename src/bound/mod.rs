//! Certified statements about rounding: how far two runs that should be one can drift apart.

mod adjoint;
mod adversary;
mod coarse;
mod course;
mod error;
mod generators;
mod layout;
mod pair;
mod reference;
mod snapshot;
mod trace;
mod upward;

pub use course::MAX_CARRIED;
pub use error::{BoundError, Ending};
pub use pair::{Bounds, EntryBound, PairBounds, pair_bounds};
