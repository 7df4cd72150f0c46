//! Ten ways in which rigorous code elsewhere was wrong, each with a test.

use lora_gauge::arith::{
    Arithmetic, ArithmeticName, BF16, F16, F64, F64Intervals, Function, Interval, MpIntervals,
    OpError, Ratio, WithArithmetic, parse_ratio, ratio_from_f64, with_arithmetic,
};
use lora_gauge::exec::{Machine, Options, Sizes, random};
use lora_gauge::graph::{Dim, StepBuilder};
use rug::Float;
use rug::float::Round;

const CTX: F64Intervals = F64Intervals::new();
const INFINITE: f64 = f64::INFINITY;

fn of(inf: f64, sup: f64) -> Interval<f64> {
    CTX.of(inf, sup).expect("an interval")
}

fn q(text: &str) -> Ratio {
    parse_ratio(text).expect("a number")
}

fn exact(x: f64) -> Ratio {
    ratio_from_f64(x).expect("finite")
}

/// The result of an operation that writes into an element.
fn get(
    op: impl FnOnce(&mut Interval<f64>) -> Result<(), OpError>,
) -> Result<Interval<f64>, OpError> {
    let mut out = CTX.zero();
    op(&mut out).map(|()| out)
}

fn function(f: Function, x: Interval<f64>) -> Result<Interval<f64>, OpError> {
    get(|o| CTX.function(f, o, &x))
}

#[test]
fn mistake_1_end_points_rounded_to_nearest() {
    for text in ["1/3", "2/3", "0.1", "-0.1", "1e-400", "-1e400"] {
        let x = CTX.from_ratio(&q(text)).expect(text);
        assert!(x.inf() < x.sup(), "{text}");
        assert!(!x.inf().is_finite() || exact(*x.inf()) < q(text), "{text}");
        assert!(!x.sup().is_finite() || q(text) < exact(*x.sup()), "{text}");
    }
    let mut tenth = CTX.zero();
    CTX.mul(&mut tenth, &of(0.1, 0.1), &of(0.1, 0.1));
    let product = exact(0.1) * exact(0.1);
    assert!(exact(*tenth.inf()) < product && product < exact(*tenth.sup()));
}

#[test]
fn mistake_2_conversions_that_round_inward() {
    let wide = MpIntervals::new(200);
    for text in ["1/3", "-1/3", "1e-330", "-1e-330", "1e310", "-1e310"] {
        let fine = wide.from_ratio(&q(text)).expect(text);
        let x = wide.to_f64_interval(&fine);
        assert!(x.inf() <= fine.inf() && fine.sup() <= x.sup(), "{text}");
        assert!(x.inf() < x.sup(), "{text}");
    }
    // Text is a conversion too.
    let third = CTX.from_ratio(&q("1/3")).expect("a third");
    let text = CTX.show(&third);
    let (inf, sup) = text
        .trim_matches(['[', ']'])
        .split_once(", ")
        .expect("two ends");
    assert!(q(inf) <= exact(*third.inf()) && exact(*third.sup()) <= q(sup));
}

#[test]
fn mistake_3_a_radius_not_rounded_up() {
    let tiny = f64::from_bits(1);
    for (inf, sup) in [
        (1.0, 1.0 + f64::EPSILON),
        (-tiny, 0.0),
        (-1.0, tiny),
        (-f64::MAX, f64::MAX),
        (-tiny, f64::MAX),
        (0.1, 0.7),
        (-0.3, 1e-20),
    ] {
        let radius = exact(CTX.radius(&of(inf, sup)));
        assert!(
            &radius + &radius >= exact(sup) - exact(inf),
            "{inf:e} {sup:e}"
        );
    }
    let wide = MpIntervals::new(200);
    let third = wide.from_ratio(&q("1/3")).expect("a third");
    let width = Float::with_val(400, third.sup() - third.inf());
    assert!(2.0 * wide.radius(&third) >= width.to_f64_round(Round::Up));
}

#[test]
fn mistake_4_hulls_of_corners_across_poles_and_signs() {
    let (one, around) = (of(1.0, 1.0), of(-1.0, 2.0));
    let across = get(|o| CTX.div(o, &one, &around));
    assert!(matches!(across, Err(OpError::Undecided(_))));
    let mut square = CTX.zero();
    CTX.square(&mut square, &around);
    assert_eq!(square, of(0.0, 4.0));
    let even = get(|o| CTX.power(o, &around, 4)).expect("a power");
    assert_eq!(even, of(0.0, 16.0));
    assert_eq!(get(|o| CTX.abs(o, &around)), Ok(of(0.0, 2.0)));
    let wave = function(Function::CosPi, of(-0.25, 0.25)).expect("a cosine");
    assert_eq!(*wave.sup(), 1.0);
    let bell = function(Function::NormalDensity, of(-1.0, 1.0)).expect("a density");
    assert!(*bell.sup() > 0.39);
    // Angles jump at the negative half of the first axis.
    let angle = get(|o| CTX.atan2(o, &of(-1.0, 1.0), &of(-2.0, -1.0))).expect("an angle");
    assert!(*angle.inf() < -3.1 && *angle.sup() > 3.1);
}

#[test]
fn mistake_5_zero_times_infinity() {
    let (zero, all) = (of(0.0, 0.0), of(-INFINITE, INFINITE));
    let mut out = CTX.zero();
    for unbounded in [all, of(0.0, INFINITE), of(-INFINITE, -1.0)] {
        for zero in [zero, of(-0.0, 0.0), of(-0.0, -0.0)] {
            CTX.mul(&mut out, &zero, &unbounded);
            assert_eq!(out, of(0.0, 0.0));
        }
    }
    CTX.mul(&mut out, &of(0.0, 1.0), &all);
    assert_eq!(out, all);
    CTX.mul(&mut out, &of(0.0, 1.0), &of(2.0, INFINITE));
    assert_eq!(out, of(0.0, INFINITE));
    // A number in question is contained, so nothing is refuted.
    assert!(CTX.same(&out, &of(5.0, 5.0)).is_err());
    let (mut wide, ctx) = (MpIntervals::new(53).zero(), MpIntervals::new(53));
    let infinite = Float::with_val(53, INFINITE);
    let half_line = ctx.of(Float::new(53), infinite).expect("an interval");
    ctx.mul(&mut wide, &ctx.zero(), &half_line);
    assert!(*wide.inf() == 0 && *wide.sup() == 0);
}

#[test]
fn mistake_6_intervals_that_do_not_round_at_all() {
    struct ThirdAndBack;
    impl WithArithmetic for ThirdAndBack {
        type Output = (bool, bool);
        fn call<A: Arithmetic>(self, ctx: A) -> (bool, bool) {
            let of = |n: i64| {
                ctx.from_ratio(&Ratio::from_integer(n.into()))
                    .expect("small")
            };
            let (mut third, mut back) = (ctx.zero(), ctx.zero());
            ctx.div(&mut third, &of(1), &of(3)).expect("not by 0");
            ctx.mul(&mut back, &third, &of(3));
            (
                ctx.to_ratio(&third).is_some(),
                ctx.same(&back, &of(1)).is_ok(),
            )
        }
    }
    for name in ["interval", "interval:2", "interval:53", "interval:1000"] {
        let name: ArithmeticName = name.parse().expect("a name");
        let answer = with_arithmetic(name, ThirdAndBack).expect("a build with MPFR");
        assert_eq!(answer, (false, false), "{name}");
    }
}

#[test]
fn mistake_7_a_routine_that_is_not_correctly_rounded() {
    // The C library's functions are a bit off here and there; enclosures must not be.
    for f in [Function::Exp, Function::Tanh, Function::NormalCdf] {
        for i in -300..300 {
            let x = f64::from(i) / 17.0;
            let found = function(f, of(x, x)).expect("a value");
            let fine = MpIntervals::new(300);
            let (mut value, point) = (fine.zero(), fine.from_f64(x).expect("finite"));
            fine.function(f, &mut value, &point).expect("a value");
            assert!(
                *found.inf() <= *value.inf() && *value.sup() <= *found.sup(),
                "{f:?}({x})"
            );
        }
    }
    // The crate `half` looks for ties in the upper half of a binary64 number only.
    let hair = 2f64.powi(-40);
    let bf16 = BF16.from_f64(1.0 + 2f64.powi(-8) + hair).expect("finite");
    assert_eq!(bf16.to_f64(), 1.0 + 2f64.powi(-7));
    let f16 = F16.from_f64(1.0 + 2f64.powi(-11) + hair).expect("finite");
    assert_eq!(f16.to_f64(), 1.0 + 2f64.powi(-10));
    // A product whose error underflows, where a fused multiply-add says 0.
    let (x, y) = (
        1.5 * 2f64.powi(-600),
        (1.0 + f64::EPSILON) * 2f64.powi(-470),
    );
    let mut out = CTX.zero();
    CTX.mul(&mut out, &of(x, x), &of(y, y));
    assert!(exact(*out.inf()) < exact(x) * exact(y) && exact(x) * exact(y) < exact(*out.sup()));
}

#[test]
fn mistake_8_answers_at_the_edge_of_a_domain() {
    let root = |inf, sup| get(|o| CTX.sqrt(o, &of(inf, sup)));
    let ln = |inf, sup| function(Function::Ln, of(inf, sup));
    assert_eq!(root(0.0, 4.0), Ok(of(0.0, 2.0)));
    assert_eq!(root(-0.0, 0.0), Ok(of(0.0, 0.0)));
    assert!(matches!(root(-1.0, 4.0), Err(OpError::Undecided(_))));
    assert!(matches!(root(-1.0, -0.5), Err(OpError::Undefined(_))));
    assert!(matches!(
        root(-f64::from_bits(1), 0.0),
        Err(OpError::Undecided(_))
    ));
    assert!(matches!(ln(0.0, 1.0), Err(OpError::Undecided(_))));
    assert!(matches!(ln(-1.0, 0.0), Err(OpError::Undefined(_))));
    let low = ln(f64::from_bits(1), 1.0).expect("a logarithm");
    assert!(*low.inf() < -744.0 && *low.sup() == 0.0);
    let divide = |y| get(|o| CTX.div(o, &of(1.0, 1.0), &y));
    assert!(matches!(divide(of(0.0, 0.0)), Err(OpError::Undefined(_))));
    assert!(matches!(divide(of(0.0, 1.0)), Err(OpError::Undecided(_))));
    assert!(matches!(divide(of(-1.0, -0.0)), Err(OpError::Undecided(_))));
    assert_eq!(divide(of(1.0, INFINITE)), Ok(of(0.0, 1.0)));
    for (inf, sup) in [
        (1.0, 0.0),
        (f64::NAN, 1.0),
        (0.0, f64::NAN),
        (INFINITE, INFINITE),
    ] {
        assert_eq!(CTX.of(inf, sup), None);
    }
    assert_eq!(CTX.of(-INFINITE, -INFINITE), None);
}

#[test]
fn mistake_9_comparisons_of_sets() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let point = of(1.0, 1.0);
    for (x, y, order, less, less_equal) in [
        (
            of(0.0, 1.0),
            of(2.0, 3.0),
            Some(Less),
            Some(true),
            Some(true),
        ),
        (
            of(2.0, 3.0),
            of(0.0, 1.0),
            Some(Greater),
            Some(false),
            Some(false),
        ),
        (of(0.0, 1.0), of(1.0, 2.0), None, None, Some(true)),
        (of(1.0, 2.0), of(0.0, 1.0), None, Some(false), None),
        (of(0.0, 2.0), of(1.0, 3.0), None, None, None),
        (of(0.0, 2.0), of(0.0, 2.0), None, None, None),
        (point, point, Some(Equal), Some(false), Some(true)),
        (
            of(-0.0, -0.0),
            of(0.0, 0.0),
            Some(Equal),
            Some(false),
            Some(true),
        ),
    ] {
        assert_eq!(CTX.compare(&x, &y).ok(), order);
        assert_eq!(CTX.less(&x, &y).ok(), less);
        assert_eq!(CTX.less_equal(&x, &y).ok(), less_equal);
        assert_eq!(CTX.same(&x, &y).ok(), order.map(|o| o == Equal));
    }
    assert!(matches!(
        get(|o| CTX.sign(o, &of(-1.0, 1.0))),
        Err(OpError::Undecided(_))
    ));
    assert!(matches!(
        get(|o| CTX.sign(o, &of(0.0, 1.0))),
        Err(OpError::Undecided(_))
    ));
}

#[test]
fn mistake_10_algebra_without_its_side_condition() {
    // An operand that occurs twice counts as two.
    let x = of(1.0, 2.0);
    assert_eq!(get(|o| CTX.div(o, &x, &x)), Ok(of(0.5, 2.0)));
    let mut zero = CTX.zero();
    CTX.sub(&mut zero, &x, &x);
    assert_eq!(zero, of(-1.0, 1.0));
    // A quotient of a quantity by itself stays in the graph, and has no value at 0.
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    let loss = p / p;
    step.set_loss(loss);
    step.update(p, p);
    let step = step.finish().expect("a step");
    let sizes = Sizes::default();
    let draw = |_: &str| random::Draw::Zeros;
    let values = random::values(&step, &sizes, 1, draw).expect("values");
    let mut machine =
        Machine::new(F64, &step, &sizes, &values, &Options::default()).expect("a plan");
    assert!(machine.forward().is_err());
}
