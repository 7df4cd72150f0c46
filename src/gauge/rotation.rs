//! The mixings of the ranks that leave a run unchanged: `A → Q·A`, `B → B·Qᵀ`.
//!
//! Every tensor with an axis of the dimension `r` is taken along by `Q` on it, or, where signs are
//! lost (as in squares), by the permutation alone that a signed permutation consists of. One pass
//! over the step decides whether each operation commutes with that; [`super::group_action`] has the law of
//! each. In doubt a mixing is not allowed.

use std::collections::{BTreeMap, BTreeSet};

use super::group_action::{Action, Fault, Laws, Mixing, RANK, free};
use super::words::{call, place};
use super::zero::zeros;
use crate::graph::{LeafKind, NodeId, StepGraph};

/// The pair of trained tensors that has it: r × n and n × r.
const PAIR: [&str; 2] = ["A", "B"];

/// The mixings of the ranks that a step admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotations {
    /// The largest group that is certain to leave loss and `W` unchanged; `None` where not even
    /// the permutations are.
    pub allowed: Option<Mixing>,
    /// The obstacle to each larger group, the largest first: the node, and in words.
    pub obstacles: Vec<(Mixing, NodeId, String)>,
}

impl Rotations {
    /// The obstacle to the next larger group; `None` where all are allowed.
    pub fn because(&self) -> Option<&str> {
        self.obstacles.last().map(|(_, _, why)| why.as_str())
    }
}

/// Decides which mixings of the ranks leave the loss and the outputs without a rank axis unchanged
/// at every step, in exact arithmetic. `None` where the trained tensors with the dimension `r` are
/// not the pair `A`, r × n, and `B`, n × r.
pub fn rotations(step: &StepGraph) -> Option<Rotations> {
    let pair = pair(step)?;
    let zero = zeros(&step.graph, &BTreeSet::new());
    let mut obstacles = Vec::new();
    for mixing in Mixing::ALL {
        let Err(fault) = admits(step, mixing, &pair, &zero) else {
            let allowed = Some(mixing);
            return Some(Rotations { allowed, obstacles });
        };
        obstacles.push((mixing, fault.node, in_words(step, fault)));
    }
    let allowed = None;
    Some(Rotations { allowed, obstacles })
}

/// The leaves A and B, if they are as they must be.
fn pair(step: &StepGraph) -> Option<[NodeId; 2]> {
    let ranked: Vec<&str> = step
        .parameters
        .iter()
        .filter(|p| {
            let shape = &step.graph.node(p.leaf).shape;
            shape
                .rows
                .names()
                .chain(shape.cols.names())
                .any(|n| n == RANK)
        })
        .map(|p| p.name.as_str())
        .collect();
    if ranked.len() != 2 {
        return None;
    }
    let [a, b] = PAIR.map(|name| step.parameter(name).map(|p| p.leaf));
    let (a, b) = (a?, b?);
    let only = |dim: &crate::graph::Dim, wanted: bool| {
        let names: Vec<&str> = dim.names().collect();
        if wanted {
            names == [RANK]
        } else {
            !names.contains(&RANK)
        }
    };
    let (of_a, of_b) = (&step.graph.node(a).shape, &step.graph.node(b).shape);
    let fits = only(&of_a.rows, true)
        && only(&of_a.cols, false)
        && only(&of_b.rows, false)
        && only(&of_b.cols, true);
    fits.then_some([a, b])
}

/// Nothing if the step commutes with the group; else the first node that does not.
fn admits(
    step: &StepGraph,
    mixing: Mixing,
    [a, b]: &[NodeId; 2],
    zero: &[bool],
) -> Result<(), Fault> {
    // Under permutations there is no sign to keep track of.
    let whole = match mixing {
        Mixing::Permutation => Action::Permuted,
        Mixing::SignedPermutation | Mixing::Orthogonal => Action::Mixed,
    };
    let mut leaves = BTreeMap::from([(*a, [whole, Action::Fixed]), (*b, [Action::Fixed, whole])]);
    // How the memory turns follows from what it starts as and becomes; what is open is guessed
    // from what is known, until nothing more is. A wrong guess is found out below.
    let memory = step.states.iter().map(|s| s.leaf);
    leaves.extend(memory.map(|leaf| (leaf, free(step, leaf))));
    loop {
        let found = Laws::new(step, mixing, whole, zero, &leaves);
        let mut news = Vec::new();
        for state in &step.states {
            let mut label = leaves[&state.leaf];
            for source in [state.initial, state.next] {
                let Ok(known) = found.of(source) else {
                    continue;
                };
                for (own, known) in label.iter_mut().zip(known) {
                    if *own == Action::Free {
                        *own = known;
                    }
                }
            }
            if leaves[&state.leaf] != label {
                news.push((state.leaf, label));
            }
        }
        if news.is_empty() {
            break;
        }
        leaves.extend(news);
    }
    for label in leaves.values_mut().flatten() {
        if *label == Action::Free {
            *label = whole;
        }
    }
    let found = Laws::new(step, mixing, whole, zero, &leaves);
    let next = step.parameters.iter().map(|p| (p.leaf, p.next));
    let memory = step.states.iter();
    let memory = memory.flat_map(|s| [(s.leaf, s.initial), (s.leaf, s.next)]);
    let kept = next.chain(memory).map(|(leaf, value)| {
        let (own, value_label) = (found.of(leaf)?, found.of(value)?);
        let pairs = || own.iter().zip(&value_label);
        match pairs().all(|(own, value)| own == value || *value == Action::Free) {
            true => Ok(()),
            false => Err(Fault {
                node: value,
                why: "does not turn as the tensor does whose value it becomes",
            }),
        }
    });
    let loss = found.of(step.loss).map(|_| ());
    let faults = std::iter::once(loss).chain(kept).filter_map(Result::err);
    faults.min_by_key(|fault| fault.node).map_or(Ok(()), Err)
}

fn in_words(step: &StepGraph, fault: Fault) -> String {
    let node = call(step, fault.node);
    let why = fault.why;
    let is_named = step.graph.label(fault.node).is_some()
        || step.graph.leaf_at(fault.node).is_some_and(|leaf| {
            matches!(
                leaf.kind,
                LeafKind::Data | LeafKind::Parameter | LeafKind::State
            )
        });
    // The first value of a state is used by nothing that has a name.
    match place(step, fault.node) {
        place if !is_named && !place.starts_with('%') => format!("{node}, in `{place}`, {why}"),
        _ => format!("{node} {why}"),
    }
}
