//! From a seed and numbers to runs: of a campaign's cases, and of hunts.
//!
//! A [`Domain`] says what a property draws from, [`Choices`] are the numbers that proptest draws and
//! shrinks, and [`Domain::test_case`] makes a run of them. Every number chooses from a list whose
//! first entry is the simplest, so that what is shrunk stays in the domain. A [`Population`] has the
//! recipe given and draws the rest of the [`Choices`] alone.

mod choices;
mod domain;
mod population;
mod recipe;
mod values;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sha2::{Digest, Sha256};

pub(super) use choices::Choices;
pub use choices::NotDrawn;
pub(crate) use domain::{Domain, Factors, Fit};
pub(super) use domain::{has_ranks, splits};
pub(super) use population::samples_up_to;
pub use population::{Population, Sample, samples};
pub(super) use values::dimension_names;

/// The generator that belongs to these numbers, the first of which is a seed.
pub(super) fn generator(numbers: &[u64], config: Config) -> TestRunner {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &Sha256::digest(bytes));
    TestRunner::new_with_rng(config, rng)
}

/// The choices that belong to these numbers, which can be shrunk.
pub(super) fn tree(numbers: &[u64]) -> Result<impl ValueTree<Value = Choices> + use<>, String> {
    let mut runner = generator(numbers, Config::default());
    let tree = choices::choices().new_tree(&mut runner);
    tree.map_err(|e| e.to_string())
}
