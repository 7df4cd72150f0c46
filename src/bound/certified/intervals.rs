//! The intervals of the bounds: in f64 for sensitivities, with any precision for the numbers of a
//! run.
//!
//! Sensitivities are multiplied by unit roundoffs, so a few digits of them are plenty, whatever
//! the precision of the run that they speak of.

use rug::Float;
use rug::float::Round;

use crate::arith::{Arithmetic, F64Intervals, Interval, MpIntervals};
pub(super) use crate::bound::drift::Enclosure;

/// An enclosure of a sensitivity.
pub(super) type F64Interval = Interval<f64>;

/// The interval from `inf` to `sup`; everything where these are no ends of an interval.
pub(super) fn range(inf: f64, sup: f64) -> F64Interval {
    let ctx = F64Intervals::new();
    ctx.of(inf, sup).unwrap_or_else(|| ctx.entire())
}

/// `x` times 2^`bits`, rounded up: with the bits of the precision in units of the unit roundoff.
pub(super) fn in_units(x: &Float, bits: u32) -> f64 {
    Float::with_val(x.prec(), x << bits).to_f64_round(Round::Up)
}

/// Both ends.
pub(super) fn ends(x: &F64Interval) -> (f64, f64) {
    (*x.inf(), *x.sup())
}

/// The largest absolute value.
pub(super) fn magnitude(x: &F64Interval) -> f64 {
    x.inf().abs().max(x.sup().abs())
}

/// The largest absolute value of a number of a run, rounded up.
pub(super) fn magnitude_up(x: &Enclosure) -> Float {
    let (inf, _) = Float::with_val_round(64, x.inf().abs_ref(), Round::Up);
    let (sup, _) = Float::with_val_round(64, x.sup().abs_ref(), Round::Up);
    if inf > sup { inf } else { sup }
}

/// The smallest absolute value of a number of a run, rounded down.
pub(super) fn mignitude_down(x: &Enclosure) -> Float {
    let mut least = Float::new(64);
    if *x.inf() > 0 {
        least = Float::with_val_round(64, x.inf(), Round::Down).0;
    } else if *x.sup() < 0 {
        let flipped = Float::with_val(x.sup().prec(), -x.sup());
        least = Float::with_val_round(64, flipped, Round::Down).0;
    }
    least
}

/// `x` rounded outward.
pub(super) fn outward(x: &Enclosure) -> F64Interval {
    MpIntervals::new(x.inf().prec()).to_f64_interval(x)
}

/// x + y, outward.
pub(super) fn sum(x: &F64Interval, y: &F64Interval) -> F64Interval {
    let ctx = F64Intervals::new();
    let mut out = ctx.zero();
    ctx.add(&mut out, x, y);
    out
}
