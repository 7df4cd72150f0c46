//! `l1_loss`: |d| with d = z − y; its gradient is sign(d), 0 at 0.

use super::{Loss, PLAIN};
use crate::graph::{Expr, StepBuilder};

pub(super) const LOSS: Loss = Loss {
    name: "l1",
    build,
    ..PLAIN
};

fn build<'g>(_: &'g StepBuilder, z: Expr<'g>, y: Expr<'g>) -> Expr<'g> {
    (z - y).abs()
}
