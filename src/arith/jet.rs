//! Numbers with a derivative along one direction: first-order jets over any arithmetic.
//!
//! Source: Griewank and Walther 2008, *Evaluating Derivatives*, chapter 3 (forward mode). An element
//! without a slope is constant along the whole direction and not only to first order, so that a root
//! of 0 or a comparison of equal numbers is no kink there. Where two numbers are equal that are not
//! constant, the derivative of a branch is undecided.

use std::cmp::Ordering;

use super::{Arithmetic, ArithmeticName, FloatFormat, Function, OpError, Ratio};

/// The arithmetic of jets over the numbers of `A`.
#[derive(Debug, Clone)]
pub struct Jet<A> {
    inner: A,
}

/// A number and its derivative; no derivative for a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct JetElem<E> {
    value: E,
    slope: Option<E>,
}

const KINK: OpError = OpError::Undecided("a kink: the derivative has two sides");

impl<A: Arithmetic> Jet<A> {
    /// Jets over the numbers of `inner`.
    pub fn new(inner: A) -> Self {
        Self { inner }
    }

    /// The derivative.
    pub fn slope(&self, x: &JetElem<A::Elem>) -> A::Elem {
        x.slope.clone().unwrap_or_else(|| self.inner.zero())
    }

    /// Makes a number x into k^`power` · x at k = 1, differentiated by ln k. Zero stays zero.
    pub fn scale_along(&self, x: &mut JetElem<A::Elem>, power: &Ratio) {
        if self.is_zero(&x.value) {
            return;
        }
        if let Ok(power) = self.inner.from_ratio(power) {
            let mut slope = self.inner.zero();
            self.inner.mul(&mut slope, &power, &x.value);
            x.slope = Some(slope);
        }
    }

    fn is_zero(&self, x: &A::Elem) -> bool {
        self.inner.equal(x, &self.inner.zero()) == Ok(true)
    }

    fn constant(value: A::Elem) -> JetElem<A::Elem> {
        JetElem { value, slope: None }
    }

    /// Σ ± slopes.
    fn sum_of(&self, x: &Option<A::Elem>, y: &Option<A::Elem>, minus: bool) -> Option<A::Elem> {
        let mut out = self.inner.zero();
        match (x, y) {
            (None, None) => return None,
            (Some(x), None) => out.clone_from(x),
            (None, Some(y)) if minus => self.inner.neg(&mut out, y),
            (None, Some(y)) => out.clone_from(y),
            (Some(x), Some(y)) if minus => self.inner.sub(&mut out, x, y),
            (Some(x), Some(y)) => self.inner.add(&mut out, x, y),
        }
        Some(out)
    }

    fn times(&self, x: &A::Elem, slope: &Option<A::Elem>) -> Option<A::Elem> {
        slope.as_ref().map(|slope| {
            let mut out = self.inner.zero();
            self.inner.mul(&mut out, x, slope);
            out
        })
    }

    /// The order of two numbers, where it is the same in a neighbourhood.
    fn order(&self, x: &JetElem<A::Elem>, y: &JetElem<A::Elem>) -> Result<Ordering, OpError> {
        match self.inner.compare(&x.value, &y.value)? {
            Ordering::Equal if x.slope.is_some() || y.slope.is_some() => Err(KINK),
            order => Ok(order),
        }
    }
}

impl<A: Arithmetic> Arithmetic for Jet<A> {
    type Elem = JetElem<A::Elem>;

    fn name(&self) -> ArithmeticName {
        self.inner.name()
    }

    fn zero(&self) -> Self::Elem {
        Self::constant(self.inner.zero())
    }

    fn from_ratio(&self, q: &Ratio) -> Result<Self::Elem, OpError> {
        self.inner.from_ratio(q).map(Self::constant)
    }

    fn add(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        self.inner.add(&mut out.value, &x.value, &y.value);
        out.slope = self.sum_of(&x.slope, &y.slope, false);
    }

    fn sub(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        self.inner.sub(&mut out.value, &x.value, &y.value);
        out.slope = self.sum_of(&x.slope, &y.slope, true);
    }

    fn mul(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        self.inner.mul(&mut out.value, &x.value, &y.value);
        let is_nothing = |x: &Self::Elem| x.slope.is_none() && self.is_zero(&x.value);
        out.slope = match is_nothing(x) || is_nothing(y) {
            true => None,
            false => {
                let (left, right) = (
                    self.times(&y.value, &x.slope),
                    self.times(&x.value, &y.slope),
                );
                self.sum_of(&left, &right, false)
            }
        };
    }

    fn neg(&self, out: &mut Self::Elem, x: &Self::Elem) {
        self.inner.neg(&mut out.value, &x.value);
        out.slope = self.sum_of(&None, &x.slope, true);
    }

    fn accumulate(&self, acc: &mut Self::Elem, x: &Self::Elem) {
        let before = acc.clone();
        self.add(acc, &before, x);
    }

    /// (x / y)′ = (x′ − (x / y) · y′) / y.
    fn div(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        self.inner.div(&mut out.value, &x.value, &y.value)?;
        let nothing = x.slope.is_none() && self.is_zero(&x.value);
        let less = self.times(&out.value, &y.slope);
        out.slope = match self.sum_of(&x.slope, &less, true) {
            Some(above) if !nothing => {
                let mut slope = self.inner.zero();
                self.inner.div(&mut slope, &above, &y.value)?;
                Some(slope)
            }
            _ => None,
        };
        Ok(())
    }

    /// (√x)′ = x′ / (2·√x).
    fn sqrt(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        self.inner.sqrt(&mut out.value, &x.value)?;
        out.slope = match &x.slope {
            None => None,
            Some(_) if self.is_zero(&x.value) => return Err(KINK),
            Some(above) => {
                let (mut twice, mut slope) = (self.inner.zero(), self.inner.zero());
                self.inner.add(&mut twice, &out.value, &out.value);
                self.inner.div(&mut slope, above, &twice)?;
                Some(slope)
            }
        };
        Ok(())
    }

    fn compare(&self, x: &Self::Elem, y: &Self::Elem) -> Result<Ordering, OpError> {
        self.order(x, y)
    }

    fn equal(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        match self.inner.equal(&x.value, &y.value)? {
            true if x.slope.is_some() || y.slope.is_some() => Err(KINK),
            equal => Ok(equal),
        }
    }

    fn sign(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        self.order(x, &self.zero())?;
        self.inner.sign(&mut out.value, &x.value)?;
        out.slope = None;
        Ok(())
    }

    fn function(&self, f: Function, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        self.inner.function(f, &mut out.value, &x.value)?;
        let Some(inner) = &x.slope else {
            out.slope = None;
            return Ok(());
        };
        let ctx = &self.inner;
        let (one, mut factor) = (ctx.from_integer(1)?, ctx.zero());
        match f {
            Function::Exp => factor.clone_from(&out.value),
            Function::Ln => ctx.div(&mut factor, &one, &x.value)?,
            Function::Tanh => {
                let mut square = ctx.zero();
                ctx.square(&mut square, &out.value);
                ctx.sub(&mut factor, &one, &square);
            }
            Function::NormalCdf => ctx.function(Function::NormalDensity, &mut factor, &x.value)?,
            // φ′(x) = −x·φ(x).
            Function::NormalDensity => {
                let mut product = ctx.zero();
                ctx.mul(&mut product, &x.value, &out.value);
                ctx.neg(&mut factor, &product);
            }
            Function::CosPi => {
                return Err(OpError::Unsupported {
                    operation: "derivative of cos_pi",
                    arithmetic: self.name(),
                });
            }
        }
        let mut slope = ctx.zero();
        ctx.mul(&mut slope, &factor, inner);
        out.slope = Some(slope);
        Ok(())
    }

    /// atan2(y, x)′ = (x·y′ − y·x′) / (x² + y²).
    fn atan2(&self, out: &mut Self::Elem, y: &Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        self.inner.atan2(&mut out.value, &y.value, &x.value)?;
        let above = self.sum_of(
            &self.times(&x.value, &y.slope),
            &self.times(&y.value, &x.slope),
            true,
        );
        out.slope = match above {
            None => None,
            Some(above) => {
                let ctx = &self.inner;
                let [mut xx, mut yy, mut below, mut slope] = [(); 4].map(|()| ctx.zero());
                ctx.square(&mut xx, &x.value);
                ctx.square(&mut yy, &y.value);
                ctx.add(&mut below, &xx, &yy);
                ctx.div(&mut slope, &above, &below)?;
                Some(slope)
            }
        };
        Ok(())
    }

    fn cast(&self, out: &mut Self::Elem, x: &Self::Elem, to: FloatFormat) -> Result<(), OpError> {
        if x.slope.is_some() {
            return Err(OpError::Unsupported {
                operation: "derivative of a rounding",
                arithmetic: self.name(),
            });
        }
        self.inner.cast(&mut out.value, &x.value, to)?;
        out.slope = None;
        Ok(())
    }

    fn check(&self, x: &Self::Elem) -> Result<(), OpError> {
        self.inner.check(&x.value)?;
        x.slope.iter().try_for_each(|slope| self.inner.check(slope))
    }

    fn same(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        let values = self.inner.same(&x.value, &y.value)?;
        Ok(values && self.inner.same(&self.slope(x), &self.slope(y))?)
    }

    fn to_ratio(&self, x: &Self::Elem) -> Option<Ratio> {
        self.inner.to_ratio(&x.value).filter(|_| x.slope.is_none())
    }

    fn show(&self, x: &Self::Elem) -> String {
        self.inner.show(&x.value)
    }

    fn approx(&self, x: &Self::Elem) -> f64 {
        self.inner.approx(&x.value)
    }
}

#[cfg(all(test, feature = "mp"))]
mod tests {
    use super::super::Rational;
    use super::*;

    fn q(n: i64, d: i64) -> Ratio {
        Ratio::new(n.into(), d.into())
    }

    /// At x = k² · 4 with k = 1, differentiated by ln k.
    #[test]
    fn derivatives_are_those_of_school() {
        let ctx = Jet::new(Rational);
        let mut x = ctx.from_ratio(&q(4, 1)).unwrap();
        ctx.scale_along(&mut x, &q(2, 1));
        let three = ctx.from_ratio(&q(3, 1)).unwrap();
        let mut out = ctx.zero();
        let slope = |x: &_| Rational.to_ratio(&ctx.slope(x)).unwrap();
        assert_eq!(slope(&x), q(8, 1));
        ctx.mul(&mut out, &x, &x);
        assert_eq!(slope(&out), q(64, 1));
        ctx.sub(&mut out, &three, &x);
        assert_eq!(slope(&out), q(-8, 1));
        ctx.div(&mut out, &three, &x).unwrap();
        assert_eq!(slope(&out), q(-3, 2));
        ctx.sqrt(&mut out, &x).unwrap();
        assert_eq!(slope(&out), q(2, 1));
        ctx.neg(&mut out, &x);
        ctx.abs(&mut out.clone(), &x).unwrap();
        assert_eq!(slope(&out), q(-8, 1));
        ctx.sign(&mut out, &x).unwrap();
        assert_eq!(slope(&out), q(0, 1));
    }

    #[test]
    fn kinks_are_undecided_but_a_constant_zero_is_none() {
        let ctx = Jet::new(Rational);
        let mut x = ctx.from_ratio(&q(1, 1)).unwrap();
        ctx.scale_along(&mut x, &q(1, 1));
        let (mut zero, mut out) = (ctx.zero(), ctx.zero());
        ctx.sub(&mut zero, &x, &x);
        assert!(ctx.sqrt(&mut out, &zero).is_err() && ctx.sign(&mut out, &zero).is_err());
        assert!(ctx.compare(&x, &x).is_err() && ctx.equal(&x, &x).is_err());
        let nothing = ctx.zero();
        ctx.mul(&mut out, &nothing, &x);
        let mut root = ctx.zero();
        ctx.sqrt(&mut root, &out).unwrap();
        assert_eq!(root, nothing);
        ctx.div(&mut out, &nothing, &x).unwrap();
        assert_eq!(out, nothing);
    }
}
