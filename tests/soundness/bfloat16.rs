//! All bfloat16 numbers, against a computation that shares nothing with the crate `half`: in
//! binary64 and integers.
//!
//! A product of two is exact in binary64. A quotient and a root are rounded there, which cannot
//! move them onto or across the middle between two bfloat16 numbers, since that has at most 9
//! bits and a quotient or root that is not equal to it is farther away than 2⁻²⁰ of itself. Of a
//! sum the part that is lost is found exactly, and makes the last bit odd.
//!
//! The everyday run takes every first operand, and of the second every sign and significand but
//! only the exponents of `EXPONENTS`: the smallest, the largest and those around 1, so that every
//! distance of exponents at which something can happen occurs (both subnormal, either far below
//! the other's last bit, overflow). That is a tenth of all pairs.

use half::bf16;
use lora_gauge::arith::{Arithmetic, BF16, OpError};
use rayon::prelude::*;

const EXPONENTS: [u16; 26] = [
    0, 1, 2, 3, 8, 9, 64, 116, 117, 118, 119, 120, 124, 125, 126, 127, 128, 129, 134, 135, 136,
    190, 252, 253, 254, 255,
];

/// `x` to nearest, ties to even, as the bits of a bfloat16 number.
fn rounded(x: f64) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 48) as u16 & 0x8000;
    let (biased, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    if biased == 0x7ff {
        return sign | 0x7f80 | u16::from(fraction != 0);
    }
    // With binary64's hidden bit; nothing here is subnormal there but zero.
    let significand = if biased == 0 { 0 } else { fraction | 1 << 52 };
    let exponent = biased - 1023 + 127;
    // A subnormal number loses one more bit for each step of its exponent below the smallest.
    let dropped = 45 + (1 - exponent).clamp(0, 17) as u32;
    let (kept, rest) = (significand >> dropped, significand & ((1 << dropped) - 1));
    let half = 1u64 << (dropped - 1);
    let up = u64::from(rest > half || rest == half && kept & 1 == 1);
    // A carry out of the significand adds one to the exponent, as it should.
    let magnitude = ((exponent.max(1) as u64 - 1) << 7) + kept + up;
    sign | magnitude.min(0x7f80) as u16
}

/// `x + y` in binary64, with an odd last bit where it is not exact.
fn sum(x: f64, y: f64) -> f64 {
    let (large, small) = if x.abs() < y.abs() { (y, x) } else { (x, y) };
    let sum = x + y;
    let lost = small - (sum - large);
    if lost == 0.0 || lost.is_nan() || sum.to_bits() & 1 == 1 {
        return sum;
    }
    if (lost > 0.0) == (sum > 0.0) {
        f64::from_bits(sum.to_bits() + 1)
    } else {
        f64::from_bits(sum.to_bits() - 1)
    }
}

fn number(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

fn agree(found: bf16, expected: u16) -> bool {
    let nan = |bits: u16| bits & 0x7fff > 0x7f80;
    found.to_bits() == expected || nan(found.to_bits()) && nan(expected)
}

fn pairs_of(first: u16, second: impl Iterator<Item = u16>) -> u64 {
    let (x, mut count, mut out) = (bf16::from_bits(first), 0, bf16::ZERO);
    let p = number(first);
    for bits in second {
        let (y, q) = (bf16::from_bits(bits), number(bits));
        BF16.add(&mut out, &x, &y);
        assert!(agree(out, rounded(sum(p, q))), "{p:e} + {q:e} = {out:e}");
        BF16.sub(&mut out, &x, &y);
        assert!(agree(out, rounded(sum(p, -q))), "{p:e} - {q:e} = {out:e}");
        BF16.mul(&mut out, &x, &y);
        assert!(agree(out, rounded(p * q)), "{p:e} * {q:e} = {out:e}");
        match BF16.div(&mut out, &x, &y) {
            Ok(()) => assert!(agree(out, rounded(p / q)), "{p:e} / {q:e} = {out:e}"),
            Err(error) => assert!(q == 0.0 && matches!(error, OpError::Undefined(_))),
        }
        count += 4;
    }
    count
}

#[test]
fn pairs_of_bfloat16_numbers_are_correctly_rounded() {
    let everything = std::env::var("LORA_GAUGE_EXHAUSTIVE").is_ok_and(|v| v == "1");
    let checked: u64 = (0..=u16::MAX)
        .into_par_iter()
        .map(|first| {
            if everything {
                return pairs_of(first, 0..=u16::MAX);
            }
            let exponents = EXPONENTS.iter().flat_map(|e| [*e, e | 0x100]);
            pairs_of(
                first,
                exponents.flat_map(|e| (0..128).map(move |m| e << 7 | m)),
            )
        })
        .sum();
    println!("bf16: {checked} sums, differences, products and quotients of pairs");
    let pairs = if everything {
        1 << 32
    } else {
        65_536 * 256 * 26
    };
    assert_eq!(checked, 4 * pairs);
}

#[test]
fn all_roots_and_signs_of_bfloat16_numbers_are_right() {
    for bits in 0..=u16::MAX {
        let (x, p, mut out) = (bf16::from_bits(bits), number(bits), bf16::ZERO);
        match BF16.sqrt(&mut out, &x) {
            Ok(()) => assert!(agree(out, rounded(p.sqrt())), "{p:e}"),
            Err(error) => assert!(p < 0.0 && matches!(error, OpError::Undefined(_))),
        }
        match BF16.sign(&mut out, &x) {
            Ok(()) if p == 0.0 => assert_eq!(out.to_bits(), 0),
            Ok(()) => assert_eq!(out.to_f64(), p.signum()),
            Err(error) => assert!(p.is_nan() && matches!(error, OpError::Undecided(_))),
        }
    }
    println!("bf16: 65536 roots and signs");
}
