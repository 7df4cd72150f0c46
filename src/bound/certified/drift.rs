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

use super::coarse::Real;
use super::course::{Course, Graphs, by_enclosure};
use super::reference::{magnitude, mignitude};
use super::trace::{contributions, direction};
use super::upward::Contribution;
use super::{BoundError, Ending, adversary};
use crate::arith::{Arithmetic, ArithmeticName, FloatModel, MpIntervals, Ratio, Surd};
use crate::fault::{Fault, planted};
use crate::scenario::Scenario;

/// The probability with which any of the probabilistic bounds of two runs may fail: that of any
/// entry of any quantity after any of the numbers of steps that were asked for.
pub const FAILURE_PROBABILITY: f64 = 0.01;

/// A bound, or why there is none.
pub type EntryBound = Result<Float, String>;

/// The bounds of the drift of one quantity at one time, relative, each rounded up.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// From the enclosure of every operation by itself.
    pub enclosure: EntryBound,
    /// From sensitivities, for any order of summation.
    pub any_order: EntryBound,
    /// From sensitivities, for the documented order.
    pub stated_order: EntryBound,
    /// Not a certificate: with a probability of at least 1 − [`FAILURE_PROBABILITY`] no bound of
    /// this kind is exceeded, of any quantity and at any time of the same [`PairBounds`], where
    /// elementary errors are independent and have mean zero. At most the certified one for the
    /// documented order.
    pub probabilistic: EntryBound,
    /// The λ of the probabilistic bounds.
    pub lambda: f64,
    /// A drift that the error model reaches; rounded down.
    pub adversarial: EntryBound,
}

/// The bounds of two runs.
#[derive(Debug, Clone)]
pub struct PairBounds {
    /// By number of steps, then by quantity: `loss`, outputs and parameters.
    pub at: BTreeMap<usize, BTreeMap<String, Bounds>>,
    /// Where the certificate of the left and of the right run ends, if it does.
    pub endings: [Option<Ending>; 2],
    /// How many steps both certificates cover.
    pub certified_steps: usize,
}

/// Bounds the drift between `left` and `right` in the format `arith` after each number of steps
/// in `at_steps`. `factors` holds what each quantity is multiplied by from left to right; 1 where
/// it is missing.
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

/// What is known of the distance of the two exact runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// What their enclosures say; over ranges of inputs that is next to nothing.
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
    let [l, r] = [(&graphs[0], left), (&graphs[1], right)]
        .map(|(graphs, scenario)| Side::new(graphs, scenario, &model, steps));
    let (left, right) = (l?, r?);
    let pair = Pair {
        ctx: MpIntervals::new(left.course.exact.bits.max(right.course.exact.bits)),
        left,
        right,
        factors,
        model: &model,
        gap,
    };
    let names = pair.left.course.quantities();
    let entries = |name: &String| super::trace::entries_of(&pair.left.course, name).len();
    let times = match planted(Fault::LambdaForOneTime) {
        true => 1,
        false => at_steps.len(),
    };
    let lambda = lambda(names.iter().map(entries).sum::<usize>() * times);
    // Going back from the t-th step takes about t times the work of one.
    let work = |t: &usize| *t as f64 + 1.0;
    let all: f64 = at_steps.iter().map(work).sum();
    let mut done = 0.0;
    let mut at = BTreeMap::new();
    for t in at_steps {
        progress(done / all);
        let bounds = names
            .iter()
            .map(|name| (name.clone(), pair.bounds(name, *t, lambda)));
        at.insert(*t, bounds.collect());
        done += work(t);
    }
    progress(1.0);
    Ok(PairBounds {
        at,
        endings: [
            pair.left.course.ending.clone(),
            pair.right.course.ending.clone(),
        ],
        certified_steps: pair
            .left
            .course
            .steps
            .len()
            .min(pair.right.course.steps.len()),
    })
}

const NOT_OVER_RANGES: &str = "enclosures of two runs do not know that both start from the same one of the inputs that fill the ranges";

type Values = BTreeMap<String, DMatrix<Real>>;

struct Side<'g> {
    scenario: &'g Scenario,
    /// The run in the middle of all ranges.
    centre: Scenario,
    course: Course<'g>,
    enclosed: Vec<Values>,
    not_enclosed: Option<String>,
}

impl<'g> Side<'g> {
    fn new(
        graphs: &'g Graphs,
        scenario: &'g Scenario,
        model: &FloatModel,
        steps: usize,
    ) -> Result<Self, BoundError> {
        let course = Course::new(graphs, scenario, model, steps)?;
        let (enclosed, not_enclosed) = match course.has_ranges {
            true => (vec![], Some(NOT_OVER_RANGES.to_owned())),
            false => by_enclosure(&course.plan, scenario, model, steps),
        };
        let mut centre = scenario.clone();
        for tensor in centre.values.tensors.values_mut() {
            *tensor = tensor.clone().within(&Ratio::zero());
        }
        Ok(Self {
            scenario,
            centre,
            course,
            enclosed,
            not_enclosed,
        })
    }

    fn contributions(&self, name: &str, taken: usize) -> Result<Vec<Contribution>, String> {
        // Of the first values themselves nothing may be known either.
        if taken > self.course.steps.len() || taken >= self.course.exact.states.len() {
            return Err(match &self.course.ending {
                Some(ending) => ending.to_string(),
                None => "the run ends before".to_owned(),
            });
        }
        contributions(&self.course, self.scenario, name, taken).map_err(|e| e.to_string())
    }
}

struct Pair<'p> {
    ctx: MpIntervals,
    left: Side<'p>,
    right: Side<'p>,
    factors: &'p BTreeMap<String, Surd>,
    model: &'p FloatModel,
    gap: Gap,
}

/// The bound that independent errors of mean 0 exceed with a small probability only, `lambda`
/// standard deviations and what is of second order; never above the bound for the stated order.
pub(super) fn likely(lambda: f64, l: &Contribution, r: &Contribution, c: f64) -> f64 {
    let likely = lambda * (c * c * l.squares + r.squares).sqrt() + c * l.rest + r.rest;
    likely.min(c * l.stated + r.stated)
}

/// So many standard deviations that of `numbers` sums of independent errors with mean 0, each
/// with a bound of its own, none is further away but with [`FAILURE_PROBABILITY`]: a sum is with
/// 2·exp(−λ²/2) at most (Hoeffding 1963), and of several events one happens at most as often as
/// all of them together.
pub(super) fn lambda(numbers: usize) -> f64 {
    let one = FAILURE_PROBABILITY / (2.0 * numbers.max(1) as f64);
    // Logarithm and root are off by less than that.
    (-2.0 * one.ln()).sqrt() * (1.0 + 2f64.powi(-40))
}

/// What is known of both runs at one time.
struct Sums {
    left: Vec<Contribution>,
    right: Vec<Contribution>,
}

impl Pair<'_> {
    fn factor(&self, name: &str) -> Result<Real, String> {
        let one = Surd::from(1);
        let factor = self.factors.get(name).unwrap_or(&one);
        self.ctx.from_surd(factor).map_err(|e| e.to_string())
    }

    fn bounds(&self, name: &str, taken: usize, lambda: f64) -> Bounds {
        let sums = self.left.contributions(name, taken).and_then(|left| {
            let right = self.right.contributions(name, taken)?;
            Ok(Sums { left, right })
        });
        let of = |f: &dyn Fn(&Contribution, &Contribution, f64) -> f64| -> EntryBound {
            self.certified(name, taken, sums.as_ref().map_err(Clone::clone)?, f)
        };
        Bounds {
            enclosure: self.enclosure(name, taken),
            any_order: of(&|l, r, c| match planted(Fault::RightRunForgotten) {
                true => c * l.any,
                false => c * l.any + r.any,
            }),
            stated_order: of(&|l, r, c| c * l.stated + r.stated),
            probabilistic: of(&|l, r, c| likely(lambda, l, r, c)),
            lambda,
            adversarial: sums
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|sums| self.adversarial(name, taken, sums)),
        }
    }

    /// The largest distance over the entries, relative to the least that the largest entry of the
    /// left run can be.
    fn certified(
        &self,
        name: &str,
        taken: usize,
        sums: &Sums,
        combine: &dyn Fn(&Contribution, &Contribution, f64) -> f64,
    ) -> EntryBound {
        let factor = self.factor(name)?;
        let c = magnitude(&factor).to_f64_round(Round::Up);
        let (x, y) = (
            self.exact(&self.left, name, taken)?,
            self.exact(&self.right, name, taken)?,
        );
        let mut largest = Float::new(64);
        let mut size = Float::new(64);
        for (i, (x, y)) in x.iter().zip(&y).enumerate() {
            let (l, r) = (&sums.left[i], &sums.right[i]);
            // A few operations on non-negative numbers, each off by less than a part in 2⁵².
            let units = combine(l, r, c) * (1.0 + 16.0 * f64::EPSILON);
            if !units.is_finite() {
                return Err("the bound is larger than any number".to_owned());
            }
            let mut bound = Float::with_val_round(64, units, Round::Up).0 >> self.model.precision;
            let (mut scaled, mut gap) = (self.ctx.zero(), self.ctx.zero());
            self.ctx.mul(&mut scaled, &factor, x);
            self.ctx.sub(&mut gap, y, &scaled);
            if self.gap == Gap::Enclosed {
                let gap = magnitude(&gap);
                bound = Float::with_val_round(64, &bound + &gap, Round::Up).0;
            }
            if bound > largest {
                largest = bound;
            }
            let own = Float::with_val_round(64, l.any, Round::Up).0 >> self.model.precision;
            // Operations on references are rounded once, on the side that is asked for.
            let (least, scale) = (mignitude(x), mignitude(&factor));
            let own = Float::with_val_round(64, &least - &own, Round::Down).0;
            let own = Float::with_val_round(64, &own * &scale, Round::Down).0;
            if own > size {
                size = own;
            }
        }
        quotient(largest, size)
    }

    fn exact<'s>(
        &self,
        side: &'s Side<'_>,
        name: &str,
        taken: usize,
    ) -> Result<DMatrix<Real>, String> {
        let course: &'s Course<'_> = &side.course;
        let known = course.quantity(name, taken);
        known.ok_or_else(|| match &course.ending {
            Some(ending) => ending.to_string(),
            None => format!("there is no `{name}` after {taken} steps"),
        })
    }

    fn enclosure(&self, name: &str, taken: usize) -> EntryBound {
        let of = |side: &Side<'_>| -> Result<DMatrix<Real>, String> {
            let why = || {
                let why = side.not_enclosed.clone();
                why.unwrap_or_else(|| format!("there is no `{name}`"))
            };
            let values = side.enclosed.get(taken).ok_or_else(why)?;
            values.get(name).cloned().ok_or_else(why)
        };
        let (x, y) = (of(&self.left)?, of(&self.right)?);
        let factor = self.factor(name)?;
        relative(&self.ctx, [&x, &y], &factor, None, Round::Up)
    }

    /// Both runs pushed apart at the entry where the bound is largest.
    fn adversarial(&self, name: &str, taken: usize, sums: &Sums) -> EntryBound {
        let factor = self.factor(name)?;
        let c = magnitude(&factor).to_f64();
        let size = |i: &usize| c * sums.left[*i].stated + sums.right[*i].stated;
        let worst = (0..sums.left.len()).max_by(|i, j| size(i).total_cmp(&size(j)));
        let Some(worst) = worst else {
            return Err("there is no entry".to_owned());
        };
        let entry = super::trace::entries_of(&self.left.course, name)[worst];
        let pushed = |side: &Side<'_>, along: i8| -> Result<DMatrix<Real>, BoundError> {
            let way = direction(&side.course, side.scenario, name, entry, taken)?;
            adversary::pushed(&side.course, &side.centre, name, taken, &way, along)
        };
        let against = if *factor.sup() < 0 { 1 } else { -1 };
        let x = pushed(&self.left, against).map_err(|e| e.to_string())?;
        let y = pushed(&self.right, 1).map_err(|e| e.to_string())?;
        relative(&self.ctx, [&x, &y], &factor, Some(worst), Round::Down)
    }
}

/// max |y − c·x| / max |c·x| over enclosures: rounded up, the largest that it can be; rounded
/// down, the least.
pub(super) fn relative(
    ctx: &MpIntervals,
    [x, y]: [&DMatrix<Real>; 2],
    factor: &Real,
    only: Option<usize>,
    round: Round,
) -> EntryBound {
    let (mut largest, mut size) = (Float::new(64), Float::new(64));
    for (i, (x, y)) in x.iter().zip(y.iter()).enumerate() {
        let (mut scaled, mut apart) = (ctx.zero(), ctx.zero());
        ctx.mul(&mut scaled, factor, x);
        ctx.sub(&mut apart, y, &scaled);
        let (apart, own) = match round {
            Round::Up => (magnitude(&apart), mignitude(&scaled)),
            _ => (mignitude(&apart), magnitude(&scaled)),
        };
        if only.is_none_or(|only| only == i) && apart > largest {
            largest = apart;
        }
        if own > size {
            size = own;
        }
    }
    match round {
        Round::Up => quotient(largest, size),
        _ if size == 0 => Ok(size),
        _ => Ok(Float::with_val_round(64, &largest / &size, Round::Down).0),
    }
}

/// `x / y` rounded up, where 0/0 is 0.
fn quotient(x: Float, y: Float) -> EntryBound {
    if x == 0 {
        return Ok(x);
    }
    if y <= 0 {
        return Err("every entry of the quantity may be 0".to_owned());
    }
    Ok(Float::with_val_round(64, &x / &y, Round::Up).0)
}
