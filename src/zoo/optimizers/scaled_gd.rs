//! Scaled gradient descent for LoRA (Zhang and Pilanci 2024): each factor's gradient is
//! preconditioned with the Gram matrix of the other factor.
//!
//! ```text
//! A ← A − lr · (BᵀB + delta · I)⁻¹ · ∇A
//! B ← B − lr · ∇B · (AAᵀ + delta · I)⁻¹
//! ```
//!
//! Source: arXiv 2402.02347. The delta of A regularises the matrix that
//! preconditions A's gradient, so BᵀB. With one delta for both, this is what PEFT's
//! `create_riemannian_optimizer` makes of `torch.optim.SGD`; its `reg` is delta. A tensor that
//! belongs to no pair gets plain descent.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::Expr;
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "scaled_gd",
    title: "descent preconditioned for LoRA",
    source: "Zhang and Pilanci 2024, arXiv 2402.02347",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::optional("delta", "1e-6"),
    ],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in preconditioned(trainer) {
        f.update(f.weight() - f.lr() * f.gradient());
    }
}

/// All trained tensors, those of a pair with their preconditioned gradients.
pub(super) fn preconditioned<'t, 'g>(trainer: &'t Trainer<'g>) -> Vec<Factor<'t, 'g>> {
    let (pairs, mut factors) = trainer.pairs();
    for pair in pairs {
        let (a, b) = (pair.a.weight(), pair.b.weight());
        let of_a = damped_inverse(b.t().matmul(b), &pair.a).matmul(pair.a.gradient());
        let of_b = pair
            .b
            .gradient()
            .matmul(damped_inverse(a.matmul(a.t()), &pair.b));
        factors.extend([pair.a.with_gradient(of_a), pair.b.with_gradient(of_b)]);
    }
    factors
}

/// (gram + delta · I)⁻¹ with the delta of `f`.
fn damped_inverse<'g>(gram: Expr<'g>, f: &Factor<'_, 'g>) -> Expr<'g> {
    let damped = if f.uses("delta") {
        gram + f.hyper("delta") * f.identity(&gram.shape().rows)
    } else {
        gram
    };
    damped.inverse()
}
