//! Two runs, judged: exactly, and in intervals where that has no answer.

use super::ends::{End, end_of, ends_apart, reason};
use super::finding::Finding;
use super::result::{Basis, SearchError, TestResult};
use crate::arith::{Arithmetic, ArithmeticName, FloatModel, WithArithmetic, with_arithmetic};
use crate::graph::StepGraph;
use crate::scenario::{CheckError, Doubt, Outcome, Property, Scenario, check};

/// The result of judging a property on two runs.
#[derive(Debug, Clone)]
pub enum Judged {
    /// It is equal, exactly, whatever is compared.
    Holds {
        /// The number of values compared.
        compared: usize,
    },
    /// Nothing that is compared is known to differ: the intervals overlap.
    Overlaps(Doubt),
    /// Something contradicts it.
    Found {
        /// The contradiction.
        finding: Finding,
        /// The arithmetic in which it was found.
        arithmetic: ArithmeticName,
    },
    /// The two runs say nothing: a premise fails, or a run cannot go on.
    Nothing(String),
}

/// The exact arithmetic of this build: the rationals, or the prime field without GMP. In both a
/// difference refutes an identity; equality in the prime field alone does not prove one.
pub fn exact_arithmetic() -> ArithmeticName {
    arithmetics()[0]
}

/// The arithmetics in which a pair is judged, one after the other until there is an answer. A
/// difference in any of them is a difference: exact, or between two disjoint intervals.
pub fn arithmetics() -> &'static [ArithmeticName] {
    match cfg!(feature = "mp") {
        true => &[
            ArithmeticName::Rational,
            ArithmeticName::Interval(256),
            ArithmeticName::Interval(1024),
        ],
        false => &[ArithmeticName::Prime, ArithmeticName::IntervalF64],
    }
}

/// The arithmetics in which two runs of `step` are compared, the strongest first. A root in the
/// prime field is one of two, which no order tells apart, so it decides only without roots.
pub(super) fn ladder(step: &StepGraph, first: ArithmeticName) -> Vec<ArithmeticName> {
    if first.is_enclosure() {
        return vec![first];
    }
    let enclosures = &arithmetics()[1..];
    let exact = match is_rational_function(step) {
        true if first == ArithmeticName::Prime => Some(first),
        true => Some(exact_arithmetic()),
        false => Some(exact_arithmetic()).filter(|name| *name != ArithmeticName::Prime),
    };
    exact
        .into_iter()
        .chain(enclosures.iter().copied())
        .collect()
}

struct CheckTask<'a> {
    property: &'a Property,
    left: &'a Scenario,
    right: &'a Scenario,
    steps: usize,
}

impl WithArithmetic for CheckTask<'_> {
    type Output = Result<Outcome, CheckError>;
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        check(&ctx, self.property, self.left, self.right, self.steps)
    }
}

/// Checks a property on two runs in the arithmetic called `name`.
///
/// # Errors
/// [`SearchError::Arithmetic`] or [`SearchError::Check`].
pub(crate) fn check_in(
    name: ArithmeticName,
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Outcome, SearchError> {
    Ok(with_arithmetic(
        name,
        CheckTask {
            property,
            left,
            right,
            steps,
        },
    )??)
}

/// Checks a property on two runs in [`exact_arithmetic`].
///
/// # Errors
/// [`SearchError::Check`] when a run cannot be carried through.
pub fn check_exactly(
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Outcome, SearchError> {
    check_in(exact_arithmetic(), property, left, right, steps)
}

/// `true` if the step is computed by field operations alone, which every field does alike: no
/// roots, no order, no rounding, no functions.
pub(super) fn is_rational_function(step: &StepGraph) -> bool {
    let inside = step.graph.cone(step.roots());
    let mut ids = step.graph.ids().filter(|id| inside[id.index()]);
    ids.all(|id| step.graph.node(id).op.is_of_a_field())
}

/// Judges `property` on two runs over `steps` steps.
///
/// # Errors
/// [`SearchError`] when the property or a recipe is ill-formed.
pub fn judge(
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Judged, SearchError> {
    judge_in(arithmetics(), property, left, right, steps)
}

/// The same in the given arithmetics.
pub(super) fn judge_in(
    arithmetics: &[ArithmeticName],
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Judged, SearchError> {
    let mut so_far = Judged::Nothing("no arithmetic has all of the operations".to_owned());
    for arithmetic in arithmetics.iter().copied() {
        let outcome = match check_in(arithmetic, property, left, right, steps) {
            Ok(outcome) => outcome,
            Err(SearchError::Check(CheckError::Run(error))) => {
                so_far = Judged::Nothing(error.to_string());
                if error.is_undefined() {
                    break;
                }
                continue;
            }
            Err(SearchError::Check(CheckError::Factor { .. })) => continue,
            Err(error) => return Err(error),
        };
        if let Some(finding) = Finding::of(&outcome) {
            return Ok(Judged::Found {
                finding,
                arithmetic,
            });
        }
        match outcome {
            Outcome::Holds { compared } => return Ok(Judged::Holds { compared }),
            Outcome::Undecided(doubt) => so_far = Judged::Overlaps(doubt),
            Outcome::PremiseFails(difference) => {
                let premise = difference.quantity;
                return Ok(Judged::Nothing(format!("the premise `{premise}` fails")));
            }
            Outcome::Fails(_) | Outcome::Undefined { .. } => {}
        }
    }
    Ok(so_far)
}

/// Two runs and what is said of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub property: &'a Property,
    pub left: &'a Scenario,
    pub right: &'a Scenario,
    /// `true` if what stands at one entry on the left may stand at another one on the right.
    pub mixed: bool,
}

/// The answer of one arithmetic.
enum One {
    Holds,
    /// Equal as far as the arithmetic goes: at least one step, but not to the end.
    Prefix,
    Overlaps,
    Found(Finding),
    EndsAlike,
    Nothing(String),
}

/// Judges the pair in the given arithmetics, one after the other until there is an answer. With
/// `strict` overlapping enclosures are no answer.
pub(super) fn judge_pair(
    pair: Pair<'_>,
    arithmetics: &[ArithmeticName],
    strict: bool,
) -> Result<TestResult, SearchError> {
    let mut why = "no arithmetic has all of the operations".to_owned();
    let mut prefix = false;
    for name in arithmetics.iter().copied() {
        let steps = pair.left.steps.min(pair.right.steps);
        match in_one(pair, name, steps)? {
            One::Holds if name.is_enclosure() => return Ok(TestResult::Passed(Basis::Enclosed)),
            One::Holds => return Ok(TestResult::Passed(Basis::Exact)),
            One::Found(finding) => return Ok(TestResult::Failed(Box::new(finding))),
            One::EndsAlike => return Ok(TestResult::Passed(Basis::EndsAlike)),
            One::Prefix if strict && !name.is_enclosure() => {
                return Ok(TestResult::Passed(Basis::Exact));
            }
            One::Prefix => prefix = true,
            One::Overlaps if !strict => return Ok(TestResult::Passed(Basis::Enclosed)),
            One::Overlaps => why = "only enclosed: no exact arithmetic takes a step".to_owned(),
            One::Nothing(reason) => why = reason,
        }
    }
    Ok(match prefix {
        true => TestResult::Passed(Basis::Enclosed),
        false => TestResult::Undecided(why),
    })
}

fn in_one(pair: Pair<'_>, name: ArithmeticName, steps: usize) -> Result<One, SearchError> {
    let error = match check_in(name, pair.property, pair.left, pair.right, steps) {
        Ok(outcome) => match outcome {
            Outcome::Holds { .. } => return Ok(One::Holds),
            Outcome::Undecided(_) => return Ok(One::Overlaps),
            Outcome::PremiseFails(_) => return Ok(One::Nothing("a premise fails".to_owned())),
            Outcome::Fails(difference) => return Ok(One::Found(Finding::Differs(difference))),
            Outcome::Undefined { error, .. } => error,
        },
        Err(SearchError::Check(CheckError::Run(error))) => error,
        Err(SearchError::Check(CheckError::Factor { source, .. })) => {
            return Ok(One::Nothing(format!("a factor has {source}")));
        }
        Err(error) => return Err(error),
    };
    let mut left = end_of(name, pair.left, steps)?;
    let mut right = end_of(name, pair.right, steps)?;
    if pair.mixed {
        left.iter_mut()
            .chain(&mut right)
            .for_each(End::forget_entry);
    }
    let taken = |end: &Option<End>| end.as_ref().map_or(steps, |end| end.taken);
    let least = taken(&left).min(taken(&right));
    let undefined = [&left, &right]
        .into_iter()
        .flatten()
        .any(|end| end.error.is_undefined());
    // An end in doubt contradicts nothing, and a format may overflow on the way to either.
    let doubtful = |end: &End| end.taken == least && !end.error.is_undefined();
    let in_doubt = [&left, &right].into_iter().flatten().any(doubtful);
    if undefined && left != right {
        return Ok(match in_doubt || FloatModel::of(name).is_some() {
            true => One::Nothing(reason(&error)),
            false => One::Found(ends_apart([left, right])),
        });
    }
    if least >= 1 && least < steps {
        return Ok(match in_one(pair, name, least)? {
            One::Holds if undefined => One::EndsAlike,
            One::Holds => One::Prefix,
            other => other,
        });
    }
    Ok(match undefined {
        true => One::EndsAlike,
        false => One::Nothing(reason(&error)),
    })
}
