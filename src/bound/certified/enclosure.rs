//! The runs of a format with every operation enclosed by itself, step after step.

use std::sync::Arc;

use super::reference::{Values, values};
use super::tube::GUARD;
use crate::arith::{Enclosures, FloatModel, MpEnds};
use crate::bound::quantity::names;
use crate::exec::{ExecError, Machine, Plan};
use crate::scenario::Scenario;

/// Loss, outputs and parameters in every run of any order of summation, fused or not: for each
/// time, until there is no enclosure, and why there is none.
pub(super) fn by_enclosure(
    plan: &Arc<Plan<'_>>,
    scenario: &Scenario,
    model: &FloatModel,
    steps: usize,
) -> (Vec<Values>, Option<String>) {
    let ctx = Enclosures::new(MpEnds::new(model.precision + GUARD), model.clone());
    let mut all = vec![];
    let go = || -> Result<(), ExecError> {
        let mut machine = Machine::with_plan(ctx, Arc::clone(plan), &scenario.values)?;
        machine.watch(steps, |_, machine| {
            all.push(values(machine, names(plan.step())))
        })
    };
    let why = go().err().map(|error| error.to_string());
    (all, why)
}
