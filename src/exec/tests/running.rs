//! Order, commitment, buffers, and the graph against matrices written out by hand.

use std::ops::ControlFlow;

use nalgebra::DMatrix;

use super::*;
use crate::arith::{Arithmetic, F32, F64, Prime, Surd};
use crate::graph::LeafKind;

fn all() -> Options {
    Options {
        outputs: Outputs::All,
        ..Options::default()
    }
}

/// The same step without any graph: nalgebra for the matrices, gradients by hand.
fn by_hand(values: &Values, loss: Loss, steps: usize) -> (Vec<f64>, DMatrix<f64>, DMatrix<f64>) {
    let load = |name: &str| {
        let t = &values.tensors[name];
        DMatrix::from_row_slice(t.rows(), t.cols(), t.values())
    };
    let (x, y, w0, mut a, mut b) = (load("X"), load("Y"), load("W0"), load("A"), load("B"));
    let (s, lr) = (1.5, 1.0 / 16.0);
    let count = y.len() as f64;
    let mut losses = vec![];
    for _ in 0..steps {
        let error = &x * w0.transpose() + s * (&x * a.transpose()) * b.transpose() - &y;
        let (value, slope) = match loss {
            Loss::Mse => (error.norm_squared() / count, 2.0 / count * &error),
            Loss::L1 => (
                error.abs().sum() / count,
                error.map(|e| if e == 0.0 { 0.0 } else { e.signum() }) / count,
            ),
            Loss::Quartic => unreachable!(),
        };
        losses.push(value);
        let g_w = slope.transpose() * &x;
        let (g_a, g_b) = (s * b.transpose() * &g_w, s * &g_w * a.transpose());
        a -= lr * g_a;
        b -= lr * g_b;
    }
    (losses, a, b)
}

#[test]
fn a_lora_step_agrees_with_matrices_written_out() {
    for loss in [Loss::Mse, Loss::L1] {
        let step = lora(loss);
        let sizes = sizes(5, 4, 3, 2);
        let values = problem(&step, &sizes, 7);
        let run = run(F64, &step, &sizes, &values, 12, &Options::default()).unwrap();
        let (losses, a, b) = by_hand(&values, loss, 12);
        // Other summation orders, so only nearly the same; the exact test is in `gradients`.
        for (have, want) in run.losses.iter().zip(&losses) {
            assert!((have - want).abs() < 1e-12, "{have} {want}");
        }
        assert!((&run.parameters["A"][11] - a).amax() < 1e-12);
        assert!((&run.parameters["B"][11] - b).amax() < 1e-12);
        assert!(run.final_loss < run.losses[0]);
        assert_eq!((run.losses.len(), run.parameters["A"].len()), (12, 12));
    }
}

#[test]
fn parameters_and_states_become_current_together() {
    // The two exchange places, and `m` remembers the old `P`.
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    let r = step.parameter("R", &Dim::one(), &Dim::one());
    let m = step.state("m", 10 * p);
    step.set_loss(p - r);
    step.update(p, r);
    step.update(r, p);
    step.update(m, p + m);
    let step = step.finish().unwrap();
    let mut values = scalar_values(1.0);
    values.set_tensor("R", Tensor::new(1, 1, vec![2.0]).unwrap());
    let mut machine =
        Machine::new(F64, &step, &Sizes::new(), &values, &Options::default()).unwrap();
    let read = |m: &Machine<'_, F64>| {
        let at = |x: Option<&DMatrix<f64>>| x.unwrap()[(0, 0)];
        [at(m.parameter("P")), at(m.parameter("R")), at(m.state("m"))]
    };
    assert_eq!(read(&machine), [1.0, 2.0, 10.0]);
    machine.advance().unwrap();
    assert_eq!(read(&machine), [2.0, 1.0, 11.0]);
    machine.advance().unwrap();
    assert_eq!(read(&machine), [1.0, 2.0, 13.0]);
    assert_eq!(machine.step_number(), 3);
}

#[test]
fn a_walk_shows_a_run_before_and_after_each_step() {
    let step = lora(Loss::Mse);
    let sizes = sizes(2, 2, 2, 1);
    let values = problem(&step, &sizes, 1);
    let recorded = run(F64, &step, &sizes, &values, 3, &Options::default()).unwrap();
    let machine = || Machine::new(F64, &step, &sizes, &values, &all()).unwrap();
    let mut losses = vec![];
    let watched = machine().watch(3, |taken, m| losses.push((taken, *m.loss())));
    watched.unwrap();
    let expected = recorded.losses.iter().chain([&recorded.final_loss]);
    assert_eq!(losses, expected.copied().enumerate().collect::<Vec<_>>());
    let mut broken_off = machine();
    let value = broken_off.walk(3, |taken, m| match taken {
        1 => ControlFlow::Break(*m.loss()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(value, Ok(Some(losses[1].1)));
    // The run goes on from there, and no step is taken twice.
    broken_off.run_to(3).unwrap();
    broken_off.run_to(3).unwrap();
    assert_eq!(
        (*broken_off.loss(), broken_off.step_number()),
        (losses[3].1, 4)
    );
}

#[test]
fn nothing_becomes_current_before_advance() {
    let step = lora(Loss::Mse);
    let sizes = sizes(2, 2, 2, 1);
    let values = problem(&step, &sizes, 1);
    let mut machine = Machine::new(F64, &step, &sizes, &values, &all()).unwrap();
    let before = machine.parameter("A").unwrap().clone();
    machine.forward().unwrap();
    let loss = *machine.loss();
    machine.complete().unwrap();
    machine.complete().unwrap();
    assert_eq!(machine.parameter("A"), Some(&before));
    let next = machine.node(step.parameter("A").unwrap().next).unwrap();
    let next = next.clone();
    machine.advance().unwrap();
    assert_eq!(machine.parameter("A"), Some(&next));
    assert_eq!(*machine.loss(), loss, "the loss is that before the step");
}

#[test]
fn the_step_number_counts_from_one() {
    let step = scalar_step(|s, p| p + s.step_number());
    let run = run(
        F32,
        &step,
        &Sizes::new(),
        &scalar_values(0.0),
        3,
        &Options::default(),
    )
    .unwrap();
    assert_eq!(run.losses, [0.0, 1.0, 3.0]);
    assert_eq!(run.final_loss, 6.0);
}

/// A row vector `D` of data, of which the step takes some scalar.
fn over_data(of: impl for<'g> Fn(&'g StepBuilder, Expr<'g>) -> Expr<'g>) -> StepGraph {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    let d = step.data("D", &Dim::named("m"), &Dim::named("n"));
    let zero = step.ratio(0, 1);
    step.set_loss(of(&step, d) + zero * p);
    step.update(p, p);
    step.finish().unwrap()
}

fn loss_of(step: &StepGraph, rows: usize, cols: usize, data: &[f64]) -> f32 {
    let mut values = scalar_values(0.0);
    values.set_tensor("D", Tensor::new(rows, cols, data.to_vec()).unwrap());
    let sizes = Sizes::from([("m", rows), ("n", cols)]);
    let mut machine = Machine::new(F32, step, &sizes, &values, &Options::default()).unwrap();
    machine.forward().unwrap();
    *machine.loss()
}

#[test]
fn sums_run_left_to_right_then_top_to_bottom() {
    // 1 + 2^24 loses the 1; so the place of the ones decides.
    let big = 16_777_216.0;
    let sum = over_data(|_, d| d.sum());
    assert_eq!(loss_of(&sum, 2, 2, &[big, 1.0, -big, 1.0]), 1.0);
    assert_eq!(loss_of(&sum, 2, 2, &[big, -big, 1.0, 1.0]), 2.0);
    // Column by column the first would have given 2 and the second 1.
    let rows = over_data(|_, d| d.sum_rows().sum());
    assert_eq!(loss_of(&rows, 1, 4, &[big, 1.0, -big, 1.0]), 1.0);
    assert_eq!(loss_of(&rows, 2, 2, &[big, -big, 1.0, 1.0]), 2.0);
}

#[test]
fn products_are_added_in_the_order_of_the_inner_index() {
    let product = over_data(|_, d| d.matmul(d.t()).sum());
    // Squares of 4096: 2^24.
    assert_eq!(loss_of(&product, 1, 3, &[4096.0, 1.0, 1.0]), 16_777_216.0);
    assert_eq!(loss_of(&product, 1, 3, &[1.0, 1.0, 4096.0]), 16_777_218.0);
    // Each product is rounded before it is added: fused, the last digit would survive.
    let x = 1.0 + libm::exp2(-12.0);
    let fused = x as f32;
    let difference = over_data(|_, d| d.matmul(d.t()).sum() - 1);
    let square = fused * fused;
    assert_eq!(loss_of(&difference, 1, 1, &[x]), square - 1.0);
}

#[test]
fn buffers_are_shared_unless_everything_is_kept() {
    let step = lora(Loss::Mse);
    let sizes = sizes(4, 4, 4, 4);
    let kept = Options {
        keep: Keep::Everything,
        outputs: Outputs::All,
    };
    let shared = Plan::new(&step, &sizes, &Options::default()).unwrap();
    let own = Plan::new(&step, &sizes, &kept).unwrap();
    assert!(shared.buffers() < own.buffers(), "{}", own.buffers());
    let values = problem(&step, &sizes, 3);
    let few = run(F64, &step, &sizes, &values, 9, &Options::default()).unwrap();
    let many = run(F64, &step, &sizes, &values, 9, &kept).unwrap();
    assert_eq!(few.losses, many.losses);
    assert_eq!(few.parameters, many.parameters);
    assert_eq!(many.outputs["W"].len(), 10);
    let mut machine = Machine::new(F64, &step, &sizes, &values, &kept).unwrap();
    machine.complete().unwrap();
    let read_by_a_result = step.graph.cone(step.roots());
    for id in step.graph.ids() {
        assert_eq!(machine.node(id).is_some(), read_by_a_result[id.index()]);
    }
}

#[test]
fn kept_nodes_hold_what_their_operands_give() {
    let step = lora(Loss::L1);
    let sizes = sizes(3, 4, 2, 2);
    let kept = Options {
        keep: Keep::Everything,
        outputs: Outputs::All,
    };
    let values = problem(&step, &sizes, 5);
    let mut machine = Machine::new(F64, &step, &sizes, &values, &kept).unwrap();
    machine.advance().unwrap();
    machine.complete().unwrap();
    let w = machine.output("W").unwrap();
    let at = |name: &str| machine.node(step.graph.leaf(name).unwrap()).unwrap();
    let expected = at("W0") + 1.5 * (at("B") * at("A"));
    assert!((w - expected).amax() < 1e-14);
}

#[test]
fn empty_dimensions_work_where_nothing_is_divided() {
    let step = lora(Loss::Mse);
    let none = sizes(3, 2, 2, 0);
    let values = problem(&step, &none, 1);
    let run = run(F64, &step, &none, &values, 2, &all()).unwrap();
    assert_eq!(run.losses[0], run.final_loss);
    assert_eq!(run.parameters["A"][1].shape(), (0, 2));
    assert_eq!(run.outputs["W"][0], run.outputs["W"][2]);
}

#[test]
fn every_refusal_names_its_cause() {
    let step = lora(Loss::Mse);
    let right = sizes(2, 3, 2, 1);
    let values = problem(&step, &right, 1);
    let refusal = |sizes: &Sizes, values: &Values, options: &Options| {
        Machine::new(F64, &step, sizes, values, options)
            .unwrap_err()
            .to_string()
    };
    let mut lacking = values.clone();
    lacking.tensors.remove("X");
    assert_eq!(
        refusal(&right, &lacking, &all()),
        "no value is given for `X` (batch × n_in)"
    );
    lacking.tensors = values.tensors.clone();
    lacking.scalars.remove("lr_B");
    assert_eq!(
        refusal(&right, &lacking, &all()),
        "no value is given for `lr_B` (1 × 1)"
    );
    let mut wrong = values.clone();
    wrong.set_tensor("Y", Tensor::zeros(2, 3));
    assert_eq!(
        refusal(&right, &wrong, &all()),
        "the value of `Y` is 2 × 3, expected 2 × 2 (batch × n_out)"
    );
    let unknown = Sizes::from([("batch", 1), ("n_in", 1), ("n_out", 1)]);
    assert_eq!(
        refusal(&unknown, &values, &all()),
        "no size is given for the dimension `r` of `A`"
    );
    for large in [1 << 20, usize::MAX] {
        let large = sizes(large, large, 1, 1);
        assert!(matches!(
            Machine::new(F64, &step, &large, &values, &all()),
            Err(ExecError::TooLarge { .. })
        ));
    }
    let named = Options {
        outputs: Outputs::Named(vec!["V".into()]),
        ..Options::default()
    };
    assert_eq!(
        refusal(&right, &values, &named),
        "the step has no output `V`; it has W, g_A, g_B"
    );
}

#[test]
fn an_opaque_loss_is_refused() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    let loss = p.opaque_loss();
    step.set_loss(loss);
    step.update(p, p - gradient(loss, &[p]).unwrap()[0]);
    let step = step.finish().unwrap();
    let refused = Machine::new(
        F64,
        &step,
        &Sizes::new(),
        &scalar_values(1.0),
        &Options::default(),
    );
    assert!(matches!(refused, Err(ExecError::Opaque { .. })));
}

#[test]
fn tensors_are_scaled_exactly_before_they_are_rounded() {
    // 3 · (1/3) is 1; a rounded third times 3 would be a different road.
    let third = Surd::from(q("1/3"));
    let tensor = Tensor::new(1, 1, vec![3.0]).unwrap();
    let tensor = tensor.scaled_by(&third).unwrap();
    let step = scalar_step(|_, p| p);
    let mut values = Values::new();
    values.set_tensor("P", tensor.clone());
    let machine = Machine::new(F32, &step, &Sizes::new(), &values, &Options::default()).unwrap();
    assert_eq!(machine.parameter("P").unwrap()[(0, 0)], 1.0);
    let root = Surd::sqrt(&q("2")).unwrap();
    let other = Surd::sqrt(&q("3")).unwrap();
    values.set_tensor("P", tensor.scaled_by(&root).unwrap());
    let machine = Machine::new(F64, &step, &Sizes::new(), &values, &Options::default()).unwrap();
    assert_eq!(machine.parameter("P").unwrap()[(0, 0)], 2f64.sqrt());
    assert!(tensor.scaled_by(&root).unwrap().scaled_by(&other).is_some());
}

#[test]
fn tensors_refuse_what_is_not_a_matrix_of_numbers() {
    let count = Tensor::new(2, 2, vec![1.0; 3]).unwrap_err().to_string();
    assert_eq!(count, "2 × 2 takes 4 values, found 3");
    let nan = Tensor::new(2, 2, vec![1.0, 1.0, f64::NAN, 1.0]).unwrap_err();
    assert_eq!(
        nan.to_string(),
        "the value at row 1, column 0 (counted from 0) is NaN, not a number"
    );
}

#[test]
fn the_prime_field_runs_polynomial_steps() {
    let step = lora(Loss::Mse);
    let sizes = sizes(3, 3, 2, 2);
    let values = problem(&step, &sizes, 2);
    let run = run(Prime, &step, &sizes, &values, 50, &all()).unwrap();
    assert_eq!(run.losses.len(), 50);
    assert_eq!(Prime.name().to_string(), "prime");
    assert!(
        step.graph
            .leaves()
            .all(|(_, id)| !matches!(step.graph.leaf_at(id).unwrap().kind, LeafKind::State))
    );
}

#[test]
fn first_states_outlive_the_set_up_that_computes_them() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    let h = step.hyperparameter("h", "h", false);
    let chains = [h * 2, h * 2 * 3 * 5 * 7, p * 2, p * 2 * 3 * 5 * 7];
    step.set_loss(p);
    step.update(p, p * 2);
    for (i, initial) in chains.into_iter().enumerate() {
        let state = step.state(&format!("m{i}"), initial);
        step.update(state, state + p * 2);
    }
    let step = step.finish().unwrap();
    let mut values = scalar_values(3.0);
    values.set_scalar("h", 1);
    let options = Options::default();
    let mut machine = Machine::new(F64, &step, &Sizes::new(), &values, &options).unwrap();
    let states = |machine: &Machine<'_, F64>| {
        [0, 1, 2, 3].map(|i| machine.state(&format!("m{i}")).unwrap()[(0, 0)])
    };
    assert_eq!(states(&machine), [2.0, 210.0, 6.0, 630.0]);
    machine.advance().unwrap();
    assert_eq!(states(&machine), [8.0, 216.0, 12.0, 636.0]);
    machine.advance().unwrap();
    assert_eq!(states(&machine), [20.0, 228.0, 24.0, 648.0]);
}
