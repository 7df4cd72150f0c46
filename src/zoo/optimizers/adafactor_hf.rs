//! Adafactor (Shazeer and Stern 2018) as `transformers.optimization.Adafactor` has it.
//!
//! ```text
//! ρ ← min(10⁻², 1/√t) with relative_step, where 10⁻⁶ · t stands for 10⁻² with warmup_init;
//!     else lr
//! α ← max(eps2, RMS(w)) · ρ with scale_parameter, else ρ
//! β ← 1 − t^decay_rate
//! R ← β · R + (1 − β) · the means of the rows of ∇² + eps1
//! C ← β · C + (1 − β) · the means of its columns
//! u ← ∇ / (√(R / mean R) · √C)
//! u ← α · u / max(1, RMS(u) / clip_threshold)
//! u ← m ← beta1 · m + (1 − beta1) · u, where beta1 is set
//! w ← w · (1 − α · weight_decay) − u
//! ```
//!
//! Source: arXiv 1804.04235, algorithms 4 to 6; the code of transformers, with its defaults. Its
//! `None` for beta1 is the setting 0 here, and with relative_step there is no lr. The code does
//! not factor a vector; one with a dimension of 1 gets the same step either way. PyTorch's own
//! Adafactor differs from this one and is called `adafactor`.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::graph::{Dim, Expr, Shape};
use crate::zoo::{Factor, Trainer};

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adafactor_hf",
    title: "Adafactor of transformers",
    source: "transformers.optimization.Adafactor; Shazeer and Stern 2018, arXiv 1804.04235",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-3"),
        Hyperparameter::positive("eps1", "1e-30"),
        Hyperparameter::positive("eps2", "1e-3"),
        Hyperparameter::positive("clip_threshold", "1"),
        Hyperparameter::real("decay_rate", "-0.8"),
        Hyperparameter::optional_fraction("beta1", "0"),
        Hyperparameter::optional("weight_decay", "0"),
    ],
    flags: &["scale_parameter", "relative_step", "warmup_init"],
    on: &["scale_parameter", "relative_step"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (w, g) = (f.weight(), f.gradient());
        let Shape { rows, cols } = w.shape();
        let rate = rate(trainer, &f);
        let kept = 1 - f.step_number().real_power(f.hyper("decay_rate"));
        let square = g.square() + f.hyper("eps1");
        let of_rows = square.sum_rows() / f.count(&cols);
        let of_cols = square.sum_to(&Shape::new(Dim::one(), cols)) / f.count(&rows);
        let [of_rows, of_cols] =
            [("exp_avg_sq_row", of_rows), ("exp_avg_sq_col", of_cols)].map(|(name, mean)| {
                let old = f.zero_state_of(name, &mean.shape());
                let new = kept * old + (1 - kept) * mean;
                f.update_state(old, new);
                new
            });
        let size = (of_rows / of_rows.mean()).sqrt() * of_cols.sqrt();
        let mut update = g / size;
        update = rate * (update / (rms(update) / f.hyper("clip_threshold")).max(1));
        if f.uses("beta1") {
            let beta1 = f.hyper("beta1");
            update = f.moving("exp_avg", |m| beta1 * m + (1 - beta1) * update);
        }
        let decayed = if f.uses("weight_decay") {
            w * (1 - rate * f.hyper("weight_decay"))
        } else {
            w
        };
        f.update(decayed - update);
    }
}

/// The learning rate of this step.
fn rate<'g>(trainer: &Trainer<'g>, f: &Factor<'_, 'g>) -> Expr<'g> {
    let rate = if f.flag("relative_step") {
        let t = f.step_number();
        let most = if f.flag("warmup_init") {
            trainer.ratio(1, 1_000_000) * t
        } else {
            trainer.ratio(1, 100)
        };
        most.min(1 / t.sqrt())
    } else {
        f.lr()
    };
    if f.flag("scale_parameter") {
        rms(f.weight()).max(f.hyper("eps2")) * rate
    } else {
        rate
    }
}

/// The root of the mean of the squares.
fn rms(x: Expr<'_>) -> Expr<'_> {
    x.square().mean().sqrt()
}
