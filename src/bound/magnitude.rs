//! Numbers of any size as they are printed: few digits, rounded to the safe side.

use serde::{Deserialize, Serialize};

#[cfg(feature = "mp")]
use crate::arith::{Arithmetic, MpIntervals, Ratio};

/// A non-negative number that may lie far outside the range of `f64`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Magnitude {
    /// Four significant decimal digits, rounded to the safe side.
    pub text: String,
    /// Its binary logarithm, rounded to the same side, for figures and fits; none of zero.
    pub log2: Option<f64>,
}

/// To which side a number is rounded when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Upper bounds and measured drifts.
    Up,
    /// Lower bounds.
    Down,
}

impl Magnitude {
    /// Zero.
    pub fn zero() -> Self {
        Self {
            text: "0".to_owned(),
            log2: None,
        }
    }

    /// True for zero.
    pub fn is_zero(&self) -> bool {
        self.log2.is_none()
    }

    /// The number `x ≥ 0`, rounded to `side`; none of what is negative, infinite or no number.
    #[cfg(feature = "mp")]
    pub fn of(x: &rug::Float, side: Side) -> Option<Self> {
        use rug::float::Round;
        if !x.is_finite() || *x < 0 {
            return None;
        }
        let round = match side {
            Side::Up => Round::Up,
            Side::Down => Round::Down,
        };
        let (_, digits, Some(exponent)) = x.to_sign_string_exp_round(10, Some(4), round) else {
            return Some(Self::zero());
        };
        Some(Self::written(&digits, i64::from(exponent) - 1, x, round))
    }

    /// The number `x` with these four digits, of which the first stands before the point.
    #[cfg(feature = "mp")]
    fn written(digits: &str, exponent: i64, x: &rug::Float, round: rug::float::Round) -> Self {
        let (first, rest) = digits.split_at(1);
        let log2 = rug::Float::with_val_round(64, x.log2_ref(), round).0;
        Self {
            text: format!("{first}.{rest}e{exponent}"),
            log2: Some(log2.to_f64_round(round)),
        }
    }

    /// The exact number `q ≥ 0`, rounded to `side`; none of a negative one.
    #[cfg(feature = "mp")]
    pub fn of_ratio(q: &Ratio, side: Side) -> Option<Self> {
        use num_traits::{Signed, Zero};
        use rug::float::Round;
        if q.is_negative() {
            return None;
        }
        if q.is_zero() {
            return Some(Self::zero());
        }
        let power = |e: i64| Ratio::from_integer(10.into()).pow(i32::try_from(e).unwrap_or(0));
        let bits = q.numer().bits() as i64 - q.denom().bits() as i64;
        // 10^exponent ≤ q < 10^(exponent + 1), found from below.
        let mut exponent = (bits - 1) * 301 / 1000 - 2;
        while &power(exponent + 1) <= q {
            exponent += 1;
        }
        let four = q * power(3 - exponent);
        let near = MpIntervals::new(64).from_ratio(q).ok()?;
        let (mut digits, end, round) = match side {
            Side::Up => (four.ceil().to_integer(), near.sup(), Round::Up),
            Side::Down => (four.floor().to_integer(), near.inf(), Round::Down),
        };
        if digits == 10_000.into() {
            digits = 1_000.into();
            exponent += 1;
        }
        Some(Self::written(&digits.to_string(), exponent, end, round))
    }

    /// The larger of two.
    pub fn max(self, other: Self) -> Self {
        // None, which is zero, comes before every logarithm.
        if other.log2.partial_cmp(&self.log2) == Some(std::cmp::Ordering::Greater) {
            other
        } else {
            self
        }
    }
}

#[cfg(all(test, feature = "mp"))]
mod tests {
    use super::*;
    use crate::arith::parse_ratio;

    #[test]
    fn digits_are_rounded_to_the_side_that_is_asked_for() {
        let of = |text: &str, side| {
            let q = parse_ratio(text).unwrap();
            let exact = Magnitude::of_ratio(&q, side).unwrap();
            // The exact way and the one through MPFR agree.
            let bits = 200;
            let near = MpIntervals::new(bits).from_ratio(&q).unwrap();
            let end = match side {
                Side::Up => near.sup(),
                Side::Down => near.inf(),
            };
            assert_eq!(Magnitude::of(end, side).unwrap().text, exact.text, "{text}");
            exact.text
        };
        for (text, up, down) in [
            ("1/3", "3.334e-1", "3.333e-1"),
            ("0.99996", "1.000e0", "9.999e-1"),
            ("99999", "1.000e5", "9.999e4"),
            ("1", "1.000e0", "1.000e0"),
            ("1234.5", "1.235e3", "1.234e3"),
            ("0x1p-1100", "7.363e-332", "7.362e-332"),
        ] {
            assert_eq!(
                (of(text, Side::Up).as_str(), of(text, Side::Down).as_str()),
                (up, down)
            );
        }
        assert!(Magnitude::of_ratio(&parse_ratio("-1").unwrap(), Side::Up).is_none());
        assert!(
            Magnitude::of_ratio(&parse_ratio("0").unwrap(), Side::Up)
                .unwrap()
                .is_zero()
        );
        let tiny = Magnitude::of_ratio(&parse_ratio("0x1p-1100").unwrap(), Side::Up).unwrap();
        assert_eq!(tiny.log2, Some(-1100.0));
    }

    #[test]
    fn what_has_no_size_has_none() {
        for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -1.0] {
            assert_eq!(Magnitude::of(&rug::Float::with_val(53, x), Side::Up), None);
        }
        let zero = rug::Float::with_val(53, 0);
        assert_eq!(Magnitude::of(&zero, Side::Up), Some(Magnitude::zero()));
    }

    #[test]
    fn zero_is_less_than_everything() {
        let half = Magnitude::of_ratio(&parse_ratio("1/2").unwrap(), Side::Up).unwrap();
        assert_eq!(Magnitude::zero().max(half.clone()), half);
        assert_eq!(half.clone().max(Magnitude::zero()), half);
    }
}
