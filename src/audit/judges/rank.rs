//! No scaling turns the run of one rank into that of another.
//!
//! From B = 0 the first step changes W by −s²·lr_B·G·A0ᵀA0 (A stays, since its gradient is 0).
//! Whatever alpha, rates and the scale of A0 are, the change is a number times G·A0ᵀA0. Two
//! changes that are not proportional exclude every choice of these settings at once.

use super::{Draft, JudgeError};
use crate::arith::{
    Arithmetic, ArithmeticName, UnknownArithmetic, WithArithmetic, with_arithmetic,
};
use crate::audit::evidence::{SEED, drawn};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::exec::{ExecError, Machine, Options, Outputs, Tensor};
use crate::graph::StepGraph;
use crate::scenario::{CheckError, Outcome, Property, Scenario, ScenarioError};
use crate::search::{Start, WitnessError, check_exactly, exact_arithmetic};

/// The two ranks that are compared, the second twice the first.
const RANKS: [usize; 2] = [1, 2];

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let linear = claim.numeric()?;
    let step = linear.build()?;
    let larger = drawn(&linear, [4, 3, 3, RANKS[1]], 1, SEED, &Start::lora())?;
    let smaller = first_rank(&larger)?;
    let task = Minor {
        step: &step,
        runs: [&smaller, &larger],
    };
    let name: ArithmeticName = exact_arithmetic();
    let minor = with_arithmetic(name, task)
        .map_err(|e: UnknownArithmetic| JudgeError::from(WitnessError::from(e)))?
        .map_err(CheckError::from)?;
    let Some(minor) = minor else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "the first changes of W happen to be proportional in the drawn run",
        ));
    };
    let mut draft = Draft::new(
        Verdict::Proved,
        "the first change of W at one rank is not a multiple of that at the other, so no alpha, rate or scale of A makes the runs agree",
    );
    draft.conditions.push(
        "LoRA's start (B = 0, A drawn); the smaller A is the first rows of the larger".into(),
    );
    draft.evidence.push(
        Evidence::new(
            Rung::Exact,
            "After one step from B = 0 every choice of alpha, lr_A, lr_B and scale of A0 multiplies W - W0 by a number. For ranks 1 and 2 on the same data the two changes have a 2 × 2 minor that is not 0, so neither is a multiple of the other.",
        )
        .with("ranks", "1 and 2")
        .with("entries", format!("{:?} and {:?}", minor.entries[0], minor.entries[1]))
        .with("minor", minor.value)
        .with("arithmetic", name),
    );
    let padded = padded(&larger)?;
    let outcome = check_exactly(&Property::same_run(), &smaller, &padded, 3)?;
    if let Outcome::Holds { compared } = outcome {
        draft.evidence.push(
            Evidence::new(
                Rung::Exact,
                "The one bridge between ranks is a start that no scheme uses: padded with a zero row of A and a zero column of B, the larger rank gives the run of the smaller one, number by number.",
            )
            .with("compared", compared),
        );
    }
    Ok(draft)
}

/// The same run with only the first row of A and the first column of B.
fn first_rank(scenario: &Scenario) -> Result<Scenario, ScenarioError> {
    let mut smaller = scenario.clone();
    smaller.sizes.set("r", RANKS[0]);
    let missing = |name: &str| ScenarioError::field(name, "missing");
    let cut = |name: &str, rows: usize, cols: usize| -> Result<Tensor, ScenarioError> {
        let whole = scenario
            .values
            .tensors
            .get(name)
            .ok_or_else(|| missing(name))?;
        let values = (0..rows * cols)
            .map(|i| whole.values()[(i / cols) * whole.cols() + i % cols])
            .collect();
        Tensor::new(rows, cols, values).map_err(|e| ScenarioError::field(name, e))
    };
    let size = |name: &str| scenario.sizes.get(name).unwrap_or(1);
    let a = cut("A", RANKS[0], size("n_in"))?;
    let b = cut("B", size("n_out"), RANKS[0])?;
    smaller.values.set_tensor("A", a);
    smaller.values.set_tensor("B", b);
    Ok(smaller)
}

/// The run with everything but the first row of A and the first column of B set to zero.
fn padded(scenario: &Scenario) -> Result<Scenario, ScenarioError> {
    let mut padded = scenario.clone();
    for name in ["A", "B"] {
        let missing = || ScenarioError::field(name, "missing");
        let whole = scenario.values.tensors.get(name).ok_or_else(missing)?;
        let kept = |i: usize| {
            if name == "A" {
                i / whole.cols() == 0
            } else {
                i.is_multiple_of(whole.cols())
            }
        };
        let values = whole.values().iter().enumerate();
        let values = values
            .map(|(i, x)| if kept(i) { *x } else { 0.0 })
            .collect();
        let tensor = Tensor::new(whole.rows(), whole.cols(), values)
            .map_err(|e| ScenarioError::field(name, e))?;
        padded.values.set_tensor(name, tensor);
    }
    Ok(padded)
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
        let options = Options {
            outputs: Outputs::All,
            ..Options::default()
        };
        let mut changes = Vec::new();
        for run in self.runs {
            let mut machine =
                Machine::new(ctx.clone(), self.step, &run.sizes, &run.values, &options)?;
            machine.forward()?;
            let before = machine.output("W").cloned();
            machine.advance()?;
            machine.forward()?;
            let (Some(before), Some(after)) = (before, machine.output("W")) else {
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
