//! The seed's own script as a scenario.

use std::collections::BTreeMap;

use super::{Exact, RandomFile, Scenario, ScenarioError, ScenarioFile};
use crate::arith::Surd;
use crate::zoo::Recipe;

/// The values of alpha that the script tries.
pub const SEED_ALPHAS: [&str; 6] = ["1/4", "1", "4", "16", "64", "256"];

/// The run of the note's appendix at alpha = 1: a 4 × 4 layer of rank 2, 16 samples, L1 loss,
/// SGD with lr = 1/10, 5 steps, B = 0 at the start. The random numbers are ours, drawn with
/// `seed`; PyTorch's generator is not imitated.
///
/// # Errors
/// None for the tables as they are; the type is that of every stored scenario.
pub fn seed_script(seed: u64) -> Result<Scenario, ScenarioError> {
    ScenarioFile {
        name: "seed".into(),
        steps: 5,
        alpha: Some(Exact(Surd::from(1))),
        sizes: BTreeMap::from(
            [("batch", 16), ("n_in", 4), ("n_out", 4), ("r", 2)].map(|(n, s)| (n.to_owned(), s)),
        ),
        hyperparameters: BTreeMap::from([(
            "lr".to_owned(),
            Exact(Surd::rational(crate::arith::Ratio::new(
                1.into(),
                10.into(),
            ))),
        )]),
        random: Some(RandomFile {
            seed,
            zero: vec!["B".into()],
        }),
        ..ScenarioFile::of(&Recipe::new("linear", "l1", "sgd")?)
    }
    .scenario()
}
