//! LAMB (You et al. 2020): Adam's direction, scaled to the norm of each tensor.
//!
//! ```text
//! u ← Adam's direction + weight_decay · w
//! trust ← min(‖w‖, phi_max) / ‖u‖, or trust_fallback where a norm is zero
//! w ← w − lr · trust · u
//! ```
//!
//! Source: arXiv 1904.00962, algorithm 2, with Adam's correction of bias; without `phi_max` the
//! norm of w is not limited. The paper does not say what to do when a norm is zero, as that of B
//! is in LoRA's first step; implementations take 1, which is a setting here because it is what
//! breaks the scaling of the step.

use super::adam::direction;
use super::{Hyperparameter, Optimizer, PLAIN, Regime};
use crate::graph::Expr;
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "lamb",
    title: "Adam with a trust ratio for each tensor",
    source: "You et al. 2020, arXiv 1904.00962",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-6"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::optional("phi_max", "0"),
        Hyperparameter::positive("trust_fallback", "1"),
    ],
    regimes: &[ZERO_NORM],
    build,
    ..PLAIN
};

/// The cases in which the ratio of two norms is not taken.
pub(super) const ZERO_NORM: Regime = Regime {
    name: "zero_norm",
    when: "the norm of a tensor or of its update is zero, as that of B is in LoRA's first step",
    otherwise: "both norms are above zero",
};

/// `ratio` where both norms are above zero, else `fallback`.
pub(super) fn unless_zero<'g>(
    trainer: &Trainer<'g>,
    norms: [Expr<'g>; 2],
    ratio: Expr<'g>,
    fallback: Expr<'g>,
) -> Expr<'g> {
    trainer.regime(ZERO_NORM.name, fallback, ratio, |fallback, ratio| {
        norms
            .into_iter()
            .fold(ratio, |taken, norm| norm.if_equal(0, fallback, taken))
    })
}

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let w = f.weight();
        let mut u = direction(&f, f.gradient());
        if f.uses("weight_decay") {
            u = u + f.hyper("weight_decay") * w;
        }
        let mut size = w.norm();
        if f.uses("phi_max") {
            size = size.min(f.hyper("phi_max"));
        }
        let norms = [size, u.norm()];
        let trust = unless_zero(trainer, norms, size / u.norm(), f.hyper("trust_fallback"));
        f.update(w - f.lr() * trust * u);
    }
}
