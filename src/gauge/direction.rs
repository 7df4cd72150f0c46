//! Single directions of a rule: those that leave the scale alone, and those that move one tensor.

use std::collections::BTreeMap;

use num_traits::Zero;

use super::infer::rule_of;
use super::rule::{Options, Rule, Weight};
use crate::graph::StepGraph;

/// A part of a rule that a user can follow by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direction {
    /// The quantity that is left alone: `scale` where every scaling keeps its value, so that k = 1; else the
    /// name of the one trained tensor that moves.
    pub kind: DirectionKind,
    /// The names of the factors; one for each way to go.
    pub basis: Vec<String>,
    /// The exponents of parameters, hyperparameters and states, by leaf name.
    pub weights: BTreeMap<String, Weight>,
    /// The quotients of two copies of one hyperparameter that change: the names above and below
    /// the line, and the exponents.
    pub quotients: Vec<Quotient>,
}

/// The property that distinguishes a [`Direction`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectionKind {
    /// Every scaling keeps its value: k = 1, and the factors move against each other.
    ScaleFixed,
    /// One trained tensor moves, and with it the scale, which is multiplied by `k`.
    Alone(String),
}

/// The quotient of two copies of one hyperparameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotient {
    /// The copy above the line.
    pub above: String,
    /// The copy below it.
    pub below: String,
    /// The exponents of the quotient.
    pub weight: Weight,
}

/// The directions of the rule of `step` in which hyperparameters with the base name `scale` keep
/// their value, and those in which a single trained tensor moves together with them.
///
/// A direction that the step does not allow is not there.
pub fn directions(step: &StepGraph, options: &Options, scale: &str) -> Vec<Direction> {
    let scales: Vec<&str> = step
        .hyperparameters()
        .filter(|(_, base, _)| *base == scale)
        .map(|(name, ..)| name)
        .collect();
    let mut all = Vec::new();
    let held = |names: &mut dyn Iterator<Item = &str>| -> Rule {
        let mut options = options.clone();
        options.held.extend(names.map(str::to_owned));
        rule_of(step, &options)
    };
    let fixed = held(&mut scales.iter().copied());
    if !scales.is_empty() && fixed.independent_parameters() > 0 {
        let names = |leaf: &str, name: &str| match leaf.strip_prefix('A') {
            Some(rest) => format!("t{rest}"),
            None => name.to_owned(),
        };
        let basis = fixed.generators.iter().map(|g| names(&g.leaf, &g.name));
        all.push(Direction {
            kind: DirectionKind::ScaleFixed,
            basis: basis.collect(),
            quotients: quotients(&fixed),
            weights: fixed.weights,
        });
    }
    for p in &step.parameters {
        let others = step.parameters.iter().map(|other| other.name.as_str());
        let mut rule = held(&mut others.filter(|name| *name != p.name));
        // In powers of what the scale is multiplied by.
        let unit = scales
            .first()
            .and_then(|s| rule.weights.get(*s)?.first().cloned());
        let Some(unit) = unit.filter(|u| !u.is_zero() && rule.dimension() == 1) else {
            continue;
        };
        for weight in rule.weights.values_mut() {
            for power in weight {
                *power /= &unit;
            }
        }
        all.push(Direction {
            kind: DirectionKind::Alone(p.name.clone()),
            basis: vec!["k".to_owned()],
            quotients: quotients(&rule),
            weights: rule.weights,
        });
    }
    all
}

fn quotients(rule: &Rule) -> Vec<Quotient> {
    let mut copies: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for (name, base) in &rule.bases {
        copies.entry(base).or_default().push(name);
    }
    let mut all = Vec::new();
    for names in copies.values() {
        let [below, above] = names.as_slice() else {
            continue;
        };
        let (Some(x), Some(y)) = (rule.weights.get(*above), rule.weights.get(*below)) else {
            continue;
        };
        let weight: Weight = x.iter().zip(y).map(|(x, y)| x - y).collect();
        if weight.iter().any(|power| !power.is_zero()) {
            all.push(Quotient {
                above: (*above).clone(),
                below: (*below).clone(),
                weight,
            });
        }
    }
    all
}
