//! End points in binary64, rounded outward without a rounding mode.
//!
//! The processor rounds to nearest; the error it made is then found exactly, and where it points
//! the wrong way the neighbour is taken. So every algebraic result is the exact one rounded in
//! the named direction (gradual underflow and overflow included), as MPFR would round it at 53
//! bits and binary64's exponents. The errors: of a sum by Dekker's Fast2Sum, which is immune to
//! overflow on the way (Boldo, Graillat and Muller 2017); of a product, a quotient and a root by
//! a fused multiply-add, whose own rounding keeps the sign, which is all that is asked. Only where
//! the error could itself underflow are the operands scaled first, by a power of two and so
//! exactly.
//!
//! Infinite operands need no case of their own: the error is then NaN, which points nowhere.
//!
//! Transcendental functions come from MPFR; a build without it has none.

use super::{Ends, Toward};
use crate::arith::round::{BINARY64, round_to_nearest};
use crate::arith::{ArithmeticName, FloatFormat, Function, Ratio, parse_ratio, ratio_from_f64};

#[cfg(feature = "mp")]
use super::mp::{MpEnds, machine_number};
#[cfg(feature = "mp")]
use rug::Float;

/// End points that are binary64 numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct F64Ends;

/// Results below this may have an error below the smallest subnormal number: the last bits of
/// two factors are worth more than 2⁻¹⁰⁶ of their product, and 2⁻⁹⁶⁰ · 2⁻¹⁰⁶ > 2⁻¹⁰⁷⁴.
const SAFE: f64 = f64::from_bits((1023 - 960) << 52);

/// 2⁵⁵⁰; its square lifts every product of two subnormal numbers above 2⁻¹⁰⁷⁴, and nothing that
/// is scaled here comes near the largest number.
const LIFT: f64 = f64::from_bits((1023 + 550) << 52);

/// `nearest`, or its neighbour where the exact result lies on the other side of it: `error` has
/// the sign of exact result minus `nearest`.
#[inline]
fn outward(nearest: f64, error: f64, to: Toward) -> f64 {
    match to {
        Toward::Down if error < 0.0 => nearest.next_down(),
        Toward::Up if error > 0.0 => nearest.next_up(),
        _ => nearest,
    }
}

/// A number with the sign of `z − x · y`, NaN where an infinity is an operand. `z` is `x · y` up
/// to a rounding.
#[inline]
fn remainder(z: f64, x: f64, y: f64) -> f64 {
    if z.abs() >= SAFE {
        return (-x).mul_add(y, z);
    }
    // The smaller factor is below 2⁻⁴⁷⁹ here, so that scaling it cannot overflow.
    let (small, large) = if x.abs() < y.abs() { (x, y) } else { (y, x) };
    (-(small * LIFT * LIFT)).mul_add(large, z * LIFT * LIFT)
}

impl F64Ends {
    /// A decimal of 17 digits on the named side of the finite `x`: its first digits and the
    /// power of ten of the first one.
    fn digits(x: f64, to: Toward) -> (String, i32) {
        let text = format!("{:.16e}", x.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let mut number: u64 = mantissa.replace('.', "").parse().unwrap_or(0);
        let shown = parse_ratio(&format!("{number}e{}", exponent - 16)).ok();
        let order = shown.zip(ratio_from_f64(x.abs())).map(|(s, x)| s.cmp(&x));
        // Down means a smaller magnitude, unless the number is negative.
        let grows = (to == Toward::Up) == (x > 0.0);
        match order {
            Some(std::cmp::Ordering::Less) if grows => number += 1,
            Some(std::cmp::Ordering::Greater) if !grows => number -= 1,
            _ => {}
        }
        let digits = number.to_string();
        let carried = digits.len() as i32 - 17;
        (digits, exponent + carried)
    }
}

impl Ends for F64Ends {
    type End = f64;

    fn name(&self) -> ArithmeticName {
        ArithmeticName::IntervalF64
    }

    #[inline]
    fn zero(&self) -> f64 {
        0.0
    }

    fn from_ratio(&self, q: &Ratio, to: Toward) -> f64 {
        let zero = Ratio::default();
        let Some(nearest) = round_to_nearest(q, BINARY64) else {
            // Beyond the largest number by half a spacing or more.
            return match to {
                Toward::Down if *q > zero => f64::MAX,
                Toward::Up if *q < zero => f64::MIN,
                _ if *q > zero => f64::INFINITY,
                _ => f64::NEG_INFINITY,
            };
        };
        let error = match ratio_from_f64(nearest).map(|x| q.cmp(&x)) {
            Some(order) => f64::from(order as i8),
            None => 0.0,
        };
        outward(nearest, error, to)
    }

    fn from_f64(&self, x: f64, _: Toward) -> f64 {
        // Adding zero takes the sign off a zero and changes nothing else.
        x + 0.0
    }

    #[inline]
    fn set(&self, out: &mut f64, x: &f64) {
        *out = *x;
    }

    #[inline]
    fn neg(&self, out: &mut f64, x: &f64) {
        *out = -*x;
    }

    #[inline]
    fn add(&self, out: &mut f64, x: &f64, y: &f64, to: Toward) {
        let sum = x + y;
        let (large, small) = if x.abs() < y.abs() { (y, x) } else { (x, y) };
        *out = outward(sum, small - (sum - large), to);
    }

    #[inline]
    fn sub(&self, out: &mut f64, x: &f64, y: &f64, to: Toward) {
        self.add(out, x, &-y, to);
    }

    #[inline]
    fn accumulate(&self, acc: &mut f64, x: &f64, to: Toward) {
        let before = *acc;
        self.add(acc, &before, x, to);
    }

    #[inline]
    fn mul(&self, out: &mut f64, x: &f64, y: &f64, to: Toward) {
        *out = if *x == 0.0 || *y == 0.0 {
            0.0
        } else {
            let product = x * y;
            outward(product, -remainder(product, *x, *y), to)
        };
    }

    #[inline]
    fn div(&self, out: &mut f64, x: &f64, y: &f64, to: Toward) {
        let quotient = x / y;
        // x/y − quotient has the sign of (x − quotient · y) · y.
        *out = outward(quotient, remainder(*x, quotient, *y) * y.signum(), to);
    }

    #[inline]
    fn sqrt(&self, out: &mut f64, x: &f64, to: Toward) {
        let root = x.sqrt();
        *out = outward(root, remainder(*x, root, root), to);
    }

    /// The nearest such number with MPFR; without it, of n > 2, a product of rounded ones.
    fn power(&self, out: &mut f64, x: &f64, n: u64, to: Toward) {
        match n {
            0 => *out = 1.0,
            1 => *out = *x,
            2 => self.mul(out, x, x, to),
            _ => *out = powers::power(*x, n, to),
        }
    }

    fn has_functions(&self) -> bool {
        cfg!(feature = "mp")
    }

    #[cfg(feature = "mp")]
    fn function(&self, f: Function, out: &mut f64, x: &f64, to: Toward) {
        let mut value = Float::new(53);
        MpEnds::new(53).function(f, &mut value, &Float::with_val(53, *x), to);
        *out = machine_number(&value, to);
    }

    /// Never asked for; no bound is still a bound.
    #[cfg(not(feature = "mp"))]
    fn function(&self, _: Function, out: &mut f64, _: &f64, to: Toward) {
        *out = unbounded(to);
    }

    #[cfg(feature = "mp")]
    fn atan2(&self, y: &f64, x: &f64, to: Toward) -> f64 {
        let of = |z: &f64| Float::with_val(53, *z);
        machine_number(&MpEnds::new(53).atan2(&of(y), &of(x), to), to)
    }

    /// Never asked for; no bound is still a bound.
    #[cfg(not(feature = "mp"))]
    fn atan2(&self, _: &f64, _: &f64, to: Toward) -> f64 {
        unbounded(to)
    }

    fn ceil(&self, x: &f64) -> f64 {
        x.ceil()
    }

    fn is_even(&self, n: &f64) -> bool {
        n % 2.0 == 0.0
    }

    #[inline]
    fn is_finite(&self, x: &f64) -> bool {
        x.is_finite()
    }

    fn cast(&self, x: &f64, format: FloatFormat) -> Option<f64> {
        format.round_f64(*x)
    }

    fn to_ratio(&self, x: &f64) -> Option<Ratio> {
        ratio_from_f64(*x)
    }

    fn show(&self, x: &f64, to: Toward) -> String {
        if !x.is_finite() {
            return format!("{x}");
        }
        if *x == 0.0 {
            return "0".to_owned();
        }
        let sign = if *x < 0.0 { "-" } else { "" };
        let (digits, exponent) = Self::digits(*x, to);
        let digits = digits.trim_end_matches('0');
        let (whole, fraction) = match exponent {
            0..16 if digits.len() > exponent as usize => digits.split_at(exponent as usize + 1),
            0..16 => return format!("{sign}{digits:0<width$}", width = exponent as usize + 1),
            -4..0 => {
                let zeros = "0".repeat(-(exponent + 1) as usize);
                return format!("{sign}0.{zeros}{digits}");
            }
            _ => digits.split_at(1),
        };
        let point = if fraction.is_empty() { "" } else { "." };
        let power = match exponent {
            0..16 => String::new(),
            _ => format!("e{exponent}"),
        };
        format!("{sign}{whole}{point}{fraction}{power}")
    }

    fn middle(&self, x: &f64, y: &f64) -> f64 {
        match (x.is_finite(), y.is_finite()) {
            // Halving first is exact where the sum would be too large.
            (true, true) if (x + y).is_finite() => (x + y) / 2.0,
            (true, true) => x / 2.0 + y / 2.0,
            (true, false) => f64::MAX,
            (false, true) => f64::MIN,
            (false, false) => 0.0,
        }
    }

    fn half_distance(&self, x: &f64, y: &f64) -> f64 {
        let (mut low, mut high, mut half) = (0.0, 0.0, 0.0);
        self.mul(&mut low, x, &0.5, Toward::Down);
        self.mul(&mut high, y, &0.5, Toward::Up);
        self.sub(&mut half, &high, &low, Toward::Up);
        half
    }
}

#[cfg(not(feature = "mp"))]
fn unbounded(to: Toward) -> f64 {
    match to {
        Toward::Down => f64::NEG_INFINITY,
        Toward::Up => f64::INFINITY,
    }
}

#[cfg(feature = "mp")]
mod powers {
    use super::*;

    pub(super) fn power(x: f64, n: u64, to: Toward) -> f64 {
        let mut value = Float::new(53);
        MpEnds::new(53).power(&mut value, &Float::with_val(53, x), n, to);
        machine_number(&value, to)
    }
}

#[cfg(not(feature = "mp"))]
mod powers {
    use super::*;

    /// Products of magnitudes, which are monotone, so that every one may be rounded the same way.
    pub(super) fn power(x: f64, n: u64, to: Toward) -> f64 {
        let negative = x < 0.0 && !n.is_multiple_of(2);
        let magnitude = match (to, negative) {
            (to, false) => to,
            (Toward::Down, true) => Toward::Up,
            (Toward::Up, true) => Toward::Down,
        };
        let (base, mut result, mut square) = (x.abs(), x.abs(), 0.0);
        for bit in (0..n.ilog2()).rev() {
            F64Ends.mul(&mut square, &result, &result, magnitude);
            result = square;
            if n >> bit & 1 == 1 {
                F64Ends.mul(&mut result, &square, &base, magnitude);
            }
        }
        if negative { -result } else { result }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::{Signed, Zero};
    use proptest::prelude::*;
    use std::cmp::Ordering;

    const DIRECTIONS: [Toward; 2] = [Toward::Down, Toward::Up];

    /// Any number, more often one whose exponent or neighbours make trouble.
    fn numbers() -> impl Strategy<Value = f64> {
        let significand = prop_oneof![any::<u64>(), 0u64..4, Just(u64::MAX), Just(1 << 51)];
        let exponent = prop_oneof![
            2 => any::<u64>(),
            2 => 1020u64..1027,
            1 => 0u64..4,
            1 => 54u64..70,
            1 => 500u64..560,
            1 => 2043u64..2047,
        ];
        (any::<bool>(), exponent, significand)
            .prop_map(|(negative, e, m)| {
                let bits = ((e % 2047) << 52) | m & ((1 << 52) - 1);
                let x = f64::from_bits(bits);
                if negative { -x } else { x }
            })
            .prop_filter("not finite", |x| x.is_finite())
    }

    fn exact(x: f64) -> Ratio {
        ratio_from_f64(x).unwrap()
    }

    fn of(op: impl FnOnce(&mut f64)) -> f64 {
        let mut out = f64::NAN;
        op(&mut out);
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

        #[test]
        fn constants_are_the_nearest_on_their_side(x in numbers(), y in numbers()) {
            let q = exact(x) + exact(y) * Ratio::new(1.into(), 3.into());
            let (low, high) = (F64Ends.from_ratio(&q, Toward::Down), F64Ends.from_ratio(&q, Toward::Up));
            prop_assert!(low == f64::NEG_INFINITY || exact(low) <= q);
            prop_assert!(high == f64::INFINITY || q <= exact(high));
            prop_assert!(low < f64::INFINITY && high > f64::NEG_INFINITY);
            prop_assert!(low == high || low.next_up() == high);
        }

        #[test]
        fn sums_products_and_quotients_are_the_nearest_on_their_side(x in numbers(), y in numbers()) {
            let (p, q) = (exact(x), exact(y));
            for to in DIRECTIONS {
                let nearest = |q: &Ratio| F64Ends.from_ratio(q, to);
                prop_assert_eq!(of(|o| F64Ends.add(o, &x, &y, to)), nearest(&(&p + &q)));
                prop_assert_eq!(of(|o| F64Ends.sub(o, &x, &y, to)), nearest(&(&p - &q)));
                prop_assert_eq!(of(|o| F64Ends.mul(o, &x, &y, to)), nearest(&(&p * &q)));
                if !q.is_zero() {
                    prop_assert_eq!(of(|o| F64Ends.div(o, &x, &y, to)), nearest(&(&p / &q)));
                }
            }
        }

        /// Where a quotient is exact, or a hair beside a number.
        #[test]
        fn quotients_of_products_are_the_nearest_too(x in numbers(), y in numbers()) {
            let z = x * y;
            prop_assume!(z.is_finite() && y != 0.0);
            for to in DIRECTIONS {
                let nearest = F64Ends.from_ratio(&(exact(z) / exact(y)), to);
                prop_assert_eq!(of(|o| F64Ends.div(o, &z, &y, to)), nearest);
            }
        }

        #[test]
        fn roots_are_the_nearest_on_their_side(x in numbers(), square in any::<bool>()) {
            let x = if square { x * x } else { x.abs() };
            prop_assume!(x.is_finite());
            let (low, high) = (of(|o| F64Ends.sqrt(o, &x, Toward::Down)), of(|o| F64Ends.sqrt(o, &x, Toward::Up)));
            let order = |root: f64| (exact(root) * exact(root)).cmp(&exact(x));
            prop_assert!(order(low).is_le() && order(high).is_ge());
            let expected = if order(low).is_eq() { low } else { low.next_up() };
            prop_assert_eq!(high, expected);
        }

        #[test]
        fn powers_lie_on_their_side(x in numbers(), n in 0u64..12) {
            let power = num_traits::Pow::pow(&exact(x), n as u32);
            let (low, high) = (of(|o| F64Ends.power(o, &x, n, Toward::Down)), of(|o| F64Ends.power(o, &x, n, Toward::Up)));
            prop_assert!(low == f64::NEG_INFINITY || exact(low) <= power);
            prop_assert!(high == f64::INFINITY || power <= exact(high));
            prop_assert!(low < f64::INFINITY && high > f64::NEG_INFINITY);
            let bound = exact(2f64.powi(-40)) * power.abs() + exact(f64::from_bits(1));
            let near = !low.is_finite() || &power - exact(low) <= bound;
            prop_assert!(near || power.abs() > exact(f64::MAX));
        }

        #[test]
        fn shown_decimals_lie_on_their_side_and_tell_neighbours_apart(x in numbers()) {
            for (to, other, side) in [(Toward::Down, Toward::Up, Ordering::Less), (Toward::Up, Toward::Down, Ordering::Greater)] {
                let text = F64Ends.show(&x, to);
                let shown = parse_ratio(&text).unwrap();
                prop_assert!(shown.cmp(&exact(x)) != side.reverse(), "{}", text);
                prop_assert_eq!(F64Ends.from_ratio(&shown, other), x, "{}", text);
            }
        }

        #[test]
        fn half_of_a_distance_is_enough(x in numbers(), y in numbers()) {
            let (x, y) = (x.min(y), x.max(y));
            let half = F64Ends.half_distance(&x, &y);
            prop_assert!(half == f64::INFINITY || exact(half) + exact(half) >= exact(y) - exact(x));
            let middle = F64Ends.middle(&x, &y);
            prop_assert!(x <= middle && middle <= y);
        }
    }

    #[test]
    fn infinite_end_points_are_exact() {
        let (infinite, least) = (f64::INFINITY, f64::from_bits(1));
        for to in DIRECTIONS {
            assert_eq!(of(|o| F64Ends.add(o, &infinite, &f64::MIN, to)), infinite);
            assert_eq!(of(|o| F64Ends.add(o, &-infinite, &1.0, to)), -infinite);
            assert_eq!(of(|o| F64Ends.sub(o, &infinite, &-infinite, to)), infinite);
            assert_eq!(of(|o| F64Ends.mul(o, &-infinite, &least, to)), -infinite);
            assert_eq!(of(|o| F64Ends.mul(o, &-infinite, &infinite, to)), -infinite);
            for zero in [0.0, -0.0] {
                assert_eq!(of(|o| F64Ends.mul(o, &infinite, &zero, to)), 0.0);
                assert_eq!(of(|o| F64Ends.mul(o, &zero, &-infinite, to)), 0.0);
            }
            assert_eq!(of(|o| F64Ends.div(o, &f64::MAX, &-infinite, to)), 0.0);
            assert_eq!(of(|o| F64Ends.div(o, &least, &infinite, to)), 0.0);
            assert_eq!(of(|o| F64Ends.div(o, &infinite, &-least, to)), -infinite);
            assert_eq!(of(|o| F64Ends.sqrt(o, &infinite, to)), infinite);
            assert_eq!(of(|o| F64Ends.power(o, &-infinite, 3, to)), -infinite);
        }
    }

    #[test]
    fn a_given_zero_loses_its_sign() {
        for to in DIRECTIONS {
            assert!(F64Ends.from_f64(-0.0, to).is_sign_positive());
        }
    }

    #[cfg(not(feature = "mp"))]
    #[test]
    fn without_mpfr_a_function_has_no_bound() {
        assert!(!F64Ends.has_functions());
        for (to, end) in [
            (Toward::Down, f64::NEG_INFINITY),
            (Toward::Up, f64::INFINITY),
        ] {
            assert_eq!(of(|o| F64Ends.function(Function::Exp, o, &0.0, to)), end);
            assert_eq!(F64Ends.atan2(&1.0, &1.0, to), end);
        }
    }

    #[test]
    fn numbers_are_shown_short() {
        for (x, down, up) in [
            (1.5, "1.5", "1.5"),
            (-2.0, "-2", "-2"),
            (100.0, "100", "100"),
            (0.1, "0.1", "0.10000000000000001"),
            (-0.1, "-0.10000000000000001", "-0.1"),
            (0.0, "0", "0"),
            (-0.0, "0", "0"),
            (1e22, "1e22", "1e22"),
            (0.00390625, "0.00390625", "0.00390625"),
            (f64::INFINITY, "inf", "inf"),
            // Rounded up it has one digit more.
            (
                f64::from_bits(0x01da_c9a7_b3b7_302f),
                "9.9999999999999999e-300",
                "1e-299",
            ),
            (
                f64::MIN,
                "-1.7976931348623158e308",
                "-1.7976931348623157e308",
            ),
            (
                f64::from_bits(1),
                "4.9406564584124654e-324",
                "4.9406564584124655e-324",
            ),
        ] {
            assert_eq!(F64Ends.show(&x, Toward::Down), down);
            assert_eq!(F64Ends.show(&x, Toward::Up), up);
        }
    }
}
