//! IEEE 754 binary32 and binary64, rounding to nearest, ties to even.
//!
//! One generic implementation serves both, and the half formats. Results beyond the range become infinities inside a
//! node and are reported by `check`; no infinity or NaN ever leaves a node unnoticed.

use crate::fault::{Fault, planted};
use std::cmp::Ordering;
use std::fmt::Debug;

use num_traits::Float;

use super::round::{BINARY32, BINARY64, Format, round_to_nearest};
use super::{
    Accumulator, Arithmetic, ArithmeticName, FloatFormat, Function, OpError, Ratio, ratio_from_f64,
};

/// A machine float and what the generic context must know about it.
pub trait MachineFloat: Float + Debug + Send + Sync + std::ops::AddAssign + 'static {
    /// The name of the arithmetic that keeps sums in `accumulator`, or in the format itself.
    fn name(accumulator: Option<Accumulator>) -> ArithmeticName;
    #[doc(hidden)]
    const FORMAT: FormatOf;
    /// Rounds to nearest-even.
    fn narrow(x: f64) -> Self;
    /// The integer, rounded to nearest-even.
    fn from_integer(n: u64) -> Self;
    /// Widens exactly.
    fn widen(self) -> f64;
    /// The portable implementation of `f`.
    fn apply(self, f: Function) -> Self;
    /// The portable arc tangent of `self / x` in the right quadrant.
    fn atan2_portable(self, x: Self) -> Self;
}

/// Opaque handle to a float format.
#[derive(Debug, Clone, Copy)]
pub struct FormatOf(pub(super) Format);

impl<F: MachineFloat> Machine<F> {
    /// Precision and range.
    pub fn format(self) -> Format {
        F::FORMAT.0
    }
}

impl MachineFloat for f32 {
    fn name(_: Option<Accumulator>) -> ArithmeticName {
        ArithmeticName::F32
    }
    const FORMAT: FormatOf = FormatOf(BINARY32);
    fn narrow(x: f64) -> Self {
        x as f32
    }
    fn from_integer(n: u64) -> Self {
        n as f32
    }
    fn widen(self) -> f64 {
        f64::from(self)
    }
    fn atan2_portable(self, x: Self) -> Self {
        libm::atan2f(self, x)
    }
    fn apply(self, f: Function) -> Self {
        match f {
            Function::Exp => libm::expf(self),
            Function::Ln => libm::logf(self),
            Function::CosPi => libm::cosf(std::f32::consts::PI * (self % 2.0)),
            Function::Tanh => libm::tanhf(self),
            Function::NormalCdf => 0.5 * libm::erfcf(-self * std::f32::consts::FRAC_1_SQRT_2),
            Function::NormalDensity => {
                libm::expf(-0.5 * self * self) * (std::f64::consts::TAU.sqrt().recip() as f32)
            }
        }
    }
}

impl MachineFloat for f64 {
    fn name(_: Option<Accumulator>) -> ArithmeticName {
        ArithmeticName::F64
    }
    const FORMAT: FormatOf = FormatOf(BINARY64);
    fn narrow(x: f64) -> Self {
        x
    }
    fn from_integer(n: u64) -> Self {
        n as f64
    }
    fn widen(self) -> f64 {
        self
    }
    fn atan2_portable(self, x: Self) -> Self {
        libm::atan2(self, x)
    }
    fn apply(self, f: Function) -> Self {
        match f {
            Function::Exp => libm::exp(self),
            Function::Ln => libm::log(self),
            Function::CosPi => libm::cos(std::f64::consts::PI * (self % 2.0)),
            Function::Tanh => libm::tanh(self),
            Function::NormalCdf => 0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2),
            Function::NormalDensity => libm::exp(-0.5 * self * self) / std::f64::consts::TAU.sqrt(),
        }
    }
}

/// The context of a machine float format, which fixes the precision. Only of the half formats
/// there are others than the one that keeps sums in the format.
#[derive(Debug, Clone, Copy)]
pub struct Machine<F> {
    pub(super) accumulator: Option<Accumulator>,
    format: std::marker::PhantomData<F>,
}

impl<F> Machine<F> {
    pub(super) const fn new(accumulator: Option<Accumulator>) -> Self {
        Self {
            accumulator,
            format: std::marker::PhantomData,
        }
    }
}

impl<F> Default for Machine<F> {
    fn default() -> Self {
        Self::new(None)
    }
}

/// binary32.
pub type F32 = Machine<f32>;
/// binary64.
pub type F64 = Machine<f64>;

/// The `f32` context.
#[allow(non_upper_case_globals)]
pub const F32: F32 = Machine::new(None);
/// The `f64` context.
#[allow(non_upper_case_globals)]
pub const F64: F64 = Machine::new(None);

impl<F: MachineFloat> Arithmetic for Machine<F> {
    type Elem = F;

    fn name(&self) -> ArithmeticName {
        F::name(self.accumulator)
    }

    fn zero(&self) -> F {
        F::zero()
    }

    fn from_ratio(&self, q: &Ratio) -> Result<F, OpError> {
        round_to_nearest(q, F::FORMAT.0)
            .map(F::narrow)
            .ok_or(OpError::Overflow(self.name()))
    }

    fn from_integer(&self, n: u64) -> Result<F, OpError> {
        let rounded = F::from_integer(n);
        self.check(&rounded)?;
        Ok(rounded)
    }

    fn from_f64(&self, x: f64) -> Result<F, OpError> {
        if !x.is_finite() {
            return Err(super::NOT_FINITE);
        }
        // Adding zero takes the sign off a zero and changes nothing else.
        let rounded = F::narrow(x + 0.0);
        self.check(&rounded)?;
        Ok(rounded)
    }

    #[inline]
    fn add(&self, out: &mut F, x: &F, y: &F) {
        *out = *x + *y;
    }

    #[inline]
    fn sub(&self, out: &mut F, x: &F, y: &F) {
        *out = *x - *y;
    }

    #[inline]
    fn mul(&self, out: &mut F, x: &F, y: &F) {
        *out = *x * *y;
    }

    #[inline]
    fn neg(&self, out: &mut F, x: &F) {
        *out = -*x;
    }

    #[inline]
    fn accumulate(&self, acc: &mut F, x: &F) {
        *acc += *x;
    }

    fn sums_whole(&self) -> bool {
        self.accumulator.is_some()
    }

    fn sum<'x>(&self, out: &mut F, terms: impl Iterator<Item = &'x F> + Clone) {
        let mut terms = terms.copied();
        *out = match self.accumulator {
            None => terms.reduce(|sum, x| sum + x).unwrap_or(F::zero()),
            Some(accumulator) => accumulator.sum(&mut terms),
        };
    }

    fn dot<'x>(&self, out: &mut F, pairs: impl Iterator<Item = (&'x F, &'x F)> + Clone) {
        let mut pairs = pairs.map(|(x, y)| (*x, *y));
        *out = match self.accumulator {
            None => pairs
                .map(|(x, y)| x * y)
                .reduce(|sum, product| sum + product)
                .unwrap_or(F::zero()),
            Some(accumulator) => accumulator.dot(&mut pairs),
        };
    }

    #[inline]
    fn div(&self, out: &mut F, x: &F, y: &F) -> Result<(), OpError> {
        if y.is_zero() {
            return Err(OpError::Undefined("division by zero"));
        }
        *out = *x / *y;
        Ok(())
    }

    fn sqrt(&self, out: &mut F, x: &F) -> Result<(), OpError> {
        if *x < F::zero() {
            return Err(OpError::Undefined("square root of a negative number"));
        }
        *out = x.sqrt();
        Ok(())
    }

    fn compare(&self, x: &F, y: &F) -> Result<Ordering, OpError> {
        x.partial_cmp(y)
            .ok_or(OpError::Undecided("comparison with NaN"))
    }

    fn sign(&self, out: &mut F, x: &F) -> Result<(), OpError> {
        // `signum` of the standard library answers 1 at zero.
        *out = match self.compare(x, &F::zero())? {
            Ordering::Less => -F::one(),
            Ordering::Equal if planted(Fault::SignOfZeroIsOne) => F::one(),
            Ordering::Equal => F::zero(),
            Ordering::Greater => F::one(),
        };
        Ok(())
    }

    fn atan2(&self, out: &mut F, y: &F, x: &F) -> Result<(), OpError> {
        *out = y.atan2_portable(*x);
        Ok(())
    }

    fn function(&self, f: Function, out: &mut F, x: &F) -> Result<(), OpError> {
        if f == Function::Ln && *x <= F::zero() {
            return Err(OpError::Undefined(
                "logarithm of a number that is not positive",
            ));
        }
        *out = x.apply(f);
        Ok(())
    }

    /// Without allocating; what rounds to zero keeps its sign.
    fn cast(&self, out: &mut F, x: &F, to: FloatFormat) -> Result<(), OpError> {
        self.check(x)?;
        let rounded = to.round_f64(x.widen());
        *out = F::narrow(rounded.ok_or(OpError::Overflow(self.name()))?);
        self.check(out)
    }

    #[inline]
    fn check(&self, x: &F) -> Result<(), OpError> {
        if x.is_finite() {
            Ok(())
        } else {
            Err(OpError::Overflow(self.name()))
        }
    }

    fn same(&self, x: &F, y: &F) -> Result<bool, OpError> {
        Ok(x.widen().to_bits() == y.widen().to_bits())
    }

    fn to_ratio(&self, x: &F) -> Option<Ratio> {
        ratio_from_f64(x.widen())
    }

    fn show(&self, x: &F) -> String {
        hex_float(x.widen())
    }

    fn approx(&self, x: &F) -> f64 {
        x.widen()
    }
}

/// C99's `%a` in the form of Python's `float.hex`, without trailing zeros: `0x1.8p+1`.
///
/// Non-finite values are written `inf`, `-inf` and `nan`.
pub(crate) fn hex_float(x: f64) -> String {
    if !x.is_finite() {
        return format!("{x}").to_lowercase();
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    let bits = x.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let biased = (bits >> 52) & 0x7ff;
    let (lead, exponent) = match (biased, fraction) {
        (0, 0) => return format!("{sign}0x0.0p+0"),
        (0, _) => (0, -1022),
        _ => (1, biased as i64 - 1023),
    };
    let digits = format!("{fraction:013x}");
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    format!("{sign}0x{lead}.{digits}p{exponent:+}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::parse_ratio;
    use proptest::prelude::*;

    #[test]
    fn hexadecimal_forms_are_those_of_python() {
        assert_eq!(hex_float(3.0), "0x1.8p+1");
        assert_eq!(hex_float(-0.0), "-0x0.0p+0");
        assert_eq!(hex_float(1.0), "0x1.0p+0");
        assert_eq!(hex_float(f64::from_bits(1)), "0x0.0000000000001p-1022");
        assert_eq!(hex_float(0.1), "0x1.999999999999ap-4");
    }

    #[test]
    fn the_sign_of_zero_is_part_of_identity_but_not_of_order() {
        assert_eq!(F64.same(&0.0, &-0.0), Ok(false));
        assert_eq!(F64.compare(&0.0, &-0.0), Ok(Ordering::Equal));
    }

    #[test]
    fn infinities_are_reported_as_overflow() {
        let mut out = 0.0;
        F64.mul(&mut out, &1e300, &1e300);
        assert_eq!(F64.check(&out), Err(OpError::Overflow(ArithmeticName::F64)));
    }

    proptest! {
        #[test]
        fn shown_values_read_back(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            let read = parse_ratio(&F64.show(&x)).unwrap();
            prop_assert_eq!(F64.from_ratio(&read).unwrap(), x);
        }
    }
}
