//! `torch.optim.Adadelta`: Zeiler 2012.
//!
//! ```text
//! g ← ±∇ + weight_decay · w
//! v ← rho · v + (1 − rho) · g²
//! Δ ← √(u + eps) / √(v + eps) · g
//! u ← rho · u + (1 − rho) · Δ²
//! w ← w − lr · Δ
//! ```
//!
//! Source: the documentation of `torch.optim.Adadelta`; arXiv 1212.5701, algorithm 1, to which
//! PyTorch adds lr. One eps stands under both roots; without it u, and with it every step,
//! remains 0.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adadelta",
    title: "Adadelta",
    source: "torch.optim.Adadelta; Zeiler 2012, arXiv 1212.5701",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1"),
        Hyperparameter::fraction("rho", "0.9"),
        Hyperparameter::optional("eps", "1e-6"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (rho, eps, g) = (f.hyper("rho"), f.hyper("eps"), f.gradient_with_l2());
        let v = f.moving("square_avg", |v| rho * v + (1 - rho) * g.square());
        let u = f.zero_state("acc_delta");
        let delta = (u + eps).sqrt() / (v + eps).sqrt() * g;
        f.update_state(u, rho * u + (1 - rho) * delta.square());
        f.update(f.weight() - f.lr() * delta);
    }
}
