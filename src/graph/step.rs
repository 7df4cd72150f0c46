//! A graph that is one training step: parameters and states with their next values, a loss.

use std::cell::{Cell, RefCell};

use crate::arith::FloatFormat;

use super::{Binary, Builder, Dim, Expr, Graph, GraphError, Leaf, LeafKind, NodeId, Op, Shape};

/// A trained tensor and its next value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterUpdate {
    /// The parameter's name, for instance `A`.
    pub name: String,
    /// The leaf that holds the current value.
    pub leaf: NodeId,
    /// The node that computes the next value.
    pub next: NodeId,
}

/// A tensor of optimizer memory, its first value and its next value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateUpdate {
    /// The state's name, for instance `momentum_buffer_A`.
    pub name: String,
    /// The leaf that holds the current value.
    pub leaf: NodeId,
    /// The node that computes the value before the first step.
    pub initial: NodeId,
    /// The node that computes the next value.
    pub next: NodeId,
}

/// A quantity of interest that is neither parameter nor loss, for instance `W`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The quantity's name.
    pub name: String,
    /// The node that computes it.
    pub node: NodeId,
}

/// One training step as a finite graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepGraph {
    /// The nodes.
    pub graph: Graph,
    /// The loss at the parameters before the step; 1 × 1.
    pub loss: NodeId,
    /// The trained tensors, in the order in which they were declared.
    pub parameters: Vec<ParameterUpdate>,
    /// The memory of the optimizer.
    pub states: Vec<StateUpdate>,
    /// Further quantities that a comparison looks at.
    pub outputs: Vec<Output>,
    /// The number of the first step; 1 but in the middle of a run.
    pub first_step: u64,
}

impl StepGraph {
    /// The parameter called `name`.
    pub fn parameter(&self, name: &str) -> Option<&ParameterUpdate> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// The names of the hyperparameters with their published base name and whether they may be
    /// zero.
    pub fn hyperparameters(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.graph
            .leaves()
            .filter_map(|(name, id)| match &self.graph.leaf_at(id)?.kind {
                LeafKind::Hyperparameter { base, may_be_zero } => {
                    Some((name, base.as_str(), *may_be_zero))
                }
                _ => None,
            })
    }

    /// The same step with the constant at `node` as a setting called `name`, which then needs a
    /// value of its own. Every node keeps its position. A constant that is used in several places
    /// is one number in all of them.
    ///
    /// # Errors
    /// [`GraphError::NotAConstant`] for another node, [`GraphError::NameClash`] for a name that is
    /// taken.
    pub fn with_constant_as_setting(&self, node: NodeId, name: &str) -> Result<Self, GraphError> {
        let mut step = self.clone();
        let kind = LeafKind::Hyperparameter {
            base: name.to_owned(),
            may_be_zero: false,
        };
        let name = name.to_owned();
        step.graph.replace_constant(node, Leaf { name, kind })?;
        Ok(step)
    }

    /// The nodes that have the same value at every step: those that depend neither on parameters or
    /// states nor on the number of the step.
    pub fn lasting(&self) -> Vec<bool> {
        let mut lasting = vec![false; self.graph.nodes().len()];
        for id in self.graph.ids() {
            lasting[id.index()] = match self.graph.leaf_at(id).map(|leaf| &leaf.kind) {
                Some(LeafKind::Parameter | LeafKind::State | LeafKind::StepNumber) => false,
                Some(LeafKind::Data | LeafKind::Hyperparameter { .. }) => true,
                None => self.graph.node(id).op.all(|x| lasting[x.index()]),
            };
        }
        lasting
    }

    /// Every node from which a result is read: loss, outputs, next values, initial states.
    pub fn roots(&self) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::once(self.loss)
            .chain(self.outputs.iter().map(|o| o.node))
            .chain(self.parameters.iter().map(|p| p.next))
            .chain(self.states.iter().flat_map(|s| [s.initial, s.next]))
    }
}

impl StepGraph {
    /// The same step in the middle of a run, from the second step on: the first value of each state `x` is
    /// `carry_x · given.x²`, with a data leaf `given.x` of any value (squared, since some states
    /// are means of squares) and a scalar setting `carry_x`, by which a map may multiply what is
    /// carried over. Copies of a state for several parameters share the setting's base name.
    ///
    /// # Errors
    /// [`GraphError::NameClash`] when the step has such leaves already.
    pub fn midway(mut self) -> Result<Self, GraphError> {
        for state in &mut self.states {
            let shape = self.graph.node(state.leaf).shape.clone();
            let base = self
                .parameters
                .iter()
                .find_map(|p| state.name.strip_suffix(&format!("_{}", p.name)))
                .unwrap_or(&state.name);
            let leaf = |name: String, kind| Op::Leaf(Leaf { name, kind });
            let carry = LeafKind::Hyperparameter {
                base: format!("carry_{base}"),
                may_be_zero: false,
            };
            let carry = leaf(format!("carry_{}", state.name), carry);
            let carry = self.graph.push(carry, Shape::scalar())?;
            let given = leaf(format!("given.{}", state.name), LeafKind::Data);
            let given = self.graph.push(given, shape.clone())?;
            let square = Op::Binary(Binary::Mul, given, given);
            let square = self.graph.push(square, shape.clone())?;
            state.initial = self
                .graph
                .push(Op::Binary(Binary::Mul, carry, square), shape)?;
        }
        self.first_step = 2;
        Ok(self)
    }
}

/// Collects what makes a graph a step.
#[derive(Debug, Default)]
pub struct StepBuilder {
    builder: Builder,
    parts: RefCell<Parts>,
    storage: Cell<Option<FloatFormat>>,
}

#[derive(Debug, Default)]
struct Parts {
    loss: Option<NodeId>,
    parameters: Vec<(String, NodeId, Option<NodeId>)>,
    states: Vec<(String, NodeId, NodeId, Option<NodeId>)>,
    outputs: Vec<Output>,
}

impl std::ops::Deref for StepBuilder {
    type Target = Builder;
    fn deref(&self) -> &Builder {
        &self.builder
    }
}

impl StepBuilder {
    /// An empty step.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a trained tensor. Asking again for the same one gives the same leaf.
    pub fn parameter(&self, name: &str, rows: &Dim, cols: &Dim) -> Expr<'_> {
        let shape = Shape::new(rows.clone(), cols.clone());
        let leaf = self.builder.leaf(name, LeafKind::Parameter, shape);
        let known = &mut self.parts.borrow_mut().parameters;
        if !known.iter().any(|(_, id, _)| *id == leaf.id()) {
            known.push((name.to_owned(), leaf.id(), None));
        }
        leaf
    }

    /// The parameters declared so far, in order.
    pub fn parameters(&self) -> Vec<(String, NodeId)> {
        let parts = self.parts.borrow();
        parts
            .parameters
            .iter()
            .map(|(name, id, _)| (name.clone(), *id))
            .collect()
    }

    /// The leaf or labelled node called `name`.
    pub fn find(&self, name: &str) -> Option<Expr<'_>> {
        let id = {
            let graph = self.builder.graph();
            graph
                .leaf(name)
                .or_else(|| graph.ids().find(|id| graph.label(*id) == Some(name)))
        };
        id.map(|id| self.builder.at(id))
    }

    /// `true` if a leaf has a dimension of this name.
    pub fn has_dimension(&self, name: &str) -> bool {
        let graph = self.builder.graph();
        let mut shapes = graph.leaves().map(|(_, id)| &graph.node(id).shape);
        shapes.any(|s| s.rows.names().chain(s.cols.names()).any(|n| n == name))
    }

    /// The names of all leaves and labelled nodes.
    pub fn quantities(&self) -> Vec<String> {
        let graph = self.builder.graph();
        let leaves = graph.leaves().map(|(name, _)| name.to_owned());
        let labels = graph
            .ids()
            .filter_map(|id| graph.label(id).map(str::to_owned));
        leaves.chain(labels).collect()
    }

    /// Declares optimizer memory with the given first value, which may depend on
    /// hyperparameters, data and initial parameters.
    pub fn state(&self, name: &str, initial: Expr<'_>) -> Expr<'_> {
        let leaf = self
            .builder
            .leaf(&format!("state.{name}"), LeafKind::State, initial.shape());
        self.parts
            .borrow_mut()
            .states
            .push((name.to_owned(), leaf.id(), initial.id(), None));
        leaf
    }

    /// Declares optimizer memory that starts at zero.
    pub fn zero_state(&self, name: &str, shape: &Shape) -> Expr<'_> {
        let zero = self.builder.ratio(0, 1).broadcast_to(shape);
        self.state(name, zero)
    }

    /// From here on the next value of every parameter is rounded into `format`; states are not.
    pub fn store_parameters_in(&self, format: Option<FloatFormat>) {
        self.storage.set(format);
    }

    /// Sets the next value of a parameter or state.
    pub fn update<'g>(&'g self, leaf: Expr<'g>, mut next: Expr<'g>) {
        let (have, want) = (next.shape(), leaf.shape());
        if have != want {
            self.builder.fail(GraphError::Shape {
                operation: "update",
                left: want,
                right: have,
            });
        }
        let trained = |id| self.parameters().iter().any(|(_, p)| *p == id);
        if let Some(format) = self.storage.get()
            && trained(leaf.id())
        {
            next = next.cast(format);
        }
        let mut parts = self.parts.borrow_mut();
        let Parts {
            parameters, states, ..
        } = &mut *parts;
        let slot = parameters
            .iter_mut()
            .map(|(_, id, next)| (*id, next))
            .chain(states.iter_mut().map(|(_, id, _, next)| (*id, next)))
            .find(|(id, _)| *id == leaf.id());
        match slot {
            Some((_, empty @ None)) => *empty = Some(next.id()),
            Some(_) => self.incomplete(leaf, "is updated twice"),
            None => self.incomplete(leaf, "is neither a parameter nor a state"),
        }
    }

    fn incomplete(&self, leaf: Expr<'_>, what: &str) {
        let name = self.builder.graph().describe(leaf.id());
        self.builder
            .fail(GraphError::Incomplete(format!("`{name}` {what}")));
    }

    /// Sets the loss.
    pub fn set_loss(&self, loss: Expr<'_>) {
        if !loss.shape().is_scalar() {
            self.builder.fail(GraphError::Incomplete(format!(
                "the loss has shape {}, not 1 × 1",
                loss.shape()
            )));
        }
        self.parts.borrow_mut().loss = Some(loss.id());
    }

    /// Names a quantity of interest. Saying the same again changes nothing.
    pub fn output(&self, name: &str, value: Expr<'_>) {
        let node = value.named(name).id();
        let known = &mut self.parts.borrow_mut().outputs;
        if !known.iter().any(|o| o.name == name && o.node == node) {
            let name = name.to_owned();
            known.push(Output { name, node });
        }
    }

    /// The finished step.
    ///
    /// # Errors
    /// The first mistake made while building; [`GraphError::Incomplete`] when the loss is
    /// missing, a parameter or state has no next value, or a first value depends on the step
    /// number or on a state.
    pub fn finish(self) -> Result<StepGraph, GraphError> {
        let graph = self.builder.finish()?;
        let parts = self.parts.into_inner();
        let loss = parts
            .loss
            .ok_or_else(|| GraphError::Incomplete("no loss is set".into()))?;
        let missing = |name: &str| GraphError::Incomplete(format!("`{name}` has no next value"));
        let parameters = parts
            .parameters
            .into_iter()
            .map(|(name, leaf, next)| match next {
                Some(next) => Ok(ParameterUpdate { name, leaf, next }),
                None => Err(missing(&name)),
            })
            .collect::<Result<_, _>>()?;
        let states = parts
            .states
            .into_iter()
            .map(|(name, leaf, initial, next)| match next {
                Some(next) => Ok(StateUpdate {
                    name,
                    leaf,
                    initial,
                    next,
                }),
                None => Err(missing(&name)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let early = graph.cone(states.iter().map(|s| s.initial));
        for id in graph.ids().filter(|id| early[id.index()]) {
            if let Op::Leaf(leaf) = &graph.node(id).op
                && matches!(leaf.kind, LeafKind::State | LeafKind::StepNumber)
            {
                return Err(GraphError::Incomplete(format!(
                    "the first value of a state depends on `{}`",
                    leaf.name
                )));
            }
        }
        Ok(StepGraph {
            graph,
            loss,
            parameters,
            states,
            outputs: parts.outputs,
            first_step: 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_becomes_a_setting_in_its_place() {
        let build = || {
            let step = StepBuilder::new();
            let a = step.parameter("A", &Dim::named("r"), &Dim::one());
            let lr = step.hyperparameter("lr", "lr", false);
            step.set_loss(a.square().sum());
            step.update(a, a - lr * (a + step.ratio(1, 1000)) / step.ratio(1, 1000));
            step.finish().unwrap()
        };
        let step = build();
        assert_eq!(step, build());
        let is = |id: &NodeId| matches!(step.graph.node(*id).op, Op::Constant(_));
        let constant = step.graph.ids().find(is).unwrap();
        let free = step.with_constant_as_setting(constant, "eps").unwrap();
        assert_ne!(step, free);
        assert_eq!(free.graph.leaf("eps"), Some(constant));
        assert_eq!(free.graph.nodes().len(), step.graph.nodes().len());
        let names: Vec<&str> = free.hyperparameters().map(|(name, ..)| name).collect();
        assert_eq!(names, ["eps", "lr"]);
        for id in step.graph.ids().filter(|id| *id != constant) {
            assert_eq!(step.graph.node(id), free.graph.node(id));
        }
        let clash = step.with_constant_as_setting(constant, "lr");
        assert_eq!(clash, Err(GraphError::NameClash("lr".into())));
        let other = step.with_constant_as_setting(step.loss, "eps");
        assert!(matches!(other, Err(GraphError::NotAConstant(_))));
        let twice = free.with_constant_as_setting(constant, "eps2");
        assert_eq!(twice, Err(GraphError::NotAConstant("eps".into())));
    }
}
