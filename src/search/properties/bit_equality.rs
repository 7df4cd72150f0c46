//! For every power of two in the predicted range the rescaled run has the same bits.

use super::HuntedProperty;
use crate::arith::{Arithmetic, ArithmeticName, OpError, Ratio, WithArithmetic, with_arithmetic};
use crate::bound::{ExactnessError, FORMATS, Rescaling, bit_exact_range, compare_runs};
use crate::exec::ExecError;
use crate::gauge::{Options, infer};
use crate::scenario::{Property, Scenario, Split};
use crate::search::draw::{Fit, Menu, splits};
use crate::search::pair::{Pair, judge_pair, reason};
use crate::search::subject::{Derived, Subject};
use crate::search::verdict::{Evidence, JudgeError, Verdict};
use crate::zoo::Recipe;

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "bit-equality",
    says: "for powers of two in the predicted range both runs have the same bits",
    arithmetics: &FORMATS,
    supports: |name| FORMATS.contains(&name),
    evidence: &[],
    menu,
    judge,
};

fn menu(mut menu: Menu) -> Menu {
    menu.models.retain(|m| m.pairs.len() == 1);
    menu.optimizers.retain(|o| {
        let recipe = Recipe::new("linear", "mse", o.name).map(Recipe::plain);
        recipe.is_ok_and(|recipe| {
            let rule = recipe
                .build()
                .map(|step| infer(&step, &Options::default()).rule);
            rule.is_ok_and(|rule| splits(recipe.model, &rule))
        })
    });
    Menu {
        fit: Fit::Splits,
        reach: 3,
        signs: false,
        ..menu
    }
}

/// Exponents are drawn up to this size where nothing limits them.
const FAR: i64 = 60;

fn judge(subject: &Subject) -> Result<Verdict, JudgeError> {
    let derived = Derived::new(subject)?;
    let rule = derived.rule();
    let mut run = subject.scenario.clone();
    let pick = |i: usize| i64::from(subject.picks.get(i).copied().unwrap_or(0));
    let splits = match pick(0) % 2 {
        0 => [Split::Sqrt, Split::B],
        _ => [Split::B, Split::Sqrt],
    };
    let mut why = "the rule ties the factors in another way than by a split of k".to_owned();
    for split in splits {
        let mut range = bit_exact_range(&run, rule, split, subject.arithmetic);
        // A run that ends early is looked at up to there.
        if let Err(ExactnessError::Run(error)) = &range
            && let Some(steps) = steps_before(error)
        {
            run.steps = steps;
            range = bit_exact_range(&run, rule, split, subject.arithmetic);
        }
        let range = match range {
            Ok(range) => range,
            Err(error @ ExactnessError::Contradicted { .. }) => {
                return Ok(Verdict::contradicts(error.to_string()));
            }
            Err(ExactnessError::NoSplit { .. }) => continue,
            // Of a run that ends in its first step there is no range; the other may end alike.
            Err(ExactnessError::Run(error)) => {
                let exponent = 2 * (1 + pick(1) % 4);
                let verdict = in_pairs(&derived, &run, (split, exponent), subject.arithmetic)?;
                if let Some(passed @ Verdict::Passed(_)) = verdict {
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
            let verdict = at(&derived, &run, (split, exponent), subject.arithmetic)?;
            if verdict != Verdict::Passed(Evidence::BitEqual) {
                return Ok(verdict);
            }
        }
        return Ok(Verdict::Passed(Evidence::BitEqual));
    }
    Ok(Verdict::Undecided(why))
}

/// Both ways of comparing: operation by operation, and as any two runs are.
fn at(
    derived: &Derived<'_>,
    run: &Scenario,
    (split, exponent): (Split, i64),
    format: ArithmeticName,
) -> Result<Verdict, JudgeError> {
    let rule = derived.rule();
    match compare_runs(run, rule, split, exponent, format) {
        Ok(found) => {
            if let Some(difference) = found.operation.or(found.result) {
                return Ok(Verdict::contradicts(format!(
                    "at k = 2^{exponent}, which is in the range: {difference}"
                )));
            }
        }
        Err(error) => return Ok(Verdict::Undecided(error.to_string())),
    }
    Ok(match in_pairs(derived, run, (split, exponent), format)? {
        // Beyond the format the factors, not the runs, are what is rounded.
        None => Verdict::Passed(Evidence::BitEqual),
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
) -> Result<Option<Verdict>, JudgeError> {
    let two = Ratio::from_integer(2.into());
    let rescaling = match Rescaling::of_split(derived.rule(), run.recipe.model, split, &two) {
        Ok(rescaling) => rescaling.to_the(exponent),
        Err(refusal) => return Ok(Some(Verdict::Undecided(refusal.to_string()))),
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
        Verdict::Passed(Evidence::Exact) => Verdict::Passed(Evidence::BitEqual),
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
