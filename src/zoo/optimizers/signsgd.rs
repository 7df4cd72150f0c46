//! Sign descent, with momentum Signum (Bernstein et al. 2018), with L2 decay.
//!
//! ```text
//! g ← ∇ + weight_decay · w
//! m ← momentum · m + (1 − momentum) · g
//! w ← w − lr · sign(m)
//! ```
//!
//! Source: arXiv 1802.04434, algorithms 1 and 2 on one worker. Without momentum m is g.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "signsgd",
    title: "sign descent, Signum with momentum",
    source: "Bernstein et al. 2018, arXiv 1802.04434",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::optional_fraction("momentum", "0.9"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let mut m = f.gradient_with_l2();
        if f.uses("momentum") {
            let momentum = f.hyper("momentum");
            m = f.moving("exp_avg", |old| momentum * old + (1 - momentum) * m);
        }
        f.update(f.weight() - f.lr() * m.sign());
    }
}
