//! The setting of a drawn claim, and the claim's fields that say it.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use crate::zoo::{Entry, Recipe, Reduction};

/// The fields of a claim, in the order in which they are written.
pub(super) type Fields = Vec<(String, Value)>;

/// The start of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// Anywhere.
    Any,
    /// As the model does.
    Lora,
    /// With these tensors at zero.
    Zero(Vec<String>),
}

/// A setting: a recipe with the terms that are named as not zero, and a start.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub recipe: Recipe,
    /// `true` if the claim names the model; one that does not speaks of any network.
    pub named: bool,
    /// The optional terms that are on and are not 0.
    pub terms: BTreeSet<String>,
    pub start: Start,
    /// The sizes that are given.
    pub sizes: BTreeMap<String, usize>,
}

impl Setting {
    /// The setting of a recipe, with everything that is on named as such.
    pub fn new(recipe: &Recipe) -> Self {
        let mut recipe = recipe.clone();
        recipe.regimes.clear();
        (recipe.storage, recipe.compute) = (None, None);
        let settings = recipe.optimizer.hyperparameters.iter();
        let on = settings.filter(|h| h.may_be_zero && !recipe.off.contains(h.name));
        Self {
            terms: on.map(|h| h.name.to_owned()).collect(),
            named: true,
            recipe,
            start: Start::Any,
            sizes: BTreeMap::new(),
        }
    }

    /// The tensors that are zero at the start.
    pub fn zero(&self) -> BTreeSet<String> {
        match &self.start {
            Start::Any => BTreeSet::new(),
            Start::Lora => {
                let zero = self.recipe.model.zero_at_start.iter();
                zero.map(|name| (*name).to_owned()).collect()
            }
            Start::Zero(names) => names.iter().cloned().collect(),
        }
    }

    /// The optional terms that are on without being named.
    pub fn unsaid(&self) -> BTreeSet<String> {
        let settings = self.recipe.optimizer.hyperparameters.iter();
        let on = settings.filter(|h| h.may_be_zero && !self.recipe.off.contains(h.name));
        let names = on.map(|h| h.name.to_owned());
        names.filter(|name| !self.terms.contains(name)).collect()
    }

    /// The fields that say it. Of a claim about many settings those are left out that `than`
    /// has alike.
    pub fn fields(&self) -> Fields {
        let recipe = &self.recipe;
        let mut fields = Fields::new();
        let mut add = |name: &str, value: Value| fields.push((name.to_owned(), value));
        let text = |text: &str| Value::String(text.to_owned());
        let list =
            |names: Vec<String>| Value::Array(names.into_iter().map(Value::String).collect());
        if self.named {
            add("model", text(recipe.model.key()));
        }
        add("optimizer", text(recipe.optimizer.key()));
        add("loss", text(recipe.loss.key()));
        if recipe.reduction != Reduction::Mean {
            add("reduction", text(recipe.reduction.name()));
        }
        if !recipe.switches().is_empty() {
            add("flags", list(recipe.switches()));
        }
        let optional = || {
            recipe
                .optimizer
                .hyperparameters
                .iter()
                .filter(|h| h.may_be_zero)
        };
        let is_off = |name: &str| recipe.off.contains(name);
        let terms = optional()
            .filter(|h| !is_off(h.name) && (h.default == "0" || self.terms.contains(h.name)));
        let terms: Vec<String> = terms.map(|h| h.name.to_owned()).collect();
        if !terms.is_empty() {
            add("terms", list(terms));
        }
        let without = optional().filter(|h| is_off(h.name) && h.default != "0");
        let without: Vec<String> = without.map(|h| h.name.to_owned()).collect();
        if !without.is_empty() {
            add("without", list(without));
        }
        if !recipe.counts.is_empty() {
            let counts = recipe.counts.iter();
            let counts = counts.map(|(name, n)| (name.clone(), Value::Integer(i64::from(*n))));
            add("counts", Value::Table(counts.collect()));
        }
        if let Some(clip) = recipe.clip {
            add("clip", text(clip.name()));
        }
        if let Some(schedule) = &recipe.schedule
            && let Ok(schedule) = Value::try_from(schedule)
        {
            add("schedule", schedule);
        }
        if recipe.accumulation > 1 {
            add(
                "accumulation",
                Value::Integer(i64::from(recipe.accumulation)),
            );
        }
        if let Some(scaling) = recipe.loss_scaling {
            add("loss_scaling", text(scaling.name()));
        }
        if recipe.loraplus {
            add("loraplus", Value::Boolean(true));
        }
        if recipe.midway {
            add("midway", Value::Boolean(true));
        }
        if !self.sizes.is_empty() {
            let sizes = self.sizes.iter();
            let sizes = sizes.map(|(name, n)| (name.clone(), Value::Integer(*n as i64)));
            add("sizes", Value::Table(sizes.collect()));
        }
        match &self.start {
            Start::Any => {}
            Start::Lora => add("start", text("lora")),
            Start::Zero(names) => add("start", list(names.clone())),
        }
        fields
    }
}
