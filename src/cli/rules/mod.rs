//! `lora-gauge rules`: the exact rescaling rule of each optimizer, derived from its step.

mod derived;
mod json;
mod latex;
mod overview;
#[cfg(test)]
mod tests;
mod words;

use std::fmt::Display;
use std::path::Path;

use clap::Args;
use rayon::prelude::*;

use super::{Console, Failure, Status, defined};
use crate::zoo::{Clip, Model, Optimizer, Recipe, optimizers};
use derived::Derived;

/// Derive the exact rescaling rule of optimizers
///
/// The two factors are rescaled as A' = p·A and B' = q·B, and s' = s/(p·q) keeps s·B·A. Derived
/// is what every hyperparameter and every accumulator must be multiplied by for the whole run to
/// stay the same, for every size, input and number of steps; where a constant of the optimizer
/// does not allow that, which one, where, and what would be exact without it. Without a name, one
/// table of all optimizers; with names, everything about each.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct RulesArgs {
    /// PyTorch's names in lower case, or TOML files that define optimizers; all that are known when
    /// none is given
    optimizer: Vec<String>,
    /// The network: `linear`, `opaque` for any function of W, or a TOML file that defines one
    #[arg(long, value_name = "MODEL", default_value = "linear")]
    model: String,
    /// The loss of the linear model, or a TOML file that defines one [default: mse]
    #[arg(long, value_name = "LOSS")]
    loss: Option<String>,
    /// Clip gradients by `value`, by global `norm` as PyTorch does, or `norm-exact`
    #[arg(long, value_name = "HOW")]
    clip: Option<String>,
    /// Turn a switch of the optimizer on, for instance `nesterov`
    #[arg(long, value_name = "SWITCH", value_delimiter = ',')]
    flag: Vec<String>,
    /// Leave a term out whose setting is zero, for instance `weight_decay`
    #[arg(long, value_name = "SETTING", value_delimiter = ',')]
    off: Vec<String>,
    /// Each setting (lr, weight_decay, …) is one number for both factors
    #[arg(long)]
    shared_lr: bool,
    /// List what no rescaling can change
    #[arg(long)]
    invariants: bool,
    /// Print the rules as JSON
    #[arg(long, conflicts_with = "latex")]
    json: bool,
    /// Print the steps with the factor of each quantity as LaTeX (amsmath)
    #[arg(long)]
    latex: bool,
}

const EXIT_STATUS: &str = "\
Exit status: 0; 2 where the independent checker does not accept a derived rule (a defect of this
program); 64 for an unknown name or a combination that PyTorch refuses too.
Tables are 120 columns wide, or as wide as the variable COLUMNS says.";

pub(super) fn run(args: &RulesArgs, console: &Console) -> Result<Status, Failure> {
    let here = Path::new("");
    let model = defined::entry::<Model>(&args.model, here)?;
    let named = args.optimizer.iter().map(|name| defined::entry(name, here));
    let optimizers: Vec<&'static Optimizer> = match args.optimizer.is_empty() {
        true => optimizers::OPTIMIZERS.iter().collect(),
        false => named.collect::<Result<_, _>>()?,
    };
    let recipes: Vec<Recipe> = optimizers
        .into_iter()
        .map(|optimizer| recipe(args, model, optimizer, console))
        .collect::<Result<_, _>>()?;
    // In parallel, yet in the order asked for; so is the first error.
    let all: Vec<Result<Derived, Failure>> = recipes
        .into_par_iter()
        .map(|recipe| Derived::new(recipe, args.shared_lr))
        .collect();
    let all: Vec<Derived> = all.into_iter().collect::<Result<_, _>>()?;
    if args.json {
        console.print_json(&json::document(&all))?;
    } else if args.latex {
        console.print(&latex::document(&all))?;
    } else if args.optimizer.is_empty() {
        console.print(&overview::table(&all, console.width()))?;
    } else {
        console.print(&words::document(&all, args.invariants, console.width()))?;
    }
    let mut status = Status::Holds;
    for derived in &all {
        if let Some((part, why)) = derived.refused() {
            console.warn(&format!(
                "the checker does not accept the rule of {} ({part}): {why}",
                derived.recipe.optimizer.name
            ));
            status = Status::Unknown;
        }
    }
    Ok(status)
}

fn unknown(error: impl Display) -> Failure {
    Failure::new(error.to_string())
}

fn recipe(
    args: &RulesArgs,
    model: &'static Model,
    optimizer: &'static Optimizer,
    console: &Console,
) -> Result<Recipe, Failure> {
    if let ("opaque", Some(loss)) = (model.name, &args.loss) {
        return Err(Failure::new(format!(
            "--loss {loss}: the opaque model stands for every loss"
        ))
        .advise("leave --loss out, or use --model linear"));
    }
    let loss = defined::entry(args.loss.as_deref().unwrap_or("mse"), Path::new(""))?;
    let mut recipe = Recipe::of(model, loss, optimizer);
    for flag in &args.flag {
        recipe.set_flag(flag, true).map_err(unknown)?;
    }
    for setting in &args.off {
        recipe.switch_off(setting).map_err(unknown)?;
    }
    if recipe.flags.contains("nesterov") && recipe.switch_off("dampening").is_ok() {
        console.remark("PyTorch allows nesterov with dampening = 0 only: dampening is left out");
    }
    let clip = args.clip.as_deref().map(str::parse::<Clip>).transpose();
    Ok(recipe.with_clip(clip.map_err(unknown)?))
}
