//! Loss functions, as in `torch.nn.functional`.

mod cross_entropy;
mod huber;
mod l1;
mod mse;
mod smooth_l1;

use std::str::FromStr;

use super::registry::{self, Entry, Registry, by_name};
use super::{DefinitionError, LookupError, LossFile, NameTaken, UnknownName};
use crate::graph::{Expr, StepBuilder};

/// The kind of targets of a loss.
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
    /// The kind of its targets.
    pub targets: Targets,
    /// Its parameters with PyTorch's defaults. They are called `loss.NAME` with PyTorch's name,
    /// since an optimizer may have a setting of that name.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The unreduced loss of an output and its targets (of one shape).
    pub build: for<'g> fn(&'g StepBuilder, Expr<'g>, Expr<'g>) -> Expr<'g>,
    /// The file that says what is built, where there is one; `build` is then idle.
    pub file: Option<&'static LossFile>,
}

/// A loss without parameters, as most are.
pub const PLAIN: Loss = Loss {
    name: "",
    targets: Targets::Real,
    parameters: &[],
    build: |step, _, _| step.ratio(0, 1),
    file: None,
};

/// The reduction of all losses to one number.
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
        let all = [Self::Mean, Self::Sum].map(|reduction| (reduction.name(), reduction));
        by_name("reduction", &all, text)
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

static REGISTERED: Registry<Loss> = Registry::new();

impl Entry for Loss {
    const KIND: &'static str = "loss";
    fn built_in() -> &'static [Self] {
        LOSSES
    }
    fn registry() -> &'static Registry<Self> {
        &REGISTERED
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn text(&self) -> Option<&'static str> {
        self.file.map(LossFile::text)
    }
    fn read(text: &str) -> Result<Self, DefinitionError> {
        LossFile::read(text)
    }
}

/// The loss with this key: its name, or the text of the file that defines it.
///
/// # Errors
/// [`LookupError`] lists the losses, or says what is wrong with the text.
pub fn find(key: &str) -> Result<&'static Loss, LookupError> {
    Loss::find(key)
}

/// Adds a program's own loss to those that scenarios, claims and campaigns can name.
///
/// # Errors
/// [`NameTaken`] where another loss has the name.
pub fn register(loss: Loss) -> Result<&'static Loss, NameTaken> {
    registry::register(loss)
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
        let each = match self.file {
            Some(file) => file.unreduced(step, z, y),
            None => (self.build)(step, z, y),
        };
        match reduction {
            Reduction::Mean => each.mean(),
            Reduction::Sum => each.sum(),
        }
    }
}
