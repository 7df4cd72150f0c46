//! End points from MPFR, which rounds in either direction.
//!
//! MPFR rounds every operation used here correctly but for the normal distribution, which is
//! put together from its pieces with more digits, each piece rounded to the side that counts.

use std::cmp::Ordering;

use rug::float::{Constant, Round, Special};
use rug::ops::{AddAssignRound, AssignRound, DivAssignRound, NegAssign, Pow};
use rug::{Assign, Float, Integer};

use super::{Ends, Toward};
use crate::arith::rational::{from_float, to_rug};
use crate::arith::{ArithmeticName, FloatFormat, Function, Ratio};

/// End points with the same number of significand bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MpEnds {
    bits: u32,
}

/// Bits more than those of the result with which a composite function is computed.
const GUARD: u32 = 64;

/// Binary exponents beyond which an end point is not written out as a rational: it would take
/// megabytes.
const LONGEST: u32 = 1 << 24;

/// An exponent that no number of a storage format comes near.
const BEYOND_FORMATS: i32 = 4096;

impl MpEnds {
    /// End points of `bits` significand bits; at least 2.
    pub fn new(bits: u32) -> Self {
        Self { bits: bits.max(2) }
    }

    fn spacious(self) -> Float {
        Float::new(self.bits.saturating_add(GUARD))
    }

    /// Φ(x) = erfc(−x/√2) / 2, with −x/√2 = ∓√(x²/2).
    fn normal_cdf(self, out: &mut Float, x: &Float, to: Toward) {
        // erfc falls, and so does −x/√2: an upper bound needs the argument rounded down, so the
        // magnitude up where the argument is negative.
        let magnitude = match (to, *x > 0) {
            (Toward::Up, true) | (Toward::Down, false) => Round::Up,
            (Toward::Up, false) | (Toward::Down, true) => Round::Down,
        };
        let mut y = self.spacious();
        y.assign_round(x.square_ref(), magnitude);
        y /= 2u32;
        y.sqrt_round(magnitude);
        if *x > 0 {
            y.neg_assign();
        }
        y.erfc_round(round(to));
        y /= 2u32;
        out.assign_round(&y, round(to));
    }

    /// φ(x) = exp(−x²/2) / √(2π).
    fn normal_density(self, out: &mut Float, x: &Float, to: Toward) {
        let against = match to {
            Toward::Down => Round::Up,
            Toward::Up => Round::Down,
        };
        let mut y = self.spacious();
        y.assign_round(x.square_ref(), against);
        y /= -2i32;
        y.exp_round(round(to));
        let mut root = self.spacious();
        root.assign_round(Constant::Pi, against);
        root *= 2u32;
        root.sqrt_round(against);
        y.div_assign_round(&root, round(to));
        out.assign_round(&y, round(to));
    }
}

/// The nearest binary64 number on the named side.
pub(super) fn machine_number(x: &Float, to: Toward) -> f64 {
    x.to_f64_round(round(to))
}

fn round(to: Toward) -> Round {
    match to {
        Toward::Down => Round::Down,
        Toward::Up => Round::Up,
    }
}

impl Ends for MpEnds {
    type End = Float;

    fn name(&self) -> ArithmeticName {
        ArithmeticName::Interval(self.bits)
    }

    fn zero(&self) -> Float {
        Float::with_val(self.bits, Special::Zero)
    }

    fn from_ratio(&self, q: &Ratio, to: Toward) -> Float {
        Float::with_val_round(self.bits, to_rug(q), round(to)).0
    }

    fn from_f64(&self, x: f64, to: Toward) -> Float {
        // Adding zero takes the sign off a zero and changes nothing else.
        Float::with_val_round(self.bits, x + 0.0, round(to)).0
    }

    fn set(&self, out: &mut Float, x: &Float) {
        out.assign(x);
    }

    fn neg(&self, out: &mut Float, x: &Float) {
        out.assign(x);
        out.neg_assign();
    }

    fn add(&self, out: &mut Float, x: &Float, y: &Float, to: Toward) {
        out.assign_round(x + y, round(to));
    }

    fn sub(&self, out: &mut Float, x: &Float, y: &Float, to: Toward) {
        out.assign_round(x - y, round(to));
    }

    fn accumulate(&self, acc: &mut Float, x: &Float, to: Toward) {
        acc.add_assign_round(x, round(to));
    }

    fn mul(&self, out: &mut Float, x: &Float, y: &Float, to: Toward) {
        if x.is_zero() || y.is_zero() {
            out.assign(Special::Zero);
        } else {
            out.assign_round(x * y, round(to));
        }
    }

    fn div(&self, out: &mut Float, x: &Float, y: &Float, to: Toward) {
        out.assign_round(x / y, round(to));
    }

    fn sqrt(&self, out: &mut Float, x: &Float, to: Toward) {
        out.assign_round(x.sqrt_ref(), round(to));
    }

    fn power(&self, out: &mut Float, x: &Float, n: u64, to: Toward) {
        match u32::try_from(n) {
            Ok(n) => out.assign_round(x.pow(n), round(to)),
            Err(_) => out.assign_round(x.pow(&Integer::from(n)), round(to)),
        };
    }

    fn function(&self, f: Function, out: &mut Float, x: &Float, to: Toward) {
        let round = round(to);
        let _: Ordering = match f {
            Function::Exp => out.assign_round(x.exp_ref(), round),
            Function::Ln => out.assign_round(x.ln_ref(), round),
            Function::Tanh => out.assign_round(x.tanh_ref(), round),
            // MPFR would write out the integer.
            Function::CosPi if x.is_integer() => {
                out.assign_round(if self.is_even(x) { 1 } else { -1 }, round)
            }
            Function::CosPi => out.assign_round(x.cos_pi_ref(), round),
            Function::NormalCdf => return self.normal_cdf(out, x, to),
            Function::NormalDensity => return self.normal_density(out, x, to),
        };
    }

    fn atan2(&self, y: &Float, x: &Float, to: Toward) -> Float {
        // MPFR tells −0 from 0; here both are 0.
        let unsigned = |z: &Float| if z.is_zero() { self.zero() } else { z.clone() };
        let mut angle = unsigned(y);
        angle.atan2_round(&unsigned(x), round(to));
        angle
    }

    fn ceil(&self, x: &Float) -> Float {
        x.clone().ceil()
    }

    fn is_even(&self, n: &Float) -> bool {
        Float::with_val(self.bits, n / 2u32).is_integer()
    }

    fn is_finite(&self, x: &Float) -> bool {
        x.is_finite()
    }

    fn cast(&self, x: &Float, format: FloatFormat) -> Option<f64> {
        match x.get_exp() {
            Some(e) if e > BEYOND_FORMATS => None,
            Some(e) if e < -BEYOND_FORMATS => Some(0.0),
            _ => format.round(&self.to_ratio(x)?),
        }
    }

    fn to_ratio(&self, x: &Float) -> Option<Ratio> {
        from_float(x, LONGEST)
    }

    fn show(&self, x: &Float, to: Toward) -> String {
        let text = x.to_string_radix_round(10, None, round(to));
        match text.split_once('e') {
            Some((digits, exponent)) if digits.contains('.') => {
                let digits = digits.trim_end_matches('0').trim_end_matches('.');
                format!("{digits}e{exponent}")
            }
            None if text.contains('.') => {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => text,
        }
    }

    fn middle(&self, x: &Float, y: &Float) -> f64 {
        match (x.is_finite(), y.is_finite()) {
            (true, true) => {
                let mut sum = self.spacious();
                sum.assign(x + y);
                (sum / 2u32).to_f64()
            }
            (true, false) => f64::MAX,
            (false, true) => f64::MIN,
            (false, false) => 0.0,
        }
    }

    fn half_distance(&self, x: &Float, y: &Float) -> f64 {
        let distance = Float::with_val_round(self.bits, y - x, Round::Up).0;
        (distance / 2u32).to_f64_round(Round::Up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ends: MpEnds, f: Function, x: &Float, to: Toward) -> Float {
        let mut out = ends.zero();
        ends.function(f, &mut out, x, to);
        out
    }

    /// A hair beside an argument whose value is an end point itself, a piece rounded to the wrong
    /// side shows, however many digits it has more than the result.
    #[test]
    fn pieces_are_rounded_to_the_side_that_counts() {
        let (few, many) = (MpEnds::new(24), MpEnds::new(400));
        for (f, value, from, to) in [
            (Function::NormalCdf, 0.75, 0.0, 2.0),
            (Function::NormalCdf, 0.25, -2.0, 0.0),
            (Function::NormalDensity, 0.25, 2.0, 0.0),
            (Function::NormalDensity, 0.25, -2.0, 0.0),
        ] {
            let [mut low, mut high] = [from, to].map(|x| Float::with_val(200, x));
            for _ in 0..180 {
                let middle = Float::with_val(200, &low + &high) / 2u32;
                match at(many, f, &middle, Toward::Down) < value {
                    true => low = middle,
                    false => high = middle,
                }
            }
            let hair = Float::with_val(200, 1) >> 130;
            for x in [Float::with_val(200, &low - &hair), low + &hair] {
                let [down, up] = [Toward::Down, Toward::Up].map(|to| at(few, f, &x, to));
                assert!(down <= at(many, f, &x, Toward::Down), "{f:?} of {x}");
                assert!(at(many, f, &x, Toward::Up) <= up, "{f:?} of {x}");
            }
        }
    }
}
