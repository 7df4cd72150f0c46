//! Mixing the ranks changes nothing that has no rank, and the rule survives it.
//!
//! A → Q·A and B → B·Qᵀ with a permutation, one with signs, or a rational rotation, as far as the
//! step admits it; the mixed run, rescaled, is compared with the run itself.

use super::{EXACT, HuntedProperty, is_exact_or_encloses};
use crate::arith::{Ratio, Surd};
use crate::exec::{Tensor, Values};
use crate::gauge::{Mixing, rotations};
use crate::scenario::Scenario;
use crate::search::draw::{Menu, has_ranks};
use crate::search::judge::{Pair, judge_pair, ladder};
use crate::search::subject::{Derived, Subject};
use crate::search::verdict::{JudgeError, Verdict};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "relabelling",
    says: "a run with its ranks relabelled, mixed and rescaled has the loss and W that it had",
    arithmetics: EXACT,
    supports: is_exact_or_encloses,
    evidence: &[],
    menu,
    judge,
};

fn menu(mut menu: Menu) -> Menu {
    menu.models.retain(|m| has_ranks(m));
    Menu {
        rank: 2,
        signs: false,
        ..menu
    }
}

fn judge(subject: &Subject) -> Result<Verdict, JudgeError> {
    let derived = Derived::new(subject)?;
    let Some(allowed) = rotations(&derived.step).and_then(|found| found.allowed) else {
        return Ok(Verdict::Undecided(
            "the step is not known to admit any mixing of ranks".to_owned(),
        ));
    };
    let run = &subject.scenario;
    let rank = run.sizes.get("r").unwrap_or(1);
    let mixing = Mixing::ALL.into_iter().filter(|m| *m <= allowed);
    let mixings: Vec<Mixing> = mixing.collect();
    let pick = |i: usize| subject.picks.get(i).copied().unwrap_or(0) as usize;
    let mixing = mixings[pick(0) % mixings.len().max(1)];
    let q = Q::drawn(mixing, rank, [pick(1), pick(2), pick(3)]);
    let mixed = Scenario {
        values: q.mixed(&run.values),
        ..run.clone()
    };
    let rescaling = derived.rescaling(&subject.factors);
    let right = rescaling.scenario(&mixed)?;
    let mut property = rescaling.property(&derived.step)?;
    // What has a rank is mixed with it.
    let free = |name: &String| {
        let output = derived.step.outputs.iter().find(|o| o.name == *name);
        name == "loss"
            || output.is_some_and(|o| {
                let shape = &derived.step.graph.node(o.node).shape;
                !shape
                    .rows
                    .names()
                    .chain(shape.cols.names())
                    .any(|n| n == "r")
            })
    };
    property.conclusion.retain(free);
    let conclusion = &property.conclusion;
    property.factors.retain(|name, _| conclusion.contains(name));
    let pair = Pair {
        property: &property,
        left: run,
        right: &right,
        mixed: true,
    };
    judge_pair(pair, &ladder(&derived.step, subject.arithmetic), false)
}

/// A matrix that mixes the ranks: whole numbers over a common denominator.
struct Q {
    entries: Vec<Vec<f64>>,
    denominator: i64,
}

impl Q {
    /// A matrix of the group.
    fn drawn(mixing: Mixing, rank: usize, [order, signs, plane]: [usize; 3]) -> Self {
        let mut places: Vec<usize> = (0..rank).collect();
        places.rotate_left(order % rank.max(1));
        if order / rank.max(1) % 2 == 1 && rank > 1 {
            places.swap(0, 1);
        }
        let sign = |row: usize| match mixing {
            Mixing::Permutation => 1.0,
            _ if signs >> row & 1 == 1 => -1.0,
            _ => 1.0,
        };
        let unit = |row: usize, col: usize| match places[row] == col {
            true => sign(row),
            false => 0.0,
        };
        let entries = |f: &dyn Fn(usize, usize) -> f64| {
            let row = |row| (0..rank).map(|col| f(row, col)).collect();
            (0..rank).map(row).collect()
        };
        if mixing != Mixing::Orthogonal || rank < 2 {
            return Self {
                entries: entries(&unit),
                denominator: 1,
            };
        }
        // Two rows of the permutation are turned by the angle of the triangle 3, 4, 5.
        let first = plane % rank;
        let second = (first + 1) % rank;
        let turned = |row: usize, col: usize| match row {
            row if row == first => 3.0 * unit(first, col) - 4.0 * unit(second, col),
            row if row == second => 4.0 * unit(first, col) + 3.0 * unit(second, col),
            row => 5.0 * unit(row, col),
        };
        Self {
            entries: entries(&turned),
            denominator: 5,
        }
    }

    /// The run with A → Q·A and B → B·Qᵀ.
    fn mixed(&self, values: &Values) -> Values {
        let mut mixed = values.clone();
        let rank = self.entries.len();
        for name in ["A", "B"] {
            let Some(tensor) = values.tensors.get(name) else {
                continue;
            };
            let cols = tensor.cols();
            let at = |row: usize, col: usize| tensor.values().get(row * cols + col).copied();
            let entry = |row: usize, col: usize| -> f64 {
                let over = 0..rank;
                let terms = over.map(|k| match name {
                    "A" => self.entries[row][k] * at(k, col).unwrap_or(0.0),
                    _ => self.entries[col][k] * at(row, k).unwrap_or(0.0),
                });
                terms.sum()
            };
            let count = tensor.rows() * cols;
            let entries = (0..count).map(|i| entry(i / cols, i % cols));
            let scale = Surd::rational(Ratio::new(1.into(), self.denominator.into()));
            let scale = scale.checked_mul(tensor.scale());
            let new = Tensor::new(tensor.rows(), cols, entries.collect()).ok();
            if let (Some(new), Some(scale)) = (new, scale)
                && let Some(new) = new.scaled_by(&scale)
            {
                mixed.set_tensor(name, new);
            }
        }
        mixed
    }
}
