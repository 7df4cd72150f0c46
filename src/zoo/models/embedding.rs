//! An embedding table with a LoRA adapter: row `v` of `W = W0 + s·(B·A)ᵀ` is the vector of word
//! `v`, and looking words up is a product with one-hot rows: `Z = X·W0 + s·(X·Aᵀ)·Bᵀ`.
//!
//! Source: PEFT's `lora.Embedding` and loralib's `Embedding`. There A starts at zero and B is
//! drawn, the other way round than in a linear layer.

use super::{Content, Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "embedding",
    title: "an embedding with LoRA factors A (r × vocab, zero at the start) and B (n_out × r)",
    zero_at_start: &["A"],
    contents: &[("X", Content::OneHot)],
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, vocab, n_out, r] = ["batch", "vocab", "n_out", "r"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &vocab);
    let w0 = step.data("W0", &vocab, &n_out);
    let a = step.parameter("A", &r, &vocab);
    let b = step.parameter("B", &n_out, &r);
    let s = step.hyperparameter("s", "s", false);
    let z = x.matmul(w0) + x.matmul(a.t()).matmul(b.t()) * s;
    step.output("W", w0 + s * b.matmul(a).t());
    Forward::Output(z)
}
