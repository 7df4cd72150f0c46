//! No scaling turns the run of one rank into that of another.
//!
//! From B = 0 the first step changes W by s·B₁·A₁. Where every setting and the scale of A₀ multiply
//! that change by a number, a certificate of the first step says so; two changes at different ranks
//! that are not proportional then exclude every choice of these settings at once.

use std::collections::BTreeSet;

use super::{Draft, JudgeError};
use crate::arith::{Arithmetic, ArithmeticName, Surd, WithArithmetic, with_arithmetic};
use crate::audit::case::{Case, SEED};
use crate::audit::evidence::certificate;
use crate::audit::{Evidence, Rung, Verdict};
use crate::exec::{ExecError, Outputs, Tensor};
use crate::gauge;
use crate::graph::StepGraph;
use crate::scenario::{Outcome, Scenario, ScenarioError};
use crate::search::{check_exactly, exact_arithmetic};

/// The two ranks that are compared, the second twice the first.
const RANKS: [usize; 2] = [1, 2];

pub(super) fn judge(case: &Case<'_>) -> Result<Draft, JudgeError> {
    let step = &case.step;
    let model = case.setting.numeric.model;
    if model.name != "linear" || case.setting.zero.iter().any(|z| z != "B") {
        return Ok(Draft::unknown(
            "only one linear layer from B = 0 is looked at across ranks",
        ));
    }
    let zero = BTreeSet::from(["B".to_owned()]);
    let under = case.under(&[gauge::Condition::InitialZero("B".to_owned())]);
    if let Some(none) = case.no_run(&under)? {
        return Ok(Draft::unknown(none.in_words(case.setting)));
    }
    let options = gauge::Options {
        first_step: Some(zero),
        only_seen: true,
        ..gauge::Options::default()
    };
    let first = gauge::infer(step, &options);
    // A quotient of two zeros, which a branch may leave out, has no weight.
    if let Err(error) = gauge::check(step, &first.question, &first.certificate) {
        return Ok(Draft::unknown(format!(
            "no weights for the first step from B = 0: {error}"
        )));
    }
    // Every setting that a user turns, and A: each by a factor of its own.
    let turned: Vec<&str> = (step.hyperparameters())
        .filter(|(_, base, _)| case.setting.numeric.setting(base).is_none_or(turns))
        .map(|(leaf, ..)| leaf)
        .chain(["A"])
        .collect();
    let row = |g: usize| -> Vec<crate::arith::Ratio> {
        let weight = |name: &&str| first.rule.weights.get(*name)?.get(g).cloned();
        turned
            .iter()
            .map(|name| weight(name).unwrap_or_default())
            .collect()
    };
    let rows: Vec<_> = (0..first.rule.dimension()).map(row).collect();
    if crate::audit::tangent::rank(rows) < turned.len() {
        let conflicts = gauge::conflicts(step, &gauge::Options::default());
        let reasons: Vec<String> = conflicts
            .constants
            .iter()
            .map(|c| c.because.clone())
            .collect();
        let why = match reasons.is_empty() {
            true => "terms of the update follow different settings".to_owned(),
            false => reasons.join("; "),
        };
        return Ok(Draft::unknown(format!(
            "the first change of W is not multiplied by a number when {} change, so one run says \
             nothing of all their values ({why})",
            turned.join(", ")
        )));
    }
    let mut larger = case.example([4, 3, 3, RANKS[1]], 1, SEED)?;
    larger.values.set_tensor("B", Tensor::zeros(3, RANKS[1]));
    let smaller = first_rank(&larger)?;
    let name: ArithmeticName = exact_arithmetic();
    let task = Minor {
        step,
        runs: [&smaller, &larger],
    };
    let minor = with_arithmetic(name, task).map_err(|e| ScenarioError::field("arithmetic", e))?;
    let minor = match minor {
        Ok(Some(minor)) => minor,
        Ok(None) => {
            let why = "the first changes of W happen to be proportional in the drawn run";
            return Ok(Draft::unknown(why));
        }
        Err(error) => {
            return Ok(Draft::unknown(format!(
                "no exact arithmetic takes the first step: {error}"
            )));
        }
    };
    let because = "the first change of W at one rank is not a multiple of that at the other, whatever \
                   the settings and the scale of A are";
    let mut draft = Draft::new(Verdict::Proved, because);
    draft.conditions.push(
        "LoRA's start (B = 0, A drawn); the smaller A is the first rows of the larger".into(),
    );
    let says = format!(
        "In the first step from B = 0, {} each multiply A₁, B₁ and s by a number, independently: \
         a weight for every node, checked.",
        turned.join(", ")
    );
    draft.evidence.push(certificate(&first.certificate, says));
    let says = "For ranks 1 and 2 on the same data the two changes of W have a 2 × 2 minor that is not 0, \
                so neither is a multiple of the other.";
    draft.evidence.push(
        Evidence::new(Rung::Exact, says)
            .with("ranks", "1 and 2")
            .with(
                "entries",
                format!("{:?} and {:?}", minor.entries[0], minor.entries[1]),
            )
            .with("minor", minor.value)
            .with("arithmetic", name),
    );
    for (bridge, words) in [
        (padded(&larger)?, "padded with a zero row of A"),
        (doubled(&smaller)?, "with A₀ = (a; a)/√2"),
    ] {
        let outcome = check_exactly(&case.same_run(), &smaller, &bridge, 1);
        if let Ok(Outcome::Holds { compared }) = outcome {
            let says = format!(
                "A bridge between ranks, by a start and not by a scaling: {words}, the larger rank takes \
                 the first step of the smaller one, number by number."
            );
            draft
                .evidence
                .push(Evidence::new(Rung::Exact, says).with("compared", compared));
        }
    }
    Ok(draft)
}

/// `true` if a user turns a setting: rates and strengths, not fractions such as β.
fn turns(setting: &'static crate::zoo::Hyperparameter) -> bool {
    matches!(setting.range, crate::zoo::Range::Positive)
}

fn tensor<'s>(scenario: &'s Scenario, name: &str) -> Result<&'s Tensor, ScenarioError> {
    let missing = || ScenarioError::field(name, "missing");
    scenario.values.tensors.get(name).ok_or_else(missing)
}

/// The same run with the entries of A and B that `entry` gives, in the given rank.
fn with_rank(
    scenario: &Scenario,
    rank: usize,
    entry: &dyn Fn(&Tensor, bool, usize, usize) -> f64,
) -> Result<Scenario, ScenarioError> {
    let mut other = scenario.clone();
    other.sizes.set("r", rank);
    for (name, is_a) in [("A", true), ("B", false)] {
        let whole = tensor(scenario, name)?;
        let (rows, cols) = match is_a {
            true => (rank, whole.cols()),
            false => (whole.rows(), rank),
        };
        let entries = (0..rows * cols).map(|i| entry(whole, is_a, i / cols, i % cols));
        let own = Tensor::new(rows, cols, entries.collect());
        let own = own.map_err(|e| ScenarioError::field(name, e))?;
        let scaled = own.scaled_by(whole.scale());
        let scaled = scaled.ok_or_else(|| ScenarioError::field(name, "has a scale"))?;
        other.values.set_tensor(name, scaled);
    }
    Ok(other)
}

fn at(whole: &Tensor, row: usize, col: usize) -> f64 {
    whole.values()[row * whole.cols() + col]
}

/// The same run with only the first row of A and the first column of B.
fn first_rank(scenario: &Scenario) -> Result<Scenario, ScenarioError> {
    with_rank(scenario, RANKS[0], &|whole, _, row, col| {
        at(whole, row, col)
    })
}

/// The run with everything but the first row of A and the first column of B set to zero.
fn padded(scenario: &Scenario) -> Result<Scenario, ScenarioError> {
    with_rank(scenario, RANKS[1], &|whole, is_a, row, col| {
        let kept = if is_a { row == 0 } else { col == 0 };
        if kept { at(whole, row, col) } else { 0.0 }
    })
}

/// The run with its one rank twice, over √2.
fn doubled(scenario: &Scenario) -> Result<Scenario, ScenarioError> {
    let mut twice = with_rank(scenario, RANKS[1], &|whole, is_a, row, col| match is_a {
        true => at(whole, 0, col),
        false => at(whole, row, 0),
    })?;
    let half = crate::arith::Ratio::new(1.into(), 2.into());
    let root = Surd::power(&half, &half);
    for name in ["A", "B"] {
        let scaled = root
            .as_ref()
            .and_then(|root| tensor(&twice, name).ok()?.scaled_by(root));
        let scaled = scaled.ok_or_else(|| ScenarioError::field(name, "has a scale"))?;
        twice.values.set_tensor(name, scaled);
    }
    Ok(twice)
}

struct Minor<'a> {
    step: &'a StepGraph,
    runs: [&'a Scenario; 2],
}

struct Found {
    entries: [(usize, usize); 2],
    value: String,
}

impl WithArithmetic for Minor<'_> {
    type Output = Result<Option<Found>, ExecError>;

    /// The first non-zero x₁·y₂ − x₂·y₁ over pairs of entries of the two changes of W.
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        let mut changes = Vec::new();
        for run in self.runs {
            let mut machine = run.machine(ctx.clone(), self.step, Outputs::All)?;
            let mut seen = vec![];
            machine.watch(1, |_, machine| seen.extend(machine.output("W").cloned()))?;
            let [before, after] = seen.as_slice() else {
                return Ok(None);
            };
            let mut change = before.clone();
            for (out, (x, y)) in change.iter_mut().zip(after.iter().zip(before.iter())) {
                ctx.sub(out, x, y);
            }
            changes.push(change);
        }
        let (x, y) = (&changes[0], &changes[1]);
        let all: Vec<(usize, usize)> = (0..x.nrows())
            .flat_map(|r| (0..x.ncols()).map(move |c| (r, c)))
            .collect();
        for (i, p) in all.iter().enumerate() {
            for q in &all[i + 1..] {
                let [mut l, mut r, mut minor] = [ctx.zero(), ctx.zero(), ctx.zero()];
                ctx.mul(&mut l, &x[*p], &y[*q]);
                ctx.mul(&mut r, &x[*q], &y[*p]);
                ctx.sub(&mut minor, &l, &r);
                if ctx.same(&minor, &ctx.zero()) == Ok(false) {
                    return Ok(Some(Found {
                        entries: [*p, *q],
                        value: ctx.show(&minor),
                    }));
                }
            }
        }
        Ok(None)
    }
}
