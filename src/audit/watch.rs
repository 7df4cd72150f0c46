//! One run, watched: whether formulas keep their values from step to step, or equal each other.

use std::ops::ControlFlow;

use nalgebra::DMatrix;

use crate::arith::{Arithmetic, ArithmeticName, WithArithmetic, with_arithmetic};
use crate::exec::{ExecError, Outputs};
use crate::scenario::{Difference, Scenario, ScenarioError, compare_entries};
use crate::search::arithmetics;

/// The values that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    /// Every formula with its own value before the first step.
    WithStart,
    /// The first formula with the second one, before each step and after the last.
    Sides,
}

/// The result of watching a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Watched {
    /// Everything is equal.
    Equal,
    /// The first difference, and the arithmetic in which it was found.
    Differs(Difference, ArithmeticName),
    /// It cannot be told, and why.
    Unknown(String),
    /// The formulas have no value, for certain.
    Undefined(ExecError),
}

/// Watches `formulas` along a run of `steps` steps, in exact arithmetic and where that has no
/// answer in intervals.
pub(super) fn watch(
    run: &Scenario,
    formulas: &[&str],
    compare: Compare,
    steps: usize,
) -> Result<Watched, ScenarioError> {
    let mut last = Watched::Unknown("no arithmetic has all of the operations".to_owned());
    for name in arithmetics() {
        last = watch_in(*name, run, formulas, compare, steps)?;
        if !matches!(last, Watched::Unknown(_)) {
            break;
        }
    }
    Ok(last)
}

/// The same in one arithmetic.
pub(super) fn watch_in(
    name: ArithmeticName,
    run: &Scenario,
    formulas: &[&str],
    compare: Compare,
    steps: usize,
) -> Result<Watched, ScenarioError> {
    let named: Vec<(String, &str)> = (formulas.iter().enumerate())
        .map(|(i, formula)| (format!("watched.{i}"), *formula))
        .collect();
    let outputs: Vec<(&str, &str)> = named.iter().map(|(n, f)| (n.as_str(), *f)).collect();
    let step = run.recipe.build_observing(&outputs)?;
    let names: Vec<&str> = outputs.iter().map(|(n, _)| *n).collect();
    let task = Task {
        run,
        step: &step,
        names: &names,
        formulas,
        compare,
        steps,
    };
    let watched = with_arithmetic(name, task);
    Ok(
        match watched.map_err(|e| ScenarioError::field("arithmetic", e))? {
            Ok(watched) => watched,
            Err(error) if error.is_undefined() => Watched::Undefined(error),
            Err(error) => Watched::Unknown(error.to_string()),
        },
    )
}

struct Task<'a> {
    run: &'a Scenario,
    step: &'a crate::graph::StepGraph,
    names: &'a [&'a str],
    formulas: &'a [&'a str],
    compare: Compare,
    steps: usize,
}

impl WithArithmetic for Task<'_> {
    type Output = Result<Watched, ExecError>;

    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        let outputs = Outputs::Named(self.names.iter().map(|n| (*n).to_owned()).collect());
        let mut machine = self.run.machine(ctx.clone(), self.step, outputs)?;
        let mut first: Vec<DMatrix<A::Elem>> = vec![];
        let mut doubt = None;
        let found = machine.walk(self.steps, |taken, machine| {
            let named = self.names.iter().filter_map(|name| machine.output(name));
            let now: Vec<DMatrix<A::Elem>> = named.cloned().collect();
            if taken == 0 {
                first.clone_from(&now);
            }
            let pairs: Vec<_> = match self.compare {
                Compare::WithStart => first.iter().zip(&now).collect(),
                Compare::Sides => now.chunks_exact(2).map(|p| (&p[0], &p[1])).collect(),
            };
            for (formula, (x, y)) in self.formulas.iter().zip(pairs) {
                let compared = compare_entries(&ctx, x, y, None);
                if let Some(pair) = compared.different {
                    return ControlFlow::Break(pair.difference(&ctx, formula, taken));
                }
                doubt = doubt
                    .take()
                    .or(compared.undecided.map(|(_, reason)| reason));
            }
            ControlFlow::Continue(())
        })?;
        Ok(match (found, doubt) {
            (Some(difference), _) => Watched::Differs(difference, ctx.name()),
            (None, None) => Watched::Equal,
            (None, Some(reason)) => Watched::Unknown(reason.to_string()),
        })
    }
}
