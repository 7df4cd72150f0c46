//! Reverse-mode differentiation from graph to graph (Griewank and Walther, *Evaluating
//! Derivatives*, 2008, chapter 3).

use std::collections::BTreeMap;

use super::{Binary, Builder, Expr, GraphError, NodeId, Op, Unary};
use crate::arith::Function;

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
        for (operand, part) in parts(builder.at(id), &op, adjoint)? {
            if !relevant[operand.index()] {
                continue;
            }
            let part = part.sum_to(&builder.at(operand).shape());
            adjoints
                .entry(operand)
                .and_modify(|sum| *sum = *sum + part)
                .or_insert(part);
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

/// Which nodes depend on one of `wrt`; the others get no adjoint.
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

/// What the adjoint of `out` contributes to each operand's adjoint.
fn parts<'g>(
    out: Expr<'g>,
    op: &Op,
    adjoint: Expr<'g>,
) -> Result<Vec<(NodeId, Expr<'g>)>, GraphError> {
    let builder = out.builder();
    Ok(match op {
        Op::Leaf(_) | Op::Constant(_) | Op::Count(_) | Op::Identity(_) => vec![],
        Op::Unary(unary, x) => {
            let value = builder.at(*x);
            let part = match unary {
                Unary::Neg => -adjoint,
                Unary::Abs => times(adjoint, value.sign()),
                Unary::Sqrt => adjoint / (2 * out),
                Unary::Function(f) => times(adjoint, derivative(*f, value, out)?),
                Unary::Transpose => adjoint.t(),
                Unary::SumTo => adjoint.broadcast_to(&value.shape()),
                Unary::Broadcast => adjoint.sum_to(&value.shape()),
                Unary::OpaqueLoss => times(adjoint, value.opaque_gradient()),
                // The gradient of a cast is the cast of nothing: it passes as it is.
                Unary::Cast(_) => adjoint,
                Unary::Inverse => -out.t().matmul(adjoint).matmul(out.t()),
                Unary::MatrixSqrt => {
                    return Err(GraphError::NotDifferentiable("a matrix square root"));
                }
                Unary::Sign | Unary::Detach => return Ok(vec![]),
                Unary::RowMax => return Err(GraphError::NotDifferentiable("a row maximum")),
                Unary::OpaqueGradient => {
                    return Err(GraphError::NotDifferentiable(
                        "the gradient of an opaque loss",
                    ));
                }
            };
            vec![(*x, part)]
        }
        Op::Binary(binary, x, y) => {
            let (left, right) = (builder.at(*x), builder.at(*y));
            match binary {
                Binary::Add => vec![(*x, adjoint), (*y, adjoint)],
                Binary::Sub => vec![(*x, adjoint), (*y, -adjoint)],
                Binary::Mul => vec![(*x, times(adjoint, right)), (*y, times(adjoint, left))],
                Binary::Div => vec![(*x, adjoint / right), (*y, -times(adjoint, out) / right)],
                Binary::MatMul => vec![
                    (*x, adjoint.matmul(right.t())),
                    (*y, left.t().matmul(adjoint)),
                ],
                Binary::Max => return Err(GraphError::NotDifferentiable("max")),
                Binary::Min => return Err(GraphError::NotDifferentiable("min")),
                Binary::Power => return Err(GraphError::NotDifferentiable("a power")),
                Binary::Atan2 => return Err(GraphError::NotDifferentiable("atan2")),
            }
        }
        Op::Select {
            comparison,
            lhs,
            rhs,
            then,
            otherwise,
        } => {
            let (lhs, rhs) = (builder.at(*lhs), builder.at(*rhs));
            vec![
                (*then, lhs.select(*comparison, rhs, adjoint, 0)),
                (*otherwise, lhs.select(*comparison, rhs, 0, adjoint)),
            ]
        }
    })
}

fn derivative<'g>(f: Function, x: Expr<'g>, value: Expr<'g>) -> Result<Expr<'g>, GraphError> {
    match f {
        Function::Exp => Ok(value),
        Function::Ln => Ok(x.builder().ratio(1, 1) / x),
        Function::CosPi => Err(GraphError::NotDifferentiable("a cosine")),
        Function::Tanh => Ok(1 - value.square()),
        Function::NormalCdf => Ok(x.normal_density()),
        Function::NormalDensity => Ok(-x * value),
    }
}
