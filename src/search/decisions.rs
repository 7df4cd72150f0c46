//! Where a step decides, and how it decides in a run.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::arith::Arithmetic;
use crate::exec::Machine;
use crate::graph::{Binary, Comparison, Graph, NodeId, Op, Unary};

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The sign of a number.
    Sign,
    /// Which of two is larger: a maximum or a minimum.
    Extremum,
    /// Which branch of a `select` is taken.
    Less,
    LessEqual,
    Equal,
    /// Where the largest entry of a row stands.
    RowMax,
}

/// A place where a step decides, upon one node or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decision {
    pub kind: Kind,
    x: NodeId,
    y: NodeId,
}

/// Every decision on which one of `roots` depends, each once, in the order of the graph.
pub(super) fn decisions(graph: &Graph, roots: impl IntoIterator<Item = NodeId>) -> Vec<Decision> {
    let inside = graph.cone(roots);
    let of = |id: NodeId| {
        let (kind, x, y) = match graph.node(id).op {
            Op::Unary(Unary::Sign | Unary::Abs, x) => (Kind::Sign, x, x),
            Op::Unary(Unary::RowMax, x) => (Kind::RowMax, x, x),
            Op::Binary(Binary::Max | Binary::Min, x, y) => (Kind::Extremum, x, y),
            Op::Select {
                comparison,
                lhs,
                rhs,
                ..
            } => {
                let kind = match comparison {
                    Comparison::Less => Kind::Less,
                    Comparison::LessEqual => Kind::LessEqual,
                    Comparison::Equal => Kind::Equal,
                };
                (kind, lhs, rhs)
            }
            _ => return None,
        };
        Some(Decision { kind, x, y })
    };
    let found = graph.ids().filter(|id| inside[id.index()]).filter_map(of);
    let mut seen = BTreeSet::new();
    found.filter(|decision| seen.insert(*decision)).collect()
}

impl Decision {
    /// How a run decides, entry by entry: an ordering as −1, 0 or 1, or the number of a column;
    /// `None` where the arithmetic does not know.
    pub fn outcomes<A: Arithmetic>(&self, run: &Machine<'_, A>) -> Vec<Option<i64>> {
        let shape = |id| run.node(id).map_or((0, 0), |m| m.shape());
        let ((rows, cols), (s, d)) = (shape(self.x), shape(self.y));
        if self.kind == Kind::RowMax {
            return (0..rows).map(|row| self.largest(run, row, cols)).collect();
        }
        let (rows, cols) = (rows.max(s), cols.max(d));
        let entries = (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col)));
        entries.map(|entry| self.ordering(run, entry)).collect()
    }

    fn ordering<A: Arithmetic>(&self, run: &Machine<'_, A>, entry: (usize, usize)) -> Option<i64> {
        let ctx = run.arithmetic();
        let x = value(run, self.x, entry)?;
        let ordering = match self.kind {
            Kind::Sign => ctx.compare(x, &ctx.zero()),
            _ => ctx.compare(x, value(run, self.y, entry)?),
        };
        Some(match ordering.ok()? {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        })
    }

    fn largest<A: Arithmetic>(&self, run: &Machine<'_, A>, row: usize, cols: usize) -> Option<i64> {
        let ctx = run.arithmetic();
        let mut largest = (0, value(run, self.x, (row, 0))?);
        for col in 1..cols {
            let x = value(run, self.x, (row, col))?;
            if ctx.compare(largest.1, x).ok()? == Ordering::Less {
                largest = (col as i64, x);
            }
        }
        Some(largest.0)
    }

    /// The branch that an outcome leads to, in words.
    pub fn branch(&self, outcome: i64) -> &'static str {
        match (self.kind, outcome) {
            (Kind::Sign, -1) => "negative",
            (Kind::Sign, 0) => "zero",
            (Kind::Sign, _) => "positive",
            (Kind::Extremum, -1) => "the second is larger",
            (Kind::Extremum, 0) => "both are equal",
            (Kind::Extremum, _) => "the first is larger",
            (Kind::Less, -1) | (Kind::LessEqual, -1 | 0) | (Kind::Equal, 0) => "holds",
            (Kind::Less | Kind::LessEqual | Kind::Equal, _) => "does not hold",
            (Kind::RowMax, 0) => "the first column",
            (Kind::RowMax, _) => "a later column",
        }
    }

    /// Every branch there is.
    pub fn branches(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Sign => &["negative", "zero", "positive"],
            Kind::Extremum => &["the first is larger", "the second is larger"],
            Kind::Less | Kind::LessEqual | Kind::Equal => &["holds", "does not hold"],
            Kind::RowMax => &["the first column", "a later column"],
        }
    }

    /// What is decided, in words.
    pub fn describe(&self, graph: &Graph) -> String {
        // Nodes without a name have a number, which says nothing across steps.
        let name = |id: NodeId| match graph.describe(id) {
            number if number.starts_with('%') => "·".to_owned(),
            name => name,
        };
        let (x, y) = (name(self.x), name(self.y));
        match self.kind {
            Kind::Sign => format!("sign({x})"),
            Kind::RowMax => format!("rowmax({x})"),
            Kind::Extremum => format!("max or min of {x}, {y}"),
            Kind::Less => format!("{x} < {y}"),
            Kind::LessEqual => format!("{x} ≤ {y}"),
            Kind::Equal => format!("{x} = {y}"),
        }
    }
}

/// The value of a node at an entry; a dimension of size 1 is repeated.
fn value<'m, A: Arithmetic>(
    run: &'m Machine<'_, A>,
    id: NodeId,
    (row, col): (usize, usize),
) -> Option<&'m A::Elem> {
    let matrix = run.node(id)?;
    let (rows, cols) = matrix.shape();
    let (row, col) = (row.min(rows.checked_sub(1)?), col.min(cols.checked_sub(1)?));
    run.is_defined(id, row, col).then(|| &matrix[(row, col)])
}
