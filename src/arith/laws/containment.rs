//! Laws of interval arithmetics: whatever numbers the operands stand for, the exact result is in
//! the interval; and the interval is no wider than it must be.
//!
//! Exact results are rational; those of functions come from `mp` at a higher precision.

use std::cmp::Ordering;

use num_traits::{Pow, Signed, Zero};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};

use super::super::*;
use super::elements::{Lawful, power_of_two, ratios};
use super::{maybe, of, quietly};

type Ctx<E> = Intervals<E>;
type X<E> = Interval<<E as Ends>::End>;

/// The exact end points; `None` for the infinite one.
fn exact<E: Ends>(ctx: &Ctx<E>, x: &X<E>) -> (Option<Ratio>, Option<Ratio>) {
    (ctx.ends().to_ratio(x.inf()), ctx.ends().to_ratio(x.sup()))
}

/// The number of `x` at the place `t` from 0 to 1.
fn number<E: Ends>(ctx: &Ctx<E>, x: &X<E>, t: &Ratio) -> Ratio {
    let beyond = t * power_of_two(9);
    match exact(ctx, x) {
        (Some(inf), Some(sup)) => &inf + t * (&sup - &inf),
        (Some(inf), None) => inf + beyond,
        (None, Some(sup)) => sup - beyond,
        (None, None) => beyond - power_of_two(8),
    }
}

fn contains<E: Ends>(ctx: &Ctx<E>, x: &X<E>, q: &Ratio) -> bool {
    let (inf, sup) = exact(ctx, x);
    inf.is_none_or(|inf| inf <= *q) && sup.is_none_or(|sup| *q <= sup)
}

fn inside<E: Ends>(ctx: &Ctx<E>, x: &X<E>, q: &Ratio, what: &str) -> TestCaseResult {
    prop_assert!(
        contains(ctx, x, q),
        "{what}: {} leaves {q} out",
        ctx.show(x)
    );
    Ok(())
}

/// The interval from `inf` to `sup`, rounded outward.
fn hull<E: Ends>(ctx: &Ctx<E>, numbers: &[impl std::borrow::Borrow<Ratio>]) -> X<E> {
    let (inf, sup) = (
        numbers.iter().map(|q| q.borrow()).min().unwrap(),
        numbers.iter().map(|q| q.borrow()).max().unwrap(),
    );
    ctx.of_ends(
        ctx.ends().from_ratio(inf, Toward::Down),
        ctx.ends().from_ratio(sup, Toward::Up),
    )
}

/// Runs `law` on many pairs of intervals with a number in each.
fn check<E: Ends>(ctx: &Ctx<E>, law: impl Fn(&X<E>, &X<E>, &Ratio, &Ratio) -> TestCaseResult)
where
    Ctx<E>: Lawful<Elem = X<E>>,
{
    let place = || {
        (0i64..=4, 0u8..4).prop_map(|(quarters, shape)| match shape {
            0 => Ratio::new(1.into(), 1_000_003.into()),
            _ => Ratio::new(quarters.into(), 4.into()),
        })
    };
    let draws = (ctx.elements(), ctx.elements(), place(), place(), 0u8..6);
    let outcome = TestRunner::new(quietly()).run(&draws, |(x, y, t, u, relation)| {
        let y = if relation == 0 { x.clone() } else { y };
        law(&x, &y, &number(ctx, &x, &t), &number(ctx, &y, &u))
    });
    if let Err(failure) = outcome {
        panic!("{}: {failure}", ctx.name());
    }
}

pub fn operations_contain_every_exact_result<E: Ends>(ctx: &Ctx<E>)
where
    Ctx<E>: Lawful<Elem = X<E>>,
{
    check(ctx, |x, y, p, q| {
        inside(ctx, x, p, "x")?;
        inside(ctx, &of(ctx, |o| ctx.add(o, x, y)), &(p + q), "+")?;
        inside(ctx, &of(ctx, |o| ctx.sub(o, x, y)), &(p - q), "-")?;
        inside(ctx, &of(ctx, |o| ctx.mul(o, x, y)), &(p * q), "·")?;
        inside(ctx, &of(ctx, |o| ctx.neg(o, x)), &-p, "neg")?;
        inside(ctx, &of(ctx, |o| ctx.square(o, x)), &(p * p), "square")?;
        let mut sum = x.clone();
        ctx.mul_add(&mut sum, x, y, &mut ctx.zero());
        inside(ctx, &sum, &(p + p * q), "mul_add")?;
        for n in [0u32, 1, 2, 3, 4, 7] {
            let power = maybe(ctx, |o| ctx.power(o, x, n.into())).unwrap();
            inside(ctx, &power, &Pow::pow(p, n), "power")?;
        }
        let abs = maybe(ctx, |o| ctx.abs(o, x)).unwrap();
        inside(ctx, &abs, &p.abs(), "abs")?;
        let max = maybe(ctx, |o| ctx.max(o, x, y)).unwrap();
        inside(ctx, &max, p.max(q), "max")?;
        let min = maybe(ctx, |o| ctx.min(o, x, y)).unwrap();
        inside(ctx, &min, p.min(q), "min")?;
        match maybe(ctx, |o| ctx.div(o, x, y)) {
            Ok(quotient) => inside(ctx, &quotient, &(p / q), "/")?,
            Err(OpError::Undefined(_)) => prop_assert!(q.is_zero()),
            Err(error) => {
                prop_assert!(matches!(error, OpError::Undecided(_)));
                prop_assert!(contains(ctx, y, &Ratio::zero()));
            }
        }
        match maybe(ctx, |o| ctx.sqrt(o, x)) {
            Ok(root) => {
                let (inf, sup) = exact(ctx, &root);
                prop_assert!(inf.is_some_and(|r| !r.is_negative() && &r * &r <= *p));
                prop_assert!(sup.is_none_or(|r| *p <= &r * &r));
            }
            Err(OpError::Undefined(_)) => prop_assert!(p.is_negative()),
            Err(error) => {
                prop_assert!(matches!(error, OpError::Undecided(_)));
                let (inf, sup) = exact(ctx, x);
                prop_assert!(inf.is_none_or(|q| q.is_negative()));
                prop_assert!(sup.is_none_or(|q| !q.is_negative()));
            }
        }
        for format in [FloatFormat::Bf16, FloatFormat::F16, FloatFormat::F32] {
            let rounded = format.round(p).and_then(ratio_from_f64);
            match maybe(ctx, |o| ctx.cast(o, x, format)) {
                Ok(cast) => inside(ctx, &cast, &rounded.unwrap(), "cast")?,
                Err(OpError::Overflow(_)) => prop_assert!(rounded.is_none()),
                Err(error) => prop_assert!(matches!(error, OpError::Undecided(_))),
            }
        }
        Ok(())
    });
}

pub fn algebraic_operations_are_tightest<E: Ends>(ctx: &Ctx<E>)
where
    Ctx<E>: Lawful<Elem = X<E>>,
{
    check(ctx, |x, y, _, _| {
        let ((Some(a), Some(b)), (Some(c), Some(d))) = (exact(ctx, x), exact(ctx, y)) else {
            return Ok(());
        };
        let of_corners = |f: fn(&Ratio, &Ratio) -> Ratio| {
            hull(ctx, &[f(&a, &c), f(&a, &d), f(&b, &c), f(&b, &d)])
        };
        prop_assert_eq!(of(ctx, |o| ctx.add(o, x, y)), of_corners(|p, q| p + q));
        prop_assert_eq!(of(ctx, |o| ctx.sub(o, x, y)), of_corners(|p, q| p - q));
        prop_assert_eq!(of(ctx, |o| ctx.mul(o, x, y)), of_corners(|p, q| p * q));
        if let Ok(quotient) = maybe(ctx, |o| ctx.div(o, x, y)) {
            prop_assert_eq!(quotient, of_corners(|p, q| p / q));
        }
        let max = maybe(ctx, |o| ctx.max(o, x, y)).unwrap();
        prop_assert_eq!(max, of_corners(|p, q| p.max(q).clone()));
        let min = maybe(ctx, |o| ctx.min(o, x, y)).unwrap();
        prop_assert_eq!(min, of_corners(|p, q| p.min(q).clone()));
        let straddles = a.is_negative() && b.is_positive();
        let of_ends = |f: &dyn Fn(&Ratio) -> Ratio, even: bool| {
            let mut values = vec![f(&a), f(&b)];
            values.extend((even && straddles).then(Ratio::zero));
            hull(ctx, &values)
        };
        let abs = maybe(ctx, |o| ctx.abs(o, x)).unwrap();
        prop_assert_eq!(abs, of_ends(&|p| p.abs(), true));
        prop_assert_eq!(of(ctx, |o| ctx.square(o, x)), of_ends(&|p| p * p, true));
        for n in [3u32, 4] {
            let power = maybe(ctx, |o| ctx.power(o, x, n.into())).unwrap();
            prop_assert_eq!(power, of_ends(&|p| Pow::pow(p, n), n == 4));
        }
        for format in [FloatFormat::Bf16, FloatFormat::F16] {
            if let Ok(cast) = maybe(ctx, |o| ctx.cast(o, x, format)) {
                let round = |p: &Ratio| ratio_from_f64(format.round(p).unwrap()).unwrap();
                prop_assert_eq!(cast, of_ends(&round, false));
            }
        }
        Ok(())
    });
}

/// The value of `f` at a number of the precision of `ctx`, and a bound on its relative error.
fn at_high_precision(
    q: &[&Ratio],
    f: impl Fn(&Mp, &mut <Mp as Arithmetic>::Elem, &[<Mp as Arithmetic>::Elem]) -> Result<(), OpError>,
) -> Option<(Ratio, Ratio)> {
    const BITS: u32 = 700;
    let mp = Mp::new(BITS);
    let operands: Vec<_> = q.iter().map(|q| mp.from_ratio(q).unwrap()).collect();
    let value = maybe(&mp, |o| f(&mp, o, &operands)).unwrap();
    // What overflows even here is too long to be written out.
    let nearly = value.get_exp().is_none_or(|e| e.unsigned_abs() < 100_000);
    mp.to_ratio(&value)
        .filter(|_| nearly)
        .map(|value| (value, power_of_two(1 - i64::from(BITS))))
}

fn holds_nearly<E: Ends>(
    ctx: &Ctx<E>,
    enclosure: &X<E>,
    (value, error): (Ratio, Ratio),
    what: &str,
) -> TestCaseResult {
    let slack = value.abs() * error;
    let (inf, sup) = exact(ctx, enclosure);
    prop_assert!(
        inf.is_none_or(|inf| inf <= &value + &slack)
            && sup.is_none_or(|sup| &value - &slack <= sup),
        "{what}: {} leaves {value} out",
        ctx.show(enclosure)
    );
    Ok(())
}

/// A number of the interval with as many bits as its end points.
fn short<E: Ends>(ctx: &Ctx<E>, q: &Ratio) -> Ratio {
    let end = ctx.ends().from_ratio(q, Toward::Down);
    ctx.ends().to_ratio(&end).unwrap()
}

pub fn functions_contain_every_exact_result<E: Ends>(ctx: &Ctx<E>)
where
    Ctx<E>: Lawful<Elem = X<E>>,
{
    check(ctx, |x, y, p, q| {
        let (p, q) = (short(ctx, p), short(ctx, q));
        prop_assume!(contains(ctx, x, &p) && contains(ctx, y, &q));
        for f in Function::ALL {
            match maybe(ctx, |o| ctx.function(f, o, x)) {
                Ok(enclosure) => {
                    let value = at_high_precision(&[&p], |mp, o, x| mp.function(f, o, &x[0]));
                    if let Some(value) = value {
                        holds_nearly(ctx, &enclosure, value, f.name())?;
                    }
                }
                Err(OpError::Undefined(_)) => {
                    prop_assert!(f == Function::Ln && !p.is_positive());
                }
                Err(error) => {
                    prop_assert!(matches!(error, OpError::Undecided(_)));
                    let inf = exact(ctx, x).0;
                    prop_assert!(f == Function::Ln && inf.is_none_or(|inf| !inf.is_positive()));
                }
            }
        }
        let angle = maybe(ctx, |o| ctx.atan2(o, y, x)).unwrap();
        let value = at_high_precision(&[&q, &p], |mp, o, x| mp.atan2(o, &x[0], &x[1]));
        if let Some(value) = value {
            holds_nearly(ctx, &angle, value, "atan2")?;
        }
        Ok(())
    });
}

/// Two end points with no number between them.
fn are_neighbours<E: Ends>(ctx: &Ctx<E>, x: &X<E>) -> bool {
    let (Some(inf), Some(sup)) = exact(ctx, x) else {
        return false;
    };
    let middle = (&inf + &sup) / Ratio::from_integer(2.into());
    inf == sup || hull(ctx, &[middle]) == *x
}

pub fn functions_of_points_are_neighbours<E: Ends>(ctx: &Ctx<E>)
where
    Ctx<E>: Lawful<Elem = X<E>>,
{
    check(ctx, |_, _, p, q| {
        let (p, q) = (short(ctx, p), short(ctx, q));
        // Far out on the bell every bit of the argument counts for many of the result.
        if p.abs() > power_of_two(10) {
            return Ok(());
        }
        let (x, y) = (hull(ctx, &[&p]), hull(ctx, &[&q]));
        for f in Function::ALL {
            if let Ok(value) = maybe(ctx, |o| ctx.function(f, o, &x)) {
                prop_assert!(are_neighbours(ctx, &value), "{}({p})", f.name());
            }
        }
        if let Ok(root) = maybe(ctx, |o| ctx.sqrt(o, &x)) {
            prop_assert!(are_neighbours(ctx, &root));
        }
        let angle = maybe(ctx, |o| ctx.atan2(o, &y, &x)).unwrap();
        prop_assert!(are_neighbours(ctx, &angle));
        Ok(())
    });
}

pub fn answers_hold_for_all_numbers<E: Ends>(ctx: &Ctx<E>)
where
    Ctx<E>: Lawful<Elem = X<E>>,
{
    check(ctx, |x, y, p, q| {
        let order = ctx.compare(x, y);
        if let Ok(order) = &order {
            prop_assert_eq!(*order, p.cmp(q));
            prop_assert_eq!(ctx.less(x, y), Ok(order.is_lt()));
            prop_assert_eq!(ctx.less_equal(x, y), Ok(order.is_le()));
        }
        if let Ok(less) = ctx.less(x, y) {
            prop_assert_eq!(less, p < q);
        }
        if let Ok(less_equal) = ctx.less_equal(x, y) {
            prop_assert_eq!(less_equal, p <= q);
        }
        if let Ok(sign) = maybe(ctx, |o| ctx.sign(o, x)) {
            prop_assert_eq!(ctx.to_ratio(&sign), Some(p.signum()));
        }
        let ((a, b), (c, d)) = (exact(ctx, x), exact(ctx, y));
        let points = a.is_some() && a == b && c.is_some() && c == d;
        // An end point that is not a number is the infinite one on its own side.
        let precedes = |sup: Option<Ratio>, inf: Option<Ratio>| sup.is_some() && sup < inf;
        prop_assert_eq!(order.is_ok(), points || precedes(b, c) || precedes(d, a));
        prop_assert_eq!(ctx.same(x, y), order.map(Ordering::is_eq));
        prop_assert_eq!(ctx.equal(x, y).ok(), ctx.same(x, y).ok());
        Ok(())
    });
}

pub fn constants_are_contained<E: Ends>(ctx: &Ctx<E>) {
    let outcome = TestRunner::new(quietly()).run(&ratios(), |q| {
        prop_assert_eq!(ctx.from_ratio(&q), Ok(hull(ctx, &[&q])));
        let Some(root) = Surd::sqrt(&q) else {
            return Ok(());
        };
        let enclosure = ctx.from_surd(&root).unwrap();
        let (inf, sup) = exact(ctx, &enclosure);
        let (inf, sup) = (inf.unwrap(), sup.unwrap());
        prop_assert!(&inf * &inf <= q && q <= &sup * &sup && !inf.is_negative());
        let negative = Surd::from(-1).checked_mul(&root).unwrap();
        let mut flipped = ctx.zero();
        ctx.neg(&mut flipped, &enclosure);
        prop_assert_eq!(ctx.from_surd(&negative), Ok(flipped));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{}: {failure}", ctx.name());
    }
}

/// The text has end points at or outside the interval's, and near enough to find them again.
pub fn shown_intervals_contain_the_interval<E: Ends>(ctx: &Ctx<E>)
where
    Ctx<E>: Lawful<Elem = X<E>>,
{
    check(ctx, |x, _, _, _| {
        let text = ctx.show(x);
        let ends = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        let (inf, sup) = ends.and_then(|t| t.split_once(", ")).unwrap();
        match exact(ctx, x).0 {
            None => prop_assert_eq!(inf, "-inf"),
            Some(exact) => {
                let shown = parse_ratio(inf).unwrap();
                prop_assert!(shown <= exact, "{text}");
                prop_assert!(ctx.ends().from_ratio(&shown, Toward::Up) == *x.inf());
            }
        }
        match exact(ctx, x).1 {
            None => prop_assert_eq!(sup, "inf"),
            Some(exact) => {
                let shown = parse_ratio(sup).unwrap();
                prop_assert!(shown >= exact, "{text}");
                prop_assert!(ctx.ends().from_ratio(&shown, Toward::Down) == *x.sup());
            }
        }
        Ok(())
    });
}
