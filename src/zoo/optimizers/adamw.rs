//! `torch.optim.AdamW`: Adam with decoupled weight decay (Loshchilov and Hutter 2019).
//!
//! ```text
//! w ← w · (1 − lr · weight_decay), then Adam's step without its L2 term
//! ```
//!
//! Source: the documentation of `torch.optim.AdamW`; arXiv 1711.05101, algorithm 2 in PyTorch's
//! form, where the decay is multiplied by lr.

use super::adam::direction;
use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adamw",
    title: "Adam with decoupled weight decay",
    source: "torch.optim.AdamW; Loshchilov and Hutter 2019, arXiv 1711.05101",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "1e-2"),
    ],
    flags: &["amsgrad", "maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let direction = direction(&f, f.signed_gradient());
        f.update(f.decayed_weight() - f.lr() * direction);
    }
}
