//! What is said of two runs side by side, and whether it is so in one arithmetic.
//!
//! A property is an implication between *observables*: formulas over the named quantities of
//! the step, equal in both runs at every step. "The two runs do the same" has an empty premise
//! and the conclusion `loss`, `W`.

use std::collections::BTreeMap;

use super::compare::{compare_quotients, compare_values, divisor_name};
use super::{Exact, Scenario, ScenarioError};
use crate::arith::{Arithmetic, OpError};
use crate::exec::{ExecError, Machine, Outputs};
use crate::graph::{Binary, Op, Output, StepGraph};

/// If every premise is equal in both runs, so is every conclusion.
///
/// A premise that is a quotient is read cross-multiplied, and satisfied only where neither divisor
/// is 0; a conclusion that is a quotient must be defined.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
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
    /// The conclusions that are not to be equal but to be multiplied by a number from the left
    /// run to the right one, and that number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub factors: BTreeMap<String, Exact>,
}

impl Property {
    /// Equal loss and equal weight `W` at every step.
    pub fn same_run() -> Self {
        Self::same(["W".to_owned()])
    }

    /// Equal loss and equal outputs at every step.
    pub fn same(outputs: impl IntoIterator<Item = String>) -> Self {
        Self {
            conclusion: ["loss".to_owned()].into_iter().chain(outputs).collect(),
            ..Self::default()
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
    /// The left run's value, exactly, times the factor by which it should be multiplied; in an
    /// interval arithmetic an interval that holds it.
    pub left: String,
    /// The right run's value, likewise.
    pub right: String,
    /// left − right, computed in the arithmetic; exact in an exact one, and in an interval
    /// arithmetic an interval without 0.
    pub difference: String,
}

/// The first place at which the arithmetic cannot tell whether an observable differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// How many steps both runs had taken.
    pub after_steps: usize,
    /// The observable.
    pub quantity: String,
    /// The entry (row, column), from 0.
    pub entry: (usize, usize),
    /// What is known of the left run's value.
    pub left: String,
    /// What is known of the right run's value.
    pub right: String,
    /// Why that is too little.
    pub reason: OpError,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "after {} steps, {} at row {}, column {} is {} on the left and {} on the right: {}",
            self.after_steps,
            self.quantity,
            self.entry.0,
            self.entry.1,
            self.left,
            self.right,
            self.reason
        )
    }
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
    /// No conclusion is known to differ, but of some entry it is not known, or of a premise.
    Undecided(Doubt),
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
    /// The arithmetic does not have the number by which a conclusion should be multiplied.
    #[error("the factor of `{quantity}`: {source}")]
    Factor {
        /// The conclusion.
        quantity: String,
        /// What is wrong with its factor.
        source: OpError,
    },
}

/// Checks `property` on `left` and `right` over `steps` steps: the same bits in a float format,
/// equality in an exact arithmetic. In an interval arithmetic disjoint intervals differ and
/// overlapping ones are undecided.
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
    let runs = [left, right];
    let premises = match property.premise.as_slice() {
        [] => None,
        premise => Some(observing_both(runs, premise, true)?),
    };
    let conclusions = observing_both(runs, &property.conclusion, false)?;
    let factors = factors(ctx, property)?;
    let [mut cl, mut cr] = machines(ctx, runs, &conclusions)?;
    let mut premise = match &premises {
        None => None,
        Some(premises) => Some(machines(ctx, runs, premises)?),
    };
    let mut compared = 0;
    let mut doubt = None;
    for after_steps in 0..=steps {
        let assumed = property
            .premise_until
            .is_none_or(|until| after_steps <= until);
        if let Some([pl, pr]) = premise.as_mut().filter(|_| assumed) {
            pl.forward()?;
            pr.forward()?;
            match unsatisfied(ctx, property, [pl, pr], after_steps) {
                None => {}
                // Nothing follows from a premise that may be wrong.
                Some(Outcome::Undecided(own)) => {
                    return Ok(Outcome::Undecided(doubt.unwrap_or(own)));
                }
                Some(fails) => return Ok(fails),
            }
            if after_steps < steps {
                pl.advance()?;
                pr.advance()?;
            }
        }
        for (side, scenario, run) in [("left", left, &mut cl), ("right", right, &mut cr)] {
            if let Err(error) = run.forward() {
                return without_value(ctx, scenario, (side, after_steps), error);
            }
        }
        for name in &property.conclusion {
            let found = compare_values(ctx, &cl, &cr, name, factors.get(name.as_str()));
            compared += found.equal;
            if let Some(pair) = found.different {
                return Ok(Outcome::Fails(pair.difference(ctx, name, after_steps)));
            }
            let own = found.undecided;
            doubt = doubt.or_else(|| own.map(|(p, why)| p.doubt(ctx, name, after_steps, why)));
        }
        if after_steps < steps {
            cl.advance()?;
            cr.advance()?;
        }
    }
    Ok(match doubt {
        Some(doubt) => Outcome::Undecided(doubt),
        None => Outcome::Holds { compared },
    })
}

/// The steps of both runs with the observables as their only outputs.
fn observing_both(
    [left, right]: [&Scenario; 2],
    observables: &[String],
    split: bool,
) -> Result<[StepGraph; 2], ScenarioError> {
    Ok([
        observing(left, observables, split)?,
        observing(right, observables, split)?,
    ])
}

/// The machines of both runs.
fn machines<'g, A: Arithmetic>(
    ctx: &A,
    [left, right]: [&Scenario; 2],
    [l, r]: &'g [StepGraph; 2],
) -> Result<[Machine<'g, A>; 2], ExecError> {
    Ok([
        left.machine(ctx.clone(), l, Outputs::All)?,
        right.machine(ctx.clone(), r, Outputs::All)?,
    ])
}

/// The outcome where a conclusion has no value on one side, which is the fault of the observable
/// only where the run without it goes on.
fn without_value<A: Arithmetic>(
    ctx: &A,
    scenario: &Scenario,
    (side, after_steps): (&'static str, usize),
    error: ExecError,
) -> Result<Outcome, CheckError> {
    if error.is_undefined() && runs_on(ctx, scenario, after_steps).is_ok() {
        return Ok(Outcome::Undefined {
            after_steps,
            side,
            error,
        });
    }
    Err(error.into())
}

/// The numbers by which conclusions should be multiplied.
fn factors<'p, A: Arithmetic>(
    ctx: &A,
    property: &'p Property,
) -> Result<BTreeMap<&'p str, A::Elem>, CheckError> {
    let factor = |(name, factor): (&'p String, &Exact)| {
        let factor = ctx.from_surd(&factor.0);
        let factor = factor.map_err(|source| CheckError::Factor {
            quantity: name.clone(),
            source,
        })?;
        Ok((name.as_str(), factor))
    };
    property.factors.iter().map(factor).collect()
}

/// The premise that fails, or one that is in doubt where none is known to fail.
fn unsatisfied<A: Arithmetic>(
    ctx: &A,
    property: &Property,
    [left, right]: [&Machine<'_, A>; 2],
    after_steps: usize,
) -> Option<Outcome> {
    let mut in_doubt = None;
    for name in &property.premise {
        let found = compare_quotients(ctx, left, right, name);
        if let Some(pair) = found.different {
            let found = pair.difference(ctx, name, after_steps);
            return Some(Outcome::PremiseFails(found));
        }
        if let Some((pair, reason)) = found.undecided {
            in_doubt.get_or_insert(pair.doubt(ctx, name, after_steps, reason));
        }
    }
    in_doubt.map(Outcome::Undecided)
}

fn runs_on<A: Arithmetic>(ctx: &A, scenario: &Scenario, steps: usize) -> Result<(), CheckError> {
    let step = scenario.recipe.build().map_err(ScenarioError::from)?;
    let mut machine = scenario.machine(ctx.clone(), &step, Outputs::None)?;
    Ok(machine.run_to(steps)?)
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
