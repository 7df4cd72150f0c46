//! bfloat16 and IEEE 754 binary16, every operation rounded to nearest, ties to even.
//!
//! The crate `half` computes in binary32 and rounds once more. For +, −, ×, ÷ and √ that is the
//! correctly rounded result, since 24 ≥ 2p + 2 for p = 8 and p = 11 (Figueroa 1995); the law
//! suite checks it. Matrix products accumulate in the format here; hardware that accumulates in
//! binary32 is another arithmetic.

use ::half::{bf16, f16};

use super::machine::{FormatOf, Machine, MachineFloat};
use super::round::{BFLOAT16, BINARY16};
use super::{ArithmeticName, Function};

/// bfloat16.
pub type BF16 = Machine<bf16>;
/// binary16.
pub type F16 = Machine<f16>;

/// The `bf16` context.
#[allow(non_upper_case_globals)]
pub const BF16: BF16 = Machine(std::marker::PhantomData);
/// The `f16` context.
#[allow(non_upper_case_globals)]
pub const F16: F16 = Machine(std::marker::PhantomData);

macro_rules! half_format {
    ($float:ty, $name:expr, $format:expr) => {
        impl MachineFloat for $float {
            const NAME: ArithmeticName = $name;
            const FORMAT: FormatOf = FormatOf($format);
            fn narrow(x: f64) -> Self {
                Self::from_f64(x)
            }
            fn from_integer(n: u64) -> Self {
                // Rounding to odd first keeps the second rounding from seeing a tie that is none.
                let shift = (64 - n.leading_zeros()).saturating_sub(53);
                let kept = n >> shift;
                let odd = kept | u64::from(kept << shift != n);
                Self::from_f64(libm::scalbn(odd as f64, shift as i32))
            }
            fn widen(self) -> f64 {
                self.to_f64()
            }
            fn apply(self, f: Function) -> Self {
                Self::from_f64(self.to_f64().apply(f))
            }
            fn atan2_portable(self, x: Self) -> Self {
                Self::from_f64(libm::atan2(self.to_f64(), x.to_f64()))
            }
        }
    };
}

half_format!(bf16, ArithmeticName::Bf16, BFLOAT16);
half_format!(f16, ArithmeticName::F16, BINARY16);
