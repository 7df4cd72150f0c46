//! The weights of all nodes as plain data: what a checker needs besides the graph.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::question::{Question, Symmetry};
use super::rule::Rule;
use crate::arith::{Ratio, parse_ratio, show_ratio};
use crate::graph::{Graph, LeafKind, NodeId, Op, StepGraph};

/// The format's name and version.
const SCHEMA: &str = "lora-gauge/certificate/2";

/// That a step is homogeneous, with a weight for every node.
///
/// It mentions dimensions by name only, so it holds for every size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// `lora-gauge/certificate/2`.
    pub schema: String,
    /// The question that it answers.
    pub question: Question,
    /// Names of the factors; every weight has one entry per factor.
    pub generators: Vec<String>,
    /// The nodes of the step graph, operands first.
    pub nodes: Vec<CertifiedNode>,
    /// Trained tensors: the next value weighs what the current one weighs.
    pub parameters: Vec<CertifiedUpdate>,
    /// Optimizer memory: so does the next value, and the first.
    pub states: Vec<CertifiedUpdate>,
    /// The node of the loss.
    pub loss: usize,
    /// The outputs by name.
    pub outputs: BTreeMap<String, usize>,
}

/// One node: what it computes and its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifiedNode {
    /// Position in the graph.
    pub index: usize,
    /// The operation, with its constant or dimension.
    pub operation: String,
    /// Positions of the operands.
    pub operands: Vec<usize>,
    /// Shape in named dimensions.
    pub shape: String,
    /// Name and role, for leaves.
    pub leaf: Option<CertifiedLeaf>,
    /// Exponents as rationals, one per generator. `None` for a node that is zero, or that
    /// nothing certified depends on.
    pub weight: Option<Vec<String>>,
}

/// The role of a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifiedLeaf {
    /// The leaf's name.
    pub name: String,
    /// `parameter`, `state`, `data`, `hyperparameter` or `step number`.
    pub role: String,
}

/// A tensor that the step replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifiedUpdate {
    /// Its name.
    pub name: String,
    /// The node of the current value.
    pub leaf: usize,
    /// The node of the first value; `None` for parameters, whose first value is given.
    pub initial: Option<usize>,
    /// The node of the next value.
    pub next: usize,
}

impl Certificate {
    /// The certificate of `step` without any weight or assumption: what it must say about the
    /// graph.
    pub fn skeleton(step: &StepGraph) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            question: Question::default(),
            generators: Vec::new(),
            nodes: step.graph.ids().map(|id| node(&step.graph, id)).collect(),
            parameters: step
                .parameters
                .iter()
                .map(|p| CertifiedUpdate {
                    name: p.name.clone(),
                    leaf: p.leaf.index(),
                    initial: None,
                    next: p.next.index(),
                })
                .collect(),
            states: step
                .states
                .iter()
                .map(|s| CertifiedUpdate {
                    name: s.name.clone(),
                    leaf: s.leaf.index(),
                    initial: Some(s.initial.index()),
                    next: s.next.index(),
                })
                .collect(),
            loss: step.loss.index(),
            outputs: step
                .outputs
                .iter()
                .map(|o| (o.name.clone(), o.node.index()))
                .collect(),
        }
    }

    /// The certificate of a solved rule.
    pub(super) fn of_rule(step: &StepGraph, question: Question, rule: &Rule) -> Self {
        let mut certificate = Self::skeleton(step);
        certificate.question = question;
        certificate.generators = rule.generators.iter().map(|g| g.name.clone()).collect();
        certificate.put_weights(&rule.node_weights);
        certificate
    }

    /// Sets the weight of every node.
    pub(super) fn put_weights(&mut self, weights: &[Option<Vec<Ratio>>]) {
        for (node, weight) in self.nodes.iter_mut().zip(weights) {
            node.weight = weight
                .as_ref()
                .map(|entries| entries.iter().map(show_ratio).collect());
        }
    }

    /// The weight of every node as numbers; `None` when a text is no number, a parity is neither
    /// 0 nor 1, or a weight has not one entry for each generator.
    pub fn weights(&self) -> Option<Vec<Option<Vec<Ratio>>>> {
        let number = |text: &String| {
            let number = parse_ratio(text).ok()?;
            let fits =
                self.question.symmetry == Symmetry::Scaling || ["0", "1"].contains(&text.as_str());
            fits.then_some(number)
        };
        let weight = |node: &CertifiedNode| match &node.weight {
            None => Some(None),
            Some(texts) if texts.len() != self.generators.len() => None,
            Some(texts) => Some(Some(texts.iter().map(number).collect::<Option<Vec<_>>>()?)),
        };
        self.nodes.iter().map(weight).collect()
    }

    /// The same without weights and question; equals [`Certificate::skeleton`] of the step it is
    /// about.
    pub fn stripped(&self) -> Self {
        let mut bare = self.clone();
        bare.question = Question::default();
        bare.generators = Vec::new();
        for node in &mut bare.nodes {
            node.weight = None;
        }
        bare
    }

    /// The canonical JSON text: fixed order of fields, sorted maps, no spaces.
    ///
    /// # Panics
    /// Never: strings, numbers and maps with text keys always have a JSON form.
    #[cfg_attr(
        not(test),
        expect(clippy::expect_used, reason = "plain data always has a JSON form")
    )]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data has a JSON form")
    }

    /// SHA-256 of [`Certificate::to_json`], in hexadecimal.
    pub fn sha256(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(self.to_json().as_bytes()) {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

fn node(graph: &Graph, id: NodeId) -> CertifiedNode {
    let node = graph.node(id);
    CertifiedNode {
        index: id.index(),
        operation: operation(&node.op),
        operands: node.op.operands().iter().map(|x| x.index()).collect(),
        shape: node.shape.to_string(),
        leaf: graph.leaf_at(id).map(|leaf| CertifiedLeaf {
            name: leaf.name.clone(),
            role: match leaf.kind {
                LeafKind::Parameter => "parameter",
                LeafKind::State => "state",
                LeafKind::Data => "data",
                LeafKind::Hyperparameter { .. } => "hyperparameter",
                LeafKind::StepNumber => "step number",
            }
            .to_owned(),
        }),
        weight: None,
    }
}

fn operation(op: &Op) -> String {
    match op {
        Op::Constant(q) => format!("{} {}", op.name(), show_ratio(q)),
        Op::Count(dim) | Op::Identity(dim) => format!("{} {dim}", op.name()),
        Op::Select { comparison, .. } => format!("{} {}", op.name(), comparison.sign()),
        Op::Leaf(_) | Op::Unary(..) | Op::Binary(..) => op.name().to_owned(),
    }
}
