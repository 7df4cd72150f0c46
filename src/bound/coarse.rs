//! The interval arithmetic in which sensitivities are enclosed.
//!
//! Sensitivities are multiplied by unit roundoffs, so a few digits of them are plenty, whatever
//! the precision of the run that they speak of.

use rug::Float;

use crate::arith::{Arithmetic, Ends, Interval, MpEnds, MpIntervals, Toward};

pub(super) type Coarse = MpIntervals;
pub(super) type Range = Interval<Float>;
/// An enclosure of a number of the run itself.
pub(super) type Real = Interval<Float>;

pub(super) fn coarse() -> Coarse {
    MpIntervals::new(53)
}

pub(super) fn range(inf: f64, sup: f64) -> Range {
    let ends = MpEnds::new(53);
    let (inf, sup) = (
        ends.from_f64(inf, Toward::Down),
        ends.from_f64(sup, Toward::Up),
    );
    coarse().of(inf, sup).unwrap_or_else(|| coarse().zero())
}

/// Both ends, outward.
pub(super) fn ends(x: &Range) -> (f64, f64) {
    let e = MpEnds::new(53);
    (
        e.to_f64(x.inf(), Toward::Down),
        e.to_f64(x.sup(), Toward::Up),
    )
}

/// The largest absolute value, rounded up.
pub(super) fn magnitude(x: &Range) -> f64 {
    let (inf, sup) = ends(x);
    inf.abs().max(sup.abs())
}

/// `x` rounded outward.
pub(super) fn outward(x: &Real) -> Range {
    let e = MpEnds::new(53);
    range(
        e.to_f64(x.inf(), Toward::Down),
        e.to_f64(x.sup(), Toward::Up),
    )
}

/// x + y, outward.
pub(super) fn sum(x: &Range, y: &Range) -> Range {
    let mut out = coarse().zero();
    coarse().add(&mut out, x, y);
    out
}
