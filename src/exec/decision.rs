//! Where a step decides, and how a run has decided.
//!
//! A decision is the sign of an entry, which of two is taken, whether a `select` takes its first
//! branch, where the largest entry of a row stands.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use super::Machine;
use crate::arith::Arithmetic;
use crate::graph::{Binary, Comparison, Graph, NodeId, Op, Unary};

/// The question that is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The sign of the node.
    Sign,
    /// The larger of two: a maximum.
    Larger,
    /// The smaller of two: a minimum.
    Smaller,
    Less,
    LessEqual,
    Equal,
    /// The column of the first largest entry of each row.
    RowMax,
}

/// A place where a step decides, upon one node or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    kind: Kind,
    x: NodeId,
    y: NodeId,
}

/// The decision at an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    /// The number is negative.
    Negative,
    /// The number is 0.
    Zero,
    /// The number is positive.
    Positive,
    /// A maximum or minimum is its first operand.
    First,
    /// A maximum or minimum is its second operand.
    Second,
    /// The comparison holds.
    Holds,
    /// The comparison does not hold.
    DoesNotHold,
    /// The largest of a row stands in this column, counted from 0.
    Column(usize),
}

impl Branch {
    /// The sign of the negated number; of anything else nothing.
    pub fn opposite(self) -> Option<Self> {
        match self {
            Self::Negative => Some(Self::Positive),
            Self::Zero => Some(Self::Zero),
            Self::Positive => Some(Self::Negative),
            _ => None,
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negative => "−",
            Self::Zero => "0",
            Self::Positive => "+",
            Self::First => "the first",
            Self::Second => "the second",
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Column(column) => return write!(f, "column {column}"),
        })
    }
}

/// Every decision on which one of `roots` depends, each once, in the order of the graph.
pub fn decisions(graph: &Graph, roots: impl IntoIterator<Item = NodeId>) -> Vec<Decision> {
    let cone = graph.cone(roots);
    let of = |id: NodeId| {
        let (kind, x, y) = match graph.node(id).op {
            Op::Unary(Unary::Sign | Unary::Abs, x) => (Kind::Sign, x, x),
            Op::Unary(Unary::RowMax, x) => (Kind::RowMax, x, x),
            Op::Binary(Binary::Max, x, y) => (Kind::Larger, x, y),
            Op::Binary(Binary::Min, x, y) => (Kind::Smaller, x, y),
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
    let inside = graph.ids().filter(|id| cone[id.index()]);
    let found: BTreeSet<Decision> = inside.filter_map(of).collect();
    // By node: a step decides in that order.
    let mut found: Vec<Decision> = found.into_iter().collect();
    found.sort_by_key(|d| (d.x.max(d.y), d.kind));
    found
}

impl Decision {
    /// The branches that can be taken, of columns the first and another one.
    pub fn branches(&self) -> &'static [Branch] {
        match self.kind {
            Kind::Sign => &[Branch::Negative, Branch::Zero, Branch::Positive],
            Kind::Larger | Kind::Smaller => &[Branch::First, Branch::Second],
            Kind::Less | Kind::LessEqual | Kind::Equal => &[Branch::Holds, Branch::DoesNotHold],
            Kind::RowMax => &[Branch::Column(0), Branch::Column(1)],
        }
    }

    /// The decisions of a run, entry by entry.
    pub fn taken<A: Arithmetic>(&self, run: &Machine<'_, A>) -> Vec<Option<Branch>> {
        let entries = self.entries(run).into_iter();
        entries.map(|entry| self.branch(run, entry)).collect()
    }

    /// The entries at which a run decides; one per row for the largest of a row.
    pub fn entries<A: Arithmetic>(&self, run: &Machine<'_, A>) -> Vec<(usize, usize)> {
        let shape = |id| run.node(id).map_or((0, 0), |m| m.shape());
        let ((r, c), (s, d)) = (shape(self.x), shape(self.y));
        let (rows, cols) = match self.kind {
            Kind::RowMax => (r, c.min(1)),
            _ => (r.max(s), c.max(d)),
        };
        let row = |row| (0..cols).map(move |col| (row, col));
        (0..rows).flat_map(row).collect()
    }

    /// The decision of a run at `entry`; `None` where it has no value there, or where the
    /// arithmetic does not know.
    pub fn branch<A: Arithmetic>(
        &self,
        run: &Machine<'_, A>,
        entry: (usize, usize),
    ) -> Option<Branch> {
        let ctx = run.arithmetic();
        let x = value(run, self.x, entry)?;
        let order = match self.kind {
            Kind::RowMax => return largest(run, self.x, entry.0).map(Branch::Column),
            Kind::Sign => ctx.compare(x, &ctx.zero()),
            _ => ctx.compare(x, value(run, self.y, entry)?),
        };
        let order = order.ok()?;
        let either = |holds: bool, [yes, no]: [Branch; 2]| if holds { yes } else { no };
        let second = [Branch::Second, Branch::First];
        let comparison = [Branch::Holds, Branch::DoesNotHold];
        Some(match self.kind {
            Kind::Larger => either(order == Ordering::Less, second),
            Kind::Smaller => either(order == Ordering::Greater, second),
            Kind::Less => either(order == Ordering::Less, comparison),
            Kind::LessEqual => either(order != Ordering::Greater, comparison),
            Kind::Equal => either(order == Ordering::Equal, comparison),
            Kind::Sign | Kind::RowMax => match order {
                Ordering::Less => Branch::Negative,
                Ordering::Equal => Branch::Zero,
                Ordering::Greater => Branch::Positive,
            },
        })
    }

    /// The values upon which a run has decided at `entry`, as the arithmetic shows them.
    pub fn values<A: Arithmetic>(
        &self,
        run: &Machine<'_, A>,
        entry: (usize, usize),
    ) -> Option<String> {
        let ctx = run.arithmetic();
        let at = |id, entry| value(run, id, entry).map(|x| ctx.show(x));
        match self.kind {
            Kind::Sign => at(self.x, entry),
            Kind::RowMax => at(self.x, (entry.0, largest(run, self.x, entry.0)?)),
            _ => Some(format!("{}, {}", at(self.x, entry)?, at(self.y, entry)?)),
        }
    }

    /// The question in words, with the nodes called as `name` has them.
    pub fn describe(&self, name: impl Fn(NodeId) -> String) -> String {
        let (x, y) = (name(self.x), name(self.y));
        match self.kind {
            Kind::Sign => format!("sign({x})"),
            Kind::RowMax => format!("rowmax({x})"),
            Kind::Larger => format!("max({x}, {y})"),
            Kind::Smaller => format!("min({x}, {y})"),
            Kind::Less => format!("{x} < {y}"),
            Kind::LessEqual => format!("{x} ≤ {y}"),
            Kind::Equal => format!("{x} = {y}"),
        }
    }
}

/// The column of the first largest entry of a row.
fn largest<A: Arithmetic>(run: &Machine<'_, A>, id: NodeId, row: usize) -> Option<usize> {
    let ctx = run.arithmetic();
    let mut largest = (0, value(run, id, (row, 0))?);
    for col in 1..run.node(id)?.ncols() {
        let x = value(run, id, (row, col))?;
        if ctx.compare(largest.1, x).ok()? == Ordering::Less {
            largest = (col, x);
        }
    }
    Some(largest.0)
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
