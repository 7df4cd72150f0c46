//! The stored form of a learning-rate schedule.

use num_traits::{One, Zero};
use serde::{Deserialize, Serialize};

use super::file::positive;
use super::{Exact, ScenarioError};
use crate::arith::Ratio;
use crate::zoo::Schedule;

/// A learning-rate schedule in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleFile {
    /// The rate as it is.
    Constant,
    /// `LinearLR`.
    Linear {
        /// The factor of the first step.
        start_factor: Exact,
        /// The factor of the last step.
        end_factor: Exact,
        /// The number of steps in between.
        total_iters: u32,
    },
    /// `CosineAnnealingLR`, with the hyperparameter `eta_min`.
    Cosine {
        /// The number of steps.
        t_max: u32,
    },
    /// `ExponentialLR`.
    Exponential {
        /// The factor of each step.
        gamma: Exact,
    },
    /// `StepLR`.
    Step {
        /// The number of steps with one rate.
        step_size: u32,
        /// The factor between them.
        gamma: Exact,
    },
    /// lr / √t.
    InverseSqrt,
    /// Up from 0, then constant.
    ConstantWithWarmup {
        /// The length of the warm-up.
        warmup_steps: u32,
    },
    /// Up from 0, then down to 0.
    LinearWithWarmup {
        /// The length of the warm-up.
        warmup_steps: u32,
        /// The number of steps, warm-up included.
        total_steps: u32,
    },
    /// Up from 0, then along a cosine down to the hyperparameter `min_lr`.
    CosineWithMinLr {
        /// The length of the warm-up.
        warmup_steps: u32,
        /// The number of steps, warm-up included.
        total_steps: u32,
    },
}

impl TryFrom<&ScheduleFile> for Schedule {
    type Error = ScenarioError;

    fn try_from(file: &ScheduleFile) -> Result<Self, ScenarioError> {
        Ok(match file {
            ScheduleFile::Constant => Self::Constant,
            ScheduleFile::Linear {
                start_factor,
                end_factor,
                total_iters,
            } => Self::Linear {
                start_factor: rational("schedule.start_factor", start_factor)?,
                end_factor: rational("schedule.end_factor", end_factor)?,
                total_iters: positive("schedule.total_iters", *total_iters)?,
            },
            ScheduleFile::Cosine { t_max } => Self::Cosine {
                t_max: positive("schedule.t_max", *t_max)?,
            },
            ScheduleFile::Exponential { gamma } => Self::Exponential {
                gamma: decay("schedule.gamma", gamma)?,
            },
            ScheduleFile::Step { step_size, gamma } => Self::Step {
                step_size: positive("schedule.step_size", *step_size)?,
                gamma: decay("schedule.gamma", gamma)?,
            },
            ScheduleFile::InverseSqrt => Self::InverseSqrt,
            ScheduleFile::ConstantWithWarmup { warmup_steps } => Self::ConstantWithWarmup {
                warmup_steps: *warmup_steps,
            },
            ScheduleFile::LinearWithWarmup {
                warmup_steps,
                total_steps,
            } => Self::LinearWithWarmup {
                warmup_steps: *warmup_steps,
                total_steps: longer(*warmup_steps, *total_steps)?,
            },
            ScheduleFile::CosineWithMinLr {
                warmup_steps,
                total_steps,
            } => Self::CosineWithMinLr {
                warmup_steps: *warmup_steps,
                total_steps: longer(*warmup_steps, *total_steps)?,
            },
        })
    }
}

impl From<&Schedule> for ScheduleFile {
    fn from(schedule: &Schedule) -> Self {
        let exact = |q: &Ratio| Exact(q.clone().into());
        match schedule {
            Schedule::Constant => Self::Constant,
            Schedule::Linear {
                start_factor,
                end_factor,
                total_iters,
            } => Self::Linear {
                start_factor: exact(start_factor),
                end_factor: exact(end_factor),
                total_iters: *total_iters,
            },
            Schedule::Cosine { t_max } => Self::Cosine { t_max: *t_max },
            Schedule::Exponential { gamma } => Self::Exponential {
                gamma: exact(gamma),
            },
            Schedule::Step { step_size, gamma } => Self::Step {
                step_size: *step_size,
                gamma: exact(gamma),
            },
            Schedule::InverseSqrt => Self::InverseSqrt,
            Schedule::ConstantWithWarmup { warmup_steps } => Self::ConstantWithWarmup {
                warmup_steps: *warmup_steps,
            },
            Schedule::LinearWithWarmup {
                warmup_steps,
                total_steps,
            } => Self::LinearWithWarmup {
                warmup_steps: *warmup_steps,
                total_steps: *total_steps,
            },
            Schedule::CosineWithMinLr {
                warmup_steps,
                total_steps,
            } => Self::CosineWithMinLr {
                warmup_steps: *warmup_steps,
                total_steps: *total_steps,
            },
        }
    }
}

fn rational(field: &str, x: &Exact) -> Result<Ratio, ScenarioError> {
    let rational = x.0.as_ratio().cloned();
    rational.ok_or_else(|| ScenarioError::field(field, format!("{} is not rational", x.0)))
}

/// A factor above 0 and at most 1.
fn decay(field: &str, x: &Exact) -> Result<Ratio, ScenarioError> {
    let gamma = rational(field, x)?;
    if gamma > Ratio::zero() && gamma <= Ratio::one() {
        return Ok(gamma);
    }
    let message = format!("found {}, expected a number above 0 and at most 1", x.0);
    Err(ScenarioError::field(field, message))
}

fn longer(warmup_steps: u32, total_steps: u32) -> Result<u32, ScenarioError> {
    if total_steps > warmup_steps {
        return Ok(total_steps);
    }
    let message =
        format!("found {total_steps}, expected more than the {warmup_steps} of the warm-up");
    Err(ScenarioError::field("schedule.total_steps", message))
}
