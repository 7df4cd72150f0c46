//! The powers of two for which a rescaled run has the same bits.
//!
//! Multiplying by a power of two commutes with rounding while nothing under- or overflows. From
//! one run, [`bit_exact_range`] says for exactly which exponents nothing does: every result of
//! every operation, partial products and sums included, is then the power of two of its weight
//! times that of the run itself, bit for bit. At both ends, and one beyond each, the answer is
//! checked by running; [`compare_runs`] compares the two runs for any exponent.

mod compare_runs;
mod exponent_tracing;
mod shift;
mod traced_run;

#[cfg(test)]
mod tests;

use crate::arith::{Arithmetic, ArithmeticName, BF16, F16, F32, F64, Machine, MachineFloat};
use crate::exec::ExecError;
use crate::fault::{Fault, planted};
use crate::gauge::Rule;
use crate::scenario::{MapError, Scenario, Split};
use crate::zoo::RecipeError;

use shift::FREE;
use traced_run::{Setup, TracedRun};

/// The exponents `n` of `k = 2^n` for which a run and its rescaled run have the same bits. Its
/// serialised form has no limits and no results.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExponentRange {
    /// The split of k.
    pub split: Split,
    /// The smallest exponent; `None` where nothing limits it.
    pub from: Option<i64>,
    /// The largest exponent; `None` where nothing limits it.
    pub to: Option<i64>,
    /// The distance of two neighbours: 2 for the split by roots, and more where a quantity is
    /// multiplied by a root of `k` that would be no power of two.
    pub every: i64,
    /// The obstacle to a smaller exponent.
    #[serde(skip)]
    pub from_limit: Option<Limit>,
    /// The obstacle to a larger exponent.
    #[serde(skip)]
    pub to_limit: Option<Limit>,
    /// The smallest exponent up to which loss, parameters and states keep their bits, found by
    /// running; `None` where none of the runs that were made differs.
    #[serde(skip)]
    pub results_from: Option<i64>,
    /// The largest one, likewise.
    #[serde(skip)]
    pub results_to: Option<i64>,
}

/// The first place at which the next exponent would change a bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The node.
    pub node: String,
    /// The step, from 1.
    pub step: u64,
    /// The reason in words.
    pub reason: String,
}

/// The first differences between a run and the rescaled one, in words; none where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first difference of the result of an operation.
    pub operation: Option<String>,
    /// The first difference of loss, parameters and states, after any step.
    pub result: Option<String>,
}

/// The reason why no range can be given.
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
        /// The number of which it must be a multiple.
        every: i64,
    },
    /// Running contradicts the answer; this is a defect of the program.
    #[error("at k = 2^{exponent} the runs {found}, which the range rules out")]
    Contradicted {
        /// The exponent of k.
        exponent: i64,
        /// The outcome of the runs.
        found: String,
    },
}

/// The formats that have a smallest and a largest number.
pub const FORMATS: [ArithmeticName; 4] = [
    ArithmeticName::F32,
    ArithmeticName::F64,
    ArithmeticName::Bf16,
    ArithmeticName::F16,
];

/// The number of exponents beyond the range that are run to find where results differ.
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
) -> Result<ExponentRange, ExactnessError> {
    dispatch(format, &Setup::new(scenario, rule, split)?)
}

/// Runs `scenario` and its rescaled run with `k = 2^exponent` side by side.
///
/// # Errors
/// [`ExactnessError`]. A rescaled run that fails is no error but a difference.
pub fn compare_runs(
    scenario: &Scenario,
    rule: &Rule,
    split: Split,
    exponent: i64,
    format: ArithmeticName,
) -> Result<Differences, ExactnessError> {
    let every = split.root();
    if exponent % every != 0 {
        return Err(ExactnessError::NotAnExponent { exponent, every });
    }
    let setup = Setup::new(scenario, rule, split)?;
    dispatch(format, &(setup, exponent / every))
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

impl InFormat for Setup<'_> {
    type Answer = ExponentRange;

    fn answer<F: MachineFloat>(&self, ctx: Machine<F>) -> Result<ExponentRange, ExactnessError> {
        let found = self.trace(ctx)?;
        let every = found.exact.every;
        let further = if planted(Fault::ExactRangeTooWide) {
            every
        } else {
            0
        };
        let from = inward(found.exact.range.from, every, -1);
        let to = inward(found.exact.range.to + further, every, 1);
        let results_from = results(self, ctx, &found, from, -1)?;
        let results_to = results(self, ctx, &found, to, 1)?;
        let limit = |end: Option<i64>, up: i64| Some(found.limit(self, ctx, end? + up * every, up));
        let of_k = |end: Option<i64>| end.map(|e| e * self.split.root());
        Ok(ExponentRange {
            split: self.split,
            every: every * self.split.root(),
            from_limit: limit(from, -1),
            to_limit: limit(to, 1),
            from: of_k(from),
            to: of_k(to),
            results_from: of_k(results_from),
            results_to: of_k(results_to),
        })
    }
}

/// The end of a range, moved inward to a multiple of `every`; none where nothing limits it.
fn inward(end: i64, every: i64, up: i64) -> Option<i64> {
    match end.abs() {
        FREE.. => None,
        _ => Some((end * up).div_euclid(every) * every * up),
    }
}

/// The exponent up to which results keep their bits, beyond an end of the range, which is checked
/// on the way: at it no operation differs, and one further some operation does.
fn results<F: MachineFloat>(
    setup: &Setup<'_>,
    ctx: Machine<F>,
    found: &TracedRun<F>,
    end: Option<i64>,
    up: i64,
) -> Result<Option<i64>, ExactnessError> {
    let Some(end) = end else { return Ok(None) };
    let every = found.exact.every;
    let contradicted = |e: i64, found: String| {
        let exponent = e * setup.split.root();
        Err(ExactnessError::Contradicted { exponent, found })
    };
    if let Some(difference) = setup.compare(ctx, end)?.operation {
        return contradicted(end, difference);
    }
    for i in 1..=BEYOND {
        let beyond = end + up * i * every;
        let Differences { operation, result } = setup.compare(ctx, beyond)?;
        if i == 1 && operation.is_none() && !found.conflict {
            return contradicted(beyond, "have the same bits".into());
        }
        if result.is_some() {
            return Ok(Some(beyond - up * every));
        }
    }
    Ok(None)
}

impl InFormat for (Setup<'_>, i64) {
    type Answer = Differences;

    fn answer<F: MachineFloat>(&self, ctx: Machine<F>) -> Result<Differences, ExactnessError> {
        self.0.compare(ctx, self.1)
    }
}

/// The name of an arithmetic's format, for errors.
fn name<A: Arithmetic>(ctx: &A) -> String {
    ctx.name().to_string()
}
