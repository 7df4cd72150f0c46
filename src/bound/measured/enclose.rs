//! From exact values of two runs to a drift whose printed digits are sure.

use num_traits::{Signed, Zero};

use crate::arith::{Arithmetic, Interval, MpIntervals, Ratio, Surd};
use crate::bound::study::{Drift, Magnitude, Side};

/// An interval with end points of any precision.
pub(super) type Enclosure = Interval<rug::Float>;

/// The precision with which an enclosure begins.
const FIRST_BITS: u32 = 128;
/// A quotient that lies on a decimal boundary is never told from its neighbours; beyond this its
/// upper end is printed, which is an upper bound all the same.
const LAST_BITS: u32 = 1 << 13;

/// The largest |yᵢ − c·xᵢ| by the largest |c·xᵢ|; 0/0 is 0.
pub(super) fn drift(x: &[Ratio], y: &[Ratio], c: &Surd) -> Result<Drift, String> {
    if x.iter().all(Zero::is_zero) || c.is_zero() {
        return match y.iter().all(Zero::is_zero) {
            true => Ok(none()),
            false => Err("relative to 0: the left run's value is 0, the right run's is not".into()),
        };
    }
    if let Some(c) = c.as_ratio() {
        let difference = |(x, y): (&Ratio, &Ratio)| (y - c * x).abs();
        let most = x.iter().zip(y).map(difference).max().unwrap_or_default();
        let size = x.iter().map(|x| (c * x).abs()).max().unwrap_or_default();
        let quotient = most / size;
        let side = |side| Magnitude::of_ratio(&quotient, side).ok_or("a negative drift");
        return Ok(Drift {
            up: side(Side::Up)?,
            down: side(Side::Down)?,
        });
    }
    // All by the largest c·x: |yᵢ / (c·largest) − xᵢ / largest|. What is left of the root is exact
    // then where it has no part in the answer, where yᵢ = 0.
    let largest = x.iter().map(Signed::abs).max().unwrap_or_default();
    let parts: Vec<(Ratio, Ratio)> = x
        .iter()
        .zip(y)
        .map(|(x, y)| (x / &largest, y / &largest))
        .collect();
    sure(|bits| {
        let ctx = MpIntervals::new(bits);
        let c = ctx.from_surd(c).ok()?;
        let [mut scaled, mut apart, mut most] = [ctx.zero(), ctx.zero(), ctx.zero()];
        for (x, y) in &parts {
            ctx.div(&mut scaled, &ctx.from_ratio(y).ok()?, &c).ok()?;
            ctx.sub(&mut apart, &scaled, &ctx.from_ratio(x).ok()?);
            raise(&ctx, &mut most, &apart)?;
        }
        Some(most)
    })
}

/// `most ← max(most, |x|)`.
pub(super) fn raise(ctx: &MpIntervals, most: &mut Enclosure, x: &Enclosure) -> Option<()> {
    let mut size = ctx.zero();
    ctx.abs(&mut size, x).ok()?;
    let before = most.clone();
    ctx.max(most, &before, &size).ok()
}

/// No drift at all.
pub(super) fn none() -> Drift {
    Drift {
        up: Magnitude::zero(),
        down: Magnitude::zero(),
    }
}

/// The number that `at` encloses with so many bits, once its printed digits are sure.
fn sure(at: impl Fn(u32) -> Option<Enclosure>) -> Result<Drift, String> {
    let mut bits = FIRST_BITS;
    loop {
        let found = at(bits);
        let last = bits >= LAST_BITS;
        if let Some(found) = &found
            && let Some(drift) = printed(found, last)
        {
            return Ok(drift);
        }
        if last {
            return Err(format!("not enclosed with {bits} bits"));
        }
        bits *= 2;
    }
}

/// The enclosure as it is printed, where both ends round up to the same digits, or `anyway`.
pub(super) fn printed(x: &Enclosure, anyway: bool) -> Option<Drift> {
    let up = Magnitude::of(x.sup(), Side::Up)?;
    let low = Magnitude::of(x.inf(), Side::Up)?;
    if low.text != up.text && !anyway {
        return None;
    }
    let down = Magnitude::of(x.inf(), Side::Down)?;
    Some(Drift { up, down })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::parse_ratio;

    fn q(text: &str) -> Ratio {
        parse_ratio(text).unwrap()
    }

    #[test]
    fn a_rational_factor_is_exact() {
        // |1/3·3 − 1| = 0, |2/3 − 5/6| = 1/6, the largest c·x is 5/6: the drift is 1/5.
        let (x, y) = ([q("3"), q("5/2")], [q("1"), q("2/3")]);
        let third = Surd::rational(q("1/3"));
        assert_eq!(drift(&x, &y, &third).unwrap().up.text, "1.667e-1");
        assert_eq!(drift(&x, &y, &third).unwrap().down.text, "1.666e-1");
        let exact = [q("1"), q("5/6")];
        assert!(drift(&x, &exact, &third).unwrap().up.is_zero());
    }

    #[test]
    fn a_root_is_enclosed_until_the_digits_are_sure() {
        // √3 to 60 decimals, rounded down; the difference begins at the 61st.
        let root = q("1.732050807568877293527446341505872366942805253810380628055806");
        let found = drift(&[q("1")], &[root], &"sqrt(3)".parse().unwrap()).unwrap();
        // √3 = …806 9794519330169…, and 0.979451933e-60 / √3 = 5.6548…e-61.
        assert_eq!(found.up.text, "5.655e-61");
        assert_eq!(found.down.text, "5.654e-61");
    }

    #[test]
    fn what_is_relative_to_zero() {
        let zero = [q("0"), q("0")];
        let root: Surd = "sqrt(3)".parse().unwrap();
        assert!(drift(&zero, &zero, &root).unwrap().up.is_zero());
        assert!(drift(&zero, &[q("0"), q("1")], &root).is_err());
        assert_eq!(
            drift(&[q("1")], &[q("0")], &root).unwrap().up.text,
            "1.000e0"
        );
    }
}
