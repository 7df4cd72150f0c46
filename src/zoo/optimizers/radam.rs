//! `torch.optim.RAdam`: Adam with a rectified variance (Liu et al. 2020).
//!
//! ```text
//! g ← ±∇ + weight_decay · w; with decoupled_weight_decay w ← w · (1 − lr · weight_decay) instead
//! m ← beta1 · m + (1 − beta1) · g
//! v ← beta2 · v + (1 − beta2) · g²
//! ρ∞ = 2 / (1 − beta2) − 1,  ρ = ρ∞ − 2t · beta2ᵗ / (1 − beta2ᵗ)
//! w ← w − lr · m / (1 − beta1ᵗ) · R · √(1 − beta2ᵗ) / (√v + eps)   where ρ > 5
//! w ← w − lr · m / (1 − beta1ᵗ)                                     elsewhere
//! R = √((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ))
//! ```
//!
//! Source: the documentation of `torch.optim.RAdam`; arXiv 1908.03265, algorithm 2, which
//! rectifies where ρ > 4. PyTorch adds eps before the bias correction, unlike in Adam.

use super::{Hyperparameter, Optimizer, PLAIN, Regime};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "radam",
    title: "RAdam",
    source: "torch.optim.RAdam; Liu et al. 2020, arXiv 1908.03265",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["decoupled_weight_decay", "maximize"],
    regimes: &[Regime {
        name: "rectified",
        when: "rho_t > 5, later on",
        otherwise: "rho_t ≤ 5, in the first steps",
    }],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    let t = trainer.step_number();
    for f in trainer.factors() {
        let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
        let (w, g) = f.weight_and_gradient();
        let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * g);
        let v = f.moving("exp_avg_sq", |v| beta2 * v + (1 - beta2) * g.square());
        let mean = m / (1 - beta1.pow(t));
        let correction = 1 - beta2.pow(t);
        let limit = 2 / (1 - beta2) - 1;
        let rho = limit - 2 * t * beta2.pow(t) / correction;
        let rectified = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho);
        let adaptive = correction.sqrt() / (v.sqrt() + f.hyper("eps"));
        let direction = trainer.regime(
            "rectified",
            mean * rectified.sqrt() * adaptive,
            mean,
            |rectified, plain| trainer.ratio(5, 1).if_less(rho, rectified, plain),
        );
        f.update(w - f.lr() * direction);
    }
}
