//! Rounding an exact rational into a binary format: to nearest, ties to even, gradual underflow.
//!
//! One routine for every format, so that constants are correctly rounded in each of them.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::Ratio;

/// A binary floating-point format with at most 53 significand bits, in Flocq's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Significand bits, the hidden one included.
    pub precision: u32,
    /// The exponent of the smallest subnormal number.
    pub emin: i32,
    /// Every finite number is below `2^emax`.
    pub emax: i32,
}

impl Format {
    /// The smallest positive normal number is `2^` this.
    pub fn normal_exponent(self) -> i32 {
        self.emin + self.precision as i32 - 1
    }

    /// `q` rounded to nearest-even; `None` beyond the largest finite number.
    pub fn round(self, q: &Ratio) -> Option<f64> {
        round_to_nearest(q, self)
    }
}

pub(super) const BINARY32: Format = Format {
    precision: 24,
    emin: -149,
    emax: 128,
};
pub(super) const BINARY64: Format = Format {
    precision: 53,
    emin: -1074,
    emax: 1024,
};

/// A storage format that a step may cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FloatFormat {
    /// bfloat16: 8 significand bits, binary32's exponents.
    Bf16,
    /// IEEE 754 binary16: 11 significand bits.
    F16,
    /// IEEE 754 binary32: 24 significand bits.
    F32,
}

impl FloatFormat {
    /// The name used in printed graphs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::F32 => "f32",
        }
    }

    /// Precision and range.
    pub fn format(self) -> Format {
        match self {
            Self::Bf16 => BFLOAT16,
            Self::F16 => BINARY16,
            Self::F32 => BINARY32,
        }
    }

    /// `q` rounded to nearest-even in this format; `None` beyond its largest finite number.
    pub fn round(self, q: &Ratio) -> Option<f64> {
        self.format().round(q)
    }

    /// The finite `x` rounded as [`FloatFormat::round`] does, without allocating. A zero keeps
    /// its sign, and so does what rounds to zero.
    pub fn round_f64(self, x: f64) -> Option<f64> {
        round_f64(x, self.format())
    }
}

pub(super) const BFLOAT16: Format = Format {
    precision: 8,
    emin: -133,
    emax: 128,
};
pub(super) const BINARY16: Format = Format {
    precision: 11,
    emin: -24,
    emax: 16,
};

/// The finite `x` rounded to nearest-even in a `format` smaller than binary64, with the sign of
/// `x`; `None` when it rounds beyond the largest finite number.
pub(super) fn round_f64(x: f64, format: Format) -> Option<f64> {
    // A subnormal binary64 number is far below every other format's smallest number; any
    // exponent below `emin` will do for it.
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    let spacing = (exponent - format.precision as i32 + 1).max(format.emin);
    let unit = f64::from_bits(((1023 + spacing) as u64) << 52);
    // Both scalings are by a power of two and exact.
    let rounded = (x / unit).round_ties_even() * unit;
    let bound = f64::from_bits(((1023 + format.emax) as u64) << 52);
    (rounded.abs() < bound).then_some(rounded)
}

/// `q` rounded to nearest-even in `format`, as an `f64` that holds it exactly; `None` when it
/// rounds beyond the largest finite number.
pub(super) fn round_to_nearest(q: &Ratio, format: Format) -> Option<f64> {
    if q.is_zero() {
        return Some(0.0);
    }
    let (num, den) = (q.numer().magnitude(), q.denom().magnitude());
    // 2^(quotient_bits-1) < num/den < 2^(quotient_bits+1)
    let quotient_bits = num.bits() as i64 - den.bits() as i64;
    let mut exponent = (quotient_bits - i64::from(format.precision)).max(i64::from(format.emin));
    let scaled = |e: i64| -> (BigInt, BigInt, BigInt) {
        let mut n = BigInt::from(num.clone());
        let mut d = BigInt::from(den.clone());
        if e >= 0 {
            d <<= e;
        } else {
            n <<= -e;
        }
        let (quotient, remainder) = n.div_rem(&d);
        (quotient, remainder, d)
    };
    let (mut quotient, mut remainder, mut divisor) = scaled(exponent);
    if quotient.bits() > u64::from(format.precision) {
        exponent += 1;
        (quotient, remainder, divisor) = scaled(exponent);
    }
    let twice: BigInt = remainder << 1;
    if twice > divisor || (twice == divisor && quotient.is_odd()) {
        quotient += BigInt::one();
    }
    // A carry may make the significand one bit longer; the value is still right, and exact.
    if quotient.bits() as i64 + exponent > i64::from(format.emax) {
        return None;
    }
    let magnitude = libm::scalbn(quotient.to_f64()?, i32::try_from(exponent).ok()?);
    Some(if q.is_negative() {
        -magnitude
    } else {
        magnitude
    })
}

#[cfg(test)]
mod tests {
    use super::super::{parse_ratio, ratio_from_f64};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_round_as_the_standard_library_parses_them() {
        for text in [
            "0.1",
            "1e-3",
            "1e-6",
            "3.4028235677973366e38",
            "1e308",
            "2.2250738585072011e-308",
            "4.9e-324",
            "2.4703282292062328e-324",
            "1e-400",
            "9007199254740993",
            "1.00000017881393432617187499",
            "1.00000017881393432617187501",
            "7e-46",
        ] {
            let q = parse_ratio(text).unwrap();
            let f64_parsed: f64 = text.parse().unwrap();
            assert_eq!(
                round_to_nearest(&q, BINARY64).map(f64::to_bits),
                Some(f64_parsed.to_bits()),
                "{text}"
            );
            let f32_parsed: f32 = text.parse().unwrap();
            let expected = f32_parsed
                .is_finite()
                .then_some(f64::from(f32_parsed).to_bits());
            assert_eq!(
                round_to_nearest(&q, BINARY32).map(f64::to_bits),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn overflow_is_reported_at_the_rounding_boundary() {
        let max = ratio_from_f64(f64::MAX).unwrap();
        let half_ulp = Ratio::from_integer(BigInt::one() << 970);
        let tiny = parse_ratio("1e-10").unwrap();
        assert_eq!(
            round_to_nearest(&(&max + &half_ulp - &tiny), BINARY64),
            Some(f64::MAX)
        );
        assert_eq!(round_to_nearest(&(&max + &half_ulp), BINARY64), None);
    }

    proptest! {
        #[test]
        fn floats_are_fixed_points(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite() && x != 0.0);
            prop_assert_eq!(round_to_nearest(&ratio_from_f64(x).unwrap(), BINARY64), Some(x));
        }

        /// Ties, and what is a hair beside one.
        #[test]
        fn binary64_values_round_as_their_exact_values_do(
            bits in any::<u64>(), kept in 0u32..53, e in -160i32..150, hair in -1i64..2,
        ) {
            let whole = f64::from_bits(bits >> kept << kept | 1023 << 52);
            let mut values = vec![f64::from_bits(bits)];
            let near = libm::scalbn(f64::from_bits(bits >> 12 >> kept << kept | 1023 << 52), e);
            values.push(f64::from_bits(near.to_bits().wrapping_add_signed(hair)));
            values.push(-near);
            values.push(whole);
            for x in values.into_iter().filter(|x| x.is_finite()) {
                for format in [FloatFormat::Bf16, FloatFormat::F16, FloatFormat::F32] {
                    let found = format.round_f64(x);
                    prop_assert_eq!(found, format.round(&ratio_from_f64(x).unwrap()), "{:e}", x);
                    prop_assert!(found.is_none_or(|y| y.is_sign_negative() == x.is_sign_negative()));
                }
            }
        }

        #[test]
        fn binary64_values_round_into_binary32_as_the_cast_does(bits in any::<u64>(), shift in 0u32..900) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite() && x != 0.0);
            let x = if shift < 450 { libm::scalbn(x % 1.0, -((shift % 160) as i32)) } else { x };
            prop_assume!(x != 0.0);
            let cast = x as f32;
            let expected = cast.is_finite().then_some(f64::from(cast));
            prop_assert_eq!(round_to_nearest(&ratio_from_f64(x).unwrap(), BINARY32), expected);
        }
    }
}
