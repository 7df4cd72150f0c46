//! Whether one given map, in powers of one number `k`, leaves a step unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use num_traits::Zero;

use super::certificate::{Certificate, Claim};
use super::conflict::{Constraint, constraint};
use super::constrain::System;
use super::infer::{Options, eliminate};
use super::irreducible::{distinct, irreducible};
use super::zero::{division_by_zero, zeros};
use crate::arith::{Ratio, show_ratio};
use crate::graph::{LeafKind, NodeId, StepGraph};

/// A map to judge.
#[derive(Debug, Clone, Default)]
pub struct MapQuestion {
    /// The power of `k` that multiplies each hyperparameter, by leaf name or by base name (for
    /// all copies). A leaf name goes before a base name; what is not mentioned stays the same.
    pub hyperparameters: BTreeMap<String, Ratio>,
    /// The power of `k` that multiplies the first value of each parameter; 0 if not mentioned.
    pub initial: BTreeMap<String, Ratio>,
    /// Parameters of which one may assume, as a condition, that they start at zero.
    pub zeroable_initials: BTreeSet<String>,
    /// Hyperparameters, by leaf or base name, that are not zero; of the others one may assume it
    /// where zero is admissible.
    pub nonzero: BTreeSet<String>,
}

/// An assumption under which a map leaves the step unchanged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// This parameter starts at zero.
    InitialZero(String),
    /// This hyperparameter is zero.
    HyperparameterZero(String),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InitialZero(name) => write!(f, "{name} starts at 0"),
            Self::HyperparameterZero(name) => write!(f, "{name} = 0"),
        }
    }
}

/// A map that names something the step does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// No hyperparameter of this name.
    #[error("the step has no hyperparameter `{name}`; it has {known}")]
    UnknownHyperparameter {
        /// The name in the map.
        name: String,
        /// The base names that exist.
        known: String,
    },
    /// No parameter of this name.
    #[error("the step has no parameter `{name}`; it has {known}")]
    UnknownParameter {
        /// The name in the map.
        name: String,
        /// The names that exist.
        known: String,
    },
}

/// What a map turns the step into, certified.
#[derive(Debug, Clone)]
pub struct MapProof {
    /// The powers of `k` at every node, with the claim.
    pub certificate: Certificate,
    /// The powers of parameters, hyperparameters and states.
    pub weights: BTreeMap<String, Ratio>,
    /// The powers of the outputs; `None` where an output is not homogeneous, or zero.
    pub outputs: BTreeMap<String, Option<Ratio>>,
}

/// The answer to a [`MapQuestion`].
#[derive(Debug, Clone)]
pub enum MapDecision {
    /// The loss is the same at every step, whatever the data, sizes and settings.
    Homogeneous(MapProof),
    /// So it is under these conditions (a smallest set of them).
    HomogeneousIf {
        /// What must be zero.
        conditions: Vec<Condition>,
        /// The proof under these conditions.
        proof: MapProof,
    },
    /// The weights cannot be met. This alone is not yet a counterexample: it says where to look
    /// for one.
    Inhomogeneous {
        /// An irreducible set of constraints that contradict each other.
        conflict: Vec<Constraint>,
    },
}

/// Decides whether the map leaves the loss of every step of every run unchanged.
///
/// # Errors
/// [`MapError`] for a name that the step does not have.
pub fn decide_map(step: &StepGraph, question: &MapQuestion) -> Result<MapDecision, MapError> {
    let judge = Judge::new(step, question)?;
    if let Some(proof) = judge.attempt(&[]) {
        return Ok(MapDecision::Homogeneous(proof));
    }
    let toggles = judge.toggles(question);
    Ok(match judge.smallest_conditions(&toggles) {
        Some((conditions, proof)) => MapDecision::HomogeneousIf { conditions, proof },
        None => MapDecision::Inhomogeneous {
            conflict: judge.conflict(),
        },
    })
}

struct Judge<'a> {
    step: &'a StepGraph,
    hyperparameters: BTreeMap<NodeId, Ratio>,
    initial: BTreeMap<NodeId, Ratio>,
}

impl<'a> Judge<'a> {
    fn new(step: &'a StepGraph, question: &MapQuestion) -> Result<Self, MapError> {
        let named: BTreeSet<&str> = step
            .hyperparameters()
            .flat_map(|(n, b, _)| [n, b])
            .collect();
        if let Some(name) = question
            .hyperparameters
            .keys()
            .find(|name| !named.contains(name.as_str()))
        {
            let bases: BTreeSet<&str> = step.hyperparameters().map(|(_, base, _)| base).collect();
            return Err(MapError::UnknownHyperparameter {
                name: name.clone(),
                known: bases.into_iter().collect::<Vec<_>>().join(", "),
            });
        }
        let initials = question.initial.keys().chain(&question.zeroable_initials);
        if let Some(name) = initials.into_iter().find(|n| step.parameter(n).is_none()) {
            let names: Vec<&str> = step.parameters.iter().map(|p| p.name.as_str()).collect();
            return Err(MapError::UnknownParameter {
                name: name.clone(),
                known: names.join(", "),
            });
        }
        let given = &question.hyperparameters;
        let hyperparameters = step
            .hyperparameters()
            .filter_map(|(name, base, _)| {
                let power = given.get(name).or_else(|| given.get(base));
                let power = power.cloned().unwrap_or_else(Ratio::zero);
                Some((step.graph.leaf(name)?, power))
            })
            .collect();
        let initial = step
            .parameters
            .iter()
            .map(|p| {
                let power = question.initial.get(&p.name).cloned();
                (p.leaf, power.unwrap_or_else(Ratio::zero))
            })
            .collect();
        Ok(Self {
            step,
            hyperparameters,
            initial,
        })
    }

    /// Everything that may be assumed to be zero, initial values first.
    fn toggles(&self, question: &MapQuestion) -> Vec<Condition> {
        let initials = question.zeroable_initials.iter().cloned();
        let zeros = self
            .step
            .hyperparameters()
            .filter(|(name, base, may_be_zero)| {
                *may_be_zero && ![name, base].iter().any(|n| question.nonzero.contains(**n))
            })
            .map(|(name, _, _)| Condition::HyperparameterZero(name.to_owned()));
        initials.map(Condition::InitialZero).chain(zeros).collect()
    }

    /// The system under conditions; `None` when they make the step divide by zero.
    fn system(&self, conditions: &[Condition]) -> Option<System<Ratio>> {
        let mut initial = self.initial.clone();
        let mut zero_leaves = BTreeSet::new();
        for condition in conditions {
            match condition {
                Condition::InitialZero(name) => {
                    initial.remove(&self.step.parameter(name)?.leaf);
                }
                Condition::HyperparameterZero(name) => {
                    zero_leaves.insert(self.step.graph.leaf(name)?);
                }
            }
        }
        let zero = zeros(&self.step.graph, &zero_leaves);
        if division_by_zero(&self.step.graph, &zero).is_some() {
            return None;
        }
        let mut system = System::new(self.step, &Options::default(), &zero_leaves);
        system.claim(&self.hyperparameters, &initial);
        Some(system)
    }

    /// The proof under conditions, if there is one.
    fn attempt(&self, conditions: &[Condition]) -> Option<MapProof> {
        let system = self.system(conditions)?;
        let power = system.columns.len() - 1;
        let (echelon, homogeneous) = eliminate(self.step, &system);
        if echelon.determined_from(power) > 0 {
            return None;
        }
        let solution = echelon.solution(power);
        let weight_at = |id: NodeId| Some(system.forms[id.index()].as_ref()?.at(&solution));
        let graph = &self.step.graph;
        let outputs: BTreeMap<String, Option<Ratio>> = self
            .step
            .outputs
            .iter()
            .map(|o| {
                let weight = homogeneous.contains(&o.name).then(|| weight_at(o.node));
                (o.name.clone(), weight.flatten())
            })
            .collect();
        let certified = self
            .step
            .outputs
            .iter()
            .filter(|o| outputs[&o.name].is_some());
        let needed = graph.cone(
            super::constrain::dynamic_roots(self.step).chain(certified.clone().map(|o| o.node)),
        );
        let node_weights: Vec<Option<Vec<Ratio>>> = graph
            .ids()
            .map(|id| match needed[id.index()] {
                true => weight_at(id).map(|w| vec![w]),
                false => None,
            })
            .collect();
        let mut certificate = Certificate::skeleton(self.step);
        certificate.generators = vec!["k".to_owned()];
        certificate.put_weights(&node_weights);
        certificate.outputs = certified
            .map(|o| (o.name.clone(), o.node.index()))
            .collect();
        certificate.claim = Some(self.claim(conditions));
        let weights = graph
            .leaves()
            .filter(|(_, id)| {
                let kind = graph.leaf_at(*id).map(|leaf| &leaf.kind);
                !matches!(kind, Some(LeafKind::Data | LeafKind::StepNumber))
            })
            .filter_map(|(name, id)| Some((name.to_owned(), weight_at(id)?)))
            .collect();
        Some(MapProof {
            certificate,
            weights,
            outputs,
        })
    }

    fn claim(&self, conditions: &[Condition]) -> Claim {
        let named = |powers: &BTreeMap<NodeId, Ratio>| -> BTreeMap<String, String> {
            powers
                .iter()
                .filter_map(|(id, power)| {
                    let leaf = self.step.graph.leaf_at(*id)?;
                    Some((leaf.name.clone(), show_ratio(power)))
                })
                .collect()
        };
        let mut claim = Claim {
            hyperparameters: named(&self.hyperparameters),
            initial: named(&self.initial),
            ..Claim::default()
        };
        for condition in conditions {
            match condition {
                Condition::InitialZero(name) => claim.zero_initials.insert(name.clone()),
                Condition::HyperparameterZero(name) => {
                    claim.zero_hyperparameters.insert(name.clone())
                }
            };
        }
        claim
    }

    /// A smallest set of conditions: every set of up to two is tried; beyond, what can be
    /// dropped from the full set is dropped, which leaves an irreducible set.
    fn smallest_conditions(&self, toggles: &[Condition]) -> Option<(Vec<Condition>, MapProof)> {
        let singles = toggles.iter().map(|a| vec![a.clone()]);
        let pairs = toggles.iter().enumerate().flat_map(|(i, a)| {
            let later = toggles[i + 1..].iter();
            later.map(move |b| vec![a.clone(), b.clone()])
        });
        let all = self.attempt(toggles).is_some();
        // More zeros never make a step less homogeneous, unless they divide.
        if !all && self.system(toggles).is_some() {
            return None;
        }
        for conditions in singles.chain(pairs) {
            if let Some(proof) = self.attempt(&conditions) {
                return Some((conditions, proof));
            }
        }
        if !all {
            return None;
        }
        let mut kept = toggles.to_vec();
        for condition in toggles.iter().rev() {
            let fewer: Vec<Condition> = kept.iter().filter(|c| *c != condition).cloned().collect();
            if self.attempt(&fewer).is_some() {
                kept = fewer;
            }
        }
        let proof = self.attempt(&kept)?;
        Some((kept, proof))
    }

    fn conflict(&self) -> Vec<Constraint> {
        let Some(system) = self.system(&[]) else {
            return Vec::new();
        };
        let power = system.columns.len() - 1;
        irreducible(system.columns.len(), power, &distinct(&system))
            .into_iter()
            .map(|equation| constraint(self.step, &system, equation))
            .collect()
    }
}
