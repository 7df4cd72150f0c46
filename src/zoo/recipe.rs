//! A recipe names what is trained and how; from it comes the one graph of the step.

use std::collections::{BTreeMap, BTreeSet};

use super::losses::Targets;
use super::models::{Content, Forward, MicroBatch};
use super::registry::by_name;
use super::trainer::{LORAPLUS_LR_RATIO, written_out};
use super::{
    Clip, Hyperparameter, LookupError, Loss, LossScaling, Model, Optimizer, Reduction, Schedule,
    Trainer, UnknownName,
};
use super::{losses, models, optimizers};
use crate::arith::FloatFormat;
use crate::graph::{Expr, GraphError, StepBuilder, StepGraph, gradient, parse_formula};

/// Everything about a training run except its numbers.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The network.
    pub model: &'static Model,
    /// The loss; without meaning for a model that brings its own.
    pub loss: &'static Loss,
    /// Mean or sum.
    pub reduction: Reduction,
    /// The optimizer.
    pub optimizer: &'static Optimizer,
    /// The optimizer's switches that are on; see [`Recipe::switches`] for writing them down.
    pub flags: BTreeSet<String>,
    /// The optimizer's settings that are zero and whose terms are left out, as PyTorch does.
    pub off: BTreeSet<String>,
    /// The optimizer's whole numbers that are not the default.
    pub counts: BTreeMap<String, u32>,
    /// The case distinctions that are taken as decided, by name: whether the first case holds.
    /// The others are decided step by step.
    pub regimes: BTreeMap<String, bool>,
    /// True where the optimizer's memory starts from given values instead of its first ones, as in
    /// the middle of a run: see [`StepGraph::midway`].
    pub midway: bool,
    /// The number of micro-batches, each with data of its own, whose gradients a step adds up.
    pub accumulation: u32,
    /// A factor of the loss that the gradients are taken of.
    pub loss_scaling: Option<LossScaling>,
    /// The format into which every trained tensor is rounded after each update, as weights are
    /// that are kept in it; the optimizer's memory stays in the run's arithmetic. The first values
    /// are those that are given.
    pub storage: Option<FloatFormat>,
    /// The format into which both operands of every matrix product of the forward pass are
    /// rounded, as `torch.autocast` does. A gradient passes through a rounding unchanged, as in
    /// PyTorch; and it is multiplied with the rounded operands, but not rounded itself. Outputs
    /// of the model that are products, such as `W`, are of rounded factors too.
    pub compute: Option<FloatFormat>,
    /// LoRA+ (Hayou et al. 2024, arXiv 2402.12354), as PEFT's `create_loraplus_optimizer` has
    /// it: one `lr` for all tensors, times `loraplus_lr_ratio` for the factors B and for vectors.
    pub loraplus: bool,
    /// Gradient clipping.
    pub clip: Option<Clip>,
    /// The learning-rate schedule.
    pub schedule: Option<Schedule>,
}

/// The reason for which a recipe cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// A switch, setting or format has no such name.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A model, loss or optimizer is not to be had.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The combination is one that PyTorch refuses too.
    #[error("{0}")]
    Combination(&'static str),
    /// Two switches that are values of one setting.
    #[error("the switches `{first}` and `{second}` exclude each other")]
    Exclusive {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A formula cannot be read, or shapes do not fit.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Recipe {
    /// A recipe with mean reduction, every term of the optimizer on, every switch as it is by
    /// default, one batch, no loss scaling, no clipping and no schedule.
    ///
    /// A model and an optimizer are named, or given as the text of the file that defines them.
    ///
    /// # Errors
    /// [`LookupError`] for a name that is in no table, or a text that defines nothing.
    pub fn new(model: &str, loss: &str, optimizer: &str) -> Result<Self, LookupError> {
        let optimizer = optimizers::find(optimizer)?;
        Ok(Self::of(
            models::find(model)?,
            losses::find(loss)?,
            optimizer,
        ))
    }

    /// The same of one linear layer with the mean squared error.
    pub fn linear(optimizer: &'static Optimizer) -> Self {
        Self::of(&models::MODELS[0], &losses::LOSSES[0], optimizer)
    }

    /// The same of entries of the tables, or of a program's own.
    pub fn of(model: &'static Model, loss: &'static Loss, optimizer: &'static Optimizer) -> Self {
        Self {
            model,
            loss,
            reduction: Reduction::Mean,
            optimizer,
            flags: optimizer.on.iter().map(|f| (*f).to_owned()).collect(),
            off: BTreeSet::new(),
            counts: BTreeMap::new(),
            regimes: BTreeMap::new(),
            midway: false,
            accumulation: 1,
            loss_scaling: None,
            storage: None,
            compute: None,
            loraplus: false,
            clip: None,
            schedule: None,
        }
    }

    /// Turns the switch `name` on or off. `no-name` stands for its opposite, so that a list of
    /// switches can also turn one off that is on by default.
    ///
    /// # Errors
    /// [`UnknownName`] when the optimizer has no such switch.
    pub fn set_flag(&mut self, name: &str, on: bool) -> Result<(), UnknownName> {
        let (name, on) = match name.strip_prefix("no-") {
            Some(opposite) => (opposite, !on),
            None => (name, on),
        };
        if !self.optimizer.flags.contains(&name) {
            return Err(UnknownName {
                what: "switch",
                found: name.to_owned(),
                known: self.optimizer.flags.to_vec(),
            });
        }
        if on {
            self.flags.insert(name.to_owned());
        } else {
            self.flags.remove(name);
        }
        Ok(())
    }

    /// The switches that are not as they are by default: `name` for one that is on, `no-name`
    /// for one that is off. Turning each of them on leads from the default to this recipe.
    pub fn switches(&self) -> Vec<String> {
        let default = self.optimizer.on;
        let off = default.iter().filter(|f| !self.flags.contains(**f));
        let on = self.flags.iter().filter(|f| !default.contains(&f.as_str()));
        on.cloned().chain(off.map(|f| format!("no-{f}"))).collect()
    }

    /// Leaves out the term of the setting `name`, as PyTorch does when it is zero.
    ///
    /// # Errors
    /// [`UnknownName`] when the optimizer has no such setting that may be zero.
    pub fn switch_off(&mut self, name: &str) -> Result<(), UnknownName> {
        let switches = || {
            self.optimizer
                .hyperparameters
                .iter()
                .filter(|h| h.may_be_zero)
                .map(|h| h.name)
        };
        if !switches().any(|h| h == name) {
            return Err(UnknownName {
                what: "setting that may be zero",
                found: name.to_owned(),
                known: switches().collect(),
            });
        }
        self.off.insert(name.to_owned());
        Ok(())
    }

    /// Sets the whole number `name`.
    ///
    /// # Errors
    /// [`UnknownName`] when the optimizer has no such number.
    pub fn set_count(&mut self, name: &str, count: u32) -> Result<(), UnknownName> {
        let known = self.optimizer.counts;
        if !known.iter().any(|(n, _)| *n == name) {
            return Err(UnknownName {
                what: "whole number",
                found: name.to_owned(),
                known: known.iter().map(|(n, _)| *n).collect(),
            });
        }
        self.counts.insert(name.to_owned(), count);
        Ok(())
    }

    /// The same recipe with one case distinction taken as decided.
    pub fn in_regime(mut self, name: &str, holds: bool) -> Self {
        self.regimes.insert(name.to_owned(), holds);
        self
    }

    /// Leaves out every term whose setting is zero by default.
    pub fn plain(mut self) -> Self {
        let switches = self
            .optimizer
            .hyperparameters
            .iter()
            .filter(|h| h.may_be_zero && h.default == "0");
        self.off = switches.map(|h| h.name.to_owned()).collect();
        self
    }

    /// The same recipe with another clipping.
    pub fn with_clip(mut self, clip: Option<Clip>) -> Self {
        self.clip = clip;
        self
    }

    /// The graph of one step.
    ///
    /// # Errors
    /// [`RecipeError::Combination`] for SGD's Nesterov momentum without momentum or with
    /// dampening, a step without a batch, or LoRA+ with an optimizer that has one learning rate
    /// for all tensors; [`RecipeError::Exclusive`] for two switches that exclude each other;
    /// [`GraphError::TooMany`] for more micro-batches or turns of a loop than can be written out.
    pub fn build(&self) -> Result<StepGraph, RecipeError> {
        self.build_observing(&[])
    }

    /// The graph of one step with further outputs, each a name and a formula over the named
    /// quantities of the step (see [`parse_formula`]).
    ///
    /// # Errors
    /// As [`Recipe::build`]; [`RecipeError::Graph`] for a formula that cannot be read.
    pub fn build_observing(&self, outputs: &[(&str, &str)]) -> Result<StepGraph, RecipeError> {
        for group in self.optimizer.exclusive {
            let mut on = group.iter().filter(|name| self.flags.contains(**name));
            if let (Some(first), Some(second)) = (on.next(), on.next()) {
                return Err(RecipeError::Exclusive { first, second });
            }
        }
        (self.optimizer.check)(self)?;
        let step = StepBuilder::new();
        let (weights, gradients) = self.gradients(&step)?;
        let mut named: Vec<(String, Expr<'_>)> = weights
            .iter()
            .zip(gradients)
            .map(|((name, _), g)| (name.clone(), g.named(&format!("g_{name}"))))
            .collect();
        if let Some(clip) = self.clip {
            let clipped = clip.apply(&step, &named);
            for ((name, g), clipped) in named.iter_mut().zip(clipped) {
                *g = clipped.named(&format!("clip.g_{name}"));
            }
        }
        let tensors = weights
            .into_iter()
            .zip(named)
            .map(|((name, w), (_, g))| (name, w, g))
            .collect();
        step.store_parameters_in(self.storage);
        self.optimizer.step(&Trainer::new(&step, self, tensors));
        if self.loraplus && step.find(LORAPLUS_LR_RATIO).is_none() {
            return Err(RecipeError::Combination(
                "LoRA+ needs an optimizer with a learning rate for each tensor",
            ));
        }
        for (name, formula) in outputs {
            step.output(name, parse_formula(&step, formula)?);
        }
        let step = step.finish()?;
        Ok(if self.midway { step.midway()? } else { step })
    }

    /// The trained tensors by name, and the gradients that an optimizer is given before
    /// clipping. Sets the loss.
    ///
    /// As in PyTorch each micro-batch is differentiated by itself, with its loss divided by their
    /// number, and the gradients are added up in order.
    fn gradients<'g>(&self, step: &'g StepBuilder) -> Result<Gradients<'g>, RecipeError> {
        if self.accumulation == 0 {
            return Err(RecipeError::Combination("a step needs at least one batch"));
        }
        written_out("gradient_accumulation_steps", self.accumulation)?;
        let (mut total, mut sums): (Option<Expr<'g>>, Vec<Expr<'g>>) = (None, vec![]);
        let mut weights = vec![];
        for batch in MicroBatch::all(self.accumulation) {
            let forward = step.with_products_in(self.compute, || self.model.forward(step, batch));
            let mut loss = match forward {
                Forward::Output(z) => {
                    let shape = z.named(&batch.name("Z")).shape();
                    let y = batch.data(step, "Y", &shape.rows, &shape.cols);
                    self.loss.reduced(step, z, y, self.reduction)
                }
                Forward::Loss(loss) => loss,
            };
            if self.accumulation > 1 {
                loss = loss / i64::from(self.accumulation);
            }
            total = Some(total.map_or(loss, |sum| sum + loss));
            let scaled = self.loss_scaling.map_or(loss, |s| s.apply(step, loss));
            weights = step
                .parameters()
                .into_iter()
                .map(|(name, id)| (name, step.at(id)))
                .collect();
            let leaves: Vec<Expr<'g>> = weights.iter().map(|(_, w)| *w).collect();
            let gradients = gradient(scaled, &leaves)?;
            sums = match sums.is_empty() {
                true => gradients,
                false => sums.iter().zip(gradients).map(|(x, y)| *x + y).collect(),
            };
        }
        if let Some(total) = total {
            step.set_loss(total.named("loss"));
        }
        if let Some(scaling) = self.loss_scaling {
            sums = sums.iter().map(|g| scaling.undo(step, *g)).collect();
        }
        Ok((weights, sums))
    }

    /// The setting `base` of the optimizer or the model.
    pub fn setting(&self, base: &str) -> Option<&'static Hyperparameter> {
        let optimizer = self.optimizer.hyperparameters.iter();
        let mut all = optimizer.chain(self.model.hyperparameters);
        all.find(|h| h.name == base)
    }

    /// The default of the hyperparameter `base`, whoever has it; `None` where it must be given.
    pub fn default_of(&self, base: &str) -> Option<&'static str> {
        let schedule = self.schedule.iter().flat_map(Schedule::parameters);
        let around = schedule.chain(self.loss.parameters);
        let mut around = around.chain([&LossScaling::PARAMETER]);
        let own = self.setting(base).map(|h| h.default);
        own.or_else(|| around.find(|(name, _)| *name == base).map(|(_, d)| *d))
    }

    /// The content of the data leaf called `name`.
    pub fn content(&self, name: &str) -> Content {
        let own = |base: &str| MicroBatch::all(self.accumulation).any(|b| b.name(base) == name);
        if own("Y") && self.loss.targets == Targets::Classes {
            return Content::OneHot;
        }
        let contents = self.model.contents.iter();
        let found = contents
            .into_iter()
            .find(|(base, _)| *base == name || own(base));
        found.map(|(_, content)| *content).unwrap_or_default()
    }
}

/// The storage format called `name`.
///
/// # Errors
/// [`UnknownName`] lists the formats.
pub fn float_format(name: &str) -> Result<FloatFormat, UnknownName> {
    let all = FloatFormat::ALL.map(|format| (format.name(), format));
    by_name("format", &all, name)
}

/// The trained tensors by name, and the gradient of each.
type Gradients<'g> = (Vec<(String, Expr<'g>)>, Vec<Expr<'g>>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_switches_leads_from_the_default_to_the_recipe() {
        let mut recipe = Recipe::new("linear", "mse", "prodigy").unwrap();
        assert!(recipe.flags.contains("decouple"));
        assert!(recipe.switches().is_empty());
        recipe.set_flag("decouple", false).unwrap();
        recipe.set_flag("safeguard_warmup", true).unwrap();
        assert_eq!(recipe.switches(), ["safeguard_warmup", "no-decouple"]);
        let mut again = Recipe::new("linear", "mse", "prodigy").unwrap();
        for switch in recipe.switches() {
            again.set_flag(&switch, true).unwrap();
        }
        assert_eq!(again.flags, recipe.flags);
        let unknown = again.set_flag("no-nesterov", true).unwrap_err();
        assert_eq!(unknown.found, "nesterov");
    }

    #[test]
    fn what_a_step_has_written_out_has_an_end() {
        let of = |optimizer| Recipe::new("linear", "mse", optimizer).unwrap();
        for (optimizer, name) in [
            ("muon", "ns_steps"),
            ("lbfgs", "history_size"),
            ("schedulefree_sgd", "weight_lr_power"),
        ] {
            let mut recipe = of(optimizer);
            recipe.set_count(name, u32::MAX).unwrap();
            let message = recipe.build().unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("`{name}`: found")),
                "{message}"
            );
        }
        let mut recipe = of("sgd");
        recipe.accumulation = u32::MAX;
        let message = recipe.build().unwrap_err().to_string();
        assert!(
            message.contains("`gradient_accumulation_steps`"),
            "{message}"
        );
        // A warm-up is only a number.
        let mut recipe = of("schedulefree_sgd");
        recipe.set_count("warmup_steps", u32::MAX).unwrap();
        assert!(recipe.build().is_ok());
    }

    #[test]
    fn loraplus_has_one_rate_and_one_ratio() {
        let mut recipe = Recipe::new("linear", "mse", "adamw").unwrap();
        recipe.loraplus = true;
        let step = recipe.build().unwrap();
        let rates = |name: &str| step.graph.leaf(name).is_some();
        assert!(rates("lr") && rates(LORAPLUS_LR_RATIO) && !rates("lr_A") && !rates("lr_B"));
        // Prodigy has no rate of B that could be larger.
        let mut recipe = Recipe::new("linear", "mse", "prodigy").unwrap();
        recipe.loraplus = true;
        assert!(matches!(recipe.build(), Err(RecipeError::Combination(_))));
    }
}
