//! One line per node, operands first: the form in which a person can check a certificate.

use std::fmt::Write as _;

use crate::arith::show_ratio;
use crate::graph::{Graph, NodeId, Op, StepGraph};

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

/// The place of a node for a reader who does not have the list of nodes: its formula, in which
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

/// The formula of one node, its operands as `name` has them; a call needs no second parentheses
/// around its only operand.
pub fn written(graph: &Graph, id: NodeId, name: &dyn Fn(&NodeId) -> String) -> String {
    let op = &graph.node(id).op;
    match op {
        Op::Leaf(leaf) => format!("leaf {}", leaf.name),
        Op::Constant(q) => format!("constant {}", show_ratio(q)),
        Op::Count(dim) | Op::Identity(dim) => format!("{} {dim}", op.name()),
        Op::Unary(op, x) => {
            let x = name(x);
            let inner = x.strip_prefix('(').and_then(|x| x.strip_suffix(')'));
            let nested = inner.is_some_and(|x| x.contains(['(', ')']));
            let x = inner.filter(|_| !nested).unwrap_or(&x);
            format!("{}({x})", op.name())
        }
        Op::Binary(op, x, y) => match op.sign() {
            Some(sign) => format!("{} {sign} {}", name(x), name(y)),
            None => format!("{}({}, {})", op.name(), name(x), name(y)),
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
            comparison.sign(),
            name(rhs),
            name(then),
            name(otherwise)
        ),
    }
}
