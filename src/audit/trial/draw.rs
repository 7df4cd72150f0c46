//! Subjects for trials: mostly optimizers whose runs are exact, and of everything something.

use std::collections::BTreeSet;

use super::dice::Dice;
use crate::arith::{ArithmeticName, Ratio};
use crate::exec::{Sizes, Values};
use crate::scenario::Scenario;
use crate::search::Subject;
use crate::zoo::optimizers::OPTIMIZERS;
use crate::zoo::{Clip, LossScaling, Recipe, RecipeError, Reduction, Schedule};

/// The subject of a case.
pub(super) fn subject(seed: u64, case: u64) -> Result<Subject, RecipeError> {
    let mut dice = Dice::of_text(&format!("trial {seed}"), case);
    let picks = (0..6).map(|_| dice.below(1 << 16) as u32).collect();
    Ok(Subject {
        scenario: Scenario {
            name: "drawn".to_owned(),
            recipe: recipe(&mut dice)?,
            sizes: Sizes::new(),
            values: Values::new(),
            steps: 1,
        },
        arithmetic: ArithmeticName::F64,
        factors: vec![Ratio::from_integer(4.into())],
        second: vec![],
        flips: vec![],
        picks,
    })
}

fn recipe(dice: &mut Dice) -> Result<Recipe, RecipeError> {
    let optimizer = match dice.below(100) {
        0..=47 => "sgd",
        48..=62 => dice.of(["signsgd", "lion", "scaled_gd", "rprop"]),
        63..=82 => dice.of(["adam", "adamw", "rmsprop", "adagrad", "asgd"]),
        _ => dice.pick(OPTIMIZERS).map_or("sgd", |o| o.name),
    };
    let model = match dice.below(100) {
        0..=57 => "linear",
        58..=67 => "embedding",
        68..=75 => "lora_bias",
        76..=80 => "lokr",
        81..=85 => "loha",
        86..=88 => "joint",
        89..=91 => "linear_dropout",
        92..=94 => dice.of(["mlp_tanh", "mlp_relu", "mlp_gelu"]),
        95..=97 => "attention",
        _ => "dora",
    };
    let loss = match dice.below(100) {
        0..=54 => "mse",
        55..=74 => "l1",
        75..=84 => "huber",
        85..=91 => "smooth_l1",
        _ => "cross_entropy",
    };
    let plain = Recipe::new(model, loss, optimizer)?.plain();
    let mut recipe = plain.clone();
    if dice.percent(20) {
        recipe.reduction = Reduction::Sum;
    }
    let settings = recipe.optimizer.hyperparameters.iter();
    let off: BTreeSet<String> = settings
        .filter(|h| h.may_be_zero)
        .filter(|h| dice.percent(if h.default == "0" { 78 } else { 22 }))
        .map(|h| h.name.to_owned())
        .collect();
    recipe.off = off;
    for flag in recipe.optimizer.flags {
        if dice.percent(8) && recipe.set_flag(flag, true).is_err() {
            continue;
        }
    }
    for (name, _) in recipe.optimizer.counts {
        recipe
            .counts
            .insert((*name).to_owned(), 1 + dice.below(2) as u32);
    }
    if dice.percent(9) {
        recipe.clip = dice.pick(&Clip::ALL).map(|(_, clip)| *clip);
    }
    if dice.percent(9) {
        let gamma = Ratio::new(1.into(), 2.into());
        recipe.schedule = Some(match dice.below(6) {
            0 => Schedule::Exponential { gamma },
            1 => Schedule::Step {
                step_size: 1,
                gamma,
            },
            2 => Schedule::Cosine { t_max: 2 },
            3 => Schedule::InverseSqrt,
            4 => Schedule::LinearWithWarmup {
                warmup_steps: 1,
                total_steps: 4,
            },
            _ => Schedule::CosineWithMinLr {
                warmup_steps: 1,
                total_steps: 3,
            },
        });
    }
    if dice.percent(6) {
        recipe.accumulation = 2;
    }
    if dice.percent(5) {
        recipe.loss_scaling = dice.pick(&LossScaling::ALL).map(|(_, scaling)| *scaling);
    }
    recipe.loraplus = dice.percent(4);
    recipe.midway = dice.percent(4);
    Ok(match recipe.build() {
        Ok(_) => recipe,
        Err(_) => plain,
    })
}
