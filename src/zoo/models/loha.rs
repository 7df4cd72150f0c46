//! LoHa, the Hadamard product of two low-rank products: `W = W0 + s·(B1·A1) ⊙ (B2·A2)`.
//!
//! Sources: Hyeon-Woo et al. 2022, arXiv 2108.06098; LyCORIS; PEFT's `loha`, whose `hada_w1_a`,
//! `hada_w1_b`, `hada_w2_a`, `hada_w2_b` are B1, A1, B2, A2 here, and where A2 starts at zero.

use super::{Forward, MicroBatch, Model, PLAIN, PairNames};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "loha",
    title: "one linear layer with two low-rank pairs, multiplied entry by entry",
    pairs: &[
        PairNames {
            a: "A1",
            b: "B1",
            s: "s",
        },
        PairNames {
            a: "A2",
            b: "B2",
            s: "s",
        },
    ],
    zero_at_start: &["A2"],
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, n_in, n_out, r] = ["batch", "n_in", "n_out", "r"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let w0 = step.data("W0", &n_out, &n_in);
    let [first, second] = [["A1", "B1"], ["A2", "B2"]].map(|[a, b]| {
        let a = step.parameter(a, &r, &n_in);
        step.parameter(b, &n_out, &r).matmul(a)
    });
    let delta = (first * second) * step.hyperparameter("s", "s", false);
    step.output("W", w0 + delta);
    Forward::Output(x.matmul(w0.t()) + x.matmul(delta.t()))
}
