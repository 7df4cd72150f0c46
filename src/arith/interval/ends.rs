//! The end points of an interval, and their rounding.

use std::fmt::Debug;

use crate::arith::{ArithmeticName, FloatFormat, Function, Ratio};

/// The direction in which an end point is rounded: away from the interval's inside, so that no
/// number it stands for is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// Toward −∞, for a lower bound.
    Down,
    /// Toward ∞, for an upper bound.
    Up,
}

/// A number system for end points: an ordered set of numbers with −∞ and ∞ but without NaN.
///
/// Every operation answers a number on the named side of the exact result, the nearest such one
/// unless something else is said. A lower bound is never ∞ and an upper bound never −∞; so no
/// operation meets ∞ − ∞ or ∞ / ∞.
// `from_…` converts into an end point; `self` is the context that rounds.
#[allow(clippy::wrong_self_convention)]
pub trait Ends: Clone + Debug + Send + Sync + 'static {
    /// An end point.
    type End: Clone + Debug + PartialOrd + Send + Sync + 'static;

    /// The name of the interval arithmetic that has these end points.
    fn name(&self) -> ArithmeticName;
    /// The number 0.
    fn zero(&self) -> Self::End;
    /// `q`, rounded.
    fn from_ratio(&self, q: &Ratio, to: Toward) -> Self::End;
    /// `x`, which may be infinite, rounded.
    fn from_f64(&self, x: f64, to: Toward) -> Self::End;
    /// `out ← x`.
    fn set(&self, out: &mut Self::End, x: &Self::End);
    /// `out ← −x`, exactly.
    fn neg(&self, out: &mut Self::End, x: &Self::End);
    /// `out ← x + y`.
    fn add(&self, out: &mut Self::End, x: &Self::End, y: &Self::End, to: Toward);
    /// `out ← x − y`.
    fn sub(&self, out: &mut Self::End, x: &Self::End, y: &Self::End, to: Toward);
    /// `acc ← acc + x`.
    fn accumulate(&self, acc: &mut Self::End, x: &Self::End, to: Toward);
    /// `out ← x · y` with 0 · ∞ = 0: the numbers an unbounded interval stands for are finite.
    fn mul(&self, out: &mut Self::End, x: &Self::End, y: &Self::End, to: Toward);
    /// `out ← x / y` for `y ≠ 0`, not both infinite.
    fn div(&self, out: &mut Self::End, x: &Self::End, y: &Self::End, to: Toward);
    /// `out ← √x` for `x ≥ 0`.
    fn sqrt(&self, out: &mut Self::End, x: &Self::End, to: Toward);
    /// `out ← xⁿ`, not necessarily the nearest such number.
    fn power(&self, out: &mut Self::End, x: &Self::End, n: u64, to: Toward);
    /// `true` if there are `function` and `atan2`.
    fn has_functions(&self) -> bool {
        true
    }
    /// `out ← f(x)` inside the domain, where it is the limit at ±∞; not necessarily the nearest
    /// such number.
    fn function(&self, f: Function, out: &mut Self::End, x: &Self::End, to: Toward);
    /// The angle of the point (x, y), not the origin, in (−π, π]; a zero has no sign.
    fn atan2(&self, y: &Self::End, x: &Self::End, to: Toward) -> Self::End;
    /// The least integer from `x` on, for finite `x`.
    fn ceil(&self, x: &Self::End) -> Self::End;
    /// `true` if the integer `n` is even.
    fn is_even(&self, n: &Self::End) -> bool;
    /// `true` if `x` is neither −∞ nor ∞.
    fn is_finite(&self, x: &Self::End) -> bool;
    /// `x` rounded to nearest, ties to even, into `format`; `None` beyond its largest number.
    fn cast(&self, x: &Self::End, format: FloatFormat) -> Option<f64>;
    /// The exact value; `None` for ±∞ and for numbers too long to write out.
    fn to_ratio(&self, x: &Self::End) -> Option<Ratio>;
    /// A decimal on the named side, with enough digits to tell neighbours apart; `inf`, `-inf`.
    fn show(&self, x: &Self::End, to: Toward) -> String;
    /// A number between `x` and `y`, about the middle of finite ones, as IEEE 1788 has it for
    /// others; for figures.
    fn middle(&self, x: &Self::End, y: &Self::End) -> f64;
    /// Half the distance from `x` up to `y`, rounded up; for figures.
    fn half_distance(&self, x: &Self::End, y: &Self::End) -> f64;
}
