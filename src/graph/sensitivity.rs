//! The effect of a change of any node on the results of a step: the reverse mode over given values.
//!
//! A gradient of the loss is part of a step; a sensitivity is about a step. It asks how results
//! change when the value of some node does, as a rounding makes it. So it is a graph of its own,
//! whose leaves are the values of the step's nodes: they may be numbers of one run or enclosures
//! of many. It goes on where a gradient by convention stops: through what is detached, and
//! through the gradient's own nodes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::gradient::{Source, accumulate, parts};
use super::{
    Builder, Comparison, Expr, Graph, GraphError, LeafKind, NodeId, Output, Shape, StepGraph,
};

/// The adjoint of a step over the values of its nodes.
#[derive(Debug)]
pub struct Sensitivity {
    /// The graph as a step without parameters. Its outputs are the adjoints, named by
    /// [`Sensitivity::name`].
    pub step: StepGraph,
    /// The leaf that takes the value of a node of the original step.
    pub values: BTreeMap<NodeId, NodeId>,
    /// The leaf that takes the factor with which a node passes a change of its (first) operand
    /// on, where that is not read off values: of the operand's shape for a row maximum, of the
    /// node's for |x|, max, min, cosines and powers; of a `select`, 1 where it takes its first
    /// branch and 0 where it takes the second.
    pub slopes: BTreeMap<NodeId, NodeId>,
    /// The leaf that says of each entry of a node whether it can change: not 0 where it can.
    pub live: BTreeMap<NodeId, NodeId>,
    /// The leaf that takes the adjoint with which a seeded node begins.
    pub seeds: BTreeMap<NodeId, NodeId>,
    /// The nodes that hold the adjoints.
    pub adjoints: BTreeMap<NodeId, NodeId>,
}

impl Sensitivity {
    /// The adjoint of `original` from the nodes `seeds`.
    ///
    /// # Errors
    /// [`GraphError::NotDifferentiable`] for a matrix square root or an opaque loss.
    pub fn new(original: &StepGraph, seeds: &BTreeSet<NodeId>) -> Result<Self, GraphError> {
        let graph = &original.graph;
        let builder = Builder::new();
        let leaves = Leaves {
            builder: &builder,
            graph,
            values: RefCell::default(),
            slopes: RefCell::default(),
            live: RefCell::default(),
        };
        let mut adjoints: BTreeMap<NodeId, Expr<'_>> = BTreeMap::new();
        let mut seeded = BTreeMap::new();
        for id in seeds {
            // A parameter of the new step, since it changes while the values stay.
            let leaf = builder.leaf(
                &format!("seed{}", id.index()),
                LeafKind::Parameter,
                graph.node(*id).shape.clone(),
            );
            seeded.insert(*id, leaf.id());
            adjoints.insert(*id, leaf);
        }
        for id in graph.ids().rev() {
            let Some(&adjoint) = adjoints.get(&id) else {
                continue;
            };
            for (operand, part) in parts(&leaves, id, &graph.node(id).op, adjoint)? {
                let shape = &graph.node(operand).shape;
                accumulate(&mut adjoints, operand, part, shape);
            }
        }
        let adjoints: BTreeMap<NodeId, NodeId> = adjoints
            .into_iter()
            .map(|(id, adjoint)| (id, adjoint.broadcast_to(&graph.node(id).shape).id()))
            .collect();
        let outputs = adjoints.iter().map(|(id, node)| Output {
            name: Self::name(*id),
            node: *node,
        });
        let outputs = outputs.collect();
        let loss = builder.ratio(0, 1).id();
        let (values, slopes, live) = (
            leaves.values.into_inner(),
            leaves.slopes.into_inner(),
            leaves.live.into_inner(),
        );
        Ok(Self {
            step: StepGraph {
                graph: builder.finish()?,
                loss,
                parameters: vec![],
                states: vec![],
                outputs,
                first_step: 1,
            },
            values,
            slopes,
            live,
            seeds: seeded,
            adjoints,
        })
    }

    /// The name of the output that holds the adjoint of `id`.
    pub fn name(id: NodeId) -> String {
        format!("adjoint{}", id.index())
    }
}

/// Leaves in the place of the original's nodes, made when they are asked for.
struct Leaves<'g> {
    builder: &'g Builder,
    graph: &'g Graph,
    values: RefCell<BTreeMap<NodeId, NodeId>>,
    slopes: RefCell<BTreeMap<NodeId, NodeId>>,
    live: RefCell<BTreeMap<NodeId, NodeId>>,
}

impl<'g> Leaves<'g> {
    fn leaf(
        &self,
        known: &RefCell<BTreeMap<NodeId, NodeId>>,
        kind: &str,
        id: NodeId,
        shape: &Shape,
    ) -> Expr<'g> {
        let mut known = known.borrow_mut();
        let leaf = known.entry(id).or_insert_with(|| {
            let name = format!("{kind}{}", id.index());
            self.builder.leaf(&name, LeafKind::Data, shape.clone()).id()
        });
        self.builder.at(*leaf)
    }
}

impl<'g> Source<'g> for Leaves<'g> {
    fn builder(&self) -> &'g Builder {
        self.builder
    }

    fn value(&self, id: NodeId) -> Expr<'g> {
        self.leaf(&self.values, "value", id, &self.graph.node(id).shape)
    }

    fn slope(
        &self,
        id: NodeId,
        _: impl FnOnce() -> Result<Expr<'g>, GraphError>,
    ) -> Result<Expr<'g>, GraphError> {
        let node = self.graph.node(id);
        let shape = match &node.op {
            super::Op::Unary(super::Unary::RowMax, x) => &self.graph.node(*x).shape,
            _ => &node.shape,
        };
        Ok(self.leaf(&self.slopes, "slope", id, shape))
    }

    fn branches(
        &self,
        id: NodeId,
        adjoint: Expr<'g>,
        _: (Comparison, NodeId, NodeId),
    ) -> [Expr<'g>; 2] {
        let taken = self.leaf(&self.slopes, "slope", id, &self.graph.node(id).shape);
        [adjoint * taken, adjoint * (1 - taken)]
    }

    fn guarded(&self, out: NodeId, x: NodeId, part: Expr<'g>) -> Expr<'g> {
        let live = |id| self.leaf(&self.live, "live", id, &self.graph.node(id).shape);
        live(out).if_equal(0, 0, live(x).if_equal(0, 0, part))
    }

    fn passes_detached(&self) -> bool {
        true
    }
}
