//! LoRA beside weights that are trained as they are, PEFT's `modules_to_save`: an adapted layer,
//! tanh, and a head with a bias, `Z = tanh(X·Wᵀ)·Hᵀ + bias` with `W = W0 + s·B·A`.
//!
//! Source: PEFT's `LoraConfig(modules_to_save=…)`. H and the bias start at the network's own
//! values.

use super::{Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "joint",
    title: "a layer with a LoRA pair, tanh, and a head H with a bias that is trained as it is",
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, n_in, hidden] = ["batch", "n_in", "hidden"].map(Dim::named);
    let [n_out, r] = ["n_out", "r"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let w0 = step.data("W0", &hidden, &n_in);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &hidden, &r);
    let head = step.parameter("H", &n_out, &hidden);
    let bias = step.parameter("bias", &Dim::one(), &n_out);
    let s = step.hyperparameter("s", "s", false);
    step.output("W", w0 + s * b.matmul(a));
    let h = x.matmul(w0.t()) + x.matmul(a.t()).matmul(b.t()) * s;
    Forward::Output(h.tanh().matmul(head.t()) + bias)
}
