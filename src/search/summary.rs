//! A campaign's parameters and result in the form in which they are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::properties::{PropertyTable, Selection, SelectionError};
use super::shards::Shard;
use super::totals::{Reason, Totals};
use crate::arith::{ArithmeticName, UnknownArithmetic};
use crate::zoo::LookupError;
use crate::zoo::optimizers;

/// The schema name of a campaign's result.
pub const SEARCH_SCHEMA: &str = "lora-gauge/search/1";

/// The parameters of a campaign, which determine every byte of its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The tool and version.
    pub tool: String,
    /// The seed.
    pub seed: u64,
    /// The number of cases of all shards together.
    pub cases: u64,
    /// The shard.
    pub shard: Shard,
    /// The optimizers that were selected; all where none is named.
    pub optimizers: Vec<String>,
    /// The arithmetics, likewise.
    pub arithmetics: Vec<String>,
    /// The properties, likewise.
    pub properties: Vec<String>,
}

/// The reason for which parameters are no campaign.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParametersError {
    /// An optimizer that is not to be had.
    #[error(transparent)]
    Unknown(#[from] LookupError),
    /// An arithmetic that is unknown or not built.
    #[error(transparent)]
    Arithmetic(#[from] UnknownArithmetic),
    /// A property that is unknown or has nothing to draw from.
    #[error(transparent)]
    Selection(#[from] SelectionError),
}

impl Parameters {
    /// A campaign on everything.
    pub fn new(seed: u64, cases: u64) -> Self {
        Self {
            tool: format!("lora-gauge {}", env!("CARGO_PKG_VERSION")),
            seed,
            cases,
            shard: Shard::default(),
            optimizers: vec![],
            arithmetics: vec![],
            properties: vec![],
        }
    }

    /// The selection from the properties in the table.
    ///
    /// # Errors
    /// [`ParametersError`] for a name that is unknown.
    pub fn selection(&self, table: &PropertyTable) -> Result<Selection, ParametersError> {
        let mut selection = Selection {
            table: table.clone(),
            ..Selection::default()
        };
        for name in &self.optimizers {
            selection.optimizers.push(optimizers::find(name)?);
        }
        for name in &self.arithmetics {
            let name: ArithmeticName = name.parse()?;
            selection.arithmetics.push(name);
        }
        for name in &self.properties {
            selection.properties.push(table.find(name)?);
        }
        Ok(selection)
    }

    /// The same as one shard of several.
    pub fn in_shard(&self, shard: Shard) -> Self {
        Self {
            shard,
            ..self.clone()
        }
    }
}

/// The result of a campaign.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    schema: &'static str,
    tool: String,
    seed: String,
    cases: u64,
    shard: Shard,
    /// The cases that were judged: fewer than asked for where the time was over, and of a shard.
    judged: u64,
    selected: Selected,
    properties: Vec<PropertySummary>,
    witnesses: Vec<String>,
    coverage: Coverage,
    never_reached: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Selected {
    optimizers: Vec<String>,
    arithmetics: Vec<String>,
    properties: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct PropertySummary {
    name: String,
    passed: u64,
    failed: u64,
    undecided: u64,
    evidence: BTreeMap<String, u64>,
    undecided_because: BTreeMap<String, Reason>,
    first_failures: Vec<u64>,
}

impl Summary {
    /// The result with the paths of the witnesses that were written.
    pub fn new(parameters: &Parameters, totals: &Totals, witnesses: Vec<String>) -> Self {
        let properties = totals.properties.iter();
        let properties = properties.map(|(name, tally)| PropertySummary {
            name: name.clone(),
            passed: tally.passed,
            failed: tally.failed,
            undecided: tally.undecided,
            evidence: tally.evidence.clone(),
            undecided_because: tally.reasons.clone(),
            first_failures: tally.failures.clone(),
        });
        Self {
            schema: SEARCH_SCHEMA,
            tool: parameters.tool.clone(),
            seed: parameters.seed.to_string(),
            cases: parameters.cases,
            shard: parameters.shard,
            judged: totals.cases,
            selected: Selected {
                optimizers: parameters.optimizers.clone(),
                arithmetics: parameters.arithmetics.clone(),
                properties: parameters.properties.clone(),
            },
            properties: properties.collect(),
            witnesses,
            never_reached: totals.coverage.never_reached(),
            coverage: totals.coverage.clone(),
        }
    }
}
