//! One run, watched: whether formulas keep their values from step to step, or equal each other.

use nalgebra::DMatrix;

use crate::arith::{Arithmetic, ArithmeticName, WithArithmetic, with_arithmetic};
use crate::exec::{ExecError, Machine, Options, Outputs};
use crate::scenario::{Difference, Scenario, ScenarioError};
use crate::search::arithmetics;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    /// Every formula with its own value before the first step.
    WithStart,
    /// The first formula with the second one, before each step and after the last.
    Sides,
}

/// What came of it.
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
        let options = Options {
            outputs: Outputs::Named(self.names.iter().map(|n| (*n).to_owned()).collect()),
            ..Options::default()
        };
        let run = self.run;
        let mut machine = Machine::new(ctx.clone(), self.step, &run.sizes, &run.values, &options)?;
        let mut first: Vec<DMatrix<A::Elem>> = vec![];
        let mut doubt = None;
        for taken in 0..=self.steps {
            machine.forward()?;
            let now: Vec<DMatrix<A::Elem>> = (self.names.iter())
                .filter_map(|name| machine.output(name).cloned())
                .collect();
            if taken == 0 {
                first.clone_from(&now);
            }
            let pairs: Vec<_> = match self.compare {
                Compare::WithStart => first.iter().zip(&now).enumerate().collect(),
                Compare::Sides => now.chunks_exact(2).map(|p| (0, (&p[0], &p[1]))).collect(),
            };
            for (i, (x, y)) in pairs {
                let (rows, cols) = (x.nrows().max(y.nrows()), x.ncols().max(y.ncols()));
                // A dimension of size 1 is repeated, as everywhere.
                let at = |m: &DMatrix<A::Elem>, r: usize, c: usize| {
                    m[(r.min(m.nrows() - 1), c.min(m.ncols() - 1))].clone()
                };
                for (row, col) in (0..rows).flat_map(|r| (0..cols).map(move |c| (r, c))) {
                    let (l, r) = (at(x, row, col), at(y, row, col));
                    match ctx.same(&l, &r) {
                        Ok(true) => {}
                        Ok(false) => {
                            let mut difference = ctx.zero();
                            ctx.sub(&mut difference, &l, &r);
                            let found = Difference {
                                after_steps: taken,
                                quantity: self.formulas[i].to_owned(),
                                entry: (row, col),
                                left: ctx.show(&l),
                                right: ctx.show(&r),
                                difference: ctx.show(&difference),
                            };
                            return Ok(Watched::Differs(found, ctx.name()));
                        }
                        Err(error) => doubt = doubt.or(Some(error)),
                    }
                }
            }
            if taken < self.steps {
                machine.advance()?;
            }
        }
        Ok(match doubt {
            None => Watched::Equal,
            Some(error) => Watched::Unknown(error.to_string()),
        })
    }
}
