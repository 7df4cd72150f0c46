//! Elements to try the laws on, with more of those where arithmetics go wrong: zeros of either
//! sign, subnormal, huge and tiny numbers, and numbers whose sums and products fall exactly
//! between two floats.

use num_bigint::BigInt;
use num_traits::One;
use proptest::prelude::*;
#[cfg(feature = "mp")]
use rug::{Float, float::Special};

use super::super::*;

/// Which laws hold in an arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A field without rounding.
    Exact {
        /// Whether it is ordered.
        ordered: bool,
    },
    /// Binary floating point, to nearest, ties to even.
    Float(Format),
    /// Intervals, rounded outward.
    Enclosure,
}

/// The numbers `m · 2^e` with `|m| < 2^precision` and `e ≥ emin`, below `2^emax`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Significand bits.
    pub precision: u32,
    /// The smallest exponent; `None` when there is practically none.
    pub emin: Option<i64>,
    /// The bound on the size; `None` when there is practically none.
    pub emax: Option<i64>,
}

/// An arithmetic that the suite can test.
pub trait Lawful: Arithmetic {
    /// What to expect of it.
    fn kind(&self) -> Kind;
    /// Elements to try.
    fn elements(&self) -> BoxedStrategy<Self::Elem>;
}

/// `2^e`.
pub fn power_of_two(e: i64) -> Ratio {
    let power = BigInt::one() << e.unsigned_abs();
    if e < 0 {
        Ratio::new(BigInt::one(), power)
    } else {
        Ratio::from_integer(power)
    }
}

/// Exponents within which elements of an unbounded format are drawn.
const RANGE: i64 = 400;

fn floats<A: Arithmetic>(ctx: &A, format: Format) -> BoxedStrategy<A::Elem> {
    let p = i64::from(format.precision);
    let (low, high) = (
        format.emin.unwrap_or(-RANGE),
        format.emax.unwrap_or(RANGE) - p,
    );
    let mask = u128::MAX >> (128 - format.precision.min(128));
    let significand = prop_oneof![
        4 => any::<u128>().prop_map(move |m| m & mask),
        4 => 1u128..16,
        1 => Just(mask),
        1 => Just(mask - 1),
        1 => Just((mask >> 1) + 2),
    ];
    let exponent = prop_oneof![
        4 => -3i64..4,
        3 => prop::sample::select(vec![-p - 2, -p - 1, -p, 1 - p, p - 1, p, p + 1]),
        1 => low..low + p + 3,
        1 => high - p - 3..high + 1,
        1 => low..high + 1,
    ];
    let context = ctx.clone();
    let numbers = (any::<bool>(), significand, exponent).prop_filter_map(
        "beyond the largest number",
        move |(negative, m, e)| {
            let magnitude = Ratio::from_integer(BigInt::from(m)) * power_of_two(e);
            let q = if negative { -magnitude } else { magnitude };
            context.from_ratio(&q).ok()
        },
    );
    let zero = ctx.zero();
    let mut minus_zero = ctx.zero();
    ctx.neg(&mut minus_zero, &zero);
    prop_oneof![30 => numbers, 1 => Just(zero), 1 => Just(minus_zero)].boxed()
}

/// Rationals: small, large, and close to each other.
pub fn ratios() -> BoxedStrategy<Ratio> {
    let part = || {
        prop_oneof![
            3 => (-20i64..20).prop_map(BigInt::from),
            1 => any::<i64>().prop_map(BigInt::from),
            1 => any::<i128>().prop_map(BigInt::from),
        ]
    };
    (part(), part(), prop_oneof![3 => Just(0), 1 => -160i64..160])
        .prop_map(|(num, den, e)| {
            let den = if den == BigInt::ZERO {
                BigInt::one()
            } else {
                den
            };
            Ratio::new(num, den) * power_of_two(e)
        })
        .boxed()
}

const BFLOAT16: Format = Format {
    precision: 8,
    emin: Some(-133),
    emax: Some(128),
};
const BINARY16: Format = Format {
    precision: 11,
    emin: Some(-24),
    emax: Some(16),
};
const BINARY32: Format = Format {
    precision: 24,
    emin: Some(-149),
    emax: Some(128),
};
const BINARY64: Format = Format {
    precision: 53,
    emin: Some(-1074),
    emax: Some(1024),
};

impl Lawful for F32 {
    fn kind(&self) -> Kind {
        Kind::Float(BINARY32)
    }
    fn elements(&self) -> BoxedStrategy<f32> {
        floats(self, BINARY32)
    }
}

impl Lawful for F64 {
    fn kind(&self) -> Kind {
        Kind::Float(BINARY64)
    }
    fn elements(&self) -> BoxedStrategy<f64> {
        floats(self, BINARY64)
    }
}

impl Lawful for BF16 {
    fn kind(&self) -> Kind {
        Kind::Float(BFLOAT16)
    }
    fn elements(&self) -> BoxedStrategy<Self::Elem> {
        floats(self, BFLOAT16)
    }
}

impl Lawful for F16 {
    fn kind(&self) -> Kind {
        Kind::Float(BINARY16)
    }
    fn elements(&self) -> BoxedStrategy<Self::Elem> {
        floats(self, BINARY16)
    }
}

impl Lawful for Prime {
    fn kind(&self) -> Kind {
        Kind::Exact { ordered: false }
    }
    fn elements(&self) -> BoxedStrategy<u64> {
        prop_oneof![
            4 => 0..MODULUS,
            1 => 0u64..4,
            1 => MODULUS - 4..MODULUS,
        ]
        .boxed()
    }
}

#[cfg(feature = "mp")]
impl Lawful for Mp {
    fn kind(&self) -> Kind {
        Kind::Float(Format {
            precision: self.bits(),
            emin: None,
            emax: None,
        })
    }
    fn elements(&self) -> BoxedStrategy<<Self as Arithmetic>::Elem> {
        match self.kind() {
            Kind::Float(format) => floats(self, format),
            Kind::Exact { .. } | Kind::Enclosure => unreachable!(),
        }
    }
}

/// Intervals: single numbers, neighbours, narrow and wide ones, and unbounded ones.
#[cfg(feature = "mp")]
impl Lawful for MpIntervals {
    fn kind(&self) -> Kind {
        Kind::Enclosure
    }
    fn elements(&self) -> BoxedStrategy<<Self as Arithmetic>::Elem> {
        let ArithmeticName::Interval(bits) = self.name() else {
            unreachable!()
        };
        let ctx = self.clone();
        (Mp::new(bits).elements(), Mp::new(bits).elements(), 0u8..9)
            .prop_map(move |(x, y, shape)| {
                let mut wider = x.clone();
                let mut zero = x.clone();
                zero -= &x;
                let (x, y) = match shape {
                    0 | 1 => (x.clone(), x),
                    // The neighbour of 0 is too long to be written out.
                    2 if !x.is_zero() => {
                        wider.next_up();
                        (x, wider)
                    }
                    3 => {
                        wider += 1u32;
                        (x, wider)
                    }
                    4 => (zero, y),
                    5 if y < 0 => (x, Float::with_val(bits, Special::NegInfinity)),
                    5 => (x, Float::with_val(bits, Special::Infinity)),
                    _ => (x, y),
                };
                let (inf, sup) = if x <= y { (x, y) } else { (y, x) };
                ctx.of_ends(inf, sup)
            })
            .boxed()
    }
}

#[cfg(feature = "mp")]
impl Lawful for F64Intervals {
    fn kind(&self) -> Kind {
        Kind::Enclosure
    }
    fn elements(&self) -> BoxedStrategy<Interval<f64>> {
        (F64.elements(), F64.elements(), 0u8..9)
            .prop_map(|(x, y, shape)| {
                let (x, y) = match shape {
                    0 | 1 => (x, x),
                    2 => (x, x.next_up()),
                    3 => (x, x + 1.0),
                    4 => (0.0, y),
                    5 if y < 0.0 => (x, f64::NEG_INFINITY),
                    5 => (x, f64::INFINITY),
                    _ => (x, y),
                };
                F64Intervals::new().of(x.min(y), x.max(y)).unwrap()
            })
            .boxed()
    }
}

#[cfg(feature = "mp")]
impl Lawful for Rational {
    fn kind(&self) -> Kind {
        Kind::Exact { ordered: true }
    }
    fn elements(&self) -> BoxedStrategy<<Self as Arithmetic>::Elem> {
        ratios()
            .prop_map(|q| Rational.from_ratio(&q).unwrap())
            .boxed()
    }
}
