//! Runs of one recipe, from which a hunt draws.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::Config;

use super::choices::{Choices, at, of, run_choices};
use super::generator;
use super::values::{Manner, dimension_names, halves};
use crate::graph::{LeafKind, StepGraph};
use crate::scenario::Scenario;
use crate::zoo::Recipe;

/// The runs of one recipe that have these sizes and start like this.
#[derive(Debug, Clone)]
pub struct Population {
    /// The recipe.
    pub recipe: Recipe,
    /// The parameters that are zero at the start; `B` for LoRA's default.
    pub zero: BTreeSet<String>,
    /// The sizes that are given; the others are drawn.
    pub sizes: BTreeMap<String, usize>,
    /// `true` if copies of one hyperparameter share one value, as where PyTorch has one number.
    pub shared: bool,
}

/// The numbers behind one run of a population, and behind a second start of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    choices: Choices,
    elsewhere: Vec<Vec<i8>>,
}

/// The rates of a drawn run, by their places in the table: those that can overshoot.
const RATES: [usize; 5] = [0, 1, 2, 6, 7];
/// The largest dimension of a drawn run.
const SIZE: usize = 2;
/// The largest number of steps of a drawn run.
const STEPS: usize = 3;

/// Samples from a seed, each of at least two steps, since the first step is blind for much, and of
/// sizes up to 2.
pub fn samples(seed: u64) -> impl Iterator<Item = Sample> {
    let mut runner = generator(&[seed], Config::default());
    let strategy = samples_up_to(SIZE, STEPS - 1);
    std::iter::from_fn(move || {
        let mut sample = strategy.new_tree(&mut runner).ok()?.current();
        sample.choices.steps += 1;
        Some(sample)
    })
}

/// Samples of every dimension up to `size` and of 1 to `steps` steps.
pub(in crate::search) fn samples_up_to(size: usize, steps: usize) -> impl Strategy<Value = Sample> {
    let choices = run_choices(size, steps);
    choices.prop_map(|(choices, elsewhere)| Sample { choices, elsewhere })
}

impl Population {
    /// The run for which a sample stands; `step` is the step of the recipe.
    pub fn run(&self, step: &StepGraph, sample: &Sample) -> Scenario {
        // A pool belongs to a leaf, whatever leaves there are that need none.
        let mut choices = sample.choices.clone();
        let leaves = step.graph.leaves().enumerate();
        let tensors = leaves.filter(|(_, (_, id))| {
            let kind = step.graph.leaf_at(*id).map(|leaf| &leaf.kind);
            matches!(kind, Some(LeafKind::Parameter | LeafKind::Data))
        });
        let pools = tensors.filter_map(|(i, _)| of(&sample.choices.pools, i).cloned());
        choices.pools = pools.collect();
        let settings = step.hyperparameters().enumerate();
        let scalars = settings.map(|(i, (_, base, _))| match at(&sample.choices.scalars, i) {
            number if base == "lr" => at(&RATES, number),
            number => number,
        });
        choices.scalars = scalars.collect();
        let names = dimension_names(step).into_iter().enumerate();
        let sized = names.map(|(i, name)| {
            let drawn = 1 + at(&choices.sizes, i);
            let size = self.sizes.get(&name).copied().unwrap_or(drawn);
            (name, size)
        });
        let sizes = sized.collect();
        let manner = Manner {
            zero: &|name| self.zero.contains(name),
            shared: self.shared,
            ..Manner::default()
        };
        Scenario {
            name: "drawn".to_owned(),
            values: manner.values(&choices, &self.recipe, step, &sizes),
            recipe: self.recipe.clone(),
            sizes,
            steps: 1 + choices.steps,
        }
    }

    /// The same run from other parameters, drawn apart from the first ones.
    pub fn elsewhere(&self, step: &StepGraph, sample: &Sample, run: &Scenario) -> Scenario {
        let mut other = run.clone();
        let trained = step.parameters.iter().enumerate();
        for (i, p) in trained.filter(|(_, p)| !self.zero.contains(&p.name)) {
            let pool = of(&sample.elsewhere, i);
            if let (Some(tensor), Some(pool)) = (other.values.tensors.get_mut(&p.name), pool) {
                *tensor = halves(pool, (tensor.rows(), tensor.cols()));
            }
        }
        other
    }
}
