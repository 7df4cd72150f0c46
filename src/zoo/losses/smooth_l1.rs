//! `smooth_l1_loss`: d²/(2β) where |d| < β, else |d| − β/2, with d = z − y.

use super::{Loss, PLAIN};
use crate::graph::{Expr, StepBuilder};

pub(super) const LOSS: Loss = Loss {
    name: "smooth_l1",
    parameters: &[("loss.beta", "1")],
    build,
    ..PLAIN
};

fn build<'g>(step: &'g StepBuilder, z: Expr<'g>, y: Expr<'g>) -> Expr<'g> {
    let beta = step.hyperparameter("loss.beta", "loss.beta", false);
    let half = step.ratio(1, 2);
    let d = z - y;
    d.abs()
        .if_less(beta, half * d.square() / beta, d.abs() - half * beta)
}
