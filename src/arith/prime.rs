//! The field of residues modulo the Mersenne prime 2⁶¹ − 1.
//!
//! Here a run of any length costs 8 bytes a number, so an identity between two trajectories can
//! be tested over thousands of steps. For a polynomial identity of degree `d` that is *false*,
//! a random point hides it with probability at most `d / (2⁶¹ − 1)` (Schwartz 1980, Zippel
//! 1979). The field has no order: `|x|`, `sign`, comparisons and transcendental functions are
//! unsupported.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Float, ToPrimitive};

use super::{Arithmetic, ArithmeticName, Function, OpError, Ratio, Surd};

/// The modulus, 2⁶¹ − 1.
pub const MODULUS: u64 = (1 << 61) - 1;

/// The prime-field context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prime;

fn reduce(x: u128) -> u64 {
    // 2^61 ≡ 1, so the high part is added to the low one.
    let folded = (x & u128::from(MODULUS)) as u64 + (x >> 61) as u64;
    if folded >= MODULUS {
        folded - MODULUS
    } else {
        folded
    }
}

fn product(x: u64, y: u64) -> u64 {
    reduce(u128::from(x) * u128::from(y))
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(result, base);
        }
        base = product(base, base);
        exponent >>= 1;
    }
    result
}

fn residue(n: &BigInt) -> u64 {
    n.mod_floor(&BigInt::from(MODULUS)).to_u64().unwrap_or(0)
}

fn unsupported(operation: &'static str) -> OpError {
    OpError::Unsupported {
        operation,
        arithmetic: ArithmeticName::Prime,
    }
}

impl Arithmetic for Prime {
    type Elem = u64;

    fn name(&self) -> ArithmeticName {
        ArithmeticName::Prime
    }

    fn zero(&self) -> u64 {
        0
    }

    fn from_ratio(&self, q: &Ratio) -> Result<u64, OpError> {
        let mut out = 0;
        self.div(&mut out, &residue(q.numer()), &residue(q.denom()))?;
        Ok(out)
    }

    fn from_f64(&self, x: f64) -> Result<u64, OpError> {
        if !x.is_finite() {
            return Err(super::NOT_FINITE);
        }
        // 2^61 = 1, so every power of two is one of 61 residues.
        let (significand, exponent, sign) = Float::integer_decode(x);
        let power = 1u64 << exponent.rem_euclid(61);
        let magnitude = product(significand, power);
        let mut out = magnitude;
        if sign < 0 {
            self.neg(&mut out, &magnitude);
        }
        Ok(out)
    }

    /// Takes the root of the radicand alone, so that all half-integer powers of one `k` use the
    /// same one of its two roots.
    fn from_surd(&self, x: &Surd) -> Result<u64, OpError> {
        let coeff = self.from_ratio(x.coefficient())?;
        let mut root = 0;
        self.sqrt(&mut root, &self.from_ratio(&x.radicand())?)?;
        Ok(product(coeff, root))
    }

    fn add(&self, out: &mut u64, x: &u64, y: &u64) {
        let sum = x + y;
        *out = if sum >= MODULUS { sum - MODULUS } else { sum };
    }

    fn sub(&self, out: &mut u64, x: &u64, y: &u64) {
        *out = if x >= y { x - y } else { x + MODULUS - y };
    }

    fn mul(&self, out: &mut u64, x: &u64, y: &u64) {
        *out = product(*x, *y);
    }

    fn neg(&self, out: &mut u64, x: &u64) {
        *out = if *x == 0 { 0 } else { MODULUS - x };
    }

    fn accumulate(&self, acc: &mut u64, x: &u64) {
        let before = *acc;
        self.add(acc, &before, x);
    }

    fn div(&self, out: &mut u64, x: &u64, y: &u64) -> Result<(), OpError> {
        if *y == 0 {
            return Err(OpError::Undefined("division by zero"));
        }
        *out = product(*x, power(*y, MODULUS - 2));
        Ok(())
    }

    fn sqrt(&self, out: &mut u64, x: &u64) -> Result<(), OpError> {
        // The modulus is 3 mod 4, so x^((p+1)/4) is a root wherever there is one.
        let root = power(*x, MODULUS.div_ceil(4));
        if product(root, root) != *x {
            return Err(OpError::NotHeld("square root of a non-residue"));
        }
        *out = root;
        Ok(())
    }

    fn compare(&self, _: &u64, _: &u64) -> Result<Ordering, OpError> {
        Err(unsupported("order"))
    }

    fn equal(&self, x: &u64, y: &u64) -> Result<bool, OpError> {
        Ok(x == y)
    }

    fn abs(&self, _: &mut u64, _: &u64) -> Result<(), OpError> {
        Err(unsupported("absolute value"))
    }

    fn sign(&self, _: &mut u64, _: &u64) -> Result<(), OpError> {
        Err(unsupported("sign"))
    }

    fn atan2(&self, _: &mut u64, _: &u64, _: &u64) -> Result<(), OpError> {
        Err(unsupported("atan2"))
    }

    fn function(&self, f: Function, _: &mut u64, _: &u64) -> Result<(), OpError> {
        Err(unsupported(f.name()))
    }

    fn check(&self, _: &u64) -> Result<(), OpError> {
        Ok(())
    }

    fn same(&self, x: &u64, y: &u64) -> Result<bool, OpError> {
        Ok(x == y)
    }

    fn to_ratio(&self, _: &u64) -> Option<Ratio> {
        None
    }

    fn show(&self, x: &u64) -> String {
        x.to_string()
    }

    fn approx(&self, x: &u64) -> f64 {
        *x as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::parse_ratio;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn products_agree_with_big_integers(x in 0..MODULUS, y in 0..MODULUS) {
            let expected = BigInt::from(x) * BigInt::from(y) % BigInt::from(MODULUS);
            prop_assert_eq!(BigInt::from(product(x, y)), expected);
        }

        #[test]
        fn a_root_of_a_square_is_plus_or_minus_the_number(x in 0..MODULUS) {
            let mut root = 0;
            Prime.sqrt(&mut root, &product(x, x)).unwrap();
            prop_assert!(root == x || (root + x) % MODULUS == 0);
        }
    }

    #[test]
    fn edges_reduce_to_zero() {
        assert_eq!(reduce(u128::from(MODULUS)), 0);
        assert_eq!(product(MODULUS - 1, MODULUS - 1), 1);
        assert_eq!(residue(&BigInt::from(-1)), MODULUS - 1);
        assert!(
            Prime
                .from_ratio(&parse_ratio("1/2305843009213693951").unwrap())
                .is_err()
        );
    }

    #[test]
    fn half_integer_powers_use_one_root() {
        let k = parse_ratio("9/4").unwrap();
        let at = |e: &str| {
            Prime
                .from_surd(&Surd::power(&k, &parse_ratio(e).unwrap()).unwrap())
                .unwrap()
        };
        assert_eq!(product(at("1/2"), at("-1/2")), 1);
        assert_eq!(product(at("1/2"), at("1/2")), at("1"));
    }
}
