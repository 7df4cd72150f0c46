//! `torch.optim.Adam`: Kingma and Ba 2015, with AMSGrad (Reddi et al. 2018), L2 decay, maximize.
//!
//! ```text
//! g ← ±∇ + weight_decay · w
//! m ← beta1 · m + (1 − beta1) · g
//! v ← beta2 · v + (1 − beta2) · g²
//! v̂ ← v, or the largest v so far with AMSGrad
//! w ← w − lr · (m / (1 − beta1ᵗ)) / (√(v̂ / (1 − beta2ᵗ)) + eps)
//! ```
//!
//! Source: the documentation of `torch.optim.Adam`; arXiv 1412.6980, algorithm 1; arXiv
//! 1904.09237 for AMSGrad. PyTorch's AMSGrad takes the maximum before the bias correction.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::Expr;
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adam",
    title: "Adam",
    source: "torch.optim.Adam; Kingma and Ba 2015, arXiv 1412.6980",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["amsgrad", "maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let direction = direction(&f, f.gradient_with_l2());
        f.update(f.weight() - f.lr() * direction);
    }
}

/// Adam's direction for the gradient `g`, with its memory.
pub(super) fn direction<'g>(f: &Factor<'_, 'g>, g: Expr<'g>) -> Expr<'g> {
    let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
    let t = f.step_number();
    let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * g);
    let mut v = f.moving("exp_avg_sq", |v| beta2 * v + (1 - beta2) * g.square());
    if f.flag("amsgrad") {
        v = f.moving("max_exp_avg_sq", |largest| largest.max(v));
    }
    (m / (1 - beta1.pow(t))) / ((v / (1 - beta2.pow(t))).sqrt() + f.hyper("eps"))
}
