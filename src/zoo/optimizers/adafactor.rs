//! `torch.optim.Adafactor`: Shazeer and Stern 2018.
//!
//! ```text
//! β ← 1 − t^beta2_decay
//! r ← β · r + (1 − β) · the means of the rows of ∇²
//! c ← β · c + (1 − β) · the means of its columns
//! v ← r · c / max(mean r, eps1), which has the shape of w
//! u ← ±∇ / √max(v, eps1²)
//! α ← max(eps2, rms w) · min(lr, 1 / √t)
//! w ← w · (1 − lr · weight_decay) − α / max(1, rms u / d) · u
//! ```
//!
//! Source: the documentation of `torch.optim.Adafactor`; arXiv 1804.04235, algorithms 4 and 5.
//! A tensor with one row or one column, whatever the sizes, is not factored: v is a moving mean
//! of ∇². `eps1` and `eps2` are PyTorch's `eps`; its eps1 is by default the machine epsilon of
//! the parameters' type, here that of float32.
//! PyTorch compares eps1 with a mean of squares and its square with another; the paper adds
//! eps1 to ∇² instead.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::Expr;
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adafactor",
    title: "Adafactor",
    source: "torch.optim.Adafactor; Shazeer and Stern 2018, arXiv 1804.04235",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-2"),
        Hyperparameter::real("beta2_decay", "-0.8"),
        Hyperparameter::optional("eps1", "1.1920928955078125e-7"),
        Hyperparameter::optional("eps2", "1e-3"),
        Hyperparameter::positive("d", "1"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["maximize"],
    build,
    ..PLAIN
};

fn build<'g>(trainer: &Trainer<'g>) {
    let t = trainer.step_number();
    for f in trainer.factors() {
        let (w, g, eps1) = (f.weight(), f.signed_gradient(), f.hyper("eps1"));
        let u = g / second_moment(trainer, &f, g).max(eps1.square()).sqrt();
        let rms = |x: Expr<'g>| x.norm() / (f.rows() * f.cols()).sqrt();
        let alpha = f.hyper("eps2").max(rms(w)) * f.lr().min(1 / t.sqrt());
        let clipped = u / (rms(u) / f.hyper("d")).max(1);
        f.update(f.decayed_weight() - alpha * clipped);
    }
}

/// The moving mean of g², of rank one where g is a matrix.
fn second_moment<'g>(trainer: &Trainer<'g>, f: &Factor<'_, 'g>, g: Expr<'g>) -> Expr<'g> {
    let share = f.step_number().real_power(f.hyper("beta2_decay"));
    let moving = |name: &str, value: Expr<'g>| {
        f.moving_from(
            name,
            trainer.ratio(0, 1).broadcast_to(&value.shape()),
            |mean| mean + share * (value - mean),
        )
    };
    let square = g.square();
    if f.is_vector() {
        return moving("variance", square);
    }
    let rows = moving("row_var", square.sum_rows() / f.cols());
    let cols = moving("col_var", square.sum_cols() / f.rows());
    rows.matmul(cols) / rows.mean().max(f.hyper("eps1"))
}
