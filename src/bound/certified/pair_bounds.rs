//! Two runs that should be one: certified bounds of their drift.
//!
//! The drift of a quantity x with factor c (x' = c·x by the rule) after t steps is the largest
//! |x'ᵢⱼ − c·xᵢⱼ|, divided by the largest |c·xᵢⱼ| of the left run. Each run is enclosed about its
//! own exact trajectory; the distance of the two exact ones, which is 0 for a right rule, is
//! enclosed as well.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use num_traits::Zero;
use rug::Float;
use rug::float::Round;

use super::backward::{contributions, direction, entries_of};
use super::contribution::Contribution;
use super::enclosure::by_enclosure;
use super::intervals::{Enclosure, magnitude_up, mignitude_down};
use super::probabilistic::{lambda, probabilistic};
use super::reference::Values;
use super::tube::{Graphs, Tube};
use super::{BoundError, adversary};
use crate::arith::{Arithmetic, ArithmeticName, FloatModel, MpIntervals, Ratio, Surd};
use crate::bound::drift::{difference, largest};
use crate::bound::quantity::names;
use crate::bound::study::{Bounds, Ending};
use crate::fault::{Fault, planted};
use crate::scenario::Scenario;

/// A relative bound, or why there is none; a lower one is rounded down, all others up.
pub type EntryBound = Result<Float, String>;

/// The bounds of two runs.
#[derive(Debug, Clone)]
pub struct PairBounds {
    /// By number of steps, then by quantity: `loss`, outputs and parameters.
    pub at: BTreeMap<usize, BTreeMap<String, Bounds<EntryBound>>>,
    /// The λ of the probabilistic bounds.
    pub lambda: f64,
    /// The ends of the certificates of the left and of the right run, if they end.
    pub endings: [Option<Ending>; 2],
    /// The number of steps that both certificates cover.
    pub certified_steps: usize,
}

/// Bounds the drift between `left` and `right` in the format `arith` after each number of steps
/// in `at_steps`. `factors` holds the factor of each quantity from left to right; 1 where it is
/// missing.
///
/// # Errors
/// [`BoundError`] where nothing can be said at all; a bound that cannot be had at one time says
/// so itself.
pub fn pair_bounds(
    left: &Scenario,
    right: &Scenario,
    factors: &BTreeMap<String, Surd>,
    arith: ArithmeticName,
    at_steps: &[usize],
    progress: &(dyn Fn(f64) + Sync),
) -> Result<PairBounds, BoundError> {
    let runs = [left, right];
    pair_bounds_where(Gap::Enclosed, runs, factors, arith, at_steps, progress)
}

/// The distance of the two exact runs, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Their enclosures say what it is; over ranges of inputs that is next to nothing.
    Enclosed,
    /// It is 0: the right run is the one to which a rule leads from the left one, and the
    /// certificate of the rule was checked.
    ByCertificate,
}

/// The same for `[left, right]`, with what is known of the distance of the two exact runs. Where
/// tensors have a radius the bounds hold for every input in those ranges, the same one for both
/// runs.
///
/// # Errors
/// As [`pair_bounds`].
pub fn pair_bounds_where(
    gap: Gap,
    [left, right]: [&Scenario; 2],
    factors: &BTreeMap<String, Surd>,
    arith: ArithmeticName,
    at_steps: &[usize],
    progress: &(dyn Fn(f64) + Sync),
) -> Result<PairBounds, BoundError> {
    let model = FloatModel::of(arith).ok_or(BoundError::NoFormat(arith))?;
    let steps = at_steps.iter().copied().max().unwrap_or(0);
    let graphs = [Graphs::new(left)?, Graphs::new(right)?];
    let left = OneRun::new(&graphs[0], left, &model, steps)?;
    let right = OneRun::new(&graphs[1], right, &model, steps)?;
    let pair = TwoRuns {
        ctx: MpIntervals::new(left.tube.exact.bits.max(right.tube.exact.bits)),
        factors,
        model: &model,
        gap,
        lambda: left.lambda(at_steps.len()),
        left,
        right,
    };
    let at = pair.bounds_at(at_steps, progress);
    let tubes = [&pair.left.tube, &pair.right.tube];
    let certified_steps = tubes.map(|tube| tube.steps.len());
    Ok(PairBounds {
        at,
        lambda: pair.lambda,
        endings: tubes.map(|tube| tube.ending.clone()),
        certified_steps: certified_steps[0].min(certified_steps[1]),
    })
}

const NOT_OVER_RANGES: &str = "enclosures of two runs do not know that both start from the same one of the inputs that fill the ranges";

/// All that is known of one of the two runs.
struct OneRun<'g> {
    /// The run in the middle of all ranges.
    centre: Scenario,
    tube: Tube<'g>,
    enclosed: Vec<Values>,
    not_enclosed: Option<String>,
}

impl<'g> OneRun<'g> {
    fn new(
        graphs: &'g Graphs,
        scenario: &'g Scenario,
        model: &FloatModel,
        steps: usize,
    ) -> Result<Self, BoundError> {
        let tube = Tube::new(graphs, scenario, model, steps)?;
        let (enclosed, not_enclosed) = match tube.has_ranges {
            true => (vec![], Some(NOT_OVER_RANGES.to_owned())),
            false => by_enclosure(&tube.plan, scenario, model, steps),
        };
        let mut centre = scenario.clone();
        for tensor in centre.values.tensors.values_mut() {
            *tensor = tensor.clone().within(&Ratio::zero());
        }
        Ok(Self {
            centre,
            tube,
            enclosed,
            not_enclosed,
        })
    }

    /// The λ of all probabilistic bounds together, at so many times.
    fn lambda(&self, times: usize) -> f64 {
        let times = match planted(Fault::LambdaForOneTime) {
            true => 1,
            false => times,
        };
        let names = names(&self.tube.graphs.step);
        let entries = names.map(|name| entries_of(&self.tube, name).len());
        lambda(entries.sum::<usize>() * times)
    }

    /// The contributions of all errors to each entry of a quantity.
    fn contributions(&self, name: &str, taken: usize) -> Result<Vec<Contribution>, String> {
        // Of the first values themselves nothing may be known either.
        if taken > self.tube.steps.len() || taken >= self.tube.exact.states.len() {
            return Err(self.ended(|| "the run ends before".to_owned()));
        }
        contributions(&self.tube, name, taken).map_err(|e| e.to_string())
    }

    fn exact(&self, name: &str, taken: usize) -> Result<DMatrix<Enclosure>, String> {
        let known = self.tube.quantity(name, taken);
        known.ok_or_else(|| self.ended(|| format!("there is no `{name}` after {taken} steps")))
    }

    fn ended(&self, otherwise: impl FnOnce() -> String) -> String {
        let ending = self.tube.ending.as_ref();
        ending.map_or_else(otherwise, ToString::to_string)
    }

    fn enclosed(&self, name: &str, taken: usize) -> Result<&DMatrix<Enclosure>, String> {
        let values = self.enclosed.get(taken);
        values.and_then(|values| values.get(name)).ok_or_else(|| {
            let why = self.not_enclosed.clone();
            why.unwrap_or_else(|| format!("there is no `{name}`"))
        })
    }

    /// The run in which all errors move one entry up, or down for −1.
    fn pushed(
        &self,
        name: &str,
        entry: (usize, usize),
        taken: usize,
        along: i8,
    ) -> Result<DMatrix<Enclosure>, String> {
        let pushed = direction(&self.tube, name, entry, taken).and_then(|direction| {
            adversary::pushed(&self.tube, &self.centre, name, taken, &direction, along)
        });
        pushed.map_err(|e| e.to_string())
    }
}

/// Two runs side by side, with what is to be known of their drift.
struct TwoRuns<'p> {
    ctx: MpIntervals,
    left: OneRun<'p>,
    right: OneRun<'p>,
    factors: &'p BTreeMap<String, Surd>,
    model: &'p FloatModel,
    gap: Gap,
    lambda: f64,
}

/// The contributions to both runs at one time, entry by entry.
type Sums = Vec<(Contribution, Contribution)>;

/// A bound of |y − c·x| for one entry from what contributes to x, to y, and from c.
type Combine<'c> = &'c dyn Fn(&Contribution, &Contribution, f64) -> f64;

impl TwoRuns<'_> {
    fn bounds_at(
        &self,
        at_steps: &[usize],
        progress: &(dyn Fn(f64) + Sync),
    ) -> BTreeMap<usize, BTreeMap<String, Bounds<EntryBound>>> {
        // Going back from the t-th step takes about t times the work of one.
        let work = |t: &usize| *t as f64 + 1.0;
        let all: f64 = at_steps.iter().map(work).sum();
        let mut done = 0.0;
        let mut at = BTreeMap::new();
        for t in at_steps {
            progress(done / all);
            let names = names(&self.left.tube.graphs.step);
            let bounds = names.map(|name| (name.to_owned(), self.bounds(name, *t)));
            at.insert(*t, bounds.collect());
            done += work(t);
        }
        progress(1.0);
        at
    }

    fn factor(&self, name: &str) -> Result<Enclosure, String> {
        let one = Surd::from(1);
        let factor = self.factors.get(name).unwrap_or(&one);
        self.ctx.from_surd(factor).map_err(|e| e.to_string())
    }

    fn bounds(&self, name: &str, taken: usize) -> Bounds<EntryBound> {
        let sums: Result<Sums, String> = self.left.contributions(name, taken).and_then(|left| {
            let right = self.right.contributions(name, taken)?;
            Ok(left.into_iter().zip(right).collect())
        });
        let of = |combine: Combine<'_>| {
            let sums = sums.as_ref().map_err(Clone::clone)?;
            self.by_sensitivity(name, taken, sums, combine)
        };
        Bounds {
            enclosure: self.by_enclosure(name, taken),
            certified: of(&|l, r, c| match planted(Fault::RightRunForgotten) {
                true => c * l.any,
                false => c * l.any + r.any,
            }),
            certified_stated: of(&|l, r, c| c * l.stated + r.stated),
            probabilistic: of(&|l, r, c| probabilistic(self.lambda, l, r, c)),
            adversarial: sums
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|sums| self.adversarial(name, taken, sums)),
        }
    }

    /// The largest distance over the entries, relative to the least that the largest entry of the
    /// left run can be.
    fn by_sensitivity(
        &self,
        name: &str,
        taken: usize,
        sums: &Sums,
        combine: Combine<'_>,
    ) -> EntryBound {
        let factor = self.factor(name)?;
        let scale = mignitude_down(&factor);
        let c = magnitude_up(&factor).to_f64_round(Round::Up);
        let (x, y) = (
            self.left.exact(name, taken)?,
            self.right.exact(name, taken)?,
        );
        let (mut largest, mut size) = (Float::new(64), Float::new(64));
        for ((x, y), (l, r)) in x.iter().zip(&y).zip(sums) {
            // A few operations on non-negative numbers, each off by less than a part in 2⁵².
            let units = combine(l, r, c) * (1.0 + 16.0 * f64::EPSILON);
            if !units.is_finite() {
                return Err("the bound is larger than any number".to_owned());
            }
            let mut bound = Float::with_val_round(64, units, Round::Up).0 >> self.model.precision;
            if self.gap == Gap::Enclosed {
                let [gap, _] = difference(&self.ctx, &factor, x, y);
                let gap = magnitude_up(&gap);
                bound = Float::with_val_round(64, &bound + &gap, Round::Up).0;
            }
            let own = Float::with_val_round(64, l.any, Round::Up).0 >> self.model.precision;
            // Operations on references are rounded once, on the side that is asked for.
            let own = Float::with_val_round(64, &mignitude_down(x) - &own, Round::Down).0;
            let own = Float::with_val_round(64, &own * &scale, Round::Down).0;
            largest.max_mut(&bound);
            size.max_mut(&own);
        }
        quotient(&largest, &size)
    }

    fn by_enclosure(&self, name: &str, taken: usize) -> EntryBound {
        let x = self.left.enclosed(name, taken)?;
        let y = self.right.enclosed(name, taken)?;
        relative(&self.ctx, [x, y], &self.factor(name)?, None, Round::Up)
    }

    /// Both runs pushed apart at the entry where the bound is largest.
    fn adversarial(&self, name: &str, taken: usize, sums: &Sums) -> EntryBound {
        let factor = self.factor(name)?;
        let c = magnitude_up(&factor).to_f64();
        let size = |i: &usize| c * sums[*i].0.stated + sums[*i].1.stated;
        let worst = (0..sums.len()).max_by(|i, j| size(i).total_cmp(&size(j)));
        let worst = worst.ok_or("there is no entry")?;
        let entry = entries_of(&self.left.tube, name)[worst];
        let against = if *factor.sup() < 0 { 1 } else { -1 };
        let x = self.left.pushed(name, entry, taken, against)?;
        let y = self.right.pushed(name, entry, taken, 1)?;
        relative(&self.ctx, [&x, &y], &factor, Some(worst), Round::Down)
    }
}

/// The relative drift max |y − c·x| / max |c·x| of enclosed numbers, its numerator `only` at one
/// entry: rounded up, the largest that it can be; rounded down, the least.
pub(super) fn relative(
    ctx: &MpIntervals,
    [x, y]: [&DMatrix<Enclosure>; 2],
    factor: &Enclosure,
    only: Option<usize>,
    round: Round,
) -> EntryBound {
    let counted = |i: &usize| only.is_none_or(|only| only == *i);
    let [apart, size] =
        largest(ctx, factor, x.iter().zip(y), counted).map_err(|e| e.to_string())?;
    match round {
        Round::Up => quotient(apart.sup(), size.inf()),
        _ if *size.sup() == 0 => Ok(Float::new(64)),
        _ => Ok(Float::with_val_round(64, apart.inf() / size.sup(), Round::Down).0),
    }
}

/// `x / y` rounded up, where 0/0 is 0.
fn quotient(x: &Float, y: &Float) -> EntryBound {
    if *x == 0 {
        return Ok(Float::new(64));
    }
    if *y <= 0 {
        return Err("every entry of the quantity may be 0".to_owned());
    }
    Ok(Float::with_val_round(64, x / y, Round::Up).0)
}
