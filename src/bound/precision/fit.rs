//! Straight lines: log₂ of the drift against the precision, and against the steps.

use num_traits::{Signed, Zero};
use rug::float::Round;

use super::rows::JobDone;
use super::{Rescaled, StudyError, StudyPlan, significand_bits};
use crate::arith::{Arithmetic, ArithmeticName, MpIntervals, Ratio, ratio_from_f64, show_ratio};
use crate::bound::measured::measure;
use crate::bound::study::{Enough, Fit, Magnitude};
use crate::scenario::Scenario;

/// The number of precisions that are tried, from below the fitted one on.
const TRIED: u32 = 24;

/// The slopes for each k: of the measured drifts, and of the certified bounds where there are
/// any.
pub(super) fn fits(maps: &[Rescaled], plan: &StudyPlan, done: &[JobDone]) -> Vec<Fit> {
    let mut fits = vec![];
    for map in maps {
        let k = show_ratio(&map.k);
        let jobs = done.iter().filter(|job| {
            let bits = plan.against_bits.iter();
            job.k == k && bits.clone().any(|b| ArithmeticName::Mp(*b) == job.arith)
        });
        let bits = |job: &JobDone| significand_bits(job.arith);
        let measured = jobs.clone().filter_map(|job| {
            let drift = job.measured.as_ref().ok()?;
            Some((bits(job), (drift.down.log2?, drift.up.log2?)))
        });
        let certified = jobs.clone().filter_map(|job| {
            let log2 = job.certified.as_ref().ok()?.log2?;
            Some((bits(job), (log2, log2)))
        });
        for (of, points) in [
            ("measured", measured.collect()),
            ("certified", certified.collect()),
        ] {
            fits.extend(line(&k, of, points));
        }
    }
    fits
}

/// The least-squares line through enclosed points; none through fewer than two.
fn line(k: &str, of: &str, mut points: Vec<(u32, (f64, f64))>) -> Option<Fit> {
    points.sort_by_key(|(bits, _)| *bits);
    points.dedup_by_key(|(bits, _)| *bits);
    let x: Vec<Ratio> = points
        .iter()
        .map(|(b, _)| Ratio::from_integer((*b).into()))
        .collect();
    let y: Vec<(f64, f64)> = points.iter().map(|(_, y)| *y).collect();
    let slope = slope(&x, &y)?;
    let ends = (rounded(&slope.0)?.0, rounded(&slope.1)?.1);
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(b, _)| f64::from(*b)).sum::<f64>() / count;
    let mean_y = y.iter().map(|(low, high)| (low + high) / 2.0).sum::<f64>() / count;
    Some(Fit {
        k: k.to_owned(),
        of: of.to_owned(),
        points,
        slope: ends,
        intercept: mean_y - (ends.0 + ends.1) / 2.0 * mean_x,
    })
}

/// The slope Σ (xᵢ − x̄)·yᵢ / Σ (xᵢ − x̄)², exactly, at both ends: yᵢ is anywhere in its interval.
fn slope(x: &[Ratio], y: &[(f64, f64)]) -> Option<(Ratio, Ratio)> {
    let count = Ratio::from_integer(x.len().into());
    if x.len() < 2 {
        return None;
    }
    let mean = x.iter().sum::<Ratio>() / count;
    let spread: Ratio = x.iter().map(|x| (x - &mean) * (x - &mean)).sum();
    if spread.is_zero() {
        return None;
    }
    let (mut least, mut most) = (Ratio::zero(), Ratio::zero());
    for (x, (low, high)) in x.iter().zip(y) {
        let weight = (x - &mean) / &spread;
        let (low, high) = (ratio_from_f64(*low)?, ratio_from_f64(*high)?);
        let (below, above) = match weight.is_negative() {
            true => (high, low),
            false => (low, high),
        };
        least += &weight * below;
        most += &weight * above;
    }
    Some((least, most))
}

/// The number rounded outward to binary64.
fn rounded(q: &Ratio) -> Option<(f64, f64)> {
    let near = MpIntervals::new(53).from_ratio(q).ok()?;
    Some((
        near.inf().to_f64_round(Round::Down),
        near.sup().to_f64_round(Round::Up),
    ))
}

/// The factor by which the drift grows with each step: the slope of log₂ drift against the steps,
/// from the first step on. A fit, not a bound.
pub(super) fn growth(by_step: &[Option<Magnitude>]) -> Option<f64> {
    let points = by_step.iter().enumerate().skip(1);
    let points = points.filter_map(|(t, m)| Some((t, m.as_ref()?.log2?)));
    let (x, y): (Vec<Ratio>, Vec<(f64, f64)>) = points
        .map(|(t, y)| (Ratio::from_integer(t.into()), (y, y)))
        .unzip();
    let slope = rounded(&slope(&x, &y)?.1)?.1;
    // Four digits: more would say nothing.
    Some((libm::exp2(slope) * 1e4).round() / 1e4)
}

/// The precision that is enough, for each k.
pub(super) fn enough(
    run: &Scenario,
    maps: &[Rescaled],
    plan: &StudyPlan,
    done: &[JobDone],
    fits: &[Fit],
    leading: &str,
    most: usize,
) -> Result<Vec<Enough>, StudyError> {
    let mut all = vec![];
    let agrees = |m: &Magnitude| m.log2.is_none_or(|log2| log2 <= -f64::from(plan.wanted));
    for map in maps {
        let k = show_ratio(&map.k);
        let mut jobs: Vec<&JobDone> = (done.iter())
            .filter(|job| job.k == k && !job.rows.is_empty())
            .collect();
        jobs.sort_by_key(|job| significand_bits(job.arith));
        let first = |holds: &dyn Fn(&JobDone) -> bool| {
            let job = jobs.iter().find(|job| holds(job));
            job.map(|job| job.arith.to_string())
        };
        let fit = fits.iter().find(|fit| fit.k == k && fit.of == "measured");
        let fitted = fit.and_then(|fit| {
            let slope = (fit.slope.0 + fit.slope.1) / 2.0;
            let bits = ((-f64::from(plan.wanted) - fit.intercept) / slope).ceil();
            (slope < 0.0 && (2.0..=65536.0).contains(&bits)).then_some(bits as u32)
        });
        let mut tried = None;
        if let Some(bits) = fitted {
            let from = bits.saturating_sub(4).max(2);
            for bits in from..from + TRIED {
                let arith = ArithmeticName::Mp(bits);
                let measured = measure(run, &map.run, &map.factors, arith, most)?;
                let drift = measured.largest(leading, most);
                if drift.is_ok_and(|drift| agrees(&drift.up)) {
                    tried = Some(bits);
                    break;
                }
            }
        }
        all.push(Enough {
            wanted: plan.wanted,
            measured: first(&|job| job.measured.as_ref().is_ok_and(|d| agrees(&d.up))),
            certified: first(&|job| job.certified.as_ref().is_ok_and(&agrees)),
            fitted_bits: fitted,
            tried_bits: tried,
            k,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Through (0, 0), (1, [−1, −1]), (2, [−2.5, −1.5]): the weights are −1/2, 0, 1/2.
    #[test]
    fn a_slope_is_enclosed_exactly() {
        let points = vec![(1, (-1.0, -1.0)), (0, (0.0, 0.0)), (2, (-2.5, -1.5))];
        let fit = line("3", "measured", points).unwrap();
        assert_eq!(fit.slope, (-1.25, -0.75));
        assert_eq!(fit.intercept, 0.0);
        assert!(line("3", "measured", vec![(4, (1.0, 1.0)), (4, (1.0, 1.0))]).is_none());
    }

    #[test]
    fn growth_is_a_factor_for_each_step() {
        let drift = |log2: f64| {
            Some(Magnitude {
                text: String::new(),
                log2: Some(log2),
            })
        };
        let by_step = [None, drift(-20.0), drift(-19.0), drift(-18.0)];
        assert_eq!(growth(&by_step), Some(2.0));
        assert_eq!(growth(&by_step[..2]), None);
    }
}
