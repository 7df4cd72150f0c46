//! What is said of two runs side by side, and whether it is so in one arithmetic.
//!
//! A property is an implication between *observables*: formulas over the named quantities of
//! the step, equal in both runs at every step. "The two runs do the same" has an empty premise
//! and the conclusion `loss`, `W`.

use nalgebra::DMatrix;

use super::{Scenario, ScenarioError};
use crate::arith::{Arithmetic, OpError};
use crate::exec::{ExecError, Machine, Options, Outputs};
use crate::graph::{Binary, Op, Output, StepGraph};

/// If every premise is equal in both runs, so is every conclusion.
///
/// A premise that is a quotient is read cross-multiplied, so that 0/0 imposes nothing; a
/// conclusion that is a quotient must be defined.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// What is assumed equal before each step and after the last one.
    #[serde(default)]
    pub premise: Vec<String>,
    /// The premise is assumed only while at most this many steps have been taken; always when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub premise_until: Option<usize>,
    /// What must then be equal.
    pub conclusion: Vec<String>,
}

impl Property {
    /// Equal loss and equal weight `W` at every step.
    pub fn same_run() -> Self {
        Self {
            premise: vec![],
            premise_until: None,
            conclusion: vec!["loss".into(), "W".into()],
        }
    }
}

/// The first place at which an observable differs between two runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// How many steps both runs had taken.
    pub after_steps: usize,
    /// The observable.
    pub quantity: String,
    /// The entry (row, column), from 0.
    pub entry: (usize, usize),
    /// The left run's value, exactly.
    pub left: String,
    /// The right run's value, exactly.
    pub right: String,
    /// left − right, computed in the arithmetic; exact in an exact one.
    pub difference: String,
}

/// What came of checking a property on two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every conclusion was equal.
    Holds {
        /// The number of values compared.
        compared: usize,
    },
    /// A premise failed, so nothing follows.
    PremiseFails(Difference),
    /// A conclusion differs.
    Fails(Difference),
    /// A conclusion has no value although both runs go on.
    Undefined {
        /// How many steps had been taken.
        after_steps: usize,
        /// `left` or `right`.
        side: &'static str,
        /// Node, step and entry without a value.
        error: ExecError,
    },
}

/// Why a property could not be checked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// An observable cannot be read, or a recipe not built.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run ended at an operation without an answer.
    #[error(transparent)]
    Run(#[from] ExecError),
}

/// Checks `property` on `left` and `right` over `steps` steps: the same bits in a float format,
/// equality in an exact arithmetic.
///
/// # Errors
/// [`CheckError`] when an observable cannot be read or a run cannot go on.
pub fn check<A: Arithmetic>(
    ctx: &A,
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Outcome, CheckError> {
    let [pl, pr] = [left, right].map(|side| observing(side, &property.premise, true));
    let [cl, cr] = [left, right].map(|side| observing(side, &property.conclusion, false));
    let (pl, pr, cl, cr) = (pl?, pr?, cl?, cr?);
    let all = Options {
        outputs: Outputs::All,
        ..Options::default()
    };
    let machine =
        |graph, side: &Scenario| Machine::new(ctx.clone(), graph, &side.sizes, &side.values, &all);
    let (mut pl, mut pr) = (machine(&pl, left)?, machine(&pr, right)?);
    let (mut cl, mut cr) = (machine(&cl, left)?, machine(&cr, right)?);
    let mut compared = 0;
    for after_steps in 0..=steps {
        if property
            .premise_until
            .is_none_or(|until| after_steps <= until)
        {
            pl.forward()?;
            pr.forward()?;
            for name in &property.premise {
                if let Compared::Different(entry, x, y) = compare_quotients(ctx, &pl, &pr, name) {
                    let found = difference(ctx, name, after_steps, entry, &x, &y);
                    return Ok(Outcome::PremiseFails(found));
                }
            }
            if after_steps < steps {
                pl.advance()?;
                pr.advance()?;
            }
        }
        for (side, scenario, run) in [("left", left, &mut cl), ("right", right, &mut cr)] {
            let Err(error) = run.forward() else { continue };
            let no_value = matches!(
                &error,
                ExecError::Operation {
                    source: OpError::Undefined(_),
                    ..
                }
            );
            // The fault is the observable's only where the run without it goes on.
            if no_value && runs_on(ctx, scenario, after_steps).is_ok() {
                return Ok(Outcome::Undefined {
                    after_steps,
                    side,
                    error,
                });
            }
            return Err(error.into());
        }
        for name in &property.conclusion {
            match compare_values(ctx, &cl, &cr, name) {
                Compared::Equal(count) => compared += count,
                Compared::Different(entry, x, y) => {
                    let found = difference(ctx, name, after_steps, entry, &x, &y);
                    return Ok(Outcome::Fails(found));
                }
            }
        }
        if after_steps < steps {
            cl.advance()?;
            cr.advance()?;
        }
    }
    Ok(Outcome::Holds { compared })
}

fn runs_on<A: Arithmetic>(ctx: &A, scenario: &Scenario, steps: usize) -> Result<(), CheckError> {
    let step = scenario.recipe.build().map_err(ScenarioError::from)?;
    let mut machine = Machine::new(
        ctx.clone(),
        &step,
        &scenario.sizes,
        &scenario.values,
        &Options::default(),
    )?;
    for _ in 0..steps {
        machine.forward()?;
        machine.advance()?;
    }
    Ok(machine.forward()?)
}

fn divisor_name(observable: &str) -> String {
    format!("divisor of {observable}")
}

/// The scenario's step with the observables as its only outputs; with `split`, a quotient's
/// dividend and divisor apart.
fn observing(
    scenario: &Scenario,
    observables: &[String],
    split: bool,
) -> Result<StepGraph, ScenarioError> {
    // An observable is its own name, so that errors speak of it as the claim does.
    let outputs: Vec<(&str, &str)> = observables
        .iter()
        .map(|o| (o.as_str(), o.as_str()))
        .collect();
    let mut step = scenario.recipe.build_observing(&outputs)?;
    step.outputs.retain(|o| observables.contains(&o.name));
    if split {
        for name in observables {
            let Some(output) = step.outputs.iter_mut().find(|o| o.name == *name) else {
                continue;
            };
            if let Op::Binary(Binary::Div, dividend, divisor) = step.graph.node(output.node).op {
                output.node = dividend;
                step.outputs.push(Output {
                    name: divisor_name(name),
                    node: divisor,
                });
            }
        }
    }
    Ok(step)
}

enum Compared<E> {
    Equal(usize),
    Different((usize, usize), E, E),
}

fn compare_values<A: Arithmetic>(
    ctx: &A,
    left: &Machine<'_, A>,
    right: &Machine<'_, A>,
    name: &str,
) -> Compared<A::Elem> {
    let (Some(x), Some(y)) = (left.output(name), right.output(name)) else {
        return Compared::Equal(0);
    };
    entries(x.nrows(), x.ncols())
        .find(|at| !ctx.same(&x[*at], &y[*at]))
        .map_or(Compared::Equal(x.len()), |at| {
            Compared::Different(at, x[at].clone(), y[at].clone())
        })
}

/// Compares dividend times the other's divisor where both are quotients.
fn compare_quotients<A: Arithmetic>(
    ctx: &A,
    left: &Machine<'_, A>,
    right: &Machine<'_, A>,
    name: &str,
) -> Compared<A::Elem> {
    let divisors = (
        left.output(&divisor_name(name)),
        right.output(&divisor_name(name)),
    );
    let (Some(dl), Some(dr)) = divisors else {
        return compare_values(ctx, left, right, name);
    };
    let (Some(x), Some(y)) = (left.output(name), right.output(name)) else {
        return Compared::Equal(0);
    };
    // Dimensions of size 1 are repeated, as everywhere.
    let at = |m: &DMatrix<A::Elem>, (row, col): (usize, usize)| {
        m[(row.min(m.nrows() - 1), col.min(m.ncols() - 1))].clone()
    };
    let (rows, cols) = (x.nrows().max(dl.nrows()), x.ncols().max(dl.ncols()));
    for entry in entries(rows, cols) {
        let (mut l, mut r) = (ctx.zero(), ctx.zero());
        ctx.mul(&mut l, &at(x, entry), &at(dr, entry));
        ctx.mul(&mut r, &at(y, entry), &at(dl, entry));
        if !ctx.same(&l, &r) {
            return Compared::Different(entry, l, r);
        }
    }
    Compared::Equal(rows * cols)
}

fn entries(rows: usize, cols: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |row| (0..cols).map(move |col| (row, col)))
}

fn difference<A: Arithmetic>(
    ctx: &A,
    quantity: &str,
    after_steps: usize,
    entry: (usize, usize),
    left: &A::Elem,
    right: &A::Elem,
) -> Difference {
    let mut difference = ctx.zero();
    ctx.sub(&mut difference, left, right);
    Difference {
        after_steps,
        quantity: quantity.to_owned(),
        entry,
        left: ctx.show(left),
        right: ctx.show(right),
        difference: ctx.show(&difference),
    }
}
