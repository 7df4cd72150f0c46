//! Two runs that should be one, compared as far as they go.

use super::verdict::{Evidence, JudgeError, Verdict};
use super::witness::{Finding, WitnessError, check_in};
use crate::arith::{
    Arithmetic, ArithmeticName, FloatModel, OpError, WithArithmetic, with_arithmetic,
};
use crate::exec::{ExecError, Machine, Options, Outputs};
use crate::graph::StepGraph;
use crate::scenario::{CheckError, Outcome, Property, Scenario};

/// Two runs and what is said of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub property: &'a Property,
    pub left: &'a Scenario,
    pub right: &'a Scenario,
    /// Whether what stands at one entry on the left may stand at another one on the right.
    pub mixed: bool,
}

/// What one arithmetic says.
enum One {
    Holds,
    /// Equal as far as the arithmetic goes: at least one step, but not to the end.
    Prefix,
    Overlaps,
    Found(Finding),
    EndsAlike,
    Nothing(String),
}

/// Whether the step is computed by field operations alone, which every field does alike: no
/// roots, no order, no rounding, no functions.
pub(super) fn is_rational_function(step: &StepGraph) -> bool {
    let inside = step.graph.cone(step.roots());
    let mut ids = step.graph.ids().filter(|id| inside[id.index()]);
    ids.all(|id| step.graph.node(id).op.is_of_a_field())
}

/// The arithmetics in which two runs of `step` are compared, the strongest first. A root in the
/// prime field is one of two, which no order tells apart, so it decides only without roots.
pub(super) fn ladder(step: &StepGraph, first: ArithmeticName) -> Vec<ArithmeticName> {
    if first.is_enclosure() {
        return vec![first];
    }
    if cfg!(feature = "mp") {
        let enclosures = [256, 1024].map(ArithmeticName::Interval);
        let exact = match first {
            ArithmeticName::Prime if is_rational_function(step) => ArithmeticName::Prime,
            _ => ArithmeticName::Rational,
        };
        return [&[exact][..], &enclosures].concat();
    }
    match is_rational_function(step) {
        true => vec![ArithmeticName::Prime, ArithmeticName::IntervalF64],
        false => vec![ArithmeticName::IntervalF64],
    }
}

/// Judges the pair in the given arithmetics, one after the other until there is an answer. With
/// `strict` overlapping enclosures are no answer.
pub(super) fn judge_pair(
    pair: Pair<'_>,
    arithmetics: &[ArithmeticName],
    strict: bool,
) -> Result<Verdict, JudgeError> {
    let mut why = "no arithmetic has all of the operations".to_owned();
    let mut prefix = false;
    for name in arithmetics.iter().copied() {
        let steps = pair.left.steps.min(pair.right.steps);
        match in_one(pair, name, steps)? {
            One::Holds if name.is_enclosure() => return Ok(Verdict::Passed(Evidence::Enclosed)),
            One::Holds => return Ok(Verdict::Passed(Evidence::Exact)),
            One::Found(finding) => return Ok(Verdict::Failed(Box::new(finding))),
            One::EndsAlike => return Ok(Verdict::Passed(Evidence::EndsAlike)),
            One::Prefix if strict && !name.is_enclosure() => {
                return Ok(Verdict::Passed(Evidence::Exact));
            }
            One::Prefix => prefix = true,
            One::Overlaps if !strict => return Ok(Verdict::Passed(Evidence::Enclosed)),
            One::Overlaps => why = "only enclosed: no exact arithmetic takes a step".to_owned(),
            One::Nothing(reason) => why = reason,
        }
    }
    Ok(match prefix {
        true => Verdict::Passed(Evidence::Enclosed),
        false => Verdict::Undecided(why),
    })
}

fn in_one(pair: Pair<'_>, name: ArithmeticName, steps: usize) -> Result<One, JudgeError> {
    let error = match check_in(name, pair.property, pair.left, pair.right, steps) {
        Ok(outcome) => match outcome {
            Outcome::Holds { .. } => return Ok(One::Holds),
            Outcome::Undecided(_) => return Ok(One::Overlaps),
            Outcome::PremiseFails(_) => return Ok(One::Nothing("a premise fails".to_owned())),
            Outcome::Fails(difference) => return Ok(One::Found(Finding::Differs(difference))),
            Outcome::Undefined { error, .. } => error,
        },
        Err(WitnessError::Check(CheckError::Run(error))) => error,
        Err(WitnessError::Check(CheckError::Factor { source, .. })) => {
            return Ok(One::Nothing(format!("a factor has {source}")));
        }
        Err(error) => return Err(error.into()),
    };
    let ends = [pair.left, pair.right].map(|run| end_of(name, run, steps));
    let [left, right] = ends;
    let (mut left, mut right) = (left?, right?);
    if pair.mixed {
        left.iter_mut()
            .chain(&mut right)
            .for_each(End::forget_entry);
    }
    let taken = |end: &Option<End>| end.as_ref().map_or(steps, |end| end.taken);
    let least = taken(&left).min(taken(&right));
    let certain = [&left, &right].into_iter().flatten().any(End::is_certain);
    // An end in doubt contradicts nothing, and a format may overflow on the way to either.
    let doubtful = |end: &End| end.taken == least && !end.is_certain();
    let in_doubt = [&left, &right].into_iter().flatten().any(doubtful);
    if certain && left != right {
        return Ok(match in_doubt || FloatModel::of(name).is_some() {
            true => One::Nothing(reason(&error)),
            false => One::Found(ends_apart([left, right])),
        });
    }
    if least >= 1 && least < steps {
        return Ok(match in_one(pair, name, least)? {
            One::Holds if certain => One::EndsAlike,
            One::Holds => One::Prefix,
            other => other,
        });
    }
    Ok(match certain {
        true => One::EndsAlike,
        false => One::Nothing(reason(&error)),
    })
}

/// Two runs of which one has no value where the other has one.
fn ends_apart(ends: [Option<End>; 2]) -> Finding {
    let after_steps = ends.iter().flatten().map(|e| e.taken).min().unwrap_or(0);
    let first = ends.iter().position(|end| {
        let taken = end.as_ref().map(|end| end.taken);
        taken == Some(after_steps)
    });
    let side = ["left", "right"][first.unwrap_or(0)];
    let [left, right] = ends.map(|end| match end {
        Some(end) => end.error.to_string(),
        None => "goes on".to_owned(),
    });
    Finding::Undefined {
        after_steps,
        side: side.to_owned(),
        reason: format!("on the left: {left}; on the right: {right}"),
    }
}

/// Why a run ends, without the place, so that equal reasons can be counted.
pub(super) fn reason(error: &ExecError) -> String {
    match error {
        ExecError::Operation { source, .. } => format!("a run ends: {source}"),
        other => format!("a run cannot be set up: {other}"),
    }
}

/// Where a run ends before its last step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    /// So many steps it can take and still be evaluated after them.
    pub taken: usize,
    pub error: ExecError,
}

impl End {
    fn forget_entry(&mut self) {
        if let ExecError::Operation { entry, .. } = &mut self.error {
            *entry = (0, 0);
        }
    }

    /// Whether there is no value in any arithmetic.
    pub fn is_certain(&self) -> bool {
        let source = match &self.error {
            ExecError::Operation { source, .. } => source,
            _ => return false,
        };
        matches!(source, OpError::Undefined(_))
    }
}

/// Where the run ends within `steps` steps, with all its outputs; `None` where it does not.
pub(crate) fn end_of(
    name: ArithmeticName,
    run: &Scenario,
    steps: usize,
) -> Result<Option<End>, JudgeError> {
    struct Alone<'a>(&'a Scenario, &'a StepGraph, usize);
    impl WithArithmetic for Alone<'_> {
        type Output = Option<End>;
        fn call<A: Arithmetic>(self, ctx: A) -> Option<End> {
            let Self(run, step, steps) = self;
            let options = Options {
                outputs: Outputs::All,
                ..Options::default()
            };
            let end = |taken, error| Some(End { taken, error });
            let machine = Machine::new(ctx, step, &run.sizes, &run.values, &options);
            let mut machine = match machine {
                Ok(machine) => machine,
                Err(error) => return end(0, error),
            };
            for taken in 0..=steps {
                if let Err(error) = machine.forward() {
                    return end(taken.saturating_sub(1), error);
                }
                if taken < steps
                    && let Err(error) = machine.advance()
                {
                    return end(taken, error);
                }
            }
            None
        }
    }
    let step = run.recipe.build()?;
    Ok(with_arithmetic(name, Alone(run, &step, steps))?)
}
