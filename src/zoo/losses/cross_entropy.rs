//! `cross_entropy`: −ln softmax(z)[y], one number for each row.
//!
//! The largest entry of the row is taken off first, as in `log_softmax`; its gradient cancels,
//! so it is detached.

use super::{Loss, PLAIN, Targets};
use crate::graph::{Expr, StepBuilder};

pub(super) const LOSS: Loss = Loss {
    name: "cross_entropy",
    targets: Targets::Classes,
    build,
    ..PLAIN
};

fn build<'g>(_: &'g StepBuilder, z: Expr<'g>, y: Expr<'g>) -> Expr<'g> {
    let shifted = z - z.row_max().detach();
    let log_sum = shifted.exp().sum_rows().ln();
    log_sum - (shifted * y).sum_rows()
}
