//! Sums of half-precision numbers that are kept in something wider and rounded at the end.
//!
//! Hardware differs in this, so it is part of an arithmetic's name. The order of the terms is
//! that of the step's specification; an exact sum has none.

use super::machine::MachineFloat;

/// The accumulator of sums and matrix products of half-precision numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Accumulator {
    /// binary32: each product and each sum rounded there, from left to right; then one rounding
    /// into the format. A product is exact in binary32 (16 or 22 bits) unless, in bfloat16, it
    /// leaves binary32's range.
    F32,
    /// No rounding but the one into the format.
    Exact,
}

impl Accumulator {
    /// The name behind the slash.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Exact => "exact",
        }
    }

    pub(super) fn sum<F: MachineFloat>(self, terms: &mut dyn Iterator<Item = F>) -> F {
        match self {
            Self::F32 => {
                let sum = terms.map(single).reduce(|sum, x| sum + x);
                F::narrow(sum.unwrap_or(0.0).into())
            }
            Self::Exact => {
                let mut sum = FixedPoint::default();
                terms.for_each(|x| sum.add(x.widen(), 1.0));
                F::narrow(sum.rounded_to_odd())
            }
        }
    }

    pub(super) fn dot<F: MachineFloat>(self, pairs: &mut dyn Iterator<Item = (F, F)>) -> F {
        match self {
            Self::F32 => {
                let products = pairs.map(|(x, y)| single(x) * single(y));
                let sum = products.reduce(|sum, product| sum + product);
                F::narrow(sum.unwrap_or(0.0).into())
            }
            Self::Exact => {
                let mut sum = FixedPoint::default();
                pairs.for_each(|(x, y)| sum.add(x.widen(), y.widen()));
                F::narrow(sum.rounded_to_odd())
            }
        }
    }
}

/// The number in binary32, which holds every number of the half formats.
fn single<F: MachineFloat>(x: F) -> f32 {
    x.widen() as f32
}

/// The exponent of the last bit: that of the product of two smallest bfloat16 numbers. Those of
/// binary16 are far larger.
const LAST: i32 = -266;

/// Products are below 2²⁵⁶, so 522 bits above the last one; the others hold a sign and the carries
/// of more terms than a memory has room for.
const LIMBS: usize = 10;

/// An exact sum of products: an integer in two's complement, lowest limb first, times 2^`LAST`.
#[derive(Debug, Clone, Default)]
struct FixedPoint {
    limbs: [u64; LIMBS],
    /// `true` if a term was an infinity or a NaN.
    not_finite: bool,
    /// `true` if a term was anything but −0; a sum of nothing but −0 is −0.
    other_than_minus_zero: bool,
    terms: bool,
}

/// An integer and an exponent with `m · 2^e = x`, for a number of a half format.
fn parts(x: f64) -> (i64, i32) {
    // No number of a half format is subnormal in binary64, and none has more than 11 bits.
    let fraction = (x.to_bits() & ((1 << 52) - 1) | 1 << 52) >> 41;
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023 - 11;
    match x {
        0.0 => (0, 0),
        _ if x < 0.0 => (-(fraction as i64), exponent),
        _ => (fraction as i64, exponent),
    }
}

impl FixedPoint {
    /// Adds `x · y`.
    fn add(&mut self, x: f64, y: f64) {
        let product = x * y;
        self.terms = true;
        self.other_than_minus_zero |= product != 0.0 || product.is_sign_positive();
        if !product.is_finite() {
            self.not_finite = true;
            return;
        }
        let ((m, e), (n, f)) = (parts(x), parts(y));
        let (mut product, exponent) = (m * n, e + f);
        if product == 0 {
            return;
        }
        // Trailing zeros of a significand may lie below the last bit.
        let zeros = product.trailing_zeros() as i32;
        product >>= zeros;
        let shift = (exponent + zeros - LAST) as usize;
        let wide = i128::from(product) << (shift % 64);
        let fill = (wide >> 127) as u64;
        let mut carry = false;
        for (i, limb) in self.limbs.iter_mut().enumerate().skip(shift / 64) {
            let addend = match i - shift / 64 {
                0 => wide as u64,
                1 => (wide >> 64) as u64,
                _ => fill,
            };
            let (sum, over) = limb.overflowing_add(addend);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || again);
        }
    }

    /// The sum in binary64: exact, or else with an odd last bit, so that rounding it into a
    /// format of less than 52 bits gives what rounding the sum itself does (Boldo and Melquiond
    /// 2008). NaN where a term was not finite.
    fn rounded_to_odd(mut self) -> f64 {
        if self.not_finite {
            return f64::NAN;
        }
        let negative = self.limbs[LIMBS - 1] >> 63 == 1;
        if negative {
            let mut carry = true;
            for limb in &mut self.limbs {
                (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
            }
        }
        let Some(top) = self.limbs.iter().rposition(|limb| *limb != 0) else {
            let minus_zero = self.terms && !self.other_than_minus_zero;
            return if minus_zero { -0.0 } else { 0.0 };
        };
        let (high, low) = (
            self.limbs[top],
            top.checked_sub(1).map_or(0, |i| self.limbs[i]),
        );
        let leading = u128::from(high) << 64 | u128::from(low);
        let spare = leading.leading_zeros();
        let rest = self.limbs[..top.saturating_sub(1)].iter().any(|l| *l != 0);
        let kept = (leading << spare >> 75) as u64;
        let lost = rest || leading << spare << 53 != 0;
        let exponent = LAST + 64 * (top as i32 - 1) + 75 - spare as i32;
        let magnitude = libm::scalbn((kept | u64::from(lost)) as f64, exponent);
        if negative { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;
    use ::half::{bf16, f16};
    use proptest::prelude::*;

    fn all<F: MachineFloat>(bits: &[u16], from: fn(u16) -> F) -> Vec<F> {
        let numbers = bits.iter().map(|b| from(*b));
        numbers.filter(|x| x.is_finite()).collect()
    }

    fn exact<F: MachineFloat>(x: F) -> Ratio {
        ratio_from_f64(x.widen()).unwrap()
    }

    /// Exact sums are those of rationals, rounded once.
    fn agrees<F: MachineFloat>(
        ctx: super::super::machine::Machine<F>,
        x: &[F],
        y: &[F],
    ) -> Result<(), TestCaseError> {
        let mut out = F::zero();
        let sum: Ratio = x.iter().map(|x| exact(*x)).sum();
        ctx.sum(&mut out, x.iter());
        prop_assert_eq!(ctx.check(&out).map(|()| out), ctx.from_ratio(&sum));
        let dot: Ratio = x.iter().zip(y).map(|(x, y)| exact(*x) * exact(*y)).sum();
        ctx.dot(&mut out, x.iter().zip(y));
        prop_assert_eq!(ctx.check(&out).map(|()| out), ctx.from_ratio(&dot));
        Ok(())
    }

    /// Numbers of every size, and pairs of opposite ones.
    fn patterns() -> impl Strategy<Value = Vec<u16>> {
        let few = prop::sample::select(vec![0u16, 1, 0x7f, 0x80, 0x3f80, 0x7f7f, 0x7bff, 0x3c00]);
        let sign = prop_oneof![Just(0u16), Just(0x8000)];
        let pattern = prop_oneof![4 => any::<u16>(), 1 => (few, sign).prop_map(|(x, s)| x | s)];
        (prop::collection::vec(pattern, 0..24), any::<bool>()).prop_map(|(mut all, opposite)| {
            if opposite {
                all.extend(all.clone().iter().map(|x| x ^ 0x8000));
                all.push(1);
            }
            all
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

        #[test]
        fn exact_sums_are_rounded_once(x in patterns(), y in patterns()) {
            let context = BF16::accumulating(Accumulator::Exact);
            agrees(context, &all(&x, bf16::from_bits), &all(&y, bf16::from_bits))?;
            let context = F16::accumulating(Accumulator::Exact);
            agrees(context, &all(&x, f16::from_bits), &all(&y, f16::from_bits))?;
        }

        /// Two terms show which roundings there are: of a product none, of the sum one in
        /// binary32 and one in the format.
        #[test]
        fn sums_in_binary32_round_there_first(bits in prop::array::uniform4(any::<u16>())) {
            let numbers = bits.map(f16::from_bits);
            prop_assume!(numbers.iter().all(|x| x.is_finite()));
            let [a, b, c, d] = numbers;
            let mut out = f16::ZERO;
            let context = F16::accumulating(Accumulator::F32);
            context.dot(&mut out, [(&a, &b), (&c, &d)].into_iter());
            let sum = FloatFormat::F32.round(&(exact(a) * exact(b) + exact(c) * exact(d))).unwrap();
            let expected = F16.from_f64(sum);
            prop_assert_eq!(context.check(&out).is_ok(), expected.is_ok());
            prop_assert!(expected.is_err() || expected == Ok(out));
        }
    }

    /// In the format a sum of ones stops where the next one is half a spacing.
    #[test]
    fn the_three_ways_to_add_differ() {
        let ones = vec![bf16::ONE; 600];
        let of = |ctx: BF16, terms: &[bf16]| {
            let (mut sum, mut dot) = (bf16::ZERO, bf16::ZERO);
            ctx.sum(&mut sum, terms.iter());
            ctx.dot(&mut dot, terms.iter().zip(&ones));
            assert_eq!(sum.to_bits(), dot.to_bits());
            sum
        };
        let (single, exactly) = (
            BF16::accumulating(Accumulator::F32),
            BF16::accumulating(Accumulator::Exact),
        );
        assert_eq!(of(BF16, &ones).to_f64(), 256.0);
        assert_eq!(of(single, &ones).to_f64(), 600.0);
        let lost = [2f32.powi(30), 1.0, -2f32.powi(30)].map(bf16::from_f32);
        assert_eq!(of(single, &lost).to_f64(), 0.0);
        assert_eq!(of(exactly, &lost).to_f64(), 1.0);
        for ctx in [BF16, single, exactly] {
            assert_eq!(of(ctx, &[]).to_bits(), 0);
            assert_eq!(of(ctx, &[-bf16::ZERO; 2]).to_bits(), 0x8000);
            assert_eq!(of(ctx, &[-bf16::ZERO, bf16::ZERO]).to_bits(), 0);
            assert_eq!(of(ctx, &[bf16::ONE, -bf16::ONE]).to_bits(), 0);
            assert!(ctx.check(&of(ctx, &[bf16::MAX; 2])).is_err());
            assert!(ctx.check(&of(ctx, &[bf16::INFINITY, bf16::ONE])).is_err());
            assert!(ctx.check(&of(ctx, &[bf16::NAN])).is_err());
        }
        let passing = [bf16::MAX, bf16::MAX, -bf16::MAX];
        assert_eq!(of(exactly, &passing), bf16::MAX);
        assert!(single.check(&of(single, &passing)).is_err());
    }
}
