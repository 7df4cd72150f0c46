//! The slopes that are not read off values: the factor with which a node passes a change of its
//! first operand on.

use nalgebra::DMatrix;
use rug::Float;

use super::BoundError;
use super::intervals::{Enclosure, F64Interval, outward, range};
use super::snapshot::{Run, kept};
use crate::arith::{Arithmetic, Enclosed, Function, OpError, Ratio};
use crate::fault::{Fault, planted};
use crate::graph::{Binary, Comparison, Graph, NodeId, Op, Unary};

/// The slopes of all entries of a node, or the reason why they are not known.
type Slopes = Result<DMatrix<F64Interval>, BoundError>;

/// The slope at each entry of the node `id`.
pub(super) fn slope(machine: &Run<'_>, graph: &Graph, id: NodeId) -> Slopes {
    let node = Node { machine, graph, id };
    let ctx = machine.arithmetic().intervals();
    let slopes = match &graph.node(id).op {
        Op::Unary(unary, x) => node.unary(*unary, *x)?,
        Op::Binary(binary, x, y) => node.binary(*binary, *x, *y)?,
        Op::Select {
            comparison,
            lhs,
            rhs,
            ..
        } => node.each(*lhs, *rhs, |x, y| {
            between(match comparison {
                Comparison::Less => ctx.less(x, y),
                Comparison::LessEqual => ctx.less_equal(x, y),
                Comparison::Equal => ctx.equal(x, y),
            })
        })?,
        Op::Leaf(_) | Op::Constant(_) | Op::Count(_) | Op::Identity(_) => return node.unknown(),
    };
    Ok(match planted(Fault::UnknownSlopeIsZero) {
        true => slopes.map(|_| range(0.0, 0.0)),
        false => slopes,
    })
}

/// A node of a step that a machine has evaluated.
struct Node<'n> {
    machine: &'n Run<'n>,
    graph: &'n Graph,
    id: NodeId,
}

impl Node<'_> {
    fn unary(&self, unary: Unary, x: NodeId) -> Slopes {
        match unary {
            Unary::Abs => self.each(x, x, |x, _| match (*x.inf() > 0, *x.sup() < 0) {
                (true, _) => range(1.0, 1.0),
                (_, true) => range(-1.0, -1.0),
                _ => range(-1.0, 1.0),
            }),
            Unary::RowMax => Ok(largest_of_row(kept(self.machine, self.graph, x)?)),
            // d/dx cos(πx) = −π·sin(πx), and π < 22/7.
            Unary::Function(Function::CosPi) => self.each(x, x, |_, _| {
                let size = (22.0f64 / 7.0).next_up();
                range(-size, size)
            }),
            // Theirs are read off values, or they have none.
            Unary::Function(
                Function::Exp
                | Function::Ln
                | Function::Tanh
                | Function::NormalCdf
                | Function::NormalDensity,
            )
            | Unary::Neg
            | Unary::Sign
            | Unary::Sqrt
            | Unary::Transpose
            | Unary::SumTo
            | Unary::Broadcast
            | Unary::Detach
            | Unary::Inverse
            | Unary::MatrixSqrt
            | Unary::Cast(_)
            | Unary::OpaqueLoss
            | Unary::OpaqueGradient => self.unknown(),
        }
    }

    fn binary(&self, binary: Binary, x: NodeId, y: NodeId) -> Slopes {
        let ctx = self.machine.arithmetic().intervals();
        match binary {
            Binary::Max => self.each(x, y, |x, y| between(ctx.less(y, x))),
            Binary::Min => self.each(x, y, |x, y| between(ctx.less(x, y))),
            Binary::Power => power(self.machine, kept(self.machine, self.graph, x)?),
            Binary::Add
            | Binary::Sub
            | Binary::Mul
            | Binary::Div
            | Binary::MatMul
            | Binary::Atan2 => self.unknown(),
        }
    }

    /// The slopes entry by entry, from those of two operands, whose rows and columns of size 1
    /// are repeated.
    fn each(
        &self,
        x: NodeId,
        y: NodeId,
        of: impl Fn(&Enclosure, &Enclosure) -> F64Interval,
    ) -> Slopes {
        let [own, x, y] = [self.id, x, y].map(|id| kept(self.machine, self.graph, id));
        let ((rows, cols), x, y) = (own?.shape(), x?, y?);
        Ok(DMatrix::from_fn(rows, cols, |row, col| {
            of(repeated(x, row, col), repeated(y, row, col))
        }))
    }

    fn unknown(&self) -> Slopes {
        let node = self.graph.describe(self.id);
        Err(BoundError::UnknownSlope { node })
    }
}

/// The entry of an operand whose rows and columns of size 1 are repeated.
fn repeated(operand: &DMatrix<Enclosed<Float>>, row: usize, col: usize) -> &Enclosure {
    &operand[(row.min(operand.nrows() - 1), col.min(operand.ncols() - 1))].range
}

/// The slope of an operand that is taken where a comparison holds.
fn between(decided: Result<bool, OpError>) -> F64Interval {
    match decided {
        Ok(true) => range(1.0, 1.0),
        Ok(false) => range(0.0, 0.0),
        Err(_) => range(0.0, 1.0),
    }
}

/// The slopes t·xᵗ⁻¹ of the power whose exponent is the number of the step.
fn power(machine: &Run<'_>, operand: &DMatrix<Enclosed<Float>>) -> Slopes {
    let (ctx, number) = (machine.arithmetic().intervals(), machine.step_number());
    let times = ctx.from_ratio(&Ratio::from_integer(number.into()))?;
    let mut slopes = operand.map(|_| range(0.0, 0.0));
    for (slope, x) in slopes.iter_mut().zip(operand) {
        let (mut power, mut steep) = (ctx.zero(), ctx.zero());
        ctx.power(&mut power, &x.range, number.saturating_sub(1))?;
        ctx.mul(&mut steep, &times, &power);
        *slope = outward(&steep);
    }
    Ok(slopes)
}

/// The slope of a row maximum: 1 at an entry that is certainly the largest of its row, 0 at one
/// that certainly is not.
fn largest_of_row(operand: &DMatrix<Enclosed<Float>>) -> DMatrix<F64Interval> {
    operand.map_with_location(|row, col, x| {
        let others = (0..operand.ncols()).filter(|other| *other != col);
        let mut others = others.map(|other| &operand[(row, other)].range);
        if others.clone().all(|y| y.sup() < x.range.inf()) {
            range(1.0, 1.0)
        } else if others.any(|y| y.inf() > x.range.sup()) {
            range(0.0, 0.0)
        } else {
            range(0.0, 1.0)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{ArithmeticName, Enclosures, FloatModel, MpEnds};
    use crate::bound::certified::intervals::ends;
    use crate::exec::{Keep, Options, Outputs, Sizes, Tensor, Values};
    use crate::graph::{Dim, Expr, StepBuilder, StepGraph};

    const BITS: u32 = 60;

    /// The slopes of the node that `build` makes of `X` and `Y`, both of whose rows hold these
    /// ranges, before the second step.
    fn slopes(
        build: impl for<'g> Fn(Expr<'g>, Expr<'g>, Expr<'g>) -> Expr<'g>,
        x: &[(f64, f64)],
        y: &[(f64, f64)],
    ) -> Vec<(f64, f64)> {
        let builder = StepBuilder::new();
        let n = Dim::named("n");
        let leaf = |name: &str| builder.data(name, &Dim::named("m"), &n);
        let (left, right) = (leaf("X"), leaf("Y"));
        let p = builder.parameter("P", &Dim::one(), &Dim::one());
        let node = build(left, right, builder.step_number());
        builder.set_loss(node.sum() + p + left.sum() + right.sum());
        builder.update(p, p);
        let ids = [left.id(), right.id(), node.id()];
        let step: StepGraph = builder.finish().unwrap();
        let mut sizes = Sizes::default();
        sizes.set("m", 2);
        sizes.set("n", x.len());
        let mut values = Values::new();
        values.set_tensor("P", Tensor::zeros(1, 1));
        for name in ["X", "Y"] {
            values.set_tensor(name, Tensor::zeros(2, x.len()));
        }
        let options = Options {
            keep: Keep::Everything,
            outputs: Outputs::All,
        };
        let model = FloatModel::of(ArithmeticName::F32).unwrap();
        let ctx = Enclosures::exact(MpEnds::new(BITS), model);
        let mut machine = Run::new(ctx.clone(), &step, &sizes, &values, &options).unwrap();
        machine.set_step_number(2);
        for (id, entries) in ids.iter().zip([x, y]) {
            let of = |(inf, sup): &(f64, f64)| {
                let [inf, sup] = [*inf, *sup].map(|end| Float::with_val(BITS, end));
                ctx.given(ctx.intervals().of(inf, sup).unwrap())
            };
            let entries: Vec<_> = entries.iter().chain(entries).map(of).collect();
            let entries = DMatrix::from_row_slice(2, x.len(), &entries);
            machine.set(*id, &entries).unwrap();
        }
        // A comparison that cannot be decided leaves the loss undefined; operands are there.
        let _ = machine.forward();
        let found = slope(&machine, &step.graph, ids[2]).unwrap();
        let rows = found.row_iter().map(|row| row.iter().map(ends).collect());
        let [upper, lower]: [Vec<_>; 2] = rows.collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(upper, lower);
        upper
    }

    #[test]
    fn an_absolute_value_falls_and_rises() {
        let x = [
            (-2.0, -1.0),
            (-2.0, 0.0),
            (-1.0, 1.0),
            (0.0, 1.0),
            (1.0, 2.0),
        ];
        let both = (-1.0, 1.0);
        let wanted = [(-1.0, -1.0), both, both, both, (1.0, 1.0)];
        assert_eq!(slopes(|x, _, _| x.abs(), &x, &x), wanted);
    }

    #[test]
    fn of_two_operands_one_passes_a_change_on() {
        // The first is certainly larger, touches from above, overlaps, is certainly smaller.
        let x = [(2.0, 3.0), (2.0, 3.0), (0.0, 3.0), (0.0, 1.0)];
        let y = [(0.0, 1.0), (1.0, 2.0), (1.0, 2.0), (2.0, 3.0)];
        let (all, none, some) = ((1.0, 1.0), (0.0, 0.0), (0.0, 1.0));
        assert_eq!(slopes(|x, y, _| x.max(y), &x, &y), [all, some, some, none]);
        assert_eq!(slopes(|x, y, _| x.min(y), &x, &y), [none, none, some, all]);
        let less = slopes(|x, y, _| x.if_less(y, x, y), &x, &y);
        assert_eq!(less, [none, none, some, all]);
        let most = slopes(|x, y, _| x.if_less_equal(y, x, y), &x, &y);
        assert_eq!(most, [none, some, some, all]);
        let equal = slopes(|x, y, _| x.if_equal(y, x, y), &x, &y);
        assert_eq!(equal, [none, some, some, none]);
        // The number of the step, 2, is one for all entries.
        assert_eq!(
            slopes(
                |x, _, t| x.max(t),
                &[(3.0, 4.0), (0.0, 1.0)],
                &[(0.0, 0.0); 2]
            ),
            [all, none]
        );
        let points = [(1.0, 1.0)];
        let same = slopes(|x, y, _| x.if_equal(y, x, y), &points, &points);
        assert_eq!(same, [all]);
    }

    #[test]
    fn the_largest_of_a_row_passes_a_change_on() {
        let (all, none, some) = ((1.0, 1.0), (0.0, 0.0), (0.0, 1.0));
        let of = |row: &[(f64, f64)]| slopes(|x, _, _| x.row_max(), row, row);
        assert_eq!(of(&[(3.0, 4.0), (0.0, 1.0), (1.0, 2.0)]), [all, none, none]);
        // The second may be the largest and the third may not.
        assert_eq!(
            of(&[(3.0, 4.0), (2.0, 3.5), (1.0, 2.0)]),
            [some, some, none]
        );
        // What touches may be equal.
        assert_eq!(of(&[(3.0, 4.0), (2.0, 3.0)]), [some, some]);
        assert_eq!(of(&[(5.0, 6.0)]), [all]);
    }

    #[test]
    fn a_power_is_as_steep_as_its_exponent_says() {
        let steep = slopes(|x, _, t| x.pow(t), &[(3.0, 4.0)], &[(0.0, 0.0)]);
        assert_eq!(steep, [(6.0, 8.0)]);
        let cosine = slopes(|x, _, _| x.cos_pi(), &[(0.5, 0.5)], &[(0.0, 0.0)]);
        let (down, up) = cosine[0];
        assert!(
            down == -up && up > std::f64::consts::PI && up < 3.143,
            "{up}"
        );
    }
}
