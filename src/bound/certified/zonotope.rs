//! The deviation of a run from its exact counterpart, step after step: a zonotope.
//!
//! The deviation of every carried number is a sum of independent sources, each with a column of
//! factors, its generator, so that sources which cancel or grow together do so here too; what
//! cannot be told apart has generators of its own (Kühn 1998; Girard 2005). Everything is rounded
//! up, and all numbers are in units of the unit roundoff.

use nalgebra::{DMatrix, DVector};

use super::rounding_up::{add, mul, sum};

/// The number of generators for each carried number beyond which the oldest are put together.
const MAX_GENERATORS: usize = 40;

/// The set of all deviations of the carried numbers.
#[derive(Debug, Clone)]
pub(super) struct Zonotope {
    generators: DMatrix<f64>,
    /// The radius of each number: its largest deviation.
    pub radii: Vec<f64>,
}

impl Zonotope {
    /// The box in which each number deviates by itself, at most so much.
    pub fn new(radii: Vec<f64>) -> Self {
        let diagonal = DVector::from_column_slice(&radii);
        Self {
            generators: DMatrix::from_diagonal(&diagonal),
            radii,
        }
    }

    /// The deviation after one step whose derivative lies between the ends of `derivative` (row by
    /// row: each next number with respect to each current one), and which adds at most `fresh`.
    pub fn advance(&mut self, derivative: &DMatrix<(f64, f64)>, fresh: &[f64]) {
        let n = self.radii.len();
        let middle = derivative.map(|(inf, sup)| inf / 2.0 + sup / 2.0);
        if self.generators.ncols() > MAX_GENERATORS * n {
            self.merge(n);
        }
        let rest = self.rest(derivative, &middle, fresh);
        let moved = &middle * &self.generators;
        let old = moved.ncols();
        let mut generators = moved.resize_horizontally(old + n, 0.0);
        for (i, x) in rest.iter().enumerate() {
            generators[(i, old + i)] = *x;
        }
        self.radii = row_sums(&generators);
        self.generators = generators;
    }

    /// The part of each next number that `middle` times the generators leaves out: the width of
    /// the derivative, the roundings of that product, and what is fresh.
    fn rest(
        &self,
        derivative: &DMatrix<(f64, f64)>,
        middle: &DMatrix<f64>,
        fresh: &[f64],
    ) -> Vec<f64> {
        let n = self.radii.len();
        // A difference of two numbers is 0 only where they are the same.
        let above = |x: f64| if x == 0.0 { 0.0 } else { x.next_up() };
        let half_width = derivative.zip_map(middle, |(inf, sup), m| {
            above(sup - m).max(above(m - inf)).max(0.0)
        });
        // A sum of n products in binary64 errs by at most n·2⁻⁵³·Σ|xᵢyᵢ|, and by a subnormal
        // for each product.
        let unit = mul(n as f64, f64::EPSILON);
        let sizes = row_sums(&self.generators);
        let of_row = |i: usize| {
            let spread = sum((0..n).map(|j| mul(half_width[(i, j)], self.radii[j])));
            let inner = sum((0..n).map(|j| mul(middle[(i, j)].abs(), sizes[j])));
            // What is multiplied by 0 alone is 0.
            let at_rest = (0..n).all(|j| middle[(i, j)] == 0.0 || sizes[j] == 0.0);
            let products = match at_rest {
                true => 0,
                false => n * self.generators.ncols(),
            };
            let underflow = mul(products as f64, f64::MIN_POSITIVE);
            add(add(spread, mul(unit, inner)), add(fresh[i], underflow))
        };
        (0..n).map(of_row).collect()
    }

    /// Replaces the older half of the generators by one for each number.
    fn merge(&mut self, n: usize) {
        let half = self.generators.ncols() / 2;
        let kept = self.generators.ncols() - half;
        let sizes = row_sums(&self.generators.columns(0, half).into_owned());
        let mut generators = DMatrix::zeros(n, n + kept);
        generators.set_partial_diagonal(sizes.into_iter());
        generators
            .columns_mut(n, kept)
            .copy_from(&self.generators.columns(half, kept));
        self.generators = generators;
    }
}

/// The sums of absolute values along the rows, rounded up.
fn row_sums(m: &DMatrix<f64>) -> Vec<f64> {
    m.row_iter()
        .map(|row| sum(row.iter().map(|x| x.abs())))
        .collect()
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
        let mut of = Zonotope::new(vec![1.0, 3.0]);
        of.advance(&step, &[0.0, 0.0]);
        assert!(of.radii.iter().all(|x| (4.0..4.001).contains(x)));
        of.advance(&step, &[0.0, 0.0]);
        assert!((2.0..2.001).contains(&of.radii[0]) && (6.0..6.001).contains(&of.radii[1]));
    }

    #[test]
    fn what_does_not_deviate_does_not_begin_to() {
        let step = DMatrix::from_row_slice(2, 2, &[(0.0, 0.0), (0.0, 0.0), (0.5, 2.0), (1.0, 1.0)]);
        let mut of = Zonotope::new(vec![1.0, 3.0]);
        for _ in 0..3 {
            of.advance(&step, &[0.0, 0.0]);
            assert_eq!(of.radii[0], 0.0);
        }
        assert!((5.0..5.001).contains(&of.radii[1]), "{}", of.radii[1]);
    }

    #[test]
    fn merged_columns_reach_as_far_at_least() {
        let step = DMatrix::from_row_slice(1, 1, &[(0.5, 0.75)]);
        let mut of = Zonotope::new(vec![1.0]);
        for _ in 0..200 {
            of.advance(&step, &[1.0]);
            assert!(of.generators.ncols() <= MAX_GENERATORS + 2);
        }
        // The fixed point of x ↦ 0.75·x + 1 is 4.
        assert!((4.0..4.01).contains(&of.radii[0]), "{}", of.radii[0]);
    }

    /// Against the same columns in rationals: never below, and hardly above.
    #[test]
    fn rounding_is_on_the_safe_side() {
        let exact = |x: f64| ratio_from_f64(x).unwrap();
        let entries = [0.1, 0.7, 0.3, -0.9];
        let step = DMatrix::from_row_slice(2, 2, &entries.map(|x| (x, x)));
        let first = [1.0 / 3.0, 1e-5];
        let fresh = [1e-3 / 7.0, 0.2];
        let mut of = Zonotope::new(first.to_vec());
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
            for (i, radius) in of.radii.iter().enumerate() {
                let least: Ratio = columns.iter().map(|column| column[i].abs()).sum();
                let most = &least * exact(1.0 + 1e-12);
                assert!(
                    least <= exact(*radius) && exact(*radius) <= most,
                    "{radius}"
                );
            }
        }
    }

    #[test]
    fn a_derivative_between_two_numbers_reaches_as_far_as_either() {
        let mut of = Zonotope::new(vec![1.0, 2.0]);
        let between = [(-0.25, 0.75), (0.0, 0.0), (1.0, 1.0), (-1.0, 0.5)];
        of.advance(&DMatrix::from_row_slice(2, 2, &between), &[0.0, 0.5]);
        // 0.75·1, and 1 + 1·2 with what is fresh.
        for (radius, exact) in of.radii.iter().zip([0.75, 3.5]) {
            assert!(
                (exact..exact + 1e-12).contains(radius),
                "{radius} for {exact}"
            );
        }
        let mut most = 0;
        for _ in 0..200 {
            of.advance(&DMatrix::from_row_slice(2, 2, &between), &[0.0, 0.5]);
            most = most.max(of.generators.ncols());
        }
        assert_eq!(most, 2 * MAX_GENERATORS + 2);
    }
}
