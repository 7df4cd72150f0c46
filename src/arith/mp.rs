//! Binary floating point at any precision, by MPFR: correctly rounded to nearest, ties to even.
//!
//! The exponent range is practically unbounded, so `mp:53` rounds like `f64` wherever `f64`
//! neither under- nor overflows.

use crate::fault::{Fault, planted};
use std::cmp::Ordering;

use rug::float::Special;
use rug::ops::NegAssign;
use rug::{Assign, Float};

use super::rational::{from_float, to_rug};
use super::{Arithmetic, ArithmeticName, FloatFormat, Function, OpError, Ratio};

/// Binary exponents beyond which a number is not written out as a rational: exact arithmetic with
/// the numbers of a diverging run would not come to an end.
const LONGEST: u32 = 1 << 16;

/// The context of `mp:BITS`: the precision of every element in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mp {
    bits: u32,
}

impl Mp {
    /// A context of `bits` significand bits; at least 2 (below that a tie has no even side).
    pub fn new(bits: u32) -> Self {
        let short = u32::from(planted(Fault::OneBitShort));
        Self {
            bits: bits.saturating_sub(short).max(2),
        }
    }

    /// The precision in bits.
    pub fn bits(&self) -> u32 {
        self.bits
    }
}

impl Arithmetic for Mp {
    type Elem = Float;

    fn name(&self) -> ArithmeticName {
        ArithmeticName::Mp(self.bits)
    }

    fn zero(&self) -> Float {
        Float::with_val(self.bits, Special::Zero)
    }

    fn from_ratio(&self, q: &Ratio) -> Result<Float, OpError> {
        let rounded = Float::with_val(self.bits, to_rug(q));
        self.check(&rounded)?;
        Ok(rounded)
    }

    fn from_f64(&self, x: f64) -> Result<Float, OpError> {
        if !x.is_finite() {
            return Err(super::NOT_FINITE);
        }
        // Adding zero takes the sign off a zero and changes nothing else.
        Ok(Float::with_val(self.bits, x + 0.0))
    }

    fn set(&self, out: &mut Float, x: &Float) {
        out.assign(x);
    }

    fn add(&self, out: &mut Float, x: &Float, y: &Float) {
        out.assign(x + y);
    }

    fn sub(&self, out: &mut Float, x: &Float, y: &Float) {
        out.assign(x - y);
    }

    fn mul(&self, out: &mut Float, x: &Float, y: &Float) {
        out.assign(x * y);
    }

    fn neg(&self, out: &mut Float, x: &Float) {
        out.assign(x);
        out.neg_assign();
    }

    fn accumulate(&self, acc: &mut Float, x: &Float) {
        *acc += x;
    }

    fn div(&self, out: &mut Float, x: &Float, y: &Float) -> Result<(), OpError> {
        if y.is_zero() {
            return Err(OpError::Undefined("division by zero"));
        }
        out.assign(x / y);
        Ok(())
    }

    fn sqrt(&self, out: &mut Float, x: &Float) -> Result<(), OpError> {
        if *x < 0 {
            return Err(OpError::Undefined("square root of a negative number"));
        }
        out.assign(x.sqrt_ref());
        Ok(())
    }

    fn compare(&self, x: &Float, y: &Float) -> Result<Ordering, OpError> {
        x.partial_cmp(y)
            .ok_or(OpError::Undecided("comparison with NaN"))
    }

    fn sign(&self, out: &mut Float, x: &Float) -> Result<(), OpError> {
        out.assign(match self.compare(x, &self.zero())? {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        });
        Ok(())
    }

    fn atan2(&self, out: &mut Float, y: &Float, x: &Float) -> Result<(), OpError> {
        out.assign(y.atan2_ref(x));
        Ok(())
    }

    fn function(&self, f: Function, out: &mut Float, x: &Float) -> Result<(), OpError> {
        match f {
            Function::Exp => out.assign(x.exp_ref()),
            Function::CosPi => out.assign(x.cos_pi_ref()),
            Function::Tanh => out.assign(x.tanh_ref()),
            // Twice the precision on the way, so that what is rounded at the end is one result.
            Function::NormalCdf => {
                let mut y = Float::with_val(2 * self.bits + 64, x);
                y /= Float::with_val(2 * self.bits + 64, 2).sqrt();
                y.neg_assign();
                y.erfc_mut();
                out.assign(y / 2u32);
            }
            Function::NormalDensity => {
                let mut y = Float::with_val(2 * self.bits + 64, x.square_ref());
                y /= -2i32;
                y.exp_mut();
                let tau = 2u32 * Float::with_val(2 * self.bits + 64, rug::float::Constant::Pi);
                out.assign(y / tau.sqrt());
            }
            Function::Ln if *x > 0 => out.assign(x.ln_ref()),
            Function::Ln => {
                return Err(OpError::Undefined(
                    "logarithm of a number that is not positive",
                ));
            }
        }
        Ok(())
    }

    /// A result that rounds to zero keeps its sign.
    fn cast(&self, out: &mut Float, x: &Float, to: FloatFormat) -> Result<(), OpError> {
        self.check(x)?;
        let exact = self.to_ratio(x).ok_or(OpError::Unsupported {
            operation: to.name(),
            arithmetic: self.name(),
        })?;
        let rounded = to.round(&exact).ok_or(OpError::Overflow(self.name()))?;
        out.assign(rounded);
        if out.is_zero() && x.is_sign_negative() {
            out.neg_assign();
        }
        Ok(())
    }

    fn check(&self, x: &Float) -> Result<(), OpError> {
        if x.is_finite() {
            Ok(())
        } else {
            Err(OpError::Overflow(self.name()))
        }
    }

    fn same(&self, x: &Float, y: &Float) -> Result<bool, OpError> {
        Ok(x == y && x.is_sign_negative() == y.is_sign_negative())
    }

    fn to_ratio(&self, x: &Float) -> Option<Ratio> {
        from_float(x, LONGEST)
    }

    /// Decimal with enough digits to read the same element back at this precision.
    fn show(&self, x: &Float) -> String {
        x.to_string_radix(10, None)
    }

    fn approx(&self, x: &Float) -> f64 {
        x.to_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Reordered, ratio_from_f64};

    #[test]
    fn a_number_of_a_diverging_run_is_no_rational_and_is_still_computed_with() {
        let ctx = Mp::new(53);
        let two = Float::with_val(53, 2);
        let long = Float::with_val(53, &two << (LONGEST + 1));
        assert_eq!(ctx.to_ratio(&two), ratio_from_f64(2.0));
        assert_eq!(ctx.to_ratio(&long), None);
        assert_eq!(ctx.to_ratio(&Float::with_val(53, long.recip_ref())), None);
        let fused = Reordered::new(ctx, 1, true);
        let (mut out, product) = (fused.zero(), Float::with_val(53, &long * &two));
        fused.dot(&mut out, [(&long, &two), (&two, &two)].into_iter());
        assert_eq!(out, product);
    }
}
