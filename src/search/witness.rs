//! Witness files of campaigns: a case that failed, as the choices from which it is drawn.
//!
//! A file holds no run that its property could not have drawn: replaying it draws the case anew
//! from the choices and refuses the file where it describes another one.

use serde::{Deserialize, Serialize};

use super::campaign::Campaign;
use super::draw::{Choices, NotDrawn};
use super::finding::Finding;
use super::properties::Selection;
use super::result::SearchError;
use super::test_case::{TestCase, TestCaseFile};
use crate::zoo::Entry;

/// The schema name that a campaign's witness carries.
pub const HUNTED_SCHEMA: &str = "lora-gauge/hunted/2";

/// A case that failed, with everything that is needed to judge it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HuntedWitness {
    /// `lora-gauge/hunted/2`.
    pub schema: String,
    /// The tool and version that wrote it.
    pub tool: String,
    /// The name of the property that is contradicted.
    pub property: String,
    /// The statement of the property.
    pub says: String,
    /// `refuted`.
    pub verdict: String,
    /// The finding.
    pub found: Finding,
    /// The restriction of the campaign.
    pub(super) selected: Selected,
    /// The choices from which the case is drawn.
    pub(super) choices: Choices,
    /// The case.
    pub hunted: TestCaseFile,
}

/// The restriction of a campaign; an empty list restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Selected {
    pub optimizers: Vec<String>,
    pub arithmetics: Vec<String>,
}

/// The reason for which a campaign's witness cannot be replayed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HuntedError {
    /// Not of the form at all.
    #[error("{0}")]
    Syntax(String),
    /// A field holds what it cannot hold.
    #[error("field `{field}`: {message}")]
    Field {
        /// The field's path.
        field: &'static str,
        /// The value that was found and what is expected.
        message: String,
    },
    /// No campaign draws this case.
    #[error(transparent)]
    NotDrawn(#[from] NotDrawn),
    /// The choices stand for no case.
    #[error("field `choices`: {0}")]
    Drawing(#[from] SearchError),
}

impl HuntedError {
    pub(super) fn field(field: &'static str, message: impl ToString) -> Self {
        Self::Field {
            field,
            message: message.to_string(),
        }
    }
}

impl Selected {
    pub fn of(selection: &Selection) -> Self {
        let optimizers = selection.optimizers.iter();
        let arithmetics = selection.arithmetics.iter();
        Self {
            optimizers: optimizers.map(|o| o.key().to_owned()).collect(),
            arithmetics: arithmetics.map(ToString::to_string).collect(),
        }
    }
}

impl Campaign {
    /// The case of these choices with what was found, as a witness.
    pub(super) fn record(
        &self,
        case: u64,
        choices: Choices,
        test_case: &TestCase,
        found: Finding,
    ) -> HuntedWitness {
        let (property, _) = self.domain(case);
        HuntedWitness {
            schema: HUNTED_SCHEMA.to_owned(),
            tool: format!("lora-gauge {}", env!("CARGO_PKG_VERSION")),
            property: property.name.to_owned(),
            says: property.says.to_owned(),
            verdict: "refuted".to_owned(),
            found,
            selected: self.selected().clone(),
            choices,
            hunted: test_case.file(property.name, self.seed(), case),
        }
    }

    /// A case as it was drawn, whatever comes of it, as the witness of a finding. Where the case
    /// does not fail with it, a replay says so.
    ///
    /// # Errors
    /// [`HuntedError::Drawing`] for a case that cannot be drawn.
    pub fn witness_as_drawn(
        &self,
        case: u64,
        found: Finding,
    ) -> Result<HuntedWitness, HuntedError> {
        let choices = self.choices(case).map_err(HuntedError::Syntax)?;
        let test_case = self.domain(case).1.test_case(&choices)?;
        Ok(self.record(case, choices, &test_case, found))
    }

    /// Refuses a witness that is not one of this campaign: the case, its property, and the domain
    /// from which it is drawn. A replay tells whether it fails.
    ///
    /// # Errors
    /// [`HuntedError::Field`] names what is of another campaign.
    pub fn owns(&self, case: u64, witness: &HuntedWitness) -> Result<(), HuntedError> {
        let property = self.domain(case).0.name;
        let (own, selected) = (&witness.hunted, self.selected());
        for (field, found, expected) in [
            ("property", &witness.property, property.to_owned()),
            ("hunted.property", &own.property, property.to_owned()),
            (
                "hunted.seed",
                &own.seed.to_string(),
                self.seed().to_string(),
            ),
            ("hunted.case", &own.case.to_string(), case.to_string()),
        ] {
            if *found != expected {
                let message = format!("found {found}, expected {expected}");
                return Err(HuntedError::field(field, message));
            }
        }
        match witness.selected == *selected {
            true => Ok(()),
            false => Err(HuntedError::field(
                "selected",
                "found another selection than that of the campaign",
            )),
        }
    }
}

impl HuntedWitness {
    /// Reads a campaign's witness.
    ///
    /// # Errors
    /// [`HuntedError::Syntax`] with line and column, [`HuntedError::Field`] for another schema or
    /// verdict.
    pub fn parse(text: &str) -> Result<Self, HuntedError> {
        let witness: Self =
            serde_json::from_str(text).map_err(|e| HuntedError::Syntax(e.to_string()))?;
        for (field, found, expected) in [
            ("schema", &witness.schema, HUNTED_SCHEMA),
            ("verdict", &witness.verdict, "refuted"),
        ] {
            if found != expected {
                let message = format!("found `{found}`, expected `{expected}`");
                return Err(HuntedError::field(field, message));
            }
        }
        Ok(witness)
    }

    /// The file's text; the same bytes for the same witness.
    ///
    /// # Errors
    /// [`HuntedError::Syntax`] should a value have no JSON form.
    pub fn to_json(&self) -> Result<String, HuntedError> {
        let mut text =
            serde_json::to_string_pretty(self).map_err(|e| HuntedError::Syntax(e.to_string()))?;
        text.push('\n');
        Ok(text)
    }
}
