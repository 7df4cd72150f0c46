//! Exact rational arithmetic, by GMP. Nothing rounds and nothing overflows.
//!
//! Roots exist only of squares, transcendental functions not at all, but for cosines that are
//! rational.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use rug::integer::Order;
use rug::ops::NegAssign;
use rug::{Assign, Integer, Rational as Number};

use super::exact::bytes_of;
use super::{Arithmetic, ArithmeticName, Function, OpError, Ratio};

/// The rational context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rational;

fn integer(n: &BigInt) -> Integer {
    let (negative, bytes) = bytes_of(n);
    let magnitude = Integer::from_digits(&bytes, Order::Lsf);
    if negative { -magnitude } else { magnitude }
}

fn big(n: &Integer) -> BigInt {
    let sign = if *n < 0 { Sign::Minus } else { Sign::Plus };
    BigInt::from_bytes_le(sign, &n.to_digits::<u8>(Order::Lsf))
}

/// The same number in GMP's representation.
pub(super) fn to_rug(q: &Ratio) -> Number {
    Number::from((integer(q.numer()), integer(q.denom())))
}

/// The same number; `None` for one that is not finite, and for one with a larger binary exponent
/// than `longest`, up or down.
pub(super) fn from_float(x: &rug::Float, longest: u32) -> Option<Ratio> {
    match x.get_exp() {
        Some(e) if e.unsigned_abs() > longest => None,
        _ => from_rug(&x.to_rational()?),
    }
}

/// The same number in the pure Rust representation.
pub(super) fn from_rug(q: &Number) -> Option<Ratio> {
    Some(Ratio::new_raw(big(q.numer()), big(q.denom())))
}

impl Arithmetic for Rational {
    type Elem = Number;

    fn name(&self) -> ArithmeticName {
        ArithmeticName::Rational
    }

    fn zero(&self) -> Number {
        Number::new()
    }

    fn from_ratio(&self, q: &Ratio) -> Result<Number, OpError> {
        Ok(to_rug(q))
    }

    fn set(&self, out: &mut Number, x: &Number) {
        out.assign(x);
    }

    fn add(&self, out: &mut Number, x: &Number, y: &Number) {
        out.assign(x + y);
    }

    fn sub(&self, out: &mut Number, x: &Number, y: &Number) {
        out.assign(x - y);
    }

    fn mul(&self, out: &mut Number, x: &Number, y: &Number) {
        out.assign(x * y);
    }

    fn neg(&self, out: &mut Number, x: &Number) {
        out.assign(x);
        out.neg_assign();
    }

    fn accumulate(&self, acc: &mut Number, x: &Number) {
        *acc += x;
    }

    fn div(&self, out: &mut Number, x: &Number, y: &Number) -> Result<(), OpError> {
        if y.is_zero() {
            return Err(OpError::Undefined("division by zero"));
        }
        out.assign(x / y);
        Ok(())
    }

    fn sqrt(&self, out: &mut Number, x: &Number) -> Result<(), OpError> {
        if *x < 0 {
            return Err(OpError::Undefined("square root of a negative number"));
        }
        if !(x.numer().is_perfect_square() && x.denom().is_perfect_square()) {
            return Err(OpError::NotHeld(
                "square root of a rational that is not a square",
            ));
        }
        let (num, den) = (x.numer().clone().sqrt(), x.denom().clone().sqrt());
        out.assign(Number::from((num, den)));
        Ok(())
    }

    fn compare(&self, x: &Number, y: &Number) -> Result<Ordering, OpError> {
        Ok(x.cmp(y))
    }

    fn sign(&self, out: &mut Number, x: &Number) -> Result<(), OpError> {
        out.assign((x.cmp0() as i32, 1));
        Ok(())
    }

    fn atan2(&self, _: &mut Number, _: &Number, _: &Number) -> Result<(), OpError> {
        Err(OpError::Unsupported {
            operation: "atan2",
            arithmetic: ArithmeticName::Rational,
        })
    }

    /// cos(π x) where it is rational (Niven 1956, theorem 3.9: 0, ±1/2 and ±1, at multiples of
    /// 1/2 and 1/3), and no other function.
    fn function(&self, f: Function, out: &mut Number, x: &Number) -> Result<(), OpError> {
        let sixths = Number::from(x * 6u32);
        if f == Function::CosPi && sixths.is_integer() {
            let turn = sixths.numer().mod_u(12);
            let twice = match turn {
                0 => 2,
                2 | 10 => 1,
                3 | 9 => 0,
                4 | 8 => -1,
                6 => -2,
                _ => return Err(OpError::Undefined("a cosine that is not rational")),
            };
            out.assign((twice, 2));
            return Ok(());
        }
        Err(OpError::Unsupported {
            operation: f.name(),
            arithmetic: ArithmeticName::Rational,
        })
    }

    fn check(&self, _: &Number) -> Result<(), OpError> {
        Ok(())
    }

    fn same(&self, x: &Number, y: &Number) -> Result<bool, OpError> {
        Ok(x == y)
    }

    fn to_ratio(&self, x: &Number) -> Option<Ratio> {
        from_rug(x)
    }

    fn show(&self, x: &Number) -> String {
        x.to_string()
    }

    fn approx(&self, x: &Number) -> f64 {
        x.to_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_exact_where_they_are_rational() {
        let cos = |num: i32, den: i32| {
            let mut out = Number::new();
            let x = Number::from((num, den));
            Rational
                .function(Function::CosPi, &mut out, &x)
                .map(|()| out)
        };
        for (num, den, expected) in [
            (0, 1, (1, 1)),
            (1, 3, (1, 2)),
            (-1, 2, (0, 1)),
            (2, 3, (-1, 2)),
            (7, 1, (-1, 1)),
            (-5, 3, (1, 2)),
        ] {
            assert_eq!(cos(num, den), Ok(Number::from(expected)), "{num}/{den}");
        }
        assert!(cos(1, 6).is_err() && cos(1, 4).is_err());
    }
}
