//! Schedule-free SGD (Defazio et al. 2024): descent on z, gradients at y, and their average x.
//!
//! ```text
//! g ← ∇(y) + weight_decay · y
//! γ ← lr · min(t / warmup_steps, 1)
//! c ← ω / Σ ω, with ω = tʳ · (the largest γ so far)^weight_lr_power
//! y ← y + c · (z − y) + γ · (momentum · (1 − c) − 1) · g
//! z ← z − γ · g
//! ```
//!
//! The trained tensor is y, where the gradient is taken and where the weights are while the
//! optimizer is in training mode; z is memory and starts at y. The average, at which the network
//! is evaluated, is x = y + (1 − 1 / momentum) · (z − y), the quantity `x_A`, `x_B`, … of the
//! step.
//!
//! Source: arXiv 2405.15682, algorithm 1; `schedulefree.SGDScheduleFree` with its defaults. As
//! there, x is not stored. `weight_lr_power` and `warmup_steps` are whole numbers.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::{Expr, Shape};
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "schedulefree_sgd",
    title: "descent with averaging in the place of a schedule",
    source: "schedulefree.SGDScheduleFree; Defazio et al. 2024, arXiv 2405.15682",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1"),
        Hyperparameter::fraction("momentum", "0.9"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::optional("r", "0"),
    ],
    counts: COUNTS,
    build,
    ..PLAIN
};

/// The whole numbers of the schedule-free optimizers.
pub(super) const COUNTS: &[(&str, u32)] = &[("warmup_steps", 0), ("weight_lr_power", 2)];

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let momentum = f.hyper("momentum");
        step(trainer, &f, momentum, f.gradient_with_l2());
    }
}

/// The step of y and z along `g`, with interpolation `beta`.
pub(super) fn step<'g>(trainer: &Trainer<'g>, f: &Factor<'_, 'g>, beta: Expr<'g>, g: Expr<'g>) {
    let (y, t) = (f.weight(), f.step_number());
    let z = f.state("z", y);
    f.quantity("x", y + (1 - 1 / beta) * (z - y));

    let mut lr = f.lr();
    let warmup = trainer.count("warmup_steps");
    if warmup > 0 {
        lr = lr * (t.min(i64::from(warmup)) / i64::from(warmup));
    }
    let lr_max = f.zero_state_of("lr_max", &Shape::scalar());
    let next_lr_max = lr_max.max(lr);
    f.update_state(lr_max, next_lr_max);

    let mut weight = trainer.ratio(1, 1);
    for _ in trainer.turns("weight_lr_power") {
        weight = weight * next_lr_max;
    }
    if f.uses("r") {
        weight = weight * t.real_power(f.hyper("r"));
    }
    let weight_sum = f.zero_state_of("weight_sum", &Shape::scalar());
    let next_sum = weight_sum + weight;
    f.update_state(weight_sum, next_sum);
    let c = weight / next_sum;

    f.update(y + c * (z - y) + lr * (beta * (1 - c) - 1) * g);
    f.update_state(z, z - lr * g);
}
