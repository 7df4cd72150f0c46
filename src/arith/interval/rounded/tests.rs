//! No result of a float format escapes the enclosure of the operation.

use proptest::prelude::*;
use rug::Float;

use super::super::{MpEnds, MpIntervals, OpError};
use super::*;
use crate::arith::{
    Accumulator, ArithmeticName, BF16, F16, F32, F64, FloatFormat, Function, Machine, MachineFloat,
    Reordered, Surd,
};

fn enclosures(name: ArithmeticName) -> Enclosures<MpEnds> {
    Enclosures::new(MpEnds::new(200), FloatModel::of(name).unwrap())
}

fn point(ctx: &Enclosures<MpEnds>, x: f64) -> Enclosed<Float> {
    ctx.given(ctx.intervals().from_f64(x).unwrap())
}

/// Whether the result of the format is one that the enclosure admits, or the enclosure says
/// nothing.
fn admits<F: MachineFloat>(
    ctx: &Enclosures<MpEnds>,
    wide: &Result<Enclosed<Float>, OpError>,
    found: &Result<F, OpError>,
) -> bool {
    let (Ok(wide), Ok(found)) = (wide, found) else {
        return true;
    };
    if ctx.check(wide).is_err() {
        return true;
    }
    let found = Float::with_val(53, found.widen());
    wide.range.inf <= found && found <= wide.range.sup
}

/// A number of the format from random bits, biased to the edges.
fn number<F: MachineFloat>(model: &FloatModel, bits: u64, kind: u8) -> F {
    let (emin, emax) = (model.emin.unwrap(), model.emax.unwrap());
    let fraction = (bits >> 11) as f64 / (1u64 << 53) as f64 + 0.5;
    let exponent = match kind % 5 {
        0 => (bits % 8) as i32 - 4,
        1 => emin + (bits % 30) as i32,
        2 => emax - (bits % 12) as i32,
        3 => (bits % 40) as i32 - 20,
        _ => emin / 2 + (bits % 20) as i32,
    };
    let x = libm::scalbn(fraction, exponent);
    let sign = if bits & 1 << 10 == 0 { 1.0 } else { -1.0 };
    let x = F::narrow(sign * x);
    if x.is_finite() { x } else { F::one() }
}

fn each_operation<F: MachineFloat>(ctx: Machine<F>, bits: &[u64], kinds: &[u8]) {
    let wide = enclosures(ctx.name());
    let numbers: Vec<F> = bits
        .iter()
        .zip(kinds)
        .map(|(b, k)| number::<F>(wide.model(), *b, *k))
        .collect();
    let points: Vec<Enclosed<Float>> = numbers.iter().map(|x| point(&wide, x.widen())).collect();
    let (x, y) = (&numbers[0], &numbers[1]);
    let (px, py) = (&points[0], &points[1]);
    let say = |what: &str| {
        format!(
            "{what} of {} and {} in {}",
            x.widen(),
            y.widen(),
            ctx.name()
        )
    };
    macro_rules! same {
        ($what:expr, $f:expr, $g:expr) => {{
            let mut out = F::zero();
            let found = $f(&mut out).and_then(|()| ctx.check(&out)).map(|()| out);
            let mut of = wide.zero();
            let range = $g(&mut of).map(|()| of);
            assert!(
                admits(&wide, &range, &found),
                "{}: {range:?}, {found:?}",
                say($what)
            );
        }};
    }
    same!(
        "sum",
        |o| {
            ctx.add(o, x, y);
            Ok(())
        },
        |o| {
            wide.add(o, px, py);
            Ok(())
        }
    );
    same!(
        "difference",
        |o| {
            ctx.sub(o, x, y);
            Ok(())
        },
        |o| {
            wide.sub(o, px, py);
            Ok(())
        }
    );
    same!(
        "product",
        |o| {
            ctx.mul(o, x, y);
            Ok(())
        },
        |o| {
            wide.mul(o, px, py);
            Ok(())
        }
    );
    same!(
        "square",
        |o| {
            ctx.square(o, x);
            Ok(())
        },
        |o| {
            wide.square(o, px);
            Ok(())
        }
    );
    same!("quotient", |o| ctx.div(o, x, y), |o| wide.div(o, px, py));
    same!("root", |o| ctx.sqrt(o, x), |o| wide.sqrt(o, px));
    same!("angle", |o| ctx.atan2(o, y, x), |o| wide.atan2(o, py, px));
    for f in Function::ALL {
        same!(f.name(), |o| ctx.function(f, o, x), |o| wide
            .function(f, o, px));
    }
    for n in [1, 2, 3, 7, 30] {
        same!("power", |o| ctx.power(o, x, n), |o| wide.power(o, px, n));
    }
    for to in [FloatFormat::Bf16, FloatFormat::F16, FloatFormat::F32] {
        same!("cast", |o| ctx.cast(o, x, to), |o| wide.cast(o, px, to));
    }
    let half = numbers.len() / 2;
    for seed in 0..4 {
        let other = Reordered::new(ctx, seed, seed % 2 == 0);
        same!(
            "sum of many",
            |o| {
                other.sum(o, numbers.iter());
                Ok(())
            },
            |o| {
                wide.sum(o, points.iter());
                Ok(())
            }
        );
        same!(
            "product of vectors",
            |o| {
                other.dot(o, numbers[..half].iter().zip(&numbers[half..]));
                Ok(())
            },
            |o| {
                wide.dot(o, points[..half].iter().zip(&points[half..]));
                Ok(())
            }
        );
    }
    // In the documented order the error is within its own bound.
    let exact = Enclosures::exact(MpEnds::new(600), wide.model().clone());
    let (mut found, mut known) = (F::zero(), exact.zero());
    ctx.dot(&mut found, numbers[..half].iter().zip(&numbers[half..]));
    let points: Vec<Enclosed<Float>> = numbers.iter().map(|x| point(&exact, x.widen())).collect();
    exact.dot(&mut known, points[..half].iter().zip(&points[half..]));
    if ctx.check(&found).is_ok() && exact.check(&known).is_ok() {
        let off = Float::with_val(600, &known.range.inf - found.widen()).abs();
        assert!(
            off <= known.stated,
            "{}: off by {off}, {known:?}",
            say("documented order")
        );
        assert!(known.stated <= known.any.clone() * 2u32);
    }
}

#[test]
fn adding_zero_is_exact_and_a_range_that_ends_there_is_none() {
    let ctx = enclosures(ArithmeticName::F32);
    let any = |f: &dyn Fn(&mut Enclosed<Float>)| {
        let mut out = ctx.zero();
        f(&mut out);
        out.any.to_f64()
    };
    let (one, zero) = (point(&ctx, 1.0), ctx.zero());
    assert_eq!(any(&|o| ctx.add(o, &one, &zero)), 0.0);
    assert_eq!(any(&|o| ctx.add(o, &zero, &one)), 0.0);
    assert_eq!(any(&|o| ctx.mul(o, &zero, &one)), 0.0);
    for (inf, sup) in [(-1.0, 0.0), (0.0, 1.0)] {
        let end = |x: f64| Float::with_val(200, x);
        let to_zero = ctx.given(ctx.intervals().of(end(inf), end(sup)).unwrap());
        assert!(any(&|o| ctx.add(o, &one, &to_zero)) >= f64::powi(2.0, -24));
        assert!(any(&|o| ctx.mul(o, &one, &to_zero)) >= f64::powi(2.0, -24));
    }
}

fn interval(ctx: &Enclosures<MpEnds>, inf: f64, sup: f64) -> Interval<Float> {
    let [inf, sup] = [inf, sup].map(|end| Float::with_val(200, end));
    ctx.intervals().of(inf, sup).unwrap()
}

#[test]
fn one_rounding_keeps_the_side_of_zero() {
    let ctx = enclosures(ArithmeticName::F16);
    for (exact, moved, kept) in [
        ((0.0, 1.0), (-0.5, 1.5), (0.0, 1.5)),
        ((-1.0, 0.0), (-1.5, 0.5), (-1.5, 0.0)),
        ((-1.0, 1.0), (-1.5, 1.5), (-1.5, 1.5)),
        ((0.0, 0.0), (-0.5, 0.5), (0.0, 0.0)),
        ((1.0, 2.0), (0.5, 2.5), (0.5, 2.5)),
        ((1.0, 2.0), (-1.0, 3.0), (0.0, 3.0)),
    ] {
        let of = |(inf, sup)| interval(&ctx, inf, sup);
        assert_eq!(
            ctx.of_one_sign(&of(exact), of(moved)),
            of(kept),
            "{exact:?}"
        );
    }
}

#[test]
fn what_may_underflow_reaches_below_the_normal_range() {
    let ctx = enclosures(ArithmeticName::F16);
    let least = 2f64.powi(-14);
    for (inf, sup, may) in [
        (0.0, 0.0, false),
        (least, 1.0, false),
        (-1.0, -least, false),
        (least / 2.0, 1.0, true),
        (-1.0, -least / 2.0, true),
        (0.0, 1.0, true),
        (-1.0, 0.0, true),
        (-1.0, 1.0, true),
    ] {
        assert_eq!(
            ctx.may_underflow(&interval(&ctx, inf, sup)),
            may,
            "[{inf}, {sup}]"
        );
    }
    // u = 2⁻¹¹ of the size, and half the smallest subnormal where that can matter.
    let (unit, tiny) = (2f64.powi(-11), 2f64.powi(-25));
    let (one, low) = (1.0 + unit, least / 2.0 * (1.0 + unit));
    for (x, below, error) in [
        (one, 1, unit * one),
        (low, 0, unit * low),
        (low, 1, unit * low + tiny),
        (low, 2, unit * low + 2.0 * tiny),
        (0.0, 1, 0.0),
        // What the format holds is not rounded.
        (1.0, 1, 0.0),
        (least / 2.0, 2, 0.0),
    ] {
        let rounded = ctx.rounded(interval(&ctx, x, x), &ctx.one(), below);
        assert_eq!(rounded.any, error, "{x} {below}");
        assert_eq!(rounded.range, interval(&ctx, x - error, x + error));
    }
    let exact = Enclosures::exact(MpEnds::new(200), ctx.model().clone());
    let point = interval(&exact, 1.0, 1.0);
    assert_eq!(exact.rounded(point.clone(), &exact.one(), 1).range, point);
}

#[test]
fn what_is_asked_of_an_enclosure_is_asked_of_its_range() {
    let ctx = enclosures(ArithmeticName::F32);
    let of = |inf, sup| ctx.given(interval(&ctx, inf, sup));
    let (left, right, point) = (of(1.0, 4.0), of(-3.0, 2.0), of(5.0, 5.0));
    assert_eq!((ctx.approx(&left), ctx.radius(&left)), (2.5, 1.5));
    assert_eq!(ctx.show(&left), "[1, 4]");
    assert_eq!(ctx.to_ratio(&left), None);
    assert_eq!(ctx.to_ratio(&point), Some(Ratio::from_integer(5.into())));
    assert_eq!(ctx.same(&point, &point), Ok(true));
    assert_eq!(ctx.same(&point, &left), Ok(false));
    assert!(ctx.same(&left, &right).is_err());
    let range = |op: &dyn Fn(&mut Enclosed<Float>) -> Result<(), OpError>| {
        let mut out = ctx.zero();
        op(&mut out).unwrap();
        (
            out.range.inf.to_f64(),
            out.range.sup.to_f64(),
            out.any.to_f64(),
        )
    };
    assert_eq!(range(&|o| ctx.abs(o, &right)), (0.0, 3.0, 0.0));
    assert_eq!(range(&|o| ctx.sign(o, &left)), (1.0, 1.0, 0.0));
    assert_eq!(range(&|o| ctx.max(o, &left, &right)), (1.0, 4.0, 0.0));
    assert_eq!(range(&|o| ctx.min(o, &left, &right)), (-3.0, 2.0, 0.0));
    let neg = |o: &mut Enclosed<Float>| {
        ctx.neg(o, &left);
        Ok(())
    };
    assert_eq!(range(&neg), (-4.0, -1.0, 0.0));
    let set = |o: &mut Enclosed<Float>| {
        ctx.set(o, &left);
        Ok(())
    };
    assert_eq!(range(&set), (1.0, 4.0, 0.0));
    // One rounding of the largest result.
    let unit = 2f64.powi(-24);
    let sub = |o: &mut Enclosed<Float>| {
        ctx.sub(o, &left, &right);
        Ok(())
    };
    let (inf, sup, error) = range(&sub);
    assert_eq!((inf, sup), (-1.0 - 7.0 * unit, 7.0 + 7.0 * unit));
    assert_eq!(error, 7.0 * unit);
    let square = |o: &mut Enclosed<Float>| {
        ctx.square(o, &left);
        Ok(())
    };
    let (inf, sup, error) = range(&square);
    assert_eq!((inf, sup), (1.0 - 16.0 * unit, 16.0 + 16.0 * unit));
    assert_eq!(error, 16.0 * unit);
    let (inf, sup, error) = range(&|o| ctx.div(o, &left, &point));
    assert!(inf < 0.2 && 0.8 < sup && (0.8 * unit..0.81 * unit).contains(&error));
    let (inf, sup, error) = range(&|o| ctx.sqrt(o, &left));
    assert!(inf < 1.0 && 2.0 < sup && (2.0 * unit..2.01 * unit).contains(&error));
}

#[test]
fn a_power_is_rounded_as_often_as_it_multiplies() {
    let ctx = enclosures(ArithmeticName::F16);
    let unit = 2f64.powi(-11);
    let power = |x: f64, n: u64| {
        let mut out = ctx.zero();
        ctx.power(&mut out, &point(&ctx, x), n)
            .map(|()| out.any.to_f64())
    };
    let x = 65.0 / 64.0;
    assert_eq!((power(x, 0), power(x, 1)), (Ok(0.0), Ok(0.0)));
    for n in [2, 3, 5] {
        let roundings = (n - 1) as f64 * unit;
        let error = x.powi(n as i32) * roundings * (1.0 + 2.0 * roundings);
        assert_eq!(power(x, n), Ok(error), "{n}");
        // All powers of 3/2 up to this one are numbers of the format.
        assert_eq!(power(1.5, n), Ok(0.0), "{n}");
    }
    // 2¹⁰ roundings are half of everything.
    let one = |n: u64| ctx.power(&mut ctx.zero(), &point(&ctx, 1.0), n);
    assert!(one(1024).is_ok() && one(1025).is_err() && one(4000).is_err());
    let mut sum = point(&ctx, 1.0);
    ctx.accumulate(&mut sum, &point(&ctx, unit));
    assert_eq!(sum.any, unit * (1.0 + unit));
}

#[test]
fn an_exact_run_passes_casts_on() {
    let model = FloatModel::of(ArithmeticName::F32).unwrap();
    let exact = Enclosures::exact(MpEnds::new(200), model);
    let x = exact.given(interval(&exact, 1.0, 1.75));
    let mut out = exact.zero();
    exact.cast(&mut out, &x, FloatFormat::Bf16).unwrap();
    assert_eq!(out.range, x.range);
    assert_eq!(out.any, 1.75 * 2f64.powi(-8));
}

#[test]
fn the_errors_of_a_sum_by_hand() {
    let ctx = enclosures(ArithmeticName::F16);
    let sum = |terms: &[f64], products: bool| {
        let terms = terms.iter().map(|x| interval(&ctx, *x, *x));
        ctx.total(terms, products)
    };
    let (unit, tiny) = (2f64.powi(-11), 2f64.powi(-25));
    // One term is not rounded, two are once, at the size of their sum; zeros do not count.
    assert_eq!(sum(&[3.0], false).any, 0.0);
    let both = 1.0 + unit;
    for terms in [&[1.0, unit][..], &[0.0, 1.0, 0.0, unit]] {
        let two = sum(terms, false);
        assert_eq!(
            (two.any.to_f64(), two.stated.to_f64()),
            (both * unit, both * unit)
        );
        assert_eq!(two.squares, both * both * unit * unit);
        assert_eq!(
            two.range,
            interval(&ctx, both - both * unit, both + both * unit)
        );
    }
    // In any order each of two roundings is of 6 at most; in the stated one of 3 and of 6.
    let three = sum(&[1.0, 2.0, 3.0], false);
    assert_eq!(three.any, 12.0 * unit);
    assert_eq!(three.stated, 9.0 * unit + 3.0 * unit * unit);
    // A product is rounded by itself, with what underflow takes.
    let one = sum(&[both], true);
    assert_eq!(
        (one.any.to_f64(), one.stated.to_f64()),
        (both * unit, both * unit)
    );
    assert_eq!(sum(&[2.0], true).any, 0.0);
    let small = 2f64.powi(-15) * both;
    let one = sum(&[small], true);
    assert_eq!(one.any, small * unit + tiny);
    // Terms of one sign keep it, others do not.
    let ends = |terms: &[f64]| {
        let range = sum(terms, false).range;
        (range.inf.to_f64(), range.sup.to_f64())
    };
    let wide = ends(&[1.0, 1.0, -2.0]);
    assert!(wide.0 < 0.0 && wide.1 > 0.0);
}

#[test]
fn of_a_sum_that_may_overflow_on_the_way_nothing_is_known() {
    let ctx = enclosures(ArithmeticName::F16);
    let sum = |terms: &[f64]| {
        let mut out = ctx.zero();
        let terms: Vec<_> = terms.iter().map(|x| point(&ctx, *x)).collect();
        ctx.sum(&mut out, terms.iter());
        (out.range.inf.to_f64(), out.range.sup.to_f64())
    };
    let everything = (f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(sum(&[60000.0, 60000.0, -60000.0]), everything);
    let (inf, sup) = sum(&[20000.0, 10000.0, -25000.0]);
    assert!(4900.0 < inf && sup < 5100.0, "{inf} {sup}");
}

#[test]
fn orders_are_those_of_the_ranges() {
    let ctx = enclosures(ArithmeticName::F32);
    let (one, two) = (point(&ctx, 1.0), point(&ctx, 2.0));
    for (x, y, less, less_equal) in [
        (&one, &two, true, true),
        (&two, &one, false, false),
        (&one, &one, false, true),
    ] {
        assert_eq!(ctx.less(x, y), Ok(less));
        assert_eq!(ctx.less_equal(x, y), Ok(less_equal));
    }
}

#[test]
fn constants_beyond_the_range_are_none() {
    let ctx = enclosures(ArithmeticName::F16);
    let of = |text: &str| ctx.from_surd(&text.parse().unwrap());
    assert!(of("65504").is_ok() && of("65536").is_err());
    assert!(of("sqrt(2)").is_ok());
    // The square would overflow on the way.
    assert!(of("1024*sqrt(2)").is_err());
    for text in [
        "sqrt(2)",
        "-1/3*sqrt(5)",
        "1/512*sqrt(3)",
        "1/4096*sqrt(2)",
        "1/65536*sqrt(7)",
    ] {
        let found = F16.from_surd(&text.parse().unwrap());
        assert!(
            admits(&ctx, &of(text), &found),
            "{text}: {:?} {found:?}",
            of(text)
        );
    }
}

/// A number of a ball, rounded by the format, is in the enclosure and within the error of the
/// exact number.
fn in_ball<F: MachineFloat>(ctx: Machine<F>, [centre, radius, at]: &[Ratio; 3], root: &Surd) {
    let times_root = |q: &Ratio| root.checked_mul(&Surd::rational(q.clone())).unwrap();
    let number = times_root(&(centre + radius * at));
    let wide = enclosures(ctx.name());
    // A radius has no sign, whatever the root has.
    let size = match times_root(radius) {
        radius if radius.is_negative() => radius.checked_mul(&Surd::from(-1)).unwrap(),
        radius => radius,
    };
    let ball = wide.from_ball(&times_root(centre), &size);
    let found = ctx.from_surd(&number);
    assert!(
        admits(&wide, &ball, &found),
        "{number} in {}: {ball:?}",
        ctx.name()
    );
    if let (Ok(ball), Ok(found)) = (ball, found) {
        let precise = MpIntervals::new(600);
        let mut apart = precise.zero();
        let found = precise.from_f64(found.widen()).unwrap();
        precise.sub(&mut apart, &precise.from_surd(&number).unwrap(), &found);
        let (inf, sup) = (apart.inf().clone().abs(), apart.sup().clone().abs());
        let off = if inf > sup { inf } else { sup };
        assert!(
            off <= ball.any,
            "{number} in {}: {off}, {ball:?}",
            ctx.name()
        );
    }
}

fn cases() -> u32 {
    let factor = std::env::var("LORA_GAUGE_CASES").ok();
    2000 * factor.map_or(1, |text| text.parse::<u32>().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]
    #[test]
    fn no_number_of_a_ball_escapes(
        (mantissa, exponent) in (-4096i64..=4096, -30i32..16),
        radius in 0i64..64,
        at in -8i64..=8,
        root in prop::sample::select(vec!["1", "-1", "sqrt(3)", "-1/3*sqrt(5)", "1/4096*sqrt(2)"]),
    ) {
        let unit = FloatModel::power_of_two(i64::from(exponent));
        let centre = &unit * Ratio::from_integer(mantissa.into());
        let radius = &unit * Ratio::from_integer(radius.into());
        let numbers = [centre, radius, Ratio::new(at.into(), 8.into())];
        let root: Surd = root.parse().unwrap();
        in_ball(F32, &numbers, &root);
        in_ball(F64, &numbers, &root);
        in_ball(BF16, &numbers, &root);
        in_ball(F16, &numbers, &root);
    }

    #[test]
    fn no_result_of_a_format_escapes(
        bits in prop::collection::vec(any::<u64>(), 2..10),
        kinds in prop::collection::vec(any::<u8>(), 10),
        alike in any::<bool>(),
    ) {
        // Terms of one size cancel and round more than others.
        let kinds = if alike { vec![kinds[0]; 10] } else { kinds };
        each_operation(F32, &bits, &kinds);
        each_operation(F64, &bits, &kinds);
        each_operation(BF16, &bits, &kinds);
        each_operation(F16, &bits, &kinds);
        for sums in [Accumulator::F32, Accumulator::Exact] {
            each_operation(BF16::accumulating(sums), &bits, &kinds);
            each_operation(F16::accumulating(sums), &bits, &kinds);
        }
    }
}
