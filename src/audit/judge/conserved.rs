//! A formula keeps its value from step to step.

use super::{Draft, JudgeError};
use crate::audit::case::Case;
use crate::audit::claim::Conserved;
use crate::audit::counter::{Trial, Tried};
use crate::audit::watch::{Compare, Watched, watch};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::graph::{StepGraph, normal_form};
use crate::search::Finding;

/// Runs along which the formula is followed.
const RUNS: usize = 40;

pub(super) fn judge(claim: &Claim, case: &Case<'_>, own: &Conserved) -> Result<Draft, JudgeError> {
    let formula = own.formula.as_str();
    let mut held = 0;
    for run in case.runs(&case.as_it_is(), RUNS)? {
        match watch(&run, &[formula], Compare::WithStart, run.steps)? {
            Watched::Differs(difference, arithmetic) => {
                let because = format!(
                    "it is {} before the first step and {} after {} along an exact run",
                    difference.left, difference.right, difference.after_steps
                );
                let tried = Tried {
                    trial: Trial::Along {
                        formula: formula.to_owned(),
                    },
                    run,
                    finding: Finding::Differs(difference),
                    arithmetic,
                };
                let draft = Draft::new(Verdict::Refuted, because);
                let says = "one run, before its first step and later";
                return Ok(draft.with_counterexample(claim, None, &tried, says));
            }
            Watched::Equal => held += 1,
            Watched::Unknown(_) | Watched::Undefined(_) => {}
        }
    }
    let observed = |recipe: &crate::zoo::Recipe| recipe.build_observing(&[("claimed", formula)]);
    let recipes = [&case.setting.symbolic, &case.setting.numeric];
    let still = recipes.into_iter().filter_map(|r| observed(r).ok());
    let still = still.take(1).all(|step| stands_still(&step));
    let mut draft = match still {
        true => {
            let because = "it is computed from what no step changes";
            let mut draft = Draft::new(Verdict::Proved, because);
            let says = "Nothing is left of it, when it is multiplied out, to which a path leads from a trained tensor that is updated, from the optimizer's memory or from the number of the step.";
            draft.evidence.push(Evidence::new(Rung::Certificate, says));
            draft
        }
        false => Draft::unknown("no run changes it, which proves nothing"),
    };
    let says = "Followed along drawn exact runs, no change.";
    draft
        .evidence
        .push(Evidence::new(Rung::Search, says).with("runs", held));
    Ok(draft)
}

/// `true` if the formula reads nothing that moves, or nothing of that is left in its normal form.
fn stands_still(step: &StepGraph) -> bool {
    let lasting = step.lasting();
    let mut still: Vec<bool> = vec![];
    for id in step.graph.ids() {
        let frozen = step.parameters.iter().any(|p| p.leaf == id && p.next == id);
        let op = &step.graph.node(id).op;
        let from_still = op.any(|_| true) && op.all(|x| still[x.index()]);
        still.push(lasting[id.index()] || frozen || from_still);
    }
    let output = step.outputs.iter().find(|o| o.name == "claimed");
    let Some(output) = output else { return false };
    let form = || normal_form(&step.graph, output.node);
    still[output.node.index()]
        || form().is_some_and(|form| form.atoms().all(|id| still[id.index()]))
}
