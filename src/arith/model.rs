//! The rounding of a float arithmetic: precision, exponents, how it sums.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::round::{BFLOAT16, BINARY16, BINARY32, BINARY64, Format, round_to_nearest};
use super::{Accumulator, ArithmeticName, FloatFormat, Ratio, ratio_from_f64};

/// A float arithmetic that rounds to nearest, in Flocq's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatModel {
    /// Its name.
    pub name: ArithmeticName,
    /// Significand bits, the hidden one included; the unit roundoff is 2^-precision.
    pub precision: u32,
    /// The exponent of the smallest subnormal; `None` where nothing underflows.
    pub emin: Option<i32>,
    /// Every finite number is below 2^emax; `None` where nothing overflows.
    pub emax: Option<i32>,
    /// The accumulator of sums and matrix products, with one rounding into the format at the end;
    /// `None` where every product and every partial sum is rounded into the format.
    pub sums: Option<Accumulator>,
}

impl FloatModel {
    /// The model of the arithmetic `name`; `None` where it does not round to nearest.
    pub fn of(name: ArithmeticName) -> Option<Self> {
        let machine = |format| Self::of_machine(name, format);
        let summing = |format, sums| Self {
            sums: Some(sums),
            ..machine(format)
        };
        Some(match name {
            ArithmeticName::F32 => machine(BINARY32),
            ArithmeticName::F64 => machine(BINARY64),
            ArithmeticName::Bf16 => machine(BFLOAT16),
            ArithmeticName::F16 => machine(BINARY16),
            ArithmeticName::Bf16Sums(sums) => summing(BFLOAT16, sums),
            ArithmeticName::F16Sums(sums) => summing(BINARY16, sums),
            ArithmeticName::Mp(bits) => Self {
                name,
                precision: bits,
                emin: None,
                emax: None,
                sums: None,
            },
            ArithmeticName::Rational
            | ArithmeticName::IntervalF64
            | ArithmeticName::Interval(_)
            | ArithmeticName::Prime
            | ArithmeticName::Other(_) => return None,
        })
    }

    fn of_machine(name: ArithmeticName, format: Format) -> Self {
        Self {
            name,
            precision: format.precision,
            emin: Some(format.emin),
            emax: Some(format.emax),
            sums: None,
        }
    }

    /// The model of a storage format.
    pub(super) fn of_format(format: FloatFormat) -> Self {
        let name = match format {
            FloatFormat::Bf16 => ArithmeticName::Bf16,
            FloatFormat::F16 => ArithmeticName::F16,
            FloatFormat::F32 => ArithmeticName::F32,
        };
        Self::of_machine(name, format.format())
    }

    /// `true` if this is binary floating point without an exponent range.
    pub fn is_mp(&self) -> bool {
        self.emin.is_none()
    }

    /// 2^e, exactly.
    pub fn power_of_two(e: i64) -> Ratio {
        let power = BigInt::one() << e.unsigned_abs();
        match e < 0 {
            true => Ratio::new(BigInt::one(), power),
            false => Ratio::from_integer(power),
        }
    }

    /// The exponent of the smallest normal number.
    pub fn least_normal(&self) -> Option<i64> {
        Some(i64::from(self.emin?) + i64::from(self.precision) - 1)
    }

    /// The largest finite number.
    pub fn largest(&self) -> Option<Ratio> {
        let emax = i64::from(self.emax?);
        Some(Self::power_of_two(emax) - Self::power_of_two(emax - i64::from(self.precision)))
    }

    /// `true` if every number of this model is one of `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        let (Some(emin), Some(emax)) = (self.emin, self.emax) else {
            return false;
        };
        self.precision <= other.precision
            && other.emin.is_none_or(|e| e <= emin)
            && other.emax.is_none_or(|e| e >= emax)
    }

    /// `true` if `q` is a number of this format.
    pub fn represents(&self, q: &Ratio) -> bool {
        if q.is_zero() {
            return true;
        }
        let den = q.denom();
        if !(den & (den - BigInt::one())).is_zero() {
            return false;
        }
        let num = q.numer().abs();
        let last = num.trailing_zeros().unwrap_or(0);
        if num.bits() - last > u64::from(self.precision) {
            return false;
        }
        match (self.emin, self.emax) {
            (Some(emin), Some(emax)) => {
                let format = Format {
                    precision: self.precision,
                    emin,
                    emax,
                };
                round_to_nearest(q, format)
                    .and_then(ratio_from_f64)
                    .as_ref()
                    == Some(q)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Arithmetic, BF16, F16, F32, parse_ratio};

    fn model(name: &str) -> FloatModel {
        FloatModel::of(name.parse().unwrap()).unwrap()
    }

    #[test]
    fn what_is_represented_is_what_rounds_to_itself() {
        for text in [
            "0", "1", "-3/4", "1/3", "257", "0x1p-133", "0x1p-134", "0x1p-24", "0x1p-25", "65504",
            "65520", "0x1p128",
        ] {
            let q = parse_ratio(text).unwrap();
            let is = |x: Option<Ratio>| x.as_ref() == Some(&q);
            assert_eq!(
                model("bf16").represents(&q),
                is(BF16.from_ratio(&q).ok().and_then(|x| BF16.to_ratio(&x))),
                "{text}"
            );
            assert_eq!(
                model("f16").represents(&q),
                is(F16.from_ratio(&q).ok().and_then(|x| F16.to_ratio(&x))),
                "{text}"
            );
            assert_eq!(
                model("f32").represents(&q),
                is(F32.from_ratio(&q).ok().and_then(|x| F32.to_ratio(&x))),
                "{text}"
            );
        }
        assert!(model("mp:8").represents(&parse_ratio("255").unwrap()));
        assert!(!model("mp:8").represents(&parse_ratio("257").unwrap()));
    }

    #[test]
    fn the_ends_of_the_range_are_those_of_the_formats() {
        assert_eq!(
            model("f16").largest().unwrap(),
            parse_ratio("65504").unwrap()
        );
        assert_eq!(
            model("f32").largest().unwrap(),
            ratio_from_f64(f64::from(f32::MAX)).unwrap()
        );
        assert_eq!(model("f64").least_normal(), Some(-1022));
        assert!(model("bf16").is_within(&model("f32")) && !model("bf16").is_within(&model("f16")));
    }
}
