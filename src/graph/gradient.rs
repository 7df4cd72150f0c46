//! Reverse-mode differentiation from graph to graph (Griewank and Walther, *Evaluating
//! Derivatives*, 2008, chapter 3).

use std::collections::BTreeMap;

use super::{Binary, Builder, Comparison, Expr, GraphError, NodeId, Op, Shape, Unary};
use crate::arith::Function;
use crate::fault::{Fault, planted};

/// The gradients of the scalar `loss` with respect to each of `wrt`, as new nodes of the same
/// builder; each has the shape of its variable. A variable on which the loss does not depend
/// has gradient zero.
///
/// The conventions at kinks are PyTorch's: the derivative of `|x|` is `sign(x)`, 0 at 0; a
/// `select` passes the gradient to the branch it takes and none to its condition. The loss must
/// not depend on `max`, `min` or a row maximum except through `detach`.
///
/// # Errors
/// [`GraphError::NotDifferentiable`] names the operation without a gradient.
pub fn gradient<'g>(loss: Expr<'g>, wrt: &[Expr<'g>]) -> Result<Vec<Expr<'g>>, GraphError> {
    let builder = loss.builder();
    let relevant = depends_on(builder, wrt);
    let mut adjoints: BTreeMap<NodeId, Expr<'g>> = BTreeMap::new();
    adjoints.insert(loss.id(), builder.ratio(1, 1));
    let ids: Vec<NodeId> = builder.graph().ids().take(loss.id().index() + 1).collect();
    for &id in ids.iter().rev() {
        let Some(&adjoint) = adjoints.get(&id) else {
            continue;
        };
        let op = builder.graph().node(id).op.clone();
        for (operand, part) in parts(&InPlace(builder), id, &op, adjoint)? {
            if relevant[operand.index()] {
                accumulate(&mut adjoints, operand, part, &builder.at(operand).shape());
            }
        }
    }
    Ok(wrt
        .iter()
        .map(|x| match adjoints.get(&x.id()) {
            Some(adjoint) => adjoint.broadcast_to(&x.shape()),
            None => builder.ratio(0, 1).broadcast_to(&x.shape()),
        })
        .collect())
}

/// Adds `part` to the adjoint of `operand`, summed over the dimensions that were repeated.
pub(super) fn accumulate<'g>(
    adjoints: &mut BTreeMap<NodeId, Expr<'g>>,
    operand: NodeId,
    part: Expr<'g>,
    shape: &Shape,
) {
    let part = part.sum_to(shape);
    adjoints
        .entry(operand)
        .and_modify(|sum| *sum = *sum + part)
        .or_insert(part);
}

/// The source of the values that a derivative is made of, and its ways where an operation is not
/// smooth.
pub(super) trait Source<'g> {
    /// The builder of the derivative.
    fn builder(&self) -> &'g Builder;
    /// The value of the node `id`.
    fn value(&self, id: NodeId) -> Expr<'g>;
    /// The factor with which the operation at `id` passes a change of its first operand on, where
    /// it is not smooth; `usual` is the convention for a gradient.
    fn slope(
        &self,
        id: NodeId,
        usual: impl FnOnce() -> Result<Expr<'g>, GraphError>,
    ) -> Result<Expr<'g>, GraphError>;
    /// `adjoint` where the `select` at `id` takes its first branch, and where it takes the second;
    /// 0 elsewhere.
    fn branches(
        &self,
        id: NodeId,
        adjoint: Expr<'g>,
        condition: (Comparison, NodeId, NodeId),
    ) -> [Expr<'g>; 2];
    /// `part`, where both the result `out` and its operand `x` can change; 0 elsewhere, where the
    /// formula may have no value.
    fn guarded(&self, out: NodeId, x: NodeId, part: Expr<'g>) -> Expr<'g>;
    /// `true` if a detached value passes a change on.
    fn passes_detached(&self) -> bool;
}

/// Gradients as PyTorch has them, of a graph and in it.
struct InPlace<'g>(&'g Builder);

impl<'g> Source<'g> for InPlace<'g> {
    fn builder(&self) -> &'g Builder {
        self.0
    }
    fn value(&self, id: NodeId) -> Expr<'g> {
        self.0.at(id)
    }
    fn slope(
        &self,
        _: NodeId,
        usual: impl FnOnce() -> Result<Expr<'g>, GraphError>,
    ) -> Result<Expr<'g>, GraphError> {
        usual()
    }
    fn branches(
        &self,
        _: NodeId,
        adjoint: Expr<'g>,
        (comparison, lhs, rhs): (Comparison, NodeId, NodeId),
    ) -> [Expr<'g>; 2] {
        let (lhs, rhs) = (self.value(lhs), self.value(rhs));
        [
            lhs.select(comparison, rhs, adjoint, 0),
            lhs.select(comparison, rhs, 0, adjoint),
        ]
    }
    fn guarded(&self, _: NodeId, _: NodeId, part: Expr<'g>) -> Expr<'g> {
        part
    }
    fn passes_detached(&self) -> bool {
        false
    }
}

/// The nodes that depend on one of `wrt`; the others get no adjoint.
fn depends_on(builder: &Builder, wrt: &[Expr<'_>]) -> Vec<bool> {
    let graph = builder.graph();
    let mut relevant = vec![false; graph.nodes().len()];
    for id in graph.ids() {
        relevant[id.index()] = wrt.iter().any(|x| x.id() == id)
            || graph
                .node(id)
                .op
                .operands()
                .iter()
                .any(|x| relevant[x.index()]);
    }
    relevant
}

fn times<'g>(x: Expr<'g>, y: Expr<'g>) -> Expr<'g> {
    if x.is_constant(1) {
        y
    } else if y.is_constant(1) {
        x
    } else {
        x * y
    }
}

/// The contributions of the adjoint of node `id`, which computes `op`, to each operand's adjoint.
pub(super) fn parts<'g>(
    source: &impl Source<'g>,
    id: NodeId,
    op: &Op,
    adjoint: Expr<'g>,
) -> Result<Vec<(NodeId, Expr<'g>)>, GraphError> {
    let builder = source.builder();
    let no_slope = |what| move || Err(GraphError::NotDifferentiable(what));
    Ok(match op {
        Op::Leaf(_) | Op::Constant(_) | Op::Count(_) | Op::Identity(_) => vec![],
        Op::Unary(unary, x) => {
            let value = || source.value(*x);
            let out = || source.value(id);
            let guarded = |part| source.guarded(id, *x, part);
            let part = match unary {
                Unary::Neg => -adjoint,
                Unary::Abs => times(adjoint, source.slope(id, || Ok(value().sign()))?),
                Unary::Sqrt => guarded(adjoint / (2 * out())),
                Unary::Function(Function::Exp) => times(adjoint, out()),
                Unary::Function(Function::Ln) => {
                    guarded(times(adjoint, builder.ratio(1, 1) / value()))
                }
                Unary::Function(Function::CosPi) => {
                    times(adjoint, source.slope(id, no_slope("a cosine"))?)
                }
                Unary::Function(Function::Tanh) => times(adjoint, 1 - out().square()),
                Unary::Function(Function::NormalCdf) => times(adjoint, value().normal_density()),
                Unary::Function(Function::NormalDensity) => times(adjoint, -value() * out()),
                Unary::Transpose => adjoint.t(),
                Unary::SumTo => adjoint.broadcast_to(&value().shape()),
                Unary::Broadcast => adjoint.sum_to(&value().shape()),
                Unary::OpaqueLoss => times(adjoint, value().opaque_gradient()),
                // The gradient of a cast is the cast of nothing: it passes as it is.
                Unary::Cast(_) => adjoint,
                Unary::Inverse => -out().t().matmul(adjoint).matmul(out().t()),
                Unary::MatrixSqrt => {
                    return Err(GraphError::NotDifferentiable("a matrix square root"));
                }
                Unary::Detach if source.passes_detached() => adjoint,
                Unary::Sign | Unary::Detach => return Ok(vec![]),
                Unary::RowMax => times(adjoint, source.slope(id, no_slope("a row maximum"))?),
                Unary::OpaqueGradient => {
                    return Err(GraphError::NotDifferentiable(
                        "the gradient of an opaque loss",
                    ));
                }
            };
            vec![(*x, part)]
        }
        Op::Binary(binary, x, y) => {
            let (left, right) = (|| source.value(*x), || source.value(*y));
            let guarded = |operand, part| (operand, source.guarded(id, operand, part));
            match binary {
                Binary::Add => vec![(*x, adjoint), (*y, adjoint)],
                Binary::Sub => vec![(*x, adjoint), (*y, -adjoint)],
                Binary::Mul if planted(Fault::SquareLacksTwo) && x == y => {
                    vec![(*x, times(adjoint, right()))]
                }
                Binary::Mul => vec![(*x, times(adjoint, right())), (*y, times(adjoint, left()))],
                Binary::Div if planted(Fault::QuotientGradientSign) => vec![
                    guarded(*x, adjoint / right()),
                    guarded(*y, times(adjoint, source.value(id)) / right()),
                ],
                Binary::Div => vec![
                    guarded(*x, adjoint / right()),
                    guarded(*y, -times(adjoint, source.value(id)) / right()),
                ],
                Binary::MatMul => vec![
                    (*x, adjoint.matmul(right().t())),
                    (*y, left().t().matmul(adjoint)),
                ],
                Binary::Max | Binary::Min => {
                    let what = if *binary == Binary::Max { "max" } else { "min" };
                    let slope = source.slope(id, no_slope(what))?;
                    vec![(*x, times(adjoint, slope)), (*y, times(adjoint, 1 - slope))]
                }
                // The exponent is the number of the step, which is no variable.
                Binary::Power => {
                    let slope = source.slope(id, no_slope("a power"))?;
                    vec![(*x, times(adjoint, slope))]
                }
                Binary::Atan2 => {
                    let size = left().square() + right().square();
                    vec![
                        guarded(*x, times(adjoint, right()) / size),
                        guarded(*y, -times(adjoint, left()) / size),
                    ]
                }
            }
        }
        Op::Select {
            comparison,
            lhs,
            rhs,
            then,
            otherwise,
        } => {
            let [taken, left] = source.branches(id, adjoint, (*comparison, *lhs, *rhs));
            match planted(Fault::OtherBranch) {
                true => vec![(*then, left), (*otherwise, taken)],
                false => vec![(*then, taken), (*otherwise, left)],
            }
        }
    })
}
