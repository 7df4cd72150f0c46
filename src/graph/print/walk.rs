//! The one walk of the graph behind every notation: what is written inline, what by name, and
//! where parentheses are needed. A [`Style`] only knows how each construct looks.

use num_traits::{One, Signed};

use super::symbol::Symbol;
use crate::arith::{FloatFormat, Function, Ratio};
use crate::graph::{Binary, Comparison, Graph, NodeId, Op, Unary};

/// The precedence of a piece of notation, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// A case distinction.
    Cases,
    /// A sum, a difference or something with a minus sign before it.
    Sum,
    /// A product.
    Product(Product),
    /// A fraction with a bar: a factor without parentheses, but not a base of a power.
    Fraction,
    /// A power or a transpose.
    Power,
    /// A symbol, a number, a call, anything in parentheses.
    Atom,
}

/// The products that a step knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Product {
    /// One side is 1 × 1.
    Scale,
    /// Entry by entry.
    Elementwise,
    /// Of matrices.
    Matrix,
    /// A quotient written with a slash.
    Slash,
}

/// A piece of notation.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub code: String,
    pub level: Level,
}

impl Term {
    pub fn new(code: impl Into<String>, level: Level) -> Self {
        Self {
            code: code.into(),
            level,
        }
    }

    pub fn atom(code: impl Into<String>) -> Self {
        Self::new(code, Level::Atom)
    }
}

/// Functions that are written as a name with arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Sign,
    Exp,
    Ln,
    CosPi,
    Tanh,
    NormalCdf,
    NormalDensity,
    Atan2,
    Inverse,
    MatrixSqrt,
    Cast(FloatFormat),
    Sum,
    RowSum,
    ColumnSum,
    RowMax,
    Max,
    Min,
    OpaqueLoss,
    OpaqueGradient,
}

/// A case distinction with two cases.
pub(super) struct Cases<'a> {
    pub lhs: &'a str,
    pub comparison: Comparison,
    pub rhs: &'a str,
    pub then: &'a str,
    pub otherwise: &'a str,
}

/// The superscript of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Superscript {
    Transpose,
    Square,
    ElementwiseSquare,
    /// The number of the step.
    StepNumber,
}

/// A notation.
pub(super) trait Style {
    /// `true` if products are written side by side, so that a scalar may stand before a product of
    /// matrices without parentheses. In plain text a product is read from left to right.
    const SIDE_BY_SIDE: bool;

    fn symbol(&self, symbol: &Symbol) -> String;
    /// A number that is not negative.
    fn number(&self, q: &Ratio) -> Term;
    fn dimension(&self, name: &str) -> String;
    /// An identity matrix.
    fn identity(&self) -> String;
    fn plus(&self, x: &str, y: &str) -> String;
    fn minus(&self, x: &str, y: &str) -> String;
    fn negated(&self, x: &str) -> String;
    fn product(&self, kind: Product, x: &str, y: &str) -> String;
    /// A quotient; styles with a bar need no parentheses for either side.
    fn quotient(&self, x: Term, y: Term) -> Term;
    fn superscript(&self, x: &str, what: Superscript) -> String;
    fn root(&self, x: &str) -> Term;
    fn bars(&self, x: &str) -> Term;
    fn call(&self, f: Call, arguments: &[String]) -> String;
    fn cases(&self, cases: &Cases<'_>) -> String;
    fn parentheses(&self, x: &str) -> String;
    fn equation(&self, left: &str, right: &str) -> String;

    /// The code of `x`, in parentheses unless it holds together at least as tightly as `least`.
    fn at_least(&self, x: Term, least: Level) -> String {
        if x.level >= least {
            x.code
        } else {
            self.parentheses(&x.code)
        }
    }
}

/// Looks through copies of the same value: broadcasting and detaching change no number.
pub(super) fn value_of(graph: &Graph, mut id: NodeId) -> NodeId {
    while graph.label(id).is_none() {
        match &graph.node(id).op {
            Op::Unary(Unary::Broadcast | Unary::Detach, x) => id = *x,
            _ => break,
        }
    }
    id
}

/// Writes nodes in a style; `name` tells which nodes are written by name.
pub(super) struct Walker<'a, S, N> {
    pub graph: &'a Graph,
    pub style: S,
    pub name: N,
}

/// The loosest level that a factor without parentheses may have.
const FACTOR: Level = Level::Fraction;
/// The loosest level that a summand without parentheses may have, except the first.
const SUMMAND: Level = Level::Product(Product::Scale);

impl<S: Style, N: Fn(NodeId) -> Option<Symbol>> Walker<'_, S, N> {
    /// `left = …` with the definition of `id` written out.
    pub fn equation(&self, left: &Symbol, id: NodeId, written_out: bool) -> String {
        let right = if written_out {
            self.definition(id)
        } else {
            self.term(id)
        };
        let left = self.style.symbol(left);
        self.style.equation(&left, &right.code)
    }

    /// The node by its name where it has one, else written out.
    fn term(&self, id: NodeId) -> Term {
        let id = value_of(self.graph, id);
        match (self.name)(id) {
            Some(symbol) => Term::atom(self.style.symbol(&symbol)),
            None => self.definition(id),
        }
    }

    /// The node written out over the terms of its operands.
    fn definition(&self, id: NodeId) -> Term {
        match &self.graph.node(id).op {
            // Leaves always have a name; the arm is for completeness.
            Op::Leaf(leaf) => Term::atom(leaf.name.clone()),
            Op::Constant(q) => self.number(q),
            Op::Identity(_) => Term::atom(self.style.identity()),
            Op::Count(dim) => {
                let mut factors = dim.names().map(|n| Term::atom(self.style.dimension(n)));
                let Some(first) = factors.next() else {
                    return self.number(&Ratio::one());
                };
                factors.fold(first, |x, y| self.product(Product::Scale, x, y))
            }
            Op::Unary(op, x) => self.unary(*op, *x, id),
            Op::Binary(op, x, y) => self.binary(*op, *x, *y),
            Op::Select {
                comparison,
                lhs,
                rhs,
                then,
                otherwise,
            } => {
                let side = |x: &NodeId| self.style.at_least(self.term(*x), Level::Sum);
                let code = self.style.cases(&Cases {
                    lhs: &side(lhs),
                    comparison: *comparison,
                    rhs: &side(rhs),
                    then: &side(then),
                    otherwise: &side(otherwise),
                });
                Term::new(code, Level::Cases)
            }
        }
    }

    fn number(&self, q: &Ratio) -> Term {
        let size = self.style.number(&q.abs());
        if q.is_negative() {
            Term::new(
                self.style.negated(&self.style.at_least(size, SUMMAND)),
                Level::Sum,
            )
        } else {
            size
        }
    }

    fn unary(&self, op: Unary, x: NodeId, id: NodeId) -> Term {
        let call = |f: Call, x: NodeId| {
            Term::atom(self.style.call(f, std::slice::from_ref(&self.term(x).code)))
        };
        match op {
            Unary::Neg => Term::new(
                self.style
                    .negated(&self.style.at_least(self.term(x), SUMMAND)),
                Level::Sum,
            ),
            Unary::Abs => self.style.bars(&self.term(x).code),
            Unary::Sqrt => self.style.root(&self.term(x).code),
            Unary::Transpose => self.transposed(x),
            Unary::Detach | Unary::Broadcast => self.term(x),
            Unary::Sign => call(Call::Sign, x),
            Unary::Function(Function::Exp) => call(Call::Exp, x),
            Unary::Function(Function::Ln) => call(Call::Ln, x),
            Unary::Function(Function::CosPi) => {
                let factor = self.style.at_least(self.term(x), FACTOR);
                Term::atom(self.style.call(Call::CosPi, &[factor]))
            }
            Unary::SumTo => {
                let shape = &self.graph.node(id).shape;
                let f = match (shape.rows.is_one(), shape.cols.is_one()) {
                    (true, true) => Call::Sum,
                    (false, _) => Call::RowSum,
                    (true, false) => Call::ColumnSum,
                };
                call(f, x)
            }
            Unary::Function(Function::Tanh) => call(Call::Tanh, x),
            Unary::Function(Function::NormalCdf) => call(Call::NormalCdf, x),
            Unary::Function(Function::NormalDensity) => call(Call::NormalDensity, x),
            Unary::RowMax => call(Call::RowMax, x),
            Unary::Inverse => call(Call::Inverse, x),
            Unary::MatrixSqrt => call(Call::MatrixSqrt, x),
            Unary::Cast(format) => call(Call::Cast(format), x),
            Unary::OpaqueLoss => call(Call::OpaqueLoss, x),
            Unary::OpaqueGradient => call(Call::OpaqueGradient, x),
        }
    }

    /// The transpose of `x`, carried inwards: (X Y)ᵀ is printed as Yᵀ Xᵀ. Entry by entry that is
    /// the same sum of the same products in the same order.
    fn transposed(&self, x: NodeId) -> Term {
        let x = value_of(self.graph, x);
        if (self.name)(x).is_none() {
            match &self.graph.node(x).op {
                Op::Unary(Unary::Transpose, inner) => return self.term(*inner),
                Op::Binary(Binary::MatMul, y, z) => {
                    return self.product(Product::Matrix, self.transposed(*z), self.transposed(*y));
                }
                Op::Binary(Binary::Mul, y, z) => {
                    let (y, z) = (value_of(self.graph, *y), value_of(self.graph, *z));
                    for (scalar, matrix) in [(y, z), (z, y)] {
                        if self.is_scalar(scalar) && !self.is_scalar(matrix) {
                            let matrix = self.transposed(matrix);
                            return self.product(Product::Scale, self.term(scalar), matrix);
                        }
                    }
                }
                _ => {}
            }
        }
        self.superscript(x, Superscript::Transpose)
    }

    fn superscript(&self, x: NodeId, what: Superscript) -> Term {
        let base = self.style.at_least(self.term(x), Level::Atom);
        Term::new(self.style.superscript(&base, what), Level::Power)
    }

    fn binary(&self, op: Binary, x: NodeId, y: NodeId) -> Term {
        let (x, y) = (value_of(self.graph, x), value_of(self.graph, y));
        match op {
            Binary::Add if x == y => {
                let two = self.number(&Ratio::from_integer(2.into()));
                self.product(Product::Scale, two, self.term(x))
            }
            Binary::Add => self.sum(x, y, false),
            Binary::Sub => self.sum(x, y, true),
            Binary::Mul if x == y => {
                let what = if self.is_scalar(x) {
                    Superscript::Square
                } else {
                    Superscript::ElementwiseSquare
                };
                self.superscript(x, what)
            }
            Binary::Mul => self.times(x, y),
            Binary::MatMul => self.product(Product::Matrix, self.term(x), self.term(y)),
            Binary::Div => self.style.quotient(self.term(x), self.term(y)),
            Binary::Power => self.superscript(x, Superscript::StepNumber),
            Binary::Max | Binary::Min | Binary::Atan2 => {
                let f = match op {
                    Binary::Max => Call::Max,
                    Binary::Min => Call::Min,
                    _ => Call::Atan2,
                };
                let arguments = [self.term(x).code, self.term(y).code];
                Term::atom(self.style.call(f, &arguments))
            }
        }
    }

    /// `x ± y`, where adding −z is written as taking z away and the other way round.
    fn sum(&self, x: NodeId, y: NodeId, mut minus: bool) -> Term {
        let left = self.style.at_least(self.term(x), Level::Sum);
        let mut right = y;
        if (self.name)(y).is_none()
            && let Op::Unary(Unary::Neg, z) = self.graph.node(y).op
        {
            minus = !minus;
            right = z;
        }
        let right = self.style.at_least(self.term(right), SUMMAND);
        let code = if minus {
            self.style.minus(&left, &right)
        } else {
            self.style.plus(&left, &right)
        };
        Term::new(code, Level::Sum)
    }

    fn is_scalar(&self, id: NodeId) -> bool {
        self.graph.node(id).shape.is_scalar()
    }

    /// The elementwise product; a scalar, and among scalars a number, goes first.
    fn times(&self, x: NodeId, y: NodeId) -> Term {
        let rank = |id: NodeId| match &self.graph.node(id).op {
            Op::Constant(_) => 0,
            _ if self.is_scalar(id) => 1,
            _ => 2,
        };
        let (x, y) = if rank(y) < rank(x) { (y, x) } else { (x, y) };
        let kind = if self.is_scalar(x) {
            Product::Scale
        } else {
            Product::Elementwise
        };
        self.product(kind, self.term(x), self.term(y))
    }

    fn product(&self, kind: Product, x: Term, y: Term) -> Term {
        let bare = |inside: &Term, first: bool| match inside.level {
            Level::Product(_) if !S::SIDE_BY_SIDE => first,
            Level::Product(_) if kind == Product::Scale => true,
            Level::Product(inner) => first && (inner == Product::Scale || inner == kind),
            level => level >= FACTOR,
        };
        let wrapped = |inside: Term, first: bool| {
            if bare(&inside, first) {
                inside.code
            } else {
                self.style.parentheses(&inside.code)
            }
        };
        let (x, y) = (wrapped(x, true), wrapped(y, false));
        Term::new(self.style.product(kind, &x, &y), Level::Product(kind))
    }
}
