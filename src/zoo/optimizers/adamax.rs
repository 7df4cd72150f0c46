//! `torch.optim.Adamax`: Kingma and Ba 2015, the variant of Adam with the largest magnitude.
//!
//! ```text
//! g ← ±∇ + weight_decay · w
//! m ← beta1 · m + (1 − beta1) · g
//! u ← max(beta2 · u, |g| + eps)
//! w ← w − lr / (1 − beta1ᵗ) · m / u
//! ```
//!
//! Source: the documentation of `torch.optim.Adamax`; arXiv 1412.6980, algorithm 2, to which
//! PyTorch adds eps.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adamax",
    title: "Adamax",
    source: "torch.optim.Adamax; Kingma and Ba 2015, arXiv 1412.6980",
    hyperparameters: &[
        Hyperparameter::positive("lr", "2e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
        let g = f.gradient_with_l2();
        let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * g);
        let u = f.moving("exp_inf", |u| (beta2 * u).max(g.abs() + f.hyper("eps")));
        let lr = f.lr() / (1 - beta1.pow(f.step_number()));
        f.update(f.weight() - lr * (m / u));
    }
}
