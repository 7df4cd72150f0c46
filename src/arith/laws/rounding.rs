//! Correct rounding, judged by exact rational arithmetic alone.

use num_integer::Integer;
use num_traits::{Signed, Zero};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};

use super::super::*;
use super::elements::{Format, Kind, Lawful, power_of_two, ratios};
use super::{check, maybe, of, quietly};

/// The largest `e` with `2^e ≤ |q|`, for `q ≠ 0`.
fn exponent(q: &Ratio) -> i64 {
    let bits = |n: &num_bigint::BigInt| i64::try_from(n.bits()).unwrap();
    let e = bits(q.numer()) - bits(q.denom());
    if power_of_two(e) <= q.abs() { e } else { e - 1 }
}

/// The distance between the floats around a number of exponent `e`.
fn spacing(e: i64, format: Format) -> Ratio {
    let e = e - i64::from(format.precision) + 1;
    power_of_two(format.emin.map_or(e, |emin| e.max(emin)))
}

/// Whether `rounded` is `exact` rounded to nearest, ties to even: it is a multiple of the
/// spacing, at most half of it away, and even where it is exactly half.
fn is_nearest(exact: &Ratio, rounded: &Ratio, format: Format) -> TestCaseResult {
    if exact.is_zero() {
        prop_assert!(rounded.is_zero());
        return Ok(());
    }
    let unit = spacing(exponent(exact), format);
    let units = rounded / &unit;
    prop_assert!(units.is_integer(), "{exact} to {rounded}");
    let twice = (rounded - exact).abs() * Ratio::from_integer(2.into());
    prop_assert!(twice <= unit, "{exact} to {rounded}");
    prop_assert!(
        twice < unit || units.numer().is_even(),
        "{exact} tied to {rounded}"
    );
    Ok(())
}

/// The least magnitude that overflows: half a spacing beyond the largest number.
fn overflow_threshold(format: Format) -> Option<Ratio> {
    let emax = format.emax?;
    let half = spacing(emax - 1, format) / Ratio::from_integer(2.into());
    Some(power_of_two(emax) - half)
}

/// Judges the answer of an operation whose exact result is known.
fn judge<A: Arithmetic>(
    ctx: &A,
    format: Format,
    exact: &Ratio,
    answer: Result<A::Elem, OpError>,
) -> TestCaseResult {
    let overflows = overflow_threshold(format).is_some_and(|t| exact.abs() >= t);
    let answer = answer.and_then(|x| ctx.check(&x).map(|()| x));
    prop_assert_eq!(answer.is_err(), overflows, "{}: {:?}", exact, answer);
    let Ok(answer) = answer else {
        return Ok(());
    };
    is_nearest(exact, &ctx.to_ratio(&answer).unwrap(), format)?;
    // What rounds to zero keeps its sign.
    if !exact.is_zero() {
        let minus = ctx.show(&answer).starts_with('-');
        prop_assert_eq!(minus, exact.is_negative());
    }
    Ok(())
}

/// + − · / √ are the exact results rounded once; in exact arithmetics, not at all.
pub fn operations_are_correctly_rounded<A: Lawful>(ctx: &A) {
    check(ctx, |x, y, _| {
        let (Some(p), Some(q)) = (ctx.to_ratio(x), ctx.to_ratio(y)) else {
            // Residues have no exact value; their laws are those of a field.
            return Ok(());
        };
        let sum = of(ctx, |o| ctx.add(o, x, y));
        let difference = of(ctx, |o| ctx.sub(o, x, y));
        let product = of(ctx, |o| ctx.mul(o, x, y));
        let mut results = vec![
            (&p + &q, Ok(sum)),
            (&p - &q, Ok(difference)),
            (&p * &q, Ok(product)),
        ];
        if !q.is_zero() {
            results.push((&p / &q, maybe(ctx, |o| ctx.div(o, x, y))));
        }
        for (exact, answer) in results {
            match ctx.kind() {
                Kind::Float(format) => judge(ctx, format, &exact, answer)?,
                Kind::Exact { .. } | Kind::Enclosure => {
                    prop_assert_eq!(ctx.to_ratio(&answer.unwrap()), Some(exact));
                }
            }
        }
        if let (Kind::Float(format), true) = (ctx.kind(), p.is_positive()) {
            let root = maybe(ctx, |o| ctx.sqrt(o, x)).unwrap();
            let root = ctx.to_ratio(&root).unwrap();
            // √p lies between 2^e and 2^(e+1), where floats are `unit` apart.
            let unit = spacing(exponent(&p).div_euclid(2), format);
            prop_assert!((&root / &unit).is_integer());
            let half = unit / Ratio::from_integer(2.into());
            let (below, above) = (&root - &half, &root + &half);
            prop_assert!(below.is_positive() && &below * &below <= p && p <= &above * &above);
        }
        Ok(())
    });
}

/// Constants are rounded once, and in order.
pub fn constants_are_correctly_rounded<A: Lawful>(ctx: &A) {
    let Kind::Float(format) = ctx.kind() else {
        return;
    };
    // Halfway between two neighbours, and a hair beside it.
    let context = ctx.clone();
    let ties = (ctx.elements(), -1i64..2).prop_map(move |(x, side)| {
        let q = context.to_ratio(&x).unwrap();
        if q.is_zero() {
            return q;
        }
        let half = spacing(exponent(&q), format) / Ratio::from_integer(2.into());
        let hair = &half * power_of_two(-200) * Ratio::from_integer(side.into());
        q + half + hair
    });
    let constants = || prop_oneof![ratios(), ties.clone()];
    let outcome = TestRunner::new(quietly()).run(&(constants(), constants()), |(p, q)| {
        let (x, y) = (ctx.from_ratio(&p), ctx.from_ratio(&q));
        judge(ctx, format, &p, x.clone())?;
        judge(ctx, format, &q, y.clone())?;
        if let (Ok(x), Ok(y)) = (x, y) {
            let order = ctx.compare(&x, &y).unwrap();
            prop_assert!(
                order.is_eq() || order == p.cmp(&q),
                "not monotone: {p}, {q}"
            );
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{}: {failure}", ctx.name());
    }
}
