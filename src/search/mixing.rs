//! Mixing the ranks of a pair of factors: A → Q·A and B → B·Qᵀ.

use crate::arith::{Ratio, Surd};
use crate::exec::{Tensor, Values};
use crate::gauge::Mixing;

/// A matrix that mixes the ranks: whole numbers over a common denominator.
pub(crate) struct MixingMatrix {
    entries: Vec<Vec<f64>>,
    denominator: i64,
}

impl MixingMatrix {
    /// A matrix of the group.
    pub fn drawn(mixing: Mixing, rank: usize, [order, signs, plane]: [usize; 3]) -> Self {
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

    /// The rotation by the angle of the triangle 3, 4, 5, of two ranks.
    pub fn rotation() -> Self {
        Self {
            entries: vec![vec![3.0, 4.0], vec![-4.0, 3.0]],
            denominator: 5,
        }
    }

    /// The values with A → Q·A and B → B·Qᵀ; `None` where such a tensor is missing, has another
    /// rank, or cannot be scaled. Small numbers times short dyadics: the sums are exact.
    pub fn mixed(&self, values: &Values) -> Option<Values> {
        let mut mixed = values.clone();
        let rank = self.entries.len();
        let scale = Surd::rational(Ratio::new(1.into(), self.denominator.into()));
        for name in ["A", "B"] {
            let tensor = values.tensors.get(name)?;
            let (rows, cols) = (tensor.rows(), tensor.cols());
            let at = |row: usize, col: usize| tensor.values()[row * cols + col];
            let entry = |row: usize, col: usize| -> f64 {
                let terms = self.entries[if name == "A" { row } else { col }].iter();
                let terms = terms.enumerate().map(|(k, q)| match name {
                    "A" => q * at(k, col),
                    _ => q * at(row, k),
                });
                terms.sum()
            };
            if rank != (if name == "A" { rows } else { cols }) {
                return None;
            }
            let entries = (0..rows * cols).map(|i| entry(i / cols, i % cols));
            let new = Tensor::new(rows, cols, entries.collect()).ok()?;
            mixed.set_tensor(name, new.scaled_by(&scale.checked_mul(tensor.scale())?)?);
        }
        Some(mixed)
    }
}
