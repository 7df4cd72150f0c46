//! So many settings, so many effective degrees of freedom: settings less the rescalings of them
//! that change nothing.

use std::collections::BTreeSet;

use super::{Draft, JudgeError};
use crate::audit::evidence::certificate;
use crate::audit::{Claim, Evidence, Table, Verdict};
use crate::gauge::{self, Inference, Options, Tied};
use crate::graph::StepGraph;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let recipe = claim.symbolic()?;
    let step = recipe.build()?;
    let zero = claim.start().zero;
    let counted = count(&step, claim.vary(), &zero)?;
    let (claimed, compared_with) = claim.knobs();
    let mut rows = vec![row(claim.vary(), &counted)];
    let mut evidence = vec![evidence(claim.vary(), &counted)];
    let effective = claim.vary().len() - counted.rule.dimension();
    let (holds, because) = if compared_with.is_empty() {
        let claimed = claimed.unwrap_or_default();
        (
            effective == claimed,
            format!(
                "{} settings, {effective} effective; {claimed} are claimed",
                claim.vary().len()
            ),
        )
    } else {
        let other = count(&step, compared_with, &zero)?;
        let fewer = compared_with.len() - other.rule.dimension();
        rows.push(row(compared_with, &other));
        evidence.push(self::evidence(compared_with, &other));
        (
            effective > fewer,
            format!(
                "{effective} effective degrees of freedom with the additional settings, {fewer} without"
            ),
        )
    };
    let verdict = if holds {
        Verdict::ProvedIf
    } else {
        Verdict::Refuted
    };
    let mut draft = Draft::new(verdict, because);
    draft.conditions = vec![
        "every factor is positive; rescalings of whole tensors are counted, and no other maps"
            .into(),
    ];
    draft.evidence = evidence;
    draft.tables.push(Table {
        title: "Settings and the rescalings of them that change nothing".into(),
        columns: ["settings", "rescalings", "effective"]
            .map(String::from)
            .to_vec(),
        rows,
    });
    Ok(draft)
}

/// The rescalings that move the named settings only, and the factors along with them: a factor
/// whose first value is not among the settings stays, unless it starts at zero.
fn count(
    step: &StepGraph,
    knobs: &[String],
    zero: &BTreeSet<String>,
) -> Result<Inference, JudgeError> {
    let has = |name: &str| knobs.iter().any(|k| k == name);
    let mut held = BTreeSet::new();
    let mut tied = BTreeSet::new();
    for (leaf, base, _) in step.hyperparameters() {
        let general = if base == "s" { "alpha" } else { base };
        if has(general) {
            tied.insert(base.to_owned());
        } else if !has(leaf) {
            held.insert(leaf.to_owned());
        }
    }
    for p in &step.parameters {
        if !zero.contains(&p.name) && !has("init") && !has(&format!("init_{}", p.name)) {
            held.insert(p.name.clone());
        }
    }
    let inference = gauge::infer(
        step,
        &Options {
            tied: Tied::Only(tied),
            held,
            ..Options::default()
        },
    );
    gauge::check(step, &inference.certificate)?;
    Ok(inference)
}

fn row(knobs: &[String], counted: &Inference) -> Vec<String> {
    let dimension = counted.rule.dimension();
    vec![
        knobs.join(", "),
        dimension.to_string(),
        (knobs.len() - dimension).to_string(),
    ]
}

fn evidence(knobs: &[String], counted: &Inference) -> Evidence {
    certificate(
        &counted.certificate,
        format!(
            "All rescalings that move only {} and keep every loss and W.",
            knobs.join(", ")
        ),
    )
    .with("dimension", counted.rule.dimension())
}
