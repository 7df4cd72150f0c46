//! An independent checker of certificates.
//!
//! It shares no code with the inference: it reads the graph and the certificate, and goes once
//! through the nodes. Whoever trusts this file (and the local laws in it, each a line of school
//! algebra) need not trust the solver. A node without a weight is one that is zero, or one that
//! nothing certified reads: whoever reads it without being able to is an error.

use num_traits::Zero;

use super::certificate::{Certificate, Claim};
use super::field::Symmetry;
use crate::arith::{Ratio, parse_ratio};
use crate::graph::{Binary, Comparison, LeafKind, NodeId, Op, StepGraph, Unary};

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It is about another graph, or its weights are not readable.
    #[error("the certificate does not fit the step: {0}")]
    Form(String),
    /// A node's weight does not follow from its operands' weights.
    #[error("node {node} ({operation}): {why}")]
    Node {
        #[doc = "Its name or position."]
        node: String,
        #[doc = "What it computes."]
        operation: String,
        #[doc = "What is wrong."]
        why: String,
    },
    /// A law about the step as a whole is broken.
    #[error("{0}")]
    Step(String),
}

struct Checker<'a> {
    step: &'a StepGraph,
    certificate: &'a Certificate,
    weights: Vec<Option<Vec<Ratio>>>,
    zero: Vec<bool>,
}

/// Accepts `certificate` only if it proves that `step` is homogeneous with these weights.
///
/// # Errors
/// [`CheckError`] names the first node or law that fails.
pub fn check(step: &StepGraph, certificate: &Certificate) -> Result<(), CheckError> {
    if certificate.stripped() != Certificate::skeleton(step) {
        return Err(CheckError::Form("it describes another graph".into()));
    }
    let no_claim = Claim::default();
    let claim = certificate.claim.as_ref().unwrap_or(&no_claim);
    let mut checker = Checker {
        step,
        certificate,
        weights: read_weights(certificate)?,
        zero: Vec::new(),
    };
    for id in step.graph.ids() {
        let zero = checker.is_zero(id, claim);
        checker.zero.push(zero);
        if !zero && checker.weights[id.index()].is_some() {
            checker.node(id).map_err(|why| CheckError::Node {
                node: step.graph.describe(id),
                operation: certificate.nodes[id.index()].operation.clone(),
                why,
            })?;
        }
    }
    checker
        .ends()
        .and_then(|()| checker.assumptions(claim))
        .map_err(CheckError::Step)
}

fn read_weights(certificate: &Certificate) -> Result<Vec<Option<Vec<Ratio>>>, CheckError> {
    let read = |texts: &Vec<String>| -> Option<Vec<Ratio>> {
        let parsed: Vec<Ratio> = texts
            .iter()
            .map(|t| parse_ratio(t))
            .collect::<Result<_, _>>()
            .ok()?;
        let in_range = |x: &Ratio| match certificate.symmetry {
            Symmetry::Scaling => true,
            Symmetry::Sign => x.is_zero() || *x == Ratio::from_integer(1.into()),
        };
        (parsed.len() == certificate.generators.len() && parsed.iter().all(in_range))
            .then_some(parsed)
    };
    let unreadable = |i| CheckError::Form(format!("the weight of node {i} is not readable"));
    let node = |(i, n): (usize, &super::CertifiedNode)| match &n.weight {
        Some(texts) => read(texts).map(Some).ok_or_else(|| unreadable(i)),
        None => Ok(None),
    };
    certificate.nodes.iter().enumerate().map(node).collect()
}

impl Checker<'_> {
    /// Whether the node is 0 in both runs, from the zeros among its operands.
    fn is_zero(&self, id: NodeId, claim: &Claim) -> bool {
        let zero = |x: &NodeId| self.zero[x.index()];
        match &self.step.graph.node(id).op {
            Op::Leaf(leaf) => {
                matches!(
                    leaf.kind,
                    LeafKind::Hyperparameter {
                        may_be_zero: true,
                        ..
                    }
                ) && claim.zero_hyperparameters.contains(&leaf.name)
            }
            Op::Constant(q) => q.is_zero(),
            Op::Count(_)
            | Op::Unary(Unary::Function(_) | Unary::OpaqueLoss | Unary::OpaqueGradient, _) => false,
            Op::Unary(_, x) => zero(x),
            Op::Binary(Binary::Mul | Binary::MatMul, x, y) => zero(x) || zero(y),
            Op::Binary(Binary::Div, x, y) => zero(x) && !zero(y),
            Op::Binary(_, x, y) => zero(x) && zero(y),
            Op::Select {
                then, otherwise, ..
            } => zero(then) && zero(otherwise),
        }
    }

    /// Weight of a node that is not zero. A zero has every weight, and asks for no law.
    fn weight(&self, x: NodeId) -> Result<Option<&Vec<Ratio>>, String> {
        match &self.weights[x.index()] {
            _ if self.zero[x.index()] => Ok(None),
            Some(weight) => Ok(Some(weight)),
            None => Err(format!("{} has no weight", self.step.graph.describe(x))),
        }
    }

    /// That every entry of `law(weights of xs)` vanishes, unless one of them is zero.
    fn law<const N: usize>(
        &self,
        xs: [NodeId; N],
        says: &str,
        law: impl Fn([&Ratio; N]) -> Ratio,
    ) -> Result<(), String> {
        let mut weights = [const { &Vec::new() }; N];
        for (slot, x) in weights.iter_mut().zip(xs) {
            match self.weight(x)? {
                Some(weight) => *slot = weight,
                None => return Ok(()),
            }
        }
        let odd = |x: Ratio| !(x / Ratio::from_integer(2.into())).is_integer();
        for i in 0..self.certificate.generators.len() {
            let rest = law(weights.map(|w| &w[i]));
            if match self.certificate.symmetry {
                Symmetry::Scaling => !rest.is_zero(),
                Symmetry::Sign => odd(rest),
            } {
                let names: Vec<String> = xs.iter().map(|x| self.step.graph.describe(*x)).collect();
                return Err(format!(
                    "{says} ({}, factor {})",
                    names.join(", "),
                    self.certificate.generators[i]
                ));
            }
        }
        Ok(())
    }

    fn none(&self, x: NodeId) -> Result<(), String> {
        self.law([x], "the weight must be 0", |[a]| a.clone())
    }

    fn equal(&self, x: NodeId, y: NodeId) -> Result<(), String> {
        self.law([x, y], "the weights must be equal", |[a, b]| a - b)
    }

    /// The law of one node that is not zero.
    fn node(&self, n: NodeId) -> Result<(), String> {
        let scaling = self.certificate.symmetry == Symmetry::Scaling;
        let all_none = |xs: &[NodeId]| xs.iter().try_for_each(|x| self.none(*x));
        // Also where the law below does not ask for it: sign(x) weighs 0 only if x has a weight.
        self.step
            .graph
            .node(n)
            .op
            .operands()
            .into_iter()
            .try_for_each(|x| self.weight(x).map(|_| ()))?;
        match &self.step.graph.node(n).op {
            Op::Leaf(leaf) => match leaf.kind {
                LeafKind::Data | LeafKind::StepNumber => self.none(n),
                LeafKind::Parameter | LeafKind::State | LeafKind::Hyperparameter { .. } => Ok(()),
            },
            Op::Constant(_) if self.certificate.free_constants.contains(&n.index()) => Ok(()),
            Op::Constant(_) | Op::Count(_) => self.none(n),
            Op::Unary(op, x) => match op {
                Unary::Neg | Unary::Transpose | Unary::Detach | Unary::SumTo | Unary::Broadcast => {
                    self.equal(n, *x)
                }
                Unary::Abs | Unary::RowMax if scaling => self.equal(n, *x),
                Unary::Sign if scaling => self.none(n),
                Unary::Sqrt if scaling => {
                    self.law([n, *x], "the root weighs half", |[r, a]| r + r - a)
                }
                Unary::Sign => self.equal(n, *x),
                Unary::Abs => self.none(n),
                Unary::RowMax
                | Unary::Sqrt
                | Unary::Function(_)
                | Unary::OpaqueLoss
                | Unary::OpaqueGradient => all_none(&[n, *x]),
            },
            Op::Binary(op, x, y) => match op {
                Binary::Mul | Binary::MatMul => {
                    self.law([n, *x, *y], "the weights must add", |[r, a, b]| r - a - b)
                }
                Binary::Div if self.zero[y.index()] => Err("division by zero".into()),
                Binary::Div => self.law([n, *x, *y], "the weights must subtract", |[r, a, b]| {
                    r - a + b
                }),
                Binary::Max | Binary::Min if !scaling => all_none(&[n, *x, *y]),
                Binary::Add | Binary::Sub | Binary::Max | Binary::Min => {
                    self.equal(n, *x).and_then(|()| self.equal(n, *y))
                }
            },
            Op::Select {
                comparison,
                lhs,
                rhs,
                then,
                otherwise,
            } => {
                match comparison {
                    Comparison::Less | Comparison::LessEqual if !scaling => {
                        all_none(&[*lhs, *rhs])?
                    }
                    _ => self.equal(*lhs, *rhs)?,
                }
                self.equal(n, *then)
                    .and_then(|()| self.equal(n, *otherwise))
            }
        }
    }

    /// What carries over from one step to the next, and what is compared.
    fn ends(&self) -> Result<(), String> {
        let in_words = |name: &str, what: &str| {
            let (n, w) = (name.to_owned(), what.to_owned());
            move |why| format!("{w} of {n}: {why}")
        };
        for p in &self.step.parameters {
            self.equal(p.leaf, p.next)
                .map_err(in_words(&p.name, "next value"))?;
        }
        for s in &self.step.states {
            self.equal(s.leaf, s.next)
                .map_err(in_words(&s.name, "next value"))?;
            self.equal(s.leaf, s.initial)
                .map_err(in_words(&s.name, "first value"))?;
        }
        for output in self.certificate.outputs.iter() {
            let known = self
                .step
                .outputs
                .iter()
                .find(|o| o.name == *output.0 && o.node.index() == *output.1);
            self.weight(known.ok_or_else(|| format!("no output {}", output.0))?.node)?;
        }
        self.none(self.step.loss)
            .map_err(in_words("the step", "loss"))
    }

    /// What the certificate says beyond weights: ties, held leaves, the claimed map.
    fn assumptions(&self, claim: &Claim) -> Result<(), String> {
        let graph = &self.step.graph;
        let power = |text: Option<&String>| {
            text.and_then(|t| parse_ratio(t).ok())
                .ok_or("a claimed power is missing")
        };
        let mut first_of = std::collections::BTreeMap::new();
        for (name, id) in graph
            .leaves()
            .filter(|(_, id)| self.weights[id.index()].is_some())
        {
            if self.certificate.held.iter().any(|held| held == name) {
                self.none(id)
                    .map_err(|why| format!("{name} is held: {why}"))?;
            }
            let Some(LeafKind::Hyperparameter { base, .. }) =
                graph.leaf_at(id).map(|leaf| &leaf.kind)
            else {
                continue;
            };
            if self.certificate.tied.contains(base) {
                self.equal(*first_of.entry(base).or_insert(id), id)
                    .map_err(|why| format!("{base} is tied: {why}"))?;
            }
            if self.certificate.claim.is_some() {
                let claimed = power(claim.hyperparameters.get(name))?;
                self.law([id], "the claimed power differs", |[w]| w - &claimed)?;
            }
        }
        if self.certificate.claim.is_some() {
            for p in self
                .step
                .parameters
                .iter()
                .filter(|p| !claim.zero_initials.contains(&p.name))
            {
                let claimed = power(claim.initial.get(&p.name))?;
                self.law(
                    [p.leaf],
                    "the claimed power of the first value differs",
                    |[w]| w - &claimed,
                )?;
            }
        }
        Ok(())
    }
}
