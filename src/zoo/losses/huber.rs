//! `huber_loss`: d²/2 where |d| ≤ δ, else δ·(|d| − δ/2), with d = z − y.

use super::{Loss, PLAIN};
use crate::graph::{Expr, StepBuilder};

pub(super) const LOSS: Loss = Loss {
    name: "huber",
    parameters: &[("loss.delta", "1")],
    build,
    ..PLAIN
};

fn build<'g>(step: &'g StepBuilder, z: Expr<'g>, y: Expr<'g>) -> Expr<'g> {
    let delta = step.hyperparameter("loss.delta", "loss.delta", false);
    let half = step.ratio(1, 2);
    let d = z - y;
    d.abs()
        .if_less_equal(delta, half * d.square(), delta * (d.abs() - half * delta))
}
