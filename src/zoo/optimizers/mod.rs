//! Optimizers: one file each, one line in the table.

mod adadelta;
mod adafactor;
mod adafactor_hf;
mod adagrad;
mod adam;
mod adam_atan2;
mod adamax;
mod adamw;
mod asgd;
mod lamb;
mod lars;
mod lbfgs;
mod lion;
mod lora_fa;
mod lora_rite;
mod muon;
mod nadam;
mod prodigy;
mod radam;
mod rmsprop;
mod rprop;
mod scaled_adamw;
mod scaled_gd;
mod schedulefree_adamw;
mod schedulefree_sgd;
mod setting;
mod sgd;
mod signsgd;
mod sophiag;
mod vector;

pub use setting::{Hyperparameter, Range};

use super::registry::{self, Entry, Registry};
use super::{DefinitionError, LookupError, NameTaken, OptimizerFile, Recipe, RecipeError, Trainer};

/// An optimizer's published update rule as builder code.
#[derive(Debug)]
pub struct Optimizer {
    /// PyTorch's name in lower case.
    pub name: &'static str,
    /// One line on what it is.
    pub title: &'static str,
    /// The publication of the update rule.
    pub source: &'static str,
    /// Its scalar settings.
    pub hyperparameters: &'static [Hyperparameter],
    /// Its switches.
    pub flags: &'static [&'static str],
    /// Groups of switches of which at most one may be on: the values of one setting.
    pub exclusive: &'static [&'static [&'static str]],
    /// The switches that PyTorch's optimizer has always on.
    pub pytorch_flags: &'static [&'static str],
    /// Those of its switches that are on by default.
    pub on: &'static [&'static str],
    /// Its whole numbers that shape the step itself, with their defaults: how many iterations
    /// it unrolls, how much history it keeps.
    pub counts: &'static [(&'static str, u32)],
    /// Settings of the published optimizer with one value that is built here, as JSON.
    pub fixed: &'static [(&'static str, &'static str)],
    /// The case distinctions on which its rule may depend, as [`Trainer::regime`] names them.
    pub regimes: &'static [Regime],
    /// Refuses combinations of settings and switches that the published optimizer refuses.
    pub check: fn(&Recipe) -> Result<(), RecipeError>,
    /// Writes one step for every trained tensor.
    pub build: fn(&Trainer<'_>),
    /// The file that says what is built, where there is one; `build` is then idle.
    pub file: Option<&'static OptimizerFile>,
}

impl Optimizer {
    /// Writes one step for every trained tensor.
    pub(super) fn step(&self, trainer: &Trainer<'_>) {
        match self.file {
            Some(file) => file.step(trainer),
            None => (self.build)(trainer),
        }
    }
}

/// A case distinction of a step.
#[derive(Debug, Clone, Copy)]
pub struct Regime {
    /// Its name.
    pub name: &'static str,
    /// The condition of the first case, in words.
    pub when: &'static str,
    /// The condition of the second case.
    pub otherwise: &'static str,
}

/// An optimizer without settings or switches, from which others take what they leave out.
pub const PLAIN: Optimizer = Optimizer {
    name: "",
    title: "",
    source: "",
    hyperparameters: &[],
    flags: &[],
    exclusive: &[],
    pytorch_flags: &[],
    on: &[],
    counts: &[],
    fixed: &[],
    regimes: &[],
    check: |_| Ok(()),
    build: |_| {},
    file: None,
};

/// All optimizers.
pub static OPTIMIZERS: &[Optimizer] = &[
    sgd::OPTIMIZER,
    adam::OPTIMIZER,
    adamw::OPTIMIZER,
    adamax::OPTIMIZER,
    nadam::OPTIMIZER,
    radam::OPTIMIZER,
    adagrad::OPTIMIZER,
    adadelta::OPTIMIZER,
    rmsprop::OPTIMIZER,
    rprop::OPTIMIZER,
    asgd::OPTIMIZER,
    adafactor::OPTIMIZER,
    lbfgs::OPTIMIZER,
    muon::OPTIMIZER,
    lion::OPTIMIZER,
    signsgd::OPTIMIZER,
    lamb::OPTIMIZER,
    lars::OPTIMIZER,
    sophiag::OPTIMIZER,
    adam_atan2::OPTIMIZER,
    adafactor_hf::OPTIMIZER,
    prodigy::OPTIMIZER,
    schedulefree_sgd::OPTIMIZER,
    schedulefree_adamw::OPTIMIZER,
    scaled_gd::OPTIMIZER,
    scaled_adamw::OPTIMIZER,
    lora_rite::OPTIMIZER,
    lora_fa::OPTIMIZER,
];

static REGISTERED: Registry<Optimizer> = Registry::new();

impl Entry for Optimizer {
    const KIND: &'static str = "optimizer";
    fn built_in() -> &'static [Self] {
        OPTIMIZERS
    }
    fn registry() -> &'static Registry<Self> {
        &REGISTERED
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn text(&self) -> Option<&'static str> {
        self.file.map(OptimizerFile::text)
    }
    fn read(text: &str) -> Result<Self, DefinitionError> {
        OptimizerFile::read(text)
    }
}

/// The optimizer with this key: its name, or the text of the file that defines it.
///
/// # Errors
/// [`LookupError`] lists the optimizers, or says what is wrong with the text.
pub fn find(key: &str) -> Result<&'static Optimizer, LookupError> {
    Optimizer::find(key)
}

/// Adds a program's own optimizer to those that scenarios, claims and campaigns can name.
///
/// # Errors
/// [`NameTaken`] where another optimizer has the name.
pub fn register(optimizer: Optimizer) -> Result<&'static Optimizer, NameTaken> {
    registry::register(optimizer)
}
