//! What is trained: models, losses, optimizers, clipping, schedules.
//!
//! Each is a dozen lines of builder code that read like the published update rule, in a file of
//! its own with one line in a table. Nothing here says how a quantity must be rescaled, and
//! nothing here runs: that is for the rooms that interpret the graph.

mod cases;
mod clip;
pub mod initializers;
mod loss_scaling;
pub mod losses;
pub mod models;
pub mod optimizers;
mod recipe;
mod schedule;
#[cfg(test)]
mod tests;
mod trainer;

pub use cases::Case;
pub use clip::Clip;
pub use loss_scaling::LossScaling;
pub use losses::{Loss, Reduction};
pub use models::{Content, Model};
pub use optimizers::{Hyperparameter, Optimizer, Range, Regime};
pub use recipe::{Recipe, RecipeError, float_format};
pub use schedule::Schedule;
pub use trainer::{Factor, LORAPLUS_LR_RATIO, MOST_COPIES, Pair, Trainer};

/// A name that is in no table, with the names that are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{found}`: expected one of {}", known.join(", "))]
pub struct UnknownName {
    /// What kind of thing was looked up.
    pub what: &'static str,
    /// The name that was given.
    pub found: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}
