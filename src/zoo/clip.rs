//! Gradient clipping, as in `torch.nn.utils`.

use std::str::FromStr;

use super::UnknownName;
use super::registry::by_name;
use crate::graph::{Expr, StepBuilder};

/// The way in which gradients are clipped before the optimizer sees them.
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
    /// `clip_grad_norm_` over each tensor by itself, with a threshold for each.
    NormPerTensor,
    /// The same without PyTorch's constant 10⁻⁶.
    NormPerTensorExact,
}

impl FromStr for Clip {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        by_name("clipping", &Self::ALL, text)
    }
}

impl Clip {
    /// All ways of clipping by name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("value", Self::Value),
        ("norm", Self::Norm),
        ("norm-exact", Self::NormExact),
        ("norm-per-tensor", Self::NormPerTensor),
        ("norm-per-tensor-exact", Self::NormPerTensorExact),
    ];

    /// The name by which it is selected.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Norm => "norm",
            Self::NormExact => "norm-exact",
            Self::NormPerTensor => "norm-per-tensor",
            Self::NormPerTensorExact => "norm-per-tensor-exact",
        }
    }

    /// The clipped gradients of the named tensors.
    pub(super) fn apply<'g>(
        self,
        step: &'g StepBuilder,
        gradients: &[(String, Expr<'g>)],
    ) -> Vec<Expr<'g>> {
        let each = gradients.iter();
        match self {
            // As a clamp this would not be seen to be odd in g.
            Self::Value => each
                .map(|(name, g)| g.sign() * g.abs().min(threshold(step, "clip_value", Some(name))))
                .collect(),
            Self::NormPerTensor | Self::NormPerTensorExact => each
                .map(|(name, g)| *g * self.coefficient(step, g.square().sum(), Some(name)))
                .collect(),
            Self::Norm | Self::NormExact => {
                let squares = each.map(|(_, g)| g.square().sum());
                let Some(total) = squares.reduce(|x, y| x + y) else {
                    return vec![];
                };
                let coefficient = self.coefficient(step, total, None);
                gradients.iter().map(|(_, g)| *g * coefficient).collect()
            }
        }
    }

    /// The factor of the gradients whose squares sum up to `squares`, of one tensor or of all.
    fn coefficient<'g>(
        self,
        step: &'g StepBuilder,
        squares: Expr<'g>,
        tensor: Option<&str>,
    ) -> Expr<'g> {
        let call = |what: &str, value: Expr<'g>| {
            let suffix = tensor.map_or(String::new(), |name| format!("_{name}"));
            value.named(&format!("clip.{what}{suffix}"))
        };
        let norm = call("norm", call("norm_squared", squares).sqrt());
        let max_norm = threshold(step, "max_norm", tensor);
        let coefficient = match self {
            Self::Norm | Self::NormPerTensor => {
                let denominator = call("denominator", norm + step.ratio(1, 1_000_000));
                (max_norm / denominator).min(1)
            }
            _ => norm.if_less_equal(max_norm, 1, max_norm / norm),
        };
        call("coef", coefficient)
    }
}

/// The threshold `base`, of one tensor or of all.
fn threshold<'g>(step: &'g StepBuilder, base: &str, tensor: Option<&str>) -> Expr<'g> {
    let leaf = tensor.map_or(base.to_owned(), |name| format!("{base}_{name}"));
    step.hyperparameter(&leaf, base, false)
}
