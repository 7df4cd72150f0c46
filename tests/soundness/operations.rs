//! One operation on intervals and the same in MPFR at 400 bits on numbers from inside. The tests
//! here draw operands at random; `fuzz/` searches for them.

use lora_gauge::arith::{
    Arithmetic, F64Intervals, FloatFormat, Function, Interval, MpIntervals, OpError,
};
use rug::float::Round;
use rug::{Assign, Float, ops::Pow};

/// The precision of what intervals are compared with.
pub const BITS: u32 = 400;

/// An arithmetic whose end points can be had from, and given as, MPFR's numbers.
pub trait Enclosing: Arithmetic<Elem = Interval<Self::End>> {
    type End: Clone + Send;
    fn end(&self, x: &Float, round: Round) -> Self::End;
    fn exact(&self, x: &Self::End) -> Float;
    fn interval(&self, inf: Self::End, sup: Self::End) -> Option<Interval<Self::End>>;
}

impl Enclosing for F64Intervals {
    type End = f64;
    fn end(&self, x: &Float, round: Round) -> f64 {
        x.to_f64_round(round)
    }
    fn exact(&self, x: &f64) -> Float {
        Float::with_val(BITS, *x)
    }
    fn interval(&self, inf: f64, sup: f64) -> Option<Interval<f64>> {
        self.of(inf, sup)
    }
}

impl Enclosing for MpIntervals {
    type End = Float;
    fn end(&self, x: &Float, round: Round) -> Float {
        let bits = self.zero().inf().prec();
        Float::with_val_round(bits, x, round).0
    }
    fn exact(&self, x: &Float) -> Float {
        Float::with_val(BITS, x)
    }
    fn interval(&self, inf: Float, sup: Float) -> Option<Interval<Float>> {
        self.of(inf, sup)
    }
}

/// A number of `x` with at most `BITS` bits: an end point, 0 or the one next to it, or the one at
/// `place` · 2⁻⁶⁴ of the way between.
pub fn inside<C: Enclosing>(ctx: &C, x: &Interval<C::End>, choice: u64, place: u64) -> Float {
    let (inf, sup) = (ctx.exact(x.inf()), ctx.exact(x.sup()));
    let zero = Float::new(BITS);
    let mut p = match choice {
        0 if inf.is_finite() => inf.clone(),
        1 if sup.is_finite() => sup.clone(),
        2 => zero,
        _ => {
            let finite = |x: &Float, other: &Float, side: i32| match (x.is_finite(), other) {
                (true, _) => x.clone(),
                (false, o) if o.is_finite() => Float::with_val(BITS, o + side * 1000),
                _ => Float::with_val(BITS, side * 1000),
            };
            let (low, high) = (finite(&inf, &sup, -1), finite(&sup, &inf, 1));
            let t = Float::with_val(BITS, place) >> 64u32;
            let width = Float::with_val(BITS, &high - &low);
            low + width * t
        }
    };
    if p < inf {
        p.assign(&inf);
    }
    if p > sup {
        p.assign(&sup);
    }
    p
}

/// The operations, by their numbers.
pub const NAMES: [&str; 25] = [
    "add",
    "sub",
    "mul",
    "div",
    "sqrt",
    "square",
    "neg",
    "abs",
    "min",
    "max",
    "power",
    "sign",
    "accumulate",
    "mul_add",
    "to bf16",
    "to f16",
    "to f32",
    "exp",
    "ln",
    "cos_pi",
    "tanh",
    "normal_cdf",
    "normal_density",
    "atan2",
    "sum of three",
];

/// The operation on intervals, and the same on numbers: nearly, with 400 bits, and exactly for
/// end points. `None` for what the numbers have no answer to.
pub fn apply<C: Enclosing>(
    ctx: &C,
    operation: usize,
    n: u32,
    (x, y): (&Interval<C::End>, &Interval<C::End>),
    (p, q): (&Float, &Float),
) -> (Result<Interval<C::End>, OpError>, Option<Float>) {
    let mut out = ctx.zero();
    let val = |v| Some(Float::with_val(BITS, v));
    let function = |f: Function| f as usize + 17;
    let mut done = Ok(());
    let value = match operation {
        0 => {
            ctx.add(&mut out, x, y);
            Some(Float::with_val(BITS, p + q))
        }
        1 => {
            ctx.sub(&mut out, x, y);
            Some(Float::with_val(BITS, p - q))
        }
        2 => {
            ctx.mul(&mut out, x, y);
            Some(Float::with_val(BITS, p * q))
        }
        3 => {
            done = ctx.div(&mut out, x, y);
            (!q.is_zero()).then(|| Float::with_val(BITS, p / q))
        }
        4 => {
            done = ctx.sqrt(&mut out, x);
            (*p >= 0).then(|| Float::with_val(BITS, p.sqrt_ref()))
        }
        5 => {
            ctx.square(&mut out, x);
            Some(Float::with_val(BITS, p.square_ref()))
        }
        6 => {
            ctx.neg(&mut out, x);
            Some(Float::with_val(BITS, -p))
        }
        7 => {
            done = ctx.abs(&mut out, x);
            Some(Float::with_val(BITS, p.abs_ref()))
        }
        8 => {
            done = ctx.min(&mut out, x, y);
            Some(if p < q { p.clone() } else { q.clone() })
        }
        9 => {
            done = ctx.max(&mut out, x, y);
            Some(if p > q { p.clone() } else { q.clone() })
        }
        10 => {
            done = ctx.power(&mut out, x, n.into());
            Some(Float::with_val(BITS, p.pow(n)))
        }
        11 => {
            done = ctx.sign(&mut out, x);
            val(p.cmp0().map_or(0, |o| o as i32))
        }
        12 => {
            ctx.set(&mut out, x);
            ctx.accumulate(&mut out, y);
            Some(Float::with_val(BITS, p + q))
        }
        13 => {
            ctx.set(&mut out, x);
            ctx.mul_add(&mut out, x, y, &mut ctx.zero());
            let product = Float::with_val(2 * BITS, p * q);
            Some(Float::with_val(BITS, p + product))
        }
        14..=16 => {
            let format = FloatFormat::ALL[operation - 14];
            done = ctx.cast(&mut out, x, format);
            let near = p.is_zero() || p.get_exp().is_some_and(|e| e > -1000);
            match (near, p.to_rational()) {
                (false, _) => Some(Float::new(BITS)),
                (true, Some(q)) if p.get_exp().is_none_or(|e| e < 200) => {
                    let exact = lora_gauge::arith::Rational.to_ratio(&q);
                    exact
                        .and_then(|q| format.round(&q))
                        .map(|x| Float::with_val(BITS, x))
                }
                _ => None,
            }
        }
        _ if operation == function(Function::Exp) => {
            done = ctx.function(Function::Exp, &mut out, x);
            Some(Float::with_val(BITS, p.exp_ref()))
        }
        _ if operation == function(Function::Ln) => {
            done = ctx.function(Function::Ln, &mut out, x);
            (*p > 0).then(|| Float::with_val(BITS, p.ln_ref()))
        }
        _ if operation == function(Function::CosPi) => {
            done = ctx.function(Function::CosPi, &mut out, x);
            Some(Float::with_val(BITS, p.cos_pi_ref()))
        }
        _ if operation == function(Function::Tanh) => {
            done = ctx.function(Function::Tanh, &mut out, x);
            Some(Float::with_val(BITS, p.tanh_ref()))
        }
        _ if operation == function(Function::NormalCdf) => {
            done = ctx.function(Function::NormalCdf, &mut out, x);
            let root = Float::with_val(2 * BITS, 2).sqrt();
            let scaled = -(Float::with_val(2 * BITS, p) / root);
            Some(Float::with_val(BITS, scaled.erfc()) / 2u32)
        }
        _ if operation == function(Function::NormalDensity) => {
            done = ctx.function(Function::NormalDensity, &mut out, x);
            let square = Float::with_val(2 * BITS, p.square_ref()) / -2i32;
            let turn = Float::with_val(2 * BITS, rug::float::Constant::Pi) * 2u32;
            Some(Float::with_val(BITS, square.exp() / turn.sqrt()))
        }
        23 => {
            done = ctx.atan2(&mut out, x, y);
            // A zero has no sign here.
            let unsigned = |z: &Float| {
                if z.is_zero() {
                    Float::new(BITS)
                } else {
                    z.clone()
                }
            };
            Some(unsigned(p).atan2(&unsigned(q)))
        }
        _ => {
            ctx.sum(&mut out, [x, y, x].into_iter());
            let twice = Float::with_val(2 * BITS, p + q);
            // The operand that occurs twice stands for two numbers; here they are equal.
            Some(Float::with_val(BITS, twice + p))
        }
    };
    (done.map(|()| out), value)
}

/// Whether `value`, known but for 2⁻³⁰⁰ of itself, is certainly not in `x`.
pub fn escapes<C: Enclosing>(ctx: &C, x: &Interval<C::End>, value: &Float) -> bool {
    if value.is_infinite() {
        // Beyond MPFR's numbers, so beyond every finite end point.
        let end = if *value > 0 { x.sup() } else { x.inf() };
        return ctx.exact(end).is_finite();
    }
    let slack = Float::with_val(BITS, value.abs_ref()) >> 300u32;
    let (low, high) = (
        Float::with_val(BITS, value - &slack),
        Float::with_val(BITS, value + &slack),
    );
    high < ctx.exact(x.inf()) || low > ctx.exact(x.sup())
}

/// Whether an answer that is none is right: somewhere in the operands there is none.
pub fn is_excused(
    operation: usize,
    error: &OpError,
    x: (&Float, &Float),
    y: (&Float, &Float),
) -> bool {
    let largest = [2f64.powi(127), 65504.0, 2f64.powi(127)];
    let undefined_somewhere = match operation {
        3 => *y.0 <= 0 && *y.1 >= 0,
        4 => *x.0 < 0,
        18 => *x.0 <= 0,
        11 => *x.0 <= 0 && *x.1 >= 0 && x.0 != x.1,
        14..=16 => {
            let bound = largest[operation - 14];
            *x.0 < -bound || *x.1 > bound
        }
        _ => false,
    };
    undefined_somewhere && !matches!(error, OpError::Unsupported { .. })
}
