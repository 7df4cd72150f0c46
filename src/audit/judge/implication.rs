//! Equality of some quantities in two runs makes others equal: shown by the way in which the one is
//! computed from the other, or contradicted by a pair of runs from unrelated factors.

use num_traits::Zero;

use super::{Draft, JudgeError};
use crate::arith::Ratio;
use crate::audit::case::{Case, at_k};
use crate::audit::claim::Implication;
use crate::audit::counter::{Trial, Tried};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::graph::{Binary, LeafKind, NodeId, Op, StepGraph};
use crate::scenario::{Powers, Scenario};
use crate::search::{self, Sample};

/// Random pairs of each size; the premise sorts most of them out.
const CASES: u32 = 6000;

pub(super) fn judge(
    claim: &Claim,
    case: &Case<'_>,
    own: &Implication,
) -> Result<Draft, JudgeError> {
    let step = &case.step;
    let powers = own.map().powers(step)?;
    let property = own.property();
    if own.premise_until.is_none() && follows(case, own, &powers)? {
        let because = "what is concluded is computed from what is assumed equal and from what both runs share";
        let mut draft = Draft::new(Verdict::Proved, because);
        let says = "In the step, every path to the conclusion from a quantity that may differ passes through the premise.";
        draft.evidence.push(Evidence::new(Rung::Certificate, says));
        return Ok(draft);
    }
    if starts_alike(case, own, &powers) {
        let because = "the two runs start alike and share everything else, so they are one run";
        let mut draft = Draft::new(Verdict::Proved, because);
        let says = "Every trained tensor is assumed equal at the start, no setting is moved, and the optimizer's memory is filled by the run itself.";
        draft.evidence.push(Evidence::new(Rung::Certificate, says));
        return Ok(draft);
    }
    let root = Ratio::from_integer(2.into());
    let Some(k) = powers.factor_with_roots(&root) else {
        return Ok(Draft::unknown(
            "no factor has all the roots that the map asks for",
        ));
    };
    let under = case.as_it_is();
    // Starts with a zero where none belongs make quotients void of meaning.
    let generic = |s: &Scenario| {
        let trained = step.parameters.iter();
        let mut drawn = trained.filter(|p| !under.zero.contains(&p.name));
        drawn.all(|p| {
            let tensor = s.values.tensors.get(&p.name);
            tensor.is_some_and(|t| t.values().iter().all(|x| *x != 0.0))
        })
    };
    let other = |left: &Scenario, sample: &Sample| {
        let other = under.elsewhere(step, sample, left);
        (generic(left) && generic(&other)).then_some(other)
    };
    let hunted = case.hunt(&under, &property, CASES, &|left, sample| {
        powers.apply(&other(left, sample)?, &k).ok()
    });
    let hunted = match hunted {
        Err(JudgeError::Search(search::SearchError::GaveUp(why))) => {
            return Ok(Draft::unknown(format!(
                "too few pairs satisfy the premise: {why}"
            )));
        }
        hunted => hunted?,
    };
    let Some(found) = hunted.found else {
        let mut draft = Draft::unknown("no counterexample was found, and none is excluded");
        draft.evidence.push(
            Evidence::new(Rung::Search, "Random pairs of exact runs.")
                .with("held", hunted.held)
                .with("premise failed", hunted.undecided),
        );
        return Ok(draft);
    };
    // Undone, the map leads back to where the other run starts.
    let back = Powers::default()
        .towards(&powers)
        .towards(&Powers::default());
    let start = back.apply(&found.right, &k)?;
    let trained = step.parameters.iter().filter_map(|p| {
        let tensor = start.values.tensors.get(&p.name)?;
        Some((p.name.clone(), tensor.clone()))
    });
    let tried = Tried {
        trial: Trial::Elsewhere {
            tensors: trained.collect(),
            powers: powers.clone(),
            k: k.clone(),
            property,
        },
        run: found.left,
        finding: found.finding,
        arithmetic: found.arithmetic,
    };
    let because = match own.premise.is_empty() {
        true => "two exact runs differ in the conclusion".to_owned(),
        false => format!(
            "two exact runs satisfy the premise ({}) and not the conclusion",
            own.premise.join(", ")
        ),
    };
    let says = format!(
        "two runs from unrelated factors, the right one under the map at {}",
        at_k(&powers, &k)
    );
    Ok(Draft::new(Verdict::Refuted, because).with_counterexample(claim, None, &tried, &says))
}

/// `true` if the premise has all trained tensors equal at the start, and nothing else differs.
fn starts_alike(case: &Case<'_>, own: &Implication, powers: &Powers) -> bool {
    let assumed = |name: &str| own.premise.iter().any(|formula| formula.trim() == name);
    let settings = powers.hyperparameters.values().all(Zero::is_zero);
    let signs = |name: &String| case.step.parameters.iter().any(|p| p.name == *name);
    // Midway the memory is part of the start.
    !case.setting.numeric.midway
        && settings
        && powers.negated.iter().all(signs)
        && case.step.parameters.iter().all(|p| assumed(&p.name))
}

/// `true` if every conclusion is computed from the premise, data and settings that both runs share.
fn follows(case: &Case<'_>, own: &Implication, powers: &Powers) -> Result<bool, JudgeError> {
    let all: Vec<&String> = own.premise.iter().chain(&own.conclusion).collect();
    let named: Vec<(String, &String)> = (all.iter().enumerate())
        .map(|(i, f)| (format!("claimed.{i}"), *f))
        .collect();
    let outputs: Vec<(&str, &str)> = named
        .iter()
        .map(|(n, f)| (n.as_str(), f.as_str()))
        .collect();
    // In every network, or in the one that is run.
    let recipes = [&case.setting.symbolic, &case.setting.numeric];
    let steps = recipes
        .into_iter()
        .filter_map(|r| r.build_observing(&outputs).ok());
    Ok(steps
        .into_iter()
        .any(|step| flows(&step, own, powers, &named)))
}

fn flows(
    step: &StepGraph,
    own: &Implication,
    powers: &Powers,
    named: &[(String, &String)],
) -> bool {
    let node = |i: usize| {
        let output = step.outputs.iter().find(|o| o.name == named[i].0);
        output.map(|o| o.node)
    };
    let quotient = |id: &NodeId| matches!(step.graph.node(*id).op, Op::Binary(Binary::Div, ..));
    // A quotient is read cross-multiplied, which does not make the quotients equal.
    let known: Vec<NodeId> = (0..own.premise.len())
        .filter_map(node)
        .filter(|id| !quotient(id))
        .collect();
    let moved = |name: &str| {
        let power = powers.hyperparameters.get(name);
        power.is_some_and(|p| !p.is_zero()) || powers.negated.contains(name)
    };
    let mut shared: Vec<bool> = vec![];
    for id in step.graph.ids() {
        let equal = match &step.graph.node(id).op {
            Op::Leaf(leaf) => match leaf.kind {
                LeafKind::Data | LeafKind::StepNumber => true,
                LeafKind::Hyperparameter { .. } => !moved(&leaf.name),
                LeafKind::Parameter | LeafKind::State => false,
            },
            op => op.all(|x| shared[x.index()]),
        };
        shared.push(equal || known.contains(&id));
    }
    let mut concluded = own.premise.len()..named.len();
    concluded.all(|i| node(i).is_some_and(|id| shared[id.index()]))
}
