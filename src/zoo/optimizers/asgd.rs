//! `torch.optim.ASGD`: averaged stochastic gradient descent (Polyak and Juditsky 1992).
//!
//! ```text
//! g ← ±∇ + weight_decay · w
//! w ← w · (1 − lambd · η) − η · g, with η = lr in the first step
//! w̄ ← w̄ + μ · (w − w̄), with μ = 1 in the first step
//! η ← lr / (1 + lambd · lr · t)^alpha
//! μ ← 1 / max(1, t − t0)
//! ```
//!
//! Source: the documentation of `torch.optim.ASGD`; SIAM J. Control Optim. 30, 838–855; the rates
//! are Bottou's. The average w̄ (`ax`) is memory that no step reads. With lambd = 0 or alpha = 0 the
//! power is exactly 1. PyTorch keeps η and μ in its default type, here they are kept like every
//! other number.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::Shape;
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "asgd",
    title: "averaged stochastic gradient descent",
    source: "torch.optim.ASGD; Polyak and Juditsky 1992",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-2"),
        Hyperparameter::optional("lambd", "1e-4"),
        Hyperparameter::optional("optimizer.alpha", "0.75"),
        Hyperparameter::optional("t0", "1e6"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    let t = trainer.step_number();
    for f in trainer.factors() {
        let (lambd, lr) = (f.hyper("lambd"), f.lr());
        let (eta_state, eta) = f.state_from_lr("eta", &Shape::scalar());
        let mu = f.state("mu", trainer.ratio(1, 1));
        let w = f.weight() * (1 - lambd * eta) - eta * f.gradient_with_l2();
        f.moving("ax", |mean| mu.if_equal(1, w, mean + mu * (w - mean)));
        let mut next = lr;
        if f.uses("lambd") && f.uses("optimizer.alpha") {
            next = lr / (1 + lambd * lr * t).real_power(f.hyper("optimizer.alpha"));
        }
        f.update_state(eta_state, next);
        f.update_state(mu, 1 / (t - f.hyper("t0")).max(1));
        f.update(w);
    }
}
