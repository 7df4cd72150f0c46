//! Interval arithmetic: every result is an interval that certainly holds the exact one.
//!
//! An element is a closed interval [inf, sup] of real numbers, never empty, perhaps unbounded on
//! either side; its end points are rounded outward. The operations are interval extensions in
//! the sense of IEEE 1788: whatever real numbers the operands stand for, the exact result of the
//! real operation lies in the interval result. So two runs whose intervals are disjoint differ,
//! and two whose intervals overlap may or may not.
//!
//! An operation is carried out only where it is defined on the whole of its operands: where it
//! is undefined everywhere the answer is [`OpError::Undefined`], where it is undefined somewhere
//! [`OpError::Undecided`]. A question with a yes-or-no answer (an order, a sign) has one only
//! where it is the same for all numbers in question.
//!
//! # Conformance with IEEE 1788-2015
//!
//! "Tightest" is the smallest interval of this arithmetic that holds every result, "valid" one
//! that holds them. Elements are bare intervals without decorations and never empty.
//!
//! | operation | conforms | tightness |
//! |---|---|---|
//! | `neg` `add` `sub` `mul` `square` `abs` `min` `max` | yes | tightest |
//! | `div` `sqrt` | where defined on all of the operands, else an error | tightest |
//! | `power`, n ≥ 0 | yes | tightest; valid without MPFR |
//! | `mul_add` | as a product and a sum, not fused | valid |
//! | `function`: `exp` `ln` `tanh` `cos_pi` | as `div` | tightest |
//! | `function`: Φ and its density (not in the standard) | | valid, tightest for points of moderate size |
//! | `atan2` | but that the origin has the angle 0 | tightest, at the origin valid |
//! | `sign` | only where all numbers have the same sign, else an error | tightest |
//! | `less` | `strictPrecedes` where true; false and "cannot tell" are told apart | |
//! | `less_equal` | `precedes`, likewise | |
//! | `same` | false is `disjoint` | |
//! | `inf` `sup`, `approx` as `mid` | yes | |
//! | `radius` as `rad` | half the width, not measured from the rounded midpoint | rounded up |
//!
//! `tests/itf1788.rs` runs the standard community's vectors.
//!
//! An operand that occurs twice counts as two: x − x is an interval around 0, not 0. The one
//! exception is [`Arithmetic::square`]. Nothing here narrows an interval by other knowledge.

mod ends;
mod functions;
mod machine;
#[cfg(feature = "mp")]
mod mp;
mod product;
mod rounded;

use std::cmp::Ordering;

pub use ends::{Ends, Toward};
pub use machine::F64Ends;
#[cfg(feature = "mp")]
pub use mp::MpEnds;
pub use rounded::{Enclosed, Enclosures};

use super::{Arithmetic, ArithmeticName, FloatFormat, Function, OpError, Ratio, Surd};
use crate::fault::{Fault, planted};
use Toward::{Down, Up};

/// The context of an interval arithmetic with the given end points.
#[derive(Debug, Clone, Copy)]
pub struct Intervals<E: Ends> {
    ends: E,
}

/// `interval`: end points in binary64.
pub type F64Intervals = Intervals<F64Ends>;

impl F64Intervals {
    /// The context; it has no state.
    pub const fn new() -> Self {
        Self { ends: F64Ends }
    }
}

impl Default for F64Intervals {
    fn default() -> Self {
        Self::new()
    }
}

/// `interval:BITS`: end points from MPFR with this many significand bits.
#[cfg(feature = "mp")]
pub type MpIntervals = Intervals<MpEnds>;

#[cfg(feature = "mp")]
impl MpIntervals {
    /// A context with end points of `bits` significand bits; at least 2.
    pub fn new(bits: u32) -> Self {
        Self {
            ends: MpEnds::new(bits),
        }
    }

    /// The least interval of [`F64Intervals`] that holds all of `x`.
    pub fn to_f64_interval(&self, x: &Interval<rug::Float>) -> Interval<f64> {
        Interval {
            inf: mp::machine_number(&x.inf, Down),
            sup: mp::machine_number(&x.sup, Up),
        }
    }
}

/// All real numbers from `inf` to `sup`, the finite ones of the two included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval<T> {
    inf: T,
    sup: T,
}

impl<T> Interval<T> {
    /// The lower bound; −∞ where there is none.
    pub fn inf(&self) -> &T {
        &self.inf
    }

    /// The upper bound; ∞ where there is none.
    pub fn sup(&self) -> &T {
        &self.sup
    }
}

impl<T: PartialOrd> Interval<T> {
    fn is_point(&self) -> bool {
        self.inf == self.sup
    }

    /// `true` if every number here is less than every number of `other`.
    fn precedes(&self, other: &Self) -> bool {
        self.sup < other.inf
    }

    fn contains(&self, x: &T) -> bool {
        self.inf <= *x && *x <= self.sup
    }
}

/// The sign that all numbers of an interval share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// No number is negative.
    Right,
    /// No number is positive.
    Left,
    /// Some are negative and some positive.
    Both,
}

#[cfg(all(test, feature = "mp"))]
impl<E: Ends> Intervals<E> {
    pub(super) fn ends(&self) -> &E {
        &self.ends
    }

    pub(super) fn of_ends(&self, inf: E::End, sup: E::End) -> Interval<E::End> {
        Interval { inf, sup }
    }
}

impl<E: Ends> Intervals<E> {
    /// The numbers from `inf` to `sup`; `None` where there are none: for `inf > sup`, for two
    /// infinities of one sign, and where an end point is not a number.
    pub fn of(&self, inf: E::End, sup: E::End) -> Option<Interval<E::End>> {
        let zero = self.ends.zero();
        let infinite = |x: &E::End| !self.ends.is_finite(x);
        let some = inf <= sup && !(infinite(&inf) && inf > zero) && !(infinite(&sup) && sup < zero);
        some.then_some(Interval { inf, sup })
    }

    /// All real numbers (`entire` of IEEE 1788).
    pub fn entire(&self) -> Interval<E::End> {
        Interval {
            inf: self.ends.from_f64(f64::NEG_INFINITY, Down),
            sup: self.ends.from_f64(f64::INFINITY, Up),
        }
    }

    /// Both bounds as exact numbers; `None` where there is none.
    pub fn bounds(&self, x: &Interval<E::End>) -> [Option<Ratio>; 2] {
        [&x.inf, &x.sup].map(|end| self.ends.to_ratio(end))
    }

    fn has_function(&self, operation: &'static str) -> Result<(), OpError> {
        if self.ends.has_functions() {
            return Ok(());
        }
        Err(OpError::Unsupported {
            operation,
            arithmetic: self.name(),
        })
    }

    fn point(&self, x: E::End) -> Interval<E::End> {
        Interval {
            inf: x.clone(),
            sup: x,
        }
    }

    fn side(&self, x: &Interval<E::End>) -> Side {
        let zero = self.ends.zero();
        if x.inf >= zero {
            Side::Right
        } else if x.sup <= zero {
            Side::Left
        } else {
            Side::Both
        }
    }

    fn larger<'x>(&self, x: &'x E::End, y: &'x E::End) -> &'x E::End {
        if x < y { y } else { x }
    }

    fn smaller<'x>(&self, x: &'x E::End, y: &'x E::End) -> &'x E::End {
        if x > y { y } else { x }
    }
}

/// The two directions, exchanged where `fault` is planted.
fn outward_unless(fault: Fault) -> (Toward, Toward) {
    if planted(fault) {
        (Up, Down)
    } else {
        (Down, Up)
    }
}

const OVERLAP: OpError = OpError::Undecided("the intervals overlap");

impl<E: Ends> Arithmetic for Intervals<E> {
    type Elem = Interval<E::End>;

    fn name(&self) -> ArithmeticName {
        self.ends.name()
    }

    fn zero(&self) -> Self::Elem {
        self.point(self.ends.zero())
    }

    fn from_ratio(&self, q: &Ratio) -> Result<Self::Elem, OpError> {
        Ok(Interval {
            inf: self.ends.from_ratio(q, Down),
            sup: self.ends.from_ratio(q, Up),
        })
    }

    fn from_f64(&self, x: f64) -> Result<Self::Elem, OpError> {
        if !x.is_finite() {
            return Err(super::NOT_FINITE);
        }
        Ok(Interval {
            inf: self.ends.from_f64(x, Down),
            sup: self.ends.from_f64(x, Up),
        })
    }

    fn from_ball(&self, centre: &Surd, radius: &Surd) -> Result<Self::Elem, OpError> {
        let (centre, radius) = (self.from_surd(centre)?, self.from_surd(radius)?);
        let mut ball = centre.clone();
        self.ends.sub(&mut ball.inf, &centre.inf, &radius.sup, Down);
        self.ends.add(&mut ball.sup, &centre.sup, &radius.sup, Up);
        Ok(ball)
    }

    fn set(&self, out: &mut Self::Elem, x: &Self::Elem) {
        self.ends.set(&mut out.inf, &x.inf);
        self.ends.set(&mut out.sup, &x.sup);
    }

    fn add(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        let down = if planted(Fault::IntervalSumInward) {
            Up
        } else {
            Down
        };
        self.ends.add(&mut out.inf, &x.inf, &y.inf, down);
        self.ends.add(&mut out.sup, &x.sup, &y.sup, Up);
    }

    fn sub(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        self.ends.sub(&mut out.inf, &x.inf, &y.sup, Down);
        self.ends.sub(&mut out.sup, &x.sup, &y.inf, Up);
    }

    fn mul(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) {
        self.product(out, x, y);
    }

    fn square(&self, out: &mut Self::Elem, x: &Self::Elem) {
        self.integer_power(out, x, 2);
    }

    fn neg(&self, out: &mut Self::Elem, x: &Self::Elem) {
        self.ends.neg(&mut out.inf, &x.sup);
        self.ends.neg(&mut out.sup, &x.inf);
    }

    fn accumulate(&self, acc: &mut Self::Elem, x: &Self::Elem) {
        self.ends.accumulate(&mut acc.inf, &x.inf, Down);
        self.ends.accumulate(&mut acc.sup, &x.sup, Up);
    }

    fn div(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        self.quotient(out, x, y)
    }

    fn sqrt(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        let zero = self.ends.zero();
        if x.sup < zero {
            return Err(OpError::Undefined("square root of a negative number"));
        }
        if x.inf < zero {
            return Err(OpError::Undecided(
                "square root of an interval with negative numbers",
            ));
        }
        let (down, up) = outward_unless(Fault::IntervalRootInward);
        self.ends.sqrt(&mut out.inf, &x.inf, down);
        self.ends.sqrt(&mut out.sup, &x.sup, up);
        Ok(())
    }

    /// An order only where it holds for all numbers of both, so equal only for one number.
    fn compare(&self, x: &Self::Elem, y: &Self::Elem) -> Result<Ordering, OpError> {
        if x.precedes(y) {
            Ok(Ordering::Less)
        } else if y.precedes(x) {
            Ok(Ordering::Greater)
        } else if x.is_point() && x == y {
            Ok(Ordering::Equal)
        } else {
            Err(OVERLAP)
        }
    }

    fn less(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        if x.precedes(y) {
            Ok(true)
        } else if x.inf >= y.sup {
            Ok(false)
        } else {
            Err(OVERLAP)
        }
    }

    fn less_equal(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        Ok(!self.less(y, x)?)
    }

    fn abs(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        match self.side(x) {
            Side::Right => self.set(out, x),
            Side::Left => self.neg(out, x),
            Side::Both => {
                let mut flipped = self.ends.zero();
                self.ends.neg(&mut flipped, &x.inf);
                self.ends.set(&mut out.inf, &self.ends.zero());
                self.ends.set(&mut out.sup, self.larger(&flipped, &x.sup));
            }
        }
        Ok(())
    }

    fn sign(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        let order = self.compare(x, &self.zero());
        let sign = match order.map_err(|_| OpError::Undecided("sign of an interval around 0"))? {
            Ordering::Less => -1.0,
            Ordering::Equal => 0.0,
            Ordering::Greater => 1.0,
        };
        *out = self.from_f64(sign)?;
        Ok(())
    }

    /// Always decided, since the larger of two numbers is a number wherever they lie.
    fn max(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        self.ends.set(&mut out.inf, self.larger(&x.inf, &y.inf));
        self.ends.set(&mut out.sup, self.larger(&x.sup, &y.sup));
        Ok(())
    }

    fn min(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        self.ends.set(&mut out.inf, self.smaller(&x.inf, &y.inf));
        self.ends.set(&mut out.sup, self.smaller(&x.sup, &y.sup));
        Ok(())
    }

    fn function(&self, f: Function, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        self.has_function(f.name())?;
        self.extension(f, out, x)
    }

    fn atan2(&self, out: &mut Self::Elem, y: &Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        self.has_function("atan2")?;
        *out = self.angle(y, x);
        Ok(())
    }

    fn power(&self, out: &mut Self::Elem, x: &Self::Elem, n: u64) -> Result<(), OpError> {
        self.integer_power(out, x, n);
        Ok(())
    }

    /// Rounding is monotone, so the end points are rounded, to nearest as every number is.
    fn cast(&self, out: &mut Self::Elem, x: &Self::Elem, to: FloatFormat) -> Result<(), OpError> {
        let (inf, sup) = (self.ends.cast(&x.inf, to), self.ends.cast(&x.sup, to));
        let zero = self.ends.zero();
        match (inf, sup) {
            (Some(inf), Some(sup)) => {
                out.inf = self.ends.from_f64(inf, Down);
                out.sup = self.ends.from_f64(sup, Up);
                Ok(())
            }
            (None, _) if x.inf > zero => Err(OpError::Overflow(self.name())),
            (_, None) if x.sup < zero => Err(OpError::Overflow(self.name())),
            _ => Err(OpError::Undecided(
                "an interval with numbers beyond the format's largest",
            )),
        }
    }

    /// An unbounded interval stands for numbers too.
    fn check(&self, _: &Self::Elem) -> Result<(), OpError> {
        Ok(())
    }

    /// Certainly the same only where both are one and the same number.
    fn same(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        self.equal(x, y)
    }

    /// The number of an interval that holds only one.
    fn to_ratio(&self, x: &Self::Elem) -> Option<Ratio> {
        self.ends.to_ratio(&x.inf).filter(|_| x.is_point())
    }

    /// `[inf, sup]` in decimals rounded outward.
    fn show(&self, x: &Self::Elem) -> String {
        format!(
            "[{}, {}]",
            self.ends.show(&x.inf, Down),
            self.ends.show(&x.sup, Up)
        )
    }

    /// The midpoint; of an unbounded interval the largest number on its side, or 0.
    fn approx(&self, x: &Self::Elem) -> f64 {
        self.ends.middle(&x.inf, &x.sup)
    }

    fn radius(&self, x: &Self::Elem) -> f64 {
        self.ends.half_distance(&x.inf, &x.sup)
    }
}

#[cfg(all(test, feature = "mp"))]
mod tests {
    use super::*;

    #[test]
    fn figures_show_middle_and_radius() {
        let ctx = MpIntervals::new(53);
        let of = |inf: f64, sup: f64| {
            let end = |x: f64| rug::Float::with_val(53, x);
            ctx.of_ends(end(inf), end(sup))
        };
        assert_eq!(
            (ctx.approx(&of(1.0, 4.0)), ctx.radius(&of(1.0, 4.0))),
            (2.5, 1.5)
        );
        assert_eq!(ctx.approx(&of(1.0, f64::INFINITY)), f64::MAX);
        assert_eq!(ctx.approx(&of(f64::NEG_INFINITY, f64::INFINITY)), 0.0);
        assert_eq!(ctx.radius(&of(0.0, f64::INFINITY)), f64::INFINITY);
        assert_eq!(ctx.show(&of(-1.5, f64::INFINITY)), "[-1.5, inf]");
        let tenth = ctx.from_ratio(&Ratio::new(1.into(), 10.into())).unwrap();
        assert!(ctx.radius(&tenth) > 0.0 && ctx.to_ratio(&tenth).is_none());
    }

    /// Of an overlap nothing is said, not even that the two are equal.
    #[test]
    fn an_overlap_is_neither_the_same_nor_different() {
        let ctx = MpIntervals::new(53);
        let third = ctx.from_ratio(&Ratio::new(1.into(), 3.into())).unwrap();
        assert_eq!(ctx.same(&third, &third), Err(OVERLAP));
        assert_eq!(ctx.compare(&third, &third), Err(OVERLAP));
        assert_eq!(ctx.same(&ctx.zero(), &ctx.zero()), Ok(true));
        assert_eq!(ctx.same(&third, &ctx.zero()), Ok(false));
    }

    #[test]
    fn a_given_zero_loses_its_sign() {
        for to in [Down, Up] {
            let zero = MpEnds::new(53).from_f64(-0.0, to);
            assert!(zero.is_zero() && zero.is_sign_positive());
        }
    }

    #[test]
    fn what_holds_no_number_is_no_interval() {
        let (ctx, inf) = (F64Intervals::new(), f64::INFINITY);
        for (x, y) in [
            (1.0, 0.0),
            (inf, inf),
            (-inf, -inf),
            (inf, -inf),
            (f64::NAN, 1.0),
            (0.0, f64::NAN),
        ] {
            assert_eq!(ctx.of(x, y), None, "[{x}, {y}]");
            let [inf, sup] = [x, y].map(|end| rug::Float::with_val(53, end));
            assert_eq!(MpIntervals::new(53).of(inf, sup), None, "[{x}, {y}]");
        }
        for (x, y) in [
            (-inf, inf),
            (-inf, -1.0),
            (-inf, 0.0),
            (0.0, inf),
            (2.0, 2.0),
        ] {
            let some = ctx.of(x, y).unwrap();
            assert_eq!((*some.inf(), *some.sup()), (x, y));
        }
    }

    #[test]
    fn a_cast_overflows_where_every_number_is_too_large() {
        let ctx = F64Intervals::new();
        let cast = |inf: f64, sup: f64| {
            let mut out = ctx.zero();
            let done = ctx.cast(&mut out, &ctx.of(inf, sup).unwrap(), FloatFormat::F16);
            done.map(|()| (*out.inf(), *out.sup()))
        };
        assert_eq!(cast(1.0, 2049.0), Ok((1.0, 2048.0)));
        assert_eq!(cast(-2049.0, 1.0), Ok((-2048.0, 1.0)));
        for (inf, sup) in [(7e4, 8e4), (-8e4, -7e4)] {
            assert!(matches!(cast(inf, sup), Err(OpError::Overflow(_))));
        }
        for (inf, sup) in [
            (0.0, 8e4),
            (-8e4, 0.0),
            (-8e4, 8e4),
            (1.0, 8e4),
            (-8e4, -1.0),
        ] {
            assert!(matches!(cast(inf, sup), Err(OpError::Undecided(_))));
        }
    }
}
