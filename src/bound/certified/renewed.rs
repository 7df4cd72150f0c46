//! The values that are the same number at every step and may be rounded anew at each of them.
//!
//! What depends neither on parameters and states nor on the number of the step is one number for
//! all steps, and so is its rounding, as long as every operation on the way is one rounding or is
//! made in one order. A sum in an order that nobody has promised need not be: a library may split
//! it otherwise the next time, and fuse or not. Its error is then another one in every step, and
//! so are the roundings of all that is computed from it, since they round other numbers.

use crate::arith::{Accumulator, FloatModel};
use crate::fault::{Fault, planted};
use crate::graph::{Binary, NodeId, Op, StepGraph, Unary};

/// The nodes among the `lasting` ones whose error may differ from step to step where any order of
/// summation is admitted. `shape` gives the numbers of rows and columns of a node.
pub(super) fn renewed(
    step: &StepGraph,
    lasting: &[bool],
    model: &FloatModel,
    shape: impl Fn(NodeId) -> (usize, usize),
) -> Vec<bool> {
    let mut renewed = vec![false; lasting.len()];
    if planted(Fault::OrderKeptFixed) {
        return renewed;
    }
    let onward = !planted(Fault::OrderFixedOnward);
    let ordered = 1 + usize::from(planted(Fault::FusedOrderForgotten));
    let size = |id: NodeId| shape(id).0 * shape(id).1;
    // A sum that is kept exactly is the same in every order.
    let has_order = model.sums != Some(Accumulator::Exact);
    for id in step.graph.ids().filter(|id| lasting[id.index()]) {
        let op = &step.graph.node(id).op;
        let own = match op {
            Op::Leaf(_) | Op::Constant(_) | Op::Count(_) | Op::Identity(_) => false,
            Op::Select { .. } => false,
            Op::Unary(unary, x) => match unary {
                // Two terms have one order.
                Unary::SumTo => has_order && size(*x) > 2 * size(id),
                Unary::Inverse | Unary::MatrixSqrt => true,
                Unary::Neg
                | Unary::Abs
                | Unary::Sign
                | Unary::Sqrt
                | Unary::Function(_)
                | Unary::Transpose
                | Unary::Detach
                | Unary::Broadcast
                | Unary::RowMax
                | Unary::Cast(_)
                | Unary::OpaqueLoss
                | Unary::OpaqueGradient => false,
            },
            Op::Binary(binary, x, _) => match binary {
                // Of two products either one may be fused with the addition.
                Binary::MatMul => has_order && shape(*x).1 > ordered,
                Binary::Add
                | Binary::Sub
                | Binary::Mul
                | Binary::Div
                | Binary::Max
                | Binary::Min
                | Binary::Power
                | Binary::Atan2 => false,
            },
        };
        renewed[id.index()] = own || (onward && op.any(|x| renewed[x.index()]));
    }
    renewed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::ArithmeticName;
    use crate::graph::{Dim, StepBuilder};

    #[test]
    fn a_sum_of_several_terms_and_what_comes_from_it_are_rounded_anew() {
        let builder = StepBuilder::new();
        let (n, one) = (Dim::named("n"), Dim::one());
        let x = builder.data("X", &n, &n);
        let row = builder.data("Y", &one, &n);
        let p = builder.parameter("P", &n, &n);
        let product = x.matmul(x);
        let outer = row.t().matmul(row);
        let total = x.sum();
        let short = row.sum();
        let after = product * x + x;
        let (before, moving) = (x * x, p.matmul(x));
        let all = [
            product, outer, total, short, after, before, moving, x, row, p,
        ];
        let loss = all.iter().fold(builder.ratio(1, 3), |sum, e| sum + e.sum());
        builder.set_loss(loss);
        builder.update(p, p);
        let ids = all.map(|e| e.id());
        let step = builder.finish().unwrap();
        let lasting = step.lasting();
        let of = |format: ArithmeticName, n: usize| {
            let model = FloatModel::of(format).unwrap();
            let shape = |id: NodeId| {
                let shape = &step.graph.node(id).shape;
                let size = |dim: &Dim| dim.size(|_| Some(n)).unwrap();
                (size(&shape.rows), size(&shape.cols))
            };
            let found = renewed(&step, &lasting, &model, shape);
            ids.map(|id| found[id.index()])
        };
        let f32 = ArithmeticName::F32;
        let none = [false; 10];
        // Products of 3 × 3, and everything that is computed from them; one product has no order,
        // and what changes anyway is no concern.
        let wanted = [
            true, false, true, true, true, false, false, false, false, false,
        ];
        assert_eq!(of(f32, 3), wanted);
        // Two numbers are summed in one way only, but two products in several.
        let wanted = [
            true, false, true, false, true, false, false, false, false, false,
        ];
        assert_eq!(of(f32, 2), wanted);
        assert_eq!(of(f32, 1), none);
        let exact = ArithmeticName::Bf16Sums(Accumulator::Exact);
        assert_eq!(of(exact, 3), none);
        let wide = ArithmeticName::Bf16Sums(Accumulator::F32);
        assert_eq!(of(wide, 3)[..2], [true, false]);
    }
}
