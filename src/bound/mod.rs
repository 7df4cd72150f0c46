//! Certified statements about rounding: how far two runs that should be one can drift apart.
//!
//! [`Rescaling`] is a rule of weights put to work: the run to which it leads. [`pair_bounds`]
//! encloses both runs, in every rounding and order of summation that a float format admits, and
//! so bounds their drift. The way there: the exact run is enclosed at high precision
//! (`reference`); all admissible runs lie in a box about it (`course`, `generators`), whose size
//! comes from the sensitivities of every node (`snapshot`, `adjoint`); from a result the same
//! sensitivities lead back to every elementary error (`trace`), which gives the bounds, and to the
//! run in which all of them hurt (`adversary`).
//!
//! This room uses `arith`, `graph`, `zoo`, `exec`, `scenario` and `gauge`. It looks for no
//! counterexamples, judges no claims, prints nothing and never touches files. It writes no
//! operation of a step a second time: all that it knows of a step comes from running its graph, or
//! the graph's adjoint, in another arithmetic.

#[cfg(feature = "mp")]
mod adjoint;
#[cfg(feature = "mp")]
mod adversary;
#[cfg(feature = "mp")]
mod coarse;
#[cfg(feature = "mp")]
mod course;
#[cfg(feature = "mp")]
mod error;
#[cfg(feature = "mp")]
mod generators;
#[cfg(feature = "mp")]
mod layout;
#[cfg(feature = "mp")]
mod pair;
#[cfg(feature = "mp")]
mod reference;
mod rescaling;
#[cfg(feature = "mp")]
mod snapshot;
#[cfg(feature = "mp")]
mod trace;
#[cfg(feature = "mp")]
mod upward;

#[cfg(feature = "mp")]
pub use course::MAX_CARRIED;
#[cfg(feature = "mp")]
pub use error::{BoundError, Ending};
#[cfg(feature = "mp")]
pub use pair::{Bounds, EntryBound, FAILURE_PROBABILITY, PairBounds, pair_bounds};
pub use rescaling::Rescaling;
