//! Interval arithmetic on any end points, against MPFR at 400 bits: no exact result escapes, no
//! end point is NaN, and an answer is refused only where there is none.
#![no_main]

#[path = "../../tests/soundness/operations.rs"]
mod operations;

use std::cmp::Ordering;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lora_gauge::arith::{F64Intervals, Interval, MpIntervals, Ratio};
use operations::{BITS, Enclosing, NAMES, apply, escapes, inside, is_excused};
use rug::Float;
use rug::float::Round;

/// Two intervals by the bits of their end points, and a number in each.
#[derive(Debug, Arbitrary)]
struct Case {
    operation: u8,
    /// 0 for binary64 end points, else the precision of MPFR's, less 1.
    bits: u8,
    n: u8,
    x: [u64; 2],
    y: [u64; 2],
    choices: [u8; 2],
    places: [u64; 2],
}

fuzz_target!(|case: Case| match case.bits % 64 {
    0 => check(&F64Intervals::new(), &case),
    bits => check(&MpIntervals::new(u32::from(bits) + 1), &case),
});

fn check<C: Enclosing>(ctx: &C, case: &Case) {
    let (Some(x), Some(y)) = (interval(ctx, case.x), interval(ctx, case.y)) else {
        return;
    };
    let number = |x, at: usize| inside(ctx, x, u64::from(case.choices[at] % 6), case.places[at]);
    let (p, q) = (number(&x, 0), number(&y, 1));
    let ends = |x: &Interval<C::End>| (ctx.exact(x.inf()), ctx.exact(x.sup()));
    let operation = usize::from(case.operation) % NAMES.len();
    let (result, value) = apply(ctx, operation, case.n.into(), (&x, &y), (&p, &q));
    let what = NAMES[operation];
    match (result, value) {
        (Ok(result), Some(value)) => {
            sound(ctx, &result);
            let found = ctx.show(&result);
            assert!(
                !escapes(ctx, &result, &value),
                "{what}: {found} and {value}"
            );
        }
        (Ok(_), None) => panic!("{what}: an answer where there is none"),
        (Err(error), _) => {
            let (x, y) = (ends(&x), ends(&y));
            let excused = is_excused(operation, &error, (&x.0, &x.1), (&y.0, &y.1));
            assert!(excused, "{what}: {error}");
        }
    }
    answers(ctx, (&x, &y), (&p, &q));
    constants(ctx, case);
}

/// The interval of two binary64 numbers, in either order, rounded outward. NaN makes none, and
/// neither do two infinities of one sign; everything else does.
fn interval<C: Enclosing>(ctx: &C, bits: [u64; 2]) -> Option<Interval<C::End>> {
    let [x, y] = bits.map(f64::from_bits);
    let (inf, sup) = if y < x { (y, x) } else { (x, y) };
    let of = |x: f64| Float::with_val(BITS, x);
    let found = ctx.interval(ctx.end(&of(inf), Round::Down), ctx.end(&of(sup), Round::Up));
    let none = x.is_nan() || y.is_nan() || (x == y && x.is_infinite());
    assert_eq!(found.is_none(), none, "{x} {y}");
    if let Some(found) = &found {
        sound(ctx, found);
        assert!(
            !escapes(ctx, found, &of(inf)) || inf.is_infinite(),
            "{x} {y}"
        );
        assert!(
            !escapes(ctx, found, &of(sup)) || sup.is_infinite(),
            "{x} {y}"
        );
    }
    found
}

/// Two end points in order, neither of them NaN, with a number between them; and what is shown of
/// it are numbers too.
fn sound<C: Enclosing>(ctx: &C, x: &Interval<C::End>) {
    let (inf, sup) = (ctx.exact(x.inf()), ctx.exact(x.sup()));
    let shown = ctx.show(x);
    assert!(
        inf <= sup && inf < f64::INFINITY && sup > f64::NEG_INFINITY,
        "{shown}"
    );
    assert!(!shown.to_lowercase().contains("nan"), "{shown}");
    let (middle, radius) = (ctx.approx(x), ctx.radius(x));
    assert!(
        radius >= 0.0 && !middle.is_nan(),
        "{shown}: {middle} {radius}"
    );
}

/// What is said of two intervals is so of the numbers in them.
fn answers<C: Enclosing>(
    ctx: &C,
    (x, y): (&Interval<C::End>, &Interval<C::End>),
    (p, q): (&Float, &Float),
) {
    let order = p.partial_cmp(q);
    if let Ok(found) = ctx.compare(x, y) {
        assert_eq!(Some(found), order);
    }
    if let Ok(found) = ctx.less(x, y) {
        assert_eq!(found, p < q);
    }
    if let Ok(found) = ctx.less_equal(x, y) {
        assert_eq!(found, p <= q);
    }
    if let Ok(found) = ctx.same(x, y) {
        assert_eq!(found, order == Some(Ordering::Equal));
    }
}

/// A constant is in its interval.
fn constants<C: Enclosing>(ctx: &C, case: &Case) {
    let x = f64::from_bits(case.x[0]);
    match ctx.from_f64(x) {
        Ok(found) => assert!(!escapes(ctx, &found, &Float::with_val(BITS, x)), "{x}"),
        Err(_) => assert!(!x.is_finite()),
    }
    let [num, den] = case.y.map(|n| n as i64);
    if den != 0 {
        let quotient = Ratio::new(num.into(), den.into());
        let found = ctx
            .from_ratio(&quotient)
            .expect("every rational has an enclosure");
        let value = Float::with_val(BITS, num) / den;
        assert!(!escapes(ctx, &found, &value), "{quotient}");
    }
}
