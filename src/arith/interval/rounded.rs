//! Enclosures of every admissible rounding: interval arithmetic about a float format.
//!
//! An element stands for one entry of one node in *all* runs that a format admits: its range
//! holds the value whatever each rounding was, in any order of summation, with or without fused
//! multiply-adds. It also says how large the error made *at this node* can be, given the operands
//! as they are in the run: in any order, in the documented order, and the sum of squares of the
//! elementary errors in that order, which a probabilistic bound takes (Higham and Mary 2019,
//! arXiv 1809.02558 in substance).
//!
//! Notation as in Higham, *Accuracy and Stability of Numerical Algorithms* (2002), §2.2 and §3.1:
//! the standard model fl(x ∘ y) = (x ∘ y)(1 + δ) + η with |δ| ≤ u, |η| ≤ half the smallest
//! subnormal, and η = 0 for sums. A sum of n terms in any order errs by at most (n − 1)·u·Σ|xᵢ|,
//! a product of vectors by n·u·Σ|xᵢyᵢ|, without terms of higher order (Rump 2012; Jeannerod and
//! Rump 2013). The bounds of [`function_error`](Enclosures::function) for the library functions
//! of machine formats are assumptions, which tests compare with MPFR.

mod errors;
mod operations;
#[cfg(all(test, feature = "mp"))]
mod tests;

use super::Toward::{Down, Up};
use super::{Ends, Interval, Intervals, OpError};
use crate::arith::{Arithmetic, FloatModel, Ratio};
use crate::fault::{Fault, planted};

/// The range of one entry in every admissible run, and of the error made at its node.
#[derive(Debug, Clone, PartialEq)]
pub struct Enclosed<T> {
    /// Holds the value.
    pub range: Interval<T>,
    /// The largest error made here, in any order of summation.
    pub any: T,
    /// The same in the documented order.
    pub stated: T,
    /// The sum of the squares of the bounds of all elementary errors in the documented order.
    pub squares: T,
}

/// The context of [`Enclosed`] elements.
#[derive(Debug, Clone)]
pub struct Enclosures<E: Ends> {
    inner: Intervals<E>,
    model: FloatModel,
    widens: bool,
    /// u, the unit roundoff.
    unit: E::End,
    /// Half the smallest subnormal; 0 where nothing underflows.
    tiny: E::End,
    least_normal: E::End,
    largest: Option<E::End>,
}

impl<E: Ends> Enclosures<E> {
    /// Everything that `model` admits.
    pub fn new(ends: E, model: FloatModel) -> Self {
        let power = |e: i64| ends.from_ratio(&FloatModel::power_of_two(e), Up);
        let zero = ends.zero();
        let halved = i64::from(planted(Fault::UnitRoundoffHalved));
        Self {
            unit: power(-i64::from(model.precision) - halved),
            tiny: model.emin.map_or(zero.clone(), |e| power(i64::from(e) - 1)),
            least_normal: model.least_normal().map_or(zero, power),
            largest: model.largest().map(|q| ends.from_ratio(&q, Down)),
            inner: Intervals { ends },
            model,
            widens: true,
        }
    }

    /// The exact run, in which nothing is rounded and casts pass numbers on as they are, with
    /// the errors that `model` would make at each node.
    pub fn exact(ends: E, model: FloatModel) -> Self {
        Self {
            widens: false,
            ..Self::new(ends, model)
        }
    }

    /// The interval arithmetic of the ranges.
    pub fn intervals(&self) -> &Intervals<E> {
        &self.inner
    }

    /// The float format.
    pub fn model(&self) -> &FloatModel {
        &self.model
    }

    /// An element of this range without an error of its own.
    pub fn given(&self, range: Interval<E::End>) -> Enclosed<E::End> {
        let zero = self.ends().zero();
        Enclosed {
            range,
            any: zero.clone(),
            stated: zero.clone(),
            squares: zero,
        }
    }

    fn ends(&self) -> &E {
        &self.inner.ends
    }

    /// `true` if `x` is a single number, and one of the format: rounding leaves it as it is.
    fn is_held(&self, x: &Interval<E::End>) -> bool {
        let is_of_format = || {
            let number = self.ends().to_ratio(&x.inf);
            number.is_some_and(|q| self.model.represents(&q))
        };
        x.inf == x.sup && (planted(Fault::PointTakenAsExact) || is_of_format())
    }

    fn is_zero(&self, x: &Interval<E::End>) -> bool {
        let zero = self.ends().zero();
        x.inf == zero && x.sup == zero
    }

    fn up(&self, f: impl Fn(&E, &mut E::End)) -> E::End {
        let mut out = self.ends().zero();
        f(self.ends(), &mut out);
        out
    }

    fn times(&self, x: &E::End, y: &E::End) -> E::End {
        self.up(|e, out| e.mul(out, x, y, Up))
    }

    fn plus(&self, x: &E::End, y: &E::End) -> E::End {
        self.up(|e, out| e.add(out, x, y, Up))
    }

    fn integer(&self, n: u64) -> E::End {
        self.ends().from_ratio(&Ratio::from_integer(n.into()), Up)
    }

    /// The largest absolute value.
    fn magnitude(&self, x: &Interval<E::End>) -> E::End {
        let flipped = self.up(|e, out| e.neg(out, &x.inf));
        self.inner.larger(&flipped, &x.sup).clone()
    }

    /// `true` if some number of `x` may be below the normal range without being 0.
    fn may_underflow(&self, x: &Interval<E::End>) -> bool {
        if planted(Fault::UnderflowForgotten) {
            return false;
        }
        let below = self.up(|e, out| e.neg(out, &self.least_normal));
        x.inf < self.least_normal && x.sup > below && !self.is_zero(x)
    }

    /// `x` moved apart by `error`.
    fn widened(&self, x: &Interval<E::End>, error: &E::End) -> Interval<E::End> {
        let mut wide = x.clone();
        self.ends().sub(&mut wide.inf, &x.inf, error, Down);
        self.ends().add(&mut wide.sup, &x.sup, error, Up);
        wide
    }

    /// `moved` without the numbers beyond 0 where `exact` has none: a single rounding keeps signs.
    pub fn of_one_sign(
        &self,
        exact: &Interval<E::End>,
        mut moved: Interval<E::End>,
    ) -> Interval<E::End> {
        let zero = self.ends().zero();
        for end in [&mut moved.inf, &mut moved.sup] {
            if (exact.inf >= zero && *end < zero) || (exact.sup <= zero && *end > zero) {
                *end = zero.clone();
            }
        }
        moved
    }

    /// The result of one operation whose exact results fill `exact` and whose error is at most
    /// `error`.
    fn with_error(&self, exact: Interval<E::End>, error: E::End, signed: bool) -> Enclosed<E::End> {
        let range = match (self.widens, signed) {
            (true, true) => self.of_one_sign(&exact, self.widened(&exact, &error)),
            (true, false) => self.widened(&exact, &error),
            (false, _) => exact,
        };
        Enclosed {
            range,
            squares: self.times(&error, &error),
            stated: error.clone(),
            any: error,
        }
    }

    /// One rounding of the very numbers in `exact`: `factor` unit roundoffs, and half a subnormal
    /// where that can matter.
    fn rounded(&self, exact: Interval<E::End>, factor: &E::End, below: u64) -> Enclosed<E::End> {
        match self.is_held(&exact) {
            true => self.given(exact),
            false => self.rounded_near(exact, factor, below),
        }
    }

    /// The same where what is rounded may lie beside `exact`, which then says nothing about being
    /// held.
    fn rounded_near(
        &self,
        exact: Interval<E::End>,
        factor: &E::End,
        below: u64,
    ) -> Enclosed<E::End> {
        if self.is_zero(&exact) {
            return self.given(exact);
        }
        let mut error = self.times(&self.times(&self.unit, factor), &self.magnitude(&exact));
        if below > 0 && self.may_underflow(&exact) {
            error = self.plus(&error, &self.times(&self.integer(below), &self.tiny));
        }
        self.with_error(exact, error, true)
    }

    fn one(&self) -> E::End {
        self.integer(1)
    }

    fn binary(
        &self,
        out: &mut Enclosed<E::End>,
        below: u64,
        f: impl FnOnce(&Intervals<E>, &mut Interval<E::End>) -> Result<(), OpError>,
    ) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        f(&self.inner, &mut exact)?;
        *out = self.rounded(exact, &self.one(), below);
        Ok(())
    }
}
