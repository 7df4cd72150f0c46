//! LoKr, a Kronecker product with a low-rank factor: `W = W0 + s·C ⊗ (B·A)`.
//!
//! Entry `(i·d_out + k, j·d_in + l)` of `C ⊗ M` is `C[i, j]·M[k, l]`, so with 0/1 matrices
//! `C ⊗ M = (P_out·C·P_inᵀ) ⊙ (Q_out·M·Q_inᵀ)`: P repeats each row or column of C, and Q stacks
//! copies of M. The four matrices are data that leave no choice (see [`Content`]).
//!
//! Sources: Yeh et al. 2024, arXiv 2309.14859; LyCORIS; PEFT's `lokr`, whose `lokr_w1`,
//! `lokr_w2_a`, `lokr_w2_b` are C, B, A here, and where C starts at zero. Its variants in which
//! C is a product, too, or M is not, are not built.

use super::{Content, Forward, MicroBatch, Model, PLAIN};
use crate::graph::{Dim, StepBuilder};

pub(super) const MODEL: Model = Model {
    name: "lokr",
    title: "one linear layer whose update is the Kronecker product of C and B·A",
    zero_at_start: &["C"],
    contents: &[
        ("P_out", Content::Repeat),
        ("P_in", Content::Repeat),
        ("Q_out", Content::Tile),
        ("Q_in", Content::Tile),
    ],
    build,
    ..PLAIN
};

fn build(step: &StepBuilder, batch: MicroBatch) -> Forward<'_> {
    let [rows, r] = ["batch", "r"].map(Dim::named);
    let [c_in, c_out, d_in, d_out] = ["c_in", "c_out", "d_in", "d_out"].map(Dim::named);
    let (n_in, n_out) = (c_in.times(&d_in), c_out.times(&d_out));
    let x = batch.data(step, "X", &rows, &n_in);
    let w0 = step.data("W0", &n_out, &n_in);
    let a = step.parameter("A", &r, &d_in);
    let b = step.parameter("B", &d_out, &r);
    let c = step.parameter("C", &c_out, &c_in);
    let [p_out, p_in] = [("P_out", &n_out, &c_out), ("P_in", &n_in, &c_in)]
        .map(|(name, rows, cols)| step.data(name, rows, cols));
    let [q_out, q_in] = [("Q_out", &n_out, &d_out), ("Q_in", &n_in, &d_in)]
        .map(|(name, rows, cols)| step.data(name, rows, cols));
    let repeated = p_out.matmul(c).matmul(p_in.t());
    let stacked = q_out.matmul(b.matmul(a)).matmul(q_in.t());
    let delta = (repeated * stacked) * step.hyperparameter("s", "s", false);
    step.output("W", w0 + delta);
    Forward::Output(x.matmul(w0.t()) + x.matmul(delta.t()))
}
