//! Nodes, leaves and the graph that holds them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use num_traits::Zero;

use super::{Op, Shape};
use crate::arith::show_ratio;

/// The position of a node in its graph. Operands stand before their users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// The position as an index into [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// The role of a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LeafKind {
    /// A trained tensor. Its initial value is given; the step computes the next one.
    Parameter,
    /// Memory of the optimizer.
    State,
    /// A frozen tensor or a batch: the same in both runs of a comparison.
    Data,
    /// A scalar that a user sets.
    Hyperparameter {
        /// The published name without the factor: `lr` of `lr_A`.
        base: String,
        /// `true` if 0 is an admissible setting that switches a term off.
        may_be_zero: bool,
    },
    /// The number of the step, counted from 1.
    StepNumber,
}

/// A named input of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// The unique name, for instance `A`, `lr_A` or `state.momentum_buffer_A`.
    pub name: String,
    /// The role.
    pub kind: LeafKind,
}

/// An operation together with the shape of its result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// The shape of the result.
    pub shape: Shape,
}

/// The reason for which a graph could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two operands do not fit together.
    #[error("{operation}: shapes {left} and {right} do not fit")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// The left operand's shape.
        left: Shape,
        /// The right operand's shape.
        right: Shape,
    },
    /// An exponent that is not the number of the step.
    #[error("an exponent must be the number of the step")]
    Exponent,
    /// A leaf name was used for two different things.
    #[error("the name `{0}` stands for two different leaves")]
    NameClash(String),
    /// The reverse mode met an operation that has no gradient here.
    #[error("no gradient through {0}")]
    NotDifferentiable(&'static str),
    /// A formula that cannot be read.
    #[error("`{formula}`, character {at}: {message}")]
    Formula {
        /// The formula.
        formula: String,
        /// The place, in characters from 1.
        at: usize,
        /// The text that was found, and what was expected.
        message: String,
    },
    /// A step without a loss, or a parameter or state that is not updated exactly once.
    #[error("{0}")]
    Incomplete(String),
    /// A whole number asks for too many copies of a part of the step.
    #[error("`{what}`: found {found}, expected at most {most}, since a step has each written out")]
    TooMany {
        /// The number's name.
        what: String,
        /// The number that was asked for.
        found: u32,
        /// The largest number that is admitted.
        most: u32,
    },
    /// A node that was to become a setting is not a constant.
    #[error("`{0}` is not a constant")]
    NotAConstant(String),
}

/// A list of nodes in which operands stand before their users, equal nodes shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
    labels: BTreeMap<NodeId, String>,
    interned: HashMap<Node, NodeId>,
    leaves: BTreeMap<String, NodeId>,
}

impl Graph {
    /// All nodes, operands first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node at `id`.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Every node's position, operands first.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The leaves by name.
    pub fn leaves(&self) -> impl Iterator<Item = (&str, NodeId)> {
        self.leaves.iter().map(|(name, id)| (name.as_str(), *id))
    }

    /// The leaf called `name`.
    pub fn leaf(&self, name: &str) -> Option<NodeId> {
        self.leaves.get(name).copied()
    }

    /// The leaf at `id`; `None` for other nodes.
    pub fn leaf_at(&self, id: NodeId) -> Option<&Leaf> {
        match &self.node(id).op {
            Op::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    /// The label a builder gave the node, for instance `clip.coef`.
    pub fn label(&self, id: NodeId) -> Option<&str> {
        self.labels.get(&id).map(String::as_str)
    }

    /// The name of the node in a message: its label, its leaf name, its constant, or `%n`.
    pub fn describe(&self, id: NodeId) -> String {
        if let Some(label) = self.label(id) {
            return label.to_owned();
        }
        match &self.node(id).op {
            Op::Leaf(leaf) => leaf.name.clone(),
            Op::Constant(q) => show_ratio(q),
            Op::Count(dim) => format!("|{dim}|"),
            Op::Identity(_) => "I".to_owned(),
            _ => id.to_string(),
        }
    }

    /// Marks of every node on which one of `roots` depends, the roots included.
    pub fn cone(&self, roots: impl IntoIterator<Item = NodeId>) -> Vec<bool> {
        let mut inside = vec![false; self.nodes.len()];
        for root in roots {
            inside[root.index()] = true;
        }
        for id in self.ids().rev() {
            if inside[id.index()] {
                let op = &self.node(id).op;
                op.fold((), |(), operand| inside[operand.index()] = true);
            }
        }
        inside
    }

    pub(super) fn push(&mut self, op: Op, shape: Shape) -> Result<NodeId, GraphError> {
        let node = Node { op, shape };
        // Every literal zero is a node of its own: zero keeps its value under any scaling, so
        // two zeros in different places may have different weights.
        let shareable = !matches!(&node.op, Op::Constant(q) if q.is_zero());
        if shareable && let Some(id) = self.interned.get(&node) {
            return Ok(*id);
        }
        let id = NodeId(self.nodes.len() as u32);
        if let Op::Leaf(leaf) = &node.op
            && self.leaves.insert(leaf.name.clone(), id).is_some()
        {
            return Err(GraphError::NameClash(leaf.name.clone()));
        }
        if shareable {
            self.interned.insert(node.clone(), id);
        }
        self.nodes.push(node);
        Ok(id)
    }

    /// Puts `leaf` in the place of the constant at `id`.
    pub(super) fn replace_constant(&mut self, id: NodeId, leaf: Leaf) -> Result<(), GraphError> {
        let is_constant = self
            .nodes
            .get(id.index())
            .is_some_and(|node| matches!(node.op, Op::Constant(_)));
        if !is_constant {
            let name = self.nodes.get(id.index()).map(|_| self.describe(id));
            return Err(GraphError::NotAConstant(
                name.unwrap_or_else(|| id.to_string()),
            ));
        }
        if self.leaves.contains_key(&leaf.name) {
            return Err(GraphError::NameClash(leaf.name));
        }
        self.interned.remove(&self.nodes[id.index()]);
        self.leaves.insert(leaf.name.clone(), id);
        self.nodes[id.index()].op = Op::Leaf(leaf);
        self.interned.insert(self.nodes[id.index()].clone(), id);
        Ok(())
    }

    pub(super) fn set_label(&mut self, id: NodeId, label: &str) {
        self.labels.entry(id).or_insert_with(|| label.to_owned());
    }
}
