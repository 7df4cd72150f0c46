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

use super::registry::{self, Entry, Registry};
use super::{DefinitionError, Hyperparameter, LookupError, ModelFile, NameTaken};
use crate::graph::{Dim, Expr, StepBuilder};

/// The result of a forward pass, which the loss takes.
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
    /// The batch of a step that has one only.
    pub(super) const ONLY: Self = Self { number: None };

    /// The micro-batches of a step that accumulates the gradients of `count` of them.
    pub(super) fn all(count: u32) -> impl Iterator<Item = Self> {
        (1..=count).map(move |i| Self {
            number: (count > 1).then_some(i),
        })
    }

    /// The name of a quantity of this micro-batch: `X`, or `X_2` where there are several.
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
    /// The file that says what is built, where there is one; `build` is then idle.
    pub file: Option<&'static ModelFile>,
}

impl Model {
    /// The output or loss for one micro-batch, with the parameters and data that it needs.
    pub(super) fn forward<'g>(&self, step: &'g StepBuilder, batch: MicroBatch) -> Forward<'g> {
        match self.file {
            Some(file) => file.forward(step, batch),
            None => (self.build)(step, batch),
        }
    }
}

/// One linear layer's names, and what most models do without.
pub const PLAIN: Model = Model {
    name: "",
    title: "",
    pairs: ONE_PAIR,
    zero_at_start: &["B"],
    hyperparameters: &[],
    contents: &[],
    build: |step, _| Forward::Loss(step.ratio(0, 1)),
    file: None,
};

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

static REGISTERED: Registry<Model> = Registry::new();

impl Entry for Model {
    const KIND: &'static str = "model";
    fn built_in() -> &'static [Self] {
        MODELS
    }
    fn registry() -> &'static Registry<Self> {
        &REGISTERED
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn text(&self) -> Option<&'static str> {
        self.file.map(ModelFile::text)
    }
    fn read(text: &str) -> Result<Self, DefinitionError> {
        ModelFile::read(text)
    }
}

/// The model with this key: its name, or the text of the file that defines it.
///
/// # Errors
/// [`LookupError`] lists the models, or says what is wrong with the text.
pub fn find(key: &str) -> Result<&'static Model, LookupError> {
    Model::find(key)
}

/// Adds a program's own model to those that scenarios, claims and campaigns can name.
///
/// # Errors
/// [`NameTaken`] where another model has the name.
pub fn register(model: Model) -> Result<&'static Model, NameTaken> {
    registry::register(model)
}
