//! What an optimizer sees: the trained tensors with their gradients, settings and memory.

use super::Recipe;
use super::models::PairNames;
use crate::graph::{Dim, Expr, GraphError, Shape, StepBuilder};

/// LoRA+'s ratio of the learning rate of B to that of A, as PEFT calls it.
pub const LORAPLUS_LR_RATIO: &str = "loraplus_lr_ratio";

/// The most copies of a part of a step: micro-batches, turns of a loop, remembered pairs. Without
/// an end to it a small file could ask for more nodes than there is memory.
pub const MOST_COPIES: u32 = 128;

/// `count`, where a step can have so many copies of something.
pub(super) fn written_out(what: &str, count: u32) -> Result<u32, GraphError> {
    match count {
        0..=MOST_COPIES => Ok(count),
        _ => Err(GraphError::TooMany {
            what: what.to_owned(),
            found: count,
            most: MOST_COPIES,
        }),
    }
}

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

    /// The trained tensor called `name`.
    fn factor(&self, name: &str) -> Option<Factor<'_, 'g>> {
        self.factors().find(|f| f.name == name)
    }

    /// The LoRA pairs of the model, and the tensors that belong to none.
    pub fn pairs(&self) -> (Vec<Pair<'_, 'g>>, Vec<Factor<'_, 'g>>) {
        let names = self.recipe.model.pairs;
        let pairs = names.iter().filter_map(|p| {
            Some(Pair {
                a: self.factor(p.a)?,
                b: self.factor(p.b)?,
                s: self.step.find(p.s)?,
            })
        });
        let alone = self
            .factors()
            .filter(|f| !names.iter().any(|p| [p.a, p.b].contains(&f.name)));
        (pairs.collect(), alone.collect())
    }

    /// The setting `name` as one number for all tensors.
    pub fn hyper(&self, name: &str) -> Expr<'g> {
        self.setting(name, name)
    }

    /// The learning rate at this step where it is one number for all tensors: the setting `lr`,
    /// as the schedule changes it.
    pub fn lr(&self) -> Expr<'g> {
        self.scheduled(None, self.hyper("lr"))
    }

    fn scheduled(&self, tensor: Option<&str>, lr: Expr<'g>) -> Expr<'g> {
        match &self.recipe.schedule {
            Some(schedule) => schedule.apply(self.step, tensor, lr),
            None => lr,
        }
    }

    fn setting(&self, leaf: &str, name: &str) -> Expr<'g> {
        if self.recipe.off.contains(name) {
            return self.step.ratio(0, 1);
        }
        let settings = self.recipe.optimizer.hyperparameters;
        let known = settings.iter().find(|h| h.name == name);
        self.step
            .hyperparameter(leaf, name, known.is_some_and(|h| h.may_be_zero))
    }

    /// True where the switch `name` is on.
    pub fn flag(&self, name: &str) -> bool {
        self.recipe.flags.contains(name)
    }

    /// True where the term that the setting `name` belongs to is switched on.
    pub fn uses(&self, name: &str) -> bool {
        !self.recipe.off.contains(name)
    }

    /// The whole number `name`.
    pub fn count(&self, name: &str) -> u32 {
        let default = self
            .recipe
            .optimizer
            .counts
            .iter()
            .find(|(n, _)| *n == name);
        let set = self.recipe.counts.get(name).copied();
        set.or(default.map(|(_, n)| *n)).unwrap_or(0)
    }

    /// The whole number `name` as so many turns of a loop that the step has written out.
    pub fn turns(&self, name: &str) -> impl DoubleEndedIterator<Item = u32> + use<> {
        let count = self.count(name);
        let allowed = written_out(name, count).map_err(|mistake| self.step.fail(mistake));
        1..=allowed.unwrap_or(0)
    }

    /// The exact constant `num / den`.
    pub fn ratio(&self, num: i64, den: i64) -> Expr<'g> {
        self.step.ratio(num, den)
    }

    /// The number of the step, from 1.
    pub fn step_number(&self) -> Expr<'g> {
        self.step.step_number()
    }

    /// Memory that all tensors share, with its first value.
    pub fn state(&self, name: &str, initial: Expr<'g>) -> Expr<'g> {
        self.step.state(name, initial)
    }

    /// Sets the next value of memory.
    pub fn update_state(&self, state: Expr<'g>, next: Expr<'g>) {
        self.step.update(state, next);
    }

    /// A case distinction on which the rule may depend, listed in [`Optimizer::regimes`]:
    /// `decide(then, otherwise)`, or one of the two where the recipe takes it as decided.
    ///
    /// [`Optimizer::regimes`]: super::Optimizer::regimes
    pub fn regime(
        &self,
        name: &str,
        then: Expr<'g>,
        otherwise: Expr<'g>,
        decide: impl FnOnce(Expr<'g>, Expr<'g>) -> Expr<'g>,
    ) -> Expr<'g> {
        match self.recipe.regimes.get(name) {
            Some(true) => then,
            Some(false) => otherwise,
            None => decide(then, otherwise),
        }
    }
}

/// The two factors of one adapter, W = W0 + s·B·A.
#[derive(Clone, Copy)]
pub struct Pair<'t, 'g> {
    /// A, r × n_in.
    pub a: Factor<'t, 'g>,
    /// B, n_out × r.
    pub b: Factor<'t, 'g>,
    /// The scale s.
    pub s: Expr<'g>,
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

    /// The shape of the tensor.
    pub fn shape(&self) -> Shape {
        self.weight.shape()
    }

    /// The number of rows.
    pub fn rows(&self) -> Expr<'g> {
        self.trainer.step.count(&self.shape().rows)
    }

    /// The number of columns.
    pub fn cols(&self) -> Expr<'g> {
        self.trainer.step.count(&self.shape().cols)
    }

    /// True where there is one row or one column, whatever the sizes.
    pub fn is_vector(&self) -> bool {
        self.shape().rows.is_one() || self.shape().cols.is_one()
    }

    /// The gradient, after clipping.
    pub fn gradient(&self) -> Expr<'g> {
        self.gradient
    }

    /// True where the switch `name` is on.
    pub fn flag(&self, name: &str) -> bool {
        self.trainer.flag(name)
    }

    /// True where the term that the setting `name` belongs to is switched on.
    pub fn uses(&self, name: &str) -> bool {
        self.trainer.uses(name)
    }

    /// This tensor's copy of the setting `name`; a literal 0 where its term is switched off.
    pub fn hyper(&self, name: &str) -> Expr<'g> {
        self.trainer.setting(&format!("{name}_{}", self.name), name)
    }

    /// The same value with the gradient `gradient`.
    pub fn with_gradient(self, gradient: Expr<'g>) -> Self {
        Self { gradient, ..self }
    }

    /// The gradient, or its negative with the switch `maximize`.
    pub fn signed_gradient(&self) -> Expr<'g> {
        if self.flag("maximize") {
            -self.gradient
        } else {
            self.gradient
        }
    }

    /// The same plus `weight_decay · w`, the L2 penalty of PyTorch's optimizers without
    /// decoupled decay.
    pub fn gradient_with_l2(&self) -> Expr<'g> {
        let g = self.signed_gradient();
        if self.uses("weight_decay") {
            g + self.hyper("weight_decay") * self.weight
        } else {
            g
        }
    }

    /// `w · (1 − lr · weight_decay)`, decoupled decay (Loshchilov and Hutter 2019).
    pub fn decayed_weight(&self) -> Expr<'g> {
        if self.uses("weight_decay") {
            self.weight * (1 - self.lr() * self.hyper("weight_decay"))
        } else {
            self.weight
        }
    }

    /// The weight and the gradient with `weight_decay`: decoupled, that is in the weight, with
    /// the switch `decoupled_weight_decay`, and in the gradient without it.
    pub fn weight_and_gradient(&self) -> (Expr<'g>, Expr<'g>) {
        if self.flag("decoupled_weight_decay") {
            (self.decayed_weight(), self.signed_gradient())
        } else {
            (self.weight, self.gradient_with_l2())
        }
    }

    /// The learning rate at this step: the setting `lr`, with LoRA+'s ratio where it applies, as
    /// the schedule changes it.
    pub fn lr(&self) -> Expr<'g> {
        let (trainer, name) = (self.trainer, self.name);
        let lr = if !trainer.recipe.loraplus {
            self.hyper("lr")
        } else if self.has_the_larger_rate() {
            let ratio = trainer
                .step
                .hyperparameter(LORAPLUS_LR_RATIO, LORAPLUS_LR_RATIO, false);
            trainer.hyper("lr") * ratio
        } else {
            trainer.hyper("lr")
        };
        trainer.scheduled(Some(name), lr)
    }

    /// True where LoRA+ gives this tensor the larger rate: PEFT asks for a factor B, or for a tensor
    /// with one dimension.
    fn has_the_larger_rate(&self) -> bool {
        let shape = self.weight.shape();
        let is_b = |p: &PairNames| p.b == self.name;
        self.trainer.recipe.model.pairs.iter().any(is_b)
            || shape.rows.is_one()
            || shape.cols.is_one()
    }

    /// The builder of the step.
    pub(super) fn builder(&self) -> &'g StepBuilder {
        self.trainer.step
    }

    /// The number of the step, from 1.
    pub fn step_number(&self) -> Expr<'g> {
        self.trainer.step.step_number()
    }

    /// The identity matrix of `dim`.
    pub fn identity(&self, dim: &Dim) -> Expr<'g> {
        self.trainer.step.identity(dim)
    }

    /// The number of entries along `dim`.
    pub fn count(&self, dim: &Dim) -> Expr<'g> {
        self.trainer.step.count(dim)
    }

    /// Names `value` as the quantity `name` of this tensor, so that a formula can ask for it.
    pub fn quantity(&self, name: &str, value: Expr<'g>) {
        value.named(&format!("{name}_{}", self.name));
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

    /// Memory of this tensor with its first value.
    pub fn state(&self, name: &str, initial: Expr<'g>) -> Expr<'g> {
        self.trainer
            .step
            .state(&format!("{name}_{}", self.name), initial)
    }

    /// Memory of the tensor's shape that follows `next(previous)` from zero; the new value.
    pub fn moving(&self, name: &str, next: impl FnOnce(Expr<'g>) -> Expr<'g>) -> Expr<'g> {
        let zero = self.trainer.ratio(0, 1).broadcast_to(&self.shape());
        self.moving_from(name, zero, next)
    }

    /// Memory that follows `next(previous)` from `initial`; the new value.
    pub fn moving_from(
        &self,
        name: &str,
        initial: Expr<'g>,
        next: impl FnOnce(Expr<'g>) -> Expr<'g>,
    ) -> Expr<'g> {
        let state = self.state(name, initial);
        let next = next(state);
        self.update_state(state, next);
        next
    }

    /// Memory of the given shape that is the learning rate of the first step to begin with: the
    /// memory, and what it holds in this step.
    pub fn state_from_lr(&self, name: &str, shape: &Shape) -> (Expr<'g>, Expr<'g>) {
        if self.trainer.recipe.schedule.is_none() {
            let state = self.state(name, self.lr().broadcast_to(shape));
            return (state, state);
        }
        // A first value cannot depend on the number of the step, which a schedule reads.
        let state = self.zero_state_of(name, shape);
        (state, self.step_number().if_equal(1, self.lr(), state))
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
