//! All that the sensitivities of one step need: the range of every node in every admissible run,
//! where operations are smooth, and how large the error made at each node can be.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use rug::Float;

use super::BoundError;
use super::contribution::Contribution;
use super::intervals::{Enclosure, F64Interval, in_units, magnitude_up, outward, range};
use crate::arith::{Arithmetic, Enclosed, Enclosures, Function, MpEnds, OpError, Ratio};
use crate::exec::{Machine, inverse};
use crate::fault::{Fault, planted};
use crate::graph::{Binary, Comparison, Graph, LeafKind, NodeId, Op, Sensitivity, Unary};

/// One step in all admissible runs.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub values: BTreeMap<NodeId, DMatrix<F64Interval>>,
    pub slopes: BTreeMap<NodeId, DMatrix<F64Interval>>,
    pub live: BTreeMap<NodeId, DMatrix<F64Interval>>,
    /// In units of the unit roundoff, for the nodes that have any.
    pub errors: BTreeMap<NodeId, DMatrix<Contribution>>,
}

type Run<'g> = Machine<'g, Enclosures<MpEnds>>;

impl Snapshot {
    /// Of the step that `machine` has evaluated as far as `adjoint` asks.
    pub fn new(machine: &Run<'_>, adjoint: &Sensitivity) -> Result<Self, BoundError> {
        let graph = &machine.plan().step().graph;
        let node = |id: NodeId| machine.node(id);
        let values = adjoint
            .values
            .keys()
            .filter_map(|id| Some((*id, node(*id)?.map(|x| outward(&x.range)))));
        let slopes = adjoint
            .slopes
            .keys()
            .map(|id| Ok((*id, slope(machine, graph, *id)?)));
        let live = adjoint.live.keys().filter_map(|id| {
            let value = node(*id)?;
            let of = |row, col| {
                let x: &Enclosed<Float> = &value[(row, col)];
                let can_change = machine.is_defined(*id, row, col) && x.range.inf() < x.range.sup();
                let live = f64::from(u8::from(can_change));
                range(live, live)
            };
            Some((*id, DMatrix::from_fn(value.nrows(), value.ncols(), of)))
        });
        let mut errors = BTreeMap::new();
        for id in adjoint.adjoints.keys() {
            let carried = matches!(
                graph.leaf_at(*id).map(|leaf| &leaf.kind),
                Some(LeafKind::Parameter | LeafKind::State)
            );
            if carried {
                continue;
            }
            let own = errors_of(machine, graph, *id)?;
            if own.iter().any(|c| c.any > 0.0) {
                errors.insert(*id, own);
            }
        }
        Ok(Self {
            values: values.collect(),
            slopes: slopes.collect::<Result<_, BoundError>>()?,
            live: live.collect(),
            errors,
        })
    }
}

/// The values of a node, which the run must have kept.
fn kept<'m>(
    machine: &'m Run<'_>,
    graph: &Graph,
    id: NodeId,
) -> Result<&'m DMatrix<Enclosed<Float>>, BoundError> {
    machine.node(id).ok_or_else(|| BoundError::NotKept {
        node: graph.describe(id),
    })
}

/// The errors made at the node `id`, in units of the unit roundoff.
fn errors_of(
    machine: &Run<'_>,
    graph: &Graph,
    id: NodeId,
) -> Result<DMatrix<Contribution>, BoundError> {
    let value = kept(machine, graph, id)?;
    let ctx = machine.arithmetic();
    let precision = ctx.model().precision;
    if let Op::Unary(Unary::Inverse, x) = graph.node(id).op {
        let operand = kept(machine, graph, x)?;
        // Elimination has roundings of its own: its results against exact inverses.
        let exact = inverse(ctx.intervals(), operand.map(|x| x.range.clone()))?;
        return Ok(value.zip_map(&exact, |x, y| {
            let mut apart = ctx.intervals().zero();
            ctx.intervals().sub(&mut apart, &x.range, &y);
            Contribution::of(in_units(&magnitude_up(&apart), precision))
        }));
    }
    Ok(value.map(|x| Contribution {
        any: in_units(&x.any, precision),
        stated: in_units(&x.stated, precision),
        squares: in_units(&x.squares, 2 * precision),
        rest: 0.0,
    }))
}

/// The factor with which the node `id` passes a change of its first operand on, where that is not
/// read off values.
fn slope(machine: &Run<'_>, graph: &Graph, id: NodeId) -> Result<DMatrix<F64Interval>, BoundError> {
    let node = graph.node(id);
    let ctx = machine.arithmetic().intervals();
    let (rows, cols) = kept(machine, graph, id)?.shape();
    let read = |x: NodeId| -> Result<_, BoundError> {
        let values = kept(machine, graph, x)?;
        Ok(move |row: usize, col: usize| -> Enclosure {
            let (row, col) = (row.min(values.nrows() - 1), col.min(values.ncols() - 1));
            values[(row, col)].range.clone()
        })
    };
    let between = |decided: Result<bool, OpError>| match decided {
        Ok(true) => range(1.0, 1.0),
        Ok(false) => range(0.0, 0.0),
        Err(_) => range(0.0, 1.0),
    };
    let unknown = || {
        let node = graph.describe(id);
        Err(BoundError::UnknownSlope { node })
    };
    let slopes = match &node.op {
        Op::Unary(unary, x) => match unary {
            Unary::Abs => {
                let x = read(*x)?;
                DMatrix::from_fn(rows, cols, |row, col| {
                    let x = x(row, col);
                    match (*x.inf() > 0, *x.sup() < 0) {
                        (true, _) => range(1.0, 1.0),
                        (_, true) => range(-1.0, -1.0),
                        _ => range(-1.0, 1.0),
                    }
                })
            }
            Unary::RowMax => largest_of_row(kept(machine, graph, *x)?),
            Unary::Function(function) => match function {
                // d/dx cos(πx) = −π·sin(πx), and π < 22/7.
                Function::CosPi => {
                    let size = (22.0f64 / 7.0).next_up();
                    DMatrix::from_element(rows, cols, range(-size, size))
                }
                // Theirs are read off values.
                Function::Exp
                | Function::Ln
                | Function::Tanh
                | Function::NormalCdf
                | Function::NormalDensity => return unknown(),
            },
            Unary::Neg
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
            | Unary::OpaqueGradient => return unknown(),
        },
        Op::Binary(binary, x, y) => match binary {
            Binary::Max => {
                let (x, y) = (read(*x)?, read(*y)?);
                DMatrix::from_fn(rows, cols, |row, col| {
                    between(ctx.less(&y(row, col), &x(row, col)))
                })
            }
            Binary::Min => {
                let (x, y) = (read(*x)?, read(*y)?);
                DMatrix::from_fn(rows, cols, |row, col| {
                    between(ctx.less(&x(row, col), &y(row, col)))
                })
            }
            Binary::Power => {
                let x = read(*x)?;
                let number = machine.step_number();
                let times = ctx.from_ratio(&Ratio::from_integer(number.into()))?;
                let mut slopes = DMatrix::from_element(rows, cols, range(0.0, 0.0));
                for row in 0..rows {
                    for col in 0..cols {
                        let (mut power, mut slope) = (ctx.zero(), ctx.zero());
                        ctx.power(&mut power, &x(row, col), number.saturating_sub(1))?;
                        ctx.mul(&mut slope, &times, &power);
                        slopes[(row, col)] = outward(&slope);
                    }
                }
                slopes
            }
            Binary::Add
            | Binary::Sub
            | Binary::Mul
            | Binary::Div
            | Binary::MatMul
            | Binary::Atan2 => return unknown(),
        },
        Op::Select {
            comparison,
            lhs,
            rhs,
            ..
        } => {
            let (x, y) = (read(*lhs)?, read(*rhs)?);
            DMatrix::from_fn(rows, cols, |row, col| {
                let (x, y) = (x(row, col), y(row, col));
                between(match comparison {
                    Comparison::Less => ctx.less(&x, &y),
                    Comparison::LessEqual => ctx.less_equal(&x, &y),
                    Comparison::Equal => ctx.equal(&x, &y),
                })
            })
        }
        Op::Leaf(_) | Op::Constant(_) | Op::Count(_) | Op::Identity(_) => return unknown(),
    };
    Ok(match planted(Fault::UnknownSlopeIsZero) {
        true => slopes.map(|_| range(0.0, 0.0)),
        false => slopes,
    })
}

/// Whether each entry is the largest of its row: certainly, certainly not, or perhaps.
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
    use crate::arith::{ArithmeticName, FloatModel};
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
