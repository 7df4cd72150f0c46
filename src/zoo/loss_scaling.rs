//! A constant factor of the loss, which keeps small gradients from vanishing in short floats
//! (Micikevicius et al. 2018, arXiv 1710.03740, §3.2).
//!
//! The loss that is reported and compared is the one without the factor. A factor that changes
//! with overflows, as in `torch.amp.GradScaler`, is not here.

use std::str::FromStr;

use super::UnknownName;
use super::registry::by_name;
use crate::graph::{Expr, StepBuilder};

/// The fate of the factor in the gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossScaling {
    /// It is taken out again before clipping and the optimizer, as `GradScaler.unscale_` does.
    Unscaled,
    /// It stays, and the optimizer sees the gradients of the scaled loss.
    Kept,
}

impl LossScaling {
    /// Both by name.
    pub const ALL: [(&'static str, Self); 2] = [("unscaled", Self::Unscaled), ("kept", Self::Kept)];

    /// The factor as a hyperparameter, with its default.
    pub const PARAMETER: (&'static str, &'static str) = ("loss_scale", "65536");

    /// The name by which it is selected.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unscaled => "unscaled",
            Self::Kept => "kept",
        }
    }

    /// The loss that is differentiated.
    pub(super) fn apply<'g>(self, step: &'g StepBuilder, loss: Expr<'g>) -> Expr<'g> {
        loss * scale(step)
    }

    /// The gradient that is handed on, from the gradient `g` of the scaled loss.
    pub(super) fn undo<'g>(self, step: &'g StepBuilder, g: Expr<'g>) -> Expr<'g> {
        match self {
            Self::Unscaled => g * (1 / scale(step)),
            Self::Kept => g,
        }
    }
}

fn scale(step: &StepBuilder) -> Expr<'_> {
    let (name, _) = LossScaling::PARAMETER;
    step.hyperparameter(name, name, false)
}

impl FromStr for LossScaling {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        by_name("loss scaling", &Self::ALL, text)
    }
}
