//! LARS (You et al. 2017): descent with momentum, scaled to the norm of each tensor.
//!
//! ```text
//! trust ← trust_coefficient · ‖w‖ / (‖∇‖ + weight_decay · ‖w‖ + eps),
//!         or trust_fallback where ‖w‖ or ‖∇‖ is zero
//! b ← momentum · b + trust · (∇ + weight_decay · w)
//! w ← w − lr · b
//! ```
//!
//! Source: arXiv 1708.03888, algorithm 1, with eps in the denominator as implementations have it.
//! In the paper lr stands inside the buffer; with a constant lr that is the same.

use super::lamb::{ZERO_NORM, unless_zero};
use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "lars",
    title: "momentum with a trust ratio for each tensor",
    source: "You et al. 2017, arXiv 1708.03888",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::positive("trust_coefficient", "1e-3"),
        Hyperparameter::optional_fraction("momentum", "0.9"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::positive("trust_fallback", "1"),
    ],
    regimes: &[ZERO_NORM],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        // Only lr times the coefficient counts: lr, named first, is the one that stays as it is.
        let (w, g, lr) = (f.weight(), f.gradient(), f.lr());
        let mut denominator = g.norm();
        if f.uses("weight_decay") {
            denominator = denominator + f.hyper("weight_decay") * w.norm();
        }
        if f.uses("eps") {
            denominator = denominator + f.hyper("eps");
        }
        let ratio = f.hyper("trust_coefficient") * w.norm() / denominator;
        let norms = [w.norm(), g.norm()];
        let trust = unless_zero(trainer, norms, ratio, f.hyper("trust_fallback"));
        let mut step = trust * f.gradient_with_l2();
        if f.uses("momentum") {
            step = f.moving("momentum_buffer", |b| f.hyper("momentum") * b + step);
        }
        f.update(w - lr * step);
    }
}
