//! Everything that this room can say about one step, with every certificate checked.

use super::checker::{CheckError, check};
use super::conflict::{Conflicts, conflicts};
use super::direction::{Direction, directions};
use super::infer::{Inference, infer};
use super::invariant::{Invariant, invariants};
use super::rotation::{Rotations, rotations};
use super::rule::{Options, Rule, Tied};
use super::sign::{SignFlips, sign_flips};
use crate::graph::{Op, StepGraph, Unary};

/// The results of deriving the symmetry of one step.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// The rule under the options, with its certificate.
    pub inference: Inference,
    /// The rule when every hyperparameter is one number for all tensors.
    pub shared: Inference,
    /// Monomials that no rescaling changes.
    pub invariants: Vec<Invariant>,
    /// Changes of sign that change nothing else.
    pub sign_flips: SignFlips,
    /// The mixings of the ranks that change nothing; `None` where the step has no single pair.
    pub rotations: Option<Rotations>,
    /// The conflicts that keep parameters from being scaled independently.
    pub conflicts: Conflicts,
    /// Parts of the rule that a user can follow by themselves.
    pub directions: Vec<Direction>,
    /// The rule for factors that are powers of two, where the step rounds into a storage format
    /// and more can be rescaled by such factors than by others.
    pub powers_of_two: Option<Inference>,
    /// Hyperparameters that neither the loss nor a next value depends on.
    pub unread: Vec<String>,
    /// The first certificate that the checker does not accept: a defect of this program.
    pub refused: Option<CheckError>,
}

/// Derives everything about `step`; `scale` is the base name of the scalings (`s`).
pub fn derive(step: &StepGraph, options: &Options, scale: &str) -> Derivation {
    let inference = infer(step, options);
    let shared = infer(
        step,
        &Options {
            tied: Tied::All,
            ..options.clone()
        },
    );
    let sign_flips = sign_flips(step, options);
    let powers_of_two = powers_of_two(step, options, &inference.rule);
    let signs = (&sign_flips.question, &sign_flips.certificate);
    let refused = [&inference, &shared]
        .into_iter()
        .chain(&powers_of_two)
        .map(|i| (&i.question, &i.certificate))
        .chain([signs])
        .find_map(|(question, c)| check(step, question, c).err());
    let read = step.graph.cone(super::constrain::roots(step, options));
    let is_unread = |name: &&str| {
        let leaf = step.graph.leaf(name);
        leaf.is_some_and(|id| !read[id.index()])
    };
    Derivation {
        refused,
        invariants: invariants(&inference.rule),
        conflicts: conflicts(step, options),
        rotations: rotations(step),
        directions: directions(step, options, scale),
        unread: step
            .hyperparameters()
            .map(|(name, ..)| name)
            .filter(is_unread)
            .map(str::to_owned)
            .collect(),
        inference,
        shared,
        sign_flips,
        powers_of_two,
    }
}

fn powers_of_two(step: &StepGraph, options: &Options, rule: &Rule) -> Option<Inference> {
    let rounds = |id| matches!(step.graph.node(id).op, Op::Unary(Unary::Cast(_), _));
    if !step.graph.ids().any(rounds) {
        return None;
    }
    let options = Options {
        powers_of_two: true,
        ..options.clone()
    };
    Some(infer(step, &options)).filter(|more| more.rule.dimension() > rule.dimension())
}

impl Derivation {
    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.inference.rule
    }

    /// The trained tensors and hyperparameters of which the rules of two steps say different
    /// things, by name; what one of them does not read is not compared.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (own, others) = (self.rule(), other.rule());
        let names = own.parameters.iter().chain(&own.hyperparameters);
        names
            .filter(|name| !self.unread.contains(name) && !other.unread.contains(name))
            .filter(|name| {
                own.basis() != others.basis() || own.weights.get(*name) != others.weights.get(*name)
            })
            .cloned()
            .collect()
    }
}
