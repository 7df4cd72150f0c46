//! One pair of runs, judged: exactly, and in intervals where that has no answer.

use super::witness::{Finding, WitnessError, check_in, exact_arithmetic};
use crate::arith::{ArithmeticName, OpError};
use crate::exec::ExecError;
use crate::scenario::{CheckError, Doubt, Outcome, Property, Scenario};

/// What came of judging a property on two runs.
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
        /// What that is.
        finding: Finding,
        /// The arithmetic in which it was found.
        arithmetic: ArithmeticName,
    },
    /// The two runs say nothing: a premise fails, or a run cannot go on.
    Nothing(String),
}

/// The arithmetics in which a pair is judged, one after the other until there is an answer. A
/// difference in any of them is a difference: exact, or between two disjoint intervals.
pub fn arithmetics() -> Vec<ArithmeticName> {
    let mut names = vec![exact_arithmetic()];
    if cfg!(feature = "mp") {
        names.extend([256, 1024].map(ArithmeticName::Interval));
    }
    names
}

/// Judges `property` on two runs over `steps` steps.
///
/// # Errors
/// [`WitnessError`] when the property or a recipe is ill-formed.
pub fn judge(
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Judged, WitnessError> {
    judge_in(&arithmetics(), property, left, right, steps)
}

/// The same in the given arithmetics.
pub(super) fn judge_in(
    arithmetics: &[ArithmeticName],
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Judged, WitnessError> {
    let mut so_far = Judged::Nothing("no arithmetic has all of the operations".into());
    for arithmetic in arithmetics.iter().copied() {
        let outcome = match check_in(arithmetic, property, left, right, steps) {
            Ok(outcome) => outcome,
            Err(WitnessError::Check(CheckError::Run(error))) => {
                let certain = matches!(
                    error,
                    ExecError::Operation {
                        source: OpError::Undefined(_),
                        ..
                    }
                );
                so_far = Judged::Nothing(error.to_string());
                if certain {
                    break;
                }
                continue;
            }
            Err(WitnessError::Check(CheckError::Factor { .. })) => continue,
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
