//! DoRA: direction and magnitude apart. `W = m ⊙ V / ‖V‖` with `V = W0 + s·B·A` and the norm of
//! each of V's rows (one for each output).
//!
//! Sources: Liu et al. 2024, arXiv 2402.09353, §4.1, and §4.3 for taking the norm as a constant
//! in the gradient; PEFT's `DoraLinearLayer`, where m starts as the norms of W0 + s·B·A.

use super::{Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "dora",
    title: "one linear layer with a LoRA pair for the direction and trained magnitudes m",
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, n_in, n_out, r] = ["batch", "n_in", "n_out", "r"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let w0 = step.data("W0", &n_out, &n_in);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &n_out, &r);
    let m = step.parameter("m", &n_out, &Dim::one());
    let s = step.hyperparameter("s", "s", false);
    let v = w0 + s * b.matmul(a);
    let norm = v.square().sum_rows().sqrt().named("norm").detach();
    let scale = m / norm;
    step.output("W", scale * v);
    let z = x.matmul(w0.t()) + x.matmul(a.t()).matmul(b.t()) * s;
    Forward::Output(scale.t() * z)
}
