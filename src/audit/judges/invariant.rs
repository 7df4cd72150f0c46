//! Formulas over the step's quantities keep their values under a map, at every step.

use super::{Draft, JudgeError};
use crate::arith::{Ratio, show_ratio};
use crate::audit::evidence::{SEED, certificate, decide, exact_k};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::gauge::MapDecision;
use crate::graph::{Binary, NodeId, Op, StepGraph, Unary};
use crate::scenario::{Powers, Property};
use crate::search::{Finding, Hunt, Hunted, Start, hunt};
use crate::zoo::Recipe;

/// Random cases of each size in a hunt.
const CASES: u32 = 100;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let property = claim.property();
    let outputs: Vec<(String, &String)> = property
        .conclusion
        .iter()
        .enumerate()
        .map(|(i, f)| (format!("claimed.{i}"), f))
        .collect();
    let named: Vec<(&str, &str)> = outputs
        .iter()
        .map(|(n, f)| (n.as_str(), f.as_str()))
        .collect();
    let step = claim.symbolic()?.build_observing(&named)?;
    let linear = claim.numeric()?;
    let powers = claim.map().resolve(&step)?;
    let MapDecision::Homogeneous(proof) = decide(&step, &powers, &[], claim.nonzero())? else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "the map itself is no symmetry of the step",
        ));
    };
    let weights: Vec<Option<Ratio>> = outputs
        .iter()
        .map(|(n, _)| proof.outputs.get(n).cloned().flatten())
        .collect();
    let unchanged = weights
        .iter()
        .all(|w| w.as_ref().is_some_and(|w| *w == Ratio::default()));
    let divisors = divisors(&step, &outputs);
    let conditions: Vec<String> = divisors
        .iter()
        .map(|d| format!("no entry of {d} is 0"))
        .collect();
    let hunted = generic_hunt(&property, &linear, &powers, &claim.start())?;
    if let Some(found) = hunted.found {
        let because = match &found.finding {
            Finding::Undefined { .. } => format!(
                "it has no value where a divisor is 0 ({}), and LoRA starts with B = 0",
                divisors.join(", ")
            ),
            Finding::Differs(_) | Finding::Contradicts { .. } => {
                "two exact runs give different values".to_owned()
            }
        };
        let mut draft = Draft::new(Verdict::Refuted, because);
        draft.conditions = conditions
            .iter()
            .map(|c| format!("it would need: {c}"))
            .collect();
        if unchanged {
            draft.evidence.push(certificate(
                &proof.certificate,
                format!(
                    "Wherever {}, the formulas do keep their values: their weight is 0.",
                    conditions.join(" and ")
                ),
            ));
            let generic = generic_runs(claim, &linear, &powers)?;
            draft.evidence.extend(generic);
        }
        return Ok(draft.with_counterexample(
            claim,
            &property,
            &found,
            "the run from LoRA's start and its rescaled copy",
        ));
    }
    if !unchanged {
        let shown: Vec<String> = weights
            .iter()
            .map(|w| w.as_ref().map_or("none".to_owned(), show_ratio))
            .collect();
        return Ok(Draft::new(
            Verdict::Unknown,
            format!(
                "the weights are {} and no counterexample was found",
                shown.join(", ")
            ),
        ));
    }
    let (verdict, because) = if divisors.is_empty() {
        (
            Verdict::Proved,
            "the formulas have weight 0 and no divisors",
        )
    } else {
        (
            Verdict::ProvedIf,
            "the formulas have weight 0 wherever they have a value",
        )
    };
    let mut draft = Draft::new(verdict, because);
    draft.conditions = std::iter::once("k > 0".to_owned())
        .chain(conditions)
        .collect();
    draft.evidence.push(certificate(
        &proof.certificate,
        "Every node of the step and of the formulas has a weight, the formulas weight 0; checked node by node.",
    ));
    draft.evidence.push(
        Evidence::new(
            Rung::Exact,
            "At k = 9/4, random runs give equal values, number by number.",
        )
        .with("runs", hunted.held),
    );
    Ok(draft)
}

/// The same from starts without a zero, where every quotient has a value.
fn generic_runs(
    claim: &Claim,
    linear: &Recipe,
    powers: &Powers,
) -> Result<Option<Evidence>, JudgeError> {
    let hunted = generic_hunt(&claim.property(), linear, powers, &Start::default())?;
    Ok(match &hunted.found {
        // An entry can become 0 on the way; that is the condition at work, not a difference.
        Some(found) if matches!(found.finding, Finding::Differs(_)) => None,
        _ if hunted.held == 0 => None,
        _ => Some(
            Evidence::new(Rung::Exact, "From starts without a zero entry, exact random runs give equal values as long as no entry becomes 0.")
                .with("runs", hunted.held),
        ),
    })
}

/// Runs whose parameters have no zero entry but where the start puts them to zero, so that no
/// accidental zero takes the blame.
fn generic_hunt(
    property: &Property,
    linear: &Recipe,
    powers: &Powers,
    start: &Start,
) -> Result<Hunted, JudgeError> {
    let k = exact_k();
    Ok(hunt(&Hunt {
        property,
        recipe: linear,
        start,
        shared: true,
        right_of: &|left, _| {
            let mut drawn = powers
                .initial
                .keys()
                .filter(|name| !start.zero.contains(*name));
            let generic = drawn.all(|name| {
                let tensor = left.values.tensors.get(name);
                tensor.is_some_and(|t| t.values().iter().all(|x| *x != 0.0))
            });
            generic.then(|| powers.apply(left, &k).ok()).flatten()
        },
        cases: CASES,
        seed: SEED,
    })?)
}

/// The divisors that stand in the formulas, by name.
fn divisors(step: &StepGraph, outputs: &[(String, &String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, _) in outputs {
        let Some(output) = step.outputs.iter().find(|o| o.name == *name) else {
            continue;
        };
        collect(step, output.node, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// Walks the formula only: labelled quantities of the step are its atoms.
fn collect(step: &StepGraph, id: NodeId, found: &mut Vec<String>) {
    let labelled = step
        .graph
        .label(id)
        .is_some_and(|l| !l.starts_with("claimed."));
    if labelled {
        return;
    }
    match &step.graph.node(id).op {
        Op::Binary(Binary::Div, x, y) => {
            found.push(step.graph.describe(*y));
            collect(step, *x, found);
            collect(step, *y, found);
        }
        Op::Binary(_, x, y) => {
            collect(step, *x, found);
            collect(step, *y, found);
        }
        Op::Unary(Unary::Neg | Unary::Transpose, x) => collect(step, *x, found),
        _ => {}
    }
}
