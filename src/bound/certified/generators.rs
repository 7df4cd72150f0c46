//! How far a run can be from its exact counterpart, step after step: an affine form.
//!
//! The deviation of every carried number is a sum of independent sources, each with a column of
//! factors, so that sources which cancel or grow together do so here too; what cannot be told
//! apart any more is a column of its own (a zonotope: Kühn 1998; Girard 2005). Everything is
//! rounded up, and all numbers are in units of the unit roundoff.

use nalgebra::{DMatrix, DVector};

use super::upward::{add, mul, sum};

/// Columns for each carried number beyond which the oldest are put together.
const MAX_COLUMNS: usize = 40;

/// The deviation of all carried numbers.
#[derive(Debug, Clone)]
pub(super) struct Generators {
    columns: DMatrix<f64>,
    /// The largest deviation of each number.
    pub reach: Vec<f64>,
}

impl Generators {
    /// Each number deviates by itself, at most so much.
    pub fn new(reach: Vec<f64>) -> Self {
        let diagonal = DVector::from_column_slice(&reach);
        Self {
            columns: DMatrix::from_diagonal(&diagonal),
            reach,
        }
    }

    /// After one step whose derivative lies between the ends of `derivative` (row by row: each
    /// next number with respect to each current one), and which adds at most `fresh`.
    pub fn advance(&mut self, derivative: &DMatrix<(f64, f64)>, fresh: &[f64]) {
        let n = self.reach.len();
        let middle = derivative.map(|(inf, sup)| inf / 2.0 + sup / 2.0);
        // A difference of two numbers is 0 only where they are the same.
        let above = |x: f64| if x == 0.0 { 0.0 } else { x.next_up() };
        let radius = derivative.zip_map(&middle, |(inf, sup), m| {
            above(sup - m).max(above(m - inf)).max(0.0)
        });
        if self.columns.ncols() > MAX_COLUMNS * n {
            self.merge(n);
        }
        let moved = &middle * &self.columns;
        // A sum of n products in binary64 errs by at most n·2⁻⁵³·Σ|xᵢyᵢ|, and by a subnormal
        // for each product.
        let unit = mul(n as f64, f64::EPSILON);
        let sizes: Vec<f64> = self
            .columns
            .row_iter()
            .map(|r| sum(r.iter().map(|x| x.abs())))
            .collect();
        let rest: Vec<f64> = (0..n)
            .map(|i| {
                let spread = sum((0..n).map(|j| mul(radius[(i, j)], self.reach[j])));
                let inner = sum((0..n).map(|j| mul(middle[(i, j)].abs(), sizes[j])));
                // What is multiplied by 0 alone is 0.
                let at_rest = (0..n).all(|j| middle[(i, j)] == 0.0 || sizes[j] == 0.0);
                let products = match at_rest {
                    true => 0,
                    false => n * self.columns.ncols(),
                };
                let underflow = mul(products as f64, f64::MIN_POSITIVE);
                add(add(spread, mul(unit, inner)), add(fresh[i], underflow))
            })
            .collect();
        let old = moved.ncols();
        let mut columns = moved.resize_horizontally(old + n, 0.0);
        for (i, x) in rest.iter().enumerate() {
            columns[(i, old + i)] = *x;
        }
        self.columns = columns;
        self.reach = self
            .columns
            .row_iter()
            .map(|r| sum(r.iter().map(|x| x.abs())))
            .collect();
    }

    /// Replaces the older half of the columns by one for each number.
    fn merge(&mut self, n: usize) {
        let half = self.columns.ncols() / 2;
        let old = self.columns.columns(0, half);
        let sizes: Vec<f64> = old
            .row_iter()
            .map(|r| sum(r.iter().map(|x| x.abs())))
            .collect();
        let mut columns = DMatrix::zeros(n, n + self.columns.ncols() - half);
        for (i, x) in sizes.iter().enumerate() {
            columns[(i, i)] = *x;
        }
        columns
            .columns_mut(n, self.columns.ncols() - half)
            .copy_from(&self.columns.columns(half, self.columns.ncols() - half));
        self.columns = columns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Ratio, ratio_from_f64};
    use num_traits::Signed;

    #[test]
    fn what_cancels_does_so_in_the_deviation_too() {
        // x, y ← x + y, x − y twice is 2x, 2y.
        let step =
            DMatrix::from_row_slice(2, 2, &[(1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (-1.0, -1.0)]);
        let mut of = Generators::new(vec![1.0, 3.0]);
        of.advance(&step, &[0.0, 0.0]);
        assert!(of.reach.iter().all(|x| (4.0..4.001).contains(x)));
        of.advance(&step, &[0.0, 0.0]);
        assert!((2.0..2.001).contains(&of.reach[0]) && (6.0..6.001).contains(&of.reach[1]));
    }

    #[test]
    fn what_does_not_deviate_does_not_begin_to() {
        let step = DMatrix::from_row_slice(2, 2, &[(0.0, 0.0), (0.0, 0.0), (0.5, 2.0), (1.0, 1.0)]);
        let mut of = Generators::new(vec![1.0, 3.0]);
        for _ in 0..3 {
            of.advance(&step, &[0.0, 0.0]);
            assert_eq!(of.reach[0], 0.0);
        }
        assert!((5.0..5.001).contains(&of.reach[1]), "{}", of.reach[1]);
    }

    #[test]
    fn merged_columns_reach_as_far_at_least() {
        let step = DMatrix::from_row_slice(1, 1, &[(0.5, 0.75)]);
        let mut of = Generators::new(vec![1.0]);
        for _ in 0..200 {
            of.advance(&step, &[1.0]);
            assert!(of.columns.ncols() <= MAX_COLUMNS + 2);
        }
        // The fixed point of x ↦ 0.75·x + 1 is 4.
        assert!((4.0..4.01).contains(&of.reach[0]), "{}", of.reach[0]);
    }

    /// Against the same columns in rationals: never below, and hardly above.
    #[test]
    fn rounding_is_on_the_safe_side() {
        let exact = |x: f64| ratio_from_f64(x).unwrap();
        let entries = [0.1, 0.7, 0.3, -0.9];
        let step = DMatrix::from_row_slice(2, 2, &entries.map(|x| (x, x)));
        let first = [1.0 / 3.0, 1e-5];
        let fresh = [1e-3 / 7.0, 0.2];
        let mut of = Generators::new(first.to_vec());
        let zero = Ratio::default();
        let mut columns = vec![
            [exact(first[0]), zero.clone()],
            [zero.clone(), exact(first[1])],
        ];
        for _ in 0..30 {
            of.advance(&step, &fresh);
            let [a, b, c, d] = entries.map(exact);
            for column in &mut columns {
                let [x, y] = column.clone();
                *column = [&a * &x + &b * &y, &c * x + &d * y];
            }
            columns.push([exact(fresh[0]), zero.clone()]);
            columns.push([zero.clone(), exact(fresh[1])]);
            for (i, reach) in of.reach.iter().enumerate() {
                let least: Ratio = columns.iter().map(|column| column[i].abs()).sum();
                let most = &least * exact(1.0 + 1e-12);
                assert!(least <= exact(*reach) && exact(*reach) <= most, "{reach}");
            }
        }
    }

    #[test]
    fn a_derivative_between_two_numbers_reaches_as_far_as_either() {
        let mut of = Generators::new(vec![1.0, 2.0]);
        let between = [(-0.25, 0.75), (0.0, 0.0), (1.0, 1.0), (-1.0, 0.5)];
        of.advance(&DMatrix::from_row_slice(2, 2, &between), &[0.0, 0.5]);
        // 0.75·1, and 1 + 1·2 with what is fresh.
        for (reach, exact) in of.reach.iter().zip([0.75, 3.5]) {
            assert!(
                (exact..exact + 1e-12).contains(reach),
                "{reach} for {exact}"
            );
        }
        let mut most = 0;
        for _ in 0..200 {
            of.advance(&DMatrix::from_row_slice(2, 2, &between), &[0.0, 0.5]);
            most = most.max(of.columns.ncols());
        }
        assert_eq!(most, 2 * MAX_COLUMNS + 2);
    }
}
