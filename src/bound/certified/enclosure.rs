//! The runs of a format with every operation enclosed by itself, step after step.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::intervals::Enclosure;
use super::reference::outputs;
use super::tube::GUARD;
use crate::arith::{Enclosures, FloatModel, MpEnds};
use crate::exec::{ExecError, Machine, Plan};
use crate::scenario::Scenario;

/// Loss, outputs and parameters in every run of any order of summation, fused or not: for each
/// time, until there is no enclosure, and why there is none.
pub(super) fn by_enclosure(
    plan: &Arc<Plan<'_>>,
    scenario: &Scenario,
    model: &FloatModel,
    steps: usize,
) -> (Vec<BTreeMap<String, DMatrix<Enclosure>>>, Option<String>) {
    let ctx = Enclosures::new(MpEnds::new(model.precision + GUARD), model.clone());
    let mut all = vec![];
    let go = || -> Result<(), ExecError> {
        let mut machine = Machine::with_plan(ctx, Arc::clone(plan), &scenario.values)?;
        machine.watch(steps, |_, machine| {
            let mut values = outputs(machine);
            for p in &plan.step().parameters {
                if let Some(m) = machine.parameter(&p.name) {
                    values.insert(p.name.clone(), m.map(|x| x.range.clone()));
                }
            }
            all.push(values);
        })
    };
    let why = go().err().map(|error| error.to_string());
    (all, why)
}
