//! bfloat16 and IEEE 754 binary16, every operation rounded to nearest, ties to even.
//!
//! The crate `half` computes in binary32 and rounds once more. For +, −, ×, ÷ and √ that is the
//! correctly rounded result, since 24 ≥ 2p + 2 for p = 8 and p = 11 (Figueroa 1995); the law
//! suite checks it. What comes from binary64 is rounded here, since the crate leaves half of its
//! bits out of account when it looks for a tie.
//!
//! Sums and matrix products are kept in the format (`bf16`, `f16`), in binary32 (`bf16/f32`,
//! `f16/f32`: most hardware) or exactly (`bf16/exact`, `f16/exact`: the best that any hardware can
//! do); see [`Accumulator`].

use ::half::{bf16, f16};

use super::machine::{FormatOf, Machine, MachineFloat};
use super::round::{BFLOAT16, BINARY16, Format, round_f64};
use super::{Accumulator, ArithmeticName, Function};
use crate::fault::{Fault, planted};

/// bfloat16.
pub type BF16 = Machine<bf16>;
/// binary16.
pub type F16 = Machine<f16>;

/// The `bf16` context.
#[allow(non_upper_case_globals)]
pub const BF16: BF16 = Machine::new(None);
/// The `f16` context.
#[allow(non_upper_case_globals)]
pub const F16: F16 = Machine::new(None);

/// `x`, or what a planted fault makes of it before it is rounded.
fn faulty(x: f64, format: Format) -> f64 {
    let truncates = planted(Fault::BfloatTruncates) && format == BFLOAT16;
    if truncates && x.is_finite() {
        // The bits of binary64 beyond the 7 stored ones of bfloat16.
        return f64::from_bits(x.to_bits() & !((1 << 45) - 1));
    }
    let least = libm::scalbn(1.0, format.normal_exponent());
    let flushed = planted(Fault::SubnormalsFlushed) && format == BINARY16 && x.abs() < least;
    if flushed { 0.0 } else { x }
}

macro_rules! half_format {
    ($float:ty, $own:expr, $with:expr, $format:expr) => {
        impl Machine<$float> {
            /// The context that keeps sums and matrix products in `accumulator` and rounds them
            /// at the end; every other operation rounds as ever.
            pub const fn accumulating(accumulator: Accumulator) -> Self {
                Self::new(Some(accumulator))
            }
        }

        impl MachineFloat for $float {
            fn name(accumulator: Option<Accumulator>) -> ArithmeticName {
                accumulator.map_or($own, $with)
            }
            const FORMAT: FormatOf = FormatOf($format);
            fn narrow(x: f64) -> Self {
                let x = faulty(x, $format);
                let infinite = f64::INFINITY.copysign(x);
                // What is rounded already is converted exactly.
                Self::from_f64(match x.is_finite() {
                    true => round_f64(x, $format).unwrap_or(infinite),
                    false => x,
                })
            }
            fn from_integer(n: u64) -> Self {
                // Rounding to odd first keeps the second rounding from seeing a tie that is none.
                let shift = (64 - n.leading_zeros()).saturating_sub(53);
                let kept = n >> shift;
                let odd = kept | u64::from(kept << shift != n);
                Self::narrow(libm::scalbn(odd as f64, shift as i32))
            }
            fn widen(self) -> f64 {
                self.to_f64()
            }
            fn apply(self, f: Function) -> Self {
                Self::narrow(self.to_f64().apply(f))
            }
            fn atan2_portable(self, x: Self) -> Self {
                Self::narrow(libm::atan2(self.to_f64(), x.to_f64()))
            }
        }
    };
}

half_format!(
    bf16,
    ArithmeticName::Bf16,
    ArithmeticName::Bf16Sums,
    BFLOAT16
);
half_format!(f16, ArithmeticName::F16, ArithmeticName::F16Sums, BINARY16);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::Arithmetic;

    #[test]
    fn a_hair_beside_a_tie_is_no_tie() {
        let hair = 2f64.powi(-40);
        assert_eq!(
            BF16.from_f64(1.0 + 2f64.powi(-8) + hair),
            Ok(bf16::from_f64(1.0 + 2f64.powi(-7)))
        );
        assert_eq!(
            F16.from_f64(1.0 + 2f64.powi(-11) + hair),
            Ok(f16::from_f64(1.0 + 2f64.powi(-10)))
        );
        let n = (1 << 40) + (1 << 32) + 1;
        assert_eq!(
            BF16.from_integer(n),
            BF16.from_ratio(&crate::arith::Ratio::from_integer(n.into()))
        );
    }
}
