//! The interval arithmetic in which sensitivities are enclosed.
//!
//! Sensitivities are multiplied by unit roundoffs, so a few digits of them are plenty, whatever
//! the precision of the run that they speak of.

use rug::Float;
use rug::float::Round;

use crate::arith::{Arithmetic, F64Intervals, Interval, MpIntervals};

pub(super) type Coarse = F64Intervals;
pub(super) type Range = Interval<f64>;
/// An enclosure of a number of the run itself.
pub(super) type Real = Interval<Float>;

pub(super) fn coarse() -> Coarse {
    F64Intervals::new()
}

/// From `inf` to `sup`; everything where these are no ends of an interval.
pub(super) fn range(inf: f64, sup: f64) -> Range {
    coarse().of(inf, sup).unwrap_or_else(|| coarse().entire())
}

/// `x` times 2^`bits`, rounded up: with the bits of the precision in units of the unit roundoff.
pub(super) fn in_units(x: &Float, bits: u32) -> f64 {
    Float::with_val(x.prec(), x << bits).to_f64_round(Round::Up)
}

/// Both ends.
pub(super) fn ends(x: &Range) -> (f64, f64) {
    (*x.inf(), *x.sup())
}

/// The largest absolute value.
pub(super) fn magnitude(x: &Range) -> f64 {
    x.inf().abs().max(x.sup().abs())
}

/// `x` rounded outward.
pub(super) fn outward(x: &Real) -> Range {
    MpIntervals::new(x.inf().prec()).to_f64_interval(x)
}

/// x + y, outward.
pub(super) fn sum(x: &Range, y: &Range) -> Range {
    let mut out = coarse().zero();
    coarse().add(&mut out, x, y);
    out
}
