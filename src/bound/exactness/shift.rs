//! The powers of two by which one rounded number may be multiplied.

use num_traits::{One, Signed, Zero};

use crate::arith::{Format, Ratio, ratio_from_f64};

/// A bound that is none.
pub(super) const FREE: i64 = 1 << 40;

/// The shifts `s` for which a number rounded from `z` to `v` rounds from `2^s·z` to `2^s·v`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shifts {
    pub from: i64,
    pub to: i64,
}

impl Shifts {
    pub const ALL: Self = Self {
        from: -FREE,
        to: FREE,
    };

    pub fn meet(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        }
    }
}

/// The exponents of the last and of the first bit of `v`; `None` for zero and non-numbers.
pub(super) fn bits(v: f64) -> Option<(i64, i64)> {
    if v == 0.0 || !v.is_finite() {
        return None;
    }
    let raw = v.to_bits();
    let fraction = raw & ((1 << 52) - 1);
    let (significand, exponent) = match (raw >> 52) & 0x7ff {
        0 => (fraction, -1074),
        biased => (fraction | 1 << 52, biased as i64 - 1075),
    };
    let last = exponent + i64::from(significand.trailing_zeros());
    let first = exponent + 63 - i64::from(significand.leading_zeros());
    Some((last, first))
}

/// The shifts of a result that did not lose bits to underflow. One rounded to full precision may be
/// multiplied down as long as its own last bit stays: the coarser grid then holds `v`, and `z`
/// is nearer to it than a quarter of that grid.
pub(super) fn of_value(v: f64, format: Format) -> Shifts {
    match bits(v) {
        Some((last, first)) => Shifts {
            from: i64::from(format.emin) - last,
            to: i64::from(format.emax) - 1 - first,
        },
        None => Shifts::ALL,
    }
}

/// True where `v` is so small that underflow may have taken bits off it.
pub(super) fn may_have_underflowed(v: f64, format: Format) -> bool {
    bits(v).is_none_or(|(_, first)| first <= i64::from(format.normal_exponent())) && v.is_finite()
}

/// The shifts of any result, with what was rounded. Where underflow took bits, multiplying up uncovers
/// them: the finer grid must still have nothing nearer to `z` than `v`. Zero stays zero when it
/// is multiplied down.
pub(super) fn of_rounded(z: &Ratio, v: f64, format: Format) -> Shifts {
    let shifts = of_value(v, format);
    if !may_have_underflowed(v, format) {
        return shifts;
    }
    let lost = match ratio_from_f64(v) {
        Some(v) => (z - v).abs(),
        None => return shifts,
    };
    if lost.is_zero() {
        return shifts;
    }
    // Far enough up that the precision alone rounds; `v` may be what it gives as well.
    let up = power_of_two(i64::from(format.precision) + 1);
    let full = format.round(&(z * &up)).and_then(ratio_from_f64);
    if v != 0.0 && full == ratio_from_f64(v).map(|v| v * up) {
        return shifts;
    }
    // A tie goes to `v`, which is an even multiple of every finer grid.
    let to = i64::from(format.emin) - 1 - ceiling_of_log(&lost);
    shifts.meet(Shifts { from: -FREE, to })
}

/// ⌈log₂ r⌉ for positive `r`.
fn ceiling_of_log(r: &Ratio) -> i64 {
    // 2^(bits−1) < r < 2^(bits+1)
    let bits = r.numer().bits() as i64 - r.denom().bits() as i64;
    if *r <= power_of_two(bits) {
        bits
    } else {
        bits + 1
    }
}

pub(super) fn power_of_two(exponent: i64) -> Ratio {
    let power = num_bigint::BigInt::one() << exponent.unsigned_abs();
    if exponent < 0 {
        Ratio::new(num_bigint::BigInt::one(), power)
    } else {
        Ratio::from_integer(power)
    }
}

/// `2^s·v` where an `f64` holds it; `None` elsewhere.
pub(super) fn shifted(v: f64, s: i64) -> Option<f64> {
    let Some((last, first)) = bits(v) else {
        return Some(v);
    };
    if last + s < -1074 || first + s > 1023 {
        return None;
    }
    Some(libm::scalbn(v, i32::try_from(s).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Arithmetic, F16, MachineFloat};

    const LEAST: f64 = f64::from_bits(1);

    #[test]
    fn first_and_last_bits_are_found() {
        for (v, last, first) in [
            (1.5, -1, 0),
            (-12.0, 2, 3),
            (f64::MAX, 971, 1023),
            (f64::MIN_POSITIVE, -1022, -1022),
            (LEAST, -1074, -1074),
            (3.0 * LEAST, -1074, -1073),
            (f64::MIN_POSITIVE - LEAST, -1074, -1023),
        ] {
            assert_eq!(bits(v), Some((last, first)), "{v:e}");
        }
        for v in [0.0, -0.0, f64::INFINITY, f64::NAN] {
            assert_eq!(bits(v), None);
        }
    }

    #[test]
    fn a_shift_stays_in_the_range_of_binary64() {
        let three = 3.0 * LEAST;
        for (v, s, found) in [
            (1.5, 3, Some(12.0)),
            (1.5, 1023, Some(1.5 * 2f64.powi(1023))),
            (1.5, 1024, None),
            (1.5, -1073, Some(three)),
            (1.5, -1074, None),
            (three, 1073, Some(1.5)),
            (f64::MAX, 1, None),
            (LEAST, -1, None),
            (0.0, 5000, Some(0.0)),
        ] {
            assert_eq!(shifted(v, s), found, "{v:e} by {s}");
        }
    }

    #[test]
    fn a_value_moves_between_its_last_and_its_first_bit() {
        let format = F16.format();
        // From 2⁻²⁴ to below 2¹⁶.
        assert_eq!(of_value(1.5, format), Shifts { from: -23, to: 15 });
        assert_eq!(of_value(0.0, format), Shifts::ALL);
        assert_eq!(power_of_two(-3), Ratio::new(1.into(), 8.into()));
        assert_eq!(power_of_two(3), Ratio::from_integer(8.into()));
        assert!(F16.to_ratio(&half::f16::from_bits(1)) == Some(power_of_two(-24)));
        assert!(may_have_underflowed(2f64.powi(-14), format));
        assert!(!may_have_underflowed(2f64.powi(-13), format));
        assert!(may_have_underflowed(0.0, format) && half::f16::zero().widen() == 0.0);
    }
}
