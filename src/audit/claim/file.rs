//! The fields of a claim's TOML file.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Kind;
use crate::audit::Verdict;
use crate::scenario::{Exact, ScheduleFile};

/// Powers of k by the name of the quantity.
pub(super) type PowersFile = BTreeMap<String, Exact>;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFile {
    pub verdict: Verdict,
}

/// A rule that an experiment should notice to be wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::audit) struct WrongFile {
    pub name: String,
    pub(super) map: PowersFile,
}

/// How runs start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StartFile {
    /// Anywhere.
    #[default]
    Any,
    /// With B = 0.
    Lora,
}

/// Gives a table of the file the fields that say what is trained and how. (serde cannot both
/// share fields between tables and refuse unknown ones.)
macro_rules! with_recipe {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($fields:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        $vis struct $name {
            $($fields)*
            /// The network. By default an unknown one where weights are derived, and one linear
            /// layer where numbers are needed.
            #[serde(default)]
            pub(super) model: Option<String>,
            #[serde(default)]
            pub(super) optimizer: Option<String>,
            #[serde(default)]
            pub(super) loss: Option<String>,
            /// The terms (momentum, weight_decay, eps …) that are on, and so are not 0.
            #[serde(default)]
            pub(super) terms: Vec<String>,
            /// The terms that are off, and so are 0.
            #[serde(default)]
            pub(super) without: Vec<String>,
            #[serde(default)]
            pub(super) flags: Vec<String>,
            #[serde(default)]
            pub(super) clip: Option<String>,
            /// Whether the optimizer's memory starts from given values, as in the middle of a run.
            #[serde(default)]
            pub(super) midway: bool,
            /// The learning-rate schedule, as in a scenario file.
            #[serde(default)]
            pub(super) schedule: Option<ScheduleFile>,
            /// The number of micro-batches of a step.
            #[serde(default)]
            pub(super) accumulation: Option<u32>,
            /// `unscaled` or `kept`.
            #[serde(default)]
            pub(super) loss_scaling: Option<String>,
            #[serde(default)]
            pub(super) reduction: Option<String>,
        }

        impl $name {
            /// What is trained and how.
            pub(super) fn training(&self) -> Training<'_> {
                Training {
                    model: self.model.as_deref(),
                    optimizer: self.optimizer.as_deref(),
                    loss: self.loss.as_deref(),
                    terms: &self.terms,
                    without: &self.without,
                    flags: &self.flags,
                    clip: self.clip.as_deref(),
                    midway: self.midway,
                    schedule: self.schedule.as_ref(),
                    accumulation: self.accumulation,
                    loss_scaling: self.loss_scaling.as_deref(),
                    reduction: self.reduction.as_deref(),
                }
            }
        }
    };
}

/// The fields that say what is trained and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Training<'f> {
    pub model: Option<&'f str>,
    pub optimizer: Option<&'f str>,
    pub loss: Option<&'f str>,
    pub terms: &'f [String],
    pub without: &'f [String],
    pub flags: &'f [String],
    pub clip: Option<&'f str>,
    pub midway: bool,
    pub schedule: Option<&'f ScheduleFile>,
    pub accumulation: Option<u32>,
    pub loss_scaling: Option<&'f str>,
    pub reduction: Option<&'f str>,
}

with_recipe! {
    /// A variant of the step in a survey. Optimizer, loss and model are the claim's where it
    /// names none.
    pub(in crate::audit) struct VariantFile {
        pub name: String,
        /// Its own map; the claim's where there is none.
        #[serde(default)]
        pub(super) map: Option<PowersFile>,
    }
}

with_recipe! {
    /// The whole file.
    pub(super) struct File {
        pub id: String,
        pub title: String,
        #[serde(default)]
        pub source: String,
        /// The heading under which reports list it; empty for none.
        #[serde(default)]
        pub group: String,
        pub kind: Kind,
        /// The claim is that what is described does not hold.
        #[serde(default)]
        pub contrary: bool,
        #[serde(default)]
        pub start: StartFile,
        #[serde(default)]
        pub map: Option<PowersFile>,
        #[serde(default)]
        pub left: Option<PowersFile>,
        #[serde(default)]
        pub right: Option<PowersFile>,
        #[serde(default)]
        pub negate: BTreeSet<String>,
        #[serde(default)]
        pub premise: Vec<String>,
        #[serde(default)]
        pub premise_until: Option<usize>,
        #[serde(default)]
        pub conclusion: Vec<String>,
        #[serde(default)]
        pub vary: Vec<String>,
        #[serde(default)]
        pub mixing: bool,
        /// Of `knobs`: how many degrees of freedom are effective.
        #[serde(default)]
        pub effective: Option<usize>,
        /// Of `knobs`: settings with fewer effective degrees of freedom.
        #[serde(default)]
        pub compared_with: Vec<String>,
        /// Of `identity` and `conserved`.
        #[serde(default)]
        pub formula: String,
        /// Of `identity`.
        #[serde(default)]
        pub equals: String,
        /// Of `bits`.
        #[serde(default)]
        pub arithmetic: Option<String>,
        /// Of `bits`.
        #[serde(default)]
        pub k: Option<Exact>,
        /// Of `empirical`: why no judge here can decide.
        #[serde(default)]
        pub why: String,
        #[serde(default)]
        pub wrong: Vec<WrongFile>,
        #[serde(default)]
        pub variant: Vec<VariantFile>,
        #[serde(default)]
        pub theorems: Vec<String>,
        #[serde(default)]
        pub expect: Option<ExpectFile>,
    }
}
