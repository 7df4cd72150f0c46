//! `torch.optim.NAdam`: Adam with Nesterov momentum (Dozat 2016).
//!
//! ```text
//! g ← ±∇ + weight_decay · w; with decoupled_weight_decay w ← w · (1 − lr · weight_decay) instead
//! μ ← beta1 · (1 − ½ · 0.96^(t · momentum_decay)), μ⁺ the same for t + 1
//! Π ← Π · μ, from 1
//! m ← beta1 · m + (1 − beta1) · g
//! v ← beta2 · v + (1 − beta2) · g²
//! n ← √(v / (1 − beta2ᵗ)) + eps
//! w ← w − lr · ((1 − μ) / (1 − Π) · g / n + μ⁺ / (1 − Π · μ⁺) · m / n)
//! ```
//!
//! Source: the documentation of `torch.optim.NAdam`; Dozat, "Incorporating Nesterov Momentum into
//! Adam", ICLR workshop 2016. With momentum_decay = 0 the power is exactly 1. PyTorch keeps Π in
//! its default type, here it is kept like every other number.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::Expr;
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "nadam",
    title: "NAdam",
    source: "torch.optim.NAdam; Dozat 2016",
    hyperparameters: &[
        Hyperparameter::positive("lr", "2e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::optional("momentum_decay", "4e-3"),
    ],
    flags: &["decoupled_weight_decay", "maximize"],
    build,
    ..PLAIN
};

fn build<'g>(trainer: &Trainer<'g>) {
    let t = trainer.step_number();
    let half = trainer.ratio(1, 2);
    for f in trainer.factors() {
        let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
        let (w, g) = f.weight_and_gradient();
        let momentum = |t: Expr<'g>| {
            if f.uses("momentum_decay") {
                let decay = t * f.hyper("momentum_decay");
                beta1 * (1 - half * trainer.ratio(24, 25).real_power(decay))
            } else {
                beta1 * half
            }
        };
        let (mu, mu_next) = (momentum(t), momentum(t + 1));
        let product = f.moving_from("mu_product", trainer.ratio(1, 1), |product| product * mu);
        let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * g);
        let v = f.moving("exp_avg_sq", |v| beta2 * v + (1 - beta2) * g.square());
        let n = (v / (1 - beta2.pow(t))).sqrt() + f.hyper("eps");
        let of_g = (1 - mu) / (1 - product) * (g / n);
        let of_m = mu_next / (1 - product * mu_next) * (m / n);
        f.update(w - f.lr() * (of_g + of_m));
    }
}
