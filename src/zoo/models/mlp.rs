//! A multilayer perceptron with a LoRA adapter on each of its two layers and frozen biases:
//! `Z = σ(X·W1ᵀ + b1)·W2ᵀ + b2` with `W1 = W0_1 + s1·B1·A1` and `W2 = W0_2 + s2·B2·A2`.
//!
//! The activations are PyTorch's: `tanh`; `relu` with derivative 0 at 0; the exact
//! `gelu(x) = x·Φ(x)` (Hendrycks and Gimpel 2016, arXiv 1606.08415).

use super::{Forward, MicroBatch, Model, PLAIN, PairNames};
use crate::graph::{Dim, Expr, StepBuilder};

const MLP: Model = Model {
    name: "",
    title: "",
    pairs: &[
        PairNames {
            a: "A1",
            b: "B1",
            s: "s1",
        },
        PairNames {
            a: "A2",
            b: "B2",
            s: "s2",
        },
    ],
    zero_at_start: &["B1", "B2"],
    build: tanh,
    ..PLAIN
};

pub(super) const TANH: Model = Model {
    name: "mlp_tanh",
    title: "two layers, each with a LoRA pair, and tanh between them",
    build: tanh,
    ..MLP
};

pub(super) const RELU: Model = Model {
    name: "mlp_relu",
    title: "two layers, each with a LoRA pair, and ReLU between them",
    build: relu,
    ..MLP
};

pub(super) const GELU: Model = Model {
    name: "mlp_gelu",
    title: "two layers, each with a LoRA pair, and the exact GELU between them",
    build: gelu,
    ..MLP
};

fn tanh(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    build(step, batch, Expr::tanh)
}

fn relu(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    build(step, batch, |x| x.if_less_equal(0, 0, x))
}

fn gelu(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    build(step, batch, |x| x * x.normal_cdf())
}

fn build<'g>(
    step: &'g StepBuilder,
    batch: MicroBatch,
    activation: fn(Expr<'g>) -> Expr<'g>,
) -> Forward<'g> {
    let [rows, n_in, hidden, n_out] = ["batch", "n_in", "hidden", "n_out"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let h = activation(layer(step, "1", x, &hidden));
    Forward::Output(layer(step, "2", h, &n_out))
}

/// The layer called `number` on the rows of `x`.
fn layer<'g>(step: &'g StepBuilder, number: &str, x: Expr<'g>, n_out: &Dim) -> Expr<'g> {
    let (n_in, r) = (x.shape().cols, Dim::named("r"));
    let w0 = step.data(&format!("W0_{number}"), n_out, &n_in);
    let bias = step.data(&format!("b{number}"), &Dim::one(), n_out);
    let a = step.parameter(&format!("A{number}"), &r, &n_in);
    let b = step.parameter(&format!("B{number}"), n_out, &r);
    let s = step.hyperparameter(&format!("s{number}"), "s", false);
    step.output(&format!("W{number}"), w0 + s * b.matmul(a));
    (x.matmul(w0.t()) + bias) + x.matmul(a.t()).matmul(b.t()) * s
}
