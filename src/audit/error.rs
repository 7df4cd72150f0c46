//! The reasons for which a claim cannot be judged.

use super::claim::FieldError;
use crate::exec::ExecError;
use crate::gauge;
use crate::scenario::{self, ScenarioError};
use crate::search;
use crate::zoo::RecipeError;

/// The reason for which a claim could not be judged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JudgeError {
    /// A field cannot be used.
    #[error("field `{}`: {}", .0.field, .0.message)]
    Field(FieldError),
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A scenario cannot be set up.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The map does not apply.
    #[error(transparent)]
    Map(#[from] scenario::MapError),
    /// The map names something the step does not have, or the checker refuses a certificate: a
    /// defect of this program.
    #[error(transparent)]
    Decide(#[from] gauge::DecideError),
    /// Two runs could not be compared, or a hunt not carried through.
    #[error(transparent)]
    Search(#[from] search::SearchError),
    /// A run ended.
    #[error(transparent)]
    Run(#[from] ExecError),
}

impl From<FieldError> for JudgeError {
    fn from(e: FieldError) -> Self {
        Self::Field(e)
    }
}
