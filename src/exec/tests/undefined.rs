//! Entries without a value: how they spread, where they are dropped, what the error says.

use super::*;
use crate::arith::{ArithmeticName, F32, F64, OpError, Prime};

fn outcome(step: &StepGraph, p: f64) -> Result<f64, ExecError> {
    let values = scalar_values(p);
    run(F64, step, &Sizes::new(), &values, 1, &Options::default()).map(|run| run.final_loss)
}

#[test]
fn a_select_drops_the_branch_it_does_not_take() {
    let safe = scalar_step(|s, p| p.if_equal(0, 7, s.ratio(1, 1) / p));
    assert_eq!(outcome(&safe, 0.0), Ok(7.0));
    assert_eq!(outcome(&safe, 4.0), Ok(0.25));
    let unsafe_side = scalar_step(|s, p| p.if_equal(0, s.ratio(1, 1) / p, 7));
    assert!(outcome(&unsafe_side, 0.0).is_err());
    let condition = scalar_step(|s, p| (s.ratio(1, 1) / p).if_less(1, 5, 5));
    assert!(outcome(&condition, 0.0).is_err());
    assert_eq!(outcome(&condition, 9.0), Ok(5.0));
}

#[test]
fn the_error_names_node_step_entry_and_reason() {
    // 1/(2 − t)·P at step 2 divides by zero.
    let step = scalar_step(|s, p| p / (2 - s.step_number()).named("countdown"));
    let values = scalar_values(1.0);
    let error = run(F64, &step, &Sizes::new(), &values, 5, &Options::default()).unwrap_err();
    let ExecError::Operation {
        node,
        step: number,
        entry,
        source,
    } = &error
    else {
        panic!("{error}");
    };
    assert!(node.ends_with("P / countdown"), "{node}");
    assert_eq!((*number, *entry), (2, (0, 0)));
    assert_eq!(*source, OpError::Undefined("division by zero"));
    assert!(error.to_string().starts_with("step 2: `"), "{error}");
}

#[test]
fn the_first_cause_is_reported_not_the_last_consumer() {
    let step = StepBuilder::new();
    let (m, n) = (Dim::named("m"), Dim::named("n"));
    let p = step.parameter("P", &m, &n);
    let root = p.sqrt().named("root");
    step.set_loss((root.matmul(root.t()).sum_rows() + 1).sum());
    step.update(p, p);
    let step = step.finish().unwrap();
    let mut values = Values::new();
    let entries = vec![1.0, 4.0, 9.0, 1.0, -4.0, -9.0];
    values.set_tensor("P", Tensor::new(2, 3, entries).unwrap());
    let sizes = Sizes::from([("m", 2), ("n", 3)]);
    let kept = Options {
        keep: Keep::Everything,
        ..Options::default()
    };
    let mut machine = Machine::new(F32, &step, &sizes, &values, &kept).unwrap();
    let error = machine.forward().unwrap_err();
    assert_eq!(
        error.to_string(),
        "step 1: `root = sqrt(P)` has no value at row 1, column 1 (counted from 0): \
         undefined: square root of a negative number"
    );
    // The first row of the product does not touch the second row of the root.
    let root = step.graph.ids().nth(1).unwrap();
    let defined = |id, row, col| machine.is_defined(id, row, col);
    assert_eq!(step.graph.describe(root), "root");
    assert!(defined(root, 0, 2) && defined(root, 1, 0) && !defined(root, 1, 2));
    let product = step.graph.ids().nth(3).unwrap();
    assert!(defined(product, 0, 0) && !defined(product, 0, 1) && !defined(product, 1, 0));
    // The same again: nothing was forgotten, nothing piled up.
    assert_eq!(machine.forward().unwrap_err(), error);
}

#[test]
fn an_undefined_entry_that_nobody_reads_is_no_error() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    step.set_loss(p);
    step.output("inverse", step.ratio(1, 1) / p);
    step.update(p, p + 1);
    let step = step.finish().unwrap();
    let values = scalar_values(0.0);
    let go = |outputs| {
        let options = Options {
            outputs,
            ..Options::default()
        };
        run(F64, &step, &Sizes::new(), &values, 2, &options)
    };
    assert!(go(Outputs::None).is_ok());
    assert!(go(Outputs::All).is_err());
}

#[test]
fn an_overflow_is_reported_where_it_happens() {
    let step = scalar_step(|_, p| (p.square().named("square") - p) / 3);
    let error = outcome(&step, 1e200).unwrap_err();
    let ExecError::Operation { node, source, .. } = error else {
        panic!();
    };
    assert_eq!(node, "square = P * P");
    assert_eq!(source, OpError::Overflow(ArithmeticName::F64));
}

#[test]
fn a_leaf_that_the_arithmetic_cannot_hold_is_an_error_at_step_zero() {
    let step = scalar_step(|_, p| p);
    let error = Machine::new(
        F32,
        &step,
        &Sizes::new(),
        &scalar_values(1e300),
        &Options::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "step 0: `P = leaf P` has no value at row 0, column 0 (counted from 0): \
         overflow: the result is not a finite f32 number"
    );
}

#[test]
fn what_an_arithmetic_lacks_is_lazy_too() {
    let sizes = sizes(1, 1, 1, 1);
    let step = lora(Loss::L1);
    let values = problem(&step, &sizes, 1);
    let error = run(Prime, &step, &sizes, &values, 1, &Options::default()).unwrap_err();
    assert!(
        error.to_string().contains("prime arithmetic has no"),
        "{error}"
    );
}

#[test]
fn an_empty_batch_divides_by_zero_and_says_where() {
    let sizes = sizes(0, 2, 2, 1);
    let step = lora(Loss::Mse);
    let values = problem(&step, &sizes, 1);
    let error = run(F64, &step, &sizes, &values, 1, &Options::default()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("|batch·n_out|") && text.contains("division by zero"),
        "{text}"
    );
}

#[test]
fn a_failed_step_changes_nothing() {
    let step = scalar_step(|_, p| (p - 2).sqrt());
    let mut machine = Machine::new(
        F64,
        &step,
        &Sizes::new(),
        &scalar_values(6.0),
        &Options::default(),
    )
    .unwrap();
    machine.advance().unwrap();
    machine.advance().unwrap();
    for _ in 0..2 {
        assert!(machine.advance().is_err());
        assert_eq!(machine.parameter("P").unwrap()[(0, 0)], 0.0);
        assert_eq!(machine.step_number(), 3);
    }
}

#[test]
fn the_largest_of_no_entries_is_undefined() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::named("m"), &Dim::named("n"));
    step.set_loss(p.row_max().sum());
    step.update(p, p);
    let step = step.finish().unwrap();
    let loss = |rows, cols, entries: &[f64]| {
        let mut values = Values::new();
        values.set_tensor("P", Tensor::new(rows, cols, entries.to_vec()).unwrap());
        let sizes = Sizes::from([("m", rows), ("n", cols)]);
        run(F64, &step, &sizes, &values, 0, &Options::default()).map(|run| run.final_loss)
    };
    assert_eq!(loss(2, 3, &[1.0, 5.0, 2.0, -3.0, -1.0, -2.0]), Ok(4.0));
    assert_eq!(loss(0, 0, &[]), Ok(0.0));
    assert!(loss(2, 0, &[]).is_err());
}

#[test]
fn what_is_computed_once_may_stay_undefined_until_it_is_taken() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    let h = step.hyperparameter("h", "h", true);
    let inverse = (step.ratio(1, 1) / h).named("inverse");
    step.set_loss(step.step_number().if_less(3, p, inverse));
    step.update(p, p + 1);
    let step = step.finish().unwrap();
    let mut values = scalar_values(1.0);
    values.set_scalar("h", 0);
    let error = run(F64, &step, &Sizes::new(), &values, 5, &Options::default()).unwrap_err();
    let ExecError::Operation { node, step: 3, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(node, "inverse = 1 / h");
}

#[test]
fn an_undefined_first_state_is_an_error_at_step_zero() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    let m = step.state("m", p.sqrt().named("root"));
    step.set_loss(p);
    step.update(p, p);
    step.update(m, m + p);
    let step = step.finish().unwrap();
    let make = |p| {
        Machine::new(
            F64,
            &step,
            &Sizes::new(),
            &scalar_values(p),
            &Options::default(),
        )
    };
    assert_eq!(make(9.0).unwrap().state("m").unwrap()[(0, 0)], 3.0);
    assert!(matches!(
        make(-9.0),
        Err(ExecError::Operation { step: 0, node, .. }) if node == "root = sqrt(P)"
    ));
}

#[test]
fn of_several_causes_the_earliest_is_told() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    step.output("root", p.sqrt());
    let zero = step.ratio(0, 1);
    step.set_loss(p / zero);
    step.update(p, p);
    let step = step.finish().unwrap();
    let options = Options {
        outputs: Outputs::All,
        ..Options::default()
    };
    let cause = |p| {
        run(F64, &step, &Sizes::new(), &scalar_values(p), 0, &options)
            .unwrap_err()
            .to_string()
    };
    assert!(cause(-1.0).contains("root = sqrt(P)"));
    assert!(cause(1.0).contains("P / 0"));
}

#[test]
fn where_the_loss_has_no_value_the_other_nodes_are_of_this_step() {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    step.set_loss(p / (2 - step.step_number()));
    let next = (p * step.step_number()).named("next");
    step.update(p, next);
    let id = next.id();
    let step = step.finish().unwrap();
    let kept = Options {
        keep: Keep::Everything,
        ..Options::default()
    };
    let mut machine = Machine::new(F64, &step, &Sizes::new(), &scalar_values(3.0), &kept).unwrap();
    machine.advance().unwrap();
    assert!(machine.complete().is_err());
    assert_eq!(machine.node(id).map(|m| m[(0, 0)]), Some(6.0));
    // Nothing has become current.
    assert_eq!(machine.parameter("P").map(|m| m[(0, 0)]), Some(3.0));
}
