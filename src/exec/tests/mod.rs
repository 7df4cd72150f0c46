//! Tests of the room, on small steps written by hand.

mod definitions;
mod gradients;
mod precision;
mod running;
mod undefined;

use super::*;
use crate::arith::{Ratio, parse_ratio};
use crate::graph::{Dim, Expr, StepBuilder, StepGraph, gradient};

pub(super) fn q(text: &str) -> Ratio {
    parse_ratio(text).unwrap()
}

/// Which loss a test step has.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// The mean square; polynomial in the parameters.
    Mse,
    /// The mean absolute error.
    L1,
    /// Sum of fourth powers; polynomial.
    Quartic,
}

/// LoRA under plain gradient descent: `Z = X·W0ᵀ + s·(X·Aᵀ)·Bᵀ`, output `W`.
pub(super) fn lora(loss: Loss) -> StepGraph {
    let step = StepBuilder::new();
    let [batch, n_in, n_out, r] = ["batch", "n_in", "n_out", "r"].map(Dim::named);
    let x = step.data("X", &batch, &n_in);
    let y = step.data("Y", &batch, &n_out);
    let w0 = step.data("W0", &n_out, &n_in);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &n_out, &r);
    let s = step.hyperparameter("s", "s", false);
    let z = x.matmul(w0.t()) + s * x.matmul(a.t()).matmul(b.t());
    let error = (z - y).named("error");
    let value = match loss {
        Loss::Mse => error.square().mean(),
        Loss::L1 => error.abs().mean(),
        Loss::Quartic => error.square().square().sum(),
    };
    step.set_loss(value.named("loss"));
    step.output("W", w0 + s * b.matmul(a));
    let gradients = gradient(value, &[a, b]).unwrap();
    for (parameter, gradient, name) in [(a, gradients[0], "A"), (b, gradients[1], "B")] {
        step.output(&format!("g_{name}"), gradient);
        let lr = step.hyperparameter(&format!("lr_{name}"), "lr", true);
        step.update(parameter, parameter - lr * gradient);
    }
    step.finish().unwrap()
}

pub(super) fn sizes(batch: usize, n_in: usize, n_out: usize, r: usize) -> Sizes {
    Sizes::from([("batch", batch), ("n_in", n_in), ("n_out", n_out), ("r", r)])
}

/// Random tensors for `step`, with `s = 3/2` and rates of 1/16.
pub(super) fn problem(step: &StepGraph, sizes: &Sizes, seed: u64) -> Values {
    let mut values = random::values(step, sizes, seed, |_| random::Draw::default()).unwrap();
    for (name, text) in [("s", "3/2"), ("lr_A", "1/16"), ("lr_B", "1/16")] {
        values.set_scalar(name, crate::arith::Surd::from(q(text)));
    }
    values
}

/// A step on one scalar parameter `P` whose next value is `next(P)`; the loss is `P`.
pub(super) fn scalar_step(
    next: impl for<'g> Fn(&'g StepBuilder, Expr<'g>) -> Expr<'g>,
) -> StepGraph {
    let step = StepBuilder::new();
    let p = step.parameter("P", &Dim::one(), &Dim::one());
    step.set_loss(p);
    step.update(p, next(&step, p));
    step.finish().unwrap()
}

pub(super) fn scalar_values(p: f64) -> Values {
    let mut values = Values::new();
    values.set_tensor("P", Tensor::new(1, 1, vec![p]).unwrap());
    values
}
