//! From a step graph to linear equations between weights.
//!
//! Operands stand before their users, so the weight of every node is a linear form over the
//! weights of the leaves; only operations that need *equal* weights, or weight 0, leave an
//! equation behind. This keeps the systems small: a few dozen unknowns, whatever the graph.

use std::collections::{BTreeMap, BTreeSet};

use super::field::Field;
use super::linear::Form;
use super::question::Symmetry;
use super::rule::Options;
use super::zero::zeros;
use crate::arith::Ratio;
use crate::fault::{Fault, planted};
use crate::graph::{Binary, Comparison, LeafKind, NodeId, Op, StepGraph, Unary};

/// An unknown of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    // The order of these variants is the order of elimination: where the equations leave a
    // choice, the weights of parameters stay free and the others are expressed through them.
    State(NodeId),
    Constant(NodeId),
    /// Later hyperparameters are expressed through earlier ones.
    Hyperparameter(std::cmp::Reverse<NodeId>),
    /// Later parameters are expressed through earlier ones.
    Parameter(std::cmp::Reverse<NodeId>),
    /// The exponent of `k` when a given map is judged.
    Power,
}

impl Column {
    /// The node whose weight this is.
    pub(super) fn node(self) -> Option<NodeId> {
        match self {
            Self::State(id) | Self::Constant(id) => Some(id),
            Self::Hyperparameter(id) | Self::Parameter(id) => Some(id.0),
            Self::Power => None,
        }
    }
}

/// The origin of an equation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// `node` needs operands of equal weight.
    Equal {
        node: NodeId,
        left: NodeId,
        right: NodeId,
    },
    /// `node` needs an operand of weight 0.
    Weightless { node: NodeId, operand: NodeId },
    /// The next value of a parameter or state has the weight of the current one.
    Update { leaf: NodeId, next: NodeId },
    /// The first value of a state has the weight of the state.
    Initial { leaf: NodeId, initial: NodeId },
    /// The loss does not change.
    Loss,
    /// An output does not change.
    Kept { output: NodeId },
    /// Two hyperparameters are one number.
    Tie { first: NodeId, second: NodeId },
    /// A leaf is held fixed.
    Held { leaf: NodeId },
    /// The map that is judged gives a hyperparameter this power of `k`.
    Claimed { leaf: NodeId, power: Ratio },
    /// The map that is judged gives a parameter's first value this power of `k`.
    ClaimedInitial { leaf: NodeId, power: Ratio },
}

impl Origin {
    /// The node whose operation asks for the equation; `None` where it comes from outside the
    /// formula.
    pub(super) fn node(&self) -> Option<NodeId> {
        match self {
            Self::Equal { node, .. } | Self::Weightless { node, .. } => Some(*node),
            _ => None,
        }
    }
}

/// A linear constraint `form = 0`.
#[derive(Debug, Clone)]
pub(super) struct Equation<F> {
    pub(super) form: Form<F>,
    pub(super) origin: Origin,
    /// `true` if the dynamics need it; otherwise only an output does.
    pub(super) core: bool,
}

/// The weights of a step as a linear system.
#[derive(Debug, Clone)]
pub(super) struct System<F> {
    pub(super) columns: Vec<Column>,
    /// The weight of each node; `None` where the node is zero or nobody reads it.
    pub(super) forms: Vec<Option<Form<F>>>,
    pub(super) equations: Vec<Equation<F>>,
    /// The nodes that must have a weight.
    pub(super) roots: Vec<NodeId>,
}

impl<F: Field> System<F> {
    /// The first column of a parameter; the columns from here on are parameters (and the
    /// power of `k`).
    pub(super) fn first_parameter(&self) -> usize {
        self.columns
            .partition_point(|c| !matches!(c, Column::Parameter(_) | Column::Power))
    }

    /// The constraints of `step`, where the hyperparameters in `zero_leaves` are zero.
    pub(super) fn new(step: &StepGraph, options: &Options, zero_leaves: &BTreeSet<NodeId>) -> Self {
        let mut zero_leaves = zero_leaves.clone();
        if let Some(parameters) = &options.first_step {
            zero_leaves.extend(super::zero::zero_at_first(step, parameters));
        }
        let zero = zeros(&step.graph, &zero_leaves);
        let roots = roots(step, options);
        let core = step.graph.cone(roots.iter().copied());
        let live = step.graph.cone(step.roots().chain(roots.iter().copied()));
        let mut columns: Vec<Column> = step
            .graph
            .ids()
            .filter(|id| live[id.index()] && !zero[id.index()])
            .filter_map(|id| column(step, options, id))
            .collect();
        columns.sort();
        let column_of = columns
            .iter()
            .enumerate()
            .filter_map(|(i, c)| Some((c.node()?, i)))
            .collect();
        let mut walk = Walk {
            step,
            powers_of_two: options.powers_of_two,
            column_of,
            zero,
            core,
            forms: Vec::with_capacity(step.graph.nodes().len()),
            equations: Vec::new(),
        };
        for id in step.graph.ids() {
            let form = (live[id.index()] && !walk.zero[id.index()]).then(|| walk.weight(id));
            walk.forms.push(form);
        }
        walk.ends(options);
        walk.ties(options);
        Self {
            columns,
            forms: walk.forms,
            equations: walk.equations,
            roots,
        }
    }

    /// Adds the power of `k` as the last unknown, and that a map gives each of these leaves this
    /// power.
    pub(super) fn claim(
        &mut self,
        hyperparameters: &BTreeMap<NodeId, Ratio>,
        initial: &BTreeMap<NodeId, Ratio>,
    ) {
        let power_column = self.columns.len();
        self.columns.push(Column::Power);
        let claims = hyperparameters
            .iter()
            .map(|(&leaf, power)| Origin::Claimed {
                leaf,
                power: power.clone(),
            })
            .chain(initial.iter().map(|(&leaf, power)| Origin::ClaimedInitial {
                leaf,
                power: power.clone(),
            }));
        for origin in claims {
            let (Origin::Claimed { leaf, power } | Origin::ClaimedInitial { leaf, power }) =
                &origin
            else {
                continue;
            };
            // A leaf that nobody reads, or that is zero, has no weight to compare.
            if let Some(form) = &self.forms[leaf.index()] {
                self.equations.push(Equation {
                    form: form.minus(&Form::unknown(power_column).scaled(&F::of(power))),
                    origin,
                    core: true,
                });
            }
        }
    }
}

/// The nodes that must have a weight: loss, outputs that are kept, next values and first states. Of the
/// latter those alone on which loss and kept outputs depend, at this step or a later one, where
/// only these are asked for.
pub(super) fn roots(step: &StepGraph, options: &Options) -> Vec<NodeId> {
    let outputs = step.outputs.iter();
    let kept = outputs.filter(|o| options.kept.contains(&o.name));
    let mut roots: Vec<NodeId> = kept.map(|o| o.node).collect();
    if !(options.only_seen && options.free_loss) {
        roots.push(step.loss);
    }
    if options.first_step.is_some() {
        roots.extend(step.parameters.iter().map(|p| p.next));
        let seen = step.graph.cone(roots.iter().copied());
        let read = step.states.iter().filter(|s| seen[s.leaf.index()]);
        roots.extend(read.map(|s| s.initial));
        return roots;
    }
    let parameters = step.parameters.iter().map(|p| (p.leaf, p.leaf, p.next));
    let states = step.states.iter().map(|s| (s.leaf, s.initial, s.next));
    let mut carried: Vec<(NodeId, NodeId, NodeId)> = parameters.chain(states).collect();
    loop {
        let seen = step.graph.cone(roots.iter().copied());
        let (more, rest): (Vec<_>, Vec<_>) = carried
            .into_iter()
            .partition(|(leaf, ..)| !options.only_seen || seen[leaf.index()]);
        if more.is_empty() {
            return roots;
        }
        roots.extend(more.into_iter().flat_map(|(a, b, c)| [a, b, c]));
        carried = rest;
    }
}

fn column(step: &StepGraph, options: &Options, id: NodeId) -> Option<Column> {
    match &step.graph.node(id).op {
        Op::Leaf(leaf) => match leaf.kind {
            LeafKind::Parameter => Some(Column::Parameter(std::cmp::Reverse(id))),
            LeafKind::State => Some(Column::State(id)),
            LeafKind::Hyperparameter { .. } => Some(Column::Hyperparameter(std::cmp::Reverse(id))),
            LeafKind::Data | LeafKind::StepNumber => None,
        },
        Op::Constant(_) if options.free_constants.contains(&id) => Some(Column::Constant(id)),
        _ => None,
    }
}

struct Walk<'a, F> {
    step: &'a StepGraph,
    powers_of_two: bool,
    column_of: BTreeMap<NodeId, usize>,
    zero: Vec<bool>,
    core: Vec<bool>,
    forms: Vec<Option<Form<F>>>,
    equations: Vec<Equation<F>>,
}

impl<F: Field> Walk<'_, F> {
    /// The weight of a node; of a zero, which has every weight, the one with no terms.
    fn form(&self, id: NodeId) -> Form<F> {
        self.forms
            .get(id.index())
            .and_then(Clone::clone)
            .unwrap_or_else(Form::zero)
    }

    fn is_zero(&self, id: NodeId) -> bool {
        self.zero[id.index()]
    }

    fn require(&mut self, form: Form<F>, origin: Origin, core: bool) {
        if !form.is_zero() {
            self.equations.push(Equation { form, origin, core });
        }
    }

    /// Operands that must weigh the same. A zero fits everything. The common weight.
    fn equal(&mut self, node: NodeId, left: NodeId, right: NodeId) -> Form<F> {
        if self.is_zero(left) {
            return self.form(right);
        }
        if !self.is_zero(right) {
            let form = self.form(left).minus(&self.form(right));
            self.require(
                form,
                Origin::Equal { node, left, right },
                self.core[node.index()],
            );
        }
        self.form(left)
    }

    /// Operands that must weigh 0. The weight of a result that then weighs 0, too.
    fn weightless(&mut self, node: NodeId, operands: &[NodeId]) -> Form<F> {
        for &operand in operands {
            if !self.is_zero(operand) {
                let form = self.form(operand);
                self.require(
                    form,
                    Origin::Weightless { node, operand },
                    self.core[node.index()],
                );
            }
        }
        Form::zero()
    }

    fn weight(&mut self, id: NodeId) -> Form<F> {
        let scaling = F::SYMMETRY == Symmetry::Scaling;
        match self.step.graph.node(id).op.clone() {
            Op::Leaf(_) | Op::Constant(_) | Op::Count(_) | Op::Identity(_) => {
                match self.column_of.get(&id) {
                    Some(column) => Form::unknown(*column),
                    None => Form::zero(),
                }
            }
            Op::Unary(op, x) => match op {
                Unary::Neg | Unary::Transpose | Unary::Detach | Unary::SumTo | Unary::Broadcast => {
                    self.form(x)
                }
                // |−x| = |x| and sign(c·x) = sign(x) for positive c.
                Unary::Abs if scaling => self.form(x),
                Unary::Abs => Form::zero(),
                Unary::Sign if scaling => Form::zero(),
                Unary::Sign => self.form(x),
                Unary::RowMax if scaling => self.form(x),
                // (c·X)⁻¹ = c⁻¹·X⁻¹ for either sign of c.
                Unary::Inverse => Form::zero().minus(&self.form(x)),
                Unary::Sqrt | Unary::MatrixSqrt if scaling => {
                    let half = F::unit().plus(&F::unit()).inverse();
                    let whole = planted(Fault::RootNotHalved);
                    self.form(x).scaled(&if whole { F::unit() } else { half })
                }
                // Rounding commutes with a change of sign, and with scaling only by powers of two.
                Unary::Cast(_) if !scaling || self.powers_of_two => self.form(x),
                Unary::RowMax
                | Unary::Cast(_)
                | Unary::MatrixSqrt
                | Unary::Sqrt
                | Unary::Function(_)
                | Unary::OpaqueLoss
                | Unary::OpaqueGradient => self.weightless(id, &[x]),
            },
            Op::Binary(op, x, y) => match op {
                Binary::Mul | Binary::MatMul => self.form(x).plus(&self.form(y)),
                Binary::Div => self.form(x).minus(&self.form(y)),
                Binary::Add if planted(Fault::SumUnconstrained) && !self.is_zero(x) => self.form(x),
                Binary::Add | Binary::Sub => self.equal(id, x, y),
                Binary::Max | Binary::Min if scaling => self.equal(id, x, y),
                Binary::Atan2 if scaling => {
                    self.equal(id, x, y);
                    Form::zero()
                }
                Binary::Max | Binary::Min | Binary::Power | Binary::Atan2 => {
                    self.weightless(id, &[x, y])
                }
            },
            Op::Select {
                comparison,
                lhs,
                rhs,
                then,
                otherwise,
            } => {
                // An order is not preserved by a change of sign; an equality is.
                if planted(Fault::ComparisonUnconstrained) {
                    return self.equal(id, then, otherwise);
                }
                if scaling || comparison == Comparison::Equal {
                    self.equal(id, lhs, rhs);
                } else {
                    self.weightless(id, &[lhs, rhs]);
                }
                self.equal(id, then, otherwise)
            }
        }
    }

    /// The equations between the end of a step and the beginning of the next.
    fn ends(&mut self, options: &Options) {
        let step = self.step;
        let updates = step.parameters.iter().map(|p| (p.leaf, p.next));
        let carried = updates.chain(step.states.iter().map(|s| (s.leaf, s.next)));
        for (leaf, next) in carried.filter(|_| options.first_step.is_none()) {
            if self.core[leaf.index()] && !self.is_zero(next) {
                let form = self.form(leaf).minus(&self.form(next));
                self.require(form, Origin::Update { leaf, next }, true);
            }
        }
        for s in &step.states {
            if self.core[s.leaf.index()] && !self.is_zero(s.initial) {
                let form = self.form(s.leaf).minus(&self.form(s.initial));
                let (leaf, initial) = (s.leaf, s.initial);
                self.require(form, Origin::Initial { leaf, initial }, true);
            }
        }
        if !self.is_zero(step.loss) && !options.free_loss {
            self.require(self.form(step.loss), Origin::Loss, true);
        }
        for o in &step.outputs {
            if options.kept.contains(&o.name) && !self.is_zero(o.node) {
                self.require(self.form(o.node), Origin::Kept { output: o.node }, true);
            }
        }
    }

    fn ties(&mut self, options: &Options) {
        let mut first_of: BTreeMap<&str, NodeId> = BTreeMap::new();
        let graph = &self.step.graph;
        let (mut ties, mut held) = (Vec::new(), Vec::new());
        for (name, id) in graph.leaves() {
            if !self.column_of.contains_key(&id) {
                continue;
            }
            if options.held.contains(name) {
                held.push(id);
            }
            if let Some(LeafKind::Hyperparameter { base, .. }) = graph.leaf_at(id).map(|l| &l.kind)
                && options.tied.contains(base)
            {
                let first = *first_of.entry(base).or_insert(id);
                if first != id {
                    ties.push((first, id));
                }
            }
        }
        for group in &options.ties {
            let own = group.iter().filter_map(|name| graph.leaf(name));
            let own: Vec<NodeId> = own.filter(|id| self.column_of.contains_key(id)).collect();
            ties.extend(own.windows(2).map(|pair| (pair[0], pair[1])));
        }
        for (first, second) in ties {
            let form = self.form(first).minus(&self.form(second));
            self.require(form, Origin::Tie { first, second }, true);
        }
        for leaf in held {
            self.require(self.form(leaf), Origin::Held { leaf }, true);
        }
    }
}
