//! `torch.optim.Muon`: momentum, orthogonalised by Newton's and Schulz's iteration (Jordan 2024).
//!
//! ```text
//! m ← momentum · m + (1 − momentum) · ∇
//! u ← m, or (1 − momentum) · ∇ + momentum · m with nesterov
//! X ← u / max(‖u‖, eps)
//! X ← a·X + (b·G + c·G²)·X with G = X·Xᵀ, ns_steps times
//! w ← w · (1 − lr · weight_decay) − lr · adjustment · X
//! ```
//!
//! a, b, c are `ns_coefficient1` to `ns_coefficient3`, PyTorch's `ns_coefficients`. The
//! adjustment of a rows × cols matrix is √max(1, rows/cols) (`original`, also without any switch),
//! 0.2 · √max(rows, cols) (`match_rms_adamw`) or √(rows/cols) (`spectral_unclamped`), PyTorch's
//! `adjust_lr_fn`.
//!
//! Source: the documentation of `torch.optim.Muon`; Jordan et al., "Muon: An optimizer for hidden
//! layers in neural networks", 2024; arXiv 2502.16982 for `match_rms_adamw`.
//!
//! PyTorch iterates in bfloat16, which the switch `bfloat16` adds: the results of every matrix
//! operation are rounded there, while the coefficients and what is inside an operation
//! (X·Xᵀ, b·G + c·G², a·X + U·X) have binary32 or better. A matrix with more rows than columns is
//! transposed first, which matters for rounding only: (X·Xᵀ)·X = X·(Xᵀ·X). Without the switch
//! nothing is rounded and nothing transposed.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::arith::FloatFormat::{Bf16, F32};
use crate::graph::Expr;
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "muon",
    title: "Muon",
    source: "torch.optim.Muon; Jordan et al. 2024",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::optional("weight_decay", "0.1"),
        Hyperparameter::optional_fraction("momentum", "0.95"),
        Hyperparameter::real("ns_coefficient1", "3.4445"),
        Hyperparameter::real("ns_coefficient2", "-4.775"),
        Hyperparameter::real("ns_coefficient3", "2.0315"),
        Hyperparameter::optional("eps", "1e-7"),
    ],
    flags: &[
        "nesterov",
        "original",
        "match_rms_adamw",
        "spectral_unclamped",
        "bfloat16",
    ],
    exclusive: &[&["original", "match_rms_adamw", "spectral_unclamped"]],
    pytorch_flags: &["bfloat16"],
    on: &["nesterov"],
    counts: &[("ns_steps", 5)],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (momentum, g) = (f.hyper("momentum"), f.gradient());
        let mut u = f.moving("momentum_buffer", |m| momentum * m + (1 - momentum) * g);
        if f.flag("nesterov") {
            u = (1 - momentum) * g + momentum * u;
        }
        let direction = if f.flag("bfloat16") {
            let u = u.cast(F32).cast(Bf16);
            let (wide, tall) = (
                orthogonalised(trainer, &f, u),
                orthogonalised(trainer, &f, u.t()),
            );
            f.rows().if_less_equal(f.cols(), wide, tall.t())
        } else {
            orthogonalised(trainer, &f, u)
        };
        f.update(f.decayed_weight() - f.lr() * adjustment(trainer, &f) * direction);
    }
}

fn orthogonalised<'g>(trainer: &Trainer<'g>, f: &Factor<'_, 'g>, u: Expr<'g>) -> Expr<'g> {
    let bfloat16 = f.flag("bfloat16");
    let rounded = |x: Expr<'g>| if bfloat16 { x.cast(Bf16) } else { x };
    let [a, b, c] = ["ns_coefficient1", "ns_coefficient2", "ns_coefficient3"].map(|name| {
        let coefficient = f.hyper(name);
        if bfloat16 {
            coefficient.cast(F32)
        } else {
            coefficient
        }
    });
    let mut x = rounded(u / rounded(u.norm()).max(rounded(f.hyper("eps"))));
    for _ in trainer.turns("ns_steps") {
        let gram = rounded(x.matmul(x.t()));
        let polynomial = rounded(b * gram + c * gram.matmul(gram));
        x = rounded(a * x + polynomial.matmul(x));
    }
    x
}

/// The factor of the learning rate for a matrix of this shape.
fn adjustment<'g>(trainer: &Trainer<'g>, f: &Factor<'_, 'g>) -> Expr<'g> {
    let (rows, cols) = (f.rows(), f.cols());
    if f.flag("match_rms_adamw") {
        trainer.ratio(1, 5) * rows.max(cols).sqrt()
    } else if f.flag("spectral_unclamped") {
        (rows / cols).sqrt()
    } else {
        (rows / cols).max(1).sqrt()
    }
}
