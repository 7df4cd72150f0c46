//! Two formulas over the step's quantities are the same.

use super::{Draft, JudgeError};
use crate::audit::case::Case;
use crate::audit::claim::Identity;
use crate::audit::counter::{Trial, Tried};
use crate::audit::watch::{Compare, Watched, watch};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::graph::normal_form;
use crate::search::Finding;

/// Runs on which both sides are computed.
const RUNS: usize = 40;

pub(super) fn judge(claim: &Claim, case: &Case<'_>, own: &Identity) -> Result<Draft, JudgeError> {
    let (left, right) = (own.formula.as_str(), own.equals.as_str());
    let mut held = 0;
    for mut run in case.runs(&case.as_it_is(), RUNS)? {
        run.steps = 1;
        match watch(&run, &[left, right], Compare::Sides, run.steps)? {
            Watched::Differs(difference, arithmetic) => {
                let draft = Draft::new(
                    Verdict::Refuted,
                    format!(
                        "{left} is {} where {right} is {}",
                        difference.left, difference.right
                    ),
                );
                let tried = Tried {
                    trial: Trial::Sides {
                        formula: left.to_owned(),
                        equals: right.to_owned(),
                    },
                    run,
                    finding: Finding::Differs(difference),
                    arithmetic,
                };
                let says = "both sides along one run";
                return Ok(draft.with_counterexample(claim, None, &tried, says));
            }
            Watched::Equal => held += 1,
            Watched::Unknown(_) | Watched::Undefined(_) => {}
        }
    }
    let outputs = [("claimed.left", left), ("claimed.right", right)];
    let recipes = [&case.setting.symbolic, &case.setting.numeric];
    for recipe in recipes {
        let Ok(step) = recipe.build_observing(&outputs) else {
            continue;
        };
        let form = |name: &str| {
            let output = step.outputs.iter().find(|o| o.name == name)?;
            normal_form(&step.graph, output.node)
        };
        let (Some(x), Some(y)) = (form("claimed.left"), form("claimed.right")) else {
            continue;
        };
        if x == y {
            let because = format!("{left} and {right} have the same normal form");
            let mut draft = Draft::new(Verdict::Proved, because);
            let says = "Multiplied out, both sides are the same sum, so they are equal for all sizes and values for which both have one.";
            let terms = x.terms();
            draft
                .evidence
                .push(Evidence::new(Rung::Certificate, says).with("terms", terms));
            return Ok(draft);
        }
    }
    let mut draft = Draft::unknown(
        "the normal forms of the two formulas differ, which alone refutes nothing, and no run tells them apart",
    );
    let says = "Both sides along drawn runs, no difference.";
    draft
        .evidence
        .push(Evidence::new(Rung::Search, says).with("runs", held));
    Ok(draft)
}
