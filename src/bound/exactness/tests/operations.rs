//! Every operation by itself: the exponents that its result names are those at which the operation
//! on rescaled numbers is the rescaled result, no more and no fewer.

use half::f16;
use num_traits::Pow;

use super::super::exponent_tracing::{Exponents, Traced, Tracing, UNIT};
use super::super::shift::Shifts;
use crate::arith::{Arithmetic, F16, FloatFormat, Function, OpError, Ratio, Surd, parse_ratio};

/// From the smallest subnormal number of f16 to its largest, some of them rounded.
const NUMBERS: [&str; 9] = [
    "0",
    "-3/2",
    "65504",
    "1000",
    "1/3",
    "0x1p-14",
    "-0x1.004p-14",
    "0x3p-24",
    "1/40000000",
];
const EXPONENTS: std::ops::RangeInclusive<i64> = -45..=45;

type Number = Traced<f16>;
type Result<T> = std::result::Result<T, OpError>;

fn scaled(q: &Ratio, weight: i64, e: i64) -> Ratio {
    let power = i32::try_from(e * weight / UNIT).unwrap();
    q * Ratio::from_integer(2.into()).pow(power)
}

fn exact(x: f16) -> Ratio {
    F16.to_ratio(&x).expect("finite")
}

/// What is loaded at exponent `e`; none where it is not the loaded number times its power.
fn loaded(q: &Ratio, weight: i64, e: i64) -> Option<f16> {
    let own = F16.from_ratio(q).ok()?;
    let value = F16.from_ratio(&scaled(q, weight, e)).ok()?;
    (exact(value) == scaled(&exact(own), weight, e)).then_some(value)
}

fn holds(exponents: &Exponents, e: i64) -> bool {
    let Shifts { from, to } = exponents.range;
    (from..=to).contains(&e) && e % exponents.every == 0
}

fn traced(ctx: &Tracing<f16>, q: &Ratio, weight: i64) -> Number {
    let mut x = ctx.from_ratio(q).expect("in range");
    x.weigh(weight);
    x
}

fn numbers() -> Vec<Ratio> {
    let numbers = NUMBERS.iter().map(|text| parse_ratio(text).unwrap());
    numbers.collect()
}

/// Compares what `found` names with what `plain` does to the operands at every exponent.
fn compare(
    about: &str,
    found: &Number,
    operands: &[(&Ratio, i64)],
    plain: impl Fn(&[f16]) -> Result<f16>,
) {
    for e in EXPONENTS.filter(|e| operands.iter().all(|(_, w)| e * w % UNIT == 0)) {
        let at: Option<Vec<f16>> = operands.iter().map(|(q, w)| loaded(q, *w, e)).collect();
        let value = at.map(|at| plain(&at).ok().filter(|x| x.is_finite()));
        let same = value.flatten().is_some_and(|x| {
            found.value.is_finite() && exact(x) == scaled(&exact(found.value), found.weight, e)
        });
        let named = holds(&found.exact, e);
        assert_eq!(named, same, "{about} at {e}: {found:?}");
    }
}

type Plain = fn(&mut f16, &f16, &f16) -> Result<()>;
type Own = fn(&Tracing<f16>, &mut Number, &Number, &Number) -> Result<()>;

/// The operation on plain numbers and on traced ones.
macro_rules! both {
    ($ctx:ident, $out:ident, $x:ident, $y:ident, $run:expr) => {{
        let plain: Plain = |$out, $x, $y| {
            let $ctx = &F16;
            $run
        };
        let own: Own = |$ctx, $out, $x, $y| $run;
        (plain, own)
    }};
}

fn each(about: &str, (plain, own): (Plain, Own), weights: &[[i64; 2]]) {
    let ctx = Tracing::new(F16, false);
    for p in &numbers() {
        for q in &numbers() {
            for [left, right] in weights {
                let (x, y) = (traced(&ctx, p, *left), traced(&ctx, q, *right));
                let mut found = ctx.zero();
                if own(&ctx, &mut found, &x, &y).is_err() || !found.value.is_finite() {
                    continue;
                }
                let about = format!("{about} of {p} ({left}) and {q} ({right})");
                compare(&about, &found, &[(p, *left), (q, *right)], |at| {
                    let mut out = f16::ZERO;
                    plain(&mut out, &at[0], &at[1]).map(|()| out)
                });
            }
        }
    }
    assert!(!ctx.notes().conflict, "{about}");
}

const EQUAL: [[i64; 2]; 2] = [[UNIT, UNIT], [-2 * UNIT, -2 * UNIT]];
const ANY: [[i64; 2]; 3] = [[UNIT, UNIT], [-UNIT, 2 * UNIT], [0, -UNIT]];

#[test]
fn sums_and_differences() {
    let add = both!(ctx, out, x, y, {
        ctx.add(out, x, y);
        Ok(())
    });
    each("sum", add, &EQUAL);
    let sub = both!(ctx, out, x, y, {
        ctx.sub(out, x, y);
        Ok(())
    });
    each("difference", sub, &EQUAL);
    let accumulate = both!(ctx, out, x, y, {
        *out = *x;
        ctx.accumulate(out, y);
        Ok(())
    });
    each("running sum", accumulate, &EQUAL);
}

#[test]
fn products_and_quotients() {
    let mul = both!(ctx, out, x, y, {
        ctx.mul(out, x, y);
        Ok(())
    });
    each("product", mul, &ANY);
    let div = both!(ctx, out, x, y, ctx.div(out, x, y));
    each("quotient", div, &ANY);
}

#[test]
fn what_has_one_operand() {
    let weights = [[UNIT, 0], [-2 * UNIT, 0], [0, 0]];
    let neg = both!(ctx, out, x, _y, {
        ctx.neg(out, x);
        Ok(())
    });
    each("negation", neg, &weights);
    let cast = both!(ctx, out, x, _y, ctx.cast(out, x, FloatFormat::Bf16));
    each("cast", cast, &weights);
    let sqrt = both!(ctx, out, x, _y, ctx.sqrt(out, x));
    each("root", sqrt, &[[2 * UNIT, 0], [-4 * UNIT, 0], [0, 0]]);
    let sign = both!(ctx, out, x, _y, ctx.sign(out, x));
    each("sign", sign, &weights);
    let tanh = both!(ctx, out, x, _y, ctx.function(Function::Tanh, out, x));
    each("tanh", tanh, &[[0, 0]]);
}

#[test]
fn constants_admit_what_their_rounding_does() {
    let ctx = Tracing::new(F16, false);
    for q in &numbers() {
        for weight in [UNIT, -UNIT, 2 * UNIT, UNIT / 2, UNIT / 3] {
            let x = traced(&ctx, q, weight);
            compare(&format!("{q} ({weight})"), &x, &[(q, weight)], |at| {
                Ok(at[0])
            });
            assert_eq!(x.exact.every, UNIT / weight.abs().min(UNIT));
        }
        assert_eq!(traced(&ctx, q, 0).exact, Exponents::ALL);
    }
    // √2·2ᵉ for even e is the root of 2·4^(e/2).
    let root: Surd = "sqrt(2)".parse().unwrap();
    let mut x = ctx.from_surd(&root).unwrap();
    x.weigh(UNIT);
    for e in EXPONENTS {
        let shifted = root.checked_mul(&Surd::rational(scaled(
            &Ratio::from_integer(1.into()),
            UNIT,
            e,
        )));
        let value = F16.from_surd(&shifted.unwrap()).ok();
        let same =
            value.is_some_and(|v| v.is_finite() && exact(v) == scaled(&exact(x.value), UNIT, e));
        assert!(!holds(&x.exact, e) || same, "at {e}");
    }
    assert!(holds(&x.exact, -3) && holds(&x.exact, 3));
}

/// Numbers whose weights do not fit together leave only the run itself, and say so.
#[test]
fn a_conflict_leaves_nothing_but_the_run() {
    let [one, two] = [1, 2].map(|n| Ratio::from_integer(n.into()));
    let uses: [(Own, bool); 7] = [
        (
            |ctx, out, x, y| {
                ctx.add(out, x, y);
                Ok(())
            },
            true,
        ),
        (
            |ctx, out, x, y| {
                ctx.sub(out, x, y);
                Ok(())
            },
            true,
        ),
        (|ctx, out, x, y| ctx.atan2(out, x, y), true),
        (|ctx, out, x, _| ctx.sqrt(out, x), true),
        (|ctx, out, x, _| ctx.function(Function::Exp, out, x), true),
        (
            |ctx, out, x, y| {
                ctx.mul(out, x, y);
                Ok(())
            },
            false,
        ),
        (|ctx, out, x, y| ctx.div(out, x, y), false),
    ];
    for (i, (run, is_conflict)) in uses.into_iter().enumerate() {
        let ctx = Tracing::new(F16, false);
        let (x, y) = (traced(&ctx, &one, 1), traced(&ctx, &two, UNIT));
        let mut out = ctx.zero();
        run(&ctx, &mut out, &x, &y).unwrap();
        assert_eq!(ctx.notes().conflict, is_conflict, "{i}");
        assert!(!holds(&out.exact, 1), "{i}");
        assert!(holds(&out.exact, 0), "{i}");
    }
    // A zero fits with everything, and so does a comparison of numbers of different signs.
    let ctx = Tracing::new(F16, false);
    let (x, y) = (traced(&ctx, &-&one, 2 * UNIT), traced(&ctx, &two, UNIT));
    let zero = traced(&ctx, &Ratio::default(), 5 * UNIT);
    let mut out = ctx.zero();
    ctx.add(&mut out, &x, &zero);
    assert_eq!(out.weight, 2 * UNIT);
    ctx.sub(&mut out, &zero, &y);
    assert_eq!(out.weight, UNIT);
    assert_eq!(ctx.compare(&x, &y), Ok(std::cmp::Ordering::Less));
    assert!(!ctx.notes().conflict && holds(&ctx.notes().compared, 1));
    let heavy = traced(&ctx, &two, 2 * UNIT);
    assert_eq!(ctx.compare(&heavy, &y), Ok(std::cmp::Ordering::Equal));
    assert!(ctx.notes().conflict && !holds(&ctx.notes().compared, 1));
}

#[test]
fn a_number_is_read_as_what_it_is() {
    let ctx = Tracing::new(F16, false);
    let [half, two] = ["1/2", "2"].map(|text| parse_ratio(text).unwrap());
    let (x, y) = (traced(&ctx, &half, UNIT), traced(&ctx, &two, UNIT));
    assert_eq!((ctx.show(&x), ctx.approx(&x)), ("0x1.0p-1".to_owned(), 0.5));
    assert_eq!(ctx.to_ratio(&x), Some(half));
    assert_eq!((ctx.same(&x, &x), ctx.same(&x, &y)), (Ok(true), Ok(false)));
    assert_eq!(ctx.name(), F16.name());
    let mut infinite = ctx.zero();
    ctx.div(
        &mut infinite,
        &y,
        &traced(&ctx, &parse_ratio("0x1p-24").unwrap(), UNIT),
    )
    .unwrap();
    assert!(ctx.check(&x).is_ok() && ctx.check(&infinite).is_err());
}

#[test]
fn a_record_holds_every_result_with_its_weight() {
    let one = Ratio::from_integer(1.into());
    let silent = Tracing::new(F16, false);
    let ctx = Tracing::new(F16, true);
    for ctx in [&silent, &ctx] {
        let x = traced(ctx, &one, UNIT);
        let mut out = ctx.zero();
        ctx.add(&mut out, &x, &x);
        ctx.mul(&mut out, &x, &x);
        ctx.neg(&mut out, &x);
    }
    assert_eq!(silent.notes().record, None);
    let wanted = vec![(2.0, UNIT), (1.0, 2 * UNIT)];
    assert_eq!(ctx.notes().record, Some(wanted));
}
