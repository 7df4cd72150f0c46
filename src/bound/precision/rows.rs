//! One k in one arithmetic: measured, bounded, and put together as rows.

use std::collections::BTreeMap;

use super::bounds::{after, ending, probability, worst};
use super::{Rescaled, StudyError, StudyPlan, significand_bits};
use crate::arith::{Arithmetic, ArithmeticName, F64, parse_ratio, show_ratio};
use crate::bound::certified::{Gap, PairBounds, pair_bounds_where};
use crate::bound::exactness::{ExponentRange, bit_exact_range};
use crate::bound::measured::{ExactRun, Measured, measure};
use crate::bound::study::{Bound, Drift, Magnitude, OwnErrors, Quantity, Row, Side};
use crate::scenario::{Scenario, Split};

/// Enclosing the exact run takes more digits the longer it is; beyond so many steps it is left
/// out.
const OWN_ERRORS_UP_TO: usize = 100;

/// One k in one arithmetic.
pub(super) struct Job<'a> {
    pub run: &'a Scenario,
    pub map: &'a Rescaled,
    pub arith: ArithmeticName,
    pub most: usize,
    /// True where there are rows of it, and not only a point of the slope.
    pub is_row: bool,
    pub leading: &'a str,
    pub plan: &'a StudyPlan,
    pub exact: &'a ExactRun<'a>,
}

/// The outcome of a job.
pub(super) struct JobDone {
    pub k: String,
    pub arith: ArithmeticName,
    pub rows: Vec<Row>,
    /// The leading quantity's drift after all steps, as measured.
    pub measured: Result<Drift, String>,
    /// The certified bound on it.
    pub certified: Bound,
}

impl Job<'_> {
    pub fn carry_out(&self, progress: &(dyn Fn(f64) + Sync)) -> Result<JobDone, StudyError> {
        let (left, right, factors) = (self.run, &self.map.run, &self.map.factors);
        let measured = measure(left, right, factors, self.arith, self.most)?;
        let all_steps: Vec<usize> = (0..=self.most).collect();
        // Measuring is quick; nearly all the time goes to the bounds.
        let part = |done: f64| progress(0.1 + 0.8 * done);
        // `rescale` has checked the certificate of the rule that leads to the right run.
        let gap = match left.values.has_ranges() {
            true => Gap::ByCertificate,
            false => Gap::Enclosed,
        };
        let runs = [left, right];
        let bounds = pair_bounds_where(gap, runs, factors, self.arith, &all_steps, &part)?;
        let rows = match self.is_row {
            true => {
                let own = self.own_errors(&measured);
                let exact = self.bit_exact();
                let steps = self.plan.steps.iter();
                steps
                    .map(|t| self.row(*t, &measured, &bounds, &own, &exact))
                    .collect()
            }
            false => vec![],
        };
        progress(1.0);
        Ok(JobDone {
            k: show_ratio(&self.map.k),
            arith: self.arith,
            rows,
            measured: measured.largest(self.leading, self.most),
            certified: worst(&bounds, self.leading, self.most).certified,
        })
    }

    fn row(
        &self,
        steps: usize,
        measured: &Measured,
        found: &PairBounds,
        own: &OwnErrors,
        exact: &Result<ExponentRange, String>,
    ) -> Row {
        let quantity = |(name, factor): (&String, &crate::arith::Surd)| {
            let drifts = measured.drifts.get(name).map_or(&[][..], Vec::as_slice);
            let upto = drifts.iter().take(steps + 1);
            let certified = |t: usize| after(found, name, t)?.certified.ok();
            let quantity = Quantity {
                factor: factor.to_string(),
                measured: measured.largest(name, steps),
                bounds: worst(found, name, steps),
                by_step: upto.map(|d| Some(d.as_ref().ok()?.up.clone())).collect(),
                certified_by_step: (0..=steps).map(certified).collect(),
            };
            (name.clone(), quantity)
        };
        let quantities: BTreeMap<String, Quantity> =
            self.map.factors.iter().map(quantity).collect();
        let leading = quantities.get(self.leading);
        let last = steps.min(measured.jump_counts.len().saturating_sub(1));
        let jump_count = measured.jump_counts.get(last).copied().unwrap_or(0);
        let jumps = measured.jumps.iter().take(jump_count);
        let by_step = leading.map_or(&[][..], |q| q.by_step.as_slice());
        Row {
            arith: self.arith.to_string(),
            precision: significand_bits(self.arith),
            k: show_ratio(&self.map.k),
            k_near: F64.from_ratio(&self.map.k).unwrap_or(f64::MAX),
            split: self.plan.split,
            steps,
            ratio: leading.map_or_else(|| Err("there is no such quantity".to_owned()), ratio),
            bit_equal: measured.is_exact(steps),
            bits_left: leading.and_then(bits_left),
            growth_per_step: super::fit::growth(by_step),
            own_errors: own.clone(),
            ending: ending(found, steps),
            jump_count,
            jumps: jumps.cloned().collect(),
            bit_exact: exact.clone(),
            probability: Some(probability(found)),
            quantities,
        }
    }

    fn own_errors(&self, measured: &Measured) -> OwnErrors {
        if self.most > OWN_ERRORS_UP_TO {
            let why = format!("left out for more than {OWN_ERRORS_UP_TO} steps");
            let none = || {
                let names = self.map.factors.keys().cloned();
                names.map(|name| (name, Err(why.clone()))).collect()
            };
            return OwnErrors {
                left: none(),
                right: none(),
            };
        }
        let ones = self.map.factors.keys();
        let ones = ones.map(|name| (name.clone(), 1.into())).collect();
        let precision = significand_bits(self.arith);
        OwnErrors {
            left: self.exact.distance(&measured.left, &ones, precision),
            right: (self.exact).distance(&measured.right, &self.map.factors, precision),
        }
    }

    fn bit_exact(&self) -> Result<ExponentRange, String> {
        let split = self.plan.split;
        if split == Split::A {
            return Err("computed for the splits sqrt and b only".into());
        }
        if let ArithmeticName::Mp(_) = self.arith {
            return Err("no limit within reach: mp has a practically unbounded exponent".into());
        }
        let run = Scenario {
            steps: self.most,
            ..self.run.clone()
        };
        bit_exact_range(&run, &self.map.rule, split, self.arith).map_err(|e| e.to_string())
    }
}

/// Certified bound over measured drift, rounded up.
fn ratio(quantity: &Quantity) -> Bound {
    let bound = quantity.bounds.certified.as_ref().map_err(Clone::clone)?;
    let drift = quantity.measured.as_ref().map_err(Clone::clone)?;
    if drift.down.is_zero() {
        return Err("the measured drift is 0".to_owned());
    }
    let exact = |m: &Magnitude| parse_ratio(&m.text).ok();
    let over = |(bound, drift)| Magnitude::of_ratio(&(bound / drift), Side::Up);
    let quotient = exact(bound).zip(exact(&drift.down)).and_then(over);
    quotient.ok_or_else(|| "not a number".to_owned())
}

/// The number of bits that agree, in tenths rounded down.
fn bits_left(quantity: &Quantity) -> Option<f64> {
    let log2 = quantity.measured.as_ref().ok()?.up.log2?;
    Some(((-log2 * 10.0).floor() / 10.0).max(0.0))
}
