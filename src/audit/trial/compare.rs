//! Two runs side by side, in exact numbers, and in enclosures where these have no answer.

use std::ops::ControlFlow;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::runs::{Bench, Run};
use crate::arith::{Arithmetic, ArithmeticName, F64, WithArithmetic, with_arithmetic};
use crate::exec::{ExecError, Machine, Outputs, Plan, Values};

/// The outcome of comparing two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Equal number by number, at least until after the first step.
    Same,
    /// Not known to differ.
    Overlap,
    /// The quantity that differs, and the place.
    Differs(String),
    /// There is nothing to compare: a run does not get far enough.
    Nothing(String),
}

impl Agreement {
    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs(_))
    }
}

/// The observed quantities before each step and after the last one.
pub(super) struct Course<E> {
    pub points: Vec<Vec<DMatrix<E>>>,
    /// The reason for an earlier end, and whether it is one in every arithmetic.
    pub end: Option<(String, bool)>,
}

fn plan<'b>(bench: &'b Bench, run: &Run) -> Result<Arc<Plan<'b>>, ExecError> {
    let outputs = match bench.observed.is_empty() {
        true => Outputs::All,
        false => Outputs::Named(bench.observed.clone()),
    };
    Ok(Arc::new(Plan::new(
        &bench.step,
        &run.sizes,
        &outputs.into(),
    )?))
}

/// Takes so many steps from `values` and calls `each` with what is seen.
fn walk<A: Arithmetic>(
    ctx: &A,
    plan: &Arc<Plan<'_>>,
    bench: &Bench,
    (values, steps): (&Values, usize),
    mut each: impl FnMut(usize, Vec<DMatrix<A::Elem>>) -> bool,
) -> Option<(String, bool)> {
    let machine = Machine::with_plan(ctx.clone(), Arc::clone(plan), values);
    let walked = machine.and_then(|mut machine| {
        machine.walk(steps, |taken, machine| {
            let named = plan.output_names().filter_map(|name| machine.output(name));
            let mut seen: Vec<DMatrix<A::Elem>> = named.cloned().collect();
            if bench.observed.is_empty() {
                seen.push(DMatrix::from_element(1, 1, machine.loss().clone()));
            }
            match each(taken, seen) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })
    });
    let error = walked.err()?;
    Some((error.to_string(), error.is_undefined()))
}

/// A run in one arithmetic.
pub(super) fn course<A: Arithmetic>(ctx: &A, bench: &Bench, run: &Run) -> Course<A::Elem> {
    let mut points = vec![];
    let end = match plan(bench, run) {
        Ok(plan) => walk(ctx, &plan, bench, (&run.values, run.steps), |_, seen| {
            points.push(seen);
            true
        }),
        Err(error) => Some((error.to_string(), false)),
    };
    Course { points, end }
}

/// The place where two courses first differ; otherwise whether all that was compared is known to be equal.
pub(super) fn differ<A: Arithmetic>(
    ctx: &A,
    left: &Course<A::Elem>,
    right: &Course<A::Elem>,
) -> Result<bool, String> {
    let mut known = true;
    for (taken, (x, y)) in left.points.iter().zip(&right.points).enumerate() {
        for (i, (x, y)) in x.iter().zip(y).enumerate() {
            if x.shape() != y.shape() {
                return Err(format!("shapes of quantity {i} differ"));
            }
            for (x, y) in x.iter().zip(y.iter()) {
                match ctx.same(x, y) {
                    Ok(true) => {}
                    Ok(false) => {
                        let (x, y) = (ctx.show(x), ctx.show(y));
                        return Err(format!("after {taken} steps, quantity {i}: {x} and {y}"));
                    }
                    Err(_) => known = false,
                }
            }
        }
    }
    Ok(known)
}

struct Both<'a> {
    bench: &'a Bench,
    left: &'a Run,
    right: &'a Run,
}

/// The outcome in one arithmetic, and whether another one may know more.
impl WithArithmetic for Both<'_> {
    type Output = (Agreement, bool);

    fn call<A: Arithmetic>(self, ctx: A) -> (Agreement, bool) {
        let left = course(&ctx, self.bench, self.left);
        let right = course(&ctx, self.bench, self.right);
        let enough = left.points.len().min(right.points.len()) >= 2;
        agreement(&ctx, &left, &right, enough)
    }
}

/// The outcome of two courses, and whether another arithmetic may know more.
fn agreement<A: Arithmetic>(
    ctx: &A,
    left: &Course<A::Elem>,
    right: &Course<A::Elem>,
    enough: bool,
) -> (Agreement, bool) {
    let ends = || [&left.end, &right.end].into_iter().flatten();
    let doubtful = ends().any(|(_, certain)| !certain);
    match differ(ctx, left, right) {
        Err(place) => (Agreement::Differs(place), false),
        Ok(_) if !enough => {
            let why = ends().map(|(why, _)| why.clone()).next();
            (Agreement::Nothing(why.unwrap_or_default()), doubtful)
        }
        Ok(true) => (Agreement::Same, doubtful),
        Ok(false) => (Agreement::Overlap, doubtful),
    }
}

/// The arithmetics in which runs are compared.
fn ladder() -> Vec<ArithmeticName> {
    match cfg!(feature = "mp") {
        true => vec![ArithmeticName::Rational, ArithmeticName::Interval(256)],
        false => vec![ArithmeticName::IntervalF64],
    }
}

/// The outcome in exact numbers, and in enclosures where these have no answer.
fn climb<T>(task: impl Fn() -> T) -> Agreement
where
    T: WithArithmetic<Output = (Agreement, bool)>,
{
    let mut best = Agreement::Nothing("no arithmetic".to_owned());
    for name in ladder() {
        let Ok((agreement, more)) = with_arithmetic(name, task()) else {
            continue;
        };
        let settled = agreement.differs() || !more;
        if !matches!(agreement, Agreement::Nothing(_)) || settled {
            best = agreement;
        }
        if settled {
            break;
        }
    }
    best
}

/// Compares two runs.
pub(super) fn compare(bench: &Bench, left: &Run, right: &Run) -> Agreement {
    climb(|| Both { bench, left, right })
}

/// Compares two runs in one arithmetic by its own standard.
pub(super) fn compare_in(
    name: ArithmeticName,
    bench: &Bench,
    left: &Run,
    right: &Run,
) -> Agreement {
    let both = Both { bench, left, right };
    match with_arithmetic(name, both) {
        Ok((agreement, _)) => agreement,
        Err(error) => Agreement::Nothing(error.to_string()),
    }
}

/// A run in `f64`, to leave out at once what is nowhere near it. Nothing is concluded from what
/// is left out, and what stays is compared exactly.
pub(super) struct Sieve<'b> {
    bench: &'b Bench,
    plan: Arc<Plan<'b>>,
    steps: usize,
    left: Course<f64>,
}

impl<'b> Sieve<'b> {
    pub fn new(bench: &'b Bench, run: &Run) -> Option<Self> {
        Some(Self {
            bench,
            plan: plan(bench, run).ok()?,
            steps: run.steps,
            left: course(&F64, bench, run),
        })
    }

    /// Runs of other sizes are compared with this one.
    pub fn at(mut self, run: &Run) -> Option<Self> {
        self.plan = plan(self.bench, run).ok()?;
        Some(self)
    }

    /// `true` if the run gets beyond its first step.
    pub fn is_of_use(&self) -> bool {
        self.left.points.len() > 1
    }

    /// `true` if a run from these values may be the same.
    pub fn passes(&self, values: &Values) -> bool {
        let mut near = true;
        walk(
            &F64,
            &self.plan,
            self.bench,
            (values, self.steps),
            |taken, seen| {
                let Some(own) = self.left.points.get(taken) else {
                    return false;
                };
                let pairs = own
                    .iter()
                    .zip(&seen)
                    .flat_map(|(x, y)| x.iter().zip(y.iter()));
                let mut pairs = pairs;
                near = pairs.all(|(x, y)| (x - y).abs() <= 1e-6 * (x.abs() + y.abs()) + 1e-9);
                near
            },
        );
        near
    }
}

/// The question about a single run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// `true` if the first two quantities are the same.
    Pair,
    /// `true` if everything stays as it is at the start.
    Time,
}

struct Alone<'a>(&'a Bench, &'a Run, Within);

impl WithArithmetic for Alone<'_> {
    type Output = (Agreement, bool);

    fn call<A: Arithmetic>(self, ctx: A) -> (Agreement, bool) {
        let Self(bench, run, within) = self;
        let own = course(&ctx, bench, run);
        let (x, y): (Vec<_>, Vec<_>) = match within {
            Within::Pair => {
                let pairs = own.points.iter().filter_map(|seen| match seen.as_slice() {
                    [x, y, ..] => Some((vec![x.clone()], vec![y.clone()])),
                    [both] => Some((vec![both.clone()], vec![both.clone()])),
                    [] => None,
                });
                pairs.unzip()
            }
            Within::Time => {
                let first = own.points.first().cloned().unwrap_or_default();
                let pairs = own.points.iter().map(|seen| (first.clone(), seen.clone()));
                pairs.unzip()
            }
        };
        let enough = x.len() >= if within == Within::Time { 2 } else { 1 };
        let course = |points, end| Course { points, end };
        agreement(&ctx, &course(x, own.end), &course(y, None), enough)
    }
}

/// The outcome of a single run.
pub(super) fn within(bench: &Bench, run: &Run, within: Within) -> Agreement {
    climb(|| Alone(bench, run, within))
}

/// Several runs, of which any two are compared: of which the first `premises` quantities are
/// equal as long as they are assumed to be, and something else is not.
pub(super) struct Crowd<'a> {
    pub bench: &'a Bench,
    pub left: &'a [Run],
    pub right: &'a [Run],
    pub premises: usize,
    pub until: Option<usize>,
}

impl WithArithmetic for Crowd<'_> {
    /// The contradiction to the implication, and the number of pairs in which the premise holds.
    type Output = (Option<String>, usize);

    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        let all = |runs: &[Run]| -> Vec<Course<A::Elem>> {
            runs.iter()
                .map(|run| course(&ctx, self.bench, run))
                .collect()
        };
        let (left, right) = (all(self.left), all(self.right));
        let same = |x: &DMatrix<A::Elem>, y: &DMatrix<A::Elem>| {
            x.iter()
                .zip(y.iter())
                .all(|(x, y)| ctx.same(x, y) == Ok(true))
        };
        let apart = |x: &DMatrix<A::Elem>, y: &DMatrix<A::Elem>| {
            x.iter()
                .zip(y.iter())
                .any(|(x, y)| ctx.same(x, y) == Ok(false))
        };
        let mut held = 0;
        for (i, x) in left.iter().enumerate() {
            for (j, y) in right.iter().enumerate() {
                if x.end.is_some() || y.end.is_some() {
                    continue;
                }
                let until = self.until.unwrap_or(usize::MAX);
                let pairs = || x.points.iter().zip(&y.points).enumerate();
                let premise = pairs().all(|(taken, (x, y))| {
                    let premises = x.iter().zip(y).take(self.premises);
                    taken > until || premises.clone().all(|(x, y)| same(x, y))
                });
                if !premise {
                    continue;
                }
                held += 1;
                for (taken, (x, y)) in pairs() {
                    let mut rest = x.iter().zip(y).skip(self.premises);
                    if rest.any(|(x, y)| apart(x, y)) {
                        let place = format!("runs {i} and {j} after {taken} steps");
                        return (Some(place), held);
                    }
                }
            }
        }
        (None, held)
    }
}
