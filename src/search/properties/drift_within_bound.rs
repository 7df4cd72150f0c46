//! No drift of two float runs exceeds its certified bound, in any order of summation; nor does
//! the drift that the error model reaches when every rounding goes the way that hurts.

use std::collections::BTreeMap;

use super::HuntedProperty;
use super::float_run::{FloatRun, Sums, drift, exactly, factors, float_run};
use crate::arith::{Accumulator, ArithmeticName, Surd};
use crate::bound::certified::{BoundError, EntryBound, PairBounds, pair_bounds};
use crate::bound::study::Bounds;
use crate::graph::{Op, Unary};
use crate::scenario::Scenario;
use crate::search::draw::{Domain, Factors};
use crate::search::ends::reason;
use crate::search::finding::{Finding, Place};
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};
use crate::zoo::{Optimizer, Recipe};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "drift-within-bound",
    says: "no drift exceeds its certified bound, in the documented order and in others",
    // Half formats, in which much is in doubt, less often.
    arithmetics: &[
        ArithmeticName::F32,
        ArithmeticName::F64,
        ArithmeticName::Mp(40),
        ArithmeticName::Mp(113),
        ArithmeticName::F32,
        ArithmeticName::F64,
        ArithmeticName::Mp(24),
        ArithmeticName::Mp(53),
        ArithmeticName::Bf16,
        ArithmeticName::F16,
        ArithmeticName::Bf16Sums(Accumulator::F32),
        ArithmeticName::F16Sums(Accumulator::Exact),
    ],
    supports: |name| crate::arith::FloatModel::of(name).is_some(),
    evidence: &[],
    domain: bounded,
    judge,
};

/// The runs for which bounds are drawn: small ones that a certificate covers.
pub(super) fn bounded(mut domain: Domain) -> Domain {
    domain.optimizers.retain(|o| has_a_derivative(o));
    // In the first step of a warm-up the rate is 0, and so is what some divide by.
    domain.schedules.retain(|s| {
        s.as_ref()
            .is_none_or(|s| !s.name().contains("warmup") && s.name() != "cosine_with_min_lr")
    });
    Domain {
        factors: Factors::Rounding,
        size: 2,
        steps: 2,
        exponent: 4,
        signs: false,
        well_conditioned: true,
        ..domain
    }
}

/// `true` if a rounding can be followed through the optimizer's step.
fn has_a_derivative(optimizer: &'static Optimizer) -> bool {
    Recipe::linear(optimizer).build().is_ok_and(|step| {
        let root = |id| matches!(step.graph.node(id).op, Op::Unary(Unary::MatrixSqrt, _));
        !step.graph.ids().any(root)
    })
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let (right, property) = derived.map()?;
    let left = &test_case.scenario;
    let factors = factors(&property);
    let bounds = match bounds_of([left, &right], &factors, test_case.arithmetic) {
        Ok(bounds) => bounds,
        Err(why) => return Ok(TestResult::Undecided(why)),
    };
    let seed = |i: usize| u64::from(test_case.parameters.get(i).copied().unwrap_or(0));
    let other = |i: usize| Sums::Drawn(seed(i), seed(i) % 2 == 0);
    for (orders, stated) in [([Sums::Stated; 2], true), ([other(0), other(1)], false)] {
        let run = |scenario, sums| float_run(scenario, test_case.arithmetic, sums);
        let runs = [run(left, orders[0])?, run(&right, orders[1])?];
        if let Some(finding) = exceeded(&bounds, &runs, &factors, stated) {
            return Ok(TestResult::Failed(Box::new(finding)));
        }
    }
    Ok(TestResult::Passed(Basis::Bound))
}

/// The bounds after every step, or why there is not even one.
pub(super) fn bounds_of(
    [left, right]: [&Scenario; 2],
    factors: &BTreeMap<String, Surd>,
    arith: ArithmeticName,
) -> Result<PairBounds, String> {
    let steps: Vec<usize> = (0..=left.steps).collect();
    let bounds = pair_bounds(left, right, factors, arith, &steps, &|_| {});
    let bounds = bounds.map_err(|error| no_bound(&error))?;
    match bounds.certified_steps {
        0 => Err(ending(&bounds)),
        _ => Ok(bounds),
    }
}

/// Why there is no bound, without a place.
fn no_bound(error: &BoundError) -> String {
    match error {
        BoundError::Run(error) => reason(error),
        other => format!("there is no bound: {other}"),
    }
}

/// Why a certificate ends in the first step, without a place.
fn ending(bounds: &PairBounds) -> String {
    let first = bounds.endings.iter().flatten().min_by_key(|e| e.step);
    let why = first.map_or("no reason", |e| e.why.as_str());
    // After the place comes the reason; figures are of one case.
    let why = why.rsplit("(counted from 0): ").next().unwrap_or(why);
    let words = why.split(' ').filter(|word| word.parse::<u64>().is_err());
    let why = words.collect::<Vec<_>>().join(" ");
    format!("the certificate ends in the first step: {why}")
}

/// The first drift that is larger than one of its bounds.
pub(super) fn exceeded(
    bounds: &PairBounds,
    runs: &[FloatRun; 2],
    factors: &BTreeMap<String, Surd>,
    stated: bool,
) -> Option<Finding> {
    bounds.at.iter().find_map(|(taken, of_step)| {
        of_step.iter().find_map(|(name, own)| {
            let [left, right, says] =
                beyond(runs, own, (*taken, name, factors.get(name)?), stated)?;
            Some(Finding::Contradicts {
                says,
                place: Some(Place {
                    after_steps: *taken,
                    quantity: name.clone(),
                    entry: (0, 0),
                    left,
                    right,
                }),
            })
        })
    })
}

/// The drift of one quantity and the bound that is smaller, with what that contradicts.
fn beyond(
    runs: &[FloatRun; 2],
    own: &Bounds<EntryBound>,
    (taken, name, factor): (usize, &str, &Surd),
    stated: bool,
) -> Option<[String; 3]> {
    let values = |run: &FloatRun| run.after.get(taken)?.get(name).cloned();
    let [x, y] = [0, 1].map(|side| values(&runs[side]));
    let certified: [(&str, &EntryBound); 3] = [
        ("any order", &own.certified),
        ("enclosure", &own.enclosure),
        ("stated order", &own.certified_stated),
    ];
    let counted = if stated { 3 } else { 2 };
    certified[..counted].iter().find_map(|(what, bound)| {
        let bound = bound.as_ref().ok()?;
        let (Some(x), Some(y)) = (&x, &y) else {
            let ended = runs.iter().find_map(|run| run.end.as_ref());
            let end = ended.map_or("ends".to_owned(), ToString::to_string);
            let says = "a run ends where its drift is bounded".to_owned();
            return Some([end, (*what).to_owned(), says]);
        };
        if let Some(reached) = own.adversarial.as_ref().ok().filter(|d| *d > bound) {
            let says = format!(
                "the error model reaches a drift (left) larger than the certified bound (right, {what})"
            );
            return Some([reached.to_string(), bound.to_string(), says]);
        }
        let measured = drift(x, y, factor);
        let within = match (&measured, exactly(bound)) {
            (Some(measured), Some(bound)) => *measured <= bound,
            // Nothing is relative to 0, so nothing can be certified.
            _ => factor.as_ratio().is_none(),
        };
        if within {
            return None;
        }
        let says = format!(
            "the measured drift (left) is larger than its certified bound (right, {what})"
        );
        let measured = measured.map(|q| crate::arith::show_ratio(&q));
        let measured = measured.unwrap_or_else(|| "relative to 0".to_owned());
        Some([measured, bound.to_string(), says])
    })
}
