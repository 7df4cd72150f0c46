//! Evaluating one instruction.

use super::Machine;
use super::buffer::Buffer;
use super::kernels::{Context, View};
use super::plan::{Instruction, Kernel};
use crate::arith::{Arithmetic, OpError};
use crate::graph::{Binary, Op, Unary};

impl<A: Arithmetic> Machine<'_, A> {
    /// Computes a node from the buffers of its operands into its own.
    pub(super) fn evaluate(&mut self, instruction: &Instruction) {
        // An operand never shares its buffer with the result, so the result can be taken out.
        let mut out = std::mem::take(&mut self.buffers[instruction.out]);
        let (o, ctx) = (&mut out, &self.ctx);
        let at = |x: usize| &self.buffers[x];
        let mut k = Context {
            ctx,
            node: instruction.node,
            causes: &mut self.causes,
            zero: &self.zero,
            scratch: &mut self.scratch,
        };
        match instruction.kernel {
            Kernel::Constant => {
                if let Op::Constant(q) = &self.plan.step().graph.node(instruction.node).op {
                    k.scalar(o, ctx.from_ratio(q));
                }
            }
            Kernel::Identity => k.identity(o),
            Kernel::Count(n) => k.scalar(o, ctx.from_integer(n as u64)),
            Kernel::Unary(op, x) => unary(&mut k, o, op, at(x)),
            Kernel::Binary(op, x, y) => binary(&mut k, o, op, [at(x), at(y)], self.number),
            Kernel::Select {
                comparison,
                lhs,
                rhs,
                then,
                otherwise,
            } => k.select(o, comparison, [lhs, rhs, then, otherwise].map(at)),
        }
        self.buffers[instruction.out] = out;
    }
}

fn unary<A: Arithmetic>(
    k: &mut Context<'_, A>,
    o: &mut Buffer<A::Elem>,
    op: Unary,
    x: &Buffer<A::Elem>,
) {
    let ctx = k.ctx;
    let view = View::broadcast(x, o.matrix.shape());
    match op {
        Unary::Neg => k.map(o, &view, sure(|o, x| ctx.neg(o, x))),
        Unary::Abs => k.map(o, &view, |o, x| ctx.abs(o, x)),
        Unary::Sign => k.map(o, &view, |o, x| ctx.sign(o, x)),
        Unary::Sqrt => k.map(o, &view, |o, x| ctx.sqrt(o, x)),
        Unary::Function(f) => k.map(o, &view, |o, x| ctx.function(f, o, x)),
        Unary::Transpose => k.map(o, &View::transposed(x), sure(|o, x| ctx.set(o, x))),
        Unary::Detach | Unary::Broadcast => k.map(o, &view, sure(|o, x| ctx.set(o, x))),
        Unary::SumTo => k.sum(o, x),
        Unary::RowMax => k.row_max(o, x),
        Unary::Inverse => k.inverse(o, x),
        Unary::MatrixSqrt => k.matrix_sqrt(o, x),
        Unary::Cast(to) => k.map(o, &view, |o, x| ctx.cast(o, x, to)),
        // Refused by the plan.
        Unary::OpaqueLoss | Unary::OpaqueGradient => {}
    }
}

fn binary<A: Arithmetic>(
    k: &mut Context<'_, A>,
    o: &mut Buffer<A::Elem>,
    op: Binary,
    [x, y]: [&Buffer<A::Elem>; 2],
    step: u64,
) {
    let ctx = k.ctx;
    let view = View::broadcast(x, o.matrix.shape());
    match op {
        Binary::Mul if std::ptr::eq(x, y) => k.map(o, &view, sure(|o, x| ctx.square(o, x))),
        Binary::Add => k.zip(o, x, y, sure2(|o, x, y| ctx.add(o, x, y))),
        Binary::Sub => k.zip(o, x, y, sure2(|o, x, y| ctx.sub(o, x, y))),
        Binary::Mul => k.zip(o, x, y, sure2(|o, x, y| ctx.mul(o, x, y))),
        Binary::Div => k.zip(o, x, y, |o, x, y| ctx.div(o, x, y)),
        Binary::Max => k.zip(o, x, y, |o, x, y| ctx.max(o, x, y)),
        Binary::Min => k.zip(o, x, y, |o, x, y| ctx.min(o, x, y)),
        Binary::MatMul => k.matmul(o, x, y),
        Binary::Atan2 => k.zip(o, x, y, |o, y, x| ctx.atan2(o, y, x)),
        Binary::Power => k.map(o, &view, |o, x| ctx.power(o, x, step)),
    }
}

/// An operation that always has an answer, as one that might not.
fn sure<E>(f: impl Fn(&mut E, &E)) -> impl Fn(&mut E, &E) -> Result<(), OpError> {
    move |out, x| {
        f(out, x);
        Ok(())
    }
}

/// The same with two operands.
fn sure2<E>(f: impl Fn(&mut E, &E, &E)) -> impl Fn(&mut E, &E, &E) -> Result<(), OpError> {
    move |out, x, y| {
        f(out, x, y);
        Ok(())
    }
}
