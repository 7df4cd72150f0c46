//! The action on each node of a step of a group that mixes the ranks: the law of every operation.

use std::collections::BTreeMap;

use crate::graph::{Binary, Comparison, Dim, NodeId, Op, StepGraph, Unary};

/// The dimension that is mixed.
pub(super) const RANK: &str = "r";
/// A group of matrices that mix the ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mixing {
    /// Those that reorder the ranks.
    Permutation,
    /// Those that reorder them and change signs.
    SignedPermutation,
    /// All orthogonal matrices.
    Orthogonal,
}

impl Mixing {
    /// All groups, the largest first.
    pub const ALL: [Self; 3] = [Self::Orthogonal, Self::SignedPermutation, Self::Permutation];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orthogonal => "orthogonal",
            Self::SignedPermutation => "signed-permutation",
            Self::Permutation => "permutation",
        }
    }
}

/// The action of a mixing `Q` along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing: the axis has nothing to do with the ranks.
    Fixed,
    /// `Q` acts.
    Mixed,
    /// The permutation acts that a signed permutation is without its signs.
    Permuted,
    /// Anything: all entries are zero, or nothing is known yet.
    Free,
}

/// The action along rows and columns.
pub(super) type Label = [Action; 2];

/// A node that does not commute with a mixing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub node: NodeId,
    pub why: &'static str,
}

const BY_ENTRY: &str = "works entry by entry along the ranks";
const ALONG: &str = "takes the ranks together in a way that depends on their basis";
const UNLIKE: &str = "joins what turns with the ranks and what does not";

/// The label of every node, given those of the leaves that turn.
pub(super) struct Laws<'a> {
    step: &'a StepGraph,
    mixing: Mixing,
    whole: Action,
    zero: &'a [bool],
    leaves: &'a BTreeMap<NodeId, Label>,
    found: Vec<Result<Label, Fault>>,
}

impl<'a> Laws<'a> {
    pub fn new(
        step: &'a StepGraph,
        mixing: Mixing,
        whole: Action,
        zero: &'a [bool],
        leaves: &'a BTreeMap<NodeId, Label>,
    ) -> Self {
        let found = Vec::with_capacity(zero.len());
        let mut laws = Self {
            step,
            mixing,
            whole,
            zero,
            leaves,
            found,
        };
        for id in step.graph.ids() {
            let label = laws.law(id);
            laws.found.push(label);
        }
        laws
    }

    /// The label of a node.
    pub fn of(&self, id: NodeId) -> Result<Label, Fault> {
        self.found[id.index()]
    }

    fn law(&self, id: NodeId) -> Result<Label, Fault> {
        let fault = |why| Err(Fault { node: id, why });
        // Ranks that are one axis together with something else are not looked into.
        let is_mixed = |dim: &Dim| dim.names().count() > 1 && dim.names().any(|n| n == RANK);
        if dims(self.step, id).into_iter().any(is_mixed) {
            return fault("has an axis that holds more than the ranks");
        }
        if self.zero[id.index()] {
            return Ok(free(self.step, id));
        }
        let label = match &self.step.graph.node(id).op {
            Op::Leaf(_) => match self.leaves.get(&id) {
                Some(label) => *label,
                None if ranked(self.step, id) == [false; 2] => [Action::Fixed; 2],
                None => return fault("has ranks, and is given"),
            },
            Op::Constant(_) | Op::Count(_) => [Action::Fixed; 2],
            Op::Identity(_) => self.each(id, |_| Some(self.whole)).ok_or(Fault {
                node: id,
                why: UNLIKE,
            })?,
            Op::Unary(op, x) => self.unary(id, *op, *x)?,
            Op::Binary(op, x, y) => self.binary(id, *op, *x, *y)?,
            Op::Select {
                comparison,
                lhs,
                rhs,
                then,
                otherwise,
            } => self.select(id, *comparison, [*lhs, *rhs], [*then, *otherwise])?,
        };
        // A rotation is no permutation, so nothing can be without its signs.
        if self.mixing == Mixing::Orthogonal && label.contains(&Action::Permuted) {
            return fault(match &self.step.graph.node(id).op {
                Op::Unary(Unary::Broadcast, _) => "stands at every rank alike",
                _ => BY_ENTRY,
            });
        }
        Ok(label)
    }

    /// `f` on the rank axes of `id`; the others keep still. `None` where `f` says so.
    fn each(&self, id: NodeId, f: impl Fn(usize) -> Option<Action>) -> Option<Label> {
        let mut label = [Action::Fixed; 2];
        for (axis, ranked) in ranked(self.step, id).into_iter().enumerate() {
            if ranked {
                label[axis] = f(axis)?;
            }
        }
        Some(label)
    }

    /// The action on the operand `x` of an elementwise operation along an axis of ranks: where it has
    /// one entry only, that stands at every rank.
    fn seen(&self, x: NodeId, axis: usize) -> Result<Action, Fault> {
        let label = self.of(x)?;
        Ok(match label[axis] {
            _ if self.zero[x.index()] => Action::Free,
            Action::Fixed => Action::Permuted,
            turn => turn,
        })
    }

    /// An elementwise operation that commutes with permutations and with nothing else.
    fn even(&self, id: NodeId, operands: &[NodeId]) -> Result<Label, Fault> {
        let mut turned = [false; 2];
        for x in operands {
            for (axis, turned) in turned.iter_mut().enumerate() {
                *turned |= self.seen(*x, axis)? == Action::Mixed;
            }
        }
        let label = self.each(id, |axis| (!turned[axis]).then_some(Action::Permuted));
        label.ok_or(Fault {
            node: id,
            why: BY_ENTRY,
        })
    }

    /// An elementwise operation whose operands must turn alike.
    fn alike(&self, id: NodeId, [x, y]: [NodeId; 2]) -> Result<Label, Fault> {
        let seen = [0, 1].map(|axis| Ok((self.seen(x, axis)?, self.seen(y, axis)?)));
        let [rows, cols] = seen;
        let seen = [rows?, cols?];
        let label = self.each(id, |axis| match seen[axis] {
            (Action::Free, turn) | (turn, Action::Free) => Some(turn),
            (a, b) => (a == b).then_some(a),
        });
        label.ok_or(Fault {
            node: id,
            why: UNLIKE,
        })
    }

    /// A product or quotient: signs multiply.
    fn product(&self, id: NodeId, x: NodeId, y: NodeId) -> Result<Label, Fault> {
        let seen = [0, 1].map(|axis| Ok((self.seen(x, axis)?, self.seen(y, axis)?)));
        let [rows, cols] = seen;
        let seen = [rows?, cols?];
        let label = self.each(id, |axis| {
            Some(match seen[axis] {
                (Action::Free, _) | (_, Action::Free) => Action::Free,
                (a, b) if a == b => Action::Permuted,
                _ => Action::Mixed,
            })
        });
        label.ok_or(Fault {
            node: id,
            why: BY_ENTRY,
        })
    }

    fn unary(&self, id: NodeId, op: Unary, x: NodeId) -> Result<Label, Fault> {
        let fault = |why| Err(Fault { node: id, why });
        if op == Unary::SumTo {
            return self.sum(id, x);
        }
        let label = self.of(x)?;
        let has_ranks = label != [Action::Fixed; 2];
        let rotates = self.mixing == Mixing::Orthogonal;
        Ok(match op {
            Unary::Neg | Unary::Detach => label,
            // Rounding is to the nearest, the same on both sides of zero.
            Unary::Sign | Unary::Cast(_) if rotates && has_ranks => return fault(BY_ENTRY),
            Unary::Sign | Unary::Cast(_) => label,
            Unary::Abs => label.map(|turn| match turn {
                Action::Fixed => Action::Fixed,
                _ => Action::Permuted,
            }),
            Unary::Sqrt | Unary::Function(_) => self.even(id, &[x])?,
            // (P·X·Rᵀ)⁻¹ = R·X⁻¹·Pᵀ for orthogonal P and R.
            Unary::Transpose | Unary::Inverse => [label[1], label[0]],
            Unary::MatrixSqrt => match label {
                [a, Action::Free] | [Action::Free, a] => [a, a],
                [a, b] if a == b => label,
                _ => return fault(UNLIKE),
            },
            Unary::Broadcast => {
                let turn = |axis: usize| match label[axis] {
                    Action::Fixed => Action::Permuted,
                    turn => turn,
                };
                self.each(id, |axis| Some(turn(axis))).unwrap_or(label)
            }
            Unary::RowMax if label.contains(&Action::Mixed) => return fault(BY_ENTRY),
            Unary::RowMax => [label[0], Action::Fixed],
            Unary::OpaqueLoss | Unary::OpaqueGradient if has_ranks => return fault(ALONG),
            Unary::OpaqueLoss | Unary::OpaqueGradient => [Action::Fixed; 2],
            Unary::SumTo => label,
        })
    }

    /// A sum. One over all ranks of products is an inner product, which no mixing changes.
    fn sum(&self, id: NodeId, x: NodeId) -> Result<Label, Fault> {
        let (own, whole) = (dims(self.step, id), dims(self.step, x));
        let gone = [0, 1].map(|axis| own[axis].is_one() && !whole[axis].is_one());
        if let Op::Binary(Binary::Mul, a, b) = &self.step.graph.node(x).op {
            let (a, b) = (self.of(*a)?, self.of(*b)?);
            let ranked = ranked(self.step, x);
            let is_inner = (0..2).filter(|axis| ranked[*axis]).all(|axis| {
                let both = [a[axis], b[axis]];
                let alike = a[axis] == b[axis] || both.contains(&Action::Free);
                gone[axis] && alike && !both.contains(&Action::Fixed)
            });
            if is_inner {
                return Ok([Action::Fixed; 2]);
            }
        }
        let mut label = self.of(x)?;
        for axis in 0..2 {
            if gone[axis] {
                if label[axis] == Action::Mixed {
                    return Err(Fault {
                        node: id,
                        why: ALONG,
                    });
                }
                label[axis] = Action::Fixed;
            }
        }
        Ok(label)
    }

    fn binary(&self, id: NodeId, op: Binary, x: NodeId, y: NodeId) -> Result<Label, Fault> {
        match op {
            Binary::Add | Binary::Sub => self.alike(id, [x, y]),
            Binary::Mul => self.product(id, x, y),
            // 1/x turns with signs only.
            Binary::Div
                if self.mixing == Mixing::Orthogonal && self.of(y)?.contains(&Action::Mixed) =>
            {
                Err(Fault {
                    node: id,
                    why: BY_ENTRY,
                })
            }
            Binary::Div => self.product(id, x, y),
            // The angle of (−y, x) is not minus that of (y, x) where y = 0 and x < 0.
            Binary::Max | Binary::Min | Binary::Power | Binary::Atan2 => self.even(id, &[x, y]),
            Binary::MatMul => {
                let (left, right) = (self.of(x)?, self.of(y)?);
                match (left[1], right[0]) {
                    (Action::Free, _) | (_, Action::Free) => {}
                    (a, b) if a == b => {}
                    _ => {
                        return Err(Fault {
                            node: id,
                            why: UNLIKE,
                        });
                    }
                }
                Ok([left[0], right[1]])
            }
        }
    }

    fn select(
        &self,
        id: NodeId,
        comparison: Comparison,
        sides: [NodeId; 2],
        branches: [NodeId; 2],
    ) -> Result<Label, Fault> {
        if self.mixing == Mixing::Orthogonal {
            for side in sides {
                if self.of(side)? != [Action::Fixed; 2] {
                    return Err(Fault {
                        node: id,
                        why: BY_ENTRY,
                    });
                }
            }
        }
        match comparison {
            // x = y just where −x = −y.
            Comparison::Equal => self.alike(id, sides)?,
            Comparison::Less | Comparison::LessEqual => self.even(id, &sides)?,
        };
        self.alike(id, branches)
    }
}

fn dims(step: &StepGraph, id: NodeId) -> [&Dim; 2] {
    let shape = &step.graph.node(id).shape;
    [&shape.rows, &shape.cols]
}

/// The axes of the ranks.
fn ranked(step: &StepGraph, id: NodeId) -> [bool; 2] {
    dims(step, id).map(|dim| dim.names().any(|name| name == RANK))
}

/// The label of a node whose rank axes may turn in any way.
pub(super) fn free(step: &StepGraph, id: NodeId) -> Label {
    let turn = |is_ranked| {
        if is_ranked {
            Action::Free
        } else {
            Action::Fixed
        }
    };
    ranked(step, id).map(turn)
}
