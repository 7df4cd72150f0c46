//! `mse_loss`: d² with d = z − y.

use super::{Loss, PLAIN};
use crate::graph::{Expr, StepBuilder};

pub(super) const LOSS: Loss = Loss {
    name: "mse",
    build,
    ..PLAIN
};

fn build<'g>(_: &'g StepBuilder, z: Expr<'g>, y: Expr<'g>) -> Expr<'g> {
    (z - y).square()
}
