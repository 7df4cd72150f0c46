//! Prodigy (Mishchenko and Defazio 2024): Adam that estimates its own learning rate, one number
//! d for all tensors.
//!
//! ```text
//! γ  ← d · lr, times √(1 − beta2ᵗ) / (1 − beta1ᵗ) with use_bias_correction
//! n  ← beta3 · n + (d / d0) · γ · Σ ⟨g, w₀ − w⟩
//! m  ← beta1 · m + (1 − beta1) · d · g
//! v  ← beta2 · v + (1 − beta2) · d² · g²
//! s  ← beta3 · s + (d / d0) · γ · g, with d in the place of γ with safeguard_warmup
//! d̂  ← d_coef · n / Σ ‖s‖₁
//! d⁺ ← the largest d̂ so far and d0, but at most growth_rate · d
//! w  ← w · (1 − γ · weight_decay) − γ · m / (√v + d⁺ · eps)
//! ```
//!
//! The sums go over all trained tensors. Source: arXiv 2306.06101, algorithm 4;
//! `prodigyopt.Prodigy` with `slice_p` 1. Its `None` for beta3, which stands for √beta2, and its
//! infinite growth_rate are the settings 0 here. While every gradient so far is zero, the
//! reference leaves everything as it is and does not count the step; so does this.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::Expr;
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "prodigy",
    title: "Adam with an estimated learning rate",
    source: "prodigyopt.Prodigy; Mishchenko and Defazio 2024, arXiv 2306.06101",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional_fraction("beta3", "0"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::positive("d0", "1e-6"),
        Hyperparameter::positive("d_coef", "1"),
        Hyperparameter::optional_above_one("growth_rate", "0"),
    ],
    flags: &["decouple", "use_bias_correction", "safeguard_warmup"],
    on: &["decouple"],
    fixed: &[("slice_p", "1"), ("fsdp_in_use", "false")],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    let [lr, beta1, beta2] = [trainer.lr(), trainer.hyper("beta1"), trainer.hyper("beta2")];
    let beta3 = if trainer.uses("beta3") {
        trainer.hyper("beta3")
    } else {
        beta2.sqrt()
    };
    let d0 = trainer.hyper("d0");
    let d = trainer.state("d", d0);
    let zero = trainer.ratio(0, 1);

    let mut rate = d * lr;
    let mut powers = Vec::new();
    if trainer.flag("use_bias_correction") {
        let [power1, power2] = [(1, beta1), (2, beta2)].map(|(i, beta)| {
            let power = trainer.state(&format!("beta{i}_power"), trainer.ratio(1, 1));
            powers.push((power, power * beta));
            power * beta
        });
        rate = rate * ((1 - power2).sqrt() / (1 - power1));
    }
    let for_s = if trainer.flag("safeguard_warmup") {
        d
    } else {
        rate
    };

    let factors: Vec<(Factor<'_, '_>, Expr<'_>)> = (trainer.factors())
        .map(|f| {
            let coupled = !f.flag("decouple");
            (
                f,
                if coupled {
                    f.gradient_with_l2()
                } else {
                    f.gradient()
                },
            )
        })
        .collect();
    let (mut progress, mut travelled) = (zero, trainer.ratio(0, 1));
    let mut estimates = Vec::new();
    for (f, g) in &factors {
        let start = f.state("p0", f.weight());
        f.update_state(start, start);
        progress = progress + (*g * (start - f.weight())).sum();
        let s = f.moving("s", |s| beta3 * s + (d / d0) * for_s * *g);
        travelled = travelled + s.abs().sum();
        let m = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * (d * *g));
        let v = f.moving("exp_avg_sq", |v| {
            beta2 * v + (1 - beta2) * (d.square() * g.square())
        });
        estimates.push((m, v));
    }
    let moving = |old, new| travelled.if_equal(0, old, new);

    let numerator = trainer.state("d_numerator", trainer.ratio(0, 1));
    let next_numerator = beta3 * numerator + (d / d0) * rate * progress;
    let d_hat = trainer.hyper("d_coef") * next_numerator / travelled;
    let d_max = trainer.state("d_max", d0);
    let next_max = d_max.max(d_hat);
    let next_d = if trainer.uses("growth_rate") {
        let from = d.if_equal(d0, d.max(d_hat), d);
        next_max.min(from * trainer.hyper("growth_rate"))
    } else {
        next_max
    };
    let shared = [(numerator, next_numerator), (d_max, next_max), (d, next_d)];
    for (state, next) in shared.into_iter().chain(powers) {
        trainer.update_state(state, moving(state, next));
    }

    for ((f, _), (m, v)) in factors.iter().zip(estimates) {
        let w = f.weight();
        let decayed = if f.flag("decouple") && f.uses("weight_decay") {
            w * (1 - rate * f.hyper("weight_decay"))
        } else {
            w
        };
        let direction = m / (v.sqrt() + next_d * f.hyper("eps"));
        f.update(moving(w, decayed - rate * direction));
    }
}
