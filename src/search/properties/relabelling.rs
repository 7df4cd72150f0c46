//! Mixing the ranks changes nothing that has no rank, and the rule survives it.
//!
//! A → Q·A and B → B·Qᵀ with a permutation, one with signs, or a rational rotation, as far as the
//! step admits it; the mixed run, rescaled, is compared with the run itself.

use super::{EXACT, HuntedProperty, is_exact_or_encloses};
use crate::gauge::{Mixing, rotations};
use crate::scenario::Scenario;
use crate::search::draw::{Domain, has_ranks};
use crate::search::judge::{Pair, judge_pair, ladder};
use crate::search::mixing::MixingMatrix;
use crate::search::result::{SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "relabelling",
    says: "a run with its ranks relabelled, mixed and rescaled has the loss and W that it had",
    arithmetics: EXACT,
    supports: is_exact_or_encloses,
    evidence: &[],
    domain,
    judge,
};

fn domain(mut domain: Domain) -> Domain {
    domain.models.retain(|m| has_ranks(m));
    Domain {
        rank: 2,
        signs: false,
        ..domain
    }
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let Some(allowed) = rotations(&derived.step).and_then(|found| found.allowed) else {
        return Ok(TestResult::Undecided(
            "the step is not known to admit any mixing of ranks".to_owned(),
        ));
    };
    let run = &test_case.scenario;
    let rank = run.sizes.get("r").unwrap_or(1);
    let mixing = Mixing::ALL.into_iter().filter(|m| *m <= allowed);
    let mixings: Vec<Mixing> = mixing.collect();
    let pick = |i: usize| test_case.parameters.get(i).copied().unwrap_or(0) as usize;
    let mixing = mixings[pick(0) % mixings.len().max(1)];
    let matrix = MixingMatrix::drawn(mixing, rank, [pick(1), pick(2), pick(3)]);
    let Some(values) = matrix.mixed(&run.values) else {
        return Ok(TestResult::Undecided(
            "the ranks cannot be mixed".to_owned(),
        ));
    };
    let mixed = Scenario {
        values,
        ..run.clone()
    };
    let rescaling = derived.rescaling(&test_case.factors);
    let right = rescaling.scenario(&mixed)?;
    let mut property = rescaling.property(&derived.step)?;
    // What has a rank is mixed with it.
    let free = |name: &String| {
        let output = derived.step.outputs.iter().find(|o| o.name == *name);
        name == "loss"
            || output.is_some_and(|o| {
                let shape = &derived.step.graph.node(o.node).shape;
                !shape
                    .rows
                    .names()
                    .chain(shape.cols.names())
                    .any(|n| n == "r")
            })
    };
    property.conclusion.retain(free);
    let conclusion = &property.conclusion;
    property.factors.retain(|name, _| conclusion.contains(name));
    let pair = Pair {
        property: &property,
        left: run,
        right: &right,
        mixed: true,
    };
    judge_pair(pair, &ladder(&derived.step, test_case.arithmetic), false)
}
