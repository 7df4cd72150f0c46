//! The quantities of a step that are worth showing, each as an equation over the others.

use std::collections::{BTreeMap, HashSet};

use num_traits::Zero;

use super::latex::Latex;
use super::mathml::MathMl;
use super::plain::Plain;
use super::symbol::{Instant, Symbol};
use super::walk::{Walker, value_of};
use crate::graph::{Graph, NodeId, Op, StepGraph, Unary};

/// A quantity of the step with its formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The node that computes it.
    pub node: NodeId,
    /// Its name: the label of the node, `u_1`, `u_2`, … for what has none, `A⁺` for the next
    /// value of `A`, `x⁽⁰⁾` for the first value of a state `x`.
    pub name: String,
    /// The equation as plain text, with Python's operators and precedence.
    pub text: String,
    /// The equation as LaTeX mathematics (`amsmath`), without delimiters.
    pub latex: String,
    /// The equation as `<math display="block">…</math>`.
    pub mathml: String,
}

/// The cost of an unnamed node, in symbols, from which a part of it is given a name.
const LONGEST: usize = 24;
/// The least cost of a node that is given a name when it is used more than once.
const WORTH_SHARING: usize = 6;

/// The quantities worth showing, operands first: labelled nodes, the loss, large shared
/// intermediate results, first values other than zero, and the next value of every state and
/// parameter. Leaves are not among them.
pub fn definitions(step: &StepGraph) -> Vec<Definition> {
    let graph = &step.graph;
    let shown = Shown::of(step);
    let name = |id: NodeId| shown.symbol_of(graph, id);
    let line = |node: NodeId, symbol: &Symbol, written_out: bool| Definition {
        node,
        name: symbol.plain(),
        text: walker(graph, Plain, name).equation(symbol, node, written_out),
        latex: walker(graph, Latex, name).equation(symbol, node, written_out),
        mathml: walker(graph, MathMl, name).equation(symbol, node, written_out),
    };
    shown
        .lines
        .iter()
        .map(|(node, symbol)| {
            // A second name of the same node is an equation between the two names.
            let leaf = graph.leaf_at(*node).is_some();
            let defines = !leaf && shown.symbols.get(node) == Some(symbol);
            line(*node, symbol, defines)
        })
        .collect()
}

fn walker<S, N>(graph: &Graph, style: S, name: N) -> Walker<'_, S, N> {
    Walker { graph, style, name }
}

/// The choice of what is shown under which name.
struct Shown {
    /// The name by which other formulas refer to a node.
    symbols: BTreeMap<NodeId, Symbol>,
    /// The equations, in order.
    lines: Vec<(NodeId, Symbol)>,
    /// Names of leaves, as written.
    leaves: BTreeMap<NodeId, Symbol>,
}

impl Shown {
    fn of(step: &StepGraph) -> Self {
        let graph = &step.graph;
        let tensors: Vec<&str> = step.parameters.iter().map(|p| p.name.as_str()).collect();
        let leaf_names: HashSet<&str> = graph.leaves().map(|(name, _)| name).collect();
        // A state is written without `state.` unless that would name something else too.
        let short = |name: &str| -> String {
            match name.strip_prefix("state.") {
                Some(rest) if !leaf_names.contains(rest) => rest.to_owned(),
                _ => name.to_owned(),
            }
        };
        let leaves = graph
            .leaves()
            .map(|(name, id)| (id, Symbol::new(&short(name), &tensors, Instant::Now)))
            .collect();
        let mut shown = Self {
            symbols: BTreeMap::new(),
            lines: vec![],
            leaves,
        };
        let inside = graph.cone(step.roots());
        let labelled = graph.ids().filter(|id| inside[id.index()]);
        for (id, label) in labelled.filter_map(|id| Some((id, graph.label(id)?))) {
            if graph.leaf_at(id).is_none() {
                shown.add(id, Symbol::new(label, &tensors, Instant::Now));
            }
        }
        if !shown.symbols.contains_key(&step.loss) {
            shown.add(step.loss, Symbol::new("loss", &tensors, Instant::Now));
        }
        for state in &step.states {
            let name = short(&format!("state.{}", state.name));
            if !is_zero(graph, state.initial) {
                let first = Symbol::new(&name, &tensors, Instant::First);
                shown.add(state.initial, first);
            }
            shown.add(state.next, Symbol::new(&name, &tensors, Instant::Next));
        }
        for p in &step.parameters {
            shown.add(p.next, Symbol::new(&p.name, &tensors, Instant::Next));
        }
        shown.name_large_parts(graph, &tensors);
        // Stable: several names of one node stay in the order in which they were given.
        shown.lines.sort_by_key(|(id, _)| *id);
        shown
    }

    fn add(&mut self, id: NodeId, symbol: Symbol) {
        self.lines.push((id, symbol.clone()));
        self.symbols.entry(id).or_insert(symbol);
    }

    fn symbol_of(&self, graph: &Graph, id: NodeId) -> Option<Symbol> {
        match graph.node(id).op {
            Op::Leaf(_) => self.leaves.get(&id).cloned(),
            Op::Constant(_) | Op::Count(_) => None,
            _ => self.symbols.get(&id).cloned(),
        }
    }

    /// Names what is large and used twice, and cuts what is longer than a line.
    fn name_large_parts(&mut self, graph: &Graph, tensors: &[&str]) {
        let inside = graph.cone(self.symbols.keys().copied());
        let mut uses = vec![0usize; graph.nodes().len()];
        for id in graph.ids().filter(|id| inside[id.index()]) {
            let mut operands = operands(graph, id);
            operands.sort_unstable();
            operands.dedup();
            for x in operands {
                uses[x.index()] += 1;
            }
        }
        let mut cost = vec![1usize; graph.nodes().len()];
        let mut fresh = vec![];
        for id in graph.ids().filter(|id| inside[id.index()]) {
            let mut operands = operands(graph, id);
            operands.sort_unstable();
            operands.dedup();
            let price = |this: &Self, x: NodeId, cost: &[usize]| match this.symbol_of(graph, x) {
                Some(_) => 1,
                None => cost[x.index()],
            };
            loop {
                let total = 1 + operands
                    .iter()
                    .map(|x| price(self, *x, &cost))
                    .sum::<usize>();
                cost[id.index()] = total;
                let largest = operands
                    .iter()
                    .copied()
                    .max_by_key(|x| price(self, *x, &cost));
                match largest {
                    Some(x) if total > LONGEST && price(self, x, &cost) >= WORTH_SHARING => {
                        fresh.push(x);
                        self.symbols.insert(x, unnamed());
                    }
                    _ => break,
                }
            }
            let copy = value_of(graph, id) != id;
            if !copy
                && uses[id.index()] > 1
                && cost[id.index()] >= WORTH_SHARING
                && !self.symbols.contains_key(&id)
            {
                fresh.push(id);
                self.symbols.insert(id, unnamed());
            }
        }
        fresh.sort_unstable();
        for (i, id) in fresh.into_iter().enumerate() {
            let symbol = Symbol::new(&format!("u_{}", i + 1), tensors, Instant::Now);
            self.lines.push((id, symbol.clone()));
            self.symbols.insert(id, symbol);
        }
    }
}

/// A place holder: numbers are given once all parts are known, so that they run in order.
fn unnamed() -> Symbol {
    Symbol::new("u", &[], Instant::Now)
}

fn operands(graph: &Graph, id: NodeId) -> Vec<NodeId> {
    let direct = graph.node(id).op.operands();
    direct.into_iter().map(|x| value_of(graph, x)).collect()
}

fn is_zero(graph: &Graph, mut id: NodeId) -> bool {
    loop {
        match &graph.node(id).op {
            Op::Constant(q) => return q.is_zero(),
            Op::Unary(Unary::Broadcast | Unary::Detach, x) => id = *x,
            _ => return false,
        }
    }
}
