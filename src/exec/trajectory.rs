//! A run of several steps, recorded.

use std::collections::BTreeMap;

use nalgebra::DMatrix;

use super::{ExecError, Machine, Options, Sizes, Values};
use crate::arith::Arithmetic;
use crate::graph::StepGraph;

/// The record of a run of `n` steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory<E> {
    /// The loss before each step; `n` entries.
    pub losses: Vec<E>,
    /// The loss after the last step.
    pub final_loss: E,
    /// Each parameter after each step; `n` entries.
    pub parameters: BTreeMap<String, Vec<DMatrix<E>>>,
    /// Each output that was asked for, before the first step and after each; `n + 1` entries.
    pub outputs: BTreeMap<String, Vec<DMatrix<E>>>,
}

/// Takes `steps` steps and records them.
///
/// # Errors
/// Those of [`Machine::new`], [`Machine::forward`] and [`Machine::advance`].
pub fn run<A: Arithmetic>(
    ctx: A,
    step: &StepGraph,
    sizes: &Sizes,
    values: &Values,
    steps: usize,
    options: &Options,
) -> Result<Trajectory<A::Elem>, ExecError> {
    let mut machine = Machine::new(ctx, step, sizes, values, options)?;
    let names = step.parameters.iter().map(|p| p.name.clone());
    let mut parameters: BTreeMap<_, Vec<_>> = names.map(|name| (name, vec![])).collect();
    let names = machine.plan().output_names();
    let mut outputs: BTreeMap<String, Vec<_>> = names.map(|n| (n.to_owned(), vec![])).collect();
    let mut losses = vec![];
    machine.watch(steps, |taken, machine| {
        for (name, values) in &mut outputs {
            values.extend(machine.output(name).cloned());
        }
        losses.push(machine.loss().clone());
        for (name, values) in parameters.iter_mut().filter(|_| taken > 0) {
            values.extend(machine.parameter(name).cloned());
        }
    })?;
    losses.pop();
    Ok(Trajectory {
        losses,
        final_loss: machine.loss().clone(),
        parameters,
        outputs,
    })
}
