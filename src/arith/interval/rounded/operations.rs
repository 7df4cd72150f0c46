//! Every operation with the error that it makes.

use std::cmp::Ordering;

use super::super::Toward::{Down, Up};
use super::super::{Ends, OpError};
use super::{Enclosed, Enclosures};
use crate::arith::{Arithmetic, ArithmeticName, FloatFormat, FloatModel, Function, Ratio, Surd};
use crate::fault::{Fault, planted};

impl<E: Ends> Arithmetic for Enclosures<E> {
    type Elem = Enclosed<E::End>;

    fn name(&self) -> ArithmeticName {
        self.inner.name()
    }

    fn zero(&self) -> Self::Elem {
        self.given(self.inner.zero())
    }

    fn from_ratio(&self, q: &Ratio) -> Result<Self::Elem, OpError> {
        let exact = self.inner.from_ratio(q)?;
        let constant = match self.model.represents(q) {
            true => self.given(exact),
            false => self.rounded(exact, &self.one(), 1),
        };
        self.check(&constant)?;
        Ok(constant)
    }

    fn from_surd(&self, x: &Surd) -> Result<Self::Elem, OpError> {
        if let Some(q) = x.as_ratio() {
            return self.from_ratio(q);
        }
        let exact = self.inner.from_surd(x)?;
        // The square is rounded, where it may underflow, and then its root.
        let square = self.from_ratio(&x.squared())?;
        let of_square = self.inner.from_ratio(&x.squared())?;
        let wide = self.of_one_sign(&of_square, self.widened(&of_square, &square.any));
        let (mut root, mut size, mut apart) =
            (self.inner.zero(), self.inner.zero(), self.inner.zero());
        self.inner.sqrt(&mut root, &wide)?;
        self.inner.abs(&mut size, &exact)?;
        self.inner.sub(&mut apart, &root, &size);
        let last = self.times(&self.unit, &self.magnitude(&root));
        let error = self.plus(&self.magnitude(&apart), &last);
        let root = self.with_error(exact, error, true);
        self.check(&root)?;
        Ok(root)
    }

    /// The format holds some number of the ball, rounded; a root has the error of its rounded
    /// square as well: |√(s·(1 + δ) + η) − √s| ≤ u·√s + √η.
    fn from_ball(&self, centre: &Surd, radius: &Surd) -> Result<Self::Elem, OpError> {
        let exact = self.inner.from_ball(centre, radius)?;
        let is_rational = centre.as_ratio().is_some() && radius.as_ratio().is_some();
        let ball = match is_rational {
            true => self.rounded(exact, &self.one(), 1),
            false => {
                let of_sizes = self.times(&self.unit, &self.magnitude(&exact));
                let of_tiny = self.up(|e, out| e.sqrt(out, &self.tiny, Up));
                let error = self.times(&self.integer(3), &self.plus(&of_sizes, &of_tiny));
                self.with_error(exact, error, true)
            }
        };
        self.check(&ball)?;
        Ok(ball)
    }

    fn add(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        let mut exact = self.inner.zero();
        self.inner.add(&mut exact, &x.range, &y.range);
        // Adding 0 is exact.
        *out = match self.is_zero(&x.range) || self.is_zero(&y.range) {
            true => self.given(exact),
            false => self.rounded(exact, &self.one(), 0),
        };
    }

    fn sub(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        let mut flipped = self.zero();
        self.neg(&mut flipped, y);
        self.add(out, x, &flipped);
    }

    fn mul(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        let mut exact = self.inner.zero();
        self.inner.mul(&mut exact, &x.range, &y.range);
        *out = match planted(Fault::ProductErrorForgotten) {
            true => self.given(exact),
            false => self.rounded(exact, &self.one(), 1),
        };
    }

    fn square(&self, out: &mut Self::Elem, x: &Self::Elem) {
        let mut exact = self.inner.zero();
        self.inner.square(&mut exact, &x.range);
        *out = self.rounded(exact, &self.one(), 1);
    }

    fn neg(&self, out: &mut Self::Elem, x: &Self::Elem) {
        let mut exact = self.inner.zero();
        self.inner.neg(&mut exact, &x.range);
        *out = self.given(exact);
    }

    fn set(&self, out: &mut Self::Elem, x: &Self::Elem) {
        *out = self.given(x.range.clone());
    }

    fn accumulate(&self, acc: &mut Self::Elem, x: &Self::Elem) {
        let before = acc.clone();
        self.add(acc, &before, x);
    }

    fn sums_whole(&self) -> bool {
        true
    }

    fn sum<'x>(&self, out: &mut Self::Elem, terms: impl Iterator<Item = &'x Self::Elem> + Clone) {
        *out = self.total(terms.map(|x| x.range.clone()), false);
    }

    fn dot<'x>(
        &self,
        out: &mut Self::Elem,
        pairs: impl Iterator<Item = (&'x Self::Elem, &'x Self::Elem)> + Clone,
    ) {
        let products = pairs.map(|(x, y)| {
            let mut product = self.inner.zero();
            self.inner.mul(&mut product, &x.range, &y.range);
            product
        });
        *out = self.total(products, true);
    }

    fn div(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        self.binary(out, 1, |i, o| i.div(o, &x.range, &y.range))?;
        if planted(Fault::QuotientErrorForgotten) {
            self.inner.div(&mut out.range, &x.range, &y.range)?;
            *out = self.given(out.range.clone());
        }
        Ok(())
    }

    fn sqrt(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        self.binary(out, 0, |i, o| i.sqrt(o, &x.range))
    }

    fn compare(&self, x: &Self::Elem, y: &Self::Elem) -> Result<Ordering, OpError> {
        self.inner.compare(&x.range, &y.range)
    }

    fn less(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        self.inner.less(&x.range, &y.range)
    }

    fn less_equal(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        self.inner.less_equal(&x.range, &y.range)
    }

    fn abs(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        self.inner.abs(&mut exact, &x.range)?;
        *out = self.given(exact);
        Ok(())
    }

    fn sign(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        self.inner.sign(&mut exact, &x.range)?;
        *out = self.given(exact);
        Ok(())
    }

    fn max(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        self.inner.max(&mut exact, &x.range, &y.range)?;
        *out = self.given(exact);
        Ok(())
    }

    fn min(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        self.inner.min(&mut exact, &x.range, &y.range)?;
        *out = self.given(exact);
        Ok(())
    }

    fn function(&self, f: Function, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        self.inner.function(f, &mut exact, &x.range)?;
        let error = self.function_error(f, &x.range, &exact);
        *out = self.with_error(exact, error, f != Function::CosPi);
        Ok(())
    }

    fn atan2(&self, out: &mut Self::Elem, y: &Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        self.inner.atan2(&mut exact, &y.range, &x.range)?;
        let factor = self.integer(if self.model.is_mp() { 1 } else { 4 });
        *out = self.rounded_near(exact, &factor, 2);
        Ok(())
    }

    /// n − 1 roundings act on the power, since a squaring doubles the relative error so far.
    fn power(&self, out: &mut Self::Elem, x: &Self::Elem, n: u64) -> Result<(), OpError> {
        let mut exact = self.inner.zero();
        self.inner.power(&mut exact, &x.range, n)?;
        if n < 2 {
            *out = self.given(exact);
            return Ok(());
        }
        let roundings = self.times(&self.integer(n - 1), &self.unit);
        let half = self.ends().from_f64(0.5, Down);
        if roundings >= half {
            return Err(OpError::Undecided("a power with too many roundings"));
        }
        // (1 + u)ᵐ − 1 ≤ 2·m·u while m·u ≤ 1/2, and little more than m·u while it is small.
        let excess = self.plus(&self.one(), &self.times(&self.integer(2), &roundings));
        let factor = self.times(&self.integer(n - 1), &excess);
        *out = self.rounded(exact, &factor, n.saturating_mul(4));
        Ok(())
    }

    /// A rounding like any other, so that a run and its exact counterpart stay near each other.
    fn cast(&self, out: &mut Self::Elem, x: &Self::Elem, to: FloatFormat) -> Result<(), OpError> {
        let narrow = FloatModel::of_format(to);
        if self.model.is_within(&narrow) {
            *out = self.given(x.range.clone());
            return Ok(());
        }
        let model = Self::new(self.ends().clone(), narrow);
        let cast = model.rounded(x.range.clone(), &self.one(), 1);
        model.check(&cast)?;
        *out = match self.widens {
            true => cast,
            false => Enclosed {
                range: x.range.clone(),
                ..cast
            },
        };
        Ok(())
    }

    fn check(&self, x: &Self::Elem) -> Result<(), OpError> {
        let Some(largest) = &self.largest else {
            return Ok(());
        };
        let least = self.up(|e, out| e.neg(out, largest));
        let overflow = OpError::Undecided("a rounding that may overflow");
        match x.range.sup <= *largest && x.range.inf >= least {
            true => Ok(()),
            false => Err(overflow),
        }
    }

    fn same(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        self.inner.same(&x.range, &y.range)
    }

    fn to_ratio(&self, x: &Self::Elem) -> Option<Ratio> {
        self.inner.to_ratio(&x.range)
    }

    fn show(&self, x: &Self::Elem) -> String {
        self.inner.show(&x.range)
    }

    fn approx(&self, x: &Self::Elem) -> f64 {
        self.inner.approx(&x.range)
    }

    fn radius(&self, x: &Self::Elem) -> f64 {
        self.inner.radius(&x.range)
    }
}
