//! Rules that are a little wrong: every weight off by one.

use std::fmt;

use super::finding::Finding;
use crate::arith::{ArithmeticName, Ratio};
use crate::gauge::Rule;

/// A rule with one weight changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The quantity: a parameter (its first value), a hyperparameter, or `state.` and the name
    /// of a state.
    pub quantity: String,
    /// The free factor, by number.
    pub generator: usize,
    /// The number that is added to the weight.
    pub by: i64,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            quantity,
            generator,
            by,
        } = self;
        write!(f, "{quantity} {by:+} in factor {generator}")
    }
}

impl Mutant {
    /// The wrong rule.
    pub(super) fn of(&self, rule: &Rule) -> Rule {
        let mut mutated = rule.clone();
        let weight = mutated.weights.get_mut(&self.quantity);
        if let Some(power) = weight.and_then(|w| w.get_mut(self.generator)) {
            *power += Ratio::from_integer(self.by.into());
        }
        mutated
    }
}

/// The fate of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Two runs contradict it.
    Killed {
        /// The contradiction.
        finding: Finding,
        /// In exact arithmetic, or between disjoint intervals.
        arithmetic: ArithmeticName,
    },
    /// Neither the loss nor an output nor a next value depends on the quantity.
    NoInfluence,
    /// It is a state that is zero in every run.
    Vanishes,
    /// No run contradicts it.
    Survived,
}

/// Every mutant of `rule`: each weight off by 1 up and down, in each factor.
pub fn mutants(rule: &Rule) -> Vec<Mutant> {
    let known = |name: &&String| {
        let name = name.as_str();
        let is = |names: &[String]| names.iter().any(|n| n == name);
        is(&rule.parameters) || is(&rule.hyperparameters) || name.starts_with("state.")
    };
    let mut mutants = vec![];
    for quantity in rule.weights.keys().filter(known) {
        for generator in 0..rule.dimension() {
            for by in [1, -1] {
                mutants.push(Mutant {
                    quantity: quantity.clone(),
                    generator,
                    by,
                });
            }
        }
    }
    mutants
}
