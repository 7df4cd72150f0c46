//! The adjoint of one step, evaluated over a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nalgebra::DMatrix;

use super::coarse::{Coarse, Range, coarse, range};
use super::snapshot::Snapshot;
use crate::exec::{ExecError, Machine, Options, Outputs, Plan, Sizes};
use crate::graph::{NodeId, Sensitivity};

/// Adjoints of many nodes from given adjoints of a few.
#[derive(Debug, Clone)]
pub(super) struct Adjoint<'s> {
    of: &'s Sensitivity,
    machine: Machine<'s, Coarse>,
}

impl<'s> Adjoint<'s> {
    /// An evaluator that gives the adjoints of `wanted`.
    pub fn new(
        of: &'s Sensitivity,
        sizes: &Sizes,
        wanted: &BTreeSet<NodeId>,
    ) -> Result<Self, ExecError> {
        let known = wanted.iter().filter(|id| of.adjoints.contains_key(id));
        let options = Options {
            outputs: Outputs::Named(known.map(|id| Sensitivity::name(*id)).collect()),
            ..Options::default()
        };
        let plan = Arc::new(Plan::new(&of.step, sizes, &options)?);
        Ok(Self {
            of,
            machine: Machine::idle(coarse(), plan),
        })
    }

    /// Puts the step of `snapshot` in place: everything that these adjoints read.
    pub fn load(&mut self, snapshot: &Snapshot) -> Result<(), ExecError> {
        let groups = [
            (&self.of.values, &snapshot.values),
            (&self.of.slopes, &snapshot.slopes),
            (&self.of.live, &snapshot.live),
        ];
        for (leaves, values) in groups {
            for (id, leaf) in leaves {
                // Adjoints that nobody asked for may be all that reads it.
                if self.machine.node(*leaf).is_none() {
                    continue;
                }
                let graph = &self.of.step.graph;
                let missing = || ExecError::MissingValue {
                    leaf: graph.describe(*leaf),
                    shape: graph.node(*leaf).shape.clone(),
                };
                self.machine
                    .set(*leaf, values.get(id).ok_or_else(missing)?)?;
            }
        }
        self.machine.settle(&mut |_, _| {});
        Ok(())
    }

    /// Evaluates the adjoints from those of the seeded nodes; the seeds that are not given are 0.
    pub fn pull(&mut self, seeds: &BTreeMap<NodeId, DMatrix<Range>>) -> Result<(), ExecError> {
        for (id, leaf) in &self.of.seeds {
            let Some(shape) = self.machine.node(*leaf).map(DMatrix::shape) else {
                continue;
            };
            match seeds.get(id) {
                Some(seed) => self.machine.set(*leaf, seed)?,
                None => {
                    let none = DMatrix::from_element(shape.0, shape.1, range(0.0, 0.0));
                    self.machine.set(*leaf, &none)?;
                }
            }
        }
        self.machine.forward()
    }

    /// The adjoint of `id` as of the last evaluation.
    pub fn of(&self, id: NodeId) -> Option<&DMatrix<Range>> {
        self.machine.output(&Sensitivity::name(id))
    }
}
