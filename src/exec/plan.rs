//! From a graph and sizes to a list of instructions over numbered buffers.

use std::collections::BTreeMap;

use super::{ExecError, Sizes};
use crate::graph::{Binary, Comparison, Dim, LeafKind, NodeId, Op, StepGraph, Unary};

/// The largest number of entries of one matrix.
pub const MAX_ENTRIES: usize = 1 << 28;

/// Which values can be read after they were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Leaves, loss, outputs and next values; other buffers are reused.
    #[default]
    Results,
    /// Every node on which a result depends has a buffer of its own.
    Everything,
}

/// Which outputs of the step are computed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outputs {
    /// None, and nothing that only they need.
    #[default]
    None,
    /// All of them.
    All,
    /// Those with these names.
    Named(Vec<String>),
}

/// What a plan provides for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Which values can be read.
    pub keep: Keep,
    /// Which outputs are computed.
    pub outputs: Outputs,
}

/// What an instruction does, over buffer numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kernel {
    Constant,
    Count(usize),
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
#[derive(Debug, Clone)]
pub struct Plan<'g> {
    step: &'g StepGraph,
    /// Rows and columns of every buffer.
    pub(super) shapes: Vec<(usize, usize)>,
    buffer: Vec<Option<usize>>,
    readable: Vec<bool>,
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
        let graph = &step.graph;
        let outputs = wanted(step, &options.outputs)?;
        let seen_nodes: Vec<NodeId> = std::iter::once(step.loss)
            .chain(outputs.iter().map(|(_, id)| *id))
            .collect();
        let next_nodes = || {
            let parameters = step.parameters.iter().map(|p| (p.leaf, p.next));
            parameters.chain(step.states.iter().map(|s| (s.leaf, s.next)))
        };
        let initial_nodes = || step.states.iter().map(|s| s.initial);

        let early = graph.cone(initial_nodes());
        let forward = graph.cone(seen_nodes.iter().copied());
        let later = graph.cone(next_nodes().flat_map(|(leaf, next)| [leaf, next]));
        let varies = varying(step);
        let used = |id: &NodeId| early[id.index()] || forward[id.index()] || later[id.index()];
        let computed: Vec<NodeId> = graph
            .ids()
            .filter(|id| used(id) && graph.leaf_at(*id).is_none())
            .collect();
        let phase = |keep: &dyn Fn(usize) -> bool| -> Vec<NodeId> {
            let kept = computed.iter().copied();
            kept.filter(|id| keep(id.index())).collect()
        };
        let once = phase(&|i| !varies[i]);
        let initial = phase(&|i| varies[i] && early[i]);
        let first = phase(&|i| varies[i] && forward[i]);
        let rest = phase(&|i| varies[i] && later[i] && !forward[i]);

        // Positions in the sequence once, initial, first, rest; the last two are repeated.
        let setup = once.len() + initial.len();
        let order: Vec<NodeId> = [once.as_slice(), &initial, &first, &rest].concat();
        let mut last_use = vec![0; graph.nodes().len()];
        for (position, id) in order.iter().enumerate() {
            for operand in graph.node(*id).op.operands() {
                last_use[operand.index()] = position;
            }
        }
        for id in initial_nodes() {
            last_use[id.index()] = last_use[id.index()].max(setup);
        }
        let mut pinned = vec![options.keep == Keep::Everything; graph.nodes().len()];
        for id in seen_nodes.iter().copied() {
            pinned[id.index()] = true;
        }
        for (_, next) in next_nodes() {
            pinned[next.index()] = true;
        }
        for id in &once {
            pinned[id.index()] |= last_use[id.index()] >= setup;
        }
        for id in &initial {
            pinned[id.index()] |= forward[id.index()] || later[id.index()];
        }

        let mut buffers = Buffers::default();
        let mut buffer: Vec<Option<usize>> = vec![None; graph.nodes().len()];
        let mut given = vec![];
        let mut step_number = None;
        for id in graph.ids().filter(used) {
            let Some(leaf) = graph.leaf_at(id) else {
                continue;
            };
            let own = buffers.fresh(size_of(step, sizes, id)?);
            buffer[id.index()] = Some(own);
            pinned[id.index()] = true;
            match leaf.kind {
                LeafKind::State => {}
                LeafKind::StepNumber => step_number = Some((id, own)),
                _ => given.push((id, own)),
            }
        }
        let mut dying: Vec<Vec<NodeId>> = vec![vec![]; order.len() + 1];
        for (position, id) in order.iter().enumerate() {
            let shape = size_of(step, sizes, *id)?;
            // The result gets its buffer before those of dying operands are free, so that no
            // kernel writes where it reads.
            if buffer[id.index()].is_none() {
                buffer[id.index()] = Some(if pinned[id.index()] {
                    buffers.fresh(shape)
                } else {
                    buffers.take(shape)
                });
                if !pinned[id.index()] {
                    dying[last_use[id.index()].max(position)].push(*id);
                }
            }
            for dead in std::mem::take(&mut dying[position]) {
                if let Some(b) = buffer[dead.index()] {
                    buffers.release(b);
                }
            }
        }

        let at = |id: NodeId| buffer[id.index()].unwrap_or_default();
        let compile = |ids: &[NodeId]| -> Result<Vec<Instruction>, ExecError> {
            ids.iter()
                .map(|id| compile(step, sizes, *id, &at))
                .collect()
        };
        let mut aside = vec![];
        let mut commit = vec![];
        for (leaf, next) in next_nodes() {
            let to = at(leaf);
            let mut from = at(next);
            let is_moving = graph.leaf_at(next).is_some() && varies[next.index()];
            if from != to && is_moving {
                let spare = buffers.fresh(buffers.shapes[from]);
                aside.push(Move { from, to: spare });
                from = spare;
            }
            if from != to {
                commit.push(Move { from, to });
            }
        }
        Ok(Self {
            once: compile(&once)?,
            initial: compile(&initial)?,
            forward: compile(&first)?,
            rest: compile(&rest)?,
            first_states: (step.states.iter())
                .map(|s| Move {
                    from: at(s.initial),
                    to: at(s.leaf),
                })
                .collect(),
            seen: seen_nodes.iter().map(|id| at(*id)).collect(),
            next: next_nodes().map(|(_, next)| at(next)).collect(),
            loss: at(step.loss),
            outputs: (outputs.into_iter())
                .map(|(name, id)| (name, at(id)))
                .collect(),
            shapes: buffers.shapes,
            readable: pinned,
            step,
            buffer,
            given,
            step_number,
            aside,
            commit,
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
    pub fn buffers(&self) -> usize {
        self.shapes.len()
    }

    /// The buffer from which the value of `id` can be read at any time.
    pub(super) fn readable(&self, id: NodeId) -> Option<usize> {
        let kept = *self.readable.get(id.index())?;
        self.buffer[id.index()].filter(|_| kept)
    }
}

/// Buffers by shape, with those that are free.
#[derive(Debug, Default)]
struct Buffers {
    shapes: Vec<(usize, usize)>,
    free: BTreeMap<(usize, usize), Vec<usize>>,
}

impl Buffers {
    fn fresh(&mut self, shape: (usize, usize)) -> usize {
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

fn wanted(step: &StepGraph, outputs: &Outputs) -> Result<Vec<(String, NodeId)>, ExecError> {
    let all = step.outputs.iter().map(|o| (o.name.clone(), o.node));
    match outputs {
        Outputs::None => Ok(vec![]),
        Outputs::All => Ok(all.collect()),
        Outputs::Named(names) => {
            let find = |name: &String| {
                let found = all.clone().find(|(known, _)| known == name);
                found.ok_or_else(|| ExecError::UnknownOutput {
                    name: name.clone(),
                    known: match all.clone().map(|(n, _)| n).collect::<Vec<_>>() {
                        none if none.is_empty() => "none".to_owned(),
                        names => names.join(", "),
                    },
                })
            };
            names.iter().map(find).collect()
        }
    }
}

/// Which nodes change from step to step.
fn varying(step: &StepGraph) -> Vec<bool> {
    let graph = &step.graph;
    let mut varies = vec![false; graph.nodes().len()];
    for id in graph.ids() {
        varies[id.index()] = match graph.leaf_at(id).map(|leaf| &leaf.kind) {
            Some(LeafKind::Parameter | LeafKind::State | LeafKind::StepNumber) => true,
            Some(LeafKind::Data | LeafKind::Hyperparameter { .. }) => false,
            None => {
                let operands = graph.node(id).op.operands();
                operands.iter().any(|x| varies[x.index()])
            }
        };
    }
    varies
}

fn dimension(step: &StepGraph, sizes: &Sizes, id: NodeId, dim: &Dim) -> Result<usize, ExecError> {
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

fn compile(
    step: &StepGraph,
    sizes: &Sizes,
    id: NodeId,
    at: &dyn Fn(NodeId) -> usize,
) -> Result<Instruction, ExecError> {
    let kernel = match &step.graph.node(id).op {
        Op::Leaf(_) | Op::Constant(_) => Kernel::Constant,
        Op::Count(dim) => Kernel::Count(dimension(step, sizes, id, dim)?),
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
