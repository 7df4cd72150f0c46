//! No drift of two float runs exceeds its certified bound where every sum is made in another order
//! at each step and in each run, on data that make the most of it.
//!
//! Frozen weights get rows that are large and cancel, so that the order of a sum shows. Half of
//! the runs are plain descent, many of them at almost twice the rate at which B would reach its
//! target at once: what one step makes of the error of a sum, the next one takes back. If both
//! steps erred alike, next to nothing would be left of it, and that is what a bound must not
//! count on.

use std::collections::BTreeMap;

use num_traits::Zero;

use super::HuntedProperty;
use super::drift_within_bound::{bounded, bounds_of, exceeded};
use super::float_run::{Sums, factors, float_run};
use crate::arith::{Accumulator, Ratio};
use crate::arith::{Arithmetic, ArithmeticName, F64, FloatModel, SumOrder, Surd, ratio_from_f64};
use crate::bound::certified::{FAILURE_PROBABILITY, PairBounds};
use crate::exec::{Sizes, Tensor, Values};
use crate::graph::{Dim, LeafKind, StepGraph};
use crate::scenario::Scenario;
use crate::search::draw::Domain;
use crate::search::finding::Finding;
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};
use crate::zoo::{Content, Recipe, Reduction};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "bounds-hold-in-any-order",
    says: "no drift exceeds its bound where each step and each run sums in another order",
    arithmetics: &[
        ArithmeticName::F32,
        ArithmeticName::F64,
        ArithmeticName::Mp(24),
        ArithmeticName::F32,
        ArithmeticName::Mp(53),
        ArithmeticName::F64,
        ArithmeticName::F16,
        ArithmeticName::Bf16Sums(Accumulator::F32),
    ],
    supports: |name| FloatModel::of(name).is_some(),
    evidence: &[],
    domain,
    judge,
};

fn domain(domain: Domain) -> Domain {
    let mut domain = bounded(domain);
    every_other(&mut domain.optimizers, |o| o.name == "sgd");
    every_other(&mut domain.models, |m| m.name == "linear");
    every_other(&mut domain.losses, |l| l.name == "mse");
    Domain {
        // Three terms are the fewest that have several orders.
        size: 3,
        arrange: Some(arrange),
        ..domain
    }
}

/// Every other entry becomes the one that is `wanted`, where there is one.
fn every_other<T: Copy>(list: &mut Vec<T>, wanted: impl Fn(&T) -> bool) {
    if let Some(own) = list.iter().copied().find(|entry| wanted(entry)) {
        *list = list.iter().flat_map(|other| [own, *other]).collect();
    }
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let (right, property) = derived.map()?;
    let runs = [&test_case.scenario, &right];
    let factors = factors(&property);
    let bounds = match bounds_of(runs, &factors, test_case.arithmetic) {
        Ok(bounds) => bounds,
        Err(why) => return Ok(TestResult::Undecided(why)),
    };
    if let Some(finding) = too_often(&bounds, entries(&derived.step, &test_case.scenario.sizes)) {
        return Ok(TestResult::Failed(Box::new(finding)));
    }
    Ok(match beyond(&bounds, test_case, runs, &factors)? {
        Some(finding) => TestResult::Failed(Box::new(finding)),
        None => TestResult::Passed(Basis::Bound),
    })
}

/// The first drift of two runs that is larger than one of its bounds.
fn beyond(
    bounds: &PairBounds,
    test_case: &TestCase,
    runs: [&Scenario; 2],
    factors: &BTreeMap<String, Surd>,
) -> Result<Option<Finding>, SearchError> {
    // Loss and outputs are read once more after the last step.
    let ways = ways(&test_case.parameters, test_case.scenario.steps + 1);
    let anew = ways
        .iter()
        .map(|way| [Sums::Anew(&way[0]), Sums::Anew(&way[1])]);
    for (i, sums) in std::iter::once([Sums::Stated; 2]).chain(anew).enumerate() {
        let run = |side: usize| float_run(runs[side], test_case.arithmetic, sums[side]);
        let float_runs = [run(0)?, run(1)?];
        if let Some(finding) = exceeded(bounds, &float_runs, factors, i == 0) {
            return Ok(Some(finding));
        }
    }
    Ok(None)
}

/// The orders in which one run sums, and whether it fuses, step by step.
type Orders = Vec<(SumOrder, bool)>;

/// Ways to sum in `steps` steps of both runs: to and fro, each run when the other does not, and
/// drawn.
fn ways(picks: &[u32], steps: usize) -> Vec<[Orders; 2]> {
    let pick = |i: usize| u64::from(picks.get(i).copied().unwrap_or(0));
    let (forward, backward) = (SumOrder::Forward, SumOrder::Backward);
    let in_turn = |turn: [SumOrder; 2], fused| -> Orders {
        let turn = turn.map(|order| (order, fused));
        turn.into_iter().cycle().take(steps).collect()
    };
    let to_and_fro = |fused| {
        let ways = [[forward, backward], [backward, forward]].map(|turn| in_turn(turn, fused));
        let [to, fro] = ways.clone();
        [ways, [fro, to]]
    };
    let drawn = |run: u64| -> Orders {
        let order = |step: u64| {
            let seed = (pick(3) << 24) + (pick(4) << 8) + (run << 4) + step;
            let fused = (pick(5) + run + step).is_multiple_of(3);
            (SumOrder::Drawn(seed), fused)
        };
        (0..steps as u64).map(order).collect()
    };
    let against = [true, false].into_iter().flat_map(to_and_fro);
    against
        .chain([[drawn(0), drawn(1)], [drawn(2), drawn(3)]])
        .collect()
}

/// The number of entries of loss, outputs and trained tensors.
fn entries(step: &StepGraph, sizes: &Sizes) -> usize {
    let size = |id| {
        let shape = &step.graph.node(id).shape;
        let of = |dim: &Dim| dim.size(|name| sizes.get(name)).unwrap_or(1);
        of(&shape.rows) * of(&shape.cols)
    };
    let trained = step.parameters.iter().map(|p| p.leaf);
    let outputs = step.outputs.iter().map(|o| o.node);
    1 + trained.chain(outputs).map(size).sum::<usize>()
}

/// A finding where the probabilistic bounds together fail more often than they say: each one fails
/// with a probability of 2·exp(−λ²/2) at most, and there is one for each of `entries` at each time.
fn too_often(bounds: &PairBounds, entries: usize) -> Option<Finding> {
    let numbers = entries * bounds.at.len();
    let lambda = bounds.lambda;
    let fails = 2.0 * numbers as f64 * libm::exp(-lambda * lambda / 2.0);
    (fails > FAILURE_PROBABILITY).then(|| Finding::Contradicts {
        says: format!(
            "with λ = {lambda} one of {numbers} probabilistic bounds may fail with a probability of {fails}, more than {FAILURE_PROBABILITY}"
        ),
        place: None,
    })
}

/// Gives a drawn run rows that cancel, and the rate at which steps take each other back.
fn arrange(run: &mut Scenario, step: &StepGraph, picks: &[u32]) {
    let pick = |i: usize| picks.get(i).copied().unwrap_or(0);
    let size = libm::exp2(f64::from(5 + pick(1) % 6));
    for (name, id) in step.graph.leaves() {
        let kind = step.graph.leaf_at(id).map(|leaf| &leaf.kind);
        let is_data = matches!(kind, Some(LeafKind::Data));
        if !is_data || run.recipe.content(name) != Content::Real {
            continue;
        }
        let drawn = run.values.tensors.get(name);
        let arranged = drawn.and_then(|drawn| match name.chars().next() {
            Some('X') => near_one(drawn),
            Some('W') => cancelling(drawn, size),
            _ => None,
        });
        if let Some(arranged) = arranged {
            run.values.set_tensor(name, arranged);
        }
    }
    if pick(2) % 4 < 3 {
        let short = libm::exp2(-f64::from(5 + pick(2) / 4 % 4));
        taking_back(run, step, short);
    }
}

/// 1 and a little, the little as it was drawn.
fn near_one(drawn: &Tensor) -> Option<Tensor> {
    let values = drawn.values().iter().map(|x| 1.0 + x / 16384.0).collect();
    Tensor::new(drawn.rows(), drawn.cols(), values).ok()
}

/// Rows of large entries, with small ones among them, whose sum is as small as the last entry was;
/// as thirds, which fill all digits.
fn cancelling(drawn: &Tensor, size: f64) -> Option<Tensor> {
    let mut values = drawn.values().to_vec();
    for row in values.chunks_exact_mut(drawn.cols().max(1)) {
        let (last, others) = row.split_last_mut()?;
        for x in others.iter_mut().step_by(2) {
            *x = size * (1.0 + *x / 16.0);
        }
        *last -= others.iter().sum::<f64>();
    }
    let arranged = Tensor::new(drawn.rows(), drawn.cols(), values).ok()?;
    arranged.scaled_by(&Surd::rational(Ratio::new(2.into(), 3.into())))
}

/// Where plain descent trains one layer: A all but stays as it is, and one step takes B almost
/// twice as far as its target is, `short` of it by that part.
fn taking_back(run: &mut Scenario, step: &StepGraph, short: f64) -> Option<()> {
    let Recipe {
        model,
        loss,
        optimizer,
        ..
    } = &run.recipe;
    let has_rates = ["lr_A", "lr_B"].map(|name| run.values.scalars.contains_key(name));
    if [model.name, loss.name, optimizer.name] != ["linear", "mse", "sgd"] || has_rates != [true; 2]
    {
        return None;
    }
    let values = &mut run.values;
    for (name, _, may_be_zero) in step.hyperparameters() {
        if may_be_zero {
            values.set_scalar(name, Surd::rational(Ratio::zero()));
        }
    }
    let drawn = values.tensors.get("A")?;
    let entry = |(i, x): (usize, &f64)| f64::from(u8::from(i == 0)) + x / 64.0;
    let entries = drawn.values().iter().enumerate().map(entry).collect();
    let a = Tensor::new(drawn.rows(), drawn.cols(), entries).ok()?;
    values.set_tensor("A", a);
    let residuals = match run.recipe.reduction {
        Reduction::Sum => 1,
        Reduction::Mean => run.sizes.get("batch")? * run.sizes.get("n_out")?,
    };
    let rate = (2.0 - short) * residuals as f64 / curvature(values)?;
    let rate = Surd::rational(ratio_from_f64(rate)?);
    let almost_none = Surd::rational(ratio_from_f64(libm::exp2(-60.0))?);
    values.set_scalar("lr_A", rate.checked_mul(&almost_none)?);
    values.set_scalar("lr_B", rate);
    Some(())
}

/// The second derivative of the sum of squared residuals along a row of B of one number.
fn curvature(values: &Values) -> Option<f64> {
    let s = F64.from_surd(values.scalars.get("s")?).ok()?;
    let (x, a) = (values.tensors.get("X")?, values.tensors.get("A")?);
    let mut all = 0.0;
    for x in x.values().chunks_exact(x.cols().max(1)) {
        for a in a.values().chunks_exact(a.cols().max(1)) {
            let inner: f64 = x.iter().zip(a).map(|(x, a)| x * a).sum();
            all += inner * inner;
        }
    }
    Some(2.0 * s * s * all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::ScenarioFile;

    // Two steps whose sums, made to and fro, once exceeded a bound.
    const FOUND: &str = include_str!("../../../tests/scenarios/step_order.toml");

    fn found() -> TestCase {
        let file = ScenarioFile::from_toml(FOUND).unwrap();
        TestCase {
            scenario: file.scenario().unwrap(),
            arithmetic: ArithmeticName::F32,
            factors: vec![Ratio::from_integer(9.into())],
            second: vec![],
            flips: vec![],
            parameters: vec![0; 6],
        }
    }

    #[test]
    fn the_orders_reach_beyond_the_bound_for_one_order_and_no_further() {
        let test_case = found();
        assert_eq!(judge(&test_case).unwrap(), TestResult::Passed(Basis::Bound));
        let (right, property) = Derived::new(&test_case).unwrap().map().unwrap();
        let (runs, factors) = ([&test_case.scenario, &right], factors(&property));
        let mut bounds = bounds_of(runs, &factors, test_case.arithmetic).unwrap();
        let own = bounds
            .at
            .get_mut(&2)
            .and_then(|of_step| of_step.get_mut("B"));
        let own = own.unwrap();
        own.certified = own.certified_stated.clone();
        let finding = beyond(&bounds, &test_case, runs, &factors).unwrap();
        let says = finding.expect("a drift beyond its bound").describe();
        assert!(says.contains("larger than its certified bound"), "{says}");
        assert!(says.contains("in step 3, B"), "{says}");
    }

    #[test]
    fn every_step_sums_otherwise_than_the_one_before_and_than_the_other_run() {
        for way in ways(&[0, 0, 0, 5, 7, 1], 3) {
            let [x, y] = &way;
            assert_eq!([x.len(), y.len()], [3, 3]);
            for (i, (x_now, y_now)) in x.iter().zip(y).enumerate() {
                assert_ne!(x_now.0, y_now.0);
                assert!(i == 0 || (x[i - 1].0 != x_now.0 && y[i - 1].0 != y_now.0));
            }
        }
        let fused = |way: &[Orders; 2]| way.iter().flatten().filter(|o| o.1).count();
        let counts: Vec<usize> = ways(&[], 2).iter().map(fused).collect();
        assert_eq!(counts[..4], [4, 4, 0, 0]);
    }

    #[test]
    fn a_lambda_for_one_time_only_is_found() {
        let test_case = found();
        let derived = Derived::new(&test_case).unwrap();
        let (right, property) = derived.map().unwrap();
        let runs = [&test_case.scenario, &right];
        let mut bounds = bounds_of(runs, &factors(&property), test_case.arithmetic).unwrap();
        let entries = entries(&derived.step, &test_case.scenario.sizes);
        assert_eq!(too_often(&bounds, entries), None);
        // λ is no larger than it need be.
        assert!(too_often(&bounds, entries + 1).is_some());
        bounds.lambda *= 0.99;
        assert!(too_often(&bounds, entries).is_some());
    }

    #[test]
    fn rows_cancel_and_a_step_takes_back_what_the_one_before_did() {
        let drawn = Tensor::new(2, 3, vec![0.5, -3.0, 2.0, 1.5, 0.25, -1.0]).unwrap();
        let made = cancelling(&drawn, 256.0).unwrap();
        let exact = |x: Surd| x.as_ratio().cloned().unwrap();
        let all: Vec<Ratio> = made.entries().map(exact).collect();
        for (row, last) in all.chunks(3).zip([2, -1]) {
            let sum: Ratio = row.iter().sum();
            assert_eq!(sum, Ratio::new((2 * last).into(), 3.into()));
            assert!(row[0] > Ratio::from_integer(150.into()));
        }
        let mut run = found().scenario;
        let step = run.recipe.build().unwrap();
        taking_back(&mut run, &step, 1.0 / 64.0).expect("plain descent");
        // B′ = B − lr·2s²(x·a)²·(B − B*) is B* − (1 − 2⁻⁶)·(B − B*).
        let rate = F64.from_surd(&run.values.scalars["lr_B"]).unwrap();
        let taken = rate * curvature(&run.values).unwrap();
        assert!((taken - (2.0 - 1.0 / 64.0)).abs() < 1e-12, "{taken}");
        let mut other = run.clone();
        other.recipe = Recipe::new("linear", "mse", "adam").unwrap();
        assert!(taking_back(&mut other, &step, 0.5).is_none());
        assert_eq!(other.values.scalars["lr_B"], run.values.scalars["lr_B"]);
    }
}
