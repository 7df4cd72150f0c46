//! Learning-rate schedules, as in `torch.optim.lr_scheduler`, as functions of the step number.
//!
//! With t the number of the step from 1, PyTorch's scheduler counter is t − 1.

use crate::arith::Ratio;
use crate::graph::{Expr, StepBuilder};

/// How the learning rate changes from step to step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `LinearLR`: lr times a factor that goes from `start_factor` to `end_factor` in
    /// `total_iters` steps and stays there.
    Linear {
        /// The factor of the first step.
        start_factor: Ratio,
        /// The factor of the last step.
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
    /// lr / √t (Vaswani et al. 2017, without warm-up).
    InverseSqrt,
}

impl Schedule {
    /// The learning rate at the current step; `eta_min` names the floor that goes with it.
    pub(super) fn apply<'g>(&self, step: &'g StepBuilder, eta_min: &str, lr: Expr<'g>) -> Expr<'g> {
        let counter = step.step_number() - 1;
        match self {
            Self::Linear {
                start_factor,
                end_factor,
                total_iters,
            } => {
                let total = step.ratio(i64::from(*total_iters), 1);
                let slope = step.constant(end_factor - start_factor);
                let multiple =
                    step.constant(start_factor.clone()) + slope * (counter.min(total) / total);
                lr * multiple
            }
            Self::Cosine { t_max } => {
                let floor = step.hyperparameter(eta_min, "eta_min", true);
                let half = step.ratio(1, 2);
                let phase = counter / i64::from(*t_max);
                floor + (lr - floor) * (half * (1 + phase.cos_pi()))
            }
            Self::InverseSqrt => lr / step.step_number().sqrt(),
        }
    }

    /// PyTorch's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Cosine { .. } => "cosine",
            Self::InverseSqrt => "inverse_sqrt",
        }
    }
}
