//! One map, several variants of the step: which it leaves unchanged, and what stands in the way.

use super::{Draft, JudgeError};
use crate::arith::Ratio;
use crate::audit::evidence::{certificate, decide, hunt_map};
use crate::audit::{Claim, Evidence, Rung, Table, Verdict};
use crate::gauge::{self, Condition, MapDecision};
use crate::scenario::Property;

/// Random cases of each size in a hunt.
const CASES: u32 = 60;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let property = Property::same_run();
    let start = claim.start();
    let (mut rows, mut exact, mut broken, mut open) = (vec![], vec![], vec![], vec![]);
    let mut evidence = Vec::new();
    let mut counterexample = None;
    for variant in claim.variants() {
        let step = claim.variant_symbolic(variant)?.build()?;
        let linear = claim.variant_numeric(variant)?;
        let powers = claim.variant_map(variant).resolve(&step)?;
        let zeroable: Vec<&str> = start.zero.iter().map(String::as_str).collect();
        match decide(&step, &powers, &zeroable, claim.variant_nonzero(variant))? {
            MapDecision::Homogeneous(proof) => {
                evidence.push(certificate(
                    &proof.certificate,
                    format!(
                        "{}: every quantity scales, loss and W do not change.",
                        variant.name
                    ),
                ));
                exact.push(variant.name.clone());
                rows.push(vec![
                    variant.name.clone(),
                    "exact".into(),
                    "as it stands".into(),
                ]);
            }
            MapDecision::HomogeneousIf { conditions, proof } if from_start(&conditions) => {
                evidence.push(certificate(
                    &proof.certificate,
                    format!("{}: every quantity scales from this start.", variant.name),
                ));
                exact.push(variant.name.clone());
                rows.push(vec![
                    variant.name.clone(),
                    "exact".into(),
                    "the start alone".into(),
                ]);
            }
            MapDecision::HomogeneousIf { .. } | MapDecision::Inhomogeneous { .. } => {
                let k = Ratio::from_integer(4.into());
                let any = hunt_map(&linear, &property, &powers, &k, &start, CASES)?;
                let repair = repair(&step);
                match any.found {
                    Some(found) => {
                        evidence.push(Evidence::new(
                            Rung::Exact,
                            format!("{}: {}.", variant.name, found.finding.describe()),
                        ));
                        rows.push(vec![variant.name.clone(), "refuted".into(), repair]);
                        broken.push(variant.name.clone());
                        counterexample.get_or_insert((found, variant.name.clone()));
                    }
                    None => {
                        rows.push(vec![variant.name.clone(), "unknown".into(), repair]);
                        open.push(variant.name.clone());
                    }
                }
            }
        }
    }
    let mut draft = match (exact.is_empty(), broken.is_empty(), open.is_empty()) {
        (false, true, true) => Draft::new(Verdict::Proved, "every variant obeys the same rule"),
        (_, true, false) => Draft::new(
            Verdict::Unknown,
            format!("undecided for {}", open.join(", ")),
        ),
        (true, _, _) => Draft::new(Verdict::Refuted, "no variant obeys the rule as it stands"),
        (false, false, _) => {
            let mut draft = Draft::new(
                Verdict::ProvedIf,
                format!(
                    "the same rule for {}; another, or none, for {}",
                    exact.join(", "),
                    broken.join(", ")
                ),
            );
            draft.conditions = vec![
                "k > 0".into(),
                format!("the variant is one of: {}", exact.join(", ")),
            ];
            draft
        }
    };
    draft.evidence = evidence;
    draft.tables.push(Table {
        title: format!("Under {}", maps(claim)),
        columns: ["variant", "rule", "what makes it exact"]
            .map(String::from)
            .to_vec(),
        rows,
    });
    Ok(match counterexample {
        Some((found, name)) => draft.with_counterexample(claim, &property, &found, &name),
        None => draft,
    })
}

/// Whether the conditions say no more than how the run starts.
fn from_start(conditions: &[Condition]) -> bool {
    let initial = |c: &Condition| matches!(c, Condition::InitialZero(_));
    conditions.iter().all(initial)
}

/// The claim's map in words; variants may have their own.
fn maps(claim: &Claim) -> String {
    let powers: Vec<String> = (claim.map().powers.iter())
        .map(|(name, power)| format!("{name} · k^({})", crate::arith::show_ratio(power)))
        .collect();
    if powers.is_empty() {
        "each variant's own map".to_owned()
    } else {
        powers.join(", ")
    }
}

/// What the step's own rule asks for besides the seed's, or what stands in its way.
fn repair(step: &crate::graph::StepGraph) -> String {
    let tied = gauge::infer(step, &gauge::Options::shared());
    if let Some(weights) = gauge::weights_in_sqrt_k(&tied.rule, "s") {
        let two = Ratio::from_integer(2.into());
        let known = ["s", "lr"];
        let further: Vec<String> = weights
            .iter()
            .filter(|(name, w)| {
                **w != Ratio::default()
                    && !known.contains(&name.as_str())
                    && !name.starts_with("state.")
                    && step.parameter(name).is_none()
            })
            .map(|(name, w)| format!("{name} * k^({})", crate::arith::show_ratio(&(w / &two))))
            .collect();
        return format!("also {}", further.join(", "));
    }
    let conflicts = gauge::conflicts(step, &gauge::Options::shared());
    let constants: Vec<String> = conflicts
        .constants
        .iter()
        .map(|c| format!("{}; without it: {}", c.because, c.without_it))
        .collect();
    if constants.is_empty() {
        "nothing found".into()
    } else {
        constants.join("; ")
    }
}
