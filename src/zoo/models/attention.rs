//! One attention head over the rows of a batch, with LoRA on the query and value projections:
//! `Z = softmax(Q·Kᵀ / √head)·V·Woᵀ` with `Q = X·Wqᵀ`, `K = X·Wkᵀ`, `V = X·Wvᵀ`.
//!
//! Sources: Vaswani et al. 2017, arXiv 1706.03762, §3.2.1; Hu et al. 2021, arXiv 2106.09685,
//! §4.2, for the choice of q and v. The largest entry of each row is taken off before the
//! exponential; its gradient cancels, so it is detached.

use super::{Forward, MicroBatch, Model, PLAIN, PairNames};
use crate::graph::{Dim, Expr, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "attention",
    title: "one attention head with LoRA pairs on the query and value projections",
    pairs: &[
        PairNames {
            a: "Aq",
            b: "Bq",
            s: "sq",
        },
        PairNames {
            a: "Av",
            b: "Bv",
            s: "sv",
        },
    ],
    zero_at_start: &["Bq", "Bv"],
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, n_in, head, n_out] = ["batch", "n_in", "head", "n_out"].map(Dim::named);
    let x = batch.data(step, "X", &rows, &n_in);
    let (query, value) = (adapted(step, "q", x), adapted(step, "v", x));
    let key = x.matmul(step.data("Wk", &head, &n_in).t());
    let scores = query.matmul(key.t()) / step.count(&head).sqrt();
    let weights = (scores - scores.row_max().detach()).exp();
    let attended = (weights / weights.sum_rows()).matmul(value);
    let out = step.data("Wo", &n_out, &head);
    Forward::Output(attended.matmul(out.t()))
}

/// The projection called `name` of the rows of `x`.
fn adapted<'g>(step: &'g StepBuilder, name: &str, x: Expr<'g>) -> Expr<'g> {
    let [n_in, head, r] = ["n_in", "head", "r"].map(Dim::named);
    let w0 = step.data(&format!("W0_{name}"), &head, &n_in);
    let a = step.parameter(&format!("A{name}"), &r, &n_in);
    let b = step.parameter(&format!("B{name}"), &head, &r);
    let s = step.hyperparameter(&format!("s{name}"), "s", false);
    step.output(&format!("W{name}"), w0 + s * b.matmul(a));
    x.matmul(w0.t()) + x.matmul(a.t()).matmul(b.t()) * s
}
