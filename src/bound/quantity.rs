//! The quantities that have a drift: loss, outputs and parameters, by name.

use nalgebra::DMatrix;

use crate::arith::Arithmetic;
use crate::exec::Machine;
use crate::graph::StepGraph;

/// The names of all quantities of a step.
pub(super) fn names(step: &StepGraph) -> impl Iterator<Item = &str> {
    let outputs = step.outputs.iter().map(|o| o.name.as_str());
    let parameters = step.parameters.iter().map(|p| p.name.as_str());
    std::iter::once("loss").chain(outputs).chain(parameters)
}

/// The matrix that `name` stands for, as of the last `forward` of a machine that keeps the outputs.
pub(super) fn matrix<'m, A: Arithmetic>(
    machine: &'m Machine<'_, A>,
    name: &str,
) -> Option<&'m DMatrix<A::Elem>> {
    match name {
        "loss" => machine.node(machine.plan().step().loss),
        _ => machine.output(name).or_else(|| machine.parameter(name)),
    }
}
