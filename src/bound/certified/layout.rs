//! The numbers that a step carries over to the next one, in one row.

use nalgebra::DMatrix;

use crate::arith::Arithmetic;
use crate::exec::Machine;
use crate::graph::{NodeId, StepGraph};

/// A parameter or a state.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The parameter's name; `None` for a state.
    pub parameter: Option<String>,
    pub leaf: NodeId,
    pub next: NodeId,
    pub shape: (usize, usize),
    /// The place of its first entry; the others follow column after column.
    pub offset: usize,
}

impl Part {
    pub fn len(&self) -> usize {
        self.shape.0 * self.shape.1
    }
}

/// All parameters and states of a step.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub parts: Vec<Part>,
    pub len: usize,
}

impl Layout {
    /// The layout of `step` with the sizes that `machine` has.
    pub fn new<A: Arithmetic>(step: &StepGraph, machine: &Machine<'_, A>) -> Self {
        let parameters = step.parameters.iter();
        let parameters = parameters.map(|p| (Some(p.name.clone()), p.leaf, p.next));
        let states = step.states.iter().map(|s| (None, s.leaf, s.next));
        let (mut parts, mut len) = (vec![], 0);
        for (parameter, leaf, next) in parameters.chain(states) {
            let Some(value) = machine.node(leaf) else {
                continue;
            };
            let part = Part {
                parameter,
                leaf,
                next,
                shape: value.shape(),
                offset: len,
            };
            len += part.len();
            parts.push(part);
        }
        Self { parts, len }
    }

    /// The part that is the parameter `name`.
    pub fn parameter(&self, name: &str) -> Option<&Part> {
        let own = |part: &&Part| part.parameter.as_deref() == Some(name);
        self.parts.iter().find(own)
    }

    /// The nodes that hold the current values.
    pub fn leaves(&self) -> impl Iterator<Item = NodeId> {
        self.parts.iter().map(|part| part.leaf)
    }

    /// The current values in `machine`, entry by entry.
    pub fn read<A: Arithmetic, T>(
        &self,
        machine: &Machine<'_, A>,
        of: impl Fn(&A::Elem) -> T,
    ) -> Vec<T> {
        let values = self.parts.iter().filter_map(|p| machine.node(p.leaf));
        values.flat_map(|m| m.iter().map(&of)).collect()
    }

    /// The entries of `part` as a matrix.
    pub fn matrix<T: nalgebra::Scalar>(part: &Part, entries: &[T]) -> DMatrix<T> {
        let own = &entries[part.offset..part.offset + part.len()];
        DMatrix::from_column_slice(part.shape.0, part.shape.1, own)
    }
}
