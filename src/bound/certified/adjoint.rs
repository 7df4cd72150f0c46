//! The adjoint of one step, evaluated over a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nalgebra::DMatrix;

use super::intervals::{F64Interval, range};
use super::snapshot::Snapshot;
use crate::arith::F64Intervals;
use crate::exec::{ExecError, Machine, Options, Outputs, Plan, Sizes};
use crate::graph::{LeafKind, NodeId, Op, Sensitivity, StepGraph};

/// Adjoints of many nodes from given adjoints of a few.
#[derive(Debug, Clone)]
pub(super) struct Adjoint<'s> {
    of: &'s Sensitivity,
    machine: Machine<'s, F64Intervals>,
}

impl<'s> Adjoint<'s> {
    /// An evaluator that gives the adjoints that bounds take, of `carried` nodes and of all that
    /// can round, given one step of the graph `step`.
    pub fn new(
        of: &'s Sensitivity,
        sizes: &Sizes,
        step: &StepGraph,
        carried: impl Iterator<Item = NodeId>,
        snapshot: &Snapshot,
    ) -> Result<Self, ExecError> {
        let mut wanted = rounding_nodes(step, of, snapshot);
        wanted.extend(carried);
        let known = wanted.iter().filter(|id| of.adjoints.contains_key(id));
        let options = Options {
            outputs: Outputs::Named(known.map(|id| Sensitivity::name(*id)).collect()),
            ..Options::default()
        };
        let plan = Arc::new(Plan::new(&of.step, sizes, &options)?);
        Ok(Self {
            of,
            machine: Machine::idle(F64Intervals::new(), plan),
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
    pub fn pull(
        &mut self,
        seeds: &BTreeMap<NodeId, DMatrix<F64Interval>>,
    ) -> Result<(), ExecError> {
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
    pub fn of(&self, id: NodeId) -> Option<&DMatrix<F64Interval>> {
        self.machine.output(&Sensitivity::name(id))
    }
}

/// The nodes of `of` whose operation can round, given one step in which leaves and constants
/// show whether they are exact.
fn rounding_nodes(step: &StepGraph, of: &Sensitivity, snapshot: &Snapshot) -> BTreeSet<NodeId> {
    let rounds = |id: &&NodeId| match &step.graph.node(**id).op {
        // A format that holds the first numbers of steps may not hold later ones.
        Op::Leaf(leaf) if leaf.kind == LeafKind::StepNumber => true,
        Op::Leaf(_) | Op::Constant(_) | Op::Count(_) => snapshot.errors.contains_key(*id),
        op => op.rounds(),
    };
    of.adjoints.keys().filter(rounds).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bound::certified::contribution::Contribution;
    use crate::graph::{Dim, StepBuilder};

    #[test]
    fn what_can_round_in_any_step_is_looked_at() {
        let builder = StepBuilder::new();
        let n = Dim::named("n");
        let x = builder.data("X", &n, &n);
        let p = builder.parameter("P", &n, &n);
        let step_number = builder.step_number();
        let exact = [
            -p,
            p.abs(),
            p.t(),
            p.row_max().broadcast_to(&p.shape()),
            p.max(x),
            p.min(x),
            p.if_less(x, p, x),
            p.detach(),
        ];
        let rounded = [
            p * x,
            p + x,
            p.matmul(x),
            p.sum(),
            p / builder.ratio(3, 1),
            p * step_number,
        ];
        let ids = |nodes: &[crate::graph::Expr<'_>]| -> Vec<NodeId> {
            nodes.iter().map(|node| node.id()).collect()
        };
        let (exact_ids, rounded_ids) = (ids(&exact), ids(&rounded));
        let third = builder.ratio(1, 3);
        let all = exact.into_iter().chain(rounded);
        let loss = all.fold(third, |sum, node| sum + node.sum());
        builder.set_loss(loss);
        builder.update(p, p);
        let (x, third, number) = (x.id(), third.id(), step_number.id());
        let step = builder.finish().unwrap();
        let adjoint = Sensitivity::new(&step, &[step.loss].into()).unwrap();
        let mut snapshot = Snapshot {
            values: BTreeMap::new(),
            slopes: BTreeMap::new(),
            live: BTreeMap::new(),
            errors: BTreeMap::new(),
        };
        let found = rounding_nodes(&step, &adjoint, &snapshot);
        for id in exact_ids {
            assert!(!found.contains(&id), "{}", step.graph.describe(id));
        }
        for id in rounded_ids {
            assert!(found.contains(&id), "{}", step.graph.describe(id));
        }
        // Numbers that are given are exact unless the first step says otherwise; the number of
        // a step may be exact in the first and not in a later one.
        assert!(found.contains(&number) && !found.contains(&x) && !found.contains(&third));
        for id in [x, third] {
            let error = DMatrix::from_element(1, 1, Contribution::default());
            snapshot.errors.insert(id, error);
        }
        let found = rounding_nodes(&step, &adjoint, &snapshot);
        assert!(found.contains(&x) && found.contains(&third));
    }
}
