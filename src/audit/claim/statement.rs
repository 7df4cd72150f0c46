//! The statement about a setting, typed by its kind: a field that a kind does not have is an error.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::map::{MapFile, scale_map};
use super::setting::Setting;
use super::{FieldError, PowersFile};
use crate::arith::{ArithmeticName, Ratio};
use crate::graph::StepGraph;
use crate::scenario::{Exact, Powers, Property};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident $name:literal $reads:expr,)*) => {
        /// The kind of a claim.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        pub enum Kind {
            $($(#[doc = $doc])* #[serde(rename = $name)] $kind,)*
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The name in files and reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// `true` if a claim of this kind uses a field of the setting.
            pub(super) fn reads(self, field: &str) -> bool {
                let reads: fn(&str) -> bool = match self { $(Self::$kind => $reads,)* };
                reads(field)
            }
        }
    };
}

kinds! {
    /// A map leaves loss and weight unchanged at every step.
    Equivalence "equivalence" |_| true,
    /// Formulas over the step's quantities keep their values under a map, at every step.
    Invariant "invariant" |_| true,
    /// Equality of some quantities in two runs makes others equal.
    Implication "implication" |_| true,
    /// The map is the only one of its sort.
    Uniqueness "uniqueness" |_| true,
    /// A quantity can be moved freely if others follow.
    Freedom "freedom" |_| true,
    /// A finite experiment can tell a right rule from wrong ones.
    Experiment "experiment" |field| ["model", "optimizer", "loss", "reduction"].contains(&field),
    /// The initialisation does not depend on alpha.
    Initialisation "initialisation" |_| false,
    /// No scaling turns the run of one rank into that of another.
    Rank "rank" |field| !["sizes", "midway"].contains(&field),
    /// A map leaves several variants of the step unchanged.
    Survey "survey" |_| true,
    /// Two formulas over the step's quantities are the same.
    Identity "identity" |field| field != "start",
    /// A formula keeps its value from step to step.
    Conserved "conserved" |_| true,
    /// So many settings have only so many effective degrees of freedom.
    Knobs "knobs" |_| true,
    /// Two runs in a float format have the same bits.
    Bits "bits" |_| true,
    /// Only an experiment on real data could decide: listed, not judged.
    Empirical "empirical" |_| false,
}

macro_rules! with_map {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $fdoc:literal])* $(#[serde($($meta:tt)*)])? $field:ident: $type:ty,)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $fdoc])* $(#[serde($($meta)*)])? pub $field: $type,)*
            #[serde(default)]
            pub(super) map: Option<PowersFile>,
            #[serde(default)]
            pub(super) left: Option<PowersFile>,
            #[serde(default)]
            pub(super) right: Option<PowersFile>,
            #[serde(default)]
            pub(super) negate: Option<BTreeSet<String>>,
        }

        impl $name {
            /// The map of the claim.
            pub fn map(&self) -> MapFile {
                MapFile {
                    map: self.map.clone(),
                    left: self.left.clone(),
                    right: self.right.clone(),
                    negate: self.negate.clone(),
                }
            }
        }
    };
}

with_map! {
    /// `kind = "equivalence"`.
    Equivalence {}
}

with_map! {
    /// `kind = "invariant"`.
    Invariant {
        /// The formulas that keep their values.
        conclusion: Vec<String>,
    }
}

with_map! {
    /// `kind = "implication"`.
    Implication {
        /// The quantities that are equal in both runs.
        #[serde(default)]
        premise: Vec<String>,
        /// Up to so many steps; always when absent.
        #[serde(default)]
        premise_until: Option<usize>,
        /// The quantities that are then equal.
        conclusion: Vec<String>,
    }
}

with_map! {
    /// `kind = "uniqueness"`.
    Uniqueness {
        /// The quantities whose powers might be others.
        #[serde(default)]
        vary: Vec<String>,
        /// `true` if mixings of the ranks are among the maps in question.
        #[serde(default)]
        mixing: bool,
    }
}

with_map! {
    /// `kind = "freedom"`.
    Freedom {
        /// The quantities that may follow, by any power of k.
        vary: Vec<String>,
    }
}

with_map! {
    /// `kind = "experiment"`.
    Experiment {
        /// Rules that the experiment should notice to be wrong.
        wrong: Vec<Wrong>,
    }
}

with_map! {
    /// `kind = "survey"`.
    Survey {
        /// The variants.
        variant: Vec<Value>,
    }
}

with_map! {
    /// `kind = "bits"`.
    Bits {
        /// The float format.
        arithmetic: String,
        /// The factor.
        k: Option<Exact>,
    }
}

/// A rule that an experiment should notice to be wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    /// Its name.
    pub name: String,
    /// Its map.
    pub map: PowersFile,
}

/// `kind = "identity"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// One side.
    pub formula: String,
    /// The other side.
    pub equals: String,
}

/// `kind = "conserved"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conserved {
    /// The quantity that keeps its value.
    pub formula: String,
}

/// `kind = "knobs"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    /// The settings that are counted.
    pub vary: Vec<String>,
    /// The number of effective degrees of freedom.
    #[serde(default)]
    pub effective: Option<usize>,
    /// Settings with fewer effective degrees of freedom.
    #[serde(default)]
    pub compared_with: Vec<String>,
    /// Settings that move along and are not counted.
    #[serde(default)]
    pub follow: Vec<String>,
}

/// `kind = "empirical"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empirical {
    /// The reason for which no judge here can decide.
    pub why: String,
}

/// `kind = "rank"` and `kind = "initialisation"`, which say all.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// A variant of the step in a survey, read.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// The claim's setting with the variant's own fields laid over it.
    pub setting: Setting,
    /// Its own map, or the claim's.
    pub map: MapFile,
}

/// The statement.
#[derive(Debug, Clone)]
pub enum Statement {
    /// See [`Kind::Equivalence`].
    Equivalence(Equivalence),
    /// See [`Kind::Invariant`].
    Invariant(Invariant),
    /// See [`Kind::Implication`].
    Implication(Implication),
    /// See [`Kind::Uniqueness`].
    Uniqueness(Uniqueness),
    /// See [`Kind::Freedom`].
    Freedom(Freedom),
    /// See [`Kind::Experiment`].
    Experiment(Experiment),
    /// See [`Kind::Initialisation`].
    Initialisation,
    /// See [`Kind::Rank`].
    Rank,
    /// See [`Kind::Survey`].
    Survey(Vec<Variant>),
    /// See [`Kind::Identity`].
    Identity(Identity),
    /// See [`Kind::Conserved`].
    Conserved(Conserved),
    /// See [`Kind::Knobs`].
    Knobs(Knobs),
    /// See [`Kind::Bits`].
    Bits {
        /// The map.
        map: MapFile,
        /// The float format.
        arithmetic: ArithmeticName,
        /// The factor.
        k: Ratio,
    },
    /// See [`Kind::Empirical`].
    Empirical(Empirical),
}

impl Wrong {
    /// The map in the names of `step`.
    ///
    /// # Errors
    /// As [`MapFile::side`].
    pub fn powers(&self, step: &StepGraph) -> Result<Powers, FieldError> {
        let map = scale_map("wrong.map", Some(&self.map))?;
        map.resolve(step)
            .map_err(|e| FieldError::new("wrong.map", e))
    }
}

impl Freedom {
    pub(super) fn names(&self, quantity: &str) -> bool {
        let sides = [&self.map, &self.left, &self.right];
        sides
            .into_iter()
            .flatten()
            .any(|s| s.contains_key(quantity))
    }
}

impl Implication {
    /// The property of two runs.
    pub fn property(&self) -> Property {
        Property {
            premise: self.premise.clone(),
            premise_until: self.premise_until,
            conclusion: self.conclusion.clone(),
            ..Property::default()
        }
    }
}

with_map! {
    /// The fields of a variant that are no setting.
    OwnMap {
        /// Its name.
        name: String,
    }
}
