//! One linear layer with a LoRA adapter: `Z = X·W0ᵀ + s·(X·Aᵀ)·Bᵀ` (Hu et al. 2021, arXiv
//! 2106.09685, §4.1).

use super::{Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "linear",
    title: "one linear layer with LoRA factors A (r × n_in) and B (n_out × r)",
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, n_in, n_out, r] = ["batch", "n_in", "n_out", "r"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let w0 = step.data("W0", &n_out, &n_in);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &n_out, &r);
    let s = step.hyperparameter("s", "s", false);
    let z = x.matmul(w0.t()) + s * x.matmul(a.t()).matmul(b.t());
    step.output("W", w0 + s * b.matmul(a));
    Forward::Output(z)
}
