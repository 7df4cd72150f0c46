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

use super::Toward::{Down, Up};
use super::{Ends, Interval, Intervals, OpError};
use crate::arith::{
    Accumulator, Arithmetic, ArithmeticName, FloatFormat, FloatModel, Function, Ratio, Surd,
};
use std::cmp::Ordering;

/// What is known of one entry in every admissible run, and of the error made at its node.
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
        Self {
            unit: power(-i64::from(model.precision)),
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

    /// Whether some number of `x` may be below the normal range without being 0.
    fn may_underflow(&self, x: &Interval<E::End>) -> bool {
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

    /// `wide` without the numbers beyond 0 where `exact` has none: a single rounding keeps signs.
    fn of_one_sign(
        &self,
        exact: &Interval<E::End>,
        mut wide: Interval<E::End>,
    ) -> Interval<E::End> {
        let zero = self.ends().zero();
        if exact.inf >= zero && wide.inf < zero {
            wide.inf = zero.clone();
        }
        if exact.sup <= zero && wide.sup > zero {
            wide.sup = zero;
        }
        wide
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

    /// One rounding: `factor` unit roundoffs, and half a subnormal where that can matter.
    fn rounded(&self, exact: Interval<E::End>, factor: &E::End, below: u64) -> Enclosed<E::End> {
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

    /// A sum of terms; with `products` each of them is a product that is rounded as well.
    fn total(
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
        if count == 0 {
            return self.given(exact);
        }
        let roundings = if products && !wide { count } else { count - 1 };
        let any = self.times(&self.times(&self.integer(roundings), &unit), &sizes);
        let any = self.plus(&any, &below);
        // No partial sum is larger, in whatever order; where one may overflow nothing is known.
        let partial = self.plus(&sizes, &any);
        if largest.is_some_and(|largest| partial > largest) {
            let everything = Interval {
                inf: ends.from_f64(f64::NEG_INFINITY, Down),
                sup: ends.from_f64(f64::INFINITY, Up),
            };
            return self.given(everything);
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
            let last = self.rounded(total.range.clone(), &self.one(), 1);
            total.any = self.plus(&total.any, &last.any);
            total.stated = self.plus(&total.stated, &last.stated);
            total.squares = self.plus(&total.squares, &last.squares);
            total.range = last.range;
        }
        total
    }

    /// A bound of the error of the library function `f` at the numbers of `x`, whose exact values
    /// fill `y`.
    fn function_error(&self, f: Function, x: &Interval<E::End>, y: &Interval<E::End>) -> E::End {
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
        *out = self.rounded(exact, &self.one(), 1);
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
        self.binary(out, 1, |i, o| i.div(o, &x.range, &y.range))
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
        *out = self.rounded(exact, &factor, 2);
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

#[cfg(all(test, feature = "mp"))]
mod tests {
    use proptest::prelude::*;
    use rug::Float;

    use super::super::MpEnds;
    use super::*;
    use crate::arith::{BF16, F16, F32, F64, Machine, MachineFloat, Reordered};

    fn enclosures(name: ArithmeticName) -> Enclosures<MpEnds> {
        Enclosures::new(MpEnds::new(200), FloatModel::of(name).unwrap())
    }

    fn point(ctx: &Enclosures<MpEnds>, x: f64) -> Enclosed<Float> {
        ctx.given(ctx.intervals().from_f64(x).unwrap())
    }

    /// Whether the result of the format is one that the enclosure admits, or the enclosure says
    /// nothing.
    fn admits<F: MachineFloat>(
        ctx: &Enclosures<MpEnds>,
        wide: &Result<Enclosed<Float>, OpError>,
        found: &Result<F, OpError>,
    ) -> bool {
        let (Ok(wide), Ok(found)) = (wide, found) else {
            return true;
        };
        if ctx.check(wide).is_err() {
            return true;
        }
        let found = Float::with_val(53, found.widen());
        wide.range.inf <= found && found <= wide.range.sup
    }

    /// A number of the format from random bits, biased to the edges.
    fn number<F: MachineFloat>(model: &FloatModel, bits: u64, kind: u8) -> F {
        let (emin, emax) = (model.emin.unwrap(), model.emax.unwrap());
        let fraction = (bits >> 11) as f64 / (1u64 << 53) as f64 + 0.5;
        let exponent = match kind % 5 {
            0 => (bits % 8) as i32 - 4,
            1 => emin + (bits % 30) as i32,
            2 => emax - (bits % 12) as i32,
            3 => (bits % 40) as i32 - 20,
            _ => emin / 2 + (bits % 20) as i32,
        };
        let x = libm::scalbn(fraction, exponent);
        let sign = if bits & 1 << 10 == 0 { 1.0 } else { -1.0 };
        let x = F::narrow(sign * x);
        if x.is_finite() { x } else { F::one() }
    }

    fn each_operation<F: MachineFloat>(ctx: Machine<F>, bits: &[u64], kinds: &[u8]) {
        let wide = enclosures(ctx.name());
        let numbers: Vec<F> = bits
            .iter()
            .zip(kinds)
            .map(|(b, k)| number::<F>(wide.model(), *b, *k))
            .collect();
        let points: Vec<Enclosed<Float>> =
            numbers.iter().map(|x| point(&wide, x.widen())).collect();
        let (x, y) = (&numbers[0], &numbers[1]);
        let (px, py) = (&points[0], &points[1]);
        let say = |what: &str| {
            format!(
                "{what} of {} and {} in {}",
                x.widen(),
                y.widen(),
                ctx.name()
            )
        };
        macro_rules! same {
            ($what:expr, $f:expr, $g:expr) => {{
                let mut out = F::zero();
                let found = $f(&mut out).and_then(|()| ctx.check(&out)).map(|()| out);
                let mut of = wide.zero();
                let range = $g(&mut of).map(|()| of);
                assert!(
                    admits(&wide, &range, &found),
                    "{}: {range:?}, {found:?}",
                    say($what)
                );
            }};
        }
        same!(
            "sum",
            |o| {
                ctx.add(o, x, y);
                Ok(())
            },
            |o| {
                wide.add(o, px, py);
                Ok(())
            }
        );
        same!(
            "difference",
            |o| {
                ctx.sub(o, x, y);
                Ok(())
            },
            |o| {
                wide.sub(o, px, py);
                Ok(())
            }
        );
        same!(
            "product",
            |o| {
                ctx.mul(o, x, y);
                Ok(())
            },
            |o| {
                wide.mul(o, px, py);
                Ok(())
            }
        );
        same!("quotient", |o| ctx.div(o, x, y), |o| wide.div(o, px, py));
        same!("root", |o| ctx.sqrt(o, x), |o| wide.sqrt(o, px));
        same!("angle", |o| ctx.atan2(o, y, x), |o| wide.atan2(o, py, px));
        for f in Function::ALL {
            same!(f.name(), |o| ctx.function(f, o, x), |o| wide
                .function(f, o, px));
        }
        for n in [1, 2, 3, 7, 30] {
            same!("power", |o| ctx.power(o, x, n), |o| wide.power(o, px, n));
        }
        for to in [FloatFormat::Bf16, FloatFormat::F16, FloatFormat::F32] {
            same!("cast", |o| ctx.cast(o, x, to), |o| wide.cast(o, px, to));
        }
        let half = numbers.len() / 2;
        for seed in 0..4 {
            let other = Reordered::new(ctx, seed, seed % 2 == 0);
            same!(
                "sum of many",
                |o| {
                    other.sum(o, numbers.iter());
                    Ok(())
                },
                |o| {
                    wide.sum(o, points.iter());
                    Ok(())
                }
            );
            same!(
                "product of vectors",
                |o| {
                    other.dot(o, numbers[..half].iter().zip(&numbers[half..]));
                    Ok(())
                },
                |o| {
                    wide.dot(o, points[..half].iter().zip(&points[half..]));
                    Ok(())
                }
            );
        }
        // In the documented order the error is within its own bound.
        let exact = Enclosures::exact(MpEnds::new(600), wide.model().clone());
        let (mut found, mut known) = (F::zero(), exact.zero());
        ctx.dot(&mut found, numbers[..half].iter().zip(&numbers[half..]));
        let points: Vec<Enclosed<Float>> =
            numbers.iter().map(|x| point(&exact, x.widen())).collect();
        exact.dot(&mut known, points[..half].iter().zip(&points[half..]));
        if ctx.check(&found).is_ok() && exact.check(&known).is_ok() {
            let off = Float::with_val(600, &known.range.inf - found.widen()).abs();
            assert!(
                off <= known.stated,
                "{}: off by {off}, {known:?}",
                say("documented order")
            );
            assert!(known.stated <= known.any.clone() * 2u32);
        }
    }

    #[test]
    fn constants_beyond_the_range_are_none() {
        let ctx = enclosures(ArithmeticName::F16);
        let of = |text: &str| ctx.from_surd(&text.parse().unwrap());
        assert!(of("65504").is_ok() && of("65536").is_err());
        assert!(of("sqrt(2)").is_ok());
        // The square would overflow on the way.
        assert!(of("1024*sqrt(2)").is_err());
        for text in [
            "sqrt(2)",
            "-1/3*sqrt(5)",
            "1/512*sqrt(3)",
            "1/4096*sqrt(2)",
            "1/65536*sqrt(7)",
        ] {
            let found = F16.from_surd(&text.parse().unwrap());
            assert!(
                admits(&ctx, &of(text), &found),
                "{text}: {:?} {found:?}",
                of(text)
            );
        }
    }

    fn cases() -> u32 {
        let factor = std::env::var("LORA_GAUGE_CASES").ok();
        2000 * factor.map_or(1, |text| text.parse::<u32>().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases()))]
        #[test]
        fn no_result_of_a_format_escapes(
            bits in prop::collection::vec(any::<u64>(), 2..10),
            kinds in prop::collection::vec(any::<u8>(), 10),
            alike in any::<bool>(),
        ) {
            // Terms of one size cancel and round more than others.
            let kinds = if alike { vec![kinds[0]; 10] } else { kinds };
            each_operation(F32, &bits, &kinds);
            each_operation(F64, &bits, &kinds);
            each_operation(BF16, &bits, &kinds);
            each_operation(F16, &bits, &kinds);
            for sums in [Accumulator::F32, Accumulator::Exact] {
                each_operation(BF16::accumulating(sums), &bits, &kinds);
                each_operation(F16::accumulating(sums), &bits, &kinds);
            }
        }
    }
}
