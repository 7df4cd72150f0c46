//! The rules as JSON, `lora-gauge/rules/1`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Derived;
use crate::arith::{Ratio, show_ratio};
use crate::gauge::Rule;

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
    name: &'static str,
    dimension: usize,
    /// How many of the trained tensors can be scaled independently.
    independent: usize,
    weights: BTreeMap<String, Vec<String>>,
    shared_lr: Shared,
    invariants: Vec<String>,
    /// Hyperparameters that keep their value under every rescaling.
    unchanged: Vec<String>,
    sign_flips: Vec<Flip>,
    /// What holds between the factors besides, for instance `p = q`.
    remains: Vec<String>,
    conflicts: Vec<ConflictOf>,
    ties: Vec<Tie>,
    smallest_conflict: Vec<ConstraintOf>,
}

#[derive(Serialize)]
struct Shared {
    dimension: usize,
    weights_in_sqrt_k: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct Flip {
    name: String,
    flipped: Vec<String>,
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

#[derive(Serialize)]
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
    let certificate = &derived.inference.certificate;
    RuleOf {
        optimizer: recipe.optimizer.name,
        model: recipe.model.name,
        loss: derived.loss(),
        options: OptionsOf {
            flags: recipe.flags.clone(),
            off: recipe.off.clone(),
            clip: recipe.clip.map(|c| c.name()),
            shared: derived.shared,
        },
        basis: basis(&derived.inference.rule),
        regimes: vec![regime(derived)],
        certificate: CertificateOf {
            nodes: certificate.nodes.len(),
            checked: derived.refused.is_none(),
            sha256: certificate.sha256(),
        },
    }
}

fn regime(derived: &Derived) -> Regime {
    let rule = &derived.inference.rule;
    let conflicts = &derived.conflicts;
    let (unchanged, invariants): (Vec<_>, Vec<_>) =
        derived.invariants.iter().partition(|i| i.is_trivial());
    Regime {
        name: "always",
        dimension: rule.dimension(),
        independent: rule.independent_parameters(),
        weights: weights(rule),
        shared_lr: Shared {
            dimension: derived.tied.dimension(),
            weights_in_sqrt_k: derived
                .in_sqrt_k()
                .map(|w| w.iter().map(|(n, w)| (n.clone(), show_ratio(w))).collect()),
        },
        invariants: invariants.into_iter().map(ToString::to_string).collect(),
        unchanged: unchanged.into_iter().map(ToString::to_string).collect(),
        sign_flips: derived
            .sign_flips
            .iter()
            .map(|flip| Flip {
                name: flip.name.clone(),
                flipped: flip.flipped.clone(),
            })
            .collect(),
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
