//! The nodes that are zero whatever the inputs are.

use std::collections::BTreeSet;

use num_traits::Zero;

use crate::graph::{Binary, Graph, NodeId, Op, StateUpdate, StepGraph, Unary};

/// Marks every node that is zero because literal zeros, or the leaves in `zero_leaves`, are.
///
/// A zero keeps its value under every scaling, so it has every weight at once.
pub(super) fn zeros(graph: &Graph, zero_leaves: &BTreeSet<NodeId>) -> Vec<bool> {
    let mut zero: Vec<bool> = Vec::with_capacity(graph.nodes().len());
    for id in graph.ids() {
        let is = |x: &NodeId| zero[x.index()];
        let this = match &graph.node(id).op {
            Op::Leaf(_) => zero_leaves.contains(&id),
            Op::Constant(q) => q.is_zero(),
            Op::Count(_) | Op::Identity(_) => false,
            Op::Unary(op, x) => match op {
                Unary::Function(_) | Unary::OpaqueLoss | Unary::OpaqueGradient | Unary::Inverse => {
                    false
                }
                Unary::Neg
                | Unary::Abs
                | Unary::Sign
                | Unary::Sqrt
                | Unary::Transpose
                | Unary::Detach
                | Unary::SumTo
                | Unary::Broadcast
                | Unary::MatrixSqrt
                | Unary::Cast(_)
                | Unary::RowMax => is(x),
            },
            Op::Binary(op, x, y) => match op {
                Binary::Add | Binary::Sub | Binary::Max | Binary::Min => is(x) && is(y),
                Binary::Mul | Binary::MatMul => is(x) || is(y),
                Binary::Div => is(x) && !is(y),
                // 0⁰ is not asked for: steps are counted from 1. The angle of a point may be π.
                Binary::Power => is(x),
                Binary::Atan2 => false,
            },
            Op::Select {
                then, otherwise, ..
            } => is(then) && is(otherwise),
        };
        zero.push(this);
    }
    zero
}

/// The leaves that are zero before the first step: these parameters, and states whose first value is
/// zero then.
pub(super) fn zero_at_first(step: &StepGraph, parameters: &BTreeSet<String>) -> BTreeSet<NodeId> {
    let zero = parameters
        .iter()
        .filter_map(|name| Some(step.parameter(name)?.leaf));
    let mut leaves: BTreeSet<NodeId> = zero.collect();
    let first = zeros(&step.graph, &leaves);
    let states = step.states.iter().filter(|s| first[s.initial.index()]);
    leaves.extend(states.map(|s| s.leaf));
    leaves
}

/// The states that are zero in every run: they start at a literal zero, and their next value is
/// zero while they are.
pub fn vanishing_states(step: &StepGraph) -> BTreeSet<NodeId> {
    let mut vanishing: BTreeSet<NodeId> = step.states.iter().map(|s| s.leaf).collect();
    loop {
        let zero = zeros(&step.graph, &vanishing);
        let stays = |s: &&StateUpdate| zero[s.initial.index()] && zero[s.next.index()];
        let states = step.states.iter().filter(|s| vanishing.contains(&s.leaf));
        let left: BTreeSet<NodeId> = states.filter(stays).map(|s| s.leaf).collect();
        if left == vanishing {
            return left;
        }
        vanishing = left;
    }
}

/// The first node that divides by a zero.
pub(super) fn division_by_zero(graph: &Graph, zero: &[bool]) -> Option<NodeId> {
    graph.ids().find(|id| match &graph.node(*id).op {
        Op::Binary(Binary::Div, _, y) => zero[y.index()],
        Op::Unary(Unary::Inverse, x) => zero[x.index()],
        _ => false,
    })
}
