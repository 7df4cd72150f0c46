//! Loading the leaves of a step: every number is formed exactly and rounded once.

use super::{ExecError, Machine, Values};
use crate::arith::{Arithmetic, OpError, Surd};
use crate::graph::{LeafKind, NodeId};

impl<A: Arithmetic> Machine<'_, A> {
    /// Writes the value of a leaf into its buffer.
    pub(super) fn load(
        &mut self,
        id: NodeId,
        buffer: usize,
        values: &Values,
    ) -> Result<(), ExecError> {
        let graph = &self.plan.step().graph;
        let shape = &graph.node(id).shape;
        let Some(leaf) = graph.leaf_at(id) else {
            return Ok(());
        };
        let missing = || ExecError::MissingValue {
            leaf: leaf.name.clone(),
            shape: shape.clone(),
        };
        let ctx = self.ctx.clone();
        if let LeafKind::Hyperparameter { .. } = leaf.kind {
            let value = values.scalars.get(&leaf.name).ok_or_else(missing)?;
            return self.fill(id, buffer, 1, [ctx.from_surd(value)].into_iter());
        }
        let tensor = values.tensors.get(&leaf.name).ok_or_else(missing)?;
        let expected = self.plan.buffers.shapes[buffer];
        let found = (tensor.rows(), tensor.cols());
        if found != expected {
            return Err(ExecError::WrongShape {
                leaf: leaf.name.clone(),
                shape: shape.clone(),
                expected,
                found,
            });
        }
        if let Some(radius) = tensor.scaled_radius() {
            let entries = tensor.entries().map(|x| ctx.from_ball(&x, &radius));
            self.fill(id, buffer, found.1, entries)
        } else if *tensor.scale() == Surd::from(1) {
            let entries = tensor.values().iter().map(|x| ctx.from_f64(*x));
            self.fill(id, buffer, found.1, entries)
        } else {
            let entries = tensor.entries().map(|x| ctx.from_surd(&x));
            self.fill(id, buffer, found.1, entries)
        }
    }

    /// Writes a leaf's entries, given row after row.
    fn fill(
        &mut self,
        id: NodeId,
        buffer: usize,
        cols: usize,
        entries: impl Iterator<Item = Result<A::Elem, OpError>>,
    ) -> Result<(), ExecError> {
        for (i, entry) in entries.enumerate() {
            let at = (i / cols, i % cols);
            let value = entry.map_err(|source| self.error(id, at, source))?;
            self.buffers[buffer].matrix[at] = value;
        }
        Ok(())
    }
}
