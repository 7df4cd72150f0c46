//! Tiny exact runs that satisfy what a claim assumes.

use std::collections::{BTreeMap, BTreeSet};

use super::dice::Dice;
use super::setting::Setting;
use crate::arith::{Ratio, Surd, parse_ratio};
use crate::exec::{Sizes, Tensor, Values};
use crate::graph::{LeafKind, StepGraph};
use crate::scenario::only_choice;
use crate::zoo::losses::Targets;
use crate::zoo::{Content, Hyperparameter, Range, Recipe, RecipeError};

/// A step to be run, with what is looked at in it.
#[derive(Debug)]
pub(super) struct Bench {
    pub step: StepGraph,
    pub recipe: Recipe,
    /// The outputs that are compared; all of them and the loss where there are none.
    pub observed: Vec<String>,
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub sizes: Sizes,
    pub values: Values,
    pub steps: usize,
}

/// The properties of a run besides those that the setting has.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// Tensors that start at zero.
    pub zero: BTreeSet<String>,
    /// Settings, by base name, that are 0.
    pub off: BTreeSet<String>,
    /// Settings, by base name, that are not 0.
    pub on: BTreeSet<String>,
    /// Nothing else is zero, neither a setting nor an entry of a trained tensor.
    pub generic: bool,
    /// Settings of which each copy has a number of its own.
    pub apart: BTreeSet<String>,
    /// Every dimension is 1.
    pub smallest: bool,
    /// The number of steps; drawn where it is 0.
    pub steps: usize,
}

impl Wish {
    /// The start and terms that a setting asks for.
    pub fn of(setting: &Setting) -> Self {
        Self {
            zero: setting.zero(),
            on: setting.terms.clone(),
            ..Self::default()
        }
    }

    /// The same with nothing zero that need not be.
    pub fn generic(mut self) -> Self {
        self.generic = true;
        self
    }
}

impl Bench {
    /// The step of a setting. With formulas only these are looked at.
    pub fn new(setting: &Setting, formulas: &[&str]) -> Result<Self, RecipeError> {
        let outputs: Vec<(&str, &str)> = formulas.iter().map(|f| (*f, *f)).collect();
        Ok(Self {
            step: setting.recipe.build_observing(&outputs)?,
            recipe: setting.recipe.clone(),
            observed: formulas.iter().map(|f| (*f).to_owned()).collect(),
        })
    }

    /// A run.
    pub fn run(&self, wish: &Wish, sizes: &BTreeMap<String, usize>, dice: &mut Dice) -> Run {
        let sizes = self.sizes(wish, sizes, dice);
        let mut values = Values::new();
        let mut drawn: BTreeMap<&str, Surd> = BTreeMap::new();
        for (leaf, base, _) in self.step.hyperparameters() {
            let value = self.scalar(base, wish, dice);
            let shared = drawn.entry(base).or_insert_with(|| value.clone());
            let own = wish.apart.contains(base) || wish.apart.contains(leaf);
            values.set_scalar(leaf, if own { value } else { shared.clone() });
        }
        for (name, id) in self.step.graph.leaves() {
            let kind = self.step.graph.leaf_at(id).map(|leaf| &leaf.kind);
            let trained = matches!(kind, Some(LeafKind::Parameter));
            if !trained && !matches!(kind, Some(LeafKind::Data)) {
                continue;
            }
            let shape = &self.step.graph.node(id).shape;
            let size = |dim: &crate::graph::Dim| dim.size(|n| sizes.get(n)).unwrap_or(1);
            let (rows, cols) = (size(&shape.rows), size(&shape.cols));
            let content = self.recipe.content(name);
            let tensor = match only_choice(content, rows, cols) {
                Some(tensor) => tensor,
                None if wish.zero.contains(name) => Tensor::zeros(rows, cols),
                None => entries(content, (rows, cols), wish.generic && trained, dice),
            };
            values.set_tensor(name, tensor);
        }
        let steps = match wish.steps {
            0 => 1 + dice.below(3),
            steps => steps,
        };
        Run {
            sizes,
            values,
            steps,
        }
    }

    fn sizes(&self, wish: &Wish, given: &BTreeMap<String, usize>, dice: &mut Dice) -> Sizes {
        let shapes = self.step.graph.leaves();
        let shapes = shapes.map(|(_, id)| &self.step.graph.node(id).shape);
        let names: BTreeSet<&str> = shapes
            .flat_map(|shape| shape.rows.names().chain(shape.cols.names()))
            .collect();
        let classes = self.recipe.loss.targets == Targets::Classes;
        let attends = self.recipe.model.name == "attention";
        let size = |name: &str, dice: &mut Dice| {
            let least = match name {
                // A softmax over one number is 1, whatever the parameters are.
                "n_out" if classes => 2,
                "batch" if attends => 2,
                _ => 1,
            };
            let drawn = if wish.smallest { 1 } else { 1 + dice.below(2) };
            given.get(name).copied().unwrap_or(drawn.max(least))
        };
        names
            .into_iter()
            .map(|name| (name.to_owned(), size(name, dice)))
            .collect()
    }

    fn scalar(&self, base: &str, wish: &Wish, dice: &mut Dice) -> Surd {
        let setting = self.recipe.setting(base);
        let may_be_zero = setting.is_some_and(|s| s.may_be_zero);
        let zero = !wish.on.contains(base)
            && (wish.off.contains(base) || may_be_zero && !wish.generic && dice.percent(12));
        match zero {
            true => Surd::from(0),
            false => number(base, setting, dice),
        }
    }
}

/// A value of a setting within its range, not 0.
fn number(base: &str, setting: Option<&Hyperparameter>, dice: &mut Dice) -> Surd {
    let range = setting.map_or(Range::Positive, |s| s.range);
    let default = setting.and_then(|s| parse_ratio(s.default).ok());
    let (num, den): (i64, i64) = match range {
        Range::Positive if base == "lr" => {
            dice.of([(1, 1), (1, 2), (1, 4), (3, 4), (2, 1), (1, 3)])
        }
        Range::Positive => dice.of([(1, 1), (1, 2), (2, 1), (3, 4), (4, 1), (1, 3), (1, 16)]),
        Range::Fraction => dice.of([(1, 2), (1, 4), (3, 4), (1, 3)]),
        Range::AboveOne => dice.of([(2, 1), (3, 2), (3, 1)]),
        Range::Real => match default {
            Some(default) => return Surd::rational(default),
            None => (1, 1),
        },
    };
    Surd::rational(Ratio::new(num.into(), den.into()))
}

fn entries(
    content: Content,
    (rows, cols): (usize, usize),
    generic: bool,
    dice: &mut Dice,
) -> Tensor {
    const NUMBERS: [f64; 10] = [1.0, -1.0, 0.5, 2.0, -0.5, -2.0, 1.5, -1.5, 3.0, -3.0];
    let mut values = vec![0.0; rows * cols];
    match content {
        Content::OneHot => {
            for row in 0..rows {
                let class = dice.below(cols);
                if let Some(entry) = values.get_mut(row * cols + class) {
                    *entry = 1.0;
                }
            }
        }
        Content::Mask => values.iter_mut().for_each(|entry| {
            *entry = if dice.percent(25) { 0.0 } else { 1.0 };
        }),
        _ => values.iter_mut().for_each(|entry| {
            let zero = !generic && dice.percent(8);
            *entry = if zero { 0.0 } else { dice.of(NUMBERS) };
        }),
    }
    Tensor::new(rows, cols, values).unwrap_or_else(|_| Tensor::zeros(rows, cols))
}
