//! `torch.optim.Rprop`: resilient backpropagation (Riedmiller and Braun 1993).
//!
//! ```text
//! g ← ±∇
//! η ← η · eta2, η · eta1 or η where g · g_prev is > 0, < 0 or 0; from lr
//! η ← min(max(η, step_size1), step_size2)
//! g ← 0 where g · g_prev < 0
//! w ← w − sign(g) · η
//! g_prev ← g
//! ```
//!
//! Source: the documentation of `torch.optim.Rprop`; IEEE ICNN 1993, 586–591. `eta1`, `eta2` are
//! PyTorch's `etas`, `step_size1`, `step_size2` its `step_sizes`. A change of sign takes no step
//! back, as in the variant Rprop⁻ (Igel and Hüsken 2000) with the memory of iRprop⁻.

use super::{Hyperparameter, Optimizer, PLAIN};
use crate::zoo::Trainer;

pub(super) const OPTIMIZER: Optimizer = Optimizer {
    name: "rprop",
    title: "resilient backpropagation",
    source: "torch.optim.Rprop; Riedmiller and Braun 1993",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-2"),
        Hyperparameter::fraction("eta1", "0.5"),
        Hyperparameter::above_one("eta2", "1.2"),
        Hyperparameter::optional("step_size1", "1e-6"),
        Hyperparameter::positive("step_size2", "50"),
    ],
    flags: &["maximize"],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let g = f.signed_gradient();
        let previous = f.zero_state("prev");
        let (state, eta) = f.state_from_lr("step_size", &f.shape());
        let agreement = g * previous;
        let slower = agreement.if_less(0, f.hyper("eta1"), 1);
        let factor = trainer
            .ratio(0, 1)
            .if_less(agreement, f.hyper("eta2"), slower);
        let eta = (eta * factor)
            .max(f.hyper("step_size1"))
            .min(f.hyper("step_size2"));
        let g = agreement.if_less(0, 0, g);
        f.update_state(state, eta);
        f.update_state(previous, g);
        f.update(f.weight() - g.sign() * eta);
    }
}
