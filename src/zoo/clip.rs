//! Gradient clipping, as in `torch.nn.utils`.

use std::str::FromStr;

use super::UnknownName;
use crate::graph::{Expr, StepBuilder};

/// How gradients are clipped before the optimizer sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clip {
    /// `clip_grad_value_`: each entry clamped to ±`clip_value`, one threshold for each tensor.
    Value,
    /// `clip_grad_norm_` over all tensors: g · min(1, max_norm / (N + 10⁻⁶)) with the global
    /// 2-norm N.
    Norm,
    /// The same without PyTorch's constant 10⁻⁶: g · max_norm / N where N > max_norm. Not what
    /// PyTorch does; there to see what the constant costs.
    NormExact,
}

impl FromStr for Clip {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, clip)| *clip).ok_or_else(|| UnknownName {
            what: "clipping",
            found: text.to_owned(),
            known: Self::ALL.iter().map(|(name, _)| *name).collect(),
        })
    }
}

impl Clip {
    /// All ways of clipping by name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("value", Self::Value),
        ("norm", Self::Norm),
        ("norm-exact", Self::NormExact),
    ];

    /// The name by which it is selected.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Norm => "norm",
            Self::NormExact => "norm-exact",
        }
    }

    /// The clipped gradients of the named tensors.
    pub(super) fn apply<'g>(
        self,
        step: &'g StepBuilder,
        gradients: &[(String, Expr<'g>)],
    ) -> Vec<Expr<'g>> {
        if self == Self::Value {
            return gradients
                .iter()
                .map(|(name, g)| {
                    let bound =
                        step.hyperparameter(&format!("clip_value_{name}"), "clip_value", false);
                    g.max(-bound).min(bound)
                })
                .collect();
        }
        let squares = gradients.iter().map(|(_, g)| g.square().sum());
        let Some(total) = squares.reduce(|x, y| x + y) else {
            return vec![];
        };
        let norm = total.named("clip.norm_squared").sqrt().named("clip.norm");
        let max_norm = step.hyperparameter("max_norm", "max_norm", false);
        let coefficient = if self == Self::Norm {
            let denominator = (norm + step.ratio(1, 1_000_000)).named("clip.denominator");
            (max_norm / denominator).min(1)
        } else {
            norm.if_less_equal(max_norm, 1, max_norm / norm)
        };
        coefficient.named("clip.coef");
        gradients.iter().map(|(_, g)| *g * coefficient).collect()
    }
}
