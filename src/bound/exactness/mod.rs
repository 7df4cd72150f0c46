//! For which powers of two a rescaled run has the same bits.
//!
//! Multiplying by a power of two commutes with rounding while nothing under- or overflows. From
//! one run, [`bit_exact_range`] says for exactly which exponents nothing does: every result of
//! every operation, partial products and sums included, is then the power of two of its weight
//! times that of the run itself, bit for bit. At both ends, and one beyond each, the answer is
//! checked by running; [`zero_drift`] compares the two runs for any exponent.

mod lockstep;
mod shift;
mod trace;
mod traced;

#[cfg(test)]
mod tests;

use crate::arith::{Arithmetic, ArithmeticName, BF16, F16, F32, F64, Machine, MachineFloat};
use crate::exec::ExecError;
use crate::fault::{Fault, planted};
use crate::gauge::Rule;
use crate::scenario::{MapError, Scenario, Split};
use crate::zoo::RecipeError;

use lockstep::Agreement;
use shift::FREE;
use trace::Setup;

/// The exponents `n` of `k = 2^n` for which a run and its rescaled run have the same bits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Range {
    /// How `k` is split.
    pub split: Split,
    /// The exponents are the multiples of this; 2 for the split by roots, and more where a
    /// quantity is multiplied by a root of `k` that would be no power of two.
    pub every: i64,
    /// The smallest exponent; `None` where nothing limits it.
    pub from: Option<i64>,
    /// The largest exponent; `None` where nothing limits it.
    pub to: Option<i64>,
    /// What stands in the way of a smaller exponent.
    pub from_limit: Option<Limit>,
    /// What stands in the way of a larger exponent.
    pub to_limit: Option<Limit>,
    /// The smallest exponent up to which loss, parameters and states keep their bits, found by
    /// running; `None` where none of the runs that were made differs.
    pub results_from: Option<i64>,
    /// The largest one, likewise.
    pub results_to: Option<i64>,
}

/// The first place at which the next exponent would change a bit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Limit {
    /// The node.
    pub node: String,
    /// The step, from 1.
    pub step: u64,
    /// What would happen, in words.
    pub reason: String,
}

/// What came of running both runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Drift {
    /// The exponent of `k = 2^n`.
    pub exponent: i64,
    /// Whether loss, parameters and states have the same bits after every step.
    pub bit_equal: bool,
    /// Whether every result of every operation has.
    pub every_operation_equal: bool,
    /// The first difference, in words.
    pub difference: Option<String>,
}

/// Why no range can be given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExactnessError {
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(#[from] Box<RecipeError>),
    /// The run itself ends early.
    #[error(transparent)]
    Run(#[from] ExecError),
    /// The rescaled run cannot be formed.
    #[error(transparent)]
    Map(#[from] MapError),
    /// An arithmetic without a smallest and a largest number.
    #[error("`{0}` is no float format: expected f32, f64, bf16 or f16")]
    NotAFormat(ArithmeticName),
    /// The rule does not have the two factors apart, or its weights are too fine.
    #[error("the rule does not multiply `{quantity}` as the split says")]
    NoSplit {
        /// A quantity.
        quantity: String,
    },
    /// An exponent between the admissible ones.
    #[error("the exponent {exponent} is not a multiple of {every}")]
    NotAnExponent {
        /// The exponent.
        exponent: i64,
        /// Of what it must be a multiple.
        every: i64,
    },
    /// Running contradicts the answer; this is a defect of the program.
    #[error("at k = 2^{exponent} the runs {found}, which the range rules out")]
    Contradicted {
        /// The exponent of k.
        exponent: i64,
        /// What the runs did.
        found: String,
    },
}

/// How many exponents beyond the range are run to find where results differ.
const BEYOND: i64 = 32;

/// The exponents for which the map by powers of two that `rule` says is exact in `format`,
/// from one run of `scenario`.
///
/// # Errors
/// [`ExactnessError`]; a rule for another step is found out as [`ExactnessError::Contradicted`]
/// or leaves only the exponent 0.
pub fn bit_exact_range(
    scenario: &Scenario,
    rule: &Rule,
    split: Split,
    format: ArithmeticName,
) -> Result<Range, ExactnessError> {
    dispatch(
        format,
        &Question {
            scenario,
            rule,
            split,
        },
    )
}

/// Runs `scenario` and its rescaled run with `k = 2^exponent` side by side.
///
/// # Errors
/// [`ExactnessError`]. A rescaled run that fails is no error but a difference.
pub fn zero_drift(
    scenario: &Scenario,
    rule: &Rule,
    split: Split,
    exponent: i64,
    format: ArithmeticName,
) -> Result<Drift, ExactnessError> {
    dispatch(
        format,
        &(
            Question {
                scenario,
                rule,
                split,
            },
            exponent,
        ),
    )
}

/// Something to be done in a float format.
trait InFormat {
    type Answer;
    fn answer<F: MachineFloat>(&self, ctx: Machine<F>) -> Result<Self::Answer, ExactnessError>;
}

fn dispatch<Q: InFormat>(
    format: ArithmeticName,
    question: &Q,
) -> Result<Q::Answer, ExactnessError> {
    match format {
        ArithmeticName::F32 => question.answer(F32),
        ArithmeticName::F64 => question.answer(F64),
        ArithmeticName::Bf16 => question.answer(BF16),
        ArithmeticName::F16 => question.answer(F16),
        other => Err(ExactnessError::NotAFormat(other)),
    }
}

struct Question<'a> {
    scenario: &'a Scenario,
    rule: &'a Rule,
    split: Split,
}

impl InFormat for Question<'_> {
    type Answer = Range;

    fn answer<F: MachineFloat>(&self, ctx: Machine<F>) -> Result<Range, ExactnessError> {
        let setup = Setup::new(self.scenario, self.rule, self.split)?;
        let found = setup.trace(ctx)?;
        let every = found.exact.every;
        let root = self.split.root();
        let end = |bound: i64, up: i64| match bound.abs() {
            FREE.. => None,
            // Inwards to a multiple.
            _ => Some((bound * up).div_euclid(every) * every * up),
        };
        let further = if planted(Fault::ExactRangeTooWide) {
            every
        } else {
            0
        };
        let (from, to) = (
            end(found.exact.range.from, -1),
            end(found.exact.range.to + further, 1),
        );
        let results = |end: Option<i64>, up: i64| -> Result<Option<i64>, ExactnessError> {
            let Some(end) = end else { return Ok(None) };
            let inside = setup.compare(ctx, end)?;
            if let Some(difference) = inside.operation {
                return Err(contradicted(end * root, difference));
            }
            for i in 1..=BEYOND {
                let beyond = end + up * i * every;
                let Agreement { operation, result } = setup.compare(ctx, beyond)?;
                if i == 1 && operation.is_none() && !found.conflict {
                    return Err(contradicted(beyond * root, "have the same bits".into()));
                }
                if result.is_some() {
                    return Ok(Some((beyond - up * every) * root));
                }
            }
            Ok(None)
        };
        let (results_from, results_to) = (results(from, -1)?, results(to, 1)?);
        let limit =
            |end: Option<i64>, up: i64| Some(found.limit(&setup, ctx, end? + up * every, up));
        Ok(Range {
            split: self.split,
            every: every * root,
            from_limit: limit(from, -1),
            to_limit: limit(to, 1),
            from: from.map(|e| e * root),
            to: to.map(|e| e * root),
            results_from,
            results_to,
        })
    }
}

fn contradicted(exponent: i64, found: String) -> ExactnessError {
    ExactnessError::Contradicted { exponent, found }
}

impl InFormat for (Question<'_>, i64) {
    type Answer = Drift;

    fn answer<F: MachineFloat>(&self, ctx: Machine<F>) -> Result<Drift, ExactnessError> {
        let (question, exponent) = (&self.0, self.1);
        let every = question.split.root();
        if exponent % every != 0 {
            return Err(ExactnessError::NotAnExponent { exponent, every });
        }
        let setup = Setup::new(question.scenario, question.rule, question.split)?;
        let Agreement { operation, result } = setup.compare(ctx, exponent / every)?;
        Ok(Drift {
            exponent,
            bit_equal: result.is_none(),
            every_operation_equal: operation.is_none(),
            difference: operation,
        })
    }
}

/// The name of an arithmetic's format, for errors.
fn name<A: Arithmetic>(ctx: &A) -> String {
    ctx.name().to_string()
}
