//! Learning-rate schedules of `torch.optim.lr_scheduler` and `transformers.optimization`, as
//! functions of the step number.
//!
//! With t the number of the step from 1, a scheduler's counter c is t − 1. A schedule that
//! starts with a warm-up of w steps multiplies lr by c / w while c < w, so that the first step
//! of all has rate 0.

use num_traits::{One, Zero};
use serde::{Deserialize, Serialize};

use crate::arith::{Ratio, show_ratio};
use crate::graph::{Expr, StepBuilder};

/// The change of the learning rate from step to step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The rate as it is.
    Constant,
    /// `LinearLR`: lr times a factor that goes from `start_factor` to `end_factor` in
    /// `total_iters` steps and stays there.
    Linear {
        /// The factor of the first step.
        #[serde(with = "rational")]
        start_factor: Ratio,
        /// The factor of the last step.
        #[serde(with = "rational")]
        end_factor: Ratio,
        /// The number of steps in between; at least 1.
        total_iters: u32,
    },
    /// `CosineAnnealingLR` in closed form: from lr to `eta_min` along half a cosine of `t_max`
    /// steps. `eta_min` is a hyperparameter of its own: a floor that is absolute, not a
    /// multiple of lr.
    Cosine {
        /// The number of steps; at least 1.
        t_max: u32,
    },
    /// `ExponentialLR`: lr times `gamma` after each step.
    Exponential {
        /// The factor.
        #[serde(with = "rational")]
        gamma: Ratio,
    },
    /// `StepLR`: lr times `gamma` after every `step_size` steps.
    Step {
        /// The number of steps with one rate; at least 1.
        step_size: u32,
        /// The factor.
        #[serde(with = "rational")]
        gamma: Ratio,
    },
    /// lr / √t (Vaswani et al. 2017, without warm-up).
    InverseSqrt,
    /// `get_constant_schedule_with_warmup`.
    ConstantWithWarmup {
        /// The length w of the warm-up.
        warmup_steps: u32,
    },
    /// `get_linear_schedule_with_warmup`: after the warm-up from lr down to 0.
    LinearWithWarmup {
        /// The length w of the warm-up.
        warmup_steps: u32,
        /// The number of steps after which the rate is 0, warm-up included.
        total_steps: u32,
    },
    /// `get_cosine_with_min_lr_schedule_with_warmup`: after the warm-up from lr to `min_lr`
    /// along half a cosine. `min_lr` is a hyperparameter of its own, an absolute floor, as in
    /// Megatron-LM, whose counter is one further. In transformers the floor of a parameter group
    /// is `min_lr` times the group's rate over the optimizer's default rate.
    CosineWithMinLr {
        /// The length w of the warm-up.
        warmup_steps: u32,
        /// The number of steps after which the floor is reached, warm-up included.
        total_steps: u32,
    },
}

/// A number of a schedule that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `schedule.{field}`: found {found}, expected {expected}")]
pub struct ScheduleError {
    /// The number's name.
    pub field: &'static str,
    /// The number that was found.
    pub found: String,
    /// The numbers that make sense.
    pub expected: String,
}

impl Schedule {
    /// Refuses numbers of steps that are 0 or not longer than the warm-up, and factors of a decay
    /// that are not above 0 and at most 1.
    ///
    /// # Errors
    /// [`ScheduleError`] names the field.
    pub fn check(&self) -> Result<(), ScheduleError> {
        let unless = |holds: bool, field, found: String, expected: &str| match holds {
            true => Ok(()),
            false => Err(ScheduleError {
                field,
                found,
                expected: expected.to_owned(),
            }),
        };
        let positive = |field, n: u32| unless(n > 0, field, n.to_string(), "at least 1");
        let decay = |gamma: &Ratio| {
            let holds = *gamma > Ratio::zero() && *gamma <= Ratio::one();
            let expected = "a number above 0 and at most 1";
            unless(holds, "gamma", show_ratio(gamma), expected)
        };
        match self {
            Self::Constant | Self::InverseSqrt | Self::ConstantWithWarmup { .. } => Ok(()),
            Self::Linear { total_iters, .. } => positive("total_iters", *total_iters),
            Self::Cosine { t_max } => positive("t_max", *t_max),
            Self::Exponential { gamma } => decay(gamma),
            Self::Step { step_size, gamma } => {
                positive("step_size", *step_size)?;
                decay(gamma)
            }
            Self::LinearWithWarmup {
                warmup_steps,
                total_steps,
            }
            | Self::CosineWithMinLr {
                warmup_steps,
                total_steps,
            } => {
                let expected = format!("more than the {warmup_steps} of the warm-up");
                let holds = total_steps > warmup_steps;
                unless(holds, "total_steps", total_steps.to_string(), &expected)
            }
        }
    }

    /// The hyperparameters of its own, with their defaults.
    pub fn parameters(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Cosine { .. } => &[("eta_min", "0")],
            Self::CosineWithMinLr { .. } => &[("min_lr", "0")],
            _ => &[],
        }
    }

    /// The learning rate at the current step, of one tensor or of all.
    pub(super) fn apply<'g>(
        &self,
        step: &'g StepBuilder,
        tensor: Option<&str>,
        lr: Expr<'g>,
    ) -> Expr<'g> {
        let named = |base: &str| tensor.map_or(base.to_owned(), |name| format!("{base}_{name}"));
        let counter = || step.step_number() - 1;
        let floor = |base: &str| step.hyperparameter(&named(base), base, true);
        let rate = match self {
            // These three are leaves, which have their names. The rate that decays is memory, as the
            // `lr` of a parameter group is.
            Self::Constant => return lr,
            Self::Exponential { gamma } => {
                return remembered(step, &named("lr"), lr, |lr| {
                    lr * step.constant(gamma.clone())
                });
            }
            Self::Step { step_size, gamma } => {
                let ends = period(step, *step_size);
                return remembered(step, &named("lr"), lr, |lr| {
                    ends.if_equal(0, lr * step.constant(gamma.clone()), lr)
                });
            }
            Self::Linear {
                start_factor,
                end_factor,
                total_iters,
            } => {
                let total = step.ratio(i64::from(*total_iters), 1);
                let slope = step.constant(end_factor - start_factor);
                let multiple =
                    step.constant(start_factor.clone()) + slope * (counter().min(total) / total);
                lr * multiple
            }
            Self::Cosine { t_max } => {
                let phase = counter() / i64::from(*t_max);
                between(floor("eta_min"), lr, phase)
            }
            Self::InverseSqrt => lr / step.step_number().sqrt(),
            Self::ConstantWithWarmup { warmup_steps } => {
                warmed_up(*warmup_steps, counter(), lr, lr)
            }
            Self::LinearWithWarmup {
                warmup_steps,
                total_steps,
            } => {
                let left = (i64::from(*total_steps) - counter()).max(0);
                let share = left / after(*warmup_steps, *total_steps);
                warmed_up(*warmup_steps, counter(), lr, lr * share)
            }
            Self::CosineWithMinLr {
                warmup_steps,
                total_steps,
            } => {
                let phase =
                    (counter() - i64::from(*warmup_steps)) / after(*warmup_steps, *total_steps);
                let later = between(floor("min_lr"), lr, phase);
                warmed_up(*warmup_steps, counter(), lr, later)
            }
        };
        rate.named(&named("schedule.lr"))
    }

    /// The name by which it is selected: PyTorch's or that of transformers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear { .. } => "linear",
            Self::Cosine { .. } => "cosine",
            Self::Exponential { .. } => "exponential",
            Self::Step { .. } => "step",
            Self::InverseSqrt => "inverse_sqrt",
            Self::ConstantWithWarmup { .. } => "constant_with_warmup",
            Self::LinearWithWarmup { .. } => "linear_with_warmup",
            Self::CosineWithMinLr { .. } => "cosine_with_min_lr",
        }
    }
}

/// From lr down to the floor along half a cosine, at `phase` between 0 and 1.
fn between<'g>(floor: Expr<'g>, lr: Expr<'g>, phase: Expr<'g>) -> Expr<'g> {
    let half = lr.builder().ratio(1, 2);
    floor + (lr - floor) * (half * (1 + phase.cos_pi()))
}

/// `later`, but during a warm-up of `steps` steps the share of `lr` that grows from 0.
fn warmed_up<'g>(steps: u32, counter: Expr<'g>, lr: Expr<'g>, later: Expr<'g>) -> Expr<'g> {
    let share = counter / i64::from(steps.max(1));
    counter.if_less(i64::from(steps), lr * share, later)
}

/// The number of steps after the warm-up, at least 1.
fn after(warmup_steps: u32, total_steps: u32) -> i64 {
    i64::from(total_steps.saturating_sub(warmup_steps).max(1))
}

/// The number of steps taken with the current rate, this one included; 0 if it is the last.
fn period<'g>(step: &'g StepBuilder, step_size: u32) -> Expr<'g> {
    let next = |taken: Expr<'g>| {
        let now = taken + 1;
        now.if_equal(i64::from(step_size), 0, now)
    };
    next(remembered(step, "steps_of_period", step.ratio(0, 1), next))
}

/// Memory that follows `next`; asked for again, the same.
fn remembered<'g>(
    step: &'g StepBuilder,
    name: &str,
    first: Expr<'g>,
    next: impl FnOnce(Expr<'g>) -> Expr<'g>,
) -> Expr<'g> {
    if let Some(known) = step.find(&format!("state.{name}")) {
        return known;
    }
    let memory = step.state(name, first);
    step.update(memory, next(memory));
    memory
}

/// A rational number in a file, as exact numbers are written there.
mod rational {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use crate::arith::{Ratio, Surd};

    pub fn serialize<S: Serializer>(q: &Ratio, serializer: S) -> Result<S::Ok, S::Error> {
        Surd::rational(q.clone()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ratio, D::Error> {
        let exact = Surd::deserialize(deserializer)?;
        let rational = exact.as_ratio().cloned();
        rational.ok_or_else(|| de::Error::custom(format!("{exact} is not rational")))
    }
}
