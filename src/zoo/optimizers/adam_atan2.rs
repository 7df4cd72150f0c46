//! Adam-atan2 (Everett et al. 2024): Adam with an angle in the place of the quotient, so
//! without eps; decoupled decay.
//!
//! ```text
//! m ← beta1 · m + (1 − beta1) · ∇
//! v ← beta2 · v + (1 − beta2) · ∇²
//! w ← w · (1 − lr · weight_decay) − lr · a · atan2(m / (1 − beta1ᵗ), b · √(v / (1 − beta2ᵗ)))
//! ```
//!
//! Source: arXiv 2407.05872; `adam_atan2_pytorch.AdamAtan2` with its defaults for a and b.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adam_atan2",
    title: "Adam with atan2 and no eps",
    source: "adam_atan2_pytorch.AdamAtan2; Everett et al. 2024, arXiv 2407.05872",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-4"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.99"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::positive("a", "1.27"),
        Hyperparameter::positive("b", "1"),
    ],
    fixed: &[
        ("regen_reg_rate", "0.0"),
        ("decoupled_wd", "false"),
        ("cautious_wd", "false"),
        ("cautious_factor", "1.0"),
    ],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
        let (g, t) = (f.gradient(), f.step_number());
        let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * g);
        let v = f.moving("exp_avg_sq", |v| beta2 * v + (1 - beta2) * g.square());
        let size = f.hyper("b") * (v / (1 - beta2.pow(t))).sqrt();
        let angle = (m / (1 - beta1.pow(t))).atan2(size);
        // Only the product of lr and a counts: a, named first, is the one that stays as it is.
        let a = f.hyper("a");
        f.update(f.decayed_weight() - f.lr() * a * angle);
    }
}
