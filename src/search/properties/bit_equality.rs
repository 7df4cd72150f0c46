//! For every power of two in the predicted range the rescaled run has the same bits.

use super::HuntedProperty;
use crate::arith::{Arithmetic, ArithmeticName, OpError, Ratio, WithArithmetic, with_arithmetic};
use crate::bound::{ExactnessError, FORMATS, Rescaling, bit_exact_range, compare_runs};
use crate::exec::ExecError;
use crate::gauge::{Options, infer};
use crate::scenario::{Property, Scenario, Split};
use crate::search::draw::{Domain, Fit, splits};
use crate::search::ends::reason;
use crate::search::judge::{Pair, judge_pair};
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};
use crate::zoo::Recipe;

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "bit-equality",
    says: "for powers of two in the predicted range both runs have the same bits",
    arithmetics: &FORMATS,
    supports: |name| FORMATS.contains(&name),
    evidence: &[],
    domain,
    judge,
};

fn domain(mut domain: Domain) -> Domain {
    domain.models.retain(|m| m.pairs.len() == 1);
    domain.optimizers.retain(|o| {
        let recipe = Recipe::linear(o).plain();
        let step = recipe.build();
        step.is_ok_and(|step| splits(recipe.model, &infer(&step, &Options::default()).rule))
    });
    Domain {
        fit: Fit::Splits,
        exponent: 3,
        signs: false,
        ..domain
    }
}

/// Exponents are drawn up to this size where nothing limits them.
const FAR: i64 = 60;

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let rule = derived.rule();
    let mut run = test_case.scenario.clone();
    let pick = |i: usize| i64::from(test_case.parameters.get(i).copied().unwrap_or(0));
    let splits = match pick(0) % 2 {
        0 => [Split::Sqrt, Split::B],
        _ => [Split::B, Split::Sqrt],
    };
    let mut why = "the rule ties the factors in another way than by a split of k".to_owned();
    for split in splits {
        let mut range = bit_exact_range(&run, rule, split, test_case.arithmetic);
        // A run that ends early is looked at up to there.
        if let Err(ExactnessError::Run(error)) = &range
            && let Some(steps) = steps_before(error)
        {
            run.steps = steps;
            range = bit_exact_range(&run, rule, split, test_case.arithmetic);
        }
        let range = match range {
            Ok(range) => range,
            Err(error @ ExactnessError::Contradicted { .. }) => {
                return Ok(TestResult::contradicts(error.to_string()));
            }
            Err(ExactnessError::NoSplit { .. }) => continue,
            // Of a run that ends in its first step there is no range; the other may end alike.
            Err(ExactnessError::Run(error)) => {
                let exponent = 2 * (1 + pick(1) % 4);
                let verdict = in_pairs(&derived, &run, (split, exponent), test_case.arithmetic)?;
                if let Some(passed @ TestResult::Passed(_)) = verdict {
                    return Ok(passed);
                }
                why = reason(&error);
                continue;
            }
            Err(error) => {
                why = error.to_string();
                continue;
            }
        };
        let (from, to) = (range.from.unwrap_or(-FAR), range.to.unwrap_or(FAR));
        let (from, to) = (from.max(-FAR), to.min(FAR));
        let every = range.every.max(1);
        let count = (to.div_euclid(every) - from.div_euclid(every)).max(0) + 1;
        for n in 1..3 {
            let exponent = (from.div_euclid(every) + pick(n) % count) * every;
            let exponent = exponent.clamp(from, to);
            if exponent % every != 0 {
                continue;
            }
            let verdict = at(&derived, &run, (split, exponent), test_case.arithmetic)?;
            if verdict != TestResult::Passed(Basis::BitEqual) {
                return Ok(verdict);
            }
        }
        return Ok(TestResult::Passed(Basis::BitEqual));
    }
    Ok(TestResult::Undecided(why))
}

/// Both ways of comparing: operation by operation, and as any two runs are.
fn at(
    derived: &Derived<'_>,
    run: &Scenario,
    (split, exponent): (Split, i64),
    format: ArithmeticName,
) -> Result<TestResult, SearchError> {
    let rule = derived.rule();
    match compare_runs(run, rule, split, exponent, format) {
        Ok(found) => {
            if let Some(difference) = found.operation.or(found.result) {
                return Ok(TestResult::contradicts(format!(
                    "at k = 2^{exponent}, which is in the range: {difference}"
                )));
            }
        }
        Err(error) => return Ok(TestResult::Undecided(error.to_string())),
    }
    Ok(match in_pairs(derived, run, (split, exponent), format)? {
        // Beyond the format the factors, not the runs, are what is rounded.
        None => TestResult::Passed(Basis::BitEqual),
        Some(verdict) => verdict,
    })
}

/// The two runs compared as any two runs are; `None` where the format does not hold what one is
/// to be multiplied by.
fn in_pairs(
    derived: &Derived<'_>,
    run: &Scenario,
    (split, exponent): (Split, i64),
    format: ArithmeticName,
) -> Result<Option<TestResult>, SearchError> {
    let two = Ratio::from_integer(2.into());
    let rescaling = match Rescaling::of_split(derived.rule(), run.recipe.model, split, &two) {
        Ok(rescaling) => rescaling.to_the(exponent),
        Err(refusal) => return Ok(Some(TestResult::Undecided(refusal.to_string()))),
    };
    let right = rescaling.scenario(run)?;
    let property = rescaling.property(&derived.step)?;
    if !with_arithmetic(format, Holds(&property))? {
        return Ok(None);
    }
    let pair = Pair {
        property: &property,
        left: run,
        right: &right,
        mixed: false,
    };
    Ok(Some(match judge_pair(pair, &[format], true)? {
        TestResult::Passed(Basis::Exact) => TestResult::Passed(Basis::BitEqual),
        other => other,
    }))
}

/// The question whether an arithmetic holds every factor of a property exactly.
struct Holds<'a>(&'a Property);

impl WithArithmetic for Holds<'_> {
    type Output = bool;

    fn call<A: Arithmetic>(self, ctx: A) -> bool {
        self.0.factors.values().all(|factor| {
            let held = ctx.from_surd(&factor.0).ok();
            let held = held.and_then(|x| ctx.to_ratio(&x));
            held.as_ref() == factor.0.as_ratio()
        })
    }
}

/// The number of steps that a run can take that ends with this error, if any.
fn steps_before(error: &ExecError) -> Option<usize> {
    match error {
        ExecError::Operation {
            step,
            source: OpError::Overflow(_) | OpError::Undefined(_),
            ..
        } => usize::try_from(*step)
            .ok()?
            .checked_sub(1)
            .filter(|n| *n > 0),
        _ => None,
    }
}
