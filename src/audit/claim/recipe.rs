//! From the fields of a claim to the recipe of its step.

use std::collections::BTreeSet;

use super::file::Training;
use super::{Claim, ClaimError, VariantFile};
use crate::zoo::{Clip, LossScaling, MOST_COPIES, Recipe, Reduction, Schedule, UnknownName};

impl Claim {
    /// The step over which weights are derived: an unknown network unless a model is named.
    ///
    /// # Errors
    /// [`ClaimError::Field`] for a name that the zoo does not have.
    pub(in crate::audit) fn symbolic(&self) -> Result<Recipe, ClaimError> {
        self.build(self.file.training(), "opaque")
    }

    /// The step that is run on numbers: one linear layer unless a model is named.
    ///
    /// # Errors
    /// As [`Claim::symbolic`].
    pub(in crate::audit) fn numeric(&self) -> Result<Recipe, ClaimError> {
        self.build(self.file.training(), "linear")
    }

    /// The same of a variant.
    pub(in crate::audit) fn variant_symbolic(&self, v: &VariantFile) -> Result<Recipe, ClaimError> {
        self.build(v.training(), "opaque")
    }

    /// The same of a variant.
    pub(in crate::audit) fn variant_numeric(&self, v: &VariantFile) -> Result<Recipe, ClaimError> {
        self.build(v.training(), "linear")
    }

    /// The settings that the claim takes as not zero, by base name.
    pub(in crate::audit) fn nonzero(&self) -> BTreeSet<String> {
        self.file.terms.iter().cloned().collect()
    }

    /// The same of a variant.
    pub(in crate::audit) fn variant_nonzero(&self, v: &VariantFile) -> BTreeSet<String> {
        self.file.terms.iter().chain(&v.terms).cloned().collect()
    }

    /// The named terms on, those named under `without` off, and the others as the optimizer's
    /// defaults have them.
    fn build(&self, training: Training<'_>, model: &str) -> Result<Recipe, ClaimError> {
        let field = |field: &str, e: UnknownName| self.field(field, e);
        let whole = self.file.training();
        let model = training.model.or(whole.model).unwrap_or(model);
        let loss = training.loss.or(whole.loss).unwrap_or("mse");
        let optimizer = training.optimizer.or(whole.optimizer).unwrap_or("sgd");
        let mut recipe = Recipe::new(model, loss, optimizer).map_err(|e| field(e.what, e))?;
        recipe = recipe.plain();
        for term in training.terms {
            let settings = recipe.optimizer.hyperparameters.iter();
            let known: Vec<&str> = settings.filter(|h| h.may_be_zero).map(|h| h.name).collect();
            if !known.contains(&term.as_str()) {
                let expected = known.join(", ");
                let message = format!("found `{term}`, expected some of {expected}");
                return Err(self.field("terms", message));
            }
            recipe.off.remove(term);
        }
        for term in training.without {
            recipe.switch_off(term).map_err(|e| field("without", e))?;
        }
        for flag in training.flags {
            recipe.set_flag(flag, true).map_err(|e| field("flags", e))?;
        }
        if let Some(clip) = training.clip {
            recipe.clip = Some(clip.parse::<Clip>().map_err(|e| field("clip", e))?);
        }
        recipe.midway = training.midway || whole.midway;
        if let Some(schedule) = training.schedule.or(whole.schedule) {
            let schedule = Schedule::try_from(schedule);
            recipe.schedule = Some(schedule.map_err(|e| self.field("schedule", e))?);
        }
        if let Some(batches) = training.accumulation.or(whole.accumulation) {
            if !(1..=MOST_COPIES).contains(&batches) {
                let message = format!("found {batches}, expected 1 to {MOST_COPIES}");
                return Err(self.field("accumulation", message));
            }
            recipe.accumulation = batches;
        }
        if let Some(scaling) = training.loss_scaling.or(whole.loss_scaling) {
            let scaling = scaling.parse::<LossScaling>();
            recipe.loss_scaling = Some(scaling.map_err(|e| field("loss_scaling", e))?);
        }
        if let Some(reduction) = training.reduction {
            let reduction = reduction.parse::<Reduction>();
            recipe.reduction = reduction.map_err(|e| field("reduction", e))?;
        }
        Ok(recipe)
    }
}
