//! What an optimizer sees: the trained tensors with their gradients, settings and memory.

use super::{Hyperparameter, Recipe};
use crate::graph::{Expr, Shape, StepBuilder};

/// The trained tensors of one step.
pub struct Trainer<'g> {
    step: &'g StepBuilder,
    recipe: &'g Recipe,
    tensors: Vec<(String, Expr<'g>, Expr<'g>)>,
}

impl<'g> Trainer<'g> {
    /// A trainer of `tensors`, each a name, a parameter leaf and its gradient.
    pub(super) fn new(
        step: &'g StepBuilder,
        recipe: &'g Recipe,
        tensors: Vec<(String, Expr<'g>, Expr<'g>)>,
    ) -> Self {
        Self {
            step,
            recipe,
            tensors,
        }
    }

    /// The trained tensors, in the order in which the model declared them.
    pub fn factors(&self) -> impl Iterator<Item = Factor<'_, 'g>> {
        self.tensors.iter().map(|(name, weight, gradient)| Factor {
            trainer: self,
            name,
            weight: *weight,
            gradient: *gradient,
        })
    }
}

/// One trained tensor.
#[derive(Clone, Copy)]
pub struct Factor<'t, 'g> {
    trainer: &'t Trainer<'g>,
    name: &'t str,
    weight: Expr<'g>,
    gradient: Expr<'g>,
}

impl<'g> Factor<'_, 'g> {
    /// The current value.
    pub fn weight(&self) -> Expr<'g> {
        self.weight
    }

    /// The gradient, after clipping.
    pub fn gradient(&self) -> Expr<'g> {
        self.gradient
    }

    /// Whether the switch `name` is on.
    pub fn flag(&self, name: &str) -> bool {
        self.trainer.recipe.flags.contains(name)
    }

    fn setting(&self, name: &str) -> Option<&'static Hyperparameter> {
        self.trainer
            .recipe
            .optimizer
            .hyperparameters
            .iter()
            .find(|h| h.name == name)
    }

    /// Whether the term that the setting `name` belongs to is switched on.
    pub fn uses(&self, name: &str) -> bool {
        !self.trainer.recipe.off.contains(name)
    }

    /// This tensor's copy of the setting `name`.
    pub fn hyper(&self, name: &str) -> Expr<'g> {
        let may_be_zero = self.setting(name).is_some_and(|h| h.may_be_zero);
        self.trainer
            .step
            .hyperparameter(&format!("{name}_{}", self.name), name, may_be_zero)
    }

    /// The learning rate at this step: the setting `lr`, as the schedule changes it.
    pub fn lr(&self) -> Expr<'g> {
        let lr = self.hyper("lr");
        match &self.trainer.recipe.schedule {
            Some(schedule) => schedule.apply(self.trainer.step, self.name, lr),
            None => lr,
        }
    }

    /// The number of the step, from 1.
    pub fn step_number(&self) -> Expr<'g> {
        self.trainer.step.step_number()
    }

    /// Memory of the tensor's shape that starts at zero.
    pub fn zero_state(&self, name: &str) -> Expr<'g> {
        self.zero_state_of(name, &self.weight.shape())
    }

    /// Memory of the given shape that starts at zero.
    pub fn zero_state_of(&self, name: &str, shape: &Shape) -> Expr<'g> {
        self.trainer
            .step
            .zero_state(&format!("{name}_{}", self.name), shape)
    }

    /// Sets the next value of memory.
    pub fn update_state(&self, state: Expr<'g>, next: Expr<'g>) {
        self.trainer.step.update(state, next);
    }

    /// Sets the next value of the tensor.
    pub fn update(&self, next: Expr<'g>) {
        self.trainer.step.update(self.weight, next);
    }
}
