//! From choices to a recipe.

use std::collections::BTreeSet;

use num_traits::Zero;

use super::Domain;
use super::choices::{Choices, at, of};
use crate::arith::{Ratio, parse_ratio};
use crate::search::result::SearchError;
use crate::zoo::optimizers::OPTIMIZERS;
use crate::zoo::{Hyperparameter, Recipe, Reduction};

/// `true` if a setting is a small number that keeps a divisor from 0.
pub(super) fn is_floor(setting: &Hyperparameter) -> bool {
    let small = Ratio::new(1.into(), 1000.into());
    parse_ratio(setting.default).is_ok_and(|d| d < small && !d.is_zero())
}

/// The recipe that the choices stand for. Switches that exclude each other stay as they are by
/// default, and terms without which a switch makes no sense are left out with it.
pub(super) fn recipe(domain: &Domain, choices: &Choices) -> Result<Recipe, SearchError> {
    let optimizer = of(&domain.optimizers, choices.optimizer).copied();
    let mut recipe = Recipe::linear(optimizer.unwrap_or(&OPTIMIZERS[0]));
    recipe.model = of(&domain.models, choices.model)
        .copied()
        .unwrap_or(recipe.model);
    recipe.loss = of(&domain.losses, choices.loss)
        .copied()
        .unwrap_or(recipe.loss);
    if choices.sum {
        recipe.reduction = Reduction::Sum;
    }
    if choices.accumulates {
        recipe.accumulation = 2;
    }
    let optional = recipe.optimizer.hyperparameters.iter();
    let optional = optional.filter(|h| h.may_be_zero).enumerate();
    let off: BTreeSet<String> = optional
        .filter(|(i, h)| !(at(&choices.on, *i) || domain.well_conditioned && is_floor(h)))
        .map(|(_, h)| h.name.to_owned())
        .collect();
    recipe.off = off;
    for (name, default) in recipe.optimizer.counts {
        let count = (*default).min(1 + (choices.counts % 2) as u32);
        recipe.counts.insert((*name).to_owned(), count);
    }
    recipe.clip = of(&domain.clips, choices.clip).copied().flatten();
    recipe.schedule = of(&domain.schedules, choices.schedule).cloned().flatten();
    let plain = recipe.clone();
    for (i, flag) in recipe.optimizer.flags.iter().enumerate() {
        if at(&choices.turned, i) {
            let name = (*flag).to_owned();
            if !recipe.flags.remove(&name) {
                recipe.flags.insert(name);
            }
        }
    }
    // A case distinction is taken as decided in one case of four.
    let regimes = recipe.optimizer.regimes;
    let (regime, way) = (choices.regime / 4, choices.regime % 8);
    if let (Some(regime), 1 | 5, false) = (of(regimes, regime), way, domain.well_conditioned) {
        recipe = recipe.in_regime(regime.name, way == 1);
    }
    if choices.loraplus {
        let with = Recipe {
            loraplus: true,
            ..recipe.clone()
        };
        if with.build().is_ok() {
            recipe = with;
        }
    }
    Ok(match recipe.build() {
        Ok(_) => recipe,
        Err(_) => plain,
    })
}

/// The recipe and, one after the other, simpler ones: without clipping, with the switches as they
/// are by default, without the terms that may be left out, and with the simplest optimizer.
pub(super) fn simpler(domain: &Domain, drawn: Recipe) -> Vec<Recipe> {
    let unclipped = drawn.clone().with_clip(None);
    let on = drawn.optimizer.on.iter();
    let as_usual = Recipe {
        flags: on.map(|f| (*f).to_owned()).collect(),
        regimes: Default::default(),
        loraplus: false,
        ..unclipped.clone()
    };
    let settings = drawn.optimizer.hyperparameters.iter();
    let optional = settings.filter(|h| h.may_be_zero);
    let bare = Recipe {
        off: optional.map(|h| h.name.to_owned()).collect(),
        schedule: None,
        ..as_usual.clone()
    };
    let mut all = vec![drawn, unclipped, as_usual, bare.clone()];
    if let Some(first) = domain.optimizers.first() {
        all.push(Recipe::of(bare.model, bare.loss, first).plain());
    }
    all.retain(|recipe| recipe.build().is_ok());
    all
}
