//! What one case of a campaign comes to.

use super::finding::Finding;
use crate::arith::UnknownArithmetic;
use crate::exec::ExecError;
use crate::scenario::{CheckError, MapError, ScenarioError};
use crate::zoo::RecipeError;

/// The basis on which a case passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Equality in an exact arithmetic.
    Exact,
    /// The same bits.
    BitEqual,
    /// A certified bound that nothing exceeds.
    Bound,
    /// Enclosures of which none is apart from its counterpart.
    Enclosed,
    /// A wrong rule that a run contradicts.
    Refuted,
    /// Two runs that end at the same operation for the same reason.
    EndsAlike,
    /// A basis that the property itself lists.
    Of(&'static str),
}

impl Basis {
    /// All that every property may rest on.
    pub const ALL: [Self; 6] = [
        Self::Exact,
        Self::BitEqual,
        Self::Bound,
        Self::Enclosed,
        Self::Refuted,
        Self::EndsAlike,
    ];

    /// Its name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::BitEqual => "bit-equal",
            Self::Bound => "bound",
            Self::Enclosed => "enclosed",
            Self::Refuted => "refuted",
            Self::EndsAlike => "ends-alike",
            Self::Of(name) => name,
        }
    }
}

/// The result of one case.
#[derive(Debug, Clone, PartialEq)]
pub enum TestResult {
    /// The property holds.
    Passed(Basis),
    /// Something contradicts it.
    Failed(Box<Finding>),
    /// It cannot be told, and why.
    Undecided(String),
}

impl TestResult {
    /// A contradiction in words, without a place.
    pub(crate) fn contradicts(says: impl Into<String>) -> Self {
        Self::Failed(Box::new(Finding::Contradicts {
            says: says.into(),
            place: None,
        }))
    }

    /// `true` if something contradicts the property.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// The reason for which a case, a hunt or two runs could not be judged at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(#[from] Box<RecipeError>),
    /// The rescaled run cannot be formed.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The runs cannot be carried through.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A stored run is ill-formed.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run cannot be set up.
    #[error(transparent)]
    Run(#[from] ExecError),
    /// The arithmetic is not part of this build.
    #[error("field `arithmetic`: {0}")]
    Arithmetic(#[from] UnknownArithmetic),
    /// proptest gave up: too few cases could be judged.
    #[error("too few cases could be judged: {0}")]
    GaveUp(String),
}

impl From<RecipeError> for SearchError {
    fn from(error: RecipeError) -> Self {
        Self::Recipe(Box::new(error))
    }
}
