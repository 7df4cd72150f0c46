//! The names of the arithmetics and the step from a name to a context.

use std::fmt;
use std::str::FromStr;

use super::{Accumulator, Arithmetic, BF16, F16, F32, F64, F64Intervals, Prime};
#[cfg(feature = "mp")]
use super::{Mp, MpIntervals, Rational};

/// The arithmetic a user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ArithmeticName {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// bfloat16, every operation rounded.
    Bf16,
    /// IEEE 754 binary16, every operation rounded.
    F16,
    /// bfloat16 with sums and matrix products kept in something wider.
    Bf16Sums(Accumulator),
    /// binary16, likewise.
    F16Sums(Accumulator),
    /// Binary floating point with this many significand bits and a practically unbounded
    /// exponent (MPFR).
    Mp(u32),
    /// Exact rationals (GMP).
    Rational,
    /// Intervals whose end points are binary floating-point numbers with this many significand
    /// bits (MPFR), rounded outward.
    Interval(u32),
    /// Intervals whose end points are binary64 numbers, rounded outward.
    IntervalF64,
    /// The field of residues modulo 2⁶¹ − 1.
    Prime,
    /// An arithmetic of another crate. Nothing but its name is known of it, and it is not to be
    /// had by name.
    Other(&'static str),
}

impl ArithmeticName {
    /// `true` if elements are enclosures, not numbers.
    pub fn is_enclosure(self) -> bool {
        matches!(self, Self::Interval(_) | Self::IntervalF64)
    }
}

/// The smallest precision of `mp:BITS` and `interval:BITS`.
pub const MIN_MP_BITS: u32 = 2;
/// The largest precision of both; beyond it a single product takes seconds.
pub const MAX_MP_BITS: u32 = 1 << 24;

impl fmt::Display for ArithmeticName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::Bf16 => f.write_str("bf16"),
            Self::F16 => f.write_str("f16"),
            Self::Bf16Sums(accumulator) => write!(f, "bf16/{}", accumulator.name()),
            Self::F16Sums(accumulator) => write!(f, "f16/{}", accumulator.name()),
            Self::Mp(bits) => write!(f, "mp:{bits}"),
            Self::Rational => f.write_str("rational"),
            Self::Interval(bits) => write!(f, "interval:{bits}"),
            Self::IntervalF64 => f.write_str("interval"),
            Self::Prime => f.write_str("prime"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// A name that stands for no arithmetic of this build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownArithmetic {
    /// No arithmetic has this name.
    #[error(
        "unknown arithmetic `{0}`: expected f32, f64, bf16, f16 (or bf16/f32, bf16/exact, f16/f32, f16/exact: what sums are kept in), mp:BITS (for instance mp:256), interval, interval:BITS, rational or prime"
    )]
    Name(String),
    /// The number of bits is missing, not a number, or out of range.
    #[error("`{found}`: expected {kind}:BITS with BITS from {MIN_MP_BITS} to {MAX_MP_BITS}")]
    Bits {
        /// `mp` or `interval`.
        kind: &'static str,
        /// The text that was given.
        found: String,
    },
    /// The build leaves GMP and MPFR out.
    #[error(
        "`{0}` needs the feature `mp`, which this build leaves out; f32, f64, bf16, f16, interval and prime are there"
    )]
    NotBuilt(ArithmeticName),
}

impl FromStr for ArithmeticName {
    type Err = UnknownArithmetic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "interval" {
            return Ok(Self::IntervalF64);
        }
        let (kind, bits) = text.split_once(':').unwrap_or((text, ""));
        if let Some(kind) = ["mp", "interval"].into_iter().find(|k| *k == kind) {
            let bits = bits.parse::<u32>().ok();
            let bits = bits.filter(|bits| (MIN_MP_BITS..=MAX_MP_BITS).contains(bits));
            let name = if kind == "mp" {
                Self::Mp
            } else {
                Self::Interval
            };
            return bits.map(name).ok_or_else(|| UnknownArithmetic::Bits {
                kind,
                found: text.to_owned(),
            });
        }
        match text {
            "f32" => Ok(Self::F32),
            "f64" => Ok(Self::F64),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            "bf16/f32" => Ok(Self::Bf16Sums(Accumulator::F32)),
            "bf16/exact" => Ok(Self::Bf16Sums(Accumulator::Exact)),
            "f16/f32" => Ok(Self::F16Sums(Accumulator::F32)),
            "f16/exact" => Ok(Self::F16Sums(Accumulator::Exact)),
            "rational" => Ok(Self::Rational),
            "prime" => Ok(Self::Prime),
            _ => Err(UnknownArithmetic::Name(text.to_owned())),
        }
    }
}

/// A computation that is generic over the arithmetic, to be run in one chosen by name.
pub trait WithArithmetic {
    /// The result of the computation.
    type Output;
    /// Runs the computation in `ctx`.
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output;
}

/// Runs `task` in the arithmetic called `name`.
///
/// # Errors
/// [`UnknownArithmetic::NotBuilt`] when the build has no GMP and MPFR,
/// [`UnknownArithmetic::Name`] for an arithmetic of another crate.
pub fn with_arithmetic<T: WithArithmetic>(
    name: ArithmeticName,
    task: T,
) -> Result<T::Output, UnknownArithmetic> {
    match name {
        ArithmeticName::F32 => Ok(task.call(F32)),
        ArithmeticName::F64 => Ok(task.call(F64)),
        ArithmeticName::Bf16 => Ok(task.call(BF16)),
        ArithmeticName::F16 => Ok(task.call(F16)),
        ArithmeticName::Bf16Sums(accumulator) => Ok(task.call(BF16::accumulating(accumulator))),
        ArithmeticName::F16Sums(accumulator) => Ok(task.call(F16::accumulating(accumulator))),
        ArithmeticName::Prime => Ok(task.call(Prime)),
        ArithmeticName::IntervalF64 => Ok(task.call(F64Intervals::new())),
        ArithmeticName::Other(name) => Err(UnknownArithmetic::Name(name.to_owned())),
        #[cfg(feature = "mp")]
        ArithmeticName::Mp(bits) => Ok(task.call(Mp::new(bits))),
        #[cfg(feature = "mp")]
        ArithmeticName::Rational => Ok(task.call(Rational)),
        #[cfg(feature = "mp")]
        ArithmeticName::Interval(bits) => Ok(task.call(MpIntervals::new(bits))),
        #[cfg(not(feature = "mp"))]
        ArithmeticName::Mp(_) | ArithmeticName::Rational | ArithmeticName::Interval(_) => {
            Err(UnknownArithmetic::NotBuilt(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Own;
    impl WithArithmetic for Own {
        type Output = ArithmeticName;
        fn call<A: Arithmetic>(self, ctx: A) -> ArithmeticName {
            ctx.name()
        }
    }

    #[test]
    fn names_lead_to_the_arithmetic_that_has_them() {
        let plain = ["f32", "f64", "bf16", "f16", "prime", "interval"];
        let sums = ["bf16/f32", "bf16/exact", "f16/f32", "f16/exact"];
        let with_mp = ["rational", "mp:2", "mp:113", "interval:53"];
        for text in plain.into_iter().chain(sums).chain(with_mp) {
            let name: ArithmeticName = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            match with_arithmetic(name, Own) {
                Ok(own) => assert_eq!(own, name),
                Err(_) => assert!(!cfg!(feature = "mp") && with_mp.contains(&text)),
            }
        }
        for wrong in [
            "bf16/f64",
            "bf16/",
            "f32/exact",
            "interval:",
            "interval/f64",
            "Bf16",
        ] {
            assert!(wrong.parse::<ArithmeticName>().is_err(), "{wrong}");
        }
    }
}
