//! Scaling rules as data, and what may be asked for besides the step.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;

use crate::arith::Ratio;
use crate::graph::NodeId;

/// The exponents of one quantity, one per generator of a [`Rule`].
pub type Weight = Vec<Ratio>;

/// The hyperparameters that are one number for all factors.
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
    /// `true` if the copies of `base` are one number.
    pub fn contains(&self, base: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(bases) => bases.contains(base),
        }
    }
}

/// The options of [`super::infer`] beyond the step itself.
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
    /// `true` if the loss may be multiplied by a factor, as loss scaling does.
    pub free_loss: bool,
    /// The outputs that must not change, by name.
    pub kept: BTreeSet<String>,
    /// `true` if only the first step is asked about, from these parameters at zero.
    pub first_step: Option<BTreeSet<String>>,
    /// `true` if only those parameters and states must follow on which loss and kept outputs depend.
    pub only_seen: bool,
    /// `true` if the factors may be taken to be powers of two, with which rounding into a storage
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
    /// `true` if it moves a parameter. One that does not trades hyperparameters only.
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

    /// The number of parameters that can be scaled independently of each other.
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

/// `true` if all copies of one base name weigh the same.
fn alike(rule: &Rule, base: &str) -> bool {
    let mut copies = rule
        .bases
        .iter()
        .filter(|(_, b)| *b == base)
        .filter_map(|(name, _)| rule.weights.get(name));
    let first = copies.next();
    copies.all(|weight| Some(weight) == first)
}
