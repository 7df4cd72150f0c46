//! One suite of laws for every arithmetic; tests only.
//!
//! A new arithmetic joins by a strategy for its elements ([`Lawful`]) and one line at the end of
//! this file. What is asked of it follows from its [`Kind`].

#[cfg(feature = "mp")]
mod containment;
mod elements;
mod rounding;

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use super::*;
use elements::{Kind, Lawful};

/// The result of an operation that writes into an element. It starts from `zero`.
fn of<A: Arithmetic>(ctx: &A, op: impl FnOnce(&mut A::Elem)) -> A::Elem {
    let mut out = ctx.zero();
    op(&mut out);
    out
}

/// The result of an operation that may have no answer.
fn maybe<A: Arithmetic>(
    ctx: &A,
    op: impl FnOnce(&mut A::Elem) -> Result<(), OpError>,
) -> Result<A::Elem, OpError> {
    let mut out = ctx.zero();
    op(&mut out).map(|()| out)
}

fn integer<A: Arithmetic>(ctx: &A, n: i64) -> A::Elem {
    ctx.from_ratio(&Ratio::from_integer(n.into())).unwrap()
}

/// Failures are shown, not written into files of the repository.
fn quietly() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}

/// Runs `law` on many triples of elements, some of them equal or opposite.
fn check<A: Lawful>(ctx: &A, law: impl Fn(&A::Elem, &A::Elem, &A::Elem) -> TestCaseResult) {
    let any = || ctx.elements();
    let triples = (any(), any(), any(), 0u8..6);
    let outcome = TestRunner::new(quietly()).run(&triples, |(x, y, z, relation)| {
        let opposite = of(ctx, |o| ctx.neg(o, &x));
        match relation {
            0 => law(&x, &x, &y),
            1 => law(&x, &opposite, &y),
            _ => law(&x, &y, &z),
        }
    });
    if let Err(failure) = outcome {
        panic!("{}: {failure}", ctx.name());
    }
}

/// Whether two elements are the same, bit by bit or end point by end point.
fn identical<A: Lawful>(ctx: &A, x: &A::Elem, y: &A::Elem) -> bool {
    match ctx.kind() {
        Kind::Enclosure => x == y,
        Kind::Exact { .. } | Kind::Float(_) => ctx.same(x, y) == Ok(true),
    }
}

macro_rules! same {
    ($ctx:expr, $x:expr, $y:expr) => {{
        let (x, y) = (&$x, &$y);
        prop_assert!(identical($ctx, x, y), "{} ≠ {}", $ctx.show(x), $ctx.show(y));
    }};
}

/// Signs, neutral elements, and what holds in every arithmetic.
fn sums_and_products<A: Lawful>(ctx: &A) {
    let one = integer(ctx, 1);
    let zero = ctx.zero();
    check(ctx, |x, y, z| {
        let add = |x: &A::Elem, y: &A::Elem| of(ctx, |o| ctx.add(o, x, y));
        let sub = |x: &A::Elem, y: &A::Elem| of(ctx, |o| ctx.sub(o, x, y));
        let mul = |x: &A::Elem, y: &A::Elem| of(ctx, |o| ctx.mul(o, x, y));
        let neg = |x: &A::Elem| of(ctx, |o| ctx.neg(o, x));
        same!(ctx, add(x, y), add(y, x));
        same!(ctx, mul(x, y), mul(y, x));
        let difference = sub(x, x);
        if ctx.kind() == Kind::Enclosure {
            // An operand that occurs twice counts as two.
            prop_assert!(ctx.same(&difference, &zero) != Ok(false));
        } else {
            same!(ctx, difference, zero);
        }
        same!(ctx, sub(x, y), add(x, &neg(y)));
        same!(ctx, neg(&neg(x)), x);
        same!(ctx, mul(x, &one), x);
        same!(ctx, mul(&neg(x), y), neg(&mul(x, y)));
        prop_assert!(add(x, &zero) == *x);
        prop_assert!(mul(x, &zero) == zero);
        let mut sum = x.clone();
        ctx.accumulate(&mut sum, y);
        same!(ctx, sum, add(x, y));
        let (mut sum, mut product) = (x.clone(), zero.clone());
        ctx.mul_add(&mut sum, y, z, &mut product);
        let expected = add(x, &mul(y, z));
        // Two infinities may meet; a result that is not a number equals nothing.
        prop_assert_eq!(ctx.check(&sum), ctx.check(&expected));
        if ctx.check(&sum).is_ok() {
            same!(ctx, sum, expected);
        }
        if let Kind::Exact { .. } = ctx.kind() {
            same!(ctx, add(&add(x, y), z), add(x, &add(y, z)));
            same!(ctx, mul(&mul(x, y), z), mul(x, &mul(y, z)));
            same!(ctx, mul(x, &add(y, z)), add(&mul(x, y), &mul(x, z)));
        }
        Ok(())
    });
}

/// A float must not pass for exact: the laws above have counterexamples there.
fn rounding_shows<A: Lawful>(ctx: &A) {
    let (mut associative, mut distributive) = (true, true);
    let sample = |n: i64| ctx.from_ratio(&Ratio::new(n.into(), 7.into())).unwrap();
    for (i, j, k) in (1..9).flat_map(|i| (1..9).flat_map(move |j| (1..9).map(move |k| (i, j, k)))) {
        let (x, y, z) = (sample(i), sample(j), sample(k));
        let add = |x: &A::Elem, y: &A::Elem| of(ctx, |o| ctx.add(o, x, y));
        let mul = |x: &A::Elem, y: &A::Elem| of(ctx, |o| ctx.mul(o, x, y));
        associative &= add(&add(&x, &y), &z) == add(&x, &add(&y, &z));
        distributive &= mul(&x, &add(&y, &z)) == add(&mul(&x, &y), &mul(&x, &z));
    }
    let exact = matches!(ctx.kind(), Kind::Exact { .. });
    assert_eq!((associative, distributive), (exact, exact));
}

fn quotients_and_roots<A: Lawful>(ctx: &A) {
    let one = integer(ctx, 1);
    check(ctx, |x, y, _| {
        let div = |x: &A::Elem, y: &A::Elem| maybe(ctx, |o| ctx.div(o, x, y));
        let sqrt = |x: &A::Elem| maybe(ctx, |o| ctx.sqrt(o, x));
        let by_zero = Err(OpError::Undefined("division by zero"));
        prop_assert_eq!(div(x, &ctx.zero()), by_zero.clone());
        prop_assert_eq!(div(x, &of(ctx, |o| ctx.neg(o, &ctx.zero()))), by_zero);
        same!(ctx, div(x, &one).unwrap(), x);
        if ctx.kind() != Kind::Enclosure && *y != ctx.zero() {
            same!(ctx, div(y, y).unwrap(), one);
        }
        if let Kind::Exact { ordered } = ctx.kind() {
            let product = of(ctx, |o| ctx.mul(o, x, y));
            if *y != ctx.zero() {
                same!(ctx, div(&product, y).unwrap(), x);
            }
            let root = sqrt(&of(ctx, |o| ctx.mul(o, x, x))).unwrap();
            if ordered {
                same!(ctx, root, maybe(ctx, |o| ctx.abs(o, x)).unwrap());
            } else {
                prop_assert!(root == *x || root == of(ctx, |o| ctx.neg(o, x)));
            }
        }
        if ctx.compare(x, &ctx.zero()) == Ok(Ordering::Less) {
            prop_assert!(matches!(sqrt(x), Err(OpError::Undefined(_))));
        }
        Ok(())
    });
    assert!(maybe(ctx, |o| ctx.sqrt(o, &ctx.zero())).unwrap() == ctx.zero());
}

fn order<A: Lawful>(ctx: &A) {
    let zero = ctx.zero();
    check(ctx, |x, y, z| {
        let abs = maybe(ctx, |o| ctx.abs(o, x));
        let sign = maybe(ctx, |o| ctx.sign(o, x));
        let max = maybe(ctx, |o| ctx.max(o, x, y));
        let min = maybe(ctx, |o| ctx.min(o, x, y));
        if let Kind::Exact { ordered: false } = ctx.kind() {
            for answer in [abs, sign, max, min] {
                let lacks = matches!(answer, Err(OpError::Unsupported { .. }));
                prop_assert!(lacks, "{answer:?}");
            }
            prop_assert!(ctx.compare(x, y).is_err());
            prop_assert_eq!(ctx.equal(x, y), ctx.same(x, y));
            return Ok(());
        }
        if ctx.kind() == Kind::Enclosure {
            return Ok(());
        }
        let compare = |x: &A::Elem, y: &A::Elem| ctx.compare(x, y).unwrap();
        let exact = |x: &A::Elem| ctx.to_ratio(x).unwrap();
        // The order is that of the exact values; so it is total and transitive.
        prop_assert_eq!(compare(x, y), exact(x).cmp(&exact(y)));
        prop_assert_eq!(compare(x, y), compare(y, x).reverse());
        prop_assert_eq!(compare(x, x), Ordering::Equal);
        prop_assert_eq!(ctx.equal(x, y), Ok(compare(x, y).is_eq()));
        prop_assert_eq!(ctx.less(x, y), Ok(compare(x, y).is_lt()));
        prop_assert_eq!(ctx.less_equal(x, y), Ok(compare(x, y).is_le()));
        if compare(x, y).is_le() && compare(y, z).is_le() {
            prop_assert!(compare(x, z).is_le());
        }
        let (abs, sign) = (abs.unwrap(), sign.unwrap());
        prop_assert!(compare(&abs, &zero).is_ge());
        prop_assert!(of(ctx, |o| ctx.mul(o, &abs, &sign)) == *x);
        let of_zero = *x == zero;
        prop_assert_eq!(ctx.same(&sign, &zero), Ok(of_zero), "sign(±0) is +0");
        if of_zero {
            same!(ctx, abs, zero);
        }
        let first_is_larger = compare(x, y).is_ge();
        same!(ctx, max.unwrap(), if first_is_larger { x } else { y });
        let first_is_smaller = compare(x, y).is_le();
        same!(ctx, min.unwrap(), if first_is_smaller { x } else { y });
        Ok(())
    });
}

/// What stands in `out` before an operation must not matter.
fn results_do_not_depend_on_what_was_there<A: Lawful>(ctx: &A) {
    check(ctx, |x, y, junk| {
        type Write<'a, A> = &'a dyn Fn(
            &A,
            &mut <A as Arithmetic>::Elem,
            &<A as Arithmetic>::Elem,
            &<A as Arithmetic>::Elem,
        ) -> Result<(), OpError>;
        let operations: [Write<'_, A>; 19] = [
            &|c, o, x, _| {
                c.set(o, x);
                Ok(())
            },
            &|c, o, x, y| {
                c.add(o, x, y);
                Ok(())
            },
            &|c, o, x, y| {
                c.sub(o, x, y);
                Ok(())
            },
            &|c, o, x, y| {
                c.mul(o, x, y);
                Ok(())
            },
            &|c, o, x, _| {
                c.neg(o, x);
                Ok(())
            },
            &|c, o, x, y| c.div(o, x, y),
            &|c, o, x, _| c.sqrt(o, x),
            &|c, o, x, _| c.abs(o, x),
            &|c, o, x, _| c.sign(o, x),
            &|c, o, x, y| c.max(o, x, y),
            &|c, o, x, y| c.min(o, x, y),
            &|c, o, x, _| {
                c.square(o, x);
                Ok(())
            },
            &|c, o, x, _| c.function(Function::Exp, o, x),
            &|c, o, x, _| c.function(Function::Ln, o, x),
            &|c, o, x, _| c.function(Function::CosPi, o, x),
            &|c, o, x, _| c.function(Function::NormalCdf, o, x),
            &|c, o, x, _| c.function(Function::NormalDensity, o, x),
            &|c, o, x, y| c.atan2(o, x, y),
            &|c, o, x, _| c.power(o, x, 3),
        ];
        for operation in operations {
            let clean = maybe(ctx, |o| operation(ctx, o, x, y));
            let mut used = junk.clone();
            let outcome = operation(ctx, &mut used, x, y).map(|()| used);
            match (clean, outcome) {
                (Ok(a), Ok(b)) => same!(ctx, a, b),
                (a, b) => prop_assert_eq!(a.err(), b.err()),
            }
        }
        Ok(())
    });
}

fn values_read_back<A: Lawful>(ctx: &A) {
    check(ctx, |x, _, _| {
        if ctx.kind() == Kind::Enclosure {
            return Ok(());
        }
        let read = ctx.from_ratio(&parse_ratio(&ctx.show(x)).unwrap());
        prop_assert!(read.unwrap() == *x, "{}", ctx.show(x));
        if let Some(exact) = ctx.to_ratio(x) {
            prop_assert!(ctx.from_ratio(&exact).unwrap() == *x);
        }
        prop_assert_eq!(ctx.check(x), Ok(()));
        Ok(())
    });
    let doubles = F64.elements();
    let outcome = TestRunner::new(quietly()).run(&doubles, |x| {
        let exact = ratio_from_f64(x).unwrap();
        prop_assert_eq!(ctx.from_f64(x), ctx.from_ratio(&exact));
        if let Ok(zero) = ctx.from_f64(x)
            && x == 0.0
        {
            same!(ctx, zero, ctx.zero());
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{}: {failure}", ctx.name());
    }
    assert!(ctx.from_f64(f64::NAN).is_err() && ctx.from_f64(f64::INFINITY).is_err());
    for n in [0, 1, 2, 255, 257, (1 << 24) + 1, (1 << 53) + 1, u64::MAX] {
        let expected = ctx.from_ratio(&Ratio::from_integer(n.into()));
        assert_eq!(ctx.from_integer(n), expected);
    }
}

fn transcendental_functions<A: Lawful>(ctx: &A) {
    let f = |f, n| maybe(ctx, |o| ctx.function(f, o, &integer(ctx, n)));
    if let Kind::Exact { .. } = ctx.kind() {
        for name in Function::ALL {
            if name == Function::CosPi && ctx.name() == ArithmeticName::Rational {
                assert_eq!(f(name, 1), Ok(integer(ctx, -1)));
                continue;
            }
            assert!(matches!(f(name, 1), Err(OpError::Unsupported { .. })));
        }
        return;
    }
    let (zero, one) = (integer(ctx, 0), integer(ctx, 1));
    assert_eq!(f(Function::Exp, 0), Ok(one.clone()));
    assert_eq!(f(Function::Ln, 1), Ok(zero.clone()));
    assert_eq!(f(Function::Tanh, 0), Ok(zero.clone()));
    let half = ctx.from_ratio(&Ratio::new(1.into(), 2.into()));
    assert_eq!(f(Function::NormalCdf, 0), half);
    assert_eq!(maybe(ctx, |o| ctx.atan2(o, &zero, &one)), Ok(zero));
    assert_eq!(f(Function::CosPi, 0), Ok(one));
    for outside in [0, -1] {
        assert!(matches!(
            f(Function::Ln, outside),
            Err(OpError::Undefined(_))
        ));
    }
}

/// Powers are products, and casts are fixed points of themselves.
fn powers_and_casts<A: Lawful>(ctx: &A) {
    check(ctx, |x, _, _| {
        let power = |n| maybe(ctx, |o| ctx.power(o, x, n));
        prop_assert!(power(0) == Ok(integer(ctx, 1)));
        prop_assert!(power(1) == Ok(x.clone()));
        let square = maybe(ctx, |o| {
            ctx.mul(o, x, x);
            Ok(())
        });
        let of_one = maybe(ctx, |o| {
            ctx.square(o, x);
            Ok(())
        });
        prop_assert!(power(2) == of_one);
        if ctx.kind() == Kind::Enclosure {
            return Ok(());
        }
        prop_assert!(power(2) == square);
        let fifth = maybe(ctx, |o| {
            let (mut second, mut fourth) = (ctx.zero(), ctx.zero());
            ctx.mul(&mut second, x, x);
            ctx.mul(&mut fourth, &second, &second);
            ctx.mul(o, &fourth, x);
            Ok(())
        });
        // An overflow may be a NaN, which equals nothing.
        if let (Ok(a), Ok(b)) = (power(5), fifth)
            && ctx.check(&b).is_ok()
        {
            prop_assert!(a == b);
        }
        for format in [FloatFormat::Bf16, FloatFormat::F16, FloatFormat::F32] {
            if let Ok(once) = maybe(ctx, |o| ctx.cast(o, x, format)) {
                let twice = maybe(ctx, |o| ctx.cast(o, &once, format));
                prop_assert!(twice == Ok(once));
            }
        }
        Ok(())
    });
}

macro_rules! laws {
    ($name:ident, $ctx:expr) => {
        mod $name {
            use super::*;
            #[test]
            fn sums_and_products() {
                super::sums_and_products(&$ctx);
            }
            #[test]
            fn rounding_shows() {
                super::rounding_shows(&$ctx);
            }
            #[test]
            fn quotients_and_roots() {
                super::quotients_and_roots(&$ctx);
            }
            #[test]
            fn order() {
                super::order(&$ctx);
            }
            #[test]
            fn results_do_not_depend_on_what_was_there() {
                super::results_do_not_depend_on_what_was_there(&$ctx);
            }
            #[test]
            fn values_read_back() {
                super::values_read_back(&$ctx);
            }
            #[test]
            fn transcendental_functions() {
                super::transcendental_functions(&$ctx);
            }
            #[test]
            fn powers_and_casts() {
                super::powers_and_casts(&$ctx);
            }
            #[test]
            fn operations_are_correctly_rounded() {
                super::rounding::operations_are_correctly_rounded(&$ctx);
            }
            #[test]
            fn constants_are_correctly_rounded() {
                super::rounding::constants_are_correctly_rounded(&$ctx);
            }
        }
    };
}

/// The same laws, as far as they speak of intervals, and those of containment.
#[cfg(feature = "mp")]
macro_rules! interval_laws {
    ($name:ident, $ctx:expr) => {
        mod $name {
            use super::*;
            #[test]
            fn sums_and_products() {
                super::sums_and_products(&$ctx);
            }
            #[test]
            fn rounding_shows() {
                super::rounding_shows(&$ctx);
            }
            #[test]
            fn quotients_and_roots() {
                super::quotients_and_roots(&$ctx);
            }
            #[test]
            fn results_do_not_depend_on_what_was_there() {
                super::results_do_not_depend_on_what_was_there(&$ctx);
            }
            #[test]
            fn constants_read_back() {
                super::values_read_back(&$ctx);
            }
            #[test]
            fn transcendental_functions() {
                super::transcendental_functions(&$ctx);
            }
            #[test]
            fn powers_and_casts() {
                super::powers_and_casts(&$ctx);
            }
            #[test]
            fn operations_contain_every_exact_result() {
                super::containment::operations_contain_every_exact_result(&$ctx);
            }
            #[test]
            fn algebraic_operations_are_tightest() {
                super::containment::algebraic_operations_are_tightest(&$ctx);
            }
            #[test]
            fn functions_contain_every_exact_result() {
                super::containment::functions_contain_every_exact_result(&$ctx);
            }
            #[test]
            fn functions_of_points_are_neighbours() {
                super::containment::functions_of_points_are_neighbours(&$ctx);
            }
            #[test]
            fn answers_hold_for_all_numbers() {
                super::containment::answers_hold_for_all_numbers(&$ctx);
            }
            #[test]
            fn constants_are_contained() {
                super::containment::constants_are_contained(&$ctx);
            }
            #[test]
            fn shown_intervals_contain_the_interval() {
                super::containment::shown_intervals_contain_the_interval(&$ctx);
            }
        }
    };
}

laws!(f32_arithmetic, F32);
laws!(f64_arithmetic, F64);
laws!(bf16_arithmetic, BF16);
laws!(f16_arithmetic, F16);
laws!(prime_arithmetic, Prime);
#[cfg(feature = "mp")]
laws!(mp_2_arithmetic, Mp::new(2));
#[cfg(feature = "mp")]
laws!(mp_53_arithmetic, Mp::new(53));
#[cfg(feature = "mp")]
laws!(mp_113_arithmetic, Mp::new(113));
#[cfg(feature = "mp")]
laws!(rational_arithmetic, Rational);
#[cfg(feature = "mp")]
interval_laws!(interval_2_arithmetic, MpIntervals::new(2));
#[cfg(feature = "mp")]
interval_laws!(interval_53_arithmetic, MpIntervals::new(53));
#[cfg(feature = "mp")]
interval_laws!(interval_113_arithmetic, MpIntervals::new(113));
#[cfg(feature = "mp")]
interval_laws!(interval_f64_arithmetic, F64Intervals::new());
