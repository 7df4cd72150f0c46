//! The drift itself, certified a posteriori.
//!
//! Both runs are carried out in the format. Their values are exact rationals, so nothing is
//! estimated: where the factor is rational the drift is computed exactly, and where it has a root
//! it is enclosed with more and more digits until those that are printed are sure.

mod exact_run;
mod jumps;

use std::collections::BTreeMap;

pub use exact_run::ExactRun;

use super::drift;
use super::quantity::matrix;
use super::study::{Drift, Jump};
use crate::arith::{
    Arithmetic, ArithmeticName, Ratio, Surd, UnknownArithmetic, WithArithmetic, with_arithmetic,
};
use crate::exec::{Keep, Machine, Options, Outputs, decisions};
use crate::scenario::Scenario;

/// The number of decisions that fell differently and are kept; all are counted.
const KEPT_JUMPS: usize = 20;

/// The values of every quantity after one number of steps, as exact numbers.
pub type ExactValues = BTreeMap<String, Vec<Ratio>>;

/// Two runs side by side in one format.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By quantity, the drift after 0, 1, … steps; as many as both runs could take.
    pub drifts: BTreeMap<String, Vec<Result<Drift, String>>>,
    /// The values of the left run after 0, 1, … steps.
    pub left: Vec<ExactValues>,
    /// The values of the right run.
    pub right: Vec<ExactValues>,
    /// The number of decisions that had fallen differently after 0, 1, … steps.
    pub jump_counts: Vec<usize>,
    /// The first of them.
    pub jumps: Vec<Jump>,
    /// The reason why the runs did not go on to the end.
    pub stopped: Option<String>,
}

impl Measured {
    /// True where every quantity was multiplied by its factor exactly up to `steps`.
    pub fn is_exact(&self, steps: usize) -> bool {
        self.stopped.is_none()
            && self.drifts.values().all(|after| {
                let mut upto = after.iter().take(steps + 1);
                upto.all(|drift| matches!(drift, Ok(drift) if drift.up.is_zero()))
            })
    }

    /// The largest drift of a quantity up to `steps`, or why there is none.
    ///
    /// # Errors
    /// In words: the run stopped, or a divisor was 0.
    pub fn largest(&self, quantity: &str, steps: usize) -> Result<Drift, String> {
        let after = self.drifts.get(quantity).map_or(&[][..], Vec::as_slice);
        if after.len() <= steps {
            let why = self.stopped.as_deref();
            return Err(why.unwrap_or("there is no such quantity").to_owned());
        }
        let mut largest: Option<Drift> = None;
        for drift in &after[..=steps] {
            let drift = drift.clone()?;
            largest = Some(match largest {
                None => drift,
                Some(most) => Drift {
                    up: most.up.max(drift.up),
                    down: most.down.max(drift.down),
                },
            });
        }
        largest.ok_or_else(|| "no step was looked at".to_owned())
    }
}

/// Runs `left` and `right` in `arith` over `steps` steps and measures how far they drift apart.
/// `factors` holds the factor of each quantity from left to right.
///
/// # Errors
/// [`UnknownArithmetic`] where the build does not have it.
pub fn measure(
    left: &Scenario,
    right: &Scenario,
    factors: &BTreeMap<String, Surd>,
    arith: ArithmeticName,
    steps: usize,
) -> Result<Measured, UnknownArithmetic> {
    let task = Task {
        left,
        right,
        factors,
        steps,
    };
    with_arithmetic(arith, task)
}

struct Task<'a> {
    left: &'a Scenario,
    right: &'a Scenario,
    factors: &'a BTreeMap<String, Surd>,
    steps: usize,
}

impl WithArithmetic for Task<'_> {
    type Output = Measured;

    fn call<A: Arithmetic>(self, ctx: A) -> Measured {
        let mut measured = Measured::default();
        let stopped = self.run(&ctx, &mut measured);
        measured.stopped = stopped.err();
        measured
    }
}

impl Task<'_> {
    /// Takes the steps; an error says in words why it did not get to the end.
    fn run<A: Arithmetic>(&self, ctx: &A, measured: &mut Measured) -> Result<(), String> {
        let options = Options {
            keep: Keep::Everything,
            outputs: Outputs::All,
        };
        let steps = [self.left, self.right].map(|run| run.recipe.build());
        let [left_step, right_step] = steps;
        let left_step = left_step.map_err(|e| e.to_string())?;
        let right_step = right_step.map_err(|e| e.to_string())?;
        let start = |side: &str, run: &Scenario, step| {
            Machine::new(ctx.clone(), step, &run.sizes, &run.values, &options)
                .map_err(|e| format!("the {side} run in {}: {e}", ctx.name()))
        };
        let machine_l: Machine<'_, A> = start("left", self.left, &left_step)?;
        let machine_r: Machine<'_, A> = start("right", self.right, &right_step)?;
        let (mut l, mut r) = (machine_l, machine_r);
        let decisions = decisions(&left_step.graph, left_step.roots());
        let mut count = 0;
        for taken in 0..=self.steps {
            let fail = |side: &str, e| format!("the {side} run in {}: {e}", ctx.name());
            l.run_to(taken).map_err(|e| fail("left", e))?;
            r.run_to(taken).map_err(|e| fail("right", e))?;
            measured.jump_counts.push(count);
            let (x, y) = (
                exact_values(&l, self.factors)?,
                exact_values(&r, self.factors)?,
            );
            for (name, factor) in self.factors {
                let (Some(x), Some(y)) = (x.get(name), y.get(name)) else {
                    continue;
                };
                let drift = drift::printed(x, y, factor);
                measured.drifts.entry(name.clone()).or_default().push(drift);
            }
            measured.left.push(x);
            measured.right.push(y);
            if taken == self.steps {
                break;
            }
            l.complete().map_err(|e| fail("left", e))?;
            r.complete().map_err(|e| fail("right", e))?;
            for decision in &decisions {
                count += jumps::differences(decision, [&l, &r], &mut measured.jumps, KEPT_JUMPS);
            }
        }
        Ok(())
    }
}

/// The named quantities of a run as of its last `forward`, row after row.
fn exact_values<A: Arithmetic>(
    run: &Machine<'_, A>,
    names: &BTreeMap<String, Surd>,
) -> Result<ExactValues, String> {
    let ctx = run.arithmetic();
    let exact = |x: &A::Elem| {
        let not_one = || {
            let name = ctx.name();
            format!("in {name} a value is no single number, or too long for exact arithmetic")
        };
        ctx.to_ratio(x).ok_or_else(not_one)
    };
    let mut all = ExactValues::new();
    for name in names.keys() {
        let Some(matrix) = matrix(run, name) else {
            continue;
        };
        // nalgebra goes down the columns.
        let values: Result<Vec<Ratio>, String> = matrix.transpose().iter().map(exact).collect();
        all.insert(name.clone(), values?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
