//! Decisions of a step that fall differently in two runs.
//!
//! A decision is scale-free: the sign of an entry, which of two is taken, where the largest of a
//! row stands. The rule says that it is the same in both runs, so where it differs rounding has
//! turned an ulp into a jump.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::arith::Arithmetic;
use crate::bound::study::Jump;
use crate::exec::Machine;
use crate::graph::print::operand;
use crate::graph::{Binary, Comparison, Graph, NodeId, Op, StepGraph, Unary};

/// What is decided, and upon which nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The sign of the node.
    Sign,
    /// Whether the second is larger: a maximum.
    Larger,
    /// Whether the second is smaller: a minimum.
    Smaller,
    Less,
    LessEqual,
    Equal,
    /// Where the first largest entry of each row stands.
    RowMax,
}

/// A place where a step decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decision {
    kind: Kind,
    x: NodeId,
    y: NodeId,
}

/// Every decision on which the loss or a next value depends, each once.
pub(super) fn decisions(step: &StepGraph) -> Vec<Decision> {
    let next = step.parameters.iter().map(|p| p.next);
    let states = step.states.iter().map(|s| s.next);
    let cone = (step.graph).cone(next.chain(states).chain([step.loss]));
    let of = |id: NodeId| match step.graph.node(id).op {
        Op::Unary(Unary::Sign | Unary::Abs, x) => Some((Kind::Sign, x, x)),
        Op::Unary(Unary::RowMax, x) => Some((Kind::RowMax, x, x)),
        Op::Binary(Binary::Max, x, y) => Some((Kind::Larger, x, y)),
        Op::Binary(Binary::Min, x, y) => Some((Kind::Smaller, x, y)),
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
            Some((kind, lhs, rhs))
        }
        _ => None,
    };
    let inside = step.graph.ids().filter(|id| cone[id.index()]);
    let found: BTreeSet<Decision> = inside
        .filter_map(of)
        .map(|(kind, x, y)| Decision { kind, x, y })
        .collect();
    // By node: a step decides in that order.
    let mut found: Vec<Decision> = found.into_iter().collect();
    found.sort_by_key(|d| (d.x.max(d.y), d.kind));
    found
}

impl Decision {
    /// Counts the entries at which the two runs decide differently in the step that both have
    /// completed, and adds them to `jumps` while there are fewer than `most`.
    pub fn differences<A: Arithmetic>(
        &self,
        l: &Machine<'_, A>,
        r: &Machine<'_, A>,
        jumps: &mut Vec<Jump>,
        most: usize,
    ) -> usize {
        let mut count = 0;
        for entry in self.entries(l) {
            let decided = (self.at(l, entry), self.at(r, entry));
            let (Some((left, left_value)), Some((right, right_value))) = decided else {
                continue;
            };
            if left == right {
                continue;
            }
            count += 1;
            if jumps.len() < most {
                jumps.push(Jump {
                    step: l.step_number(),
                    node: self.describe(&l.plan().step().graph),
                    entry,
                    left,
                    right,
                    left_value,
                    right_value,
                });
            }
        }
        count
    }

    fn entries<A: Arithmetic>(&self, run: &Machine<'_, A>) -> Vec<(usize, usize)> {
        let shape = |id| run.node(id).map_or((0, 0), |m| m.shape());
        let ((r, c), (s, d)) = (shape(self.x), shape(self.y));
        let (rows, cols) = match self.kind {
            Kind::RowMax => (r, c.min(1)),
            _ => (r.max(s), c.max(d)),
        };
        (0..rows)
            .flat_map(|row| (0..cols).map(move |col| (row, col)))
            .collect()
    }

    /// What `run` decides at `entry`, and upon which value; none where it has none.
    fn at<A: Arithmetic>(
        &self,
        run: &Machine<'_, A>,
        entry: (usize, usize),
    ) -> Option<(String, String)> {
        let ctx = run.arithmetic();
        let value = |id: NodeId, (row, col): (usize, usize)| {
            let matrix = run.node(id)?;
            // A dimension of size 1 is repeated.
            let (row, col) = (row.min(matrix.nrows() - 1), col.min(matrix.ncols() - 1));
            run.is_defined(id, row, col).then(|| &matrix[(row, col)])
        };
        if self.kind == Kind::RowMax {
            let mut largest = (0, value(self.x, (entry.0, 0))?);
            for col in 1..run.node(self.x)?.ncols() {
                let x = value(self.x, (entry.0, col))?;
                if ctx.compare(largest.1, x).ok()? == Ordering::Less {
                    largest = (col, x);
                }
            }
            return Some((format!("column {}", largest.0), ctx.show(largest.1)));
        }
        let (x, y) = (value(self.x, entry)?, value(self.y, entry)?);
        if self.kind == Kind::Sign {
            let sign = match ctx.compare(x, &ctx.zero()).ok()? {
                Ordering::Less => "−",
                Ordering::Equal => "0",
                Ordering::Greater => "+",
            };
            return Some((sign.to_owned(), ctx.show(x)));
        }
        let order = ctx.compare(x, y).ok()?;
        let holds = match self.kind {
            Kind::Larger | Kind::Less => order == Ordering::Less,
            Kind::Smaller => order == Ordering::Greater,
            Kind::LessEqual => order != Ordering::Greater,
            _ => order == Ordering::Equal,
        };
        let taken = match (self.kind, holds) {
            (Kind::Larger | Kind::Smaller, true) => "the second",
            (Kind::Larger | Kind::Smaller, false) => "the first",
            (_, true) => "holds",
            (_, false) => "does not hold",
        };
        let values = format!("{}, {}", ctx.show(x), ctx.show(y));
        Some((taken.to_owned(), values))
    }

    fn describe(&self, graph: &Graph) -> String {
        let alone = |id: NodeId| {
            let text = operand(graph, id);
            let inner = text.strip_prefix('(').and_then(|x| x.strip_suffix(')'));
            inner.unwrap_or(&text).to_owned()
        };
        let (x, y) = (alone(self.x), alone(self.y));
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
