//! The reasons in words for which the parameters of a step cannot be scaled independently.

use std::collections::BTreeSet;

use num_traits::Zero;

use super::constrain::{Column, Equation, Origin, System};
use super::field::Field;
use super::infer::{constant_name, rule_of, solve};
use super::irreducible::{distinct, irreducible};
use super::name::generator_name;
use super::rule::{Options, Rule};
use super::tie::{TieConflict, tie_conflicts};
use super::words::{call, explain, meeting, origin_place, place, show_decimal, show_weight};
use crate::arith::{Ratio, show_ratio};
use crate::graph::{Binary, NodeId, Op, StepGraph, Unary};

/// The obstacles to scaling every parameter by a factor of its own.
#[derive(Debug, Clone)]
pub struct Conflicts {
    /// The number of trained tensors.
    pub parameters: usize,
    /// The number of them that can be scaled independently. No conflict where the two agree.
    pub independent: usize,
    /// The equations between the factors, for instance `p = q`; empty without conflict.
    pub remains: Vec<String>,
    /// Constants that would have to be rescaled.
    pub constants: Vec<ConstantConflict>,
    /// The places where parameters are tied to each other (or to a fixed size), after the constants above
    /// are set free.
    pub ties: Vec<TieConflict>,
    /// An irreducible set of constraints that together forbid independent scaling.
    pub smallest: Vec<Constraint>,
}

/// A constant (or two) that stops a scaling which would exist if it were rescaled.
#[derive(Debug, Clone)]
pub struct ConstantConflict {
    /// The constant, for instance `1e-6`.
    pub constant: String,
    /// The name of the place where it meets the quantity that it does not fit.
    pub node: String,
    /// The obstacle there, in words.
    pub because: String,
    /// `exact` when every parameter is free once the constant is rescaled (or gone), else
    /// `exact with` the ties that remain.
    pub without_it: String,
    /// The ties that remain between the parameters then, for instance `p = q`.
    pub remains: Vec<String>,
    /// The nodes of the constant: what to put into [`Options::free_constants`].
    pub freed: BTreeSet<NodeId>,
    /// The rule when it is rescaled; the weight that it would need is among the weights.
    pub rule: Rule,
}

/// One constraint of a conflicting set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// The name of the place where it arises.
    pub node: String,
    /// The constraint in words, with its equation between weights.
    pub says: String,
}

/// Explains what keeps the parameters of `step` from being scaled independently.
pub fn conflicts(step: &StepGraph, options: &Options) -> Conflicts {
    let rule = rule_of(step, options);
    let (parameters, independent) = (step.parameters.len(), rule.independent_parameters());
    let mut all = Conflicts {
        parameters,
        independent,
        remains: remaining(&rule),
        constants: Vec::new(),
        ties: Vec::new(),
        smallest: Vec::new(),
    };
    if independent == parameters {
        return all;
    }
    all.constants = constant_conflicts(step, options, independent);
    let mut relaxed = options.clone();
    for conflict in &all.constants {
        relaxed.free_constants.extend(&conflict.freed);
    }
    all.ties = tie_conflicts(step, &relaxed);
    let system = System::<Ratio>::new(step, options, &BTreeSet::new());
    let tail = system.first_parameter();
    all.smallest = irreducible(system.columns.len(), tail, &distinct(&system))
        .into_iter()
        .map(|equation| constraint(step, &system, equation))
        .collect();
    all
}

/// One equation in words.
pub(super) fn constraint<F: Field>(
    step: &StepGraph,
    system: &System<F>,
    equation: &Equation<F>,
) -> Constraint {
    Constraint {
        node: origin_place(step, &equation.origin),
        says: explain(step, system, &equation.origin, &equation.form),
    }
}

/// Constants whose freedom raises the number of independent parameters: single ones, else pairs.
fn constant_conflicts(
    step: &StepGraph,
    options: &Options,
    independent: usize,
) -> Vec<ConstantConflict> {
    let live = step.graph.cone(super::constrain::roots(step, options));
    let candidates: Vec<NodeId> = step
        .graph
        .ids()
        .filter(|id| live[id.index()] && !options.free_constants.contains(id))
        .filter(|id| matches!(&step.graph.node(*id).op, Op::Constant(q) if !q.is_zero()))
        .collect();
    let attempt = |freed: BTreeSet<NodeId>| -> Option<ConstantConflict> {
        let mut relaxed = options.clone();
        relaxed.free_constants.extend(&freed);
        let system = System::<Ratio>::new(step, &relaxed, &BTreeSet::new());
        let rule = solve(step, &system);
        if rule.independent_parameters() <= independent {
            return None;
        }
        let first = *freed.first()?;
        let (node, because) = where_it_meets(step, &system, &rule, first);
        let shown: Vec<String> = freed.iter().map(|id| decimal_at(step, *id)).collect();
        let remains = remaining(&rule);
        Some(ConstantConflict {
            constant: shown.join(" and "),
            node,
            because,
            without_it: match remains.is_empty() {
                true => "exact".to_owned(),
                false => format!("exact with {}", remains.join(", ")),
            },
            remains,
            freed,
            rule,
        })
    };
    // A constant that only ever stands next to a sum, maximum or comparison is a threshold and
    // first to be suspected; one that is a factor somewhere rescales more than one place.
    let (thresholds, _): (Vec<NodeId>, Vec<NodeId>) = candidates
        .iter()
        .partition(|id| is_threshold(step, &live, **id));
    for set in [thresholds, candidates] {
        let single: Vec<_> = set.iter().filter_map(|id| attempt([*id].into())).collect();
        if !single.is_empty() {
            return single;
        }
        let pairs: Vec<_> = set
            .iter()
            .enumerate()
            .flat_map(|(i, a)| set[i + 1..].iter().map(move |b| [*a, *b].into()))
            .filter_map(attempt)
            .collect();
        if !pairs.is_empty() {
            return pairs;
        }
    }
    Vec::new()
}

/// `true` if every use of the constant puts it next to something of its own kind.
fn is_threshold(step: &StepGraph, live: &[bool], constant: NodeId) -> bool {
    let graph = &step.graph;
    let mut carried = vec![false; graph.nodes().len()];
    carried[constant.index()] = true;
    graph.ids().filter(|id| live[id.index()]).all(|id| {
        let op = &graph.node(id).op;
        if !op.any(|x| carried[x.index()]) {
            return true;
        }
        match op {
            Op::Unary(
                Unary::Neg | Unary::Broadcast | Unary::Detach | Unary::Transpose | Unary::SumTo,
                _,
            ) => {
                carried[id.index()] = true;
                true
            }
            Op::Binary(op, ..) => !matches!(op, Binary::Mul | Binary::Div | Binary::MatMul),
            Op::Select { .. } => true,
            Op::Unary(..) | Op::Leaf(_) | Op::Constant(_) | Op::Count(_) | Op::Identity(_) => false,
        }
    })
}

fn decimal_at(step: &StepGraph, id: NodeId) -> String {
    match &step.graph.node(id).op {
        Op::Constant(q) => show_decimal(q),
        _ => step.graph.describe(id),
    }
}

/// The place where a freed constant meets something whose weight it must take on.
fn where_it_meets(
    step: &StepGraph,
    system: &System<Ratio>,
    rule: &Rule,
    constant: NodeId,
) -> (String, String) {
    let column = system
        .columns
        .iter()
        .position(|c| *c == Column::Constant(constant));
    let carries = |id: NodeId| {
        let form = system.forms[id.index()].as_ref();
        column.is_some_and(|c| form.is_some_and(|f| f.coefficient(c).is_some()))
    };
    let shown = format!("the constant {}", decimal_at(step, constant));
    let condition = match remaining(rule) {
        none if none.is_empty() => String::new(),
        some => format!(" (with {})", some.join(", ")),
    };
    let sides = system.equations.iter().filter(|e| e.core).find_map(|e| {
        let Origin::Equal { node, left, right } = e.origin else {
            return None;
        };
        (carries(left) != carries(right)).then(|| (node, left, right, carries(left)))
    });
    let Some((node, left, right, constant_is_left)) = sides else {
        let weight = rule.weights.get(&constant_name(step, constant));
        let weight = show_weight(weight.map_or(&[], |w| w));
        return (
            place(step, constant),
            format!("{shown} would have to weigh {weight}{condition}"),
        );
    };
    let (carrier, other) = match constant_is_left {
        true => (left, right),
        false => (right, left),
    };
    let carrier = match call(step, carrier) {
        name if name == shown => name,
        name => format!("{name}, which holds {shown},"),
    };
    let other = format!(
        "a quantity of weight {}",
        show_weight(&rule.node_weight(other))
    );
    let what = match (constant_is_left, &step.graph.node(node).op) {
        // "adds 1e-6 to a norm" whatever the order of the two.
        (_, Op::Binary(Binary::Add, ..)) | (true, _) => meeting(step, node, &carrier, &other),
        (false, _) => meeting(step, node, &other, &carrier),
    };
    let name = place(step, node);
    let because = format!("`{name}` {what}{condition}");
    (name, because)
}

/// The relations between the factors of parameters that a rule leaves, for instance `p = q`.
fn remaining(rule: &Rule) -> Vec<String> {
    let taken = rule.generators.iter().map(|g| g.name.clone()).collect();
    let mut relations = Vec::new();
    for name in &rule.parameters {
        if rule.generators.iter().any(|g| g.leaf == *name) {
            continue;
        }
        let own = generator_name(name, &taken);
        let factors: Vec<String> = rule
            .generators
            .iter()
            .zip(&rule.weights[name])
            .filter(|(_, w)| !w.is_zero())
            .map(|(g, w)| match show_ratio(w).as_str() {
                "1" => g.name.clone(),
                w if w.contains(['-', '/']) => format!("{}^({w})", g.name),
                w => format!("{}^{w}", g.name),
            })
            .collect();
        relations.push(match factors.as_slice() {
            [] => format!("{own} = 1"),
            [one] if !one.contains('^') => format!("{one} = {own}"),
            _ => format!("{own} = {}", factors.join("·")),
        });
    }
    relations
}
