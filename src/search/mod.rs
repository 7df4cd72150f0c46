//! Looking for counterexamples, keeping what was found, and judging it again.
//!
//! A [`Plan`] is a campaign of drawn cases: case i is a pure function of a seed and i, and puts
//! one of the [`PROPERTIES`] to the test. Its [`Totals`] are sums, so neither threads nor
//! [`Shard`]s show in them; what fails is shrunk to the smallest case and becomes a
//! [`HuntedWitness`], a file whose case [`HuntedWitness::replay`] draws anew before it counts.
//!
//! [`hunt`] looks for a pair of runs that break one given property; [`campaign`] does the same to
//! every rule that is a little wrong, without shrinking. A pair of runs is judged in exact
//! arithmetic, and in intervals where that has no answer.
//!
//! This room decides nothing about claims and never touches the disk.

mod build;
mod campaign;
mod case;
mod coverage;
mod draw;
mod hunt;
mod hunted;
mod judge;
mod mutation;
mod pair;
mod parts;
mod plan;
mod properties;
mod recorded;
mod shrink;
mod subject;
mod summary;
mod totals;
mod verdict;
mod witness;

pub use build::Build;
pub(crate) use campaign::drawn;
#[doc(hidden)]
pub use campaign::{Campaign, campaign};
pub use case::{Case, Start, cases};
pub use coverage::{Counts, Coverage};
pub use draw::NotDrawn;
pub(crate) use draw::{Factors, Fit, Menu};
pub use hunt::{Found, Hunt, HuntError, Hunted, hunt};
pub use hunted::{HUNTED_SCHEMA, HuntedError, HuntedWitness};
pub use judge::{Judged, arithmetics, judge};
#[doc(hidden)]
pub use mutation::{Fate, Mutant};
pub(crate) use pair::end_of;
pub use parts::{CHUNK, Shard, ShardError, chunk};
pub use plan::{Plan, Record};
pub use properties::{
    HuntedProperty, PROPERTIES, PropertyTable, Selection, SelectionError, find_property,
};
pub use recorded::{Expected, NotOfChunk};
pub use shrink::Shrunk;
pub use subject::{Subject, SubjectFile};
pub use summary::{Parameters, ParametersError, SEARCH_SCHEMA, Summary};
pub use totals::{Reason, Tally, Totals};
pub use verdict::{Evidence, JudgeError, Verdict};
pub(crate) use witness::check_in;
pub use witness::{Finding, Place, Replay, WitnessError, check_exactly, exact_arithmetic};
