//! Solving for all weights at once: the rule of a step.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;

use super::certificate::Certificate;
use super::constrain::{Column, System};
use super::field::Field;
use super::linear::Echelon;
use super::name::generator_name;
use super::question::{Question, Symmetry};
use super::words::show_decimal;
use crate::arith::Ratio;
use crate::fault::{Fault, planted};
use crate::graph::{LeafKind, NodeId, Op, StepGraph};

/// The exponents of one quantity, one per generator of a [`Rule`].
pub type Weight = Vec<Ratio>;

/// Which hyperparameters are one number for all factors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tied {
    /// Each factor has its own.
    #[default]
    None,
    /// All copies of one base name are one number.
    All,
    /// The copies of these base names are.
    Only(BTreeSet<String>),
}

impl Tied {
    /// Whether the copies of `base` are one number.
    pub fn contains(&self, base: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(bases) => bases.contains(base),
        }
    }
}

/// What is asked of [`infer`] beyond the step itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Hyperparameters shared by all factors.
    pub tied: Tied,
    /// Constants that may be rescaled, as if they were hyperparameters.
    pub free_constants: BTreeSet<NodeId>,
    /// Leaves that must keep weight 0, by name; names that the step does not have say nothing.
    /// Holding every scaling `s` leaves the rules with `k = 1`.
    pub held: BTreeSet<String>,
    /// Leaves that change alike besides, each group by name: settings that are one number, trained
    /// tensors whose first values one factor multiplies. Unknown names say nothing.
    pub ties: Vec<Vec<String>>,
    /// Whether the loss may be multiplied by a factor, as loss scaling does.
    pub free_loss: bool,
    /// The outputs that must not change, by name.
    pub kept: BTreeSet<String>,
    /// Whether only the first step is asked about, from these parameters at zero.
    pub first_step: Option<BTreeSet<String>>,
    /// Whether only those parameters and states must follow on which loss and kept outputs depend.
    pub only_seen: bool,
    /// Whether the factors may be taken to be powers of two, with which rounding into a storage
    /// format commutes as long as nothing leaves its range. The rule then holds for those factors
    /// only that multiply every rounded quantity by a power of two.
    pub powers_of_two: bool,
}

impl Options {
    /// Every hyperparameter is one number for all factors.
    pub fn shared() -> Self {
        Self {
            tied: Tied::All,
            ..Self::default()
        }
    }
}

/// One free factor of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    /// Its name, for instance `p`.
    pub name: String,
    /// The leaf (or freed constant) whose weight is 1 in it.
    pub leaf: String,
    /// Whether it moves a parameter. One that does not trades hyperparameters only.
    pub moves_parameters: bool,
}

/// All scalings that a step obeys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The free factors; weights are vectors over them.
    pub generators: Vec<Generator>,
    /// Weights of parameters, hyperparameters and states (`state.<name>`), by leaf name, and of
    /// freed constants. A hyperparameter that the step does not read has weight 0.
    pub weights: BTreeMap<String, Weight>,
    /// The weight of every node; `None` where the node is zero, which has every weight, or
    /// where neither the trajectory nor a homogeneous output depends on it.
    pub node_weights: Vec<Option<Weight>>,
    /// The names of the trained tensors, in their order.
    pub parameters: Vec<String>,
    /// The names of the hyperparameters, in the order of the graph.
    pub hyperparameters: Vec<String>,
    /// Published base name of each hyperparameter.
    pub bases: BTreeMap<String, String>,
    /// The weight of each output; `None` where it is not homogeneous, or zero.
    pub outputs: BTreeMap<String, Option<Weight>>,
}

impl Rule {
    /// The number of free factors.
    pub fn dimension(&self) -> usize {
        self.generators.len()
    }

    /// How many parameters can be scaled independently of each other.
    pub fn independent_parameters(&self) -> usize {
        self.generators
            .iter()
            .filter(|g| g.moves_parameters)
            .count()
    }

    /// The names of the generators.
    pub fn basis(&self) -> Vec<&str> {
        self.generators.iter().map(|g| g.name.as_str()).collect()
    }

    /// The weight of a node as computed; the zero vector where it is not constrained.
    pub fn node_weight(&self, id: NodeId) -> Weight {
        self.node_weights
            .get(id.index())
            .and_then(Clone::clone)
            .unwrap_or_else(|| vec![Ratio::zero(); self.dimension()])
    }
}

/// A rule together with what makes it checkable.
#[derive(Debug, Clone)]
pub struct Inference {
    /// The rule.
    pub rule: Rule,
    /// What the certificate must prove.
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

/// What a certificate of `rule` must prove.
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

/// What planted faults make of a rule.
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

/// A rule with one free factor in the note's terms: exponents of √k, normalised so that the
/// scaling called `scale` (by base name, usually `s`) has weight 2. Copies of one hyperparameter
/// that weigh the same stand under their base name.
///
/// `None` when there is not exactly one free factor, or when it leaves `scale` alone.
pub fn weights_in_sqrt_k(rule: &Rule, scale: &str) -> Option<BTreeMap<String, Ratio>> {
    if rule.dimension() != 1 {
        return None;
    }
    let of = |name: &str| -> Option<&Ratio> { rule.weights.get(name)?.first() };
    let base = rule.bases.iter().find(|(_, base)| *base == scale);
    let own = of(base.map_or(scale, |(name, _)| name))?;
    if own.is_zero() {
        return None;
    }
    let factor = Ratio::from_integer(2.into()) / own;
    let mut all = BTreeMap::new();
    for (name, weight) in &rule.weights {
        let weight = weight.first()? * &factor;
        let key = match rule.bases.get(name) {
            Some(base) if alike(rule, base) => base,
            _ => name,
        };
        all.insert(key.clone(), weight);
    }
    Some(all)
}

/// Whether all copies of one base name weigh the same.
fn alike(rule: &Rule, base: &str) -> bool {
    let mut copies = rule
        .bases
        .iter()
        .filter(|(_, b)| *b == base)
        .filter_map(|(name, _)| rule.weights.get(name));
    let first = copies.next();
    copies.all(|weight| Some(weight) == first)
}
