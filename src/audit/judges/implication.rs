//! What is equal in two runs makes something else equal: a hunt over pairs of runs that start
//! from unrelated factors.

use super::{Draft, JudgeError};
use crate::arith::Ratio;
use crate::audit::evidence::SEED;
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::search::{Hunt, hunt};

/// Random pairs of each size; the premise sorts most of them out.
const CASES: u32 = 6000;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let linear = claim.numeric()?;
    let step = linear.build()?;
    let powers = claim.map().resolve(&step)?;
    let (property, start) = (claim.property(), claim.start());
    let k = Ratio::from_integer(4.into());
    let hunted = hunt(&Hunt {
        property: &property,
        recipe: &linear,
        start: &start,
        shared: true,
        right_of: &|left, case| {
            let right = powers
                .apply(&case.from_elsewhere(left, &step, &start), &k)
                .ok()?;
            // Starts with a zero where none belongs make quotients void of meaning.
            let generic = |s: &crate::scenario::Scenario| {
                step.parameters
                    .iter()
                    .filter(|p| !start.zero.contains(&p.name))
                    .all(|p| {
                        s.values
                            .tensors
                            .get(&p.name)
                            .is_some_and(|t| t.values().iter().all(|x| *x != 0.0))
                    })
            };
            (generic(left) && generic(&right)).then_some(right)
        },
        cases: CASES,
        seed: SEED,
    })?;
    Ok(match hunted.found {
        Some(found) => Draft::new(
            Verdict::Refuted,
            format!(
                "two exact runs satisfy the premise ({}) and not the conclusion",
                property.premise.join(", ")
            ),
        )
        .with_counterexample(
            claim,
            &property,
            &found,
            "two runs from unrelated factors, the right one with alpha times 4 and lr over 4",
        ),
        None => {
            let mut draft = Draft::new(
                Verdict::Unknown,
                "no counterexample was found, and none is excluded",
            );
            draft.evidence.push(
                Evidence::new(Rung::Search, "Random pairs of exact runs.")
                    .with("held", hunted.held)
                    .with("premise failed", hunted.undecided),
            );
            draft
        }
    })
}
