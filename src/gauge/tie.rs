//! Constraints that tie parameters to each other, found by leaving them out.

use std::collections::BTreeSet;

use super::constrain::{Equation, Origin, System};
use super::infer::solve;
use super::irreducible::{distinct, irreducible};
use super::linear::Echelon;
use super::rule::{Options, Weight};
use super::words::{call, meeting, origin_place, show_weight};
use crate::arith::Ratio;
use crate::graph::{LeafKind, NodeId, Op, StepGraph, Unary};

/// A constraint whose removal alone would let one more parameter scale freely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TieConflict {
    /// The name of the place.
    pub node: String,
    /// The conflict there, with the weights of the two sides.
    pub because: String,
    /// The base name of the hyperparameter whose copies are one number, if that is the tie.
    pub tied: Option<String>,
}

/// Constraints whose removal, one after the other, frees one more parameter each. Shared
/// hyperparameters are named first: they are the user's choice and the easiest to mend.
pub(super) fn tie_conflicts(step: &StepGraph, options: &Options) -> Vec<TieConflict> {
    let mut system = System::<Ratio>::new(step, options, &BTreeSet::new());
    let tail = system.first_parameter();
    let mut ties = Vec::new();
    // Every round removes an equation, so this ends.
    loop {
        if let Some((equation, without)) = single_tie(step, &system, tail) {
            ties.push(tie_in_words(step, &equation, &without));
            system = without;
            continue;
        }
        if let Some((together, without)) = shared_together(step, &system, tail) {
            ties.extend(together);
            system = without;
            continue;
        }
        // A tie that shows only once nothing is shared.
        let apart = without_shared(step, &system, &shared_bases(step, &system));
        let Some((equation, without)) = single_tie(step, &apart, tail) else {
            return ties;
        };
        ties.push(tie_in_words(step, &equation, &without));
        system = drop_equation(&system, &equation);
    }
}

/// The equation whose removal alone frees a parameter, and the system without it: a shared
/// hyperparameter if there is one, else the first in the order of the graph, what makes up the
/// loss last: that is what is to be kept.
fn single_tie(
    step: &StepGraph,
    system: &System<Ratio>,
    tail: usize,
) -> Option<(Equation<Ratio>, System<Ratio>)> {
    let before = pinned(system, tail);
    let forward = step.graph.cone([step.loss]);
    // An equation that matters alone is in every conflicting set, hence in this one.
    irreducible(system.columns.len(), tail, &distinct(system))
        .into_iter()
        .filter_map(|equation| {
            let without = drop_equation(system, equation);
            (pinned(&without, tail) < before).then(|| (equation.clone(), without))
        })
        .min_by_key(|(equation, _)| {
            let is_tie = matches!(equation.origin, Origin::Tie { .. });
            let at = equation.origin.node().map_or(usize::MAX, NodeId::index);
            (!is_tie, forward.get(at).copied().unwrap_or(false), at)
        })
}

/// Shared hyperparameters that tie parameters only together: an irreducible set of base names
/// which, each given a value per factor, frees what their removal can free.
fn shared_together(
    step: &StepGraph,
    system: &System<Ratio>,
    tail: usize,
) -> Option<(Vec<TieConflict>, System<Ratio>)> {
    let all = shared_bases(step, system);
    let best = pinned(&without_shared(step, system, &all), tail);
    if best == pinned(system, tail) {
        return None;
    }
    let mut needed = all.clone();
    for base in &all {
        let mut fewer = needed.clone();
        fewer.remove(base);
        if pinned(&without_shared(step, system, &fewer), tail) == best {
            needed = fewer;
        }
    }
    let without = without_shared(step, system, &needed);
    let mut seen = BTreeSet::new();
    let ties = system
        .equations
        .iter()
        .filter(|e| shared_base(step, e).is_some_and(|b| needed.contains(b) && seen.insert(b)))
        .map(|e| tie_in_words(step, e, &without))
        .collect();
    Some((ties, without))
}

fn shared_base<'s>(step: &'s StepGraph, equation: &Equation<Ratio>) -> Option<&'s String> {
    let Origin::Tie { first, .. } = equation.origin else {
        return None;
    };
    match &step.graph.leaf_at(first)?.kind {
        LeafKind::Hyperparameter { base, .. } => Some(base),
        _ => None,
    }
}

fn shared_bases(step: &StepGraph, system: &System<Ratio>) -> BTreeSet<String> {
    let bases = system.equations.iter().filter_map(|e| shared_base(step, e));
    bases.cloned().collect()
}

fn without_shared(
    step: &StepGraph,
    system: &System<Ratio>,
    bases: &BTreeSet<String>,
) -> System<Ratio> {
    let mut without = system.clone();
    without
        .equations
        .retain(|e| shared_base(step, e).is_none_or(|base| !bases.contains(base)));
    without
}

/// The number of parameters that are determined by the others.
fn pinned(system: &System<Ratio>, tail: usize) -> usize {
    let mut echelon = Echelon::new(system.columns.len());
    for equation in system.equations.iter().filter(|e| e.core) {
        echelon.insert(&equation.form);
    }
    echelon.determined_from(tail)
}

fn drop_equation(system: &System<Ratio>, gone: &Equation<Ratio>) -> System<Ratio> {
    let monic = gone.form.monic();
    let mut without = system.clone();
    without.equations.retain(|e| e.form.monic() != monic);
    without
}

fn tie_in_words(
    step: &StepGraph,
    equation: &Equation<Ratio>,
    without: &System<Ratio>,
) -> TieConflict {
    let rule = solve(step, without);
    let weight = |id: NodeId| -> Weight { rule.node_weight(id) };
    let heavy = |id: NodeId| format!("a quantity of weight {}", show_weight(&weight(id)));
    let node = origin_place(step, &equation.origin);
    let differ = |a: NodeId, b: NodeId, what: &str| {
        let (wa, wb) = (show_weight(&weight(a)), show_weight(&weight(b)));
        let (a, b) = (call(step, a), call(step, b));
        format!("{what}: {a} would weigh {wa} and {b} {wb}")
    };
    let because = match &equation.origin {
        Origin::Equal {
            node: at,
            left,
            right,
        } => {
            format!(
                "`{node}` {}",
                meeting(step, *at, &heavy(*left), &heavy(*right))
            )
        }
        Origin::Weightless { node: at, operand } => match &step.graph.node(*at).op {
            Op::Unary(Unary::Cast(format), _) => format!(
                "`{node}` rounds {} to {}, which commutes with powers of two only",
                heavy(*operand),
                format.name()
            ),
            _ => format!(
                "`{node}` needs {} to have weight 0, but it would be {}",
                call(step, *operand),
                show_weight(&weight(*operand))
            ),
        },
        Origin::Update { leaf, next } => differ(
            *leaf,
            *next,
            "the next value must weigh what the current one does",
        ),
        Origin::Initial { leaf, initial } => differ(
            *leaf,
            *initial,
            "the first value must weigh what the later ones do",
        ),
        Origin::Tie { first, second } => {
            let base = rule.bases.get(&step.graph.describe(*first));
            let base = base.map_or("it", String::as_str);
            differ(
                *first,
                *second,
                &format!("`{base}` is one number for all factors"),
            )
        }
        Origin::Loss => "the loss must not change".to_owned(),
        Origin::Kept { output } => format!("{} must not change", call(step, *output)),
        Origin::Held { leaf }
        | Origin::Claimed { leaf, .. }
        | Origin::ClaimedInitial { leaf, .. } => {
            let weight = show_weight(&weight(*leaf));
            format!("{} is fixed, but would weigh {weight}", call(step, *leaf))
        }
    };
    let tied = match &equation.origin {
        Origin::Tie { first, .. } => rule.bases.get(&step.graph.describe(*first)).cloned(),
        _ => None,
    };
    TieConflict {
        node,
        because,
        tied,
    }
}
