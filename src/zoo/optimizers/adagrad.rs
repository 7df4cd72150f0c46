//! `torch.optim.Adagrad`: Duchi, Hazan and Singer 2011.
//!
//! ```text
//! g ← ±∇ + weight_decay · w
//! v ← v + g², from initial_accumulator_value
//! w ← w − lr / (1 + (t − 1) · lr_decay) · g / (√v + eps)
//! ```
//!
//! Source: the documentation of `torch.optim.Adagrad`; JMLR 12, 2121–2159, in its diagonal form.
//! `initial_accumulator_value` is one number for all tensors: PyTorch fills the memory of every
//! parameter group with the optimizer's own and does not look at the group's.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "adagrad",
    title: "Adagrad",
    source: "torch.optim.Adagrad; Duchi, Hazan and Singer 2011, JMLR 12",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-2"),
        Hyperparameter::optional("lr_decay", "0"),
        Hyperparameter::optional("weight_decay", "0"),
        Hyperparameter::optional("initial_accumulator_value", "0"),
        Hyperparameter::optional("eps", "1e-10"),
    ],
    flags: &["maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let g = f.gradient_with_l2();
        let initial = trainer.hyper("initial_accumulator_value");
        let initial = initial.broadcast_to(&f.shape());
        let v = f.moving_from("sum", initial, |v| v + g.square());
        let lr = f.lr() / (1 + (f.step_number() - 1) * f.hyper("lr_decay"));
        f.update(f.weight() - lr * (g / (v.sqrt() + f.hyper("eps"))));
    }
}
