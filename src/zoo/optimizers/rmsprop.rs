//! `torch.optim.RMSprop`: Hinton 2012, centered as by Graves 2013, with momentum.
//!
//! ```text
//! g ← ±∇ + weight_decay · w
//! v ← alpha · v + (1 − alpha) · g²
//! ḡ ← alpha · ḡ + (1 − alpha) · g, and v − ḡ² in place of v, with centered
//! b ← momentum · b + g / (√v + eps)
//! w ← w − lr · b
//! ```
//!
//! Source: the documentation of `torch.optim.RMSprop`; Hinton's lecture 6e; arXiv 1308.0850, §4.2
//! for the centered form. PyTorch has eps outside the root, Graves inside.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "rmsprop",
    title: "RMSprop",
    source: "torch.optim.RMSprop; Hinton 2012, lecture 6e; Graves 2013, arXiv 1308.0850",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-2"),
        Hyperparameter::fraction("optimizer.alpha", "0.99"),
        Hyperparameter::optional("eps", "1e-8"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::optional_fraction("momentum", "0"),
    ],
    flags: &["centered", "maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (alpha, g) = (f.hyper("optimizer.alpha"), f.gradient_with_l2());
        let mut v = f.moving("square_avg", |v| alpha * v + (1 - alpha) * g.square());
        if f.flag("centered") {
            let mean = f.moving("grad_avg", |mean| alpha * mean + (1 - alpha) * g);
            v = v - mean.square();
        }
        let mut direction = g / (v.sqrt() + f.hyper("eps"));
        if f.uses("momentum") {
            direction = f.moving("momentum_buffer", |b| f.hyper("momentum") * b + direction);
        }
        f.update(f.weight() - f.lr() * direction);
    }
}
