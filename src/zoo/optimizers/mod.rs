//! Optimizers: one file each, one line in the table.

mod sgd;

use super::{Trainer, UnknownName};

/// A scalar setting of an optimizer, one for each trained tensor.
#[derive(Debug, Clone, Copy)]
pub struct Hyperparameter {
    /// PyTorch's name, for instance `lr`.
    pub name: &'static str,
    /// PyTorch's default, as an exact decimal.
    pub default: &'static str,
    /// Whether 0 is admissible and switches a term off.
    pub may_be_zero: bool,
}

/// An optimizer's published update rule as builder code.
#[derive(Debug)]
pub struct Optimizer {
    /// PyTorch's name in lower case.
    pub name: &'static str,
    /// One line on what it is.
    pub title: &'static str,
    /// Where the update rule is published.
    pub source: &'static str,
    /// Its scalar settings.
    pub hyperparameters: &'static [Hyperparameter],
    /// Its switches.
    pub flags: &'static [&'static str],
    /// Writes one step for every trained tensor.
    pub build: fn(&Trainer<'_>),
}

/// All optimizers.
pub static OPTIMIZERS: &[Optimizer] = &[sgd::OPTIMIZER];

/// The optimizer called `name`.
///
/// # Errors
/// [`UnknownName`] lists the optimizers.
pub fn find(name: &str) -> Result<&'static Optimizer, UnknownName> {
    OPTIMIZERS
        .iter()
        .find(|o| o.name == name)
        .ok_or_else(|| UnknownName {
            what: "optimizer",
            found: name.to_owned(),
            known: OPTIMIZERS.iter().map(|o| o.name).collect(),
        })
}
