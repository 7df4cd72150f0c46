//! An independent checker of certificates.
//!
//! It shares no code with the inference: it reads the graph and the certificate and goes once
//! through the nodes. Whoever trusts this file, whose laws are each a line of school algebra,
//! need not trust the solver. A node without a weight is one that is zero, or one that nothing
//! certified reads; to read it is an error.

use num_traits::Zero;

use super::certificate::{Certificate, Claim, Symmetry};
use crate::arith::{Ratio, parse_ratio, show_ratio};
use crate::graph::{Binary, Comparison, LeafKind, NodeId, Op, StepGraph, Unary};

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It is about another graph, or its weights are not readable.
    #[error("the certificate does not fit the step: {0}")]
    Form(&'static str),
    /// The law of a node, an update, the loss, a tie or the claimed map is broken.
    #[error("{at}: {why}")]
    Law {
        /// What the law is about: a node's name or position, or a part of the step.
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

/// Accepts `certificate` only if it proves that `step` is homogeneous with these weights.
///
/// # Errors
/// [`CheckError`] names the first law that fails.
pub fn check(step: &StepGraph, certificate: &Certificate) -> Result<(), CheckError> {
    if certificate.stripped() != Certificate::skeleton(step) {
        return Err(CheckError::Form("it describes another graph"));
    }
    let unreadable =
        CheckError::Form("a weight is not readable, or has not one entry for each factor");
    let weights = certificate.weights().ok_or(unreadable)?;
    let one_factor = certificate.symmetry == Symmetry::Scaling && certificate.generators.len() == 1;
    if certificate.claim.is_some() && !one_factor {
        return Err(CheckError::Form(
            "a claimed map multiplies by powers of one factor",
        ));
    }
    let zero = zeros(
        step,
        certificate.claim.as_ref().unwrap_or(&Claim::default()),
    );
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
        let broken = sums.iter().position(|sum| match certificate.symmetry {
            Symmetry::Scaling => !sum.is_zero(),
            Symmetry::Sign => !(sum / &modulus).is_integer(),
        });
        let Some(g) = broken else { return Ok(()) };
        let show = |(c, x): &(i64, NodeId)| format!("{c}·w({})", step.graph.describe(*x));
        let sum: Vec<String> = terms.iter().map(show).collect();
        let (sum, off, factor) = (
            sum.join(" + "),
            show_ratio(&sums[g]),
            &certificate.generators[g],
        );
        fail(format!("{sum} is off by {off} for the factor {factor}"))
    };
    for id in step
        .graph
        .ids()
        .filter(|id| !zero[id.index()] && weights[id.index()].is_some())
    {
        let at = step.graph.describe(id);
        for operand in step.graph.node(id).op.operands() {
            holds(&at, law([(0, operand)]))?;
        }
        for law in laws(step, certificate, &zero, id) {
            holds(&at, law)?;
        }
    }
    for (at, law) in whole(step, certificate, &weights)? {
        holds(&at, law)?;
    }
    Ok(())
}

/// Which nodes are 0 in both runs: literal zeros, hyperparameters that are assumed to be zero,
/// and what these make zero.
fn zeros(step: &StepGraph, claim: &Claim) -> Vec<bool> {
    let mut zero: Vec<bool> = Vec::new();
    for node in step.graph.nodes() {
        let is = |x: &NodeId| zero[x.index()];
        let this = match &node.op {
            Op::Leaf(leaf) => {
                let may_be = matches!(
                    leaf.kind,
                    LeafKind::Hyperparameter {
                        may_be_zero: true,
                        ..
                    }
                );
                may_be && claim.zero_hyperparameters.contains(&leaf.name)
            }
            Op::Constant(q) => q.is_zero(),
            Op::Count(_) | Op::Identity(_) => false,
            Op::Unary(
                Unary::Function(_) | Unary::OpaqueLoss | Unary::OpaqueGradient | Unary::Inverse,
                _,
            ) => false,
            Op::Binary(Binary::Atan2, ..) => false,
            Op::Binary(Binary::Power, x, _) => is(x),
            Op::Unary(_, x) => is(x),
            Op::Binary(Binary::Mul | Binary::MatMul, x, y) => is(x) || is(y),
            Op::Binary(Binary::Div, x, y) => is(x) && !is(y),
            Op::Binary(_, x, y) => is(x) && is(y),
            Op::Select {
                then, otherwise, ..
            } => is(then) && is(otherwise),
        };
        zero.push(this);
    }
    zero
}

/// What makes node `n` scale as its weight says, if its operands do.
fn laws(step: &StepGraph, certificate: &Certificate, zero: &[bool], n: NodeId) -> Vec<Law> {
    let scaling = certificate.symmetry == Symmetry::Scaling;
    match &step.graph.node(n).op {
        Op::Leaf(leaf) => match leaf.kind {
            LeafKind::Data | LeafKind::StepNumber => vec![none(n)],
            LeafKind::Parameter | LeafKind::State | LeafKind::Hyperparameter { .. } => vec![],
        },
        Op::Constant(_) if certificate.free_constants.contains(&n.index()) => vec![],
        Op::Constant(_) | Op::Count(_) | Op::Identity(_) => vec![none(n)],
        Op::Unary(op, x) => match op {
            Unary::Neg | Unary::Transpose | Unary::Detach | Unary::SumTo | Unary::Broadcast => {
                vec![equal(n, *x)]
            }
            // |c·x| = |c|·|x| and sign(c·x) = sign(c)·sign(x).
            Unary::Abs | Unary::RowMax if scaling => vec![equal(n, *x)],
            Unary::Sign if scaling => vec![none(n)],
            Unary::Sqrt | Unary::MatrixSqrt if scaling => vec![law([(2, n), (-1, *x)])],
            // Nothing is said about the inverse of zero.
            Unary::Inverse if zero[x.index()] => vec![Law(vec![], Ratio::from_integer(1.into()))],
            Unary::Inverse => vec![law([(1, n), (1, *x)])],
            // Rounding commutes with a change of sign, and else with powers of two only.
            Unary::Cast(_) if !scaling || certificate.powers_of_two => vec![equal(n, *x)],
            Unary::Abs => vec![none(n)],
            Unary::Sign => vec![equal(n, *x)],
            Unary::RowMax
            | Unary::Sqrt
            | Unary::MatrixSqrt
            | Unary::Cast(_)
            | Unary::Function(_) => vec![none(n), none(*x)],
            Unary::OpaqueLoss | Unary::OpaqueGradient => vec![none(n), none(*x)],
        },
        Op::Binary(op, x, y) => match op {
            Binary::Mul | Binary::MatMul => vec![law([(1, n), (-1, *x), (-1, *y)])],
            // Nothing is said about a division by zero: let the law that cannot hold refuse it.
            Binary::Div if zero[y.index()] => vec![Law(vec![], Ratio::from_integer(1.into()))],
            Binary::Div => vec![law([(1, n), (-1, *x), (1, *y)])],
            // A change of sign exchanges larger and smaller.
            Binary::Max | Binary::Min | Binary::Atan2 if !scaling => {
                vec![none(n), none(*x), none(*y)]
            }
            Binary::Power => vec![none(n), none(*x), none(*y)],
            Binary::Atan2 => vec![none(n), equal(*x, *y)],
            Binary::Add | Binary::Sub | Binary::Max | Binary::Min => {
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
            match comparison {
                Comparison::Less | Comparison::LessEqual if !scaling => {
                    laws.extend([none(*lhs), none(*rhs)]);
                }
                _ => laws.push(equal(*lhs, *rhs)),
            }
            laws
        }
    }
}

/// The laws of the step as a whole: what carries over to the next step, what is compared, what
/// is shared or held, and the map that is claimed.
fn whole(
    step: &StepGraph,
    certificate: &Certificate,
    weights: &[Option<Vec<Ratio>>],
) -> Result<Vec<(String, Law)>, CheckError> {
    let mut all = Vec::new();
    let mut say = |at: String, law: Law| all.push((at, law));
    for p in &step.parameters {
        say(format!("next value of {}", p.name), equal(p.leaf, p.next));
    }
    for s in &step.states {
        say(format!("next value of {}", s.name), equal(s.leaf, s.next));
        say(
            format!("first value of {}", s.name),
            equal(s.leaf, s.initial),
        );
    }
    if !certificate.free_loss {
        say("loss".to_owned(), none(step.loss));
    }
    for (name, node) in &certificate.outputs {
        let output = step
            .outputs
            .iter()
            .find(|o| o.name == *name && o.node.index() == *node);
        let output = output.ok_or(CheckError::Form("it certifies an output there is not"))?;
        say(format!("output {name}"), law([(0, output.node)]));
    }
    let missing = CheckError::Form("the power of a hyperparameter or first value is missing");
    let power = |text: Option<&String>| {
        text.and_then(|t| parse_ratio(t).ok())
            .ok_or(missing.clone())
    };
    let mut first_of = std::collections::BTreeMap::new();
    for (name, id) in step
        .graph
        .leaves()
        .filter(|(_, id)| weights[id.index()].is_some())
    {
        if certificate.held.iter().any(|held| held == name) {
            say(format!("{name} is held"), none(id));
        }
        if let Some(LeafKind::Hyperparameter { base, .. }) = step.graph.leaf_at(id).map(|l| &l.kind)
        {
            if certificate.tied.contains(base) {
                say(
                    format!("{base} is shared"),
                    equal(*first_of.entry(base).or_insert(id), id),
                );
            }
            if let Some(claim) = &certificate.claim {
                let power = power(claim.hyperparameters.get(name))?;
                say(format!("claim on {name}"), Law(vec![(1, id)], power));
            }
        }
    }
    if let Some(claim) = &certificate.claim {
        for p in step
            .parameters
            .iter()
            .filter(|p| !claim.zero_initials.contains(&p.name))
        {
            let power = power(claim.initial.get(&p.name))?;
            say(
                format!("claim on the first value of {}", p.name),
                Law(vec![(1, p.leaf)], power),
            );
        }
    }
    Ok(all)
}
