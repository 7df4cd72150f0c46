//! Handles with operators, so that builder code reads like the published formula.
//!
//! A handle cannot fail: the first mistake (shapes that do not fit, a name used twice) is kept
//! and returned by [`Builder::finish`].

use std::cell::{Cell, RefCell};
use std::ops::{Add, Div, Mul, Neg, Sub};

use num_traits::{One, Zero};

use super::{Binary, Comparison, Dim, Graph, GraphError, Leaf, LeafKind, NodeId, Op, Shape, Unary};
use crate::arith::{FloatFormat, Function, Ratio};

/// Builds one graph through the [`Expr`] handles it hands out.
#[derive(Debug, Default)]
pub struct Builder {
    graph: RefCell<Graph>,
    mistake: RefCell<Option<GraphError>>,
    products_in: Cell<Option<FloatFormat>>,
}

impl Builder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// The finished graph.
    ///
    /// # Errors
    /// The first mistake that was made while building.
    pub fn finish(self) -> Result<Graph, GraphError> {
        match self.mistake.into_inner() {
            Some(mistake) => Err(mistake),
            None => Ok(self.graph.into_inner()),
        }
    }

    /// Notes a mistake, unless an earlier one is known.
    pub fn fail(&self, mistake: GraphError) {
        self.mistake.borrow_mut().get_or_insert(mistake);
    }

    /// The mistake that was made so far, which is then forgotten.
    pub(crate) fn take_mistake(&self) -> Option<GraphError> {
        self.mistake.borrow_mut().take()
    }

    /// The result of `build`, with both operands of every matrix product rounded into `format`,
    /// as `torch.autocast` has it. What follows, gradients included, multiplies as it is told.
    pub fn with_products_in<T>(&self, format: Option<FloatFormat>, build: impl FnOnce() -> T) -> T {
        let before = self.products_in.replace(format);
        let built = build();
        self.products_in.set(before);
        built
    }

    /// A new leaf.
    pub fn leaf(&self, name: &str, kind: LeafKind, shape: Shape) -> Expr<'_> {
        self.push(
            Op::Leaf(Leaf {
                name: name.to_owned(),
                kind,
            }),
            shape,
        )
    }

    /// Frozen data.
    pub fn data(&self, name: &str, rows: &Dim, cols: &Dim) -> Expr<'_> {
        self.leaf(name, LeafKind::Data, Shape::new(rows.clone(), cols.clone()))
    }

    /// A scalar hyperparameter with the published name `base`. Asking again for the same name
    /// gives the same leaf.
    pub fn hyperparameter(&self, name: &str, base: &str, may_be_zero: bool) -> Expr<'_> {
        let known = self.graph.borrow().leaf(name);
        match known {
            Some(id) => self.at(id),
            None => {
                let kind = LeafKind::Hyperparameter {
                    base: base.to_owned(),
                    may_be_zero,
                };
                self.leaf(name, kind, Shape::scalar())
            }
        }
    }

    /// The number of the step, from 1.
    pub fn step_number(&self) -> Expr<'_> {
        let known = self.graph.borrow().leaf("t");
        match known {
            Some(id) => self.at(id),
            None => self.leaf("t", LeafKind::StepNumber, Shape::scalar()),
        }
    }

    /// An exact constant.
    pub fn constant(&self, q: Ratio) -> Expr<'_> {
        self.push(Op::Constant(q), Shape::scalar())
    }

    /// The exact constant `num / den`.
    ///
    /// # Panics
    /// When `den` is zero, which only a builder's author can cause.
    pub fn ratio(&self, num: i64, den: i64) -> Expr<'_> {
        self.constant(Ratio::new(num.into(), den.into()))
    }

    /// The number of entries along `dim`.
    pub fn count(&self, dim: &Dim) -> Expr<'_> {
        self.push(Op::Count(dim.clone()), Shape::scalar())
    }

    /// The identity matrix of `dim`.
    pub fn identity(&self, dim: &Dim) -> Expr<'_> {
        let shape = Shape::new(dim.clone(), dim.clone());
        self.push(Op::Identity(dim.clone()), shape)
    }

    /// The handle of the node at `id`.
    pub fn at(&self, id: NodeId) -> Expr<'_> {
        Expr { builder: self, id }
    }

    /// The graph as it is so far.
    pub(crate) fn graph(&self) -> std::cell::Ref<'_, Graph> {
        self.graph.borrow()
    }

    fn push(&self, op: Op, shape: Shape) -> Expr<'_> {
        let pushed = self.graph.borrow_mut().push(op, shape);
        match pushed {
            Ok(id) => self.at(id),
            Err(mistake) => {
                self.fail(mistake);
                self.at(NodeId(0))
            }
        }
    }
}

/// A handle on a node of a graph under construction.
#[derive(Clone, Copy)]
pub struct Expr<'g> {
    builder: &'g Builder,
    id: NodeId,
}

impl std::fmt::Debug for Expr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expr({})", self.id)
    }
}

impl<'g> Expr<'g> {
    /// The node's position.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The builder that the node belongs to.
    pub fn builder(self) -> &'g Builder {
        self.builder
    }

    /// The node's shape.
    pub fn shape(self) -> Shape {
        self.builder.graph.borrow().node(self.id).shape.clone()
    }

    /// Gives the node a name for messages and printing; the first name stays.
    pub fn named(self, label: &str) -> Self {
        self.builder.graph.borrow_mut().set_label(self.id, label);
        self
    }

    fn unary(self, op: Unary, shape: Shape) -> Self {
        self.builder.push(Op::Unary(op, self.id), shape)
    }

    fn elementwise(self, op: Binary, other: Self, name: &'static str) -> Self {
        let (left, right) = (self.shape(), other.shape());
        let Some(shape) = left.broadcast(&right) else {
            self.builder.fail(GraphError::Shape {
                operation: name,
                left,
                right,
            });
            return self;
        };
        self.builder.push(Op::Binary(op, self.id, other.id), shape)
    }

    /// The matrix product `self · other`.
    pub fn matmul(self, other: Self) -> Self {
        let (left, right) = (self.shape(), other.shape());
        if left.cols != right.rows {
            self.builder.fail(GraphError::Shape {
                operation: "matmul",
                left,
                right,
            });
            return self;
        }
        let shape = Shape::new(left.rows, right.cols);
        let [x, y] = match self.builder.products_in.get() {
            None => [self, other],
            Some(format) => [self.cast(format), other.cast(format)],
        };
        self.builder
            .push(Op::Binary(Binary::MatMul, x.id, y.id), shape)
    }

    /// The transpose.
    pub fn t(self) -> Self {
        // The transpose of a transpose is the matrix itself, bit for bit.
        if let Op::Unary(Unary::Transpose, inner) = self.op() {
            return self.builder.at(inner);
        }
        let shape = self.shape().transposed();
        self.unary(Unary::Transpose, shape)
    }

    fn op(self) -> Op {
        self.builder.graph.borrow().node(self.id).op.clone()
    }

    /// |x|, elementwise.
    pub fn abs(self) -> Self {
        self.unary(Unary::Abs, self.shape())
    }

    /// sign(x), 0 at 0, elementwise.
    pub fn sign(self) -> Self {
        self.unary(Unary::Sign, self.shape())
    }

    /// √x, elementwise.
    pub fn sqrt(self) -> Self {
        self.unary(Unary::Sqrt, self.shape())
    }

    /// exp(x), elementwise.
    pub fn exp(self) -> Self {
        self.unary(Unary::Function(Function::Exp), self.shape())
    }

    /// ln(x), elementwise.
    pub fn ln(self) -> Self {
        self.unary(Unary::Function(Function::Ln), self.shape())
    }

    /// cos(π x), elementwise.
    pub fn cos_pi(self) -> Self {
        self.unary(Unary::Function(Function::CosPi), self.shape())
    }

    /// tanh(x), elementwise.
    pub fn tanh(self) -> Self {
        self.unary(Unary::Function(Function::Tanh), self.shape())
    }

    /// Φ(x), elementwise.
    pub fn normal_cdf(self) -> Self {
        self.unary(Unary::Function(Function::NormalCdf), self.shape())
    }

    /// φ(x) = Φ′(x), elementwise.
    pub fn normal_density(self) -> Self {
        self.unary(Unary::Function(Function::NormalDensity), self.shape())
    }

    /// Each entry rounded into `format`.
    pub fn cast(self, format: FloatFormat) -> Self {
        self.unary(Unary::Cast(format), self.shape())
    }

    /// xᵗ, elementwise; `exponent` is the step number.
    pub fn pow(self, exponent: Self) -> Self {
        let is_step_number = matches!(
            self.builder
                .graph
                .borrow()
                .leaf_at(exponent.id)
                .map(|l| &l.kind),
            Some(LeafKind::StepNumber)
        );
        if !is_step_number {
            self.builder.fail(GraphError::Exponent);
            return self;
        }
        self.elementwise(Binary::Power, exponent, "power")
    }

    /// x to a real power, as exp(exponent · ln x), elementwise.
    pub fn real_power(self, exponent: impl Operand<'g>) -> Self {
        (self.ln() * exponent).exp()
    }

    /// atan2(self, x), elementwise.
    pub fn atan2(self, x: Self) -> Self {
        self.elementwise(Binary::Atan2, x, "atan2")
    }

    fn square_matrix(self, op: Unary, operation: &'static str) -> Self {
        let shape = self.shape();
        if shape.rows != shape.cols {
            self.builder.fail(GraphError::Shape {
                operation,
                left: shape.clone(),
                right: shape.transposed(),
            });
            return self;
        }
        self.unary(op, shape)
    }

    /// The inverse of a square matrix.
    pub fn inverse(self) -> Self {
        self.square_matrix(Unary::Inverse, "inverse")
    }

    /// The positive semidefinite root of a symmetric positive semidefinite matrix.
    pub fn matrix_sqrt(self) -> Self {
        self.square_matrix(Unary::MatrixSqrt, "matrix square root")
    }

    /// The Euclidean norm of all entries; 1 × 1.
    pub fn norm(self) -> Self {
        self.square().sum().sqrt()
    }

    /// x², elementwise.
    pub fn square(self) -> Self {
        self * self
    }

    /// The value without its gradient.
    pub fn detach(self) -> Self {
        self.unary(Unary::Detach, self.shape())
    }

    /// Sums over every dimension that is 1 in `shape`; the others must agree.
    pub fn sum_to(self, shape: &Shape) -> Self {
        let own = self.shape();
        if own == *shape {
            return self;
        }
        if shape.broadcast(&own).as_ref() != Some(&own) {
            self.builder.fail(GraphError::Shape {
                operation: "sum",
                left: own,
                right: shape.clone(),
            });
            return self;
        }
        self.unary(Unary::SumTo, shape.clone())
    }

    /// The sum of all entries; 1 × 1.
    pub fn sum(self) -> Self {
        self.sum_to(&Shape::scalar())
    }

    /// The sum of each row; rows × 1.
    pub fn sum_rows(self) -> Self {
        let rows = self.shape().rows;
        self.sum_to(&Shape::new(rows, Dim::one()))
    }

    /// The sum of each column; 1 × columns.
    pub fn sum_cols(self) -> Self {
        let cols = self.shape().cols;
        self.sum_to(&Shape::new(Dim::one(), cols))
    }

    /// The mean of all entries; 1 × 1.
    pub fn mean(self) -> Self {
        self.sum() / self.builder.count(&self.shape().count())
    }

    /// Copies along dimensions of size 1 until the shape is `shape`.
    pub fn broadcast_to(self, shape: &Shape) -> Self {
        let own = self.shape();
        if own == *shape {
            return self;
        }
        if own.broadcast(shape).as_ref() != Some(shape) {
            self.builder.fail(GraphError::Shape {
                operation: "broadcast",
                left: own,
                right: shape.clone(),
            });
            return self;
        }
        self.unary(Unary::Broadcast, shape.clone())
    }

    /// The largest entry of each row; rows × 1.
    pub fn row_max(self) -> Self {
        let rows = self.shape().rows;
        self.unary(Unary::RowMax, Shape::new(rows, Dim::one()))
    }

    /// max(x, y), elementwise.
    pub fn max(self, other: impl Operand<'g>) -> Self {
        let other = other.expr(self.builder);
        self.elementwise(Binary::Max, other, "max")
    }

    /// min(x, y), elementwise.
    pub fn min(self, other: impl Operand<'g>) -> Self {
        let other = other.expr(self.builder);
        self.elementwise(Binary::Min, other, "min")
    }

    /// The loss as an unknown differentiable function of this matrix; 1 × 1.
    pub fn opaque_loss(self) -> Self {
        self.unary(Unary::OpaqueLoss, Shape::scalar())
    }

    pub(super) fn opaque_gradient(self) -> Self {
        self.unary(Unary::OpaqueGradient, self.shape())
    }

    /// `then` where `self < rhs`, else `otherwise`.
    pub fn if_less(
        self,
        rhs: impl Operand<'g>,
        then: impl Operand<'g>,
        otherwise: impl Operand<'g>,
    ) -> Self {
        self.select(Comparison::Less, rhs, then, otherwise)
    }

    /// `then` where `self ≤ rhs`, else `otherwise`.
    pub fn if_less_equal(
        self,
        rhs: impl Operand<'g>,
        then: impl Operand<'g>,
        otherwise: impl Operand<'g>,
    ) -> Self {
        self.select(Comparison::LessEqual, rhs, then, otherwise)
    }

    /// `then` where `self = rhs`, else `otherwise`.
    pub fn if_equal(
        self,
        rhs: impl Operand<'g>,
        then: impl Operand<'g>,
        otherwise: impl Operand<'g>,
    ) -> Self {
        self.select(Comparison::Equal, rhs, then, otherwise)
    }

    pub(super) fn select(
        self,
        comparison: Comparison,
        rhs: impl Operand<'g>,
        then: impl Operand<'g>,
        otherwise: impl Operand<'g>,
    ) -> Self {
        let b = self.builder;
        let (rhs, then, otherwise) = (rhs.expr(b), then.expr(b), otherwise.expr(b));
        let shapes = [rhs.shape(), then.shape(), otherwise.shape()];
        let joined = shapes.iter().try_fold(self.shape(), |joined, shape| {
            joined.broadcast(shape).ok_or_else(|| GraphError::Shape {
                operation: "select",
                left: joined.clone(),
                right: shape.clone(),
            })
        });
        match joined {
            Ok(shape) => b.push(
                Op::Select {
                    comparison,
                    lhs: self.id,
                    rhs: rhs.id,
                    then: then.id,
                    otherwise: otherwise.id,
                },
                shape,
            ),
            Err(mistake) => {
                b.fail(mistake);
                self
            }
        }
    }

    pub(super) fn is_constant(self, value: i64) -> bool {
        matches!(self.op(), Op::Constant(q) if q == Ratio::from_integer(value.into()))
    }
}

/// An operand beside an [`Expr`] in a formula: another one, or an integer.
pub trait Operand<'g> {
    /// The operand as a node of `builder`.
    fn expr(self, builder: &'g Builder) -> Expr<'g>;
}

impl<'g> Operand<'g> for Expr<'g> {
    fn expr(self, _: &'g Builder) -> Expr<'g> {
        self
    }
}

impl<'g> Operand<'g> for i64 {
    fn expr(self, builder: &'g Builder) -> Expr<'g> {
        match self {
            0 => builder.constant(Ratio::zero()),
            1 => builder.constant(Ratio::one()),
            n => builder.constant(Ratio::from_integer(n.into())),
        }
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:expr, $name:literal) => {
        impl<'g, R: Operand<'g>> $trait<R> for Expr<'g> {
            type Output = Expr<'g>;
            fn $method(self, other: R) -> Expr<'g> {
                let other = other.expr(self.builder);
                self.elementwise($op, other, $name)
            }
        }
        impl<'g> $trait<Expr<'g>> for i64 {
            type Output = Expr<'g>;
            fn $method(self, other: Expr<'g>) -> Expr<'g> {
                self.expr(other.builder).elementwise($op, other, $name)
            }
        }
    };
}

operator!(Add, add, Binary::Add, "sum");
operator!(Sub, sub, Binary::Sub, "difference");
operator!(Mul, mul, Binary::Mul, "product");
operator!(Div, div, Binary::Div, "quotient");

impl<'g> Neg for Expr<'g> {
    type Output = Expr<'g>;
    fn neg(self) -> Expr<'g> {
        self.unary(Unary::Neg, self.shape())
    }
}
