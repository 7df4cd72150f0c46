//! Evidence that several judges gather: theorems, certificates, exact and bit-equal runs.

use super::case::{Case, at_k};
use super::error::JudgeError;
use super::{Claim, Derivation, DerivationLine, Evidence, Rung, theorem};
use crate::arith::{Arithmetic, F32, F64, Prime, Ratio, show_ratio};
use crate::gauge::{self, Certificate, MapProof};
use crate::graph::print::definitions;
use crate::graph::{StepGraph, degree};
use crate::scenario::{CheckError, Outcome, Powers, Property, check};

/// The theorems that the claim names, as far as they were compiled.
pub(super) fn theorems(claim: &Claim) -> Vec<Evidence> {
    let named = claim.theorems().iter();
    let compiled = named.filter_map(|name| theorem(name, claim.id()).ok());
    let shown = compiled.map(|t| Evidence {
        theorem: Some(t.clone()),
        ..Evidence::new(Rung::Theorem, t.says.clone())
    });
    shown.collect()
}

/// A certificate as evidence.
pub(super) fn certificate(certificate: &Certificate, says: impl Into<String>) -> Evidence {
    Evidence::new(Rung::Certificate, says)
        .with("nodes", certificate.nodes.len())
        .with("checked", true)
        .with("sha256", certificate.sha256())
}

/// The certificates of a map, with what they cover in words.
pub(super) fn of_map(case: &Case<'_>, proof: &MapProof, under: &str) -> Vec<Evidence> {
    let around = match case.setting.any_network() {
        true => "data order and network around the layer, smooth or not",
        false => "and data order, in this network",
    };
    let says = format!(
        "{under}Every quantity that matters has a weight and every operation respects it, so what \
         is claimed is the same at every step, for every size, number of steps, {around}. An \
         independent checker confirmed each node, for this very question."
    );
    let mut all = vec![certificate(&proof.scaling.certificate, says)];
    all.extend(proof.signs.as_ref().map(|signs| {
        certificate(
            &signs.certificate,
            format!("{under}So does every sign: a parity for every node, checked."),
        )
    }));
    all
}

/// The step with its weights under a map in powers of k.
pub(super) fn derivation(step: &StepGraph, proof: &Certificate, title: &str) -> Derivation {
    let weights = proof.weights().unwrap_or_default();
    let weight_of = |index: usize| -> Vec<String> {
        match weights.get(index) {
            Some(Some(w)) => w.iter().map(show_ratio).collect(),
            _ => vec!["0".into(); proof.generators.len()],
        }
    };
    let leaves = step.graph.leaves().map(|(name, id)| DerivationLine {
        quantity: name.to_owned(),
        formula: name.to_owned(),
        mathml: String::new(),
        weight: weight_of(id.index()),
    });
    let defined = definitions(step).into_iter().map(|d| DerivationLine {
        quantity: d.name,
        formula: d.text,
        mathml: d.mathml,
        weight: weight_of(d.node.index()),
    });
    let rule = gauge::infer(step, &gauge::Options::default()).rule;
    let invariants = gauge::invariants(&rule);
    Derivation {
        title: title.to_owned(),
        basis: proof.generators.clone(),
        lines: leaves.chain(defined).collect(),
        invariants: invariants
            .iter()
            .filter(|i| !i.is_trivial())
            .map(ToString::to_string)
            .collect(),
        certificate: proof.sha256(),
    }
}

/// Runs both sides in the prime field for many steps.
///
/// # Errors
/// [`JudgeError`] when the run cannot be set up; `Ok(None)` where the field lacks an operation.
pub(super) fn prime_run(
    case: &Case<'_>,
    property: &Property,
    powers: &Powers,
) -> Result<Option<Evidence>, JudgeError> {
    const STEPS: usize = 1000;
    let Some(k) = powers.factor_with_roots(&Ratio::new(3.into(), 2.into())) else {
        return Ok(None);
    };
    let left = case.example([3, 4, 3, 2], STEPS, super::case::SEED)?;
    let right = powers.apply(&left, &k)?;
    let outcome = match check(&Prime, property, &left, &right, STEPS) {
        Ok(outcome) => outcome,
        Err(CheckError::Run(_) | CheckError::Factor { .. }) => return Ok(None),
        Err(error) => return Err(crate::search::SearchError::from(error).into()),
    };
    let Outcome::Holds { compared } = outcome else {
        return Ok(None);
    };
    let step = &case.step;
    let results = step.outputs.iter().map(|o| o.node).chain([step.loss]);
    let next = step.parameters.iter().map(|p| p.next);
    let degree = results
        .chain(next)
        .map(|id| degree(&step.graph, id))
        .collect::<Option<Vec<_>>>();
    let degree = degree.and_then(|d| d.into_iter().max());
    let bound = degree.map_or_else(String::new, |d| {
        format!(
            " One step is a polynomial of degree {d} in its inputs, so a false identity between the two \
             sides of one step passes at a random point with probability at most {d} / (2^61 - 1) \
             (Schwartz-Zippel)."
        )
    });
    let says = format!(
        "At {}, {STEPS} steps in the field of 2^61 - 1 elements: what is compared is equal, number by \
         number.{bound} The degree of the whole trajectory grows too fast for such a bound; there this \
         rung supports the certificate and does not replace it.",
        at_k(powers, &k)
    );
    let mut evidence = Evidence::new(Rung::Exact, says)
        .with("compared", compared)
        .with("steps", STEPS)
        .with("modulus", "2^61 - 1");
    if let Some(degree) = degree {
        evidence = evidence.with("degree of one step", degree);
    }
    Ok(Some(evidence))
}

/// Runs both sides in f32 and f64 for several powers of two.
///
/// # Errors
/// [`JudgeError`] when a run cannot be set up or ends.
pub(super) fn bit_runs(
    case: &Case<'_>,
    property: &Property,
    powers: &Powers,
) -> Result<Option<Evidence>, JudgeError> {
    let roots =
        [(1, 8), (1, 2), (2, 1), (16, 1)].map(|(n, d): (i64, i64)| Ratio::new(n.into(), d.into()));
    let left = case.example([16, 8, 8, 4], 20, super::case::SEED)?;
    let (mut compared, mut shown) = (0, vec![]);
    for root in &roots {
        let Some(k) = powers.factor_with_roots(root) else {
            return Ok(None);
        };
        let right = powers.apply(&left, &k)?;
        fn bits<A: Arithmetic>(
            ctx: &A,
            property: &Property,
            left: &crate::scenario::Scenario,
            right: &crate::scenario::Scenario,
        ) -> Result<Outcome, JudgeError> {
            let outcome = check(ctx, property, left, right, left.steps);
            outcome.map_err(|e| crate::search::SearchError::from(e).into())
        }
        compared += match (
            bits(&F32, property, &left, &right)?,
            bits(&F64, property, &left, &right)?,
        ) {
            (Outcome::Holds { compared: a }, Outcome::Holds { compared: b }) => a + b,
            _ => return Ok(None),
        };
        shown.push(show_ratio(&k));
    }
    let says = format!(
        "In f32 and f64 what is compared has the same bits at k = {}, over 20 steps of a drawn layer: \
         scaling by powers of two commutes with rounding.",
        shown.join(", ")
    );
    Ok(Some(
        Evidence::new(Rung::BitEqual, says).with("compared", compared),
    ))
}
