//! The errors of operations that round more than once: sums, products of vectors and library
//! functions.

use super::super::Toward::Up;
use super::super::{Ends, Interval};
use super::Enclosed;
use super::Enclosures;
use crate::arith::{Accumulator, Arithmetic, FloatModel, Function};
use crate::fault::{Fault, planted};

impl<E: Ends> Enclosures<E> {
    /// A sum of terms; with `products` each of them is a product that is rounded as well.
    pub(super) fn total(
        &self,
        terms: impl Iterator<Item = Interval<E::End>>,
        products: bool,
    ) -> Enclosed<E::End> {
        let ends = self.ends();
        let zero = ends.zero();
        let wide = self.model.sums.is_some();
        // Roundings on the way: in binary32 a product of two halves is exact but for underflow.
        let power = |e| ends.from_ratio(&FloatModel::power_of_two(e), Up);
        let (unit, tiny, largest) = match self.model.sums {
            None => (self.unit.clone(), self.tiny.clone(), self.largest.clone()),
            Some(Accumulator::F32) => (power(-24), power(-150), Some(power(127))),
            Some(Accumulator::Exact) => (zero.clone(), zero.clone(), None),
        };
        let mut exact = self.inner.zero();
        let mut sizes = zero.clone();
        let (mut stated, mut squares, mut below) = (zero.clone(), zero.clone(), zero.clone());
        let mut count = 0u64;
        // Where no term is negative, no partial sum is, in any order.
        let mut sides = [true, true];
        for term in terms.filter(|t| !self.is_zero(t)) {
            count += 1;
            sides = [sides[0] && term.inf >= zero, sides[1] && term.sup <= zero];
            self.inner.accumulate(&mut exact, &term);
            let size = self.magnitude(&term);
            sizes = self.plus(&sizes, &size);
            let mut note = |error: &E::End| {
                stated = self.plus(&stated, error);
                squares = self.plus(&squares, &self.times(error, error));
            };
            if products {
                let mut error = match wide {
                    true => zero.clone(),
                    false => self.times(&unit, &size),
                };
                if self.may_underflow(&term) || wide {
                    error = self.plus(&error, &tiny);
                    below = self.plus(&below, &tiny);
                }
                note(&error);
            }
            if count > 1 {
                // The partial sum as it is in the run, with the errors so far.
                let partial = self.plus(&self.magnitude(&exact), &stated);
                let error = self.times(&unit, &partial);
                stated = self.plus(&stated, &error);
                squares = self.plus(&squares, &self.times(&error, &error));
            }
        }
        if count == 0 || (planted(Fault::SumErrorForgotten) && products) {
            return self.given(exact);
        }
        // A product that rounding leaves as it is.
        if count == 1 && self.is_held(&exact) {
            return self.given(exact);
        }
        let roundings = if products && !wide { count } else { count - 1 };
        let any = self.times(&self.times(&self.integer(roundings), &unit), &sizes);
        let any = self.plus(&any, &below);
        // The documented order is one of all orders.
        let stated = if any < stated { any.clone() } else { stated };
        // No partial sum is larger, in whatever order; where one may overflow nothing is known.
        let partial = self.plus(&sizes, &any);
        if largest.is_some_and(|largest| partial > largest) {
            return self.given(self.inner.entire());
        }
        let mut total = Enclosed {
            range: match self.widens {
                true if sides[0] || sides[1] => {
                    self.of_one_sign(&exact, self.widened(&exact, &any))
                }
                true => self.widened(&exact, &any),
                false => exact,
            },
            any,
            stated,
            squares,
        };
        if wide {
            // Partial sums that erred may be rounded although the exact sum would not be.
            let (range, one) = (total.range.clone(), self.one());
            let last = match total.any == zero {
                true => self.rounded(range, &one, 1),
                false => self.rounded_near(range, &one, 1),
            };
            total.any = self.plus(&total.any, &last.any);
            total.stated = self.plus(&total.stated, &last.stated);
            total.squares = self.plus(&total.squares, &last.squares);
            total.range = last.range;
        }
        total
    }

    /// A bound of the error of the library function `f` at the numbers of `x`, whose exact values
    /// fill `y`.
    pub(super) fn function_error(
        &self,
        f: Function,
        x: &Interval<E::End>,
        y: &Interval<E::End>,
    ) -> E::End {
        let of =
            |n: u64, size: &E::End| self.times(&self.integer(n), &self.times(&self.unit, size));
        let size = self.magnitude(y);
        if self.model.is_mp() {
            // MPFR rounds correctly; the normal distribution is rounded twice, the first time
            // with more than twice the digits.
            return match f {
                Function::NormalCdf | Function::NormalDensity => of(2, &size),
                _ => of(1, &size),
            };
        }
        let error = match f {
            // Within one ulp, which is at most 2u.
            Function::Exp | Function::Ln => of(3, &size),
            Function::Tanh => of(6, &size),
            // cos(fl(fl(π)·z)) with |z| < 2.
            Function::CosPi => of(16, &self.one()),
            Function::NormalCdf => {
                let argument = self.magnitude(x);
                let mut density = self.inner.zero();
                // The density is defined everywhere.
                let _ = self
                    .inner
                    .function(Function::NormalDensity, &mut density, x);
                let moved = self.times(&argument, &density.sup);
                self.plus(&of(4, &size), &of(4, &moved))
            }
            Function::NormalDensity => {
                let argument = self.magnitude(x);
                let square = self.times(&argument, &argument);
                let factor = self.plus(&square, &self.integer(8));
                self.times(&factor, &of(1, &size))
            }
        };
        self.plus(&error, &self.times(&self.integer(2), &self.tiny))
    }
}
