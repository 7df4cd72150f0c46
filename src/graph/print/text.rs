//! One line per node, operands first: the form in which a person can check a certificate.

use std::fmt::Write as _;

use crate::arith::show_ratio;
use crate::graph::{Binary, Comparison, Graph, NodeId, Op, StepGraph, Unary};

/// The step as numbered lines: name or position, formula, shape.
pub fn to_text(step: &StepGraph) -> String {
    let graph = &step.graph;
    let mut out = String::new();
    for id in graph.ids() {
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{id:<5} {:<28} {}   : {}",
            graph.describe(id),
            formula(graph, id),
            graph.node(id).shape
        );
    }
    for p in &step.parameters {
        let _ = writeln!(out, "next  {:<28} {}", p.name, p.next);
    }
    for s in &step.states {
        let _ = writeln!(out, "next  {:<28} {} (first {})", s.name, s.next, s.initial);
    }
    let _ = writeln!(out, "loss  {:<28} {}", "", step.loss);
    out
}

/// The formula of one node over the names of its operands.
pub fn formula(graph: &Graph, id: NodeId) -> String {
    written(graph, id, &|x: &NodeId| graph.describe(*x))
}

/// What a reader who does not have the list of nodes needs to find a node: its formula, in which
/// operands without a name are written out, after the name where it has one.
pub fn place(graph: &Graph, id: NodeId) -> String {
    let formula = written(graph, id, &|x: &NodeId| operand(graph, *x));
    match graph.describe(id) {
        number if number.starts_with('%') => formula,
        name => format!("{name} = {formula}"),
    }
}

/// A node as it stands in the formula of another: by name, or written out one level.
pub fn operand(graph: &Graph, id: NodeId) -> String {
    match graph.describe(id) {
        number if !number.starts_with('%') => number,
        _ if matches!(graph.node(id).op, Op::Unary(..)) => formula(graph, id),
        _ => format!("({})", formula(graph, id)),
    }
}

fn written(graph: &Graph, id: NodeId, name: &dyn Fn(&NodeId) -> String) -> String {
    match &graph.node(id).op {
        Op::Leaf(leaf) => format!("leaf {}", leaf.name),
        Op::Constant(q) => format!("constant {}", show_ratio(q)),
        Op::Count(dim) => format!("count {dim}"),
        Op::Identity(dim) => format!("identity {dim}"),
        Op::Unary(op, x) => {
            let x = name(x);
            let inner = x.strip_prefix('(').and_then(|x| x.strip_suffix(')'));
            format!("{}({})", unary_name(*op), inner.unwrap_or(&x))
        }
        Op::Binary(op, x, y) => match op {
            Binary::Add => format!("{} + {}", name(x), name(y)),
            Binary::Sub => format!("{} - {}", name(x), name(y)),
            Binary::Mul => format!("{} * {}", name(x), name(y)),
            Binary::Div => format!("{} / {}", name(x), name(y)),
            Binary::Max => format!("max({}, {})", name(x), name(y)),
            Binary::Min => format!("min({}, {})", name(x), name(y)),
            Binary::MatMul => format!("{} @ {}", name(x), name(y)),
            Binary::Power => format!("{} ^ {}", name(x), name(y)),
            Binary::Atan2 => format!("atan2({}, {})", name(x), name(y)),
        },
        Op::Select {
            comparison,
            lhs,
            rhs,
            then,
            otherwise,
        } => format!(
            "if {} {} {} then {} else {}",
            name(lhs),
            comparison_sign(*comparison),
            name(rhs),
            name(then),
            name(otherwise)
        ),
    }
}

/// The name of a unary operation in printed graphs.
pub fn unary_name(op: Unary) -> &'static str {
    match op {
        Unary::Neg => "neg",
        Unary::Abs => "abs",
        Unary::Sign => "sign",
        Unary::Sqrt => "sqrt",
        Unary::Function(f) => f.name(),
        Unary::Transpose => "transpose",
        Unary::Detach => "detach",
        Unary::SumTo => "sum",
        Unary::Broadcast => "broadcast",
        Unary::RowMax => "row_max",
        Unary::Inverse => "inverse",
        Unary::MatrixSqrt => "matrix_sqrt",
        Unary::Cast(format) => format.name(),
        Unary::OpaqueLoss => "opaque_loss",
        Unary::OpaqueGradient => "opaque_gradient",
    }
}

fn comparison_sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "<",
        Comparison::LessEqual => "<=",
        Comparison::Equal => "=",
    }
}
