//! The rules as JSON, `lora-gauge/rules/1`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::derived::{Derived, Part};
use crate::arith::{Ratio, show_ratio};
use crate::gauge::{Direction, DirectionKind, Inference, Mixing, Quotient, Rule};
use crate::zoo::Case;

#[derive(Serialize)]
pub(super) struct Document {
    schema: &'static str,
    rules: Vec<RuleOf>,
}

#[derive(Serialize)]
struct RuleOf {
    optimizer: &'static str,
    model: &'static str,
    loss: Option<&'static str>,
    options: OptionsOf,
    basis: Vec<String>,
    regimes: Vec<Regime>,
    certificate: CertificateOf,
}

#[derive(Serialize)]
struct OptionsOf {
    flags: BTreeSet<String>,
    off: BTreeSet<String>,
    clip: Option<&'static str>,
    shared: bool,
}

#[derive(Serialize)]
struct Regime {
    name: String,
    /// The condition of the regime; absent for the whole step.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<String>,
    /// The case distinctions and how they are decided; absent for the whole step.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<BTreeMap<&'static str, bool>>,
    basis: Vec<String>,
    dimension: usize,
    /// The number of trained tensors that can be scaled independently.
    independent: usize,
    weights: BTreeMap<String, Vec<String>>,
    /// The rule for factors that multiply every rounded quantity by a power of two; absent where
    /// nothing is rounded into a storage format, or nothing more can be rescaled so.
    #[serde(skip_serializing_if = "Option::is_none")]
    powers_of_two: Option<PowersOfTwo>,
    /// Settings that the step does not read; their weight is 0.
    unread: Vec<String>,
    shared_lr: Shared,
    directions: Vec<DirectionOf>,
    invariants: Vec<String>,
    /// Hyperparameters that keep their value under every rescaling.
    unchanged: Vec<String>,
    sign_flips: Vec<Flip>,
    /// By which matrices the ranks may be mixed; absent where the step has no single pair A, B.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotations: Option<RotationsOf>,
    /// The relation of the factors besides, for instance `p = q`.
    remains: Vec<String>,
    conflicts: Vec<ConflictOf>,
    ties: Vec<Tie>,
    smallest_conflict: Vec<ConstraintOf>,
    certificate: CertificateOf,
}

#[derive(Serialize)]
struct PowersOfTwo {
    basis: Vec<String>,
    dimension: usize,
    weights: BTreeMap<String, Vec<String>>,
    certificate: CertificateOf,
}

#[derive(Serialize)]
struct Shared {
    dimension: usize,
    weights_in_sqrt_k: Option<BTreeMap<String, String>>,
}

/// A part of the rule: `k = 1` where every scale keeps its value, `B alone` where only B moves
/// while alpha is multiplied by k.
#[derive(Serialize)]
struct DirectionOf {
    name: String,
    basis: Vec<String>,
    weights: BTreeMap<String, Vec<String>>,
    /// Quotients of two copies of one setting that change, such as LoRA+'s `lr_B/lr_A`.
    quotients: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
struct Flip {
    name: String,
    flipped: Vec<String>,
}

#[derive(Serialize)]
struct RotationsOf {
    /// `orthogonal`, `signed-permutation`, `permutation` or `none`.
    allowed: &'static str,
    /// The obstacles to more.
    because: Option<String>,
}

#[derive(Serialize)]
struct ConflictOf {
    constant: String,
    node: String,
    because: String,
    without_it: String,
    /// The ties that remain between the factors.
    provided: Vec<String>,
    /// The rule when the constant is rescaled, too; its own weight is among the weights.
    basis: Vec<String>,
    weights: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
struct Tie {
    node: String,
    because: String,
    tied: Option<String>,
}

#[derive(Serialize)]
struct ConstraintOf {
    node: String,
    says: String,
}

#[derive(Serialize, Clone)]
struct CertificateOf {
    nodes: usize,
    checked: bool,
    sha256: String,
}

pub(super) fn document(all: &[Derived]) -> Document {
    Document {
        schema: "lora-gauge/rules/1",
        rules: all.iter().map(rule_of).collect(),
    }
}

fn rule_of(derived: &Derived) -> RuleOf {
    let recipe = &derived.recipe;
    let always = regime("always", None, &derived.whole);
    let cases = derived.cases.iter();
    RuleOf {
        optimizer: recipe.optimizer.name,
        model: recipe.model.name,
        loss: derived.loss(),
        options: OptionsOf {
            flags: recipe.flags.clone(),
            off: recipe.off.clone(),
            clip: recipe.clip.map(|c| c.name()),
            shared: derived.is_shared,
        },
        basis: always.basis.clone(),
        certificate: always.certificate.clone(),
        regimes: std::iter::once(always)
            .chain(cases.map(|(case, part)| regime(&case.name, Some(case), part)))
            .collect(),
    }
}

fn regime(name: &str, case: Option<&Case>, part: &Part) -> Regime {
    let derivation = &part.derivation;
    let (rule, conflicts) = (part.rule(), &derivation.conflicts);
    let (unchanged, invariants): (Vec<_>, Vec<_>) =
        derivation.invariants.iter().partition(|i| i.is_trivial());
    let certificate = |inference: &Inference| CertificateOf {
        nodes: inference.certificate.nodes.len(),
        checked: derivation.refused.is_none(),
        sha256: inference.certificate.sha256(),
    };
    Regime {
        name: name.to_owned(),
        when: case.map(|c| c.when.clone()),
        decided: case.map(|c| c.decided.iter().copied().collect()),
        basis: basis(rule),
        dimension: rule.dimension(),
        independent: rule.independent_parameters(),
        weights: weights(rule),
        unread: derivation.unread.clone(),
        shared_lr: Shared {
            dimension: derivation.shared.rule.dimension(),
            weights_in_sqrt_k: part
                .in_sqrt_k()
                .map(|w| w.iter().map(|(n, w)| (n.clone(), show_ratio(w))).collect()),
        },
        directions: derivation.directions.iter().map(direction).collect(),
        invariants: invariants.into_iter().map(ToString::to_string).collect(),
        unchanged: unchanged.into_iter().map(ToString::to_string).collect(),
        sign_flips: derivation
            .sign_flips
            .flips
            .iter()
            .map(|flip| Flip {
                name: flip.name.clone(),
                flipped: flip.flipped.clone(),
            })
            .collect(),
        rotations: derivation.rotations.as_ref().map(|found| RotationsOf {
            allowed: found.allowed.map_or("none", Mixing::name),
            because: found.because().map(str::to_owned),
        }),
        remains: conflicts.remains.clone(),
        conflicts: conflicts
            .constants
            .iter()
            .map(|c| ConflictOf {
                constant: c.constant.clone(),
                node: c.node.clone(),
                because: c.because.clone(),
                without_it: "exact".to_owned(),
                provided: c.remains.clone(),
                basis: basis(&c.rule),
                weights: weights(&c.rule),
            })
            .collect(),
        ties: conflicts
            .ties
            .iter()
            .map(|t| Tie {
                node: t.node.clone(),
                because: t.because.clone(),
                tied: t.tied.clone(),
            })
            .collect(),
        smallest_conflict: conflicts
            .smallest
            .iter()
            .map(|c| ConstraintOf {
                node: c.node.clone(),
                says: c.says.clone(),
            })
            .collect(),
        powers_of_two: derivation.powers_of_two.as_ref().map(|more| PowersOfTwo {
            basis: basis(&more.rule),
            dimension: more.rule.dimension(),
            weights: weights(&more.rule),
            certificate: certificate(more),
        }),
        certificate: certificate(&derivation.inference),
    }
}

fn direction(direction: &Direction) -> DirectionOf {
    let show = |weight: &Vec<Ratio>| weight.iter().map(show_ratio).collect();
    let quotient = |q: &Quotient| (format!("{}/{}", q.above, q.below), show(&q.weight));
    DirectionOf {
        name: match &direction.kind {
            DirectionKind::ScaleFixed => "k = 1".to_owned(),
            DirectionKind::Alone(tensor) => format!("{tensor} alone"),
        },
        basis: direction.basis.clone(),
        weights: direction
            .weights
            .iter()
            .map(|(name, weight)| (name.clone(), show(weight)))
            .collect(),
        quotients: direction.quotients.iter().map(quotient).collect(),
    }
}

fn basis(rule: &Rule) -> Vec<String> {
    rule.basis().into_iter().map(str::to_owned).collect()
}

fn weights(rule: &Rule) -> BTreeMap<String, Vec<String>> {
    let show = |weight: &Vec<Ratio>| weight.iter().map(show_ratio).collect();
    let weights = rule.weights.iter();
    weights.map(|(n, w)| (n.clone(), show(w))).collect()
}
