//! Solving for all weights at once: the rule of a step.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;

use super::certificate::Certificate;
use super::constrain::{Column, System};
use super::field::Field;
use super::linear::Echelon;
use super::name::generator_name;
use super::question::{Question, Symmetry};
use super::rule::{Generator, Options, Rule, Weight};
use super::words::show_decimal;
use crate::arith::Ratio;
use crate::fault::{Fault, planted};
use crate::graph::{LeafKind, NodeId, Op, StepGraph};

/// A rule together with what makes it checkable.
#[derive(Debug, Clone)]
pub struct Inference {
    /// The rule.
    pub rule: Rule,
    /// The question that the certificate must answer.
    pub question: Question,
    /// The weights of all nodes as data for [`super::check`].
    pub certificate: Certificate,
}

/// Derives every scaling that `step` obeys.
///
/// The rule is sound: what it gives is exact for all sizes, data and numbers of steps, with
/// positive factors (which [`super::check`] confirms from the certificate alone). It is complete
/// for scalings of whole tensors as far as local weights can see: cancellations, and constants
/// inside transcendental functions, are not looked through.
pub fn infer(step: &StepGraph, options: &Options) -> Inference {
    let system = System::<Ratio>::new(step, options, &BTreeSet::new());
    let mut rule = solve(step, &system);
    let question = question(options, &rule, Symmetry::Scaling);
    let certificate = Certificate::of_rule(step, question.clone(), &rule);
    plant(&mut rule);
    Inference {
        rule,
        question,
        certificate,
    }
}

/// The question that a certificate of `rule` must answer.
pub(super) fn question(options: &Options, rule: &Rule, symmetry: Symmetry) -> Question {
    let mut ties = options.ties.clone();
    let mut copies: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for (leaf, base) in rule.bases.iter().filter(|(_, b)| options.tied.contains(b)) {
        copies.entry(base).or_default().push(leaf.clone());
    }
    ties.extend(copies.into_values().filter(|group| group.len() > 1));
    let outputs = rule.outputs.iter().filter(|(_, weight)| weight.is_some());
    Question {
        symmetry,
        ties,
        held: options.held.clone(),
        free_loss: options.free_loss,
        powers_of_two: options.powers_of_two,
        free_constants: options.free_constants.iter().map(|c| c.index()).collect(),
        outputs: outputs.map(|(name, _)| name.clone()).collect(),
        kept: options.kept.clone(),
        whole: !options.only_seen,
        first_step: options.first_step.clone(),
        map: None,
    }
}

/// The rule that planted faults make of a rule.
fn plant(rule: &mut Rule) {
    let bases = rule.bases.clone();
    let is = |name: &String, base: &str| bases.get(name).is_some_and(|b| b == base);
    for (name, weight) in &mut rule.weights {
        let off = (planted(Fault::EpsWeightOff) && is(name, "eps"))
            || (planted(Fault::MomentWeightOff) && name.starts_with("state."))
            || (planted(Fault::ScalingWeightOff) && is(name, "s"));
        let negated = planted(Fault::LrWeightNegated) && is(name, "lr");
        let forgotten = planted(Fault::WeightDecayForgotten) && is(name, "weight_decay");
        for w in weight {
            if off {
                *w += Ratio::from_integer(1.into());
            }
            if negated {
                *w = -w.clone();
            }
            if forgotten {
                *w = Ratio::zero();
            }
        }
    }
}

/// The rule of `step` under `options`, without a certificate.
pub(super) fn rule_of(step: &StepGraph, options: &Options) -> Rule {
    solve(step, &System::<Ratio>::new(step, options, &BTreeSet::new()))
}

/// The equations of the dynamics in echelon form, and the outputs that fit them.
pub(super) fn eliminate<F: Field>(
    step: &StepGraph,
    system: &System<F>,
) -> (Echelon<F>, BTreeSet<String>) {
    let mut echelon = Echelon::new(system.columns.len());
    for equation in system.equations.iter().filter(|e| e.core) {
        echelon.insert(&equation.form);
    }
    let homogeneous = step
        .outputs
        .iter()
        .filter(|output| {
            let cone = step.graph.cone([output.node]);
            system.equations.iter().filter(|e| !e.core).all(|e| {
                let inside = e.origin.node().is_some_and(|id| cone[id.index()]);
                !inside || echelon.reduce(&e.form).is_zero()
            })
        })
        .map(|output| output.name.clone())
        .collect();
    (echelon, homogeneous)
}

/// All solutions of a system, as a rule. For parities the weights are 0 and 1.
pub(super) fn solve<F: Field>(step: &StepGraph, system: &System<F>) -> Rule {
    let (echelon, homogeneous) = eliminate(step, system);
    let mut free: Vec<usize> = echelon
        .free()
        // A state that nothing determines has no influence on parameters and hyperparameters;
        // weight 0 is as good as any.
        .filter(|&column| !matches!(system.columns[column], Column::State(_)))
        .collect();
    // Parameters first, in the order of the step; then hyperparameters.
    free.reverse();
    let solutions: Vec<Vec<F>> = free.iter().map(|&c| echelon.solution(c)).collect();
    let weight_at = |id: NodeId| -> Option<Weight> {
        let form = system.forms[id.index()].as_ref()?;
        Some(solutions.iter().map(|x| form.at(x).to_ratio()).collect())
    };
    let outputs = step.outputs.iter();
    let outputs = outputs.filter(|o| homogeneous.contains(&o.name));
    let wanted = system.roots.iter().copied();
    let needed = step.graph.cone(wanted.chain(outputs.map(|o| o.node)));
    let node_weights = step
        .graph
        .ids()
        .map(|id| {
            if needed[id.index()] {
                weight_at(id)
            } else {
                None
            }
        })
        .collect();
    let zero = vec![Ratio::zero(); free.len()];
    let (mut weights, mut bases) = (BTreeMap::new(), BTreeMap::new());
    for (name, id) in step.graph.leaves() {
        let Some(leaf) = step.graph.leaf_at(id) else {
            continue;
        };
        if let LeafKind::Hyperparameter { base, .. } = &leaf.kind {
            bases.insert(name.to_owned(), base.clone());
        }
        if !matches!(leaf.kind, LeafKind::Data | LeafKind::StepNumber) {
            let weight = weight_at(id).unwrap_or_else(|| zero.clone());
            weights.insert(name.to_owned(), weight);
        }
    }
    for column in &system.columns {
        if let Column::Constant(id) = column
            && let Some(weight) = weight_at(*id)
        {
            weights.insert(constant_name(step, *id), weight);
        }
    }
    Rule {
        generators: generators(step, system, &free),
        weights,
        node_weights,
        parameters: step.parameters.iter().map(|p| p.name.clone()).collect(),
        hyperparameters: step
            .graph
            .ids()
            .filter_map(|id| step.graph.leaf_at(id))
            .filter(|leaf| matches!(leaf.kind, LeafKind::Hyperparameter { .. }))
            .map(|leaf| leaf.name.clone())
            .collect(),
        bases,
        outputs: step
            .outputs
            .iter()
            .map(|o| {
                let weight = homogeneous.contains(&o.name).then(|| weight_at(o.node));
                (o.name.clone(), weight.flatten())
            })
            .collect(),
    }
}

fn generators<F: Field>(step: &StepGraph, system: &System<F>, free: &[usize]) -> Vec<Generator> {
    let mut taken = BTreeSet::new();
    free.iter()
        .filter_map(|&column| {
            let id = system.columns[column].node()?;
            let leaf = match step.graph.leaf_at(id) {
                Some(leaf) => leaf.name.clone(),
                None => constant_name(step, id),
            };
            let name = generator_name(&leaf, &taken);
            taken.insert(name.clone());
            Some(Generator {
                name,
                leaf,
                moves_parameters: matches!(system.columns[column], Column::Parameter(_)),
            })
        })
        .collect()
}

/// The key of a freed constant in [`Rule::weights`].
pub(super) fn constant_name(step: &StepGraph, id: NodeId) -> String {
    match &step.graph.node(id).op {
        Op::Constant(q) => format!("constant {}", show_decimal(q)),
        _ => step.graph.describe(id),
    }
}
