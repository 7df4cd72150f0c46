//! An independent checker of certificates.
//!
//! It shares no code with the inference: it reads the graph and the certificate and goes once
//! through the nodes. Whoever trusts this file, whose laws are each a line of school algebra,
//! need not trust the solver. A node without a weight is one that is zero, or one that nothing
//! certified reads; to read it is an error.

use std::collections::BTreeSet;

use num_traits::Zero;

use super::certificate::Certificate;
use super::question::{Question, Symmetry};
use crate::arith::{Ratio, parse_ratio, show_ratio};
use crate::graph::{Binary, Comparison, LeafKind, NodeId, Op, StepGraph, Unary};

/// The reason for which a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It is about another graph, or its weights are not readable.
    #[error("the certificate does not fit the step: {0}")]
    Form(&'static str),
    /// The law of a node, an update, the loss, a tie or the claimed map is broken.
    #[error("{at}: {why}")]
    Law {
        /// The subject of the law: a node's name or position, or a part of the step.
        at: String,
        /// The law and the weights that break it.
        why: String,
    },
}

/// Σ coefficient · weight(node) = value, for every factor; modulo 2 for signs. A zero keeps its
/// value under every scaling, so the law says nothing where one of the nodes is zero.
struct Law(Vec<(i64, NodeId)>, Ratio);

fn law<const N: usize>(terms: [(i64, NodeId); N]) -> Law {
    Law(terms.to_vec(), Ratio::zero())
}

fn none(x: NodeId) -> Law {
    law([(1, x)])
}

fn equal(x: NodeId, y: NodeId) -> Law {
    law([(1, x), (-1, y)])
}

/// Accepts `certificate` only if it proves that what `question` asks of `step` is so.
///
/// # Errors
/// [`CheckError`] names the first law that fails.
pub fn check(
    step: &StepGraph,
    question: &Question,
    certificate: &Certificate,
) -> Result<(), CheckError> {
    if certificate.question != *question {
        return Err(CheckError::Form("it answers another question"));
    }
    if certificate.stripped() != Certificate::skeleton(step) {
        return Err(CheckError::Form("it describes another graph"));
    }
    let unreadable =
        CheckError::Form("a weight is not readable, or has not one entry for each factor");
    let weights = certificate.weights().ok_or(unreadable)?;
    if question.map.is_some() && certificate.generators.len() != 1 {
        return Err(CheckError::Form(
            "a given map multiplies by powers of one factor",
        ));
    }
    let zero = zeros(step, question);
    let holds = |at: &str, Law(terms, value): Law| -> Result<(), CheckError> {
        let fail = |why| {
            Err(CheckError::Law {
                at: at.to_owned(),
                why,
            })
        };
        let mut sums = vec![-value; certificate.generators.len()];
        for (coefficient, x) in &terms {
            match &weights[x.index()] {
                _ if zero[x.index()] => return Ok(()),
                None => return fail(format!("{} has no weight", step.graph.describe(*x))),
                Some(weight) => {
                    for (sum, w) in sums.iter_mut().zip(weight) {
                        *sum += w * Ratio::from_integer((*coefficient).into());
                    }
                }
            }
        }
        let modulus = Ratio::from_integer(2.into());
        let broken = sums.iter().position(|sum| match question.symmetry {
            Symmetry::Scaling => !sum.is_zero(),
            Symmetry::Sign => !(sum / &modulus).is_integer(),
        });
        let Some(g) = broken else { return Ok(()) };
        if terms.is_empty() {
            return fail("it divides by what is zero".to_owned());
        }
        let show = |(c, x): &(i64, NodeId)| format!("{c}·w({})", step.graph.describe(*x));
        let sum: Vec<String> = terms.iter().map(show).collect();
        let (sum, off, factor) = (
            sum.join(" + "),
            show_ratio(&sums[g]),
            &certificate.generators[g],
        );
        fail(format!("{sum} is off by {off} for the factor {factor}"))
    };
    let reached = reached(step, question)?;
    for id in step.graph.ids() {
        let (at, weight) = (step.graph.describe(id), &weights[id.index()]);
        if reached[id.index()] {
            // Also what a zero is a multiple of: where that has no value, neither has the zero.
            holds(&at, law([(0, id)]))?;
        }
        let Some(weight) = weight.as_ref().filter(|_| !zero[id.index()]) else {
            continue;
        };
        for operand in step.graph.node(id).op.operands() {
            holds(&at, law([(0, operand)]))?;
        }
        for law in laws(step, question, &zero, id) {
            holds(&at, law)?;
        }
        let log2 = question.map.as_ref().and_then(|map| map.log2_k.as_ref());
        if let Some(log2) = log2 {
            let log2 = parse_ratio(log2).map_err(|_| CheckError::Form("log2_k is no number"))?;
            if weight.iter().any(|w| !(w * &log2).is_integer()) {
                let why = "it is not multiplied by a power of two".to_owned();
                return Err(CheckError::Law { at, why });
            }
        }
    }
    for (at, law) in whole(step, question, &weights, &reached)? {
        holds(&at, law)?;
    }
    Ok(())
}

/// The nodes that the question is about: what loss and outputs read, at this step and, through parameters
/// and states, at every later one.
fn reached(step: &StepGraph, question: &Question) -> Result<Vec<bool>, CheckError> {
    let mut roots: BTreeSet<NodeId> = BTreeSet::new();
    for name in question.outputs.union(&question.kept) {
        let output = step.outputs.iter().find(|o| o.name == *name);
        let output = output.ok_or(CheckError::Form("it is about an output there is not"))?;
        roots.insert(output.node);
    }
    if question.whole || !question.free_loss {
        roots.insert(step.loss);
    }
    if question.first_step.is_some() {
        roots.extend(step.parameters.iter().map(|p| p.next));
        let seen = step.graph.cone(roots.iter().copied());
        let read = step.states.iter().filter(|s| seen[s.leaf.index()]);
        roots.extend(read.map(|s| s.initial));
        return Ok(step.graph.cone(roots));
    }
    loop {
        let reached = step.graph.cone(roots.iter().copied());
        let before = roots.len();
        for p in &step.parameters {
            if question.whole || reached[p.leaf.index()] {
                roots.extend([p.leaf, p.next]);
            }
        }
        for s in &step.states {
            if question.whole || reached[s.leaf.index()] {
                roots.extend([s.leaf, s.initial, s.next]);
            }
        }
        if roots.len() == before {
            return Ok(reached);
        }
    }
}

/// The nodes that are 0 in both runs: literal zeros, hyperparameters that are assumed to be zero,
/// and what these make zero.
fn zeros(step: &StepGraph, question: &Question) -> Vec<bool> {
    let map = question.map.as_ref();
    let first = question.first_step.as_ref();
    let mut zero: Vec<bool> = Vec::new();
    for node in step.graph.nodes() {
        let is = |x: &NodeId| zero[x.index()];
        let this = match &node.op {
            Op::Leaf(leaf) => match leaf.kind {
                LeafKind::Hyperparameter { may_be_zero, .. } => {
                    let assumed = map.is_some_and(|m| m.zero_hyperparameters.contains(&leaf.name));
                    may_be_zero && assumed
                }
                LeafKind::Parameter => first.is_some_and(|zero| zero.contains(&leaf.name)),
                // First values stand before the states that they are of.
                LeafKind::State => {
                    let at = zero.len();
                    let own = step.states.iter().find(|s| s.leaf.index() == at);
                    let initial = own.and_then(|s| zero.get(s.initial.index()).copied());
                    first.is_some() && initial == Some(true)
                }
                LeafKind::Data | LeafKind::StepNumber => false,
            },
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

/// The laws that make node `n` scale as its weight says, if its operands do.
fn laws(step: &StepGraph, question: &Question, zero: &[bool], n: NodeId) -> Vec<Law> {
    let scaling = question.symmetry == Symmetry::Scaling;
    let by_two =
        question.powers_of_two || (question.map.as_ref()).is_some_and(|map| map.log2_k.is_some());
    match &step.graph.node(n).op {
        Op::Leaf(leaf) => match leaf.kind {
            LeafKind::Data | LeafKind::StepNumber => vec![none(n)],
            LeafKind::Parameter | LeafKind::State | LeafKind::Hyperparameter { .. } => vec![],
        },
        Op::Constant(_) if question.free_constants.contains(&n.index()) => vec![],
        Op::Constant(_) | Op::Count(_) | Op::Identity(_) => vec![none(n)],
        Op::Unary(op, x) => match (op, scaling) {
            (
                Unary::Neg | Unary::Transpose | Unary::Detach | Unary::SumTo | Unary::Broadcast,
                _,
            ) => vec![equal(n, *x)],
            // |c·x| = |c|·|x| and sign(c·x) = sign(c)·sign(x).
            (Unary::Abs | Unary::RowMax, true) => vec![equal(n, *x)],
            (Unary::Abs, false) | (Unary::Sign, true) => vec![none(n)],
            (Unary::Sign, false) => vec![equal(n, *x)],
            (Unary::Sqrt | Unary::MatrixSqrt, true) => vec![law([(2, n), (-1, *x)])],
            // Nothing is said about the inverse of zero.
            (Unary::Inverse, _) if zero[x.index()] => {
                vec![Law(vec![], Ratio::from_integer(1.into()))]
            }
            (Unary::Inverse, _) => vec![law([(1, n), (1, *x)])],
            // Rounding commutes with a change of sign, and else with powers of two only.
            (Unary::Cast(_), scaling) if !scaling || by_two => vec![equal(n, *x)],
            (Unary::Cast(_) | Unary::Function(_), _)
            | (Unary::OpaqueLoss | Unary::OpaqueGradient, _)
            | (Unary::RowMax | Unary::Sqrt | Unary::MatrixSqrt, false) => {
                vec![none(n), none(*x)]
            }
        },
        Op::Binary(op, x, y) => match (op, scaling) {
            (Binary::Mul | Binary::MatMul, _) => vec![law([(1, n), (-1, *x), (-1, *y)])],
            // Nothing is said about a division by zero: let the law that cannot hold refuse it.
            (Binary::Div, _) if zero[y.index()] => {
                vec![Law(vec![], Ratio::from_integer(1.into()))]
            }
            (Binary::Div, _) => vec![law([(1, n), (-1, *x), (1, *y)])],
            // A change of sign exchanges larger and smaller.
            (Binary::Max | Binary::Min | Binary::Atan2, false) | (Binary::Power, _) => {
                vec![none(n), none(*x), none(*y)]
            }
            (Binary::Atan2, true) => vec![none(n), equal(*x, *y)],
            (Binary::Add | Binary::Sub, _) | (Binary::Max | Binary::Min, true) => {
                vec![equal(n, *x), equal(n, *y)]
            }
        },
        Op::Select {
            comparison,
            lhs,
            rhs,
            then,
            otherwise,
        } => {
            let mut laws = vec![equal(n, *then), equal(n, *otherwise)];
            match (comparison, scaling) {
                (Comparison::Less | Comparison::LessEqual, false) => {
                    laws.extend([none(*lhs), none(*rhs)]);
                }
                (Comparison::Less | Comparison::LessEqual, true) | (Comparison::Equal, _) => {
                    laws.push(equal(*lhs, *rhs));
                }
            }
            laws
        }
    }
}

/// The laws of the step as a whole: what carries over to the next step, what is compared, what
/// is shared or held, and the map that is given.
fn whole(
    step: &StepGraph,
    question: &Question,
    weights: &[Option<Vec<Ratio>>],
    reached: &[bool],
) -> Result<Vec<(String, Law)>, CheckError> {
    let mut all = Vec::new();
    let mut say = |at: String, law: Law| all.push((at, law));
    let carries = |leaf: NodeId| question.first_step.is_none() && reached[leaf.index()];
    for p in step.parameters.iter().filter(|p| carries(p.leaf)) {
        say(format!("next value of {}", p.name), equal(p.leaf, p.next));
    }
    for s in step.states.iter().filter(|s| reached[s.leaf.index()]) {
        if carries(s.leaf) {
            say(format!("next value of {}", s.name), equal(s.leaf, s.next));
        }
        say(
            format!("first value of {}", s.name),
            equal(s.leaf, s.initial),
        );
    }
    if !question.free_loss {
        say("loss".to_owned(), none(step.loss));
    }
    let outputs = step.outputs.iter();
    for o in outputs.filter(|o| question.kept.contains(&o.name)) {
        say(format!("output {}", o.name), none(o.node));
    }
    let missing = CheckError::Form("the power of a hyperparameter or first value is missing");
    let power = |text: Option<&String>| {
        text.and_then(|t| parse_ratio(t).ok())
            .ok_or(missing.clone())
    };
    let weighed = |name: &&String| {
        let leaf = step.graph.leaf(name);
        leaf.filter(|id| weights[id.index()].is_some())
    };
    for group in &question.ties {
        let leaves: Vec<NodeId> = group.iter().filter_map(|name| weighed(&name)).collect();
        for pair in leaves.windows(2) {
            say(
                format!("{} change alike", group.join(" and ")),
                equal(pair[0], pair[1]),
            );
        }
    }
    for name in &question.held {
        if let Some(id) = weighed(&name) {
            say(format!("{name} is held"), none(id));
        }
    }
    let Some(map) = &question.map else {
        return Ok(all);
    };
    for (name, id) in step.graph.leaves() {
        let kind = step.graph.leaf_at(id).map(|leaf| &leaf.kind);
        let given = match kind {
            Some(LeafKind::Hyperparameter { .. }) => map.hyperparameters.get(name),
            Some(LeafKind::Parameter) if map.zero_initials.contains(name) => continue,
            Some(LeafKind::Parameter) => map.initial.get(name),
            _ => continue,
        };
        if weights[id.index()].is_some() {
            say(
                format!("the map of {name}"),
                Law(vec![(1, id)], power(given)?),
            );
        }
    }
    Ok(all)
}
