//! From a graph and sizes to a list of instructions over numbered buffers.

use std::collections::BTreeMap;

use super::schedule::{Buffers, Phases, dimension, next_values};
use super::{ExecError, Options, Sizes};
use crate::graph::{Binary, Comparison, LeafKind, NodeId, Op, StepGraph, Unary};

/// What an instruction does, over buffer numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kernel {
    Constant,
    Count(usize),
    Identity,
    Unary(Unary, usize),
    Binary(Binary, usize, usize),
    Select {
        comparison: Comparison,
        lhs: usize,
        rhs: usize,
        then: usize,
        otherwise: usize,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction {
    pub node: NodeId,
    pub out: usize,
    pub kernel: Kernel,
}

/// A copy from one buffer to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub from: usize,
    pub to: usize,
}

/// The order in which a step is evaluated and the buffer of each node.
///
/// What depends neither on parameters, states nor the step number is computed once; then, each
/// step, what the loss and the outputs need; then the rest. Nodes on which no result depends
/// are left out.
#[derive(Debug)]
pub struct Plan<'g> {
    step: &'g StepGraph,
    pub(super) buffers: Buffers,
    /// The leaves whose values are given.
    pub(super) given: Vec<(NodeId, usize)>,
    pub(super) step_number: Option<(NodeId, usize)>,
    pub(super) once: Vec<Instruction>,
    /// First values of states as far as they depend on parameters.
    pub(super) initial: Vec<Instruction>,
    pub(super) first_states: Vec<Move>,
    pub(super) forward: Vec<Instruction>,
    pub(super) rest: Vec<Instruction>,
    /// The buffers in which an undefined entry is an error after `forward`.
    pub(super) seen: Vec<usize>,
    /// The same after `rest`.
    pub(super) next: Vec<usize>,
    /// Next values that are themselves leaves are moved aside before leaves are overwritten.
    pub(super) aside: Vec<Move>,
    pub(super) commit: Vec<Move>,
    pub(super) loss: usize,
    pub(super) outputs: BTreeMap<String, usize>,
}

impl<'g> Plan<'g> {
    /// Plans `step` for `sizes`.
    ///
    /// # Errors
    /// [`ExecError::UnknownDimension`], [`ExecError::TooLarge`], [`ExecError::Opaque`] and
    /// [`ExecError::UnknownOutput`].
    pub fn new(step: &'g StepGraph, sizes: &Sizes, options: &Options) -> Result<Self, ExecError> {
        let outputs = options.outputs.of(step)?;
        let seen: Vec<NodeId> = std::iter::once(step.loss)
            .chain(outputs.iter().map(|(_, id)| *id))
            .collect();
        let phases = Phases::new(step, &seen);
        let mut buffers = Buffers::assign(step, sizes, options.keep, &phases, &seen)?;

        let mut given = vec![];
        let mut step_number = None;
        for id in phases.leaves.iter().copied() {
            let own = (id, buffers.at(id));
            match step.graph.leaf_at(id).map(|leaf| &leaf.kind) {
                Some(LeafKind::StepNumber) => step_number = Some(own),
                Some(LeafKind::State) | None => {}
                Some(_) => given.push(own),
            }
        }
        let mut aside = vec![];
        let mut commit = vec![];
        for (leaf, next) in next_values(step) {
            let to = buffers.at(leaf);
            let mut from = buffers.at(next);
            let is_moving = step.graph.leaf_at(next).is_some() && phases.varies[next.index()];
            if from != to && is_moving {
                let spare = buffers.fresh(buffers.shapes[from]);
                aside.push(Move { from, to: spare });
                from = spare;
            }
            if from != to {
                commit.push(Move { from, to });
            }
        }
        let compile = |ids: &[NodeId]| -> Result<Vec<Instruction>, ExecError> {
            let compiled = ids.iter().map(|id| compile(step, sizes, *id, &buffers));
            compiled.collect()
        };
        let first_states = step.states.iter().map(|s| Move {
            from: buffers.at(s.initial),
            to: buffers.at(s.leaf),
        });
        Ok(Self {
            step,
            given,
            step_number,
            once: compile(&phases.once)?,
            initial: compile(&phases.initial)?,
            first_states: first_states.collect(),
            forward: compile(&phases.forward)?,
            rest: compile(&phases.rest)?,
            seen: seen.iter().map(|id| buffers.at(*id)).collect(),
            next: next_values(step).map(|(_, x)| buffers.at(x)).collect(),
            aside,
            commit,
            loss: buffers.at(step.loss),
            outputs: (outputs.into_iter())
                .map(|(name, id)| (name, buffers.at(id)))
                .collect(),
            buffers,
        })
    }

    /// The step that is planned.
    pub fn step(&self) -> &'g StepGraph {
        self.step
    }

    /// The names of the outputs that are computed.
    pub fn output_names(&self) -> impl Iterator<Item = &str> {
        self.outputs.keys().map(String::as_str)
    }

    /// The number of buffers.
    #[cfg(test)]
    pub fn buffers(&self) -> usize {
        self.buffers.shapes.len()
    }
}

fn compile(
    step: &StepGraph,
    sizes: &Sizes,
    id: NodeId,
    buffers: &Buffers,
) -> Result<Instruction, ExecError> {
    let at = |id: NodeId| buffers.at(id);
    let kernel = match &step.graph.node(id).op {
        Op::Leaf(_) | Op::Constant(_) => Kernel::Constant,
        Op::Count(dim) => Kernel::Count(dimension(step, sizes, id, dim)?),
        Op::Identity(_) => Kernel::Identity,
        Op::Unary(Unary::OpaqueLoss | Unary::OpaqueGradient, _) => {
            return Err(ExecError::Opaque {
                node: step.graph.describe(id),
            });
        }
        Op::Unary(op, x) => Kernel::Unary(*op, at(*x)),
        Op::Binary(op, x, y) => Kernel::Binary(*op, at(*x), at(*y)),
        Op::Select {
            comparison,
            lhs,
            rhs,
            then,
            otherwise,
        } => Kernel::Select {
            comparison: *comparison,
            lhs: at(*lhs),
            rhs: at(*rhs),
            then: at(*then),
            otherwise: at(*otherwise),
        },
    };
    Ok(Instruction {
        node: id,
        out: at(id),
        kernel,
    })
}
