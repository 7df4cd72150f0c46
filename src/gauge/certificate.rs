//! The weights of all nodes as plain data: what a checker needs besides the graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::infer::{Options, Rule, Tied};
use crate::arith::{Ratio, parse_ratio, show_ratio};
use crate::graph::{Binary, Comparison, Graph, LeafKind, NodeId, Op, StepGraph, print};

/// The format's name and version.
const SCHEMA: &str = "lora-gauge/certificate/1";

/// Which kind of transformation a weight describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Symmetry {
    /// Multiplication by a power of a positive number; weights are rational exponents.
    Scaling,
    /// Multiplication by 1 or −1; weights are parities, 0 or 1.
    Sign,
}

/// A claim that a step is homogeneous, with a weight for every node.
///
/// It mentions dimensions by name only, so it holds for every size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// `lora-gauge/certificate/1`.
    pub schema: String,
    /// Whether weights are exponents of positive factors or parities.
    pub symmetry: Symmetry,
    /// Names of the factors; every weight has one entry per factor.
    pub generators: Vec<String>,
    /// The nodes of the step graph, operands first.
    pub nodes: Vec<CertifiedNode>,
    /// Trained tensors: the next value weighs what the current one weighs.
    pub parameters: Vec<CertifiedUpdate>,
    /// Optimizer memory: so does the next value, and the first.
    pub states: Vec<CertifiedUpdate>,
    /// The node of the loss, whose weight is 0.
    pub loss: usize,
    /// The outputs whose weight is certified, by name.
    pub outputs: BTreeMap<String, usize>,
    /// Base names of hyperparameters whose copies are one number.
    pub tied: Vec<String>,
    /// Leaves of weight 0 by demand.
    pub held: Vec<String>,
    /// Whether the loss may be rescaled, too.
    pub free_loss: bool,
    /// Whether the factors are such that every rounded quantity is multiplied by a power of two.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub powers_of_two: bool,
    /// Constants that are rescaled as if they were hyperparameters.
    pub free_constants: Vec<usize>,
    /// The map that is certified, where it was given and not derived.
    pub claim: Option<Claim>,
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

/// What a leaf stands for.
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

/// A map in powers of one number `k`, under conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The power of every hyperparameter, by leaf name.
    pub hyperparameters: BTreeMap<String, String>,
    /// The power of every parameter's first value, by name.
    pub initial: BTreeMap<String, String>,
    /// Hyperparameters that are 0.
    pub zero_hyperparameters: BTreeSet<String>,
    /// Parameters whose first value is 0.
    pub zero_initials: BTreeSet<String>,
}

impl Certificate {
    /// The certificate of `step` without any weight or assumption: what it must say about the
    /// graph.
    pub fn skeleton(step: &StepGraph) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            symmetry: Symmetry::Scaling,
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
            outputs: BTreeMap::new(),
            tied: Vec::new(),
            held: Vec::new(),
            free_loss: false,
            powers_of_two: false,
            free_constants: Vec::new(),
            claim: None,
        }
    }

    /// The certificate of a solved rule.
    pub(super) fn of_rule(
        step: &StepGraph,
        options: &Options,
        rule: &Rule,
        symmetry: Symmetry,
    ) -> Self {
        let mut certificate = Self::skeleton(step);
        certificate.symmetry = symmetry;
        certificate.generators = rule.generators.iter().map(|g| g.name.clone()).collect();
        certificate.put_weights(&rule.node_weights);
        certificate.outputs = step
            .outputs
            .iter()
            .filter(|o| rule.outputs.get(&o.name).is_some_and(Option::is_some))
            .map(|o| (o.name.clone(), o.node.index()))
            .collect();
        certificate.tied = match &options.tied {
            Tied::None => Vec::new(),
            Tied::Only(bases) => bases.iter().cloned().collect(),
            Tied::All => {
                let all: BTreeSet<&String> = rule.bases.values().collect();
                all.into_iter().cloned().collect()
            }
        };
        certificate.held = options.held.iter().cloned().collect();
        certificate.free_loss = options.free_loss;
        certificate.powers_of_two = options.powers_of_two;
        certificate.free_constants = options.free_constants.iter().map(|c| c.index()).collect();
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
            let fits = self.symmetry == Symmetry::Scaling || ["0", "1"].contains(&text.as_str());
            fits.then_some(number)
        };
        let weight = |node: &CertifiedNode| match &node.weight {
            None => Some(None),
            Some(texts) if texts.len() != self.generators.len() => None,
            Some(texts) => Some(Some(texts.iter().map(number).collect::<Option<Vec<_>>>()?)),
        };
        self.nodes.iter().map(weight).collect()
    }

    /// The same without weights, assumptions and outputs; equals [`Certificate::skeleton`] of
    /// the step it is about.
    pub fn stripped(&self) -> Self {
        let mut bare = self.clone();
        bare.symmetry = Symmetry::Scaling;
        bare.generators = Vec::new();
        for node in &mut bare.nodes {
            node.weight = None;
        }
        bare.outputs = BTreeMap::new();
        (bare.tied, bare.held, bare.free_constants) = (Vec::new(), Vec::new(), Vec::new());
        bare.free_loss = false;
        bare.powers_of_two = false;
        bare.claim = None;
        bare
    }

    /// The canonical JSON text: fixed order of fields, sorted maps, no spaces.
    ///
    /// # Panics
    /// Never: strings, numbers and maps with text keys always have a JSON form.
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
        Op::Leaf(_) => "leaf".to_owned(),
        Op::Constant(q) => format!("constant {}", show_ratio(q)),
        Op::Count(dim) => format!("count {dim}"),
        Op::Identity(dim) => format!("identity {dim}"),
        Op::Unary(op, _) => print::unary_name(*op).to_owned(),
        Op::Binary(op, ..) => match op {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Max => "max",
            Binary::Min => "min",
            Binary::MatMul => "matmul",
            Binary::Power => "power",
            Binary::Atan2 => "atan2",
        }
        .to_owned(),
        Op::Select { comparison, .. } => match comparison {
            Comparison::Less => "select <",
            Comparison::LessEqual => "select <=",
            Comparison::Equal => "select =",
        }
        .to_owned(),
    }
}
