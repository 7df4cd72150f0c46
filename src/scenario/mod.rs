//! A training run as data: a recipe, sizes, exact values and a number of steps.
//!
//! Here are the forms in which runs are stored (TOML and JSON scenarios, golden trajectories),
//! the map from one run to the rescaled one, and the comparison of two runs in one arithmetic.
//!
//! This room derives nothing: which map is the right one is for `gauge` to say. It parses text
//! and never opens a file.

mod compare;
mod content;
mod dotted;
mod file;
mod golden;
mod map;
mod precision;
mod property;
mod seed;
mod split;

pub(crate) use compare::compare_entries;
pub use content::{draw_of, only_choice};
pub use dotted::dotted;
pub use file::{Exact, Float, RandomFile, ScenarioFile, TensorFile};
pub use golden::{Golden, GoldenError, parse_golden};
pub use map::{MapError, Powers, ScaleMap};
pub use precision::PrecisionFile;
pub use property::{CheckError, Difference, Doubt, Outcome, Property, check};
pub use seed::{SEED_ALPHAS, seed_script};
pub use split::Split;

use crate::arith::Arithmetic;
use crate::exec::{ExecError, Machine, Options, Sizes, Values};
use crate::graph::StepGraph;
use crate::zoo::{LookupError, Recipe, RecipeError, ScheduleError, UnknownName};

/// A training run: everything that determines its trajectory in a given arithmetic.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// A name for reports.
    pub name: String,
    /// The recipe of what is trained.
    pub recipe: Recipe,
    /// The size of each dimension.
    pub sizes: Sizes,
    /// Initial parameters, data and hyperparameters, exactly.
    pub values: Values,
    /// The number of steps.
    pub steps: usize,
}

impl Scenario {
    /// The machine that runs `step`, which is the scenario's or observes more, in one arithmetic.
    ///
    /// # Errors
    /// Those of [`Machine::new`].
    pub fn machine<'g, A: Arithmetic>(
        &self,
        ctx: A,
        step: &'g StepGraph,
        options: impl Into<Options>,
    ) -> Result<Machine<'g, A>, ExecError> {
        Machine::new(ctx, step, &self.sizes, &self.values, &options.into())
    }
}

/// The reason for which a stored scenario is not a run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not of the form at all.
    #[error("{0}")]
    Syntax(String),
    /// A field holds something that cannot be used.
    #[error("field `{field}`: {message}")]
    Field {
        /// The field's path.
        field: String,
        /// The words for what was found and what was expected.
        message: String,
    },
    /// A switch, setting or format has no such name.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A number of the schedule makes no sense.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A model, loss or optimizer is not to be had.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(Box<RecipeError>),
}

impl From<RecipeError> for ScenarioError {
    fn from(error: RecipeError) -> Self {
        Self::Recipe(Box::new(error))
    }
}

impl ScenarioError {
    pub(crate) fn field(field: impl Into<String>, message: impl ToString) -> Self {
        Self::Field {
            field: field.into(),
            message: message.to_string(),
        }
    }
}
