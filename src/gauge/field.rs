//! The two fields over which weights live.

use num_integer::Integer;
use num_traits::{One, Zero};

use super::question::Symmetry;
use crate::arith::Ratio;

/// The operations that elimination needs of a number.
pub(super) trait Field: Clone + PartialEq + std::fmt::Debug {
    /// The transformations whose weights are these numbers.
    const SYMMETRY: Symmetry;

    fn null() -> Self;
    fn unit() -> Self;
    fn is_null(&self) -> bool;
    fn plus(&self, other: &Self) -> Self;
    fn times(&self, other: &Self) -> Self;
    fn negated(&self) -> Self;
    /// The multiplicative inverse of a non-zero number.
    fn inverse(&self) -> Self;
    /// The number as a rational; parities become 0 and 1.
    fn to_ratio(&self) -> Ratio;
    /// The number of this field that a rational stands for; of an integer its parity.
    fn of(q: &Ratio) -> Self;
}

impl Field for Ratio {
    const SYMMETRY: Symmetry = Symmetry::Scaling;

    fn null() -> Self {
        Zero::zero()
    }
    fn unit() -> Self {
        One::one()
    }
    fn is_null(&self) -> bool {
        Zero::is_zero(self)
    }
    fn plus(&self, other: &Self) -> Self {
        self + other
    }
    fn times(&self, other: &Self) -> Self {
        // Most coefficients are ±1, and a product of rationals reduces twice.
        if self.is_one() {
            other.clone()
        } else if other.is_one() {
            self.clone()
        } else {
            self * other
        }
    }
    fn negated(&self) -> Self {
        -self
    }
    fn inverse(&self) -> Self {
        self.recip()
    }
    fn to_ratio(&self) -> Ratio {
        self.clone()
    }
    fn of(q: &Ratio) -> Self {
        q.clone()
    }
}

/// A number of the field with two elements: false is even, true is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parity(pub(super) bool);

impl Field for Parity {
    const SYMMETRY: Symmetry = Symmetry::Sign;

    fn null() -> Self {
        Self(false)
    }
    fn unit() -> Self {
        Self(true)
    }
    fn is_null(&self) -> bool {
        !self.0
    }
    fn plus(&self, other: &Self) -> Self {
        Self(self.0 ^ other.0)
    }
    fn times(&self, other: &Self) -> Self {
        Self(self.0 && other.0)
    }
    fn negated(&self) -> Self {
        *self
    }
    fn inverse(&self) -> Self {
        *self
    }
    fn to_ratio(&self) -> Ratio {
        Ratio::from_integer(i64::from(self.0).into())
    }
    fn of(q: &Ratio) -> Self {
        Self(q.to_integer().is_odd())
    }
}
