//! Scaled AdamW for LoRA (Zhang and Pilanci 2024): AdamW on the preconditioned gradients of
//! [`scaled_gd`](super::scaled_gd).
//!
//! Source: arXiv 2402.02347. With one delta for both factors, this is
//! what PEFT's `create_riemannian_optimizer` makes of `torch.optim.AdamW`. A tensor that belongs
//! to no pair gets plain AdamW.

use super::adam::direction;
use super::scaled_gd::preconditioned;
use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "scaled_adamw",
    title: "AdamW preconditioned for LoRA",
    source: "Zhang and Pilanci 2024, arXiv 2402.02347",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::optional("delta", "1e-6"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "1e-2"),
    ],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in preconditioned(trainer) {
        let direction = direction(&f, f.gradient());
        f.update(f.decayed_weight() - f.lr() * direction);
    }
}
