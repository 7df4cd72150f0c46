//! A formula keeps its value from step to step.
//!
//! The run is compared with the one whose rates are 0, in which nothing moves.

use super::{Draft, JudgeError};
use crate::arith::Surd;
use crate::audit::evidence::SEED;
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::scenario::Property;
use crate::search::{Hunt, hunt};

/// Random cases of each size in a hunt.
const CASES: u32 = 100;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let (formula, _) = claim.formulas();
    let recipe = claim.numeric()?;
    let property = Property {
        conclusion: vec![formula.to_owned()],
        ..Property::default()
    };
    let start = claim.start();
    let hunted = hunt(&Hunt {
        property: &property,
        recipe: &recipe,
        start: &start,
        shared: true,
        right_of: &|left, _| {
            let mut still = left.clone();
            for (name, value) in &mut still.values.scalars {
                if name == "lr" || name.starts_with("lr_") {
                    *value = Surd::from(0);
                }
            }
            Some(still)
        },
        cases: CASES,
        seed: SEED,
    })?;
    if let Some(found) = hunted.found {
        return Ok(
            Draft::new(Verdict::Refuted, "it changes along an exact run").with_counterexample(
                claim,
                &property,
                &found,
                "the run, and the same start at rest",
            ),
        );
    }
    let step = claim.symbolic()?.build_observing(&[("claimed", formula)])?;
    let moves = step
        .outputs
        .iter()
        .find(|o| o.name == "claimed")
        .is_none_or(|o| {
            let cone = step.graph.cone([o.node]);
            step.parameters.iter().any(|p| cone[p.leaf.index()])
        });
    let mut draft = if moves {
        Draft::new(
            Verdict::Unknown,
            "no counterexample was found, which proves nothing",
        )
    } else {
        Draft::new(Verdict::Proved, "it depends on nothing that moves")
    };
    draft.evidence.push(
        Evidence::new(
            Rung::Search,
            "Random small runs in exact arithmetic, no counterexample.",
        )
        .with("held", hunted.held)
        .with("undecided", hunted.undecided),
    );
    Ok(draft)
}
