//! Schedule-free AdamW (Defazio et al. 2024): [`schedulefree_sgd`](super::schedulefree_sgd)
//! along Adam's direction without its first moment.
//!
//! ```text
//! v ← beta2 · v + (1 − beta2) · ∇²
//! g ← ∇ / (√(v / (1 − beta2ᵗ)) + eps) + weight_decay · y
//! then the step of y and z, with beta1 in the place of momentum
//! ```
//!
//! Source: arXiv 2405.15682, algorithm 1; `schedulefree.AdamWScheduleFree` with its defaults.

use super::schedulefree_sgd::{COUNTS, step};
use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "schedulefree_adamw",
    title: "AdamW with averaging in the place of a schedule",
    source: "schedulefree.AdamWScheduleFree; Defazio et al. 2024, arXiv 2405.15682",
    hyperparameters: &[
        Hyperparameter::positive("lr", "0.0025"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::optional("r", "0"),
    ],
    counts: COUNTS,
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (g, beta2) = (f.gradient(), f.hyper("beta2"));
        let v = f.moving("exp_avg_sq", |v| beta2 * v + (1 - beta2) * g.square());
        let corrected = v / (1 - beta2.pow(f.step_number()));
        let normalized = g / (corrected.sqrt() + f.hyper("eps"));
        // The L2 term is added to the normalised gradient, at y.
        let direction = f.with_gradient(normalized).gradient_with_l2();
        step(trainer, &f, f.hyper("beta1"), direction);
    }
}
