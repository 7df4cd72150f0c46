//! The networks around the LoRA factors.

mod linear;
mod opaque;

use super::UnknownName;
use crate::graph::{Expr, StepBuilder};

/// What a model hands to the loss.
#[derive(Debug, Clone, Copy)]
pub enum Forward<'g> {
    /// An output of shape batch × n_out, to be compared with targets.
    Output(Expr<'g>),
    /// A loss of its own; 1 × 1.
    Loss(Expr<'g>),
}

/// The leaves of one LoRA pair.
#[derive(Debug, Clone, Copy)]
pub struct PairNames {
    /// The factor A.
    pub a: &'static str,
    /// The factor B.
    pub b: &'static str,
    /// The scale.
    pub s: &'static str,
}

/// The one pair of most models.
const ONE_PAIR: &[PairNames] = &[PairNames {
    a: "A",
    b: "B",
    s: "s",
}];

/// A network with LoRA factors.
#[derive(Debug)]
pub struct Model {
    /// The name by which it is selected.
    pub name: &'static str,
    /// One line on what it is.
    pub title: &'static str,
    /// Its LoRA pairs, by the names of the leaves.
    pub pairs: &'static [PairNames],
    /// Declares parameters and data and returns the output or loss.
    pub build: for<'g> fn(&'g StepBuilder) -> Forward<'g>,
}

/// All models.
pub static MODELS: &[Model] = &[linear::MODEL, opaque::MODEL];

/// The model called `name`.
///
/// # Errors
/// [`UnknownName`] lists the models.
pub fn find(name: &str) -> Result<&'static Model, UnknownName> {
    MODELS
        .iter()
        .find(|m| m.name == name)
        .ok_or_else(|| UnknownName {
            what: "model",
            found: name.to_owned(),
            known: MODELS.iter().map(|m| m.name).collect(),
        })
}
