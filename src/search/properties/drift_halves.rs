//! With every bit of precision the drift halves: what bounds it at one precision bounds it at d
//! more bits divided by 2^d.
//!
//! That is a statement without a constant: a certified bound in units of the last place grows
//! with the unit, so what holds at p bits holds in the smaller units of every longer format.

use super::HuntedProperty;
use super::drift_within_bound::{bounded, bounds_of};
use super::float_run::{Sums, drift, exactly, factors, float_run};
use crate::arith::{ArithmeticName, Ratio, show_ratio};
use crate::search::finding::{Finding, Place};
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "drift-halves-per-bit",
    says: "what bounds the drift at p bits bounds it at p + d bits divided by 2^d",
    arithmetics: &[
        ArithmeticName::Mp(24),
        ArithmeticName::Mp(32),
        ArithmeticName::Mp(53),
    ],
    supports: |name| matches!(name, ArithmeticName::Mp(_)),
    evidence: &[],
    domain: bounded,
    judge,
};

/// The numbers of additional bits.
const MORE: [u32; 4] = [1, 2, 7, 40];

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let ArithmeticName::Mp(bits) = test_case.arithmetic else {
        let why = format!("{} has no longer format", test_case.arithmetic);
        return Ok(TestResult::Undecided(why));
    };
    let derived = Derived::new(test_case)?;
    let (right, property) = derived.map()?;
    let left = &test_case.scenario;
    let factors = factors(&property);
    let bounds = match bounds_of([left, &right], &factors, test_case.arithmetic) {
        Ok(bounds) => bounds,
        Err(why) => return Ok(TestResult::Undecided(why)),
    };
    for more in MORE {
        let arith = ArithmeticName::Mp(bits.saturating_add(more));
        let run = |scenario| float_run(scenario, arith, Sums::Stated);
        let (x, y) = (run(left)?, run(&right)?);
        for (taken, of_step) in &bounds.at {
            for (name, own) in of_step {
                let (Ok(bound), Some(factor)) = (&own.certified, factors.get(name)) else {
                    continue;
                };
                let values =
                    |of: &super::float_run::FloatRun| of.after.get(*taken)?.get(name).cloned();
                let measured = match (values(&x), values(&y)) {
                    (Some(x), Some(y)) => drift(&x, &y, factor),
                    _ => None,
                };
                let halved = exactly(bound).map(|b| b / Ratio::from_integer((1u64 << more).into()));
                if let (Some(measured), Some(halved)) = (&measured, &halved)
                    && measured <= halved
                {
                    continue;
                }
                let show = |q: Option<Ratio>| q.map_or("none".to_owned(), |q| show_ratio(&q));
                return Ok(TestResult::Failed(Box::new(Finding::Contradicts {
                    says: format!(
                        "the drift with {more} more bits (left) is larger than the bound divided by 2^{more} (right)"
                    ),
                    place: Some(Place {
                        after_steps: *taken,
                        quantity: name.clone(),
                        entry: (0, 0),
                        left: show(measured),
                        right: show(halved),
                    }),
                })));
            }
        }
    }
    Ok(TestResult::Passed(Basis::Bound))
}
