//! Which nodes are evaluated when, and which buffer each of them gets.

use std::collections::BTreeMap;

use super::{ExecError, Keep, Sizes};
use crate::graph::{Dim, NodeId, StepGraph};

/// The largest number of entries of one matrix.
pub const MAX_ENTRIES: usize = 1 << 28;

/// The nodes that are computed, by phase, operands first.
pub(super) struct Phases {
    /// The nodes that depend neither on parameters, states nor the step number.
    pub hoisted: Vec<NodeId>,
    /// First values of states, as far as they depend on parameters.
    pub initial: Vec<NodeId>,
    /// The nodes that loss and outputs need.
    pub forward: Vec<NodeId>,
    /// The nodes that only the next values need.
    pub rest: Vec<NodeId>,
    /// The leaves that are read.
    pub leaves: Vec<NodeId>,
    /// The nodes that change from step to step.
    pub varies: Vec<bool>,
}

impl Phases {
    /// Sorts the nodes of `step`, of which `seen` are the loss and the outputs.
    pub fn new(step: &StepGraph, seen: &[NodeId]) -> Self {
        let graph = &step.graph;
        let early = graph.cone(step.states.iter().map(|s| s.initial));
        let forward = graph.cone(seen.iter().copied());
        let later = graph.cone(next_values(step).flat_map(|(leaf, next)| [leaf, next]));
        let varies: Vec<bool> = step.lasting().iter().map(|lasting| !lasting).collect();
        let used = |i: usize| early[i] || forward[i] || later[i];
        let phase = |keep: &dyn Fn(usize) -> bool| -> Vec<NodeId> {
            let inner = graph.ids().filter(|id| graph.leaf_at(*id).is_none());
            inner.filter(|id| keep(id.index())).collect()
        };
        Self {
            hoisted: phase(&|i| used(i) && !varies[i]),
            initial: phase(&|i| varies[i] && early[i]),
            forward: phase(&|i| varies[i] && forward[i]),
            rest: phase(&|i| varies[i] && later[i] && !forward[i]),
            leaves: (graph.ids())
                .filter(|id| used(id.index()) && graph.leaf_at(*id).is_some())
                .collect(),
            varies,
        }
    }
}

/// The leaf and the next value of every parameter and state.
pub(super) fn next_values(step: &StepGraph) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
    let parameters = step.parameters.iter().map(|p| (p.leaf, p.next));
    parameters.chain(step.states.iter().map(|s| (s.leaf, s.next)))
}

/// The buffer of each node.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// Rows and columns of every buffer.
    pub shapes: Vec<(usize, usize)>,
    /// Buffers that may be used again, by shape.
    free: BTreeMap<(usize, usize), Vec<usize>>,
    of: Vec<Option<usize>>,
    /// Nodes that do not share their buffer.
    pinned: Vec<bool>,
}

impl Buffers {
    /// Gives every node of `phases` a buffer.
    pub fn assign(
        step: &StepGraph,
        sizes: &Sizes,
        keep: Keep,
        phases: &Phases,
        seen: &[NodeId],
    ) -> Result<Self, ExecError> {
        let nodes = step.graph.nodes().len();
        let mut buffers = Self {
            of: vec![None; nodes],
            pinned: vec![keep == Keep::Everything; nodes],
            ..Self::default()
        };
        // The last two phases are repeated every step; the first two are not.
        let order = [
            phases.hoisted.as_slice(),
            &phases.initial,
            &phases.forward,
            &phases.rest,
        ]
        .concat();
        let setup = phases.hoisted.len() + phases.initial.len();
        let last_use = last_uses(step, &order, setup);
        buffers.pin(step, phases, seen, &|id| last_use[id.index()] >= setup);

        for id in &phases.leaves {
            let own = buffers.fresh(size_of(step, sizes, *id)?);
            buffers.of[id.index()] = Some(own);
        }
        let mut dying = vec![vec![]; order.len() + 1];
        for (position, id) in order.iter().enumerate() {
            let shape = size_of(step, sizes, *id)?;
            // The result gets its buffer before those of dying operands are free, so that no
            // kernel writes where it reads.
            if buffers.of[id.index()].is_none() {
                let pinned = buffers.pinned[id.index()];
                let buffer = if pinned {
                    buffers.fresh(shape)
                } else {
                    buffers.take(shape)
                };
                buffers.of[id.index()] = Some(buffer);
                if !pinned {
                    dying[last_use[id.index()].max(position)].push(buffer);
                }
            }
            for buffer in std::mem::take(&mut dying[position]) {
                buffers.release(buffer);
            }
        }
        Ok(buffers)
    }

    /// Notes which nodes need a buffer of their own: those whose value is read after their
    /// phase has gone on, or in another phase than the one that computed it.
    fn pin(
        &mut self,
        step: &StepGraph,
        phases: &Phases,
        seen: &[NodeId],
        is_read_in_steps: &dyn Fn(NodeId) -> bool,
    ) {
        let results = seen.iter().copied();
        let results = results.chain(next_values(step).map(|(_, next)| next));
        let results = results.chain(phases.leaves.iter().copied());
        let constants = phases.hoisted.iter().copied();
        let constants = constants.filter(|id| is_read_in_steps(*id));
        for id in results.chain(constants) {
            self.pinned[id.index()] = true;
        }
    }

    /// The buffer of `id`; nodes that are not computed have none and must not be asked for.
    pub fn at(&self, id: NodeId) -> usize {
        self.of[id.index()].unwrap_or(usize::MAX)
    }

    /// The buffer of `id` where its value stays readable.
    pub fn readable(&self, id: NodeId) -> Option<usize> {
        let kept = *self.pinned.get(id.index())?;
        self.of[id.index()].filter(|_| kept)
    }

    /// A buffer that nothing else uses.
    pub fn fresh(&mut self, shape: (usize, usize)) -> usize {
        self.shapes.push(shape);
        self.shapes.len() - 1
    }

    fn take(&mut self, shape: (usize, usize)) -> usize {
        let free = self.free.get_mut(&shape).and_then(Vec::pop);
        free.unwrap_or_else(|| self.fresh(shape))
    }

    fn release(&mut self, buffer: usize) {
        let shape = self.shapes[buffer];
        self.free.entry(shape).or_default().push(buffer);
    }
}

/// The position in `order` at which each node is read for the last time; first values of states
/// are read when the set-up ends.
fn last_uses(step: &StepGraph, order: &[NodeId], setup: usize) -> Vec<usize> {
    let mut last = vec![0; step.graph.nodes().len()];
    for (position, id) in order.iter().enumerate() {
        for operand in step.graph.node(*id).op.operands() {
            last[operand.index()] = position;
        }
    }
    for state in &step.states {
        let last = &mut last[state.initial.index()];
        *last = (*last).max(setup);
    }
    last
}

/// The size of a dimension that `id` mentions.
pub(super) fn dimension(
    step: &StepGraph,
    sizes: &Sizes,
    id: NodeId,
    dim: &Dim,
) -> Result<usize, ExecError> {
    let unknown = dim.names().find(|name| sizes.get(name).is_none());
    if let Some(name) = unknown {
        return Err(ExecError::UnknownDimension {
            dimension: name.to_owned(),
            node: step.graph.describe(id),
        });
    }
    dim.size(|name| sizes.get(name))
        .ok_or_else(|| too_large(step, id))
}

fn too_large(step: &StepGraph, id: NodeId) -> ExecError {
    ExecError::TooLarge {
        node: step.graph.describe(id),
        shape: step.graph.node(id).shape.clone(),
    }
}

/// Rows and columns of a node.
pub(super) fn size_of(
    step: &StepGraph,
    sizes: &Sizes,
    id: NodeId,
) -> Result<(usize, usize), ExecError> {
    let shape = &step.graph.node(id).shape;
    let rows = dimension(step, sizes, id, &shape.rows)?;
    let cols = dimension(step, sizes, id, &shape.cols)?;
    match rows.checked_mul(cols) {
        Some(entries) if entries <= MAX_ENTRIES => Ok((rows, cols)),
        _ => Err(too_large(step, id)),
    }
}
