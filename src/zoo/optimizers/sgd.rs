//! `torch.optim.SGD`: momentum, dampening, Nesterov, L2 decay, maximize.
//!
//! ```text
//! g ← ±∇ + weight_decay · w
//! b ← g at t = 1, else momentum · b + (1 − dampening) · g
//! w ← w − lr · (b, or g + momentum · b with Nesterov)
//! ```
//!
//! Source: the documentation of `torch.optim.SGD`; Sutskever et al. 2013 for Nesterov's form.
//! PyTorch keeps no buffer when momentum is 0, and then dampening has no effect.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::{Recipe, RecipeError, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "sgd",
    title: "stochastic gradient descent",
    source: "torch.optim.SGD; Sutskever et al. 2013",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::optional_fraction("momentum", "0"),
        Hyperparameter::optional_fraction("dampening", "0"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["nesterov", "maximize"],
    check,
    build,
    ..PLAIN
};

fn check(recipe: &Recipe) -> Result<(), RecipeError> {
    let is_off = |setting: &str| recipe.off.contains(setting);
    match recipe.flags.contains("nesterov") {
        true if is_off("momentum") => Err(RecipeError::Combination("nesterov needs momentum")),
        true if !is_off("dampening") => {
            Err(RecipeError::Combination("nesterov needs dampening = 0"))
        }
        _ => Ok(()),
    }
}

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let w = f.weight();
        let mut g = f.gradient_with_l2();
        if f.uses("momentum") {
            let momentum = f.hyper("momentum");
            let buffer = f.zero_state("momentum_buffer");
            let later = momentum * buffer + (1 - f.hyper("dampening")) * g;
            let next = f.step_number().if_equal(1, g, later);
            f.update_state(buffer, next);
            g = if f.flag("nesterov") {
                g + momentum * next
            } else {
                next
            };
        }
        f.update(w - f.lr() * g);
    }
}
