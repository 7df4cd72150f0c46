//! The networks around the LoRA factors.

mod attention;
mod content;
mod dora;
mod embedding;
mod joint;
mod linear;
mod linear_dropout;
mod loha;
mod lokr;
mod lora_bias;
mod mlp;
mod opaque;

pub use content::Content;

use super::{Hyperparameter, UnknownName};
use crate::graph::{Dim, Expr, StepBuilder};

/// What a model hands to the loss.
#[derive(Debug, Clone, Copy)]
pub enum Forward<'g> {
    /// An output with a row for each of the batch, to be compared with targets of its shape.
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

/// One of the micro-batches of a step. It has data of its own and shares everything else.
#[derive(Debug, Clone, Copy)]
pub struct MicroBatch {
    /// Its number from 1; `None` where the step has one batch only.
    number: Option<u32>,
}

impl MicroBatch {
    /// The micro-batches of a step that accumulates the gradients of `count` of them.
    pub(super) fn all(count: u32) -> impl Iterator<Item = Self> {
        (1..=count).map(move |i| Self {
            number: (count > 1).then_some(i),
        })
    }

    /// How a quantity of this micro-batch is called: `X`, or `X_2` where there are several.
    pub fn name(self, base: &str) -> String {
        match self.number {
            None => base.to_owned(),
            Some(i) => format!("{base}_{i}"),
        }
    }

    /// Data of this micro-batch alone.
    pub fn data<'g>(self, step: &'g StepBuilder, base: &str, rows: &Dim, cols: &Dim) -> Expr<'g> {
        step.data(&self.name(base), rows, cols)
    }
}

/// A network with LoRA factors.
#[derive(Debug)]
pub struct Model {
    /// The name by which it is selected.
    pub name: &'static str,
    /// One line on what it is.
    pub title: &'static str,
    /// Its LoRA pairs, by the names of the leaves.
    pub pairs: &'static [PairNames],
    /// The trained tensors that are zero where training starts, as its source has it.
    pub zero_at_start: &'static [&'static str],
    /// Its scalar settings besides the scales.
    pub hyperparameters: &'static [Hyperparameter],
    /// The data that are not just any numbers, and what they are.
    pub contents: &'static [(&'static str, Content)],
    /// Declares parameters and data and returns the output or loss for one micro-batch.
    pub build: for<'g> fn(&'g StepBuilder, MicroBatch) -> Forward<'g>,
}

/// All models.
pub static MODELS: &[Model] = &[
    linear::MODEL,
    linear_dropout::MODEL,
    embedding::MODEL,
    mlp::TANH,
    mlp::RELU,
    mlp::GELU,
    attention::MODEL,
    loha::MODEL,
    lokr::MODEL,
    dora::MODEL,
    lora_bias::MODEL,
    joint::MODEL,
    opaque::MODEL,
];

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
