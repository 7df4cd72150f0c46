//! Small exact problems as proptest strategies.
//!
//! A case keeps a fixed pool of small numbers for each tensor and uses as many as its shape
//! asks for, so that shapes and values shrink independently and ranges are kept.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;
use proptest::prelude::*;

use crate::arith::{Ratio, Surd, parse_ratio};
use crate::exec::{Sizes, Tensor, Values};
use crate::graph::{LeafKind, StepGraph};
use crate::scenario::{Scenario, only_choice};
use crate::zoo::{Content, Hyperparameter, Range, Recipe};

/// How a run starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// The parameters that are zero at the start; `B` for LoRA's default.
    pub zero: BTreeSet<String>,
}

impl Start {
    /// LoRA's default start: B = 0.
    pub fn lora() -> Self {
        Self {
            zero: BTreeSet::from(["B".to_owned()]),
        }
    }
}

/// A drawn problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    sizes: Vec<usize>,
    /// The number of steps.
    pub steps: usize,
    scalars: Vec<usize>,
    pools: Vec<Vec<i8>>,
    /// For the parameters of a second run that starts elsewhere.
    second: Vec<Vec<i8>>,
}

const MAX_SIZE: usize = 4;
const POOL: usize = MAX_SIZE * MAX_SIZE;
const TENSORS: usize = 8;
const SCALARS: usize = 16;

/// The values of hyperparameters that a case draws from, the simplest first.
fn scalar(index: usize, setting: Option<&Hyperparameter>) -> Surd {
    let range = setting.map_or(Range::Positive, |h| h.range);
    let default = setting.and_then(|h| parse_ratio(h.default).ok());
    let small = default.is_some_and(|d| d < Ratio::new(1.into(), 1000.into()) && !d.is_zero());
    let choices: [(i64, i64); 5] = match range {
        // Terms and thresholds that are meant to be tiny: on both sides of what they meet.
        Range::Positive if small => [(1, 1), (1, 4), (4, 1), (1, 32), (16, 1)],
        Range::Positive | Range::Real => [(1, 1), (1, 2), (1, 4), (2, 1), (3, 4)],
        Range::Fraction => [(1, 2), (1, 4), (3, 4), (1, 8), (7, 8)],
        Range::AboveOne => [(2, 1), (3, 2), (5, 4), (4, 1), (3, 1)],
    };
    let (num, den) = choices[index % choices.len()];
    Surd::rational(Ratio::new(num.into(), den.into()))
}

/// Problems with every dimension from 1 to `max_size` (at most 4) and 1 to `max_steps` steps.
pub fn cases(max_size: usize, max_steps: usize) -> impl Strategy<Value = Case> {
    let size = 1..=max_size.clamp(1, MAX_SIZE);
    (
        prop::collection::vec(size, 8),
        1..=max_steps.max(1),
        prop::collection::vec(0usize..5, SCALARS),
        prop::collection::vec(prop::collection::vec(-4i8..=4, POOL), TENSORS),
        prop::collection::vec(prop::collection::vec(-4i8..=4, POOL), TENSORS),
    )
        .prop_map(|(sizes, steps, scalars, pools, second)| Case {
            sizes,
            steps,
            scalars,
            pools,
            second,
        })
}

impl Case {
    /// The case as a run of `recipe`, whose graph is `step`. Copies of one hyperparameter for
    /// several tensors get one value when `shared`.
    pub fn scenario(
        &self,
        recipe: &Recipe,
        step: &StepGraph,
        start: &Start,
        shared: bool,
    ) -> Scenario {
        self.scenario_with(recipe, step, start, shared, &BTreeMap::new())
    }

    /// The same with some of the sizes given.
    pub fn scenario_with(
        &self,
        recipe: &Recipe,
        step: &StepGraph,
        start: &Start,
        shared: bool,
        given: &BTreeMap<String, usize>,
    ) -> Scenario {
        let names = dimension_names(step);
        let sizes: Sizes = names
            .iter()
            .zip(self.sizes.iter().cycle())
            .map(|(n, s)| (n.clone(), given.get(n).copied().unwrap_or(*s)))
            .collect();
        let mut values = Values::new();
        let mut drawn: BTreeMap<&str, Surd> = BTreeMap::new();
        for (i, (leaf, base, _)) in step.hyperparameters().enumerate() {
            let value = scalar(self.scalars[i % SCALARS], recipe.setting(base));
            let value = if shared {
                drawn.entry(base).or_insert(value).clone()
            } else {
                value
            };
            values.set_scalar(leaf, value);
        }
        for (i, (name, id)) in step.graph.leaves().enumerate() {
            let shape = match step.graph.leaf_at(id).map(|l| &l.kind) {
                Some(LeafKind::Parameter | LeafKind::Data) => &step.graph.node(id).shape,
                _ => continue,
            };
            let size = |d: &crate::graph::Dim| d.size(|n| sizes.get(n)).unwrap_or(1);
            let (rows, cols) = (size(&shape.rows), size(&shape.cols));
            let pool = &self.pools[i % TENSORS];
            let tensor = if start.zero.contains(name) {
                Tensor::zeros(rows, cols)
            } else {
                match recipe.content(name) {
                    Content::OneHot => one_hot(pool, rows, cols),
                    Content::Mask => mask(pool, rows, cols),
                    content => only_choice(content, rows, cols)
                        .unwrap_or_else(|| entries(pool, rows, cols)),
                }
            };
            values.set_tensor(name, tensor);
        }
        Scenario {
            name: "drawn".into(),
            recipe: recipe.clone(),
            sizes,
            values,
            steps: self.steps,
        }
    }
}

impl Case {
    /// The same run from other parameters, drawn apart from the first ones.
    pub fn from_elsewhere(&self, scenario: &Scenario, step: &StepGraph, start: &Start) -> Scenario {
        let mut other = scenario.clone();
        for (i, p) in step.parameters.iter().enumerate() {
            if let Some(tensor) = other.values.tensors.get_mut(&p.name)
                && !start.zero.contains(&p.name)
            {
                *tensor = entries(&self.second[i % TENSORS], tensor.rows(), tensor.cols());
            }
        }
        other
    }
}

fn entries(pool: &[i8], rows: usize, cols: usize) -> Tensor {
    let entries = (0..rows * cols)
        .map(|j| f64::from(pool[j % POOL]) / 2.0)
        .collect();
    Tensor::new(rows, cols, entries).unwrap_or_else(|_| Tensor::zeros(rows, cols))
}

pub(super) fn one_hot(pool: &[i8], rows: usize, cols: usize) -> Tensor {
    let mut entries = vec![0.0; rows * cols];
    for row in 0..rows {
        let drawn = pool.get(row % pool.len().max(1)).copied().unwrap_or(0);
        let class = drawn.unsigned_abs() as usize % cols.max(1);
        if let Some(entry) = entries.get_mut(row * cols + class) {
            *entry = 1.0;
        }
    }
    Tensor::new(rows, cols, entries).unwrap_or_else(|_| Tensor::zeros(rows, cols))
}

pub(super) fn mask(pool: &[i8], rows: usize, cols: usize) -> Tensor {
    let kept = |j: usize| pool.get(j % pool.len().max(1)).is_none_or(|x| *x >= 0);
    let entries = (0..rows * cols).map(|j| f64::from(u8::from(kept(j))));
    Tensor::new(rows, cols, entries.collect()).unwrap_or_else(|_| Tensor::zeros(rows, cols))
}

/// The named dimensions of the step's leaves.
pub(super) fn dimension_names(step: &StepGraph) -> BTreeSet<String> {
    let shapes = step
        .graph
        .leaves()
        .map(|(_, id)| &step.graph.node(id).shape);
    shapes
        .flat_map(|s| s.rows.names().chain(s.cols.names()))
        .map(str::to_owned)
        .collect()
}
