//! A LoRA layer inside an unknown network: the loss is any function of
//! `W = W0 + s·B·A`, with any (sub)gradient, in any batch.
//!
//! Only symbolic interpreters can use it. What they say holds for every network, smooth or not.

use super::{Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "opaque",
    title: "LoRA factors inside an unknown network: the loss is any function of W",
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, _: MicroBatch) -> Forward<'_> {
    let [n_in, n_out, r] = ["n_in", "n_out", "r"].map(Dim::named);
    let w0 = step.data("W0", &n_out, &n_in);
    let a = step.parameter("A", &r, &n_in);
    let b = step.parameter("B", &n_out, &r);
    let s = step.hyperparameter("s", "s", false);
    let w = w0 + s * b.matmul(a);
    step.output("W", w);
    Forward::Loss(w.opaque_loss())
}
