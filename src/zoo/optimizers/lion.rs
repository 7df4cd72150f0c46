//! Lion (Chen et al. 2023): the sign of an interpolated momentum, decoupled decay.
//!
//! ```text
//! w ← w · (1 − lr · weight_decay) − lr · sign(beta1 · m + (1 − beta1) · ∇)
//! m ← beta2 · m + (1 − beta2) · ∇
//! ```
//!
//! Source: arXiv 2302.06675, algorithm 2; `lion_pytorch.Lion` with its defaults.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "lion",
    title: "evolved sign momentum",
    source: "lion_pytorch.Lion; Chen et al. 2023, arXiv 2302.06675",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-4"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.99"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
        let g = f.gradient();
        let m = f.zero_state("exp_avg");
        f.update_state(m, beta2 * m + (1 - beta2) * g);
        let direction = (beta1 * m + (1 - beta1) * g).sign();
        f.update(f.decayed_weight() - f.lr() * direction);
    }
}
