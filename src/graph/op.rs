//! Operations, and what holds of each wherever it stands.

use super::{Dim, Leaf, NodeId};
use crate::arith::{FloatFormat, Function, Ratio};

/// An operation on one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unary {
    /// −x
    Neg,
    /// |x|
    Abs,
    /// sign(x), 0 at 0
    Sign,
    /// √x
    Sqrt,
    /// A transcendental function.
    Function(Function),
    /// xᵀ
    Transpose,
    /// The value without its gradient (`torch.Tensor.detach`).
    Detach,
    /// The sum over every dimension that is 1 in the node's shape, left to right, top to bottom.
    SumTo,
    /// Copies along every dimension that is 1 in the operand.
    Broadcast,
    /// The largest entry of each row; rows × 1.
    RowMax,
    /// The inverse of a square matrix.
    Inverse,
    /// The positive semidefinite square root of a symmetric positive semidefinite matrix.
    MatrixSqrt,
    /// Each entry rounded into a storage format.
    Cast(FloatFormat),
    /// The loss as an unknown function of its operand; 1 × 1. Cannot be run.
    OpaqueLoss,
    /// The gradient of [`Unary::OpaqueLoss`] at its operand. Cannot be run.
    OpaqueGradient,
}

/// An operation on two operands; elementwise ones broadcast dimensions of size 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binary {
    /// x + y
    Add,
    /// x − y
    Sub,
    /// x · y, elementwise
    Mul,
    /// x / y, elementwise
    Div,
    /// max(x, y)
    Max,
    /// min(x, y)
    Min,
    /// The matrix product.
    MatMul,
    /// xᵗ, elementwise; t is the number of the step.
    Power,
    /// atan2(y, x), elementwise, with y the first operand.
    Atan2,
}

/// The comparison of an [`Op::Select`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// x < y
    Less,
    /// x ≤ y
    LessEqual,
    /// x = y
    Equal,
}

/// The operation of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// An input.
    Leaf(Leaf),
    /// An exact constant; 1 × 1.
    Constant(Ratio),
    /// The number of entries along a dimension, as a scalar; 1 × 1.
    Count(Dim),
    /// The identity matrix of a dimension.
    Identity(Dim),
    /// One operand.
    Unary(Unary, NodeId),
    /// Two operands.
    Binary(Binary, NodeId, NodeId),
    /// `then` where `lhs ⋈ rhs`, else `otherwise`; elementwise. An entry that is not selected
    /// may be undefined.
    Select {
        /// The comparison ⋈.
        comparison: Comparison,
        /// Its left side.
        lhs: NodeId,
        /// Its right side.
        rhs: NodeId,
        /// The value where it holds.
        then: NodeId,
        /// The value where it does not.
        otherwise: NodeId,
    },
}

impl Op {
    /// The operands, in order.
    pub fn operands(&self) -> Vec<NodeId> {
        self.fold(vec![], |mut all, operand| {
            all.push(operand);
            all
        })
    }

    /// The operands, in order, folded into one value.
    pub fn fold<T>(&self, first: T, mut next: impl FnMut(T, NodeId) -> T) -> T {
        match self {
            Self::Leaf(_) | Self::Constant(_) | Self::Count(_) | Self::Identity(_) => first,
            Self::Unary(_, x) => next(first, *x),
            Self::Binary(_, x, y) => {
                let first = next(first, *x);
                next(first, *y)
            }
            Self::Select {
                lhs,
                rhs,
                then,
                otherwise,
                ..
            } => [lhs, rhs, then, otherwise]
                .into_iter()
                .fold(first, |all, operand| next(all, *operand)),
        }
    }

    /// `true` if the condition holds for every operand.
    pub fn all(&self, mut condition: impl FnMut(NodeId) -> bool) -> bool {
        self.fold(true, |all, operand| all && condition(operand))
    }

    /// `true` if the condition holds for some operand.
    pub fn any(&self, mut condition: impl FnMut(NodeId) -> bool) -> bool {
        self.fold(false, |any, operand| any || condition(operand))
    }

    /// The name, without the value of a constant.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Leaf(_) => "leaf",
            Self::Constant(_) => "constant",
            Self::Count(_) => "count",
            Self::Identity(_) => "identity",
            Self::Unary(op, _) => op.name(),
            Self::Binary(op, ..) => op.name(),
            Self::Select { .. } => "select",
        }
    }

    /// `true` if the result is a number that the operation has rounded, where operands are numbers
    /// of the format. Inputs are rounded once, before the run.
    pub fn rounds(&self) -> bool {
        match self {
            Self::Leaf(_) | Self::Constant(_) | Self::Count(_) | Self::Identity(_) => false,
            Self::Select { .. } => false,
            Self::Unary(op, _) => match op {
                Unary::Neg
                | Unary::Abs
                | Unary::Sign
                | Unary::Transpose
                | Unary::Detach
                | Unary::Broadcast
                | Unary::RowMax => false,
                Unary::Sqrt
                | Unary::Function(_)
                | Unary::SumTo
                | Unary::Inverse
                | Unary::MatrixSqrt
                | Unary::Cast(_)
                | Unary::OpaqueLoss
                | Unary::OpaqueGradient => true,
            },
            Self::Binary(op, ..) => !matches!(op, Binary::Max | Binary::Min),
        }
    }

    /// `true` if every field has the operation: sums, products, quotients and what only moves
    /// entries.
    pub fn is_of_a_field(&self) -> bool {
        match self {
            Self::Leaf(_) | Self::Constant(_) | Self::Count(_) | Self::Identity(_) => true,
            Self::Unary(op, _) => matches!(
                op,
                Unary::Neg
                    | Unary::Transpose
                    | Unary::Detach
                    | Unary::SumTo
                    | Unary::Broadcast
                    | Unary::Inverse
            ),
            Self::Binary(op, ..) => !matches!(op, Binary::Max | Binary::Min | Binary::Atan2),
            Self::Select { .. } => false,
        }
    }
}

impl Unary {
    /// The name in printed graphs and certificates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Sign => "sign",
            Self::Sqrt => "sqrt",
            Self::Function(f) => f.name(),
            Self::Transpose => "transpose",
            Self::Detach => "detach",
            Self::SumTo => "sum",
            Self::Broadcast => "broadcast",
            Self::RowMax => "row_max",
            Self::Inverse => "inverse",
            Self::MatrixSqrt => "matrix_sqrt",
            Self::Cast(format) => format.name(),
            Self::OpaqueLoss => "opaque_loss",
            Self::OpaqueGradient => "opaque_gradient",
        }
    }
}

impl Binary {
    /// The name in printed graphs and certificates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Max => "max",
            Self::Min => "min",
            Self::MatMul => "matmul",
            Self::Power => "power",
            Self::Atan2 => "atan2",
        }
    }

    /// The sign that stands between the operands in plain text; `None` for what is written as a
    /// call.
    pub fn sign(self) -> Option<&'static str> {
        Some(match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::MatMul => "@",
            Self::Power => "^",
            Self::Max | Self::Min | Self::Atan2 => return None,
        })
    }
}

impl Comparison {
    /// The sign in plain text.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Equal => "=",
        }
    }
}
