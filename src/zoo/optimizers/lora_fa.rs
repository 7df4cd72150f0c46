//! LoRA-FA (Zhang et al. 2023) as PEFT has it: A stays, B follows AdamW on the gradient that
//! comes nearest to that of W.
//!
//! ```text
//! g ← ∇B · (AAᵀ + 10⁻⁸ · I)⁻¹ / s²
//! m ← beta1 · m + (1 − beta1) · g
//! v ← beta2 · v + (1 − beta2) · g²
//! B ← B − γ · m / (√v + eps), with γ = lr · √(1 − beta2ᵗ) / (1 − beta1ᵗ), or lr without
//!     correct_bias
//! B ← B · (1 − lr · weight_decay)
//! ```
//!
//! Source: arXiv 2308.03303; `peft.optimizers.create_lorafa_optimizer` with its defaults. The
//! 10⁻⁸ is written into PEFT's code. Unlike PyTorch's AdamW, v under the root is not corrected,
//! so that eps weighs more in the first steps, and the decay comes last. A tensor that belongs to
//! no pair gets the same without the first line.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "lora_fa",
    title: "AdamW on B alone, with A frozen",
    source: "peft.optimizers.create_lorafa_optimizer; Zhang et al. 2023, arXiv 2308.03303",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-6"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["correct_bias"],
    on: &["correct_bias"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    let (pairs, alone) = trainer.pairs();
    for pair in pairs {
        let a = pair.a.weight();
        pair.a.update(a);
        let gram = a.matmul(a.t());
        let delta = trainer.ratio(1, 100_000_000);
        let damped = gram + delta * pair.a.identity(&gram.shape().rows);
        let g = pair.b.gradient().matmul(damped.inverse()) / pair.s.square();
        step(&pair.b.with_gradient(g));
    }
    for f in &alone {
        step(f);
    }
}

fn step(f: &Factor<'_, '_>) {
    let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
    let (g, t) = (f.gradient(), f.step_number());
    let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * g);
    let v = f.moving("exp_avg_sq", |v| beta2 * v + (1 - beta2) * g.square());
    let mut rate = f.lr();
    if f.flag("correct_bias") {
        rate = rate * (1 - beta2.pow(t)).sqrt() / (1 - beta1.pow(t));
    }
    let mut next = f.weight() - rate * (m / (v.sqrt() + f.hyper("eps")));
    if f.uses("weight_decay") {
        next = next * (1 - f.lr() * f.hyper("weight_decay"));
    }
    f.update(next);
}
