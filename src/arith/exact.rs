//! Exact constants: rationals and single square roots of rationals.
//!
//! `k`, `√k` and `lr/k` are held in these forms until an arithmetic rounds them, once.

use crate::fault::{Fault, planted};
use std::fmt;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, Zero};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An exact rational number.
pub type Ratio = BigRational;

/// A text that is not an exact number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a number: expected an integer, a decimal such as 0.1 or 1e-3, a hexadecimal float such as 0x1.8p+1, or a fraction such as 9/4"
)]
pub struct ParseExactError {
    /// The text that was found.
    pub found: String,
}

/// Largest magnitude of a decimal or binary exponent that is read; a larger one would ask for
/// gigabytes of digits.
const MAX_EXPONENT: u64 = 20_000;

/// Most bits of a numerator or denominator that is read: 39,456 digits, and those of every number
/// with the largest exponent and an ordinary mantissa. Reducing a fraction takes the square of the
/// digits. No power is formed that would have more than about twice as many.
const MAX_BITS: u64 = 1 << 17;
/// Enough characters for two such numbers.
const MAX_CHARACTERS: usize = 100_000;

/// `num/den`, where both are short enough.
fn quotient(num: BigInt, den: BigInt) -> Option<Ratio> {
    let fits = num.bits().max(den.bits()) <= MAX_BITS && !den.is_zero();
    fits.then(|| Ratio::new(num, den))
}

/// Reads an integer, decimal, hexadecimal float or fraction as the exact number it denotes.
///
/// `0.1` is one tenth, not the nearest `f64`.
///
/// # Errors
/// [`ParseExactError`] naming the text.
pub fn parse_ratio(text: &str) -> Result<Ratio, ParseExactError> {
    let wrong = || ParseExactError {
        found: text.to_owned(),
    };
    let t = text.trim();
    if t.len() > MAX_CHARACTERS {
        return Err(wrong());
    }
    if let Some((num, den)) = t.split_once('/') {
        let num: BigInt = num.trim().parse().map_err(|_| wrong())?;
        let den: BigInt = den.trim().parse().map_err(|_| wrong())?;
        return quotient(num, den).ok_or_else(wrong);
    }
    let (negative, t) = match t.as_bytes().first() {
        Some(b'-') => (true, &t[1..]),
        Some(b'+') => (false, &t[1..]),
        _ => (false, t),
    };
    let hex = t.strip_prefix("0x").or_else(|| t.strip_prefix("0X"));
    let (digits, marker, radix) = match hex {
        Some(rest) => (rest, ['p', 'P'], 16u32),
        None => (t, ['e', 'E'], 10),
    };
    let (mantissa, exponent) = match digits.split_once(marker) {
        Some((m, e)) => (m, e.parse::<i64>().map_err(|_| wrong())?),
        None => (digits, 0),
    };
    if exponent.unsigned_abs() > MAX_EXPONENT {
        return Err(wrong());
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || !all.chars().all(|c| c.is_digit(radix)) {
        return Err(wrong());
    }
    let number = BigInt::parse_bytes(all.as_bytes(), radix).ok_or_else(wrong)?;
    let shift = BigInt::from(radix).pow(fraction.len());
    let base = BigInt::from(if radix == 16 { 2 } else { 10 });
    let power = base.pow(exponent.unsigned_abs());
    let value = if exponent < 0 {
        quotient(number, shift * power)
    } else {
        quotient(number * power, shift)
    };
    let value = value.ok_or_else(wrong)?;
    Ok(if negative { -value } else { value })
}

/// The exact value of a finite `f64`; `None` for infinities and NaN.
pub fn ratio_from_f64(x: f64) -> Option<Ratio> {
    Ratio::from_float(x)
}

/// `num/den`, or just `num` for an integer.
pub fn show_ratio(q: &Ratio) -> String {
    if q.is_integer() {
        q.numer().to_string()
    } else {
        format!("{}/{}", q.numer(), q.denom())
    }
}

/// A real number `coeff · √radicand` with a rational coefficient.
///
/// The radicand is 1 exactly when the number is rational; otherwise it is a positive integer
/// that is not a square. All half-integer powers of one `k` share one radicand, so their
/// products and quotients are exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surd {
    coeff: Ratio,
    radicand: BigInt,
}

impl Surd {
    /// The rational number `q`.
    pub fn rational(q: Ratio) -> Self {
        Self {
            coeff: q,
            radicand: BigInt::one(),
        }
    }

    /// `√q`; `None` for negative `q`.
    pub fn sqrt(q: &Ratio) -> Option<Self> {
        if q.is_negative() {
            return None;
        }
        let product = q.numer() * q.denom();
        let root = product.sqrt();
        let coeff = Ratio::new(BigInt::one(), q.denom().clone());
        Some(if &root * &root == product {
            Self::rational(coeff * Ratio::from_integer(root))
        } else {
            Self {
                coeff,
                radicand: product,
            }
        })
    }

    /// `k^exponent` for an exponent that is a multiple of 1/2, or any exponent whose root is
    /// exact; `None` where the power is not of the form `coeff · √radicand`.
    ///
    /// Every non-integer power of a negative `k` is `None`; so is a negative power of zero, and
    /// one with more digits than anybody has a use for.
    pub fn power(k: &Ratio, exponent: &Ratio) -> Option<Self> {
        let integer_power = |base: &Ratio, n: &BigInt| -> Option<Ratio> {
            let n = i32::try_from(n).ok()?;
            // At least so many bits; none for 0, 1 and −1.
            let longer = base.numer().bits().max(base.denom().bits());
            let bits = longer.saturating_sub(1) * u64::from(n.unsigned_abs());
            let fits = bits <= MAX_BITS && (n >= 0 || !base.is_zero());
            fits.then(|| Pow::pow(base, n))
        };
        if exponent.is_integer() {
            return Some(Self::rational(integer_power(k, exponent.numer())?));
        }
        if !k.is_positive() {
            return None;
        }
        let degree = u32::try_from(exponent.denom()).ok()?;
        if degree == 2 {
            // k^(n + 1/2) = k^n · √k, so that all half-integer powers share one root.
            let whole = exponent.numer().div_floor(&BigInt::from(2));
            let mut root = Self::sqrt(k)?;
            root.coeff *= integer_power(k, &whole)?;
            return Some(root);
        }
        let root = Ratio::new(k.numer().nth_root(degree), k.denom().nth_root(degree));
        (Pow::pow(&root, degree as i32) == *k)
            .then(|| integer_power(&root, exponent.numer()))
            .flatten()
            .map(Self::rational)
    }

    /// The number as a rational, where it is one.
    pub fn as_ratio(&self) -> Option<&Ratio> {
        self.radicand.is_one().then_some(&self.coeff)
    }

    /// The rational factor in front of the root.
    pub fn coefficient(&self) -> &Ratio {
        &self.coeff
    }

    /// The radicand; 1 for a rational number.
    pub fn radicand(&self) -> Ratio {
        Ratio::from_integer(self.radicand.clone())
    }

    /// The square, which is always rational.
    pub fn squared(&self) -> Ratio {
        &self.coeff * &self.coeff * Ratio::from_integer(self.radicand.clone())
    }

    /// `true` if the number is below zero.
    pub fn is_negative(&self) -> bool {
        self.coeff.is_negative()
    }

    /// `true` if the number is zero.
    pub fn is_zero(&self) -> bool {
        self.coeff.is_zero()
    }

    /// The product; `None` when the two roots do not combine into one.
    pub fn checked_mul(&self, other: &Self) -> Option<Self> {
        let mut coeff = &self.coeff * &other.coeff;
        if planted(Fault::SurdLosesSign) {
            coeff = coeff.abs();
        }
        let (a, b) = (&self.radicand, &other.radicand);
        if coeff.is_zero() {
            return Some(Self::rational(coeff));
        }
        if a == b {
            return Some(Self::rational(coeff * Ratio::from_integer(a.clone())));
        }
        if a.is_one() || b.is_one() {
            return Some(Self {
                coeff,
                radicand: a * b,
            });
        }
        let mut root = Self::sqrt(&Ratio::from_integer(a * b))?;
        root.coeff *= coeff;
        Some(root)
    }
}

impl From<Ratio> for Surd {
    fn from(q: Ratio) -> Self {
        Self::rational(q)
    }
}

impl From<i64> for Surd {
    fn from(n: i64) -> Self {
        Self::rational(Ratio::from_integer(n.into()))
    }
}

impl fmt::Display for Surd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.radicand.is_one() {
            return f.write_str(&show_ratio(&self.coeff));
        }
        if !self.coeff.is_one() {
            write!(f, "{}*", show_ratio(&self.coeff))?;
        }
        write!(f, "sqrt({})", self.radicand)
    }
}

impl std::str::FromStr for Surd {
    type Err = ParseExactError;

    /// Reads what [`Surd`]'s `Display` writes: a rational, `sqrt(n)` or `num/den*sqrt(n)`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseExactError {
            found: text.to_owned(),
        };
        let Some((coeff, radicand)) = text
            .trim()
            .strip_suffix(')')
            .and_then(|t| t.split_once("sqrt("))
        else {
            return parse_ratio(text).map(Self::rational);
        };
        let coeff = match coeff.trim() {
            "" => Ratio::one(),
            c => parse_ratio(c.strip_suffix('*').ok_or_else(wrong)?)?,
        };
        let root = Self::sqrt(&parse_ratio(radicand)?).ok_or_else(wrong)?;
        let product = root.checked_mul(&Self::rational(coeff));
        // What is written must be short enough to be read again.
        let fits = |x: &Self| {
            let (num, den) = (x.coeff.numer().bits(), x.coeff.denom().bits());
            num.max(den).max(x.radicand.bits()) <= MAX_BITS
        };
        product.filter(fits).ok_or_else(wrong)
    }
}

/// The sign and the magnitude's little-endian bytes of an integer, for hand-over to GMP.
#[cfg(feature = "mp")]
pub(super) fn bytes_of(n: &BigInt) -> (bool, Vec<u8>) {
    let (sign, bytes) = n.to_bytes_le();
    (sign == num_bigint::Sign::Minus, bytes)
}

impl Serialize for Surd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Surd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Surd;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a text such as \"0.1\", \"9/4\" or \"sqrt(3)\"")
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Surd, E> {
                Ok(Surd::from(n))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Surd, E> {
                Ok(Surd::rational(Ratio::from_integer(n.into())))
            }
            fn visit_f64<E: de::Error>(self, x: f64) -> Result<Surd, E> {
                // The shortest decimal that reads back as x is what the author wrote.
                self.visit_str(&format!("{x:e}"))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Surd, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(text: &str) -> Ratio {
        parse_ratio(text).expect(text)
    }

    #[test]
    fn reads_every_notation() {
        assert_eq!(q("0.1"), Ratio::new(1.into(), 10.into()));
        assert_eq!(q("-1e-3"), Ratio::new((-1).into(), 1000.into()));
        assert_eq!(q("0x1.8p+1"), Ratio::from_integer(3.into()));
        assert_eq!(q("-0x0.8p-1"), Ratio::new((-1).into(), 4.into()));
        assert_eq!(q("9/4"), Ratio::new(9.into(), 4.into()));
        assert_eq!(q(".5"), q("1/2"));
        for bad in [
            "",
            ".",
            "1/0",
            "abc",
            "1e",
            "0x",
            "1e999999999",
            "1e-9223372036854775808",
            "--1",
            "1.2.3",
            "inf",
            "nan",
        ] {
            assert!(parse_ratio(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn half_integer_powers_combine_exactly() {
        let k = q("3/2");
        let half = Surd::power(&k, &q("1/2")).unwrap();
        let minus = Surd::power(&k, &q("-1/2")).unwrap();
        assert_eq!(half.checked_mul(&minus).unwrap(), Surd::from(1));
        let three_halves = Surd::power(&k, &q("3/2")).unwrap();
        assert_eq!(
            three_halves.checked_mul(&half).unwrap(),
            Surd::rational(q("9/4"))
        );
        assert_eq!(half.squared(), k);
    }

    #[test]
    fn powers_beyond_square_roots_are_refused_unless_exact() {
        assert_eq!(Surd::power(&q("8"), &q("1/3")), Some(Surd::from(2)));
        assert_eq!(Surd::power(&q("4"), &q("1/2")), Some(Surd::from(2)));
        assert_eq!(Surd::power(&q("2"), &q("1/3")), None);
        assert_eq!(Surd::power(&q("-4"), &q("1/2")), None);
        assert_eq!(
            Surd::power(&q("-2"), &q("-1")),
            Some(Surd::rational(q("-1/2")))
        );
        assert_eq!(Surd::power(&q("0"), &q("-1")), None);
        assert_eq!(Surd::power(&q("3"), &q("2000000000")), None);
        assert_eq!(Surd::power(&q("1/3"), &q("-4000000001/2")), None);
        assert_eq!(Surd::power(&q("-1"), &q("2000000000")), Some(Surd::from(1)));
    }

    #[test]
    fn numbers_without_end_are_refused_at_once() {
        let ones = "1".repeat(39_000);
        assert!(parse_ratio(&ones).is_ok());
        for bad in [
            "1".repeat(40_000),
            "1".repeat(10_000_000),
            format!("1/{}", "3".repeat(40_000)),
            format!("0.{}", "3".repeat(40_000)),
            format!("{ones}e20000"),
        ] {
            assert!(parse_ratio(&bad).is_err());
        }
        // The root's radicand is the product of numerator and denominator.
        for bad in [
            format!("sqrt({ones}/1{ones})"),
            format!("{ones}*sqrt({ones}/7)"),
        ] {
            if let Ok(read) = bad.parse::<Surd>() {
                assert_eq!(read.to_string().parse(), Ok(read));
            }
        }
    }

    #[test]
    fn nothing_times_a_root_is_rational() {
        let zero: Surd = "0*sqrt(2)".parse().unwrap();
        assert_eq!(zero, Surd::from(0));
        assert_eq!(zero.as_ratio(), Some(&q("0")));
    }

    #[test]
    fn display_reads_back() {
        for text in ["3", "-9/4", "sqrt(3)", "-1/3*sqrt(6)"] {
            let x: Surd = text.parse().unwrap();
            assert_eq!(x.to_string().parse::<Surd>().unwrap(), x);
        }
    }
}
