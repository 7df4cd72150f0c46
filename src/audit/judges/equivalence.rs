//! A map leaves loss and weight unchanged at every step.

use super::{Draft, JudgeError};
use crate::arith::Ratio;
use crate::audit::evidence::{
    COVERS, bit_runs, certificate, decide, derivation, describe, exact_k, hunt_map, prime_run,
};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::gauge::{self, MapDecision};
use crate::graph::StepGraph;
use crate::scenario::{Outcome, Powers, Property};
use crate::search::{Hunted, Start};
use crate::zoo::Recipe;

/// Random cases of each size in a hunt.
const CASES: u32 = 100;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let (opaque, linear) = (claim.symbolic()?, claim.numeric()?);
    let (step, start) = (opaque.build()?, claim.start());
    let powers = claim.map().resolve(&step)?;
    if !powers.negated.is_empty() {
        return with_signs(claim, &step, &linear, &powers);
    }
    let draft = match decide(&step, &powers, &["B"], claim.nonzero())? {
        MapDecision::Homogeneous(proof) => {
            let mut draft = Draft::new(
                Verdict::Proved,
                format!(
                    "under {} every quantity of the step scales by a power of k, the loss and W by none",
                    describe(&step, &powers)
                ),
            );
            draft.conditions.push("k > 0".into());
            draft.evidence.push(certificate(&proof.certificate, COVERS));
            draft.derivation = Some(derivation(
                &step,
                &proof.certificate,
                "The step and the power of k at each quantity",
            ));
            supported(draft, &linear, &powers, &start)?
        }
        MapDecision::HomogeneousIf { conditions, proof } => {
            let texts: Vec<String> = conditions.iter().map(ToString::to_string).collect();
            let mut draft = Draft::new(
                Verdict::ProvedIf,
                format!(
                    "the step is unchanged if {}, and not otherwise",
                    texts.join(" and ")
                ),
            );
            draft.evidence.push(certificate(
                &proof.certificate,
                format!("If {}: {COVERS}", texts.join(" and ")),
            ));
            draft.derivation = Some(derivation(
                &step,
                &proof.certificate,
                "The step under its conditions",
            ));
            let zero = Start {
                zero: conditions
                    .iter()
                    .filter_map(|c| match c {
                        gauge::Condition::InitialZero(name) => Some(name.clone()),
                        gauge::Condition::HyperparameterZero(_) => None,
                    })
                    .collect(),
            };
            let only_initial = zero.zero.len() == conditions.len();
            draft.conditions = std::iter::once("k > 0".to_owned()).chain(texts).collect();
            if only_initial {
                draft = supported(draft, &linear, &powers, &zero)?;
            }
            let hunted = counterexample(&linear, &powers, &Start::default())?;
            match hunted.found {
                Some(found) => draft.with_counterexample(
                    claim,
                    &Property::same_run(),
                    &found,
                    "the same map where the condition does not hold",
                ),
                None => draft,
            }
        }
        MapDecision::Inhomogeneous { conflict } => {
            let reasons: Vec<String> = conflict
                .iter()
                .map(|c| format!("{}: {}", c.node, c.says))
                .collect();
            let mut hunted = counterexample(&linear, &powers, &Start::lora())?;
            if hunted.found.is_none() && start.zero.is_empty() {
                hunted = counterexample(&linear, &powers, &start)?;
            }
            match hunted.found {
                Some(found) => {
                    let mut draft = Draft::new(
                        Verdict::Refuted,
                        format!(
                            "two exact runs that differ only by {} part",
                            describe(&step, &powers)
                        ),
                    );
                    draft.evidence.push(Evidence::new(
                        Rung::Certificate,
                        format!(
                            "No weights fit; these requirements contradict each other: {}.",
                            reasons.join("; ")
                        ),
                    ));
                    draft.with_counterexample(
                        claim,
                        &Property::same_run(),
                        &found,
                        "two runs that differ by the claimed map at k = 4",
                    )
                }
                None => {
                    let mut draft = Draft::new(
                        Verdict::Unknown,
                        format!(
                            "no weights fit ({}), and no counterexample was found",
                            reasons.join("; ")
                        ),
                    );
                    draft.evidence.push(searched(&hunted));
                    draft
                }
            }
        }
    };
    Ok(draft)
}

fn four() -> Ratio {
    Ratio::from_integer(4.into())
}

fn counterexample(linear: &Recipe, powers: &Powers, start: &Start) -> Result<Hunted, JudgeError> {
    hunt_map(linear, &Property::same_run(), powers, &four(), start, CASES)
}

fn searched(hunted: &Hunted) -> Evidence {
    Evidence::new(
        Rung::Search,
        "Random small runs in exact arithmetic, no counterexample.",
    )
    .with("held", hunted.held)
    .with("undecided", hunted.undecided)
}

/// Adds what runs on numbers can add to a certificate.
fn supported(
    mut draft: Draft,
    linear: &Recipe,
    powers: &Powers,
    start: &Start,
) -> Result<Draft, JudgeError> {
    let hunted = hunt_map(
        linear,
        &Property::same_run(),
        powers,
        &exact_k(),
        start,
        CASES,
    )?;
    if let Some(found) = hunted.found {
        // A certificate and a counterexample exclude each other; the claim is then undecided,
        // and the program wrong.
        draft.verdict = Verdict::Unknown;
        draft.because = format!(
            "certificate and exact runs contradict each other, which is a defect: {}",
            found.finding.describe()
        );
        return Ok(draft);
    }
    if hunted.held > 0 {
        draft.evidence.push(
            Evidence::new(
                Rung::Exact,
                "At k = 9/4, random runs of random shapes are equal number by number in exact arithmetic: loss and W before every step and after the last.",
            )
            .with("runs", hunted.held)
            .with("undecided", hunted.undecided),
        );
    }
    if let Some((Outcome::Holds { .. }, evidence)) = prime_run(linear, powers, start, 1000)? {
        draft.evidence.push(evidence);
    }
    draft.evidence.extend(bit_runs(linear, powers, start)?);
    Ok(draft)
}

/// A map that changes signs: the powers at |k| and the signs are symmetries each for itself.
fn with_signs(
    claim: &Claim,
    step: &StepGraph,
    linear: &Recipe,
    powers: &Powers,
) -> Result<Draft, JudgeError> {
    let positive = Powers {
        negated: Default::default(),
        ..powers.clone()
    };
    let MapDecision::Homogeneous(proof) = decide(step, &positive, &[], claim.nonzero())? else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "the powers of |k| alone are no symmetry",
        ));
    };
    let signs = gauge::sign_flips(step, &gauge::Options::default());
    gauge::check(step, &signs.certificate)?;
    let is_parameter = |name: &str| step.parameter(name).is_some();
    let completed = combinations(&signs.flips).into_iter().find(|flipped| {
        let wanted = powers.negated.iter();
        let same = |side: &dyn Fn(&str) -> bool| {
            wanted
                .clone()
                .filter(|n| side(n))
                .all(|n| flipped.contains(n))
        };
        let hyper = |n: &str| step.graph.leaf(n).is_some() && !is_parameter(n);
        same(&|n| is_parameter(n))
            && flipped
                .iter()
                .filter(|n| hyper(n) && !n.starts_with("state."))
                .all(|n| powers.negated.contains(n))
            && powers
                .negated
                .iter()
                .filter(|n| hyper(n))
                .all(|n| flipped.contains(n))
    });
    let Some(flipped) = completed else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "no change of signs of the factors goes with it",
        ));
    };
    let extra: Vec<&String> = flipped
        .iter()
        .filter(|n| is_parameter(n) && !powers.negated.contains(*n))
        .collect();
    let mut draft = if extra.is_empty() {
        Draft::new(
            Verdict::Proved,
            "powers of |k| and signs are symmetries of the step",
        )
    } else {
        let names: Vec<&str> = extra.iter().map(|n| n.as_str()).collect();
        let mut draft = Draft::new(
            Verdict::ProvedIf,
            format!(
                "it holds if {} changes sign as well, and not otherwise",
                names.join(" and ")
            ),
        );
        draft.conditions = vec![
            "√k and the division of the rate by k are read with |k|".into(),
            format!(
                "{} changes sign (of A and B exactly one)",
                names.join(" and ")
            ),
        ];
        draft
    };
    draft.evidence.push(certificate(
        &proof.certificate,
        format!("The powers of |k|: {COVERS}"),
    ));
    draft.evidence.push(certificate(
        &signs.certificate,
        format!(
            "The change of sign of {} leaves the step unchanged: a parity for every node, checked.",
            flipped.join(", ")
        ),
    ));
    let mut full = powers.clone();
    full.negated = flipped
        .iter()
        .filter(|n| !n.starts_with("state."))
        .cloned()
        .collect();
    let hunted = hunt_map(
        linear,
        &Property::same_run(),
        &full,
        &exact_k(),
        &Start::default(),
        CASES,
    )?;
    if hunted.found.is_none() && hunted.held > 0 {
        draft.evidence.push(
            Evidence::new(
                Rung::Exact,
                "At k = -9/4, random runs with the change of sign are equal number by number.",
            )
            .with("runs", hunted.held),
        );
    }
    if !extra.is_empty() {
        let hunted = counterexample(linear, powers, &Start::default())?;
        if let Some(found) = hunted.found {
            draft = draft.with_counterexample(
                claim,
                &Property::same_run(),
                &found,
                "k = -4 without the change of sign of a factor",
            );
        }
    }
    Ok(draft)
}

/// The leaves that each combination of flips turns over, smallest combinations first.
fn combinations(flips: &[gauge::SignFlip]) -> Vec<Vec<String>> {
    let count = flips.len().min(12);
    let mut masks: Vec<u32> = (1..1u32 << count).collect();
    masks.sort_by_key(|m| (m.count_ones(), *m));
    masks
        .into_iter()
        .map(|mask| {
            let mut odd = std::collections::BTreeSet::new();
            for (_, flip) in flips.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1) {
                for name in &flip.flipped {
                    if !odd.remove(name) {
                        odd.insert(name.clone());
                    }
                }
            }
            odd.into_iter().collect()
        })
        .collect()
}
