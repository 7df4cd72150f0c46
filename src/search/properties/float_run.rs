//! Runs in a float format as exact numbers.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use rug::Float;

use crate::arith::{
    Arithmetic, ArithmeticName, Mp, Ratio, Reordered, SumOrder, Surd, WithArithmetic,
    with_arithmetic,
};
use crate::bound::drift;
use crate::exec::{ExecError, Machine, Options, Outputs};
use crate::graph::{Output, StepGraph};
use crate::scenario::{Exact, Property, Scenario};
use crate::search::result::SearchError;

/// The values of loss, outputs and trained tensors after 0, 1, … steps, row after row, as far as
/// they are numbers, and why there are no more.
pub(super) struct FloatRun {
    pub after: Vec<BTreeMap<String, Vec<Ratio>>>,
    pub end: Option<ExecError>,
}

/// The order in which a run sums, and whether it fuses.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sums<'o> {
    /// As `exec` states.
    Stated,
    /// In one order drawn from a seed.
    Drawn(u64, bool),
    /// Everything anew at each step, what never changes as well: in the orders of this list, from
    /// the first again where it ends. The last ones are those in which loss and outputs are read.
    Anew(&'o [(SumOrder, bool)]),
}

/// The run in the format `arith`.
pub(super) fn float_run(
    run: &Scenario,
    arith: ArithmeticName,
    sums: Sums<'_>,
) -> Result<FloatRun, SearchError> {
    struct Task<'a>(&'a Scenario, Sums<'a>);
    impl WithArithmetic for Task<'_> {
        type Output = Result<FloatRun, SearchError>;
        fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
            match self.1 {
                Sums::Stated => follow(self.0, ctx, |_, _| {}),
                Sums::Drawn(seed, fused) => {
                    follow(self.0, Reordered::new(ctx, seed, fused), |_, _| {})
                }
                Sums::Anew(orders) => {
                    let first = orders.first().copied();
                    let (order, fused) = first.unwrap_or((SumOrder::Forward, false));
                    let ctx = Reordered::with(ctx, order, fused);
                    follow(self.0, ctx, |machine, taken| {
                        if let Some((order, fused)) = orders.iter().cycle().nth(taken) {
                            machine.arithmetic().sum_in(*order, *fused);
                            machine.settle(&mut |_, _| {});
                        }
                    })
                }
            }
        }
    }
    with_arithmetic(arith, Task(run, sums))?
}

/// The run in `ctx`; `prepare` is called before every step with the number of those before it.
fn follow<A: Arithmetic>(
    run: &Scenario,
    ctx: A,
    prepare: impl Fn(&mut Machine<'_, A>, usize),
) -> Result<FloatRun, SearchError> {
    let step = run.recipe.build()?;
    let options = Options {
        outputs: Outputs::All,
        ..Options::default()
    };
    let mut followed = FloatRun {
        after: vec![],
        end: None,
    };
    let machine = Machine::new(ctx, &step, &run.sizes, &run.values, &options);
    let mut machine = match machine {
        Ok(machine) => machine,
        Err(error) => {
            followed.end = Some(error);
            return Ok(followed);
        }
    };
    for taken in 0..=run.steps {
        prepare(&mut machine, taken);
        let seen = machine.forward();
        followed.after.push(numbers(&machine, &step));
        let next = seen.and_then(|()| match taken < run.steps {
            true => machine.advance(),
            false => Ok(()),
        });
        if let Err(error) = next {
            followed.end = Some(error);
            break;
        }
    }
    Ok(followed)
}

/// The values of a machine as of its last `forward`. What is no number is not there, and so is no
/// evidence for anything.
fn numbers<A: Arithmetic>(
    machine: &Machine<'_, A>,
    step: &StepGraph,
) -> BTreeMap<String, Vec<Ratio>> {
    let ctx = machine.arithmetic();
    let exact = |m: &DMatrix<A::Elem>| -> Option<Vec<Ratio>> {
        m.transpose().iter().map(|x| ctx.to_ratio(x)).collect()
    };
    // Where the run ends here, some outputs may have a value all the same.
    let is_defined = |o: &&Output| {
        let (rows, cols) = machine.output(&o.name).map_or((0, 0), DMatrix::shape);
        let mut entries = (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col)));
        entries.all(|(row, col)| machine.is_defined(o.node, row, col))
    };
    let outputs = step.outputs.iter().filter(is_defined).map(|o| &o.name);
    let outputs = outputs.map(|name| (name, machine.output(name)));
    let parameters = step.parameters.iter().map(|p| &p.name);
    let parameters = parameters.map(|name| (name, machine.parameter(name)));
    let values = outputs.chain(parameters);
    let values = values.filter_map(|(name, m)| Some((name.clone(), exact(m?)?)));
    let mut all: BTreeMap<String, Vec<Ratio>> = values.collect();
    if machine.is_defined(step.loss, 0, 0)
        && let Some(loss) = ctx.to_ratio(machine.loss())
    {
        all.insert("loss".to_owned(), vec![loss]);
    }
    all
}

/// The factor of everything that is compared.
pub(super) fn factors(property: &Property) -> BTreeMap<String, Surd> {
    let compared = property.conclusion.iter();
    let compared = compared.filter(|name| !name.starts_with("state."));
    let factor = |name: &String| {
        let own: Option<&Exact> = property.factors.get(name);
        own.map_or(Surd::from(1), |f| f.0.clone())
    };
    compared.map(|name| (name.clone(), factor(name))).collect()
}

/// The drift of two values with factor `c`, exactly; `None` where nothing is relative to 0, or
/// where the factor is no rational number.
pub(super) fn drift(x: &[Ratio], y: &[Ratio], c: &Surd) -> Option<Ratio> {
    drift::exact(x, y, c.as_ratio()?)
}

/// A bound as an exact number.
pub(super) fn exactly(bound: &Float) -> Option<Ratio> {
    Mp::new(bound.prec()).to_ratio(bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::ScenarioFile;

    const FOUND: &str = include_str!("../../../tests/scenarios/step_order.toml");

    #[test]
    fn sums_are_made_anew_at_each_step_in_the_order_that_is_given_for_it() {
        let run = ScenarioFile::from_toml(FOUND).unwrap().scenario().unwrap();
        let of = |sums: Sums<'_>| float_run(&run, ArithmeticName::F32, sums).unwrap().after;
        let anew = |orders: &[SumOrder]| {
            let orders: Vec<_> = orders.iter().map(|order| (*order, false)).collect();
            of(Sums::Anew(&orders))
        };
        let (forward, backward) = (SumOrder::Forward, SumOrder::Backward);
        let stated = of(Sums::Stated);
        assert_eq!(stated, anew(&[forward]));
        assert_eq!(stated, of(Sums::Anew(&[])));
        let (to, back) = (anew(&[forward, backward]), anew(&[backward]));
        // What is trained after a step shows the order of that step.
        assert_eq!(to[1]["B"], stated[1]["B"]);
        assert_ne!(to[1]["B"], back[1]["B"]);
        assert_ne!(to[2]["B"], stated[2]["B"]);
        assert_eq!(to.len(), 3);
    }
}
