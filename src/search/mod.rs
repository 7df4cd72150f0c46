//! Looking for counterexamples, keeping what was found, and judging it again.
//!
//! A [`Campaign`] draws test cases: case i is a pure function of a seed and i, and puts one of the
//! [`PROPERTIES`] to the test. Its [`Totals`] are sums, so neither threads nor [`Shard`]s show in
//! them; what fails is shrunk to the smallest case and becomes a [`HuntedWitness`], a file whose
//! case [`HuntedWitness::replay`] draws anew before it counts.
//!
//! [`hunt`] looks for a pair of runs that break one given property; `mutation_test` does the same
//! to every rule that is a little wrong, without shrinking. Both draw their runs from a
//! [`Population`], by the same choices as a campaign. A pair of runs is judged in exact arithmetic,
//! and in intervals where that has no answer.
//!
//! This room decides nothing about claims and never touches the disk.

mod build;
mod campaign;
mod coverage;
mod draw;
mod ends;
mod finding;
mod hunt;
mod judge;
mod mixing;
mod mutation;
mod mutation_test;
mod properties;
mod recorded;
mod replay;
mod result;
mod shards;
mod shrink;
mod summary;
mod test_case;
mod totals;
mod witness;

pub use build::Build;
#[cfg(feature = "cli")]
pub(crate) use build::hexadecimal;
pub use campaign::{Campaign, Record};
pub use coverage::{Counts, Coverage};
pub(crate) use draw::{Domain, Factors, Fit};
pub use draw::{NotDrawn, Population, Sample, samples};
pub(crate) use ends::end_of;
pub use finding::{Finding, Place};
pub use hunt::{Found, Hunt, Hunted, hunt};
pub(crate) use judge::check_in;
pub use judge::{Judged, arithmetics, check_exactly, exact_arithmetic, judge};
pub(crate) use mixing::MixingMatrix;
#[doc(hidden)]
pub use mutation::{Fate, Mutant, mutants};
#[doc(hidden)]
pub use mutation_test::{MutationTest, mutation_test};
pub use properties::{
    HuntedProperty, PROPERTIES, PropertyTable, Selection, SelectionError, find_property,
};
pub use recorded::{Expected, NotOfChunk};
pub use replay::Replay;
pub use result::{Basis, SearchError, TestResult};
pub use shards::{CHUNK, Shard, ShardError, chunk};
pub use shrink::Shrunk;
pub use summary::{Parameters, ParametersError, SEARCH_SCHEMA, Summary};
pub use test_case::{TestCase, TestCaseFile};
pub use totals::{Reason, Tally, Totals};
pub use witness::{HUNTED_SCHEMA, HuntedError, HuntedWitness};
