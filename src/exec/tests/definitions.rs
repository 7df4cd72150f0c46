//! Every kernel against the definition of its operation, entry by entry and bit by bit.

use nalgebra::DMatrix;

use super::*;
use crate::arith::F64;
use crate::graph::{Binary, Comparison, NodeId, Op, Unary};

/// A graph with every operation at every shape: full, one row, one column, scalar.
fn everything() -> StepGraph {
    let step = StepBuilder::new();
    let (m, n) = (Dim::named("m"), Dim::named("n"));
    let one = Dim::one();
    let full = step.parameter("F", &m, &n);
    let row = step.data("R", &one, &n);
    let column = step.data("C", &m, &one);
    let scalar = step.data("S", &one, &one);
    let shapes = [full, row, column, scalar];
    let mut made = vec![];
    for x in shapes {
        made.extend([
            -x,
            x.abs(),
            x.sign(),
            x.abs().sqrt(),
            x.exp(),
            x.t(),
            x.detach(),
        ]);
        // Sums of negatives: −0 has to stay −0.
        made.extend([
            x.sum(),
            (-x).sum(),
            (-x).sum_rows(),
            x.sum_rows(),
            x.t().sum_rows(),
            x.t().matmul(x),
        ]);
        made.push(x.broadcast_to(&full.shape()));
        for y in shapes {
            made.extend([x + y, x - y, x * y, x / (y.abs() + 1), x.max(y), x.min(y)]);
            for z in shapes {
                made.extend([
                    x.if_less(y, z, x),
                    x.if_less_equal(y, x, z),
                    x.if_equal(y, z, y),
                ]);
            }
        }
    }
    made.extend([
        full.sum_to(&row.shape()),
        full.matmul(full.t()),
        column.matmul(row),
        step.count(&m.times(&n)),
    ]);
    for (i, x) in made.into_iter().enumerate() {
        step.output(&format!("o{i}"), x);
    }
    step.set_loss(scalar);
    step.update(full, full);
    step.finish().unwrap()
}

/// The entry of a node at `row`, `col`, from the values of its operands.
fn by_definition(
    op: &Op,
    value: &dyn Fn(NodeId) -> DMatrix<f64>,
    shape: (usize, usize),
    (row, col): (usize, usize),
) -> f64 {
    let repeated = |x: &DMatrix<f64>| {
        x[(
            if x.nrows() == 1 { 0 } else { row },
            if x.ncols() == 1 { 0 } else { col },
        )]
    };
    let added = |terms: Vec<f64>| terms.into_iter().reduce(|a, b| a + b).unwrap_or(0.0);
    match op {
        Op::Unary(op, x) => {
            let x = value(*x);
            match op {
                Unary::Neg => -x[(row, col)],
                Unary::Abs => x[(row, col)].abs(),
                Unary::Sign if x[(row, col)] == 0.0 => 0.0,
                Unary::Sign => x[(row, col)].signum(),
                Unary::Sqrt => x[(row, col)].sqrt(),
                Unary::Function(_) => libm::exp(x[(row, col)]),
                Unary::Transpose => x[(col, row)],
                Unary::Detach => x[(row, col)],
                Unary::Broadcast => repeated(&x),
                Unary::SumTo => {
                    let mut terms = vec![];
                    for r in 0..x.nrows() {
                        for c in 0..x.ncols() {
                            let here = (shape.0 == 1 || r == row) && (shape.1 == 1 || c == col);
                            terms.extend(here.then(|| x[(r, c)]));
                        }
                    }
                    added(terms)
                }
                Unary::RowMax
                | Unary::Inverse
                | Unary::MatrixSqrt
                | Unary::Cast(_)
                | Unary::OpaqueLoss
                | Unary::OpaqueGradient => unreachable!(),
            }
        }
        Op::Binary(Binary::MatMul, x, y) => {
            let (x, y) = (value(*x), value(*y));
            added((0..x.ncols()).map(|k| x[(row, k)] * y[(k, col)]).collect())
        }
        Op::Binary(op, x, y) => {
            let (x, y) = (repeated(&value(*x)), repeated(&value(*y)));
            match op {
                Binary::Add => x + y,
                Binary::Sub => x - y,
                Binary::Mul => x * y,
                Binary::Div => x / y,
                Binary::Max => {
                    if x < y {
                        y
                    } else {
                        x
                    }
                }
                Binary::Min => {
                    if x > y {
                        y
                    } else {
                        x
                    }
                }
                Binary::MatMul | Binary::Power | Binary::Atan2 => unreachable!(),
            }
        }
        Op::Select {
            comparison,
            lhs,
            rhs,
            then,
            otherwise,
        } => {
            let [x, y, then, otherwise] =
                [lhs, rhs, then, otherwise].map(|id| repeated(&value(*id)));
            let holds = match comparison {
                Comparison::Less => x < y,
                Comparison::LessEqual => x <= y,
                Comparison::Equal => x == y,
            };
            if holds { then } else { otherwise }
        }
        Op::Constant(_) => 1.0,
        Op::Count(_) | Op::Identity(_) | Op::Leaf(_) => unreachable!(),
    }
}

#[test]
fn every_kernel_does_what_its_operation_says() {
    let step = everything();
    let kept = Options {
        keep: Keep::Everything,
        outputs: Outputs::All,
    };
    for (m, n) in [(3, 2), (2, 3), (1, 6), (6, 1), (1, 1)] {
        let sizes = Sizes::from([("m", m), ("n", n)]);
        // Few bits, so that equal entries and zeros occur.
        let draw = |_: &str| random::Draw::Uniform { bits: 2 };
        for seed in 0..20 {
            let values = random::values(&step, &sizes, seed, draw).unwrap();
            let mut machine = Machine::new(F64, &step, &sizes, &values, &kept).unwrap();
            machine.complete().unwrap();
            let value = |id| machine.node(id).unwrap().clone();
            for id in step.graph.ids().filter(|id| machine.node(*id).is_some()) {
                let op = &step.graph.node(id).op;
                let have = value(id);
                match op {
                    Op::Leaf(_) => continue,
                    Op::Count(_) => {
                        assert_eq!(have[(0, 0)], (m * n) as f64);
                        continue;
                    }
                    _ => {}
                }
                for row in 0..have.nrows() {
                    for col in 0..have.ncols() {
                        let want = by_definition(op, &value, have.shape(), (row, col));
                        let have = have[(row, col)];
                        assert_eq!(have.to_bits(), want.to_bits(), "{op:?} {row} {col}");
                    }
                }
            }
        }
    }
}

#[test]
fn shapes_without_entries_run_through_every_kernel() {
    let step = everything();
    for (m, n) in [(0, 0), (0, 2), (2, 0)] {
        let sizes = Sizes::from([("m", m), ("n", n)]);
        let values = random::values(&step, &sizes, 1, |_| random::Draw::default()).unwrap();
        let options = Options {
            outputs: Outputs::All,
            ..Options::default()
        };
        let run = run(F64, &step, &sizes, &values, 1, &options).unwrap();
        for entries in run.outputs.values() {
            assert!(entries[0].iter().all(|x| x.is_finite()));
        }
    }
}
