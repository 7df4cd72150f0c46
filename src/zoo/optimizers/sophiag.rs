//! Sophia-G (Liu et al. 2024): momentum over a clipped diagonal curvature, decoupled decay.
//!
//! ```text
//! m ← beta1 · m + (1 − beta1) · ∇
//! h ← beta2 · h + (1 − beta2) · ∇²
//! w ← w · (1 − lr · weight_decay) − lr · sign(m) · min(|m| / (rho · bs · h + eps), 1)
//! ```
//!
//! Source: arXiv 2305.14342, algorithms 2 and 3, in the form of the authors' code, where the
//! batch size `bs` multiplies the curvature and eps is 10⁻¹⁵. Their code writes eps into the
//! formula; here it is a setting, so that its weight can be seen. h takes the squared gradient
//! in every step; the code draws it from sampled labels, every ten steps.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "sophiag",
    title: "clipped second-order momentum",
    source: "Liu et al. 2024, arXiv 2305.14342",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-4"),
        Hyperparameter::fraction("beta1", "0.965"),
        Hyperparameter::fraction("beta2", "0.99"),
        Hyperparameter::positive("rho", "0.04"),
        Hyperparameter::positive("bs", "5120"),
        Hyperparameter::optional("weight_decay", "0.1"),
        Hyperparameter::optional("eps", "1e-15"),
    ],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
        let g = f.gradient();
        let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * g);
        let h = f.moving("hessian", |h| beta2 * h + (1 - beta2) * g.square());
        // Only their product counts: bs, named first, is the one that stays as it is.
        let bs = f.hyper("bs");
        let curvature = f.hyper("rho") * bs * h + f.hyper("eps");
        let length = (m.abs() / curvature).min(1);
        f.update(f.decayed_weight() - f.lr() * (m.sign() * length));
    }
}
