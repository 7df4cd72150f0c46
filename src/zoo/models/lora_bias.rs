//! The linear layer with a trained bias in the adapter's second map, PEFT's `lora_bias`:
//! `Z = X·W0ᵀ + bias0 + s·((X·Aᵀ)·Bᵀ + bias)`.
//!
//! Source: PEFT's `LoraConfig(lora_bias=True)`; the bias is scaled by s as B is, and starts at
//! zero. Merging gives the bias `bias0 + s·bias`.

use super::{Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "lora_bias",
    title: "the linear layer with a trained bias that s multiplies, too",
    zero_at_start: &["B", "bias"],
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, n_in, n_out, r] = ["batch", "n_in", "n_out", "r"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let w0 = step.data("W0", &n_out, &n_in);
    let bias0 = step.data("bias0", &Dim::one(), &n_out);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &n_out, &r);
    let bias = step.parameter("bias", &Dim::one(), &n_out);
    let s = step.hyperparameter("s", "s", false);
    step.output("W", w0 + s * b.matmul(a));
    step.output("merged_bias", bias0 + s * bias);
    let adapter = x.matmul(a.t()).matmul(b.t()) + bias;
    Forward::Output(x.matmul(w0.t()) + bias0 + adapter * s)
}
