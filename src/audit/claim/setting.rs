//! The setting of a claim, the trained model and its start: read once, the same for every kind of claim.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::FieldError;
use crate::zoo::{Clip, LossScaling, MOST_COPIES, Recipe, Reduction, Schedule, UnknownName};

/// The largest size that a claim may ask of the runs that are tried.
const LARGEST_SIZE: usize = 16;

macro_rules! setting {
    ($($(#[doc = $doc:literal])* $field:ident: $type:ty,)*) => {
        /// The fields of a file that say what is trained.
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct SettingFile {
            $($(#[doc = $doc])* #[serde(default)] pub $field: Option<$type>,)*
        }

        impl SettingFile {
            /// The names of all fields.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// This setting with the fields of `own` in place of its own, where `own` has them.
            fn overlaid(&self, own: &Self) -> Self {
                Self { $($field: own.$field.clone().or_else(|| self.$field.clone()),)* }
            }
        }
    };
}

setting! {
    /// The network. By default an unknown one where weights are derived, and one linear layer
    /// where numbers are needed.
    model: String,
    /// The optimizer; `sgd` by default.
    optimizer: String,
    /// The loss; `mse` by default.
    loss: String,
    /// `mean` or `sum`.
    reduction: String,
    /// The terms (momentum, weight_decay, eps …) that are on, and so are not 0.
    terms: Vec<String>,
    /// The terms that are off, and so are 0.
    without: Vec<String>,
    /// The optimizer's switches.
    flags: Vec<String>,
    /// The optimizer's whole numbers.
    counts: BTreeMap<String, u32>,
    /// Gradient clipping.
    clip: String,
    /// The learning-rate schedule, as in a scenario file.
    schedule: Schedule,
    /// The number of micro-batches of a step.
    accumulation: u32,
    /// `unscaled` or `kept`.
    loss_scaling: String,
    /// Sizes of dimensions that the runs have; the others are drawn.
    sizes: BTreeMap<String, usize>,
    /// The tensors that start at zero.
    start: StartFile,
    /// `true` if the optimizer's memory starts from given values, as in the middle of a run.
    midway: bool,
    /// LoRA+: one rate, times a ratio for the factors B.
    loraplus: bool,
}

/// The start of runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum StartFile {
    /// `any` or `lora`: what the model starts at zero.
    Named(StartName),
    /// These tensors are zero.
    Zero(BTreeSet<String>),
}

/// A start with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartName {
    /// Anywhere.
    Any,
    /// The start of the model's training: B = 0 for LoRA.
    Lora,
}

/// The trained model and its start.
#[derive(Debug, Clone)]
pub struct Setting {
    file: SettingFile,
    /// The step over which weights are derived: an unknown network unless a model is named.
    pub symbolic: Recipe,
    /// The step that is run on numbers: one linear layer unless a model is named.
    pub numeric: Recipe,
    /// The trained tensors that start at zero.
    pub zero: BTreeSet<String>,
    /// The settings that are not zero, by base name.
    pub nonzero: BTreeSet<String>,
    /// The sizes that are given.
    pub sizes: BTreeMap<String, usize>,
}

impl Setting {
    /// The setting that the fields describe.
    ///
    /// # Errors
    /// [`FieldError`] for a name that the zoo does not have, or a combination that makes no step.
    pub fn new(file: SettingFile) -> Result<Self, FieldError> {
        let symbolic = recipe(&file, "opaque")?;
        let numeric = recipe(&file, "linear")?;
        let built = |recipe: &Recipe| recipe.build().map_err(|e| FieldError::new("optimizer", e));
        let (step, run) = (built(&symbolic)?, built(&numeric)?);
        let trained: Vec<&str> = step.parameters.iter().map(|p| p.name.as_str()).collect();
        let zero: BTreeSet<String> = match file.start.clone() {
            None | Some(StartFile::Named(StartName::Any)) => BTreeSet::new(),
            Some(StartFile::Named(StartName::Lora)) => {
                let names = numeric.model.zero_at_start.iter();
                names.map(|name| (*name).to_owned()).collect()
            }
            Some(StartFile::Zero(names)) => names,
        };
        if let Some(name) = zero.iter().find(|name| !trained.contains(&name.as_str())) {
            let message = format!("found `{name}`, expected some of {}", trained.join(", "));
            return Err(FieldError::new("start", message));
        }
        let sizes = file.sizes.clone().unwrap_or_default();
        let shapes = run.graph.leaves().map(|(_, id)| &run.graph.node(id).shape);
        let dimensions: BTreeSet<&str> = shapes
            .flat_map(|s| s.rows.names().chain(s.cols.names()))
            .collect();
        for (name, size) in &sizes {
            let field = format!("sizes.{name}");
            if !dimensions.contains(name.as_str()) {
                let known: Vec<&str> = dimensions.iter().copied().collect();
                let message = format!("no such dimension: expected some of {}", known.join(", "));
                return Err(FieldError::new(field, message));
            }
            if !(1..=LARGEST_SIZE).contains(size) {
                let message = format!("found {size}, expected 1 to {LARGEST_SIZE}");
                return Err(FieldError::new(field, message));
            }
        }
        let nonzero = file.terms.clone().unwrap_or_default();
        Ok(Self {
            symbolic,
            numeric,
            zero,
            nonzero: nonzero.into_iter().collect(),
            sizes,
            file,
        })
    }

    /// This setting with the fields of `own` laid over it. Terms, terms that are off and switches
    /// add up, the later word counts.
    ///
    /// # Errors
    /// As [`Setting::new`].
    pub fn overlaid(&self, own: &SettingFile) -> Result<Self, FieldError> {
        let mut file = self.file.overlaid(own);
        let both = |of: &dyn Fn(&SettingFile) -> Option<Vec<String>>, against: &[String]| {
            let mut all = of(&self.file).unwrap_or_default();
            all.retain(|name| !against.contains(name));
            all.extend(of(own).unwrap_or_default());
            (!all.is_empty()).then_some(all)
        };
        let none: &[String] = &[];
        let own_without = own.without.as_deref().unwrap_or(none);
        let own_terms = own.terms.as_deref().unwrap_or(none);
        file.terms = both(&|f| f.terms.clone(), own_without);
        file.without = both(&|f| f.without.clone(), own_terms);
        file.flags = both(&|f| f.flags.clone(), none);
        // Terms and switches of another optimizer say nothing about this one.
        if own.optimizer.is_some() && own.optimizer != self.file.optimizer {
            file.counts = own.counts.clone();
        }
        Self::new(file)
    }

    /// `true` if the network is any that there is.
    pub fn any_network(&self) -> bool {
        self.file.model.is_none()
    }

    /// `true` if two settings are the same.
    pub fn is(&self, other: &Self) -> bool {
        self.file == other.file
    }

    /// The optimizer's terms that may be zero, and of which the claim says nothing.
    pub fn incidental(&self) -> Vec<&'static str> {
        let settings = self.numeric.optimizer.hyperparameters.iter();
        let optional = settings.filter(|h| h.may_be_zero);
        let silent = optional
            .filter(|h| !self.nonzero.contains(h.name) && !self.numeric.off.contains(h.name));
        silent.map(|h| h.name).collect()
    }
}

/// The named terms on, those named under `without` off, and the others as the optimizer's
/// defaults have them.
fn recipe(file: &SettingFile, model: &str) -> Result<Recipe, FieldError> {
    let unknown = |field: &str, e: UnknownName| FieldError::new(field, e);
    let text = |own: &Option<String>, default: &str| own.clone().unwrap_or(default.to_owned());
    let model = text(&file.model, model);
    let (loss, optimizer) = (text(&file.loss, "mse"), text(&file.optimizer, "sgd"));
    let recipe = Recipe::new(&model, &loss, &optimizer);
    let mut recipe = recipe.map_err(|e| FieldError::new(e.kind(), e))?.plain();
    for term in file.terms.iter().flatten() {
        let settings = recipe.optimizer.hyperparameters.iter();
        let known: Vec<&str> = settings.filter(|h| h.may_be_zero).map(|h| h.name).collect();
        if !known.contains(&term.as_str()) {
            let message = format!("found `{term}`, expected some of {}", known.join(", "));
            return Err(FieldError::new("terms", message));
        }
        if file.without.iter().flatten().any(|off| off == term) {
            let message = format!("found `{term}`, which `terms` has on");
            return Err(FieldError::new("without", message));
        }
        recipe.off.remove(term);
    }
    for term in file.without.iter().flatten() {
        recipe.switch_off(term).map_err(|e| unknown("without", e))?;
    }
    for flag in file.flags.iter().flatten() {
        recipe
            .set_flag(flag, true)
            .map_err(|e| unknown("flags", e))?;
    }
    for (name, count) in file.counts.iter().flatten() {
        recipe
            .set_count(name, *count)
            .map_err(|e| unknown("counts", e))?;
    }
    if let Some(clip) = &file.clip {
        recipe.clip = Some(clip.parse::<Clip>().map_err(|e| unknown("clip", e))?);
    }
    recipe.midway = file.midway.unwrap_or(false);
    recipe.loraplus = file.loraplus.unwrap_or(false);
    if let Some(schedule) = &file.schedule {
        let sound = schedule.check();
        sound.map_err(|e| FieldError::new("schedule", e))?;
        recipe.schedule = Some(schedule.clone());
    }
    if let Some(batches) = file.accumulation {
        if !(1..=MOST_COPIES).contains(&batches) {
            let message = format!("found {batches}, expected 1 to {MOST_COPIES}");
            return Err(FieldError::new("accumulation", message));
        }
        recipe.accumulation = batches;
    }
    if let Some(scaling) = &file.loss_scaling {
        let scaling = scaling.parse::<LossScaling>();
        recipe.loss_scaling = Some(scaling.map_err(|e| unknown("loss_scaling", e))?);
    }
    if let Some(reduction) = &file.reduction {
        let reduction = reduction.parse::<Reduction>();
        recipe.reduction = reduction.map_err(|e| unknown("reduction", e))?;
    }
    Ok(recipe)
}
