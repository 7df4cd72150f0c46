//! Loss functions, as in `torch.nn.functional`.

mod cross_entropy;
mod huber;
mod l1;
mod mse;
mod smooth_l1;

use std::str::FromStr;

use super::UnknownName;
use crate::graph::{Expr, StepBuilder};

/// What the targets of a loss are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    /// Real numbers, as many as outputs.
    Real,
    /// One class for each row of outputs, given one-hot.
    Classes,
}

/// A loss function.
#[derive(Debug)]
pub struct Loss {
    /// PyTorch's name.
    pub name: &'static str,
    /// What its targets are.
    pub targets: Targets,
    /// Its parameters with PyTorch's defaults. They are called `loss.NAME` with PyTorch's name,
    /// since an optimizer may have a setting of that name.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The unreduced loss of an output and its targets (of one shape).
    pub build: for<'g> fn(&'g StepBuilder, Expr<'g>, Expr<'g>) -> Expr<'g>,
}

/// How the unreduced losses become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl FromStr for Reduction {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "mean" => Ok(Self::Mean),
            "sum" => Ok(Self::Sum),
            _ => Err(UnknownName {
                what: "reduction",
                found: text.to_owned(),
                known: vec!["mean", "sum"],
            }),
        }
    }
}

impl Reduction {
    /// PyTorch's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
        }
    }
}

/// All losses.
pub static LOSSES: &[Loss] = &[
    mse::LOSS,
    l1::LOSS,
    huber::LOSS,
    smooth_l1::LOSS,
    cross_entropy::LOSS,
];

/// The loss called `name`.
///
/// # Errors
/// [`UnknownName`] lists the losses.
pub fn find(name: &str) -> Result<&'static Loss, UnknownName> {
    LOSSES
        .iter()
        .find(|l| l.name == name)
        .ok_or_else(|| UnknownName {
            what: "loss",
            found: name.to_owned(),
            known: LOSSES.iter().map(|l| l.name).collect(),
        })
}

impl Loss {
    /// The reduced loss of the output `z` and its targets `y`, both with a row for each of the
    /// batch.
    pub fn reduced<'g>(
        &self,
        step: &'g StepBuilder,
        z: Expr<'g>,
        y: Expr<'g>,
        reduction: Reduction,
    ) -> Expr<'g> {
        let each = (self.build)(step, z, y);
        match reduction {
            Reduction::Mean => each.mean(),
            Reduction::Sum => each.sum(),
        }
    }
}
