//! A rule with one weight off by one is contradicted by runs.

use super::{EXACT, HuntedProperty, is_exact_or_encloses};
use crate::search::draw::{Domain, Fit};
use crate::search::mutation::Fate;
use crate::search::mutation_test::{RUNS, refute};
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "wrong-rules-are-refuted",
    says: "a rule with one weight off by one is contradicted by a run",
    arithmetics: EXACT,
    supports: is_exact_or_encloses,
    evidence: &[],
    domain,
    judge,
};

fn domain(mut domain: Domain) -> Domain {
    // What a wrong weight of a threshold does, few runs show.
    domain.models.retain(|m| m.name == "linear");
    domain.losses.retain(|l| l.name == "mse");
    domain.clips = vec![None];
    domain.schedules = vec![None];
    Domain {
        fit: Fit::Moves,
        size: 2,
        steps: 2,
        signs: false,
        ..domain
    }
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let pick = |i: usize| test_case.parameters.get(i).copied().unwrap_or(0);
    let seed = u64::from(pick(1)) << 16 | u64::from(pick(2));
    let tried = refute(&test_case.scenario, derived.rule(), pick(0) as usize, seed)?;
    Ok(match tried {
        Some((_, Fate::Killed { .. })) => TestResult::Passed(Basis::Refuted),
        Some((mutant, _)) => TestResult::Undecided(format!(
            "no run of {RUNS} contradicts a wrong weight of {}",
            kind(&mutant.quantity)
        )),
        None => TestResult::Undecided("no wrong rule can show in a run".to_owned()),
    })
}

/// A quantity without the tensor's name, so that equal reasons can be counted.
fn kind(quantity: &str) -> &str {
    let base = quantity.strip_suffix("_A").or(quantity.strip_suffix("_B"));
    base.unwrap_or(quantity)
}
