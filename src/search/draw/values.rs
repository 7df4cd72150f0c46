//! From choices to sizes, tensors and settings.

use num_traits::Zero;

use super::Menu;
use super::genes::{Genes, POOL, at, of};
use crate::arith::{Ratio, Surd, parse_ratio};
use crate::exec::{Sizes, Tensor, Values};
use crate::graph::{Dim, LeafKind, StepGraph};
use crate::scenario::only_choice;
use crate::search::case::{dimension_names, mask, one_hot};
use crate::zoo::losses::Targets;
use crate::zoo::{Content, Hyperparameter, Range, Recipe};

/// What a drawn tensor looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
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
pub(super) fn sizes(menu: &Menu, genes: &Genes, recipe: &Recipe, step: &StepGraph) -> Sizes {
    let names = dimension_names(step);
    // A product of dimensions grows twice.
    let products = step.graph.leaves().any(|(_, id)| {
        let shape = &step.graph.node(id).shape;
        [&shape.rows, &shape.cols]
            .iter()
            .any(|d| d.names().count() > 1)
    });
    let most = if products {
        menu.size.min(2)
    } else {
        menu.size
    };
    let numbered = names.into_iter().enumerate();
    let sized = numbered.map(|(i, name)| {
        let least = match name.as_str() {
            "r" => menu.rank,
            // A softmax over one number is 1, whatever the parameters are.
            "n_out" if menu.tame && recipe.loss.targets == Targets::Classes => 2,
            "batch" if menu.tame && recipe.model.name == "attention" => 2,
            _ => 1,
        };
        let size = least.max(1 + at(&genes.sizes, i) % most.max(1));
        (name, size)
    });
    sized.collect()
}

/// A value for every leaf that needs one.
pub(super) fn values(
    menu: &Menu,
    genes: &Genes,
    recipe: &Recipe,
    step: &StepGraph,
    sizes: &Sizes,
) -> Values {
    let mut values = Values::new();
    for (i, (leaf, base, _)) in step.hyperparameters().enumerate() {
        values.set_scalar(
            leaf,
            scalar(at(&genes.scalars, i), base, recipe.setting(base)),
        );
    }
    let mut number = 0;
    for (name, id) in step.graph.leaves() {
        let kind = step.graph.leaf_at(id).map(|l| &l.kind);
        if !matches!(kind, Some(LeafKind::Parameter | LeafKind::Data)) {
            continue;
        }
        let shape = &step.graph.node(id).shape;
        let size = |d: &Dim| d.size(|n| sizes.get(n)).unwrap_or(1);
        let (rows, cols) = (size(&shape.rows), size(&shape.cols));
        let empty = vec![];
        let pool = of(&genes.pools, number).unwrap_or(&empty);
        // What is 0 in the exact run is of any sign in an enclosure of rounded ones.
        let zero_start = genes.zero_start && (!menu.tame || at(&genes.picks, 0).is_multiple_of(4));
        let zero = zero_start && recipe.model.zero_at_start.contains(&name);
        let own = match menu.tame {
            true => Kind::Fine,
            false => at(&KINDS, at(&genes.kinds, number)),
        };
        let tensor = match recipe.content(name) {
            Content::OneHot => one_hot(pool, rows, cols),
            Content::Mask => mask(pool, rows, cols),
            _ if zero => Tensor::zeros(rows, cols),
            content => only_choice(content, rows, cols)
                .unwrap_or_else(|| tensor(own, pool, (rows, cols), menu.reach)),
        };
        values.set_tensor(name, tensor);
        number += 1;
    }
    values
}

fn tensor(kind: Kind, pool: &[i8], (rows, cols): (usize, usize), reach: i32) -> Tensor {
    let number = |i: usize| f64::from(at(pool, i % POOL)) / 2.0;
    let power = |e: i32| libm::exp2(f64::from(e));
    let entry = |row: usize, col: usize| {
        let i = row * cols + col;
        match kind {
            Kind::Small => number(i),
            Kind::Fine => number(i) + number(i + 1) / 2048.0,
            Kind::Zero => 0.0,
            Kind::EqualRows => number(col),
            Kind::RankOne => number(row) * number(POOL - 1 - col),
            Kind::Tiny => number(i) * power(-reach),
            Kind::Huge => number(i) * power(reach),
        }
    };
    let entries = (0..rows * cols).map(|i| entry(i / cols, i % cols));
    let tensor = Tensor::new(rows, cols, entries.collect());
    tensor.unwrap_or_else(|_| Tensor::zeros(rows, cols))
}

/// A value of a setting within its range, the simplest first.
fn scalar(number: usize, base: &str, setting: Option<&Hyperparameter>) -> Surd {
    let range = setting.map_or(Range::Positive, |h| h.range);
    let default = setting.and_then(|h| parse_ratio(h.default).ok());
    let tiny = |d: &Ratio| *d < Ratio::new(1.into(), 1000.into()) && !d.is_zero();
    let choices: &[(i64, i64)] = match range {
        // Terms and thresholds that are meant to be tiny: on both sides of what they meet.
        Range::Positive if default.as_ref().is_some_and(tiny) => &[
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
        Range::Real => match (default, number % 3) {
            (Some(default), 0) => return Surd::rational(default),
            _ => &[(1, 1), (1, 2), (-1, 2), (3, 4)],
        },
    };
    let (num, den) = at(choices, number);
    Surd::rational(Ratio::new(num.into(), den.max(1).into()))
}
