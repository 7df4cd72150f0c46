//! No drift of two float runs exceeds its certified bound where every sum is made in another order
//! at each step and in each run, on data that make the most of it.
//!
//! What is trained against are frozen weights whose rows are large and cancel, so that the order
//! of a sum shows; and half of the runs are plain descent at almost twice the rate at which the
//! factor B would reach its target at once, so that what is summed in the first step comes back
//! with the other sign in the second. If both sums erred alike, next to nothing would be left.

use num_traits::Zero;

use super::HuntedProperty;
use super::drift_within_bound::{bounded, bounds_of, exceeded};
use super::measured::{Sums, course, factors};
use crate::arith::{Arithmetic, ArithmeticName, F64, Ratio, SumOrder, Surd, ratio_from_f64};
use crate::bound::certified::{FAILURE_PROBABILITY, PairBounds};
use crate::exec::{Tensor, Values};
use crate::graph::{LeafKind, StepGraph};
use crate::scenario::Scenario;
use crate::search::draw::Menu;
use crate::search::subject::{Derived, Subject};
use crate::search::verdict::{Evidence, JudgeError, Verdict};
use crate::search::witness::Finding;
use crate::zoo::{Content, Recipe, Reduction};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "bounds-hold-in-any-order",
    says: "no drift exceeds its bound where sums are made in another order at each step",
    arithmetics: &[
        ArithmeticName::F32,
        ArithmeticName::F64,
        ArithmeticName::Mp(24),
        ArithmeticName::F32,
        ArithmeticName::Mp(53),
        ArithmeticName::F16,
    ],
    supports: |name| crate::arith::FloatModel::of(name).is_some(),
    menu,
    judge,
};

fn menu(menu: Menu) -> Menu {
    let mut menu = bounded(menu);
    // Every other run is the one whose steps can be set against each other.
    often(&mut menu.optimizers, |o| o.name == "sgd");
    often(&mut menu.models, |m| m.name == "linear");
    often(&mut menu.losses, |l| l.name == "mse");
    Menu { size: 3, ..menu }
}

/// Every other entry becomes the one that is `wanted`, where there is one.
fn often<T: Copy>(list: &mut Vec<T>, wanted: impl Fn(&T) -> bool) {
    if let Some(own) = list.iter().copied().find(|entry| wanted(entry)) {
        *list = list.iter().flat_map(|other| [own, *other]).collect();
    }
}

fn judge(subject: &Subject) -> Result<Verdict, JudgeError> {
    let made = Subject {
        scenario: made(subject)?,
        ..subject.clone()
    };
    let derived = Derived::new(&made)?;
    let (right, property) = derived.map()?;
    let left = &made.scenario;
    let factors = factors(&property);
    let bounds = match bounds_of([left, &right], &factors, made.arithmetic) {
        Ok(bounds) => bounds,
        Err(why) => return Ok(Verdict::Undecided(why)),
    };
    if let Some(finding) = too_likely(&bounds, &derived.step, left) {
        return Ok(Verdict::Failed(Box::new(finding)));
    }
    let orders = orders(&made.picks, left.steps + 1);
    let anew = orders
        .iter()
        .map(|[x, y]| ([Sums::Anew(x), Sums::Anew(y)], false));
    for (sums, documented) in std::iter::once(([Sums::Documented; 2], true)).chain(anew) {
        let run = |scenario, sums| course(scenario, made.arithmetic, sums);
        let runs = [run(left, sums[0])?, run(&right, sums[1])?];
        if let Some(finding) = exceeded(&bounds, &runs, &factors, documented) {
            return Ok(Verdict::Failed(Box::new(finding)));
        }
    }
    Ok(Verdict::Passed(Evidence::Bound))
}

/// The orders of one run, step by step.
type Orders = Vec<(SumOrder, bool)>;

/// Ways to sum in `steps` evaluations of both runs: to and fro against each other, and drawn.
fn orders(picks: &[u32], steps: usize) -> Vec<[Orders; 2]> {
    let pick = |i: usize| u64::from(picks.get(i).copied().unwrap_or(0));
    let (forward, backward) = (SumOrder::Forward, SumOrder::Backward);
    let in_turn = |first, second, fused| -> Orders {
        let turn = [(first, fused), (second, fused)];
        turn.into_iter().cycle().take(steps).collect()
    };
    let against = |fused| {
        let ways = [
            in_turn(forward, backward, fused),
            in_turn(backward, forward, fused),
        ];
        let [x, y] = ways.clone();
        [ways, [y, x]]
    };
    let drawn = |salt: u64| -> Orders {
        let seed = |step: usize| (pick(3) << 24) + (pick(4) << 8) + (salt << 4) + step as u64;
        let order = |step| {
            let fused = (pick(5) + salt + step as u64).is_multiple_of(3);
            (SumOrder::Drawn(seed(step)), fused)
        };
        (0..steps).map(order).collect()
    };
    let mut all: Vec<[Orders; 2]> = [true, false].into_iter().flat_map(against).collect();
    all.extend([[drawn(0), drawn(1)], [drawn(2), drawn(3)]]);
    all
}

/// What contradicts that all likely bounds together fail as seldom as they say.
fn too_likely(bounds: &PairBounds, step: &StepGraph, run: &Scenario) -> Option<Finding> {
    let size = |id| {
        let shape = &step.graph.node(id).shape;
        let of = |dim: &crate::graph::Dim| dim.size(|name| run.sizes.get(name)).unwrap_or(1);
        of(&shape.rows) * of(&shape.cols)
    };
    let parameters = step.parameters.iter().map(|p| p.leaf);
    let outputs = step.outputs.iter().map(|o| o.node);
    let entries: usize = parameters.chain(outputs).map(size).sum();
    // The loss is one more.
    let numbers = (entries + 1) * bounds.at.len();
    let least = bounds.at.values().flat_map(|all| all.values());
    let least = least.map(|own| own.lambda).fold(f64::INFINITY, f64::min);
    let fails = 2.0 * numbers as f64 * libm::exp(-least * least / 2.0);
    (fails > FAILURE_PROBABILITY).then(|| Finding::Contradicts {
        says: format!(
            "with λ = {least} one of {numbers} likely bounds fails with a probability of {fails}, more than {FAILURE_PROBABILITY}"
        ),
        place: None,
    })
}

/// The drawn run with rows that cancel, and the rate at which steps undo each other.
fn made(subject: &Subject) -> Result<Scenario, JudgeError> {
    let mut run = subject.scenario.clone();
    let step = run.recipe.build()?;
    let pick = |i: usize| subject.picks.get(i).copied().unwrap_or(0);
    let size = libm::exp2(f64::from(8 + pick(1) % 5));
    for (name, id) in step.graph.leaves() {
        let kind = step.graph.leaf_at(id).map(|leaf| &leaf.kind);
        let is_real = run.recipe.content(name) == Content::Real;
        if !(is_real && matches!(kind, Some(LeafKind::Data))) {
            continue;
        }
        let Some(drawn) = run.values.tensors.get(name) else {
            continue;
        };
        let made = match name.chars().next() {
            Some('X') => near_one(drawn),
            Some('W') => cancelling(drawn, size),
            _ => None,
        };
        if let Some(made) = made {
            run.values.set_tensor(name, made);
        }
    }
    if pick(2) % 4 < 3 {
        set_against(&mut run, &step, 5 + pick(2) / 4 % 4);
    }
    Ok(run)
}

/// 1 and a little, the little as it was drawn.
fn near_one(drawn: &Tensor) -> Option<Tensor> {
    let values = drawn.values().iter().map(|x| 1.0 + x / 16384.0).collect();
    Tensor::new(drawn.rows(), drawn.cols(), values).ok()
}

/// Rows of large entries whose sum is as small as what was drawn; thirds, which fill all digits.
fn cancelling(drawn: &Tensor, size: f64) -> Option<Tensor> {
    let cols = drawn.cols();
    let mut values = drawn.values().to_vec();
    for row in values.chunks_exact_mut(cols.max(1)) {
        let Some((last, others)) = row.split_last_mut() else {
            continue;
        };
        for (i, x) in others.iter_mut().enumerate() {
            // Small ones among the large ones.
            *x = if i % 2 == 0 { size * (1.0 + *x / 16.0) } else { *x };
        }
        *last -= others.iter().sum::<f64>();
    }
    let made = Tensor::new(drawn.rows(), cols, values).ok()?;
    made.scaled_by(&Surd::rational(Ratio::new(2.into(), 3.into())))
}

/// Where plain descent trains one layer: A stays as it is, and one step takes B almost twice as
/// far as its target is, short by a part in 2^`bits`.
fn set_against(run: &mut Scenario, step: &StepGraph, bits: u32) -> Option<()> {
    let Recipe {
        model,
        loss,
        optimizer,
        reduction,
        ..
    } = &run.recipe;
    if [model.name, loss.name, optimizer.name] != ["linear", "mse", "sgd"] {
        return None;
    }
    let is_sum = *reduction == Reduction::Sum;
    let values = &mut run.values;
    let rates = ["lr_A", "lr_B"];
    if !rates.iter().all(|name| values.scalars.contains_key(*name)) {
        return None;
    }
    for (name, _, may_be_zero) in step.hyperparameters() {
        if may_be_zero {
            values.set_scalar(name, Surd::rational(Ratio::zero()));
        }
    }
    let drawn = values.tensors.get("A")?;
    let small = |(i, x): (usize, &f64)| f64::from(u8::from(i == 0)) + x / 64.0;
    let a = drawn.values().iter().enumerate().map(small).collect();
    let a = Tensor::new(drawn.rows(), drawn.cols(), a).ok()?;
    values.set_tensor("A", a);
    let curvature = curvature(values)?;
    let targets = run.sizes.get("batch")? * run.sizes.get("n_out")?;
    let curvature = curvature * if is_sum { 1.0 } else { 1.0 / targets as f64 };
    let rate = (2.0 - libm::exp2(-f64::from(bits))) / curvature;
    let rate = Surd::rational(ratio_from_f64(rate)?);
    let tiny = Surd::rational(ratio_from_f64(libm::exp2(-60.0))?);
    let almost_none = rate.checked_mul(&tiny)?;
    values.set_scalar("lr_A", almost_none);
    values.set_scalar("lr_B", rate);
    Some(())
}

/// How the sum of the squared residuals bends along a row of B, for one rank.
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
