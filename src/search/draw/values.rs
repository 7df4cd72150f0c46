//! From choices to sizes, tensors and settings.

use std::collections::{BTreeMap, BTreeSet};

use super::Domain;
use super::choices::{Choices, POOL, at, of};
use super::recipe::is_floor;
use crate::arith::{Ratio, Surd, parse_ratio};
use crate::exec::{Sizes, Tensor, Values};
use crate::graph::{Dim, LeafKind, StepGraph};
use crate::scenario::only_choice;
use crate::zoo::losses::Targets;
use crate::zoo::{Content, Hyperparameter, Range, Recipe};

/// The look of a drawn tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Halves of small whole numbers.
    #[default]
    Small,
    /// Numbers with more digits.
    Fine,
    /// Nothing but zeros.
    Zero,
    /// Every row the same.
    EqualRows,
    /// A column times a row.
    RankOne,
    /// Small numbers times a negative power of two.
    Tiny,
    /// Small numbers times a power of two.
    Huge,
}

const KINDS: [Kind; 14] = [
    Kind::Small,
    Kind::Small,
    Kind::Small,
    Kind::Small,
    Kind::Fine,
    Kind::Fine,
    Kind::Fine,
    Kind::Fine,
    Kind::EqualRows,
    Kind::RankOne,
    Kind::RankOne,
    Kind::Tiny,
    Kind::Huge,
    Kind::Zero,
];

/// The size of every dimension of the step, biased to small.
pub(super) fn sizes(
    domain: &Domain,
    choices: &Choices,
    recipe: &Recipe,
    step: &StepGraph,
) -> Sizes {
    let names = dimension_names(step);
    // A product of dimensions grows twice.
    let products = step.graph.leaves().any(|(_, id)| {
        let shape = &step.graph.node(id).shape;
        [&shape.rows, &shape.cols]
            .iter()
            .any(|d| d.names().count() > 1)
    });
    let most = if products {
        domain.size.min(2)
    } else {
        domain.size
    };
    let numbered = names.into_iter().enumerate();
    let sized = numbered.map(|(i, name)| {
        let least = match name.as_str() {
            "r" => domain.rank,
            // A softmax over one number is 1, whatever the parameters are.
            "n_out" if domain.well_conditioned && recipe.loss.targets == Targets::Classes => 2,
            "batch" if domain.well_conditioned && recipe.model.name == "attention" => 2,
            _ => 1,
        };
        let size = least.max(1 + at(&choices.sizes, i) % most.max(1));
        (name, size)
    });
    sized.collect()
}

/// The named dimensions of the step's leaves.
pub(in crate::search) fn dimension_names(step: &StepGraph) -> BTreeSet<String> {
    let leaves = step.graph.leaves();
    let shapes = leaves.map(|(_, id)| &step.graph.node(id).shape);
    let names = shapes.flat_map(|s| s.rows.names().chain(s.cols.names()));
    names.map(str::to_owned).collect()
}

/// The values of the case that the choices stand for.
pub(super) fn values(
    domain: &Domain,
    choices: &Choices,
    recipe: &Recipe,
    step: &StepGraph,
    sizes: &Sizes,
) -> Values {
    // What is 0 in the exact run is of any sign in an enclosure of rounded ones.
    let zero_start = choices.zero_start
        && (!domain.well_conditioned || at(&choices.parameters, 0).is_multiple_of(4));
    let manner = Manner {
        zero: &|name| zero_start && recipe.model.zero_at_start.contains(&name),
        kinds: if domain.well_conditioned {
            &[Kind::Fine]
        } else {
            &KINDS
        },
        exponent: domain.exponent,
        shared: false,
    };
    manner.values(choices, recipe, step, sizes)
}

/// The manner in which values are drawn.
pub(super) struct Manner<'a> {
    /// `true` if the tensor of this name is zero at the start.
    pub zero: &'a dyn Fn(&str) -> bool,
    /// The kinds of tensors from which is chosen.
    pub kinds: &'a [Kind],
    /// The binary exponents of tiny and of huge entries.
    pub exponent: i32,
    /// `true` if copies of one setting share one value.
    pub shared: bool,
}

impl Default for Manner<'_> {
    fn default() -> Self {
        Self {
            zero: &|_| false,
            kinds: &[Kind::Small],
            exponent: 0,
            shared: false,
        }
    }
}

impl Manner<'_> {
    /// A value for every leaf that needs one.
    pub fn values(
        &self,
        choices: &Choices,
        recipe: &Recipe,
        step: &StepGraph,
        sizes: &Sizes,
    ) -> Values {
        let mut values = Values::new();
        let mut drawn: BTreeMap<&str, Surd> = BTreeMap::new();
        for (i, (leaf, base, _)) in step.hyperparameters().enumerate() {
            let own = scalar(at(&choices.scalars, i), base, recipe.setting(base));
            let value = match self.shared {
                true => drawn.entry(base).or_insert(own).clone(),
                false => own,
            };
            values.set_scalar(leaf, value);
        }
        let tensors = step.graph.leaves().filter(|(_, id)| {
            let kind = step.graph.leaf_at(*id).map(|l| &l.kind);
            matches!(kind, Some(LeafKind::Parameter | LeafKind::Data))
        });
        for (number, (name, id)) in tensors.enumerate() {
            let shape = &step.graph.node(id).shape;
            let size = |d: &Dim| d.size(|n| sizes.get(n)).unwrap_or(1);
            let (rows, cols) = (size(&shape.rows), size(&shape.cols));
            let pool = of(&choices.pools, number).map_or(&[][..], Vec::as_slice);
            let own = at(self.kinds, at(&choices.kinds, number));
            let tensor = match recipe.content(name) {
                Content::OneHot => one_hot(pool, rows, cols),
                Content::Mask => mask(pool, rows, cols),
                _ if (self.zero)(name) => Tensor::zeros(rows, cols),
                content => only_choice(content, rows, cols)
                    .unwrap_or_else(|| tensor(own, pool, (rows, cols), self.exponent)),
            };
            values.set_tensor(name, tensor);
        }
        values
    }
}

fn tensor(kind: Kind, pool: &[i8], (rows, cols): (usize, usize), exponent: i32) -> Tensor {
    let number = |i: usize| f64::from(at(pool, i)) / 2.0;
    let power = |e: i32| libm::exp2(f64::from(e));
    filled(rows, cols, |row, col| {
        let i = row * cols + col;
        match kind {
            Kind::Small => number(i),
            Kind::Fine => number(i) + number(i + 1) / 2048.0,
            Kind::Zero => 0.0,
            Kind::EqualRows => number(col),
            Kind::RankOne => number(row) * number(POOL - 1 - col),
            Kind::Tiny => number(i) * power(-exponent),
            Kind::Huge => number(i) * power(exponent),
        }
    })
}

/// Halves of the numbers of a pool.
pub(super) fn halves(pool: &[i8], shape: (usize, usize)) -> Tensor {
    tensor(Kind::Small, pool, shape, 0)
}

fn one_hot(pool: &[i8], rows: usize, cols: usize) -> Tensor {
    let class = |row: usize| usize::from(at(pool, row).unsigned_abs()) % cols.max(1);
    filled(rows, cols, |row, col| {
        f64::from(u8::from(class(row) == col))
    })
}

fn mask(pool: &[i8], rows: usize, cols: usize) -> Tensor {
    let kept = |i: usize| at(pool, i) >= 0;
    filled(rows, cols, |row, col| {
        f64::from(u8::from(kept(row * cols + col)))
    })
}

fn filled(rows: usize, cols: usize, entry: impl Fn(usize, usize) -> f64) -> Tensor {
    let entries = (0..rows * cols).map(|i| entry(i / cols, i % cols));
    let tensor = Tensor::new(rows, cols, entries.collect());
    tensor.unwrap_or_else(|_| Tensor::zeros(rows, cols))
}

/// A value of a setting within its range, the simplest first.
fn scalar(number: usize, base: &str, setting: Option<&Hyperparameter>) -> Surd {
    let range = setting.map_or(Range::Positive, |h| h.range);
    let choices: &[(i64, i64)] = match range {
        // Terms and thresholds that are meant to be tiny: on both sides of what they meet.
        Range::Positive if setting.is_some_and(is_floor) => &[
            (1, 1),
            (1, 4),
            (4, 1),
            (1, 32),
            (16, 1),
            (1, 1 << 20),
            (1, 1000),
        ],
        Range::Positive if base == "lr" => &[
            (1, 1),
            (1, 2),
            (1, 4),
            (1, 8),
            (1, 10),
            (1, 4096),
            (2, 1),
            (3, 4),
        ],
        Range::Positive => &[(1, 1), (1, 2), (1, 4), (2, 1), (3, 4), (1, 3), (8, 1)],
        // Numbers near both ends.
        Range::Fraction => &[
            (1, 2),
            (1, 4),
            (3, 4),
            (7, 8),
            (9, 10),
            (1023, 1024),
            (1, 1024),
        ],
        Range::AboveOne => &[(2, 1), (3, 2), (5, 4), (4, 1), (3, 1), (1025, 1024)],
        Range::Real => match (
            setting.and_then(|h| parse_ratio(h.default).ok()),
            number % 3,
        ) {
            (Some(default), 0) => return Surd::rational(default),
            _ => &[(1, 1), (1, 2), (-1, 2), (3, 4)],
        },
    };
    let (num, den) = at(choices, number);
    Surd::rational(Ratio::new(num.into(), den.max(1).into()))
}
