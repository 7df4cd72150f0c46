//! The linear layer with dropout on the adapter's input, as PEFT's `lora_dropout` has it:
//! `Z = X·W0ᵀ + s·((X ⊙ M / (1 − dropout))·Aᵀ)·Bᵀ` with a mask M of zeros and ones.
//!
//! The mask is data, one for the whole run. What is said of every mask holds for masks drawn
//! anew in each step, too, as long as both runs of a comparison draw the same ones. PEFT merges
//! without the mask, so `W` is that of the linear layer.

use super::{Content, Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};
use crate::zoo::Hyperparameter;

pub(super) const MODEL: Model = Model {
    name: "linear_dropout",
    title: "the linear layer with dropout on the input of the adapter",
    hyperparameters: &[Hyperparameter::optional_fraction("dropout", "0")],
    contents: &[("M", Content::Mask)],
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, n_in, n_out, r] = ["batch", "n_in", "n_out", "r"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let mask = batch.data(step, "M", &rows, &n_in);
    let w0 = step.data("W0", &n_out, &n_in);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &n_out, &r);
    let s = step.hyperparameter("s", "s", false);
    let kept = x * (mask / (1 - step.hyperparameter("dropout", "dropout", true)));
    let z = x.matmul(w0.t()) + s * kept.matmul(a.t()).matmul(b.t());
    step.output("W", w0 + s * b.matmul(a));
    Forward::Output(z)
}
