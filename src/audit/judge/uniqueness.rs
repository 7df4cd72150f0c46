//! The map is the only one of its sort: another one has a certificate, or exact derivatives exclude
//! all others.

use std::collections::BTreeMap;

use num_traits::Zero;

use super::exists::{directions, groups, rescalings};
use super::{Draft, JudgeError};
use crate::arith::{ArithmeticName, Ratio};
use crate::audit::case::Case;
use crate::audit::claim::Uniqueness;
use crate::audit::counter::{Trial, Tried};
use crate::audit::evidence::{certificate, of_map};
use crate::audit::tangent::Tangent;
use crate::audit::words::describe;
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::gauge::{self, MapDecision};
use crate::scenario::{Exact, Powers};
use crate::search::exact_arithmetic;

pub(super) fn judge(claim: &Claim, case: &Case<'_>, own: &Uniqueness) -> Result<Draft, JudgeError> {
    let powers = own.map().powers(&case.symbolic)?;
    let claimed = own.map().powers(&case.step)?;
    let decision = gauge::decide(&case.symbolic, &case.question(&powers))?;
    let MapDecision::Holds(proof) = decision else {
        // Then it is not the only one, since it is none: an exact run shows that.
        let as_map = super::unchanged::unchanged(claim, None, case, (&powers, &claimed))?;
        let words = as_map.because;
        return Ok(Draft::unknown(format!(
            "the map is itself not known to be a rule, so nothing is said of others: {words}"
        )));
    };
    if let Ok(Err(contradiction)) = case.exact_runs(&claimed) {
        return Ok(Draft::unknown(contradiction));
    }
    if own.mixing {
        return mixing(claim, case, own);
    }
    let all = groups(&case.symbolic, &case.setting.zero, &own.vary);
    // A common factor on top of the map would be one thing, one power for all of them another.
    if let Some((name, _)) = all.iter().find(|(_, leaves)| !alike(leaves, &powers)) {
        return Ok(Draft::unknown(format!(
            "`{name}` is several quantities that the map moves apart: name each that may have \
             another power"
        )));
    }
    let inference = rescalings(case, &all)?;
    let others = directions(&inference, &all);
    let moving = others.iter().find(|row| row.iter().any(|w| !w.is_zero()));
    if let Some(row) = moving {
        let mut other = powers.clone();
        for ((_, leaves), weight) in all.iter().zip(row) {
            for leaf in leaves {
                let power = match case.symbolic.parameter(leaf) {
                    Some(_) => other.initial.entry(leaf.clone()).or_default(),
                    None => other.hyperparameters.entry(leaf.clone()).or_default(),
                };
                *power += weight;
            }
        }
        let because = format!(
            "there are other solutions, for instance {}",
            describe(&case.symbolic, &other)
        );
        let mut draft = Draft::new(Verdict::Refuted, because);
        draft
            .evidence
            .extend(of_map(case, &proof, "The claimed map: "));
        let says = "The quantities can be rescaled among themselves and nothing changes.";
        draft
            .evidence
            .push(certificate(&inference.certificate, says));
        let scale = |leaf: &str| if leaf == "s" { "alpha" } else { leaf }.to_owned();
        let names: BTreeMap<String, Exact> = (other.hyperparameters.iter())
            .map(|(leaf, p)| (scale(leaf), p))
            .chain(other.initial.iter().map(|(t, p)| (format!("init_{t}"), p)))
            .map(|(name, power)| (name, Exact(power.clone().into())))
            .collect();
        let trial = Trial::Another {
            claimed,
            k: with_roots(&other),
            other,
            names,
            trained: case
                .step
                .parameters
                .iter()
                .map(|p| p.name.clone())
                .collect(),
        };
        let says = "the claimed solution and another one: equal loss and outputs, other factors";
        return shown(draft, claim, case, trial, says);
    }
    if !claimed.negated.is_empty() {
        return Ok(Draft::unknown(
            "no other powers have a certificate, and derivatives at k = 1 say nothing of a map that \
             changes signs",
        ));
    }
    let tangent = Tangent::new(case)?;
    let on_step = groups(&case.step, &case.setting.zero, &own.vary);
    let rank = tangent.rank(&on_step)?;
    if rank != Some(on_step.len()) {
        return Ok(Draft::unknown(format!(
            "no other powers have a certificate, and no exact derivative excludes them all: {}",
            tangent.why()
        )));
    }
    let because = "no other powers of k pass: loss and outputs change to first order along each";
    let mut draft = Draft::new(Verdict::ProvedIf, because);
    draft.conditions = vec![
        "k > 0, and the others are powers of k too, rational or not".into(),
        "the rule is asked to hold for every run".into(),
        "up to changes of sign of whole factors, which are another question".into(),
    ];
    draft
        .evidence
        .extend(of_map(case, &proof, "The claimed map is a solution. "));
    let says = format!(
        "The exact derivatives of loss and outputs along {} are linearly independent at drawn runs, so \
         no two sets of powers both leave every run unchanged.",
        own.vary.join(", ")
    );
    draft
        .evidence
        .push(Evidence::new(Rung::Exact, says).with("rank", on_step.len()));
    Ok(draft)
}

/// `true` if the map multiplies all of these by the same power.
fn alike(leaves: &[String], powers: &Powers) -> bool {
    let power = |leaf: &String| {
        let initial = powers.initial.get(leaf);
        initial
            .or_else(|| powers.hyperparameters.get(leaf))
            .cloned()
    };
    leaves
        .windows(2)
        .all(|pair| power(&pair[0]).unwrap_or_default() == power(&pair[1]).unwrap_or_default())
}

/// The draft on whether turning the ranks on top of the map makes another solution.
fn mixing(claim: &Claim, case: &Case<'_>, own: &Uniqueness) -> Result<Draft, JudgeError> {
    let free = gauge::rotations(&case.symbolic);
    if free.is_none_or(|r| r.allowed != Some(gauge::Mixing::Orthogonal)) {
        return Ok(Draft::unknown(
            "that the step admits a rotation of its ranks is not known, nor that it admits none",
        ));
    }
    let because =
        "a rotation of the ranks gives the same function at every step with other factors";
    let mut draft = Draft::new(Verdict::Refuted, because);
    let says = "Every operation of the step commutes with a turn of the ranks: A → O·A, B → B·Oᵀ.";
    draft.evidence.push(Evidence::new(Rung::Certificate, says));
    let needs =
        "it would need: mixings of the ranks are excluded (what remains is O/√k with O orthogonal)";
    draft.conditions.push(needs.into());
    let powers = own.map().powers(&case.step)?;
    let trial = Trial::Turned {
        k: with_roots(&powers),
        powers,
        trained: case
            .step
            .parameters
            .iter()
            .map(|p| p.name.clone())
            .collect(),
    };
    let says = "the rescaled run and the same run with its ranks turned by (3 4; -4 3)/5";
    shown(draft, claim, case, trial, says)
}

/// A factor of which a map can be formed; of a map that has none 4, and then no run.
fn with_roots(powers: &Powers) -> Ratio {
    let k = powers.factor_with_roots(&Ratio::from_integer(2.into()));
    k.unwrap_or_else(|| Ratio::from_integer(4.into()))
}

/// Adds the first run on which the trial finds what it looks for.
fn shown(
    draft: Draft,
    claim: &Claim,
    case: &Case<'_>,
    trial: Trial,
    says: &str,
) -> Result<Draft, JudgeError> {
    let arithmetics: [ArithmeticName; 1] = [exact_arithmetic()];
    for seed in 0..8 {
        let mut run = case.example([3, 3, 2, 2], 2, seed)?;
        run.steps = 2;
        for name in arithmetics {
            if let Ok((Some(finding), _)) = trial.run_in(case, &run, name) {
                let tried = Tried {
                    trial,
                    run,
                    finding,
                    arithmetic: name,
                };
                return Ok(draft.with_counterexample(claim, None, &tried, says));
            }
        }
    }
    Ok(Draft::unknown(format!(
        "{}, as far as certificates go; no exact run shows it",
        draft.because
    )))
}
