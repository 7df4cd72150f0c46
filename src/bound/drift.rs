//! The drift of two runs from their values: exactly, or enclosed until its printed digits are
//! sure. [`super::study`] says what drift is.

use num_traits::{Signed, Zero};

use super::study::{Drift, Magnitude, Side};
use crate::arith::{Arithmetic, Interval, MpIntervals, OpError, Ratio, Surd};

/// An interval with ends of any precision, which encloses a number of a run.
pub(super) type Enclosure = Interval<rug::Float>;

/// The precision with which an enclosure begins.
const FIRST_BITS: u32 = 128;
/// A quotient that lies on a decimal boundary is never told from its neighbours; beyond this its
/// upper end is printed, which is an upper bound all the same.
const LAST_BITS: u32 = 1 << 13;

/// The drift max |yᵢ − c·xᵢ| / max |c·xᵢ|, where 0/0 is 0; `None` relative to 0.
pub fn exact(x: &[Ratio], y: &[Ratio], c: &Ratio) -> Option<Ratio> {
    let apart = x.iter().zip(y).map(|(x, y)| (y - c * x).abs()).max();
    let apart = apart.unwrap_or_default();
    let size = x.iter().map(|x| (c * x).abs()).max().unwrap_or_default();
    match (apart.is_zero(), size.is_zero()) {
        (true, _) => Some(apart),
        (_, true) => None,
        _ => Some(apart / size),
    }
}

/// The same as it is printed, for any factor.
///
/// # Errors
/// In words: a divisor is 0, or an enclosure does not become narrow enough.
pub(super) fn printed(x: &[Ratio], y: &[Ratio], c: &Surd) -> Result<Drift, String> {
    let of_zeros = x.iter().all(Zero::is_zero);
    // Every factor takes zeros to zeros.
    if let Some(c) = c.as_ratio().cloned().or(of_zeros.then(Ratio::zero)) {
        let relative_to_0 = "relative to 0: the left run's value is 0, the right run's is not";
        let drift = exact(x, y, &c).ok_or(relative_to_0)?;
        let side = |side| Magnitude::of_ratio(&drift, side).ok_or("a negative drift");
        return Ok(Drift {
            up: side(Side::Up)?,
            down: side(Side::Down)?,
        });
    }
    // All by the largest c·x: |yᵢ / (c·largest) − xᵢ / largest|. What is left of the root is exact
    // then where it has no part in the answer, where yᵢ = 0.
    let size = x.iter().map(Signed::abs).max().unwrap_or_default();
    let parts = x.iter().zip(y).map(|(x, y)| (x / &size, y / &size));
    let parts: Vec<(Ratio, Ratio)> = parts.collect();
    sure(|bits| {
        let ctx = MpIntervals::new(bits);
        let c = ctx.from_surd(c)?;
        let [mut scaled, mut apart, mut most] = [ctx.zero(), ctx.zero(), ctx.zero()];
        for (x, y) in &parts {
            ctx.div(&mut scaled, &ctx.from_ratio(y)?, &c)?;
            ctx.sub(&mut apart, &scaled, &ctx.from_ratio(x)?);
            raise(&ctx, &mut most, &apart)?;
        }
        Ok(most)
    })
}

/// The numbers y − c·x and c·x, enclosed.
pub(super) fn difference(
    ctx: &MpIntervals,
    c: &Enclosure,
    x: &Enclosure,
    y: &Enclosure,
) -> [Enclosure; 2] {
    let (mut apart, mut scaled) = (ctx.zero(), ctx.zero());
    ctx.mul(&mut scaled, c, x);
    ctx.sub(&mut apart, y, &scaled);
    [apart, scaled]
}

/// The numerator max |y − c·x|, over the `counted` of these pairs of x and y, and the denominator
/// max |c·x|, enclosed.
pub(super) fn largest<'e>(
    ctx: &MpIntervals,
    c: &Enclosure,
    pairs: impl Iterator<Item = (&'e Enclosure, &'e Enclosure)>,
    counted: impl Fn(&usize) -> bool,
) -> Result<[Enclosure; 2], OpError> {
    let [mut most, mut size] = [ctx.zero(), ctx.zero()];
    for (i, (x, y)) in pairs.enumerate() {
        let [apart, scaled] = difference(ctx, c, x, y);
        if counted(&i) {
            raise(ctx, &mut most, &apart)?;
        }
        raise(ctx, &mut size, &scaled)?;
    }
    Ok([most, size])
}

/// `most ← max(most, |x|)`.
pub(super) fn raise(ctx: &MpIntervals, most: &mut Enclosure, x: &Enclosure) -> Result<(), OpError> {
    let mut size = ctx.zero();
    ctx.abs(&mut size, x)?;
    let before = most.clone();
    ctx.max(most, &before, &size)
}

/// The number that `at` encloses with so many bits, once its printed digits are sure.
fn sure(at: impl Fn(u32) -> Result<Enclosure, OpError>) -> Result<Drift, String> {
    let mut bits = FIRST_BITS;
    loop {
        let found = at(bits);
        let last = bits >= LAST_BITS;
        if let Ok(found) = &found
            && let Some(drift) = digits(found, last)
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
pub(super) fn digits(x: &Enclosure, anyway: bool) -> Option<Drift> {
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
        assert_eq!(printed(&x, &y, &third).unwrap().up.text, "1.667e-1");
        assert_eq!(printed(&x, &y, &third).unwrap().down.text, "1.666e-1");
        let exact = [q("1"), q("5/6")];
        assert!(printed(&x, &exact, &third).unwrap().up.is_zero());
    }

    #[test]
    fn a_root_is_enclosed_until_the_digits_are_sure() {
        // √3 to 60 decimals, rounded down; the difference begins at the 61st.
        let root = q("1.732050807568877293527446341505872366942805253810380628055806");
        let found = printed(&[q("1")], &[root], &"sqrt(3)".parse().unwrap()).unwrap();
        // √3 = …806 9794519330169…, and 0.979451933e-60 / √3 = 5.6548…e-61.
        assert_eq!(found.up.text, "5.655e-61");
        assert_eq!(found.down.text, "5.654e-61");
    }

    #[test]
    fn what_is_relative_to_zero() {
        let zero = [q("0"), q("0")];
        let root: Surd = "sqrt(3)".parse().unwrap();
        assert!(printed(&zero, &zero, &root).unwrap().up.is_zero());
        assert!(printed(&zero, &[q("0"), q("1")], &root).is_err());
        assert_eq!(
            printed(&[q("1")], &[q("0")], &root).unwrap().up.text,
            "1.000e0"
        );
    }
}
