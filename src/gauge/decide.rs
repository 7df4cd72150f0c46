//! The decision on one given map, in powers of one number `k` and signs: it leaves the step
//! unchanged, or does so under one of several sets of conditions, or these constraints forbid it.
//!
//! A map is two symmetries at once, the powers of |k| and the changes of sign, each with a
//! certificate of its own for the very question that is asked. What starts at zero is an
//! assumption of the question or a condition of the answer, never forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use num_traits::Zero;

use super::certificate::Certificate;
use super::checker::{CheckError, check};
use super::conflict::{Constraint, constraint};
use super::constrain::System;
use super::field::{Field, Parity};
use super::infer::{eliminate, question};
use super::irreducible::{distinct, irreducible};
use super::question::{MapClaim, Question};
use super::rule::Options;
use super::zero::{division_by_zero, zeros};
use crate::arith::{Ratio, show_ratio};
use crate::fault::{Fault, planted};
use crate::graph::{LeafKind, NodeId, StepGraph};

/// Sets of conditions of more than this many are looked for by leaving conditions out, and not
/// one by one.
const LARGEST_SET: usize = 3;

/// A map to decide on. Leaves that are not named keep their value and their sign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapQuestion {
    /// The power of `k` that multiplies each hyperparameter, by leaf name.
    pub hyperparameters: BTreeMap<String, Ratio>,
    /// The power of `k` that multiplies the first value of each parameter.
    pub initial: BTreeMap<String, Ratio>,
    /// The hyperparameters and first values whose sign changes.
    pub negated: BTreeSet<String>,
    /// The parameters that start at zero.
    pub zero: BTreeSet<String>,
    /// The outputs that must not change; with them the loss.
    pub kept: BTreeSet<String>,
    /// `true` if the loss may change all the same.
    pub free_loss: bool,
    /// The conditions that may be assumed besides where nothing holds without them.
    pub conditions: Vec<Condition>,
    /// The logarithm of k to base 2, where every quantity is to be multiplied by a power of two.
    pub log2_k: Option<Ratio>,
}

/// An assumption under which a map leaves the step unchanged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// This parameter starts at zero.
    InitialZero(String),
    /// The hyperparameters with this base name are zero.
    HyperparameterZero(String),
    /// The first value of this parameter changes its sign as well.
    SignChanges(String),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InitialZero(name) => write!(f, "{name} starts at 0"),
            Self::HyperparameterZero(name) => write!(f, "{name} = 0"),
            Self::SignChanges(name) => write!(f, "{name} changes sign as well"),
        }
    }
}

/// A map that names something the step does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// No hyperparameter, parameter or output of this name.
    #[error("the step has no {what} `{name}`; it has {known}")]
    Unknown {
        /// `hyperparameter`, `parameter` or `output`.
        what: &'static str,
        /// The name in the map.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The checker refuses a certificate of the solver: a defect of this program.
    #[error("the certificate is rejected by its checker: {0}")]
    Refused(#[from] CheckError),
}

/// A question, and a certificate that the checker has accepted as the answer.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The question.
    pub question: Question,
    /// The weight of every node.
    pub certificate: Certificate,
}

/// That a map leaves the step unchanged.
#[derive(Debug, Clone)]
pub struct MapProof {
    /// The powers of |k|.
    pub scaling: Proof,
    /// The changes of sign, where the map has any.
    pub signs: Option<Proof>,
    /// The powers of parameters, hyperparameters and states, by leaf name.
    pub weights: BTreeMap<String, Ratio>,
}

/// Conditions under which all is well.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// The proof under these conditions.
    pub proof: MapProof,
}

/// The answer to a [`MapQuestion`].
// There is one at a time, and most are proofs.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum MapDecision {
    /// Nothing changes, whatever the data, sizes and settings.
    Holds(MapProof),
    /// Nothing changes under each of these sets of conditions, none of which contains another.
    HoldsIf(Vec<Alternative>),
    /// The weights cannot be met. This alone is not yet a counterexample: it says where to look
    /// for one.
    Fails {
        /// An irreducible set of constraints that contradict each other.
        conflict: Vec<Constraint>,
    },
}

/// Decides whether the map leaves loss and kept outputs of every step of every run unchanged.
///
/// # Errors
/// [`DecideError::Unknown`] for a name that the step does not have.
pub fn decide(step: &StepGraph, asked: &MapQuestion) -> Result<MapDecision, DecideError> {
    let judge = Judge::new(step, asked)?;
    if let Some(proof) = judge.attempt(&[])? {
        return Ok(MapDecision::Holds(proof));
    }
    let alternatives = judge.alternatives()?;
    Ok(match alternatives.is_empty() {
        false => MapDecision::HoldsIf(alternatives),
        true => MapDecision::Fails {
            conflict: judge.conflict(),
        },
    })
}

/// The powers of a map of which only some are given: each group in `free` is one unknown number,
/// and everything else keeps its value. `None` where no powers do.
///
/// # Errors
/// As [`decide`].
pub fn complete(
    step: &StepGraph,
    asked: &MapQuestion,
    free: &[Vec<String>],
) -> Result<Option<MapQuestion>, DecideError> {
    let judge = Judge::new(step, asked)?;
    let is_free = |name: &str| free.iter().flatten().any(|own| own == name);
    let mut partly = Judge {
        options: Options {
            ties: free.to_vec(),
            ..judge.options.clone()
        },
        ..judge
    };
    let name = |id: &NodeId| step.graph.leaf_at(*id).map(|leaf| leaf.name.clone());
    let given = |id: &NodeId| name(id).is_some_and(|name| !is_free(&name));
    partly.hyperparameters.retain(|id, _| given(id));
    partly.initial.retain(|id, _| given(id));
    let Some(weights) = partly.weights::<Ratio>(&[]) else {
        return Ok(None);
    };
    let mut whole = asked.clone();
    for name in free.iter().flatten() {
        let power = step
            .graph
            .leaf(name)
            .and_then(|id| weights[id.index()].clone());
        let power = power.unwrap_or_else(Ratio::zero);
        match step.parameter(name) {
            Some(_) => whole.initial.insert(name.clone(), power),
            None => whole.hyperparameters.insert(name.clone(), power),
        };
    }
    Ok(Some(whole))
}

struct Judge<'a> {
    step: &'a StepGraph,
    asked: &'a MapQuestion,
    options: Options,
    hyperparameters: BTreeMap<NodeId, Ratio>,
    initial: BTreeMap<NodeId, Ratio>,
}

impl<'a> Judge<'a> {
    fn new(step: &'a StepGraph, asked: &'a MapQuestion) -> Result<Self, DecideError> {
        let settings: Vec<&str> = step.hyperparameters().map(|(name, ..)| name).collect();
        let trained: Vec<&str> = step.parameters.iter().map(|p| p.name.as_str()).collect();
        let outputs: Vec<&str> = step.outputs.iter().map(|o| o.name.as_str()).collect();
        known("hyperparameter", asked.hyperparameters.keys(), &settings)?;
        known(
            "parameter",
            asked.initial.keys().chain(&asked.zero),
            &trained,
        )?;
        known("output", &asked.kept, &outputs)?;
        let either: Vec<&str> = settings.iter().chain(&trained).copied().collect();
        known("hyperparameter or parameter", &asked.negated, &either)?;
        let powers = |given: &BTreeMap<String, Ratio>, names: &[&str]| {
            let power = |name: &&str| {
                let power = given.get(*name).cloned().unwrap_or_else(Ratio::zero);
                Some((step.graph.leaf(name)?, power))
            };
            names.iter().filter_map(power).collect()
        };
        Ok(Self {
            step,
            asked,
            options: Options {
                kept: asked.kept.clone(),
                free_loss: asked.free_loss,
                powers_of_two: asked.log2_k.is_some(),
                only_seen: true,
                ..Options::default()
            },
            hyperparameters: powers(&asked.hyperparameters, &settings),
            initial: powers(&asked.initial, &trained),
        })
    }

    /// A leaf's own name, whatever label it has where it is observed.
    fn name(&self, leaf: NodeId) -> String {
        let leaf = self.step.graph.leaf_at(leaf);
        leaf.map(|leaf| leaf.name.clone()).unwrap_or_default()
    }

    /// The powers, or the changes of sign, that a symmetry of these weights has to have.
    fn claims<F: Field>(&self, conditions: &[Condition]) -> [BTreeMap<NodeId, Ratio>; 2] {
        if F::SYMMETRY == super::Symmetry::Scaling {
            return [self.hyperparameters.clone(), self.initial.clone()];
        }
        let name = |id: &NodeId| self.name(*id);
        let turned = |id: &NodeId| {
            let also = conditions.contains(&Condition::SignChanges(name(id)));
            self.asked.negated.contains(&name(id)) != also
        };
        let sign = |(id, _): (&NodeId, &Ratio)| {
            let odd = turned(id) && !planted(Fault::SignsForgotten);
            (*id, Ratio::from_integer(i64::from(odd).into()))
        };
        [&self.hyperparameters, &self.initial].map(|all| all.iter().map(sign).collect())
    }

    /// The system under conditions; `None` when they make the step divide by zero.
    fn system<F: Field>(&self, conditions: &[Condition]) -> Option<(System<F>, MapClaim)> {
        let mut claim = MapClaim {
            zero_initials: self.asked.zero.clone(),
            log2_k: self.asked.log2_k.as_ref().map(show_ratio),
            ..MapClaim::default()
        };
        let mut zero_leaves = BTreeSet::new();
        for condition in conditions {
            match condition {
                Condition::InitialZero(name) => {
                    claim.zero_initials.insert(name.clone());
                }
                Condition::HyperparameterZero(base) => {
                    for (leaf, own, _) in self.step.hyperparameters() {
                        if own == base {
                            zero_leaves.insert(self.step.graph.leaf(leaf)?);
                            claim.zero_hyperparameters.insert(leaf.to_owned());
                        }
                    }
                }
                Condition::SignChanges(_) => {}
            }
        }
        let zero = zeros(&self.step.graph, &zero_leaves);
        if division_by_zero(&self.step.graph, &zero).is_some() {
            return None;
        }
        let [hyperparameters, mut initial] = self.claims::<F>(conditions);
        let named = |powers: &BTreeMap<NodeId, Ratio>| -> BTreeMap<String, String> {
            let text = |(id, power): (&NodeId, &Ratio)| (self.name(*id), show_ratio(power));
            powers.iter().map(text).collect()
        };
        (claim.hyperparameters, claim.initial) = (named(&hyperparameters), named(&initial));
        initial.retain(|id, _| {
            let name = self.step.graph.leaf_at(*id).map(|leaf| &leaf.name);
            name.is_none_or(|name| !claim.zero_initials.contains(name))
        });
        let mut system = System::<F>::new(self.step, &self.options, &zero_leaves);
        system.claim(&hyperparameters, &initial);
        Some((system, claim))
    }

    /// The weights of all nodes that the question reaches, if there are any.
    fn weights<F: Field>(&self, conditions: &[Condition]) -> Option<Vec<Option<Ratio>>> {
        let (system, _) = self.system::<F>(conditions)?;
        let power = system.columns.len() - 1;
        let (echelon, _) = eliminate(self.step, &system);
        if echelon.determined_from(power) > 0 {
            return None;
        }
        let solution = echelon.solution(power);
        let needed = self.step.graph.cone(system.roots.iter().copied());
        let weight = |id: NodeId| {
            let form = system.forms[id.index()].as_ref();
            let form = form.filter(|_| needed[id.index()]);
            form.map(|form| form.at(&solution).to_ratio())
        };
        Some(self.step.graph.ids().map(weight).collect())
    }

    fn proof<F: Field>(&self, conditions: &[Condition]) -> Result<Option<Proof>, DecideError> {
        let Some(weights) = self.weights::<F>(conditions) else {
            return Ok(None);
        };
        let claim = self.system::<F>(conditions).map(|(_, claim)| claim);
        let asked = Question {
            map: claim,
            outputs: BTreeSet::new(),
            ..question(&self.options, &Default::default(), F::SYMMETRY)
        };
        let mut certificate = Certificate::skeleton(self.step);
        certificate.question = asked.clone();
        certificate.generators = vec!["k".to_owned()];
        let weights: Vec<_> = weights.into_iter().map(|w| w.map(|w| vec![w])).collect();
        certificate.put_weights(&weights);
        let log2_k = self.asked.log2_k.as_ref();
        let by_two = |w: &Ratio| log2_k.is_none_or(|log2| (w * log2).is_integer());
        if !weights.iter().flatten().flatten().all(by_two) {
            return Ok(None);
        }
        check(self.step, &asked, &certificate)?;
        Ok(Some(Proof {
            question: asked,
            certificate,
        }))
    }

    /// The proof under conditions, if there is one.
    fn attempt(&self, conditions: &[Condition]) -> Result<Option<MapProof>, DecideError> {
        let Some(scaling) = self.proof::<Ratio>(conditions)? else {
            return Ok(None);
        };
        let turns = |c: &Condition| matches!(c, Condition::SignChanges(_));
        let mut signs = None;
        if !self.asked.negated.is_empty() || conditions.iter().any(turns) {
            signs = self.proof::<Parity>(conditions)?;
            if signs.is_none() {
                return Ok(None);
            }
        }
        let weights = scaling.certificate.weights().unwrap_or_default();
        let weight = |id: NodeId| weights.get(id.index())?.as_ref()?.first().cloned();
        let carried = |id: &NodeId| {
            let kind = self.step.graph.leaf_at(*id).map(|leaf| &leaf.kind);
            !matches!(kind, Some(LeafKind::Data | LeafKind::StepNumber))
        };
        let leaves = self.step.graph.leaves().filter(|(_, id)| carried(id));
        Ok(Some(MapProof {
            weights: leaves
                .filter_map(|(name, id)| Some((name.to_owned(), weight(id)?)))
                .collect(),
            scaling,
            signs,
        }))
    }

    /// Every smallest set of conditions with up to [`LARGEST_SET`] members; where there is none,
    /// what is left of all conditions when those are dropped that can be.
    fn alternatives(&self) -> Result<Vec<Alternative>, DecideError> {
        let toggles = &self.asked.conditions;
        let mut found: Vec<Alternative> = vec![];
        let mut sets: Vec<Vec<usize>> = vec![vec![]];
        for _ in 0..LARGEST_SET {
            let longer = sets.iter().flat_map(|set| {
                let next = set.last().map_or(0, |last| last + 1);
                (next..toggles.len()).map(move |i| set.iter().copied().chain([i]).collect())
            });
            sets = longer.collect();
            for set in &sets {
                let conditions: Vec<Condition> = set.iter().map(|i| toggles[*i].clone()).collect();
                let within = |a: &Alternative| a.conditions.iter().all(|c| conditions.contains(c));
                if found.iter().any(within) && !planted(Fault::ConditionsNotReduced) {
                    continue;
                }
                if let Some(proof) = self.attempt(&conditions)? {
                    found.push(Alternative { conditions, proof });
                }
            }
        }
        let off = |c: &&Condition| !matches!(c, Condition::SignChanges(_));
        let mut kept: Vec<Condition> = toggles.iter().filter(off).cloned().collect();
        if !found.is_empty() || self.attempt(&kept)?.is_none() {
            return Ok(found);
        }
        for condition in kept.clone().iter().rev() {
            let fewer: Vec<Condition> = kept.iter().filter(|c| *c != condition).cloned().collect();
            if self.attempt(&fewer)?.is_some() {
                kept = fewer;
            }
        }
        if let Some(proof) = self.attempt(&kept)? {
            found.push(Alternative {
                conditions: kept,
                proof,
            });
        }
        Ok(found)
    }

    /// The reasons for which the powers do not go together, or where these do, the signs.
    fn conflict(&self) -> Vec<Constraint> {
        match self.weights::<Ratio>(&[]) {
            None => self.conflict_of::<Ratio>(),
            Some(_) => self.conflict_of::<Parity>(),
        }
    }

    fn conflict_of<F: Field>(&self) -> Vec<Constraint> {
        let Some((system, _)) = self.system::<F>(&[]) else {
            return Vec::new();
        };
        let power = system.columns.len() - 1;
        irreducible(system.columns.len(), power, &distinct(&system))
            .into_iter()
            .map(|equation| constraint(self.step, &system, equation))
            .collect()
    }
}

fn known<'n>(
    what: &'static str,
    names: impl IntoIterator<Item = &'n String>,
    all: &[&str],
) -> Result<(), DecideError> {
    let unknown = |name: &&String| !all.contains(&name.as_str());
    match names.into_iter().find(unknown) {
        None => Ok(()),
        Some(name) => Err(DecideError::Unknown {
            what,
            name: name.clone(),
            known: all.join(", "),
        }),
    }
}
