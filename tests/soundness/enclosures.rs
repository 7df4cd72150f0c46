//! Random operations on intervals, against MPFR at 400 bits on numbers from inside.

use lora_gauge::arith::{F64Intervals, Interval, MpIntervals};
use rayon::prelude::*;
use rug::Float;
use rug::float::{Round, Special};

use crate::common::cases::factor;
use crate::common::split_mix::SplitMix64;

use super::operations::{BITS, Enclosing, NAMES, apply, escapes, inside, is_excused};

/// A stream of numbers for each case.
struct Random(SplitMix64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0.next()
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0.below(n)
    }

    /// A number with up to 53 bits: of common size, subnormal, huge, special, or with an exponent
    /// up to 2^`range`.
    fn number(&mut self, range: u32) -> Float {
        let significand = match self.below(5) {
            0 => self.below(16),
            1 => u64::MAX >> 11,
            2 => 1 << self.below(53),
            _ => self.next() >> 11,
        };
        let span = 1i64 << range;
        let exponent = match self.below(8) {
            0..=2 => self.below(8) as i64 - 56,
            3 => self.below(130) as i64 - 110,
            4 => self.below(60) as i64 - 1080,
            5 => 960 + self.below(12) as i64,
            _ => self.below(2 * span as u64) as i64 - span,
        };
        let mut x = Float::with_val(BITS, significand);
        x <<= exponent as i32;
        if self.below(2) == 0 { -x } else { x }
    }
}

fn interval<C: Enclosing>(ctx: &C, random: &mut Random, range: u32) -> Interval<C::End> {
    loop {
        let x = random.number(range);
        let infinite = Float::with_val(BITS, Special::Infinity);
        let (inf, sup) = match random.below(8) {
            0 | 1 => (x.clone(), x),
            2 => {
                let wider = Float::with_val(BITS, &x + 1u32);
                (x, wider)
            }
            3 => {
                // Neighbours, or nearly.
                let away = Float::with_val(BITS, x.clone().abs() * 1e-15f64);
                (x.clone(), x + away)
            }
            4 if random.below(4) == 0 => (x, infinite),
            4 if random.below(4) == 0 => (-infinite, x),
            5 => (-x.clone().abs(), random.number(range).abs()),
            6 => (Float::new(BITS), x.abs()),
            _ => {
                let y = random.number(range);
                if x <= y { (x, y) } else { (y, x) }
            }
        };
        let found = ctx.interval(ctx.end(&inf, Round::Down), ctx.end(&sup, Round::Up));
        if let Some(found) = found {
            return found;
        }
    }
}

/// Tries numbers with exponents up to 2^`widest`.
fn hunt<C: Enclosing>(ctx: &C, widest: u32) {
    let times = factor();
    let cases = 1_250_000 * times;
    let (answered, refused) = (0..cases)
        .into_par_iter()
        .map(|case| {
            let mut random = Random(SplitMix64(case.wrapping_mul(0x2545_f491_4f6c_dd1d)));
            let operation = case as usize % NAMES.len();
            // Functions of numbers with thousands of digits take MPFR too long.
            let range = if operation < 17 || operation == 24 {
                widest
            } else {
                widest.min(10)
            };
            let x = interval(ctx, &mut random, range);
            let y = if random.below(16) == 0 {
                x.clone()
            } else {
                interval(ctx, &mut random, range)
            };
            let mut number = |x| inside(ctx, x, random.below(6), random.next());
            let (p, q) = (number(&x), number(&y));
            let n = random.below(9) as u32;
            let (result, value) = apply(ctx, operation, n, (&x, &y), (&p, &q));
            let show = || {
                let (x, y) = (ctx.show(&x), ctx.show(&y));
                format!(
                    "{} {} n = {n} of {x} and {y} at {p} and {q}",
                    ctx.name(),
                    NAMES[operation]
                )
            };
            match (result, value) {
                (Ok(result), Some(value)) => {
                    let found = || ctx.show(&result);
                    assert!(
                        !escapes(ctx, &result, &value),
                        "{}: {} and {value}",
                        show(),
                        found()
                    );
                    (1, 0)
                }
                (Ok(_), None) => panic!("{}: an answer where there is none", show()),
                (Err(error), _) => {
                    let ends = |x: &Interval<C::End>| (ctx.exact(x.inf()), ctx.exact(x.sup()));
                    let (x, y) = (ends(&x), ends(&y));
                    let excused = is_excused(operation, &error, (&x.0, &x.1), (&y.0, &y.1));
                    assert!(excused, "{}: {error}", show());
                    (0, 1u64)
                }
            }
        })
        .reduce(|| (0u64, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    println!(
        "{}: {cases} operations, {answered} answered without an escape, {refused} rightly refused",
        ctx.name()
    );
    assert!(answered >= 1_000_000 * times);
}

#[test]
fn nothing_escapes_from_binary64_end_points() {
    hunt(&F64Intervals::new(), 10);
}

#[test]
fn nothing_escapes_from_24_bits() {
    hunt(&MpIntervals::new(24), 17);
}

#[test]
fn nothing_escapes_from_53_bits() {
    hunt(&MpIntervals::new(53), 17);
}

#[test]
fn nothing_escapes_from_113_bits() {
    hunt(&MpIntervals::new(113), 17);
}
