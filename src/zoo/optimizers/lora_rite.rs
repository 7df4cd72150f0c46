//! LoRA-RITE (Yen et al. 2024): Adam in coordinates that do not depend on how W is split into
//! B·A.
//!
//! For the factor p of a pair, seen as p = Aᵀ or p = B, with the other factor q, and q = U·R
//! with U of orthonormal columns:
//!
//! ```text
//! ḡ ← ∇p · R⁻¹                        the gradient without the size of q
//! P ← U₋ᵀ · U                         from the basis U₋ of the step before to this one
//! V ← beta2 · Pᵀ·V·P + (1 − beta2) · ḡᵀ·ḡ
//! S ← ḡ · ((V / (1 − beta2ᵗ))^½ + eps · I)⁻¹
//! M ← beta1 · M·P + (1 − beta1) · S
//! p ← p − lr · M / (1 − beta1ᵗ) · R⁻ᵀ
//! ```
//!
//! Source: arXiv 2410.20265, algorithm 1, without its escape mass, weight decay and clipping.
//!
//! R is (qᵀq)^½ here and not the triangular factor of a QR decomposition. The steps are the same:
//! any R with RᵀR = qᵀq is O·R for an orthogonal O, which turns U into U·Oᵀ, ḡ into ḡ·Oᵀ, P into
//! O₋·P·Oᵀ, V into O·V·Oᵀ and M into M·Oᵀ, and leaves M·R⁻ᵀ as it is. Likewise, with
//! V = Q·diag(λ)·Qᵀ the matrix Q·diag(1 / (√λ + eps))·Qᵀ of the paper is (V^½ + eps · I)⁻¹.
//!
//! R must have an inverse, so neither factor may have a rank below r: B = 0 has no such step. A
//! tensor that belongs to no pair gets Adam with the same settings.

use super::adam::direction;
use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::{Expr, Shape};
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "lora_rite",
    title: "LoRA-RITE: Adam that does not see how W is factored",
    source: "Yen et al. 2024, arXiv 2410.20265",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::fraction("beta1", "0.9"),
        Hyperparameter::fraction("beta2", "0.999"),
        Hyperparameter::optional("eps", "1e-6"),
    ],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    let (pairs, alone) = trainer.pairs();
    for pair in pairs {
        let (a, b) = (pair.a, pair.b);
        let of_a = unmagnified(&a, a.gradient().t(), b.weight());
        let of_b = unmagnified(&b, b.gradient(), a.weight().t());
        a.update(a.weight() - a.lr() * of_a.t());
        b.update(b.weight() - b.lr() * of_b);
    }
    for f in alone {
        let direction = direction(&f, f.gradient());
        f.update(f.weight() - f.lr() * direction);
    }
}

/// The direction of the factor `f` with the gradient `g`, n × r, beside the factor `q`, m × r.
fn unmagnified<'g>(f: &Factor<'_, 'g>, g: Expr<'g>, q: Expr<'g>) -> Expr<'g> {
    let (beta1, beta2) = (f.hyper("beta1"), f.hyper("beta2"));
    let t = f.step_number();
    let r = q.shape().cols;
    let square = Shape::new(r.clone(), r.clone());
    // Symmetric, so it is its own transpose.
    let inverse = q.t().matmul(q).matrix_sqrt().inverse();
    let basis = q.matmul(inverse);
    let g = g.matmul(inverse);

    let old_basis = f.zero_state_of("basis", &basis.shape());
    let change = old_basis.t().matmul(basis);
    f.update_state(old_basis, basis);

    let v = f.zero_state_of("exp_avg_sq", &square);
    let moved = change.t().matmul(v).matmul(change);
    let next_v = beta2 * moved + (1 - beta2) * g.t().matmul(g);
    f.update_state(v, next_v);

    let mut root = (next_v / (1 - beta2.pow(t))).matrix_sqrt();
    if f.uses("eps") {
        root = root + f.hyper("eps") * f.identity(&r);
    }
    let m = f.zero_state_of("exp_avg", &g.shape());
    let next_m = beta1 * m.matmul(change) + (1 - beta1) * g.matmul(root.inverse());
    f.update_state(m, next_m);
    (next_m / (1 - beta1.pow(t))).matmul(inverse)
}
