//! The question that is asked of a step, which its certificate must answer.
//!
//! Whoever wants to know something says it in a [`Question`] and hands it to the checker together
//! with the certificate. A certificate for another question proves nothing here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The kind of transformation that a weight describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Symmetry {
    /// Multiplication by a power of a positive number; weights are rational exponents.
    #[default]
    Scaling,
    /// Multiplication by 1 or −1; weights are parities, 0 or 1.
    Sign,
}

/// Everything that is assumed, and everything that is to follow.
///
/// The loss weighs 0 unless `free_loss`; the outputs in `kept` weigh 0; those in `outputs` have
/// some weight. What these read, at this step and through parameters and states at every later
/// one, has a weight, or is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The kind of the weights: exponents of positive factors, or parities.
    pub symmetry: Symmetry,
    /// Leaves that are one number (of settings) or change alike, by name.
    pub ties: Vec<Vec<String>>,
    /// Leaves of weight 0.
    pub held: BTreeSet<String>,
    /// `true` if the loss may be rescaled, too.
    pub free_loss: bool,
    /// `true` if the factors are such that every rounded quantity is multiplied by a power of two.
    pub powers_of_two: bool,
    /// Constants that are rescaled as if they were hyperparameters.
    pub free_constants: BTreeSet<usize>,
    /// The outputs that have a weight.
    pub outputs: BTreeSet<String>,
    /// The outputs that do not change.
    pub kept: BTreeSet<String>,
    /// `true` if every parameter and every state has a weight, also those that nothing asked for
    /// reads.
    pub whole: bool,
    /// `true` if only the first step is asked about, from these parameters at zero: next values of
    /// parameters have a weight, and nothing need carry over to a second step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_step: Option<BTreeSet<String>>,
    /// The map in question, where one is given.
    pub map: Option<MapClaim>,
}

/// A map in powers of one number `k`, or (of signs) in powers of −1, under conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapClaim {
    /// The power of every hyperparameter, by leaf name.
    pub hyperparameters: BTreeMap<String, String>,
    /// The power of every parameter's first value, by name.
    pub initial: BTreeMap<String, String>,
    /// Hyperparameters that are 0.
    pub zero_hyperparameters: BTreeSet<String>,
    /// Parameters whose first value is 0.
    pub zero_initials: BTreeSet<String>,
    /// The logarithm of k to base 2, where every node is to be multiplied by a power of two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log2_k: Option<String>,
}
