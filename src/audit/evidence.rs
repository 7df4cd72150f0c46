//! Evidence that several judges gather: theorems, certificates, exact and bit-equal runs.

use std::collections::BTreeSet;

use num_traits::{One, Signed, Zero};

use super::judges::JudgeError;
use super::{Claim, Derivation, DerivationLine, Evidence, Rung, theorem};
use crate::arith::{Arithmetic, F32, F64, Prime, Ratio, show_ratio};
use crate::gauge::{self, Certificate, MapDecision, MapQuestion};
use crate::graph::print::definitions;
use crate::graph::{StepGraph, degree};
use crate::scenario::{
    CheckError, Outcome, Powers, Property, Scenario, ScenarioError, ScenarioFile, check,
};
use crate::search::{Hunt, Hunted, Start, hunt};
use crate::zoo::Recipe;

/// The seed of every random choice of the audit.
pub const SEED: u64 = 1;
/// The factor of exact runs: its root is rational and neither is a power of two.
pub fn exact_k() -> Ratio {
    Ratio::new(9.into(), 4.into())
}

/// The theorems that the claim names, as far as they were compiled.
pub fn theorems(claim: &Claim) -> Vec<Evidence> {
    claim
        .theorems()
        .iter()
        .filter_map(|name| theorem(name, claim.id()).ok())
        .map(|t| Evidence {
            theorem: Some(t.clone()),
            ..Evidence::new(Rung::Theorem, t.says.clone())
        })
        .collect()
}

/// The question whether `powers` leaves the step unchanged; `zeroable` parameters may be assumed
/// to start at zero, and `nonzero` settings are not.
pub fn question(powers: &Powers, zeroable: &[&str], nonzero: BTreeSet<String>) -> MapQuestion {
    MapQuestion {
        nonzero,
        hyperparameters: powers.hyperparameters.clone(),
        initial: powers.initial.clone(),
        zeroable_initials: zeroable.iter().map(|z| (*z).to_owned()).collect(),
    }
}

/// Asks the gauge solver and has its certificate checked.
///
/// # Errors
/// [`JudgeError`] for an unknown name, or a certificate that the checker rejects.
pub fn decide(
    step: &StepGraph,
    powers: &Powers,
    zeroable: &[&str],
    nonzero: BTreeSet<String>,
) -> Result<MapDecision, JudgeError> {
    let decision = gauge::decide_map(step, &question(powers, zeroable, nonzero))?;
    match &decision {
        MapDecision::Homogeneous(proof) | MapDecision::HomogeneousIf { proof, .. } => {
            gauge::check(step, &proof.certificate)?;
        }
        MapDecision::Inhomogeneous { .. } => {}
    }
    Ok(decision)
}

/// The certificate as evidence.
pub fn certificate(certificate: &Certificate, says: impl Into<String>) -> Evidence {
    Evidence::new(Rung::Certificate, says)
        .with("nodes", certificate.nodes.len())
        .with("checked", true)
        .with("sha256", certificate.sha256())
}

/// What a certificate for an unknown network covers, in words.
pub const COVERS: &str = "Every quantity of the step has a weight and every operation respects it, \
so the loss and W are the same at every step, for every size, number of steps, data order, schedule \
and network around the layer, smooth or not. An independent checker confirmed each node.";

/// The step with its weights under a map in powers of k.
pub fn derivation(step: &StepGraph, proof: &Certificate, title: &str) -> Derivation {
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

/// Hunts for a pair of runs that contradicts `property` when the right one is the left one
/// under `powers` at `k`.
///
/// # Errors
/// Those of [`hunt`].
pub fn hunt_map(
    recipe: &Recipe,
    property: &Property,
    powers: &Powers,
    k: &Ratio,
    start: &Start,
    cases: u32,
) -> Result<Hunted, JudgeError> {
    Ok(hunt(&Hunt {
        property,
        recipe,
        start,
        shared: true,
        right_of: &|left, _| powers.apply(left, k).ok(),
        cases,
        seed: SEED,
    })?)
}

/// A drawn run of the claim's recipe at the given sizes.
///
/// # Errors
/// [`ScenarioError`] where a hyperparameter has no default.
pub fn drawn(
    recipe: &Recipe,
    sizes: [usize; 4],
    steps: usize,
    seed: u64,
    start: &Start,
) -> Result<Scenario, ScenarioError> {
    let step = recipe.build()?;
    let lr = Ratio::new(1.into(), 16.into());
    let value = |base: &str| {
        if base == "s" {
            Ratio::from_integer(2.into())
        } else {
            lr.clone()
        }
    };
    // A term that is off has no leaf, and its setting may have another default.
    let zeros = recipe.off.iter().map(|name| (name.clone(), Ratio::zero()));
    let hyperparameters = step
        .hyperparameters()
        .map(|(leaf, base, _)| (leaf.to_owned(), value(base)))
        .chain(zeros)
        .map(|(name, value)| (name, crate::scenario::Exact(value.into())))
        .collect();
    ScenarioFile {
        name: format!("drawn with seed {seed}"),
        steps,
        sizes: ["batch", "n_in", "n_out", "r"]
            .iter()
            .zip(sizes)
            .map(|(n, s)| ((*n).to_owned(), s))
            .collect(),
        hyperparameters,
        random: Some(crate::scenario::RandomFile {
            seed,
            zero: start.zero.iter().cloned().collect(),
        }),
        ..ScenarioFile::of(recipe)
    }
    .scenario()
}

/// Runs both sides in the prime field for many steps.
///
/// # Errors
/// [`JudgeError`] when the run cannot be set up; `Ok(None)` where the field lacks an operation.
pub fn prime_run(
    recipe: &Recipe,
    powers: &Powers,
    start: &Start,
    steps: usize,
) -> Result<Option<(Outcome, Evidence)>, JudgeError> {
    let left = drawn(recipe, [3, 4, 3, 2], steps, SEED, start)?;
    let right = powers.apply(&left, &exact_k())?;
    let outcome = match check(&Prime, &Property::same_run(), &left, &right, steps) {
        Ok(outcome) => outcome,
        Err(CheckError::Run(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Outcome::Holds { compared } = outcome else {
        return Ok(Some((
            outcome,
            Evidence::new(Rung::Exact, "the runs differ in the prime field"),
        )));
    };
    let step = recipe.build()?;
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
        "At k = 9/4, {steps} steps in the field of 2^61 - 1 elements: loss and W are equal, number by \
         number.{bound} The degree of the whole trajectory grows too fast for such a bound; there this \
         rung supports the certificate and does not replace it."
    );
    let mut evidence = Evidence::new(Rung::Exact, says)
        .with("compared", compared)
        .with("steps", steps)
        .with("modulus", "2^61 - 1");
    if let Some(degree) = degree {
        evidence = evidence.with("degree of one step", degree);
    }
    Ok(Some((outcome, evidence)))
}

/// Runs both sides in f32 and f64 for several powers of four.
///
/// # Errors
/// [`JudgeError`] when the run cannot be set up.
pub fn bit_runs(
    recipe: &Recipe,
    powers: &Powers,
    start: &Start,
) -> Result<Option<Evidence>, JudgeError> {
    let ks = [(1, 64), (1, 4), (4, 1), (256, 1)]
        .map(|(n, d): (i64, i64)| Ratio::new(n.into(), d.into()));
    let left = drawn(recipe, [16, 8, 8, 4], 20, SEED, start)?;
    let mut compared = 0;
    for k in &ks {
        let right = powers.apply(&left, k)?;
        compared += match (bits(&F32, &left, &right)?, bits(&F64, &left, &right)?) {
            (Outcome::Holds { compared: a }, Outcome::Holds { compared: b }) => a + b,
            _ => return Ok(None),
        };
    }
    Ok(Some(
        Evidence::new(
            Rung::BitEqual,
            "In f32 and f64 the losses and W have the same bits at k = 1/64, 1/4, 4 and 256, over 20 \
             steps of a drawn 8 × 8 layer: scaling by powers of two commutes with rounding.",
        )
        .with("compared", compared),
    ))
}

fn bits<A: Arithmetic>(ctx: &A, left: &Scenario, right: &Scenario) -> Result<Outcome, JudgeError> {
    Ok(check(ctx, &Property::same_run(), left, right, left.steps)?)
}

/// The map in words, for instance `alpha·k, lr/k, init/√k`.
pub fn describe(step: &StepGraph, powers: &Powers) -> String {
    let change = |power: &Ratio, negated: bool| {
        let sign = if negated { "·(-1)" } else { "" };
        let half = Ratio::new(1.into(), 2.into());
        let scale = if power.is_zero() {
            String::new()
        } else if power.abs() == Ratio::one() {
            format!("{}k", if power.is_negative() { "/" } else { "·" })
        } else if power.abs() == half {
            format!("{}√k", if power.is_negative() { "/" } else { "·" })
        } else {
            let sign = if power.is_negative() { "/" } else { "·" };
            let size = show_ratio(&power.abs());
            let size = if power.is_integer() {
                size
            } else {
                format!("({size})")
            };
            format!("{sign}k^{size}")
        };
        format!("{scale}{sign}")
    };
    // Copies that change alike stand under their common name.
    let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut add = |base: String, name: String, change: String| match groups
        .iter_mut()
        .find(|(b, _)| *b == base)
    {
        Some((_, members)) => members.push((name, change)),
        None => groups.push((base, vec![(name, change)])),
    };
    let mut hyper: Vec<(&str, &str)> = step.hyperparameters().map(|(l, b, _)| (l, b)).collect();
    hyper.sort_by_key(|(leaf, _)| *leaf != "s");
    for (leaf, base) in hyper {
        let power = powers
            .hyperparameters
            .get(leaf)
            .cloned()
            .unwrap_or_default();
        let rename = |n: &str| {
            if n == "s" {
                "alpha".to_owned()
            } else {
                n.to_owned()
            }
        };
        add(
            rename(base),
            rename(leaf),
            change(&power, powers.negated.contains(leaf)),
        );
    }
    for p in &step.parameters {
        let changed = change(
            &powers.initial_power(&p.name),
            powers.negated.contains(&p.name),
        );
        add("init".into(), format!("init_{}", p.name), changed);
    }
    let words: Vec<String> = groups
        .into_iter()
        .flat_map(|(base, members)| {
            let alike = members.iter().all(|(_, c)| *c == members[0].1);
            let shown = if alike {
                vec![(base, members[0].1.clone())]
            } else {
                members
            };
            shown
                .into_iter()
                .filter(|(_, c)| !c.is_empty())
                .map(|(n, c)| format!("{n}{c}"))
        })
        .collect();
    if words.is_empty() {
        "no change".into()
    } else {
        words.join(", ")
    }
}
