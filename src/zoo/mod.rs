//! What is trained: models, losses, optimizers, clipping, schedules.
//!
//! Each is a dozen lines of builder code that read like the published update rule, in a file of
//! its own with one line in a table. Nothing here says how a quantity must be rescaled, and
//! nothing here runs: that is for the rooms that interpret the graph.

mod cases;
mod clip;
mod definition;
pub mod initializers;
mod loss_scaling;
pub mod losses;
pub mod models;
pub mod optimizers;
mod recipe;
mod registry;
mod schedule;
#[cfg(test)]
mod tests;
mod trainer;

pub use cases::Case;
pub use clip::Clip;
pub use definition::{DefinitionError, LossFile, ModelFile, OptimizerFile};
pub use loss_scaling::LossScaling;
pub use losses::{Loss, Reduction};
pub use models::{Content, Model};
pub use optimizers::{Hyperparameter, Optimizer, Range, Regime};
pub use recipe::{Recipe, RecipeError, float_format};
pub use registry::{Entry, LookupError, NameTaken, Registry, UnknownName};
pub use schedule::{Schedule, ScheduleError};
pub use trainer::{Factor, LORAPLUS_LR_RATIO, MOST_COPIES, Pair, Trainer};
