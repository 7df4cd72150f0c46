//! From a drawn run to a claim about runs like it.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;
use toml::Value;

use super::dice::Dice;
use super::drawn::Drawn;
use super::setting::{Setting, Start};
use super::statements::{Draw, Flavour};
use crate::arith::{Ratio, parse_ratio};
use crate::audit::Kind;
use crate::search::TestCase;
use crate::zoo::{LossScaling, Recipe, RecipeError, losses};

/// The kinds that can be drawn.
pub(super) const KINDS: [Kind; 12] = [
    Kind::Equivalence,
    Kind::Invariant,
    Kind::Implication,
    Kind::Uniqueness,
    Kind::Freedom,
    Kind::Survey,
    Kind::Identity,
    Kind::Conserved,
    Kind::Knobs,
    Kind::Bits,
    Kind::Rank,
    Kind::Experiment,
];

/// The claim that a test case stands for.
pub(super) fn claim_of(test_case: &TestCase) -> Result<Drawn, RecipeError> {
    let pick = |i: usize| test_case.parameters.get(i).copied().unwrap_or(0);
    let mut dice = Dice::new(&test_case.parameters);
    let recipe = thinned(&test_case.scenario.recipe, &mut dice);
    let kind = KINDS[pick(0) as usize % KINDS.len()];
    let flavour = match pick(1) % 20 {
        0..=8 => Flavour::Right,
        9..=15 => Flavour::Near,
        _ => Flavour::Any,
    };
    let mut setting = setting(&limited(&recipe, kind, &mut dice)?, kind, &mut dice);
    if kind == Kind::Experiment {
        // Its runs are the script's, which says nothing of terms and starts as LoRA does.
        let unsaid = Setting::new(&setting.recipe);
        setting = Setting {
            start: Start::Lora,
            terms: BTreeSet::new(),
            ..unsaid
        };
    }
    let step = setting.recipe.build()?;
    let draw = Draw {
        setting,
        step,
        flavour,
    };
    let mut drawn = draw.drawn(kind, &mut dice)?;
    let denials = if kind == Kind::Rank { 45 } else { 25 };
    drawn.contrary = pick(2) as usize % 100 >= 100 - denials;
    if pick(3) % 100 >= 97 {
        drawn.foreign = foreign(kind, &mut dice);
    }
    Ok(drawn)
}

/// The recipe with fewer of its optional terms, so that some maps are right, and now and then
/// with what is drawn for no other property.
fn thinned(recipe: &Recipe, dice: &mut Dice) -> Recipe {
    let mut thinned = recipe.clone();
    let settings = recipe.optimizer.hyperparameters.iter();
    thinned.off = settings
        .filter(|h| h.may_be_zero)
        .filter(|h| dice.percent(if h.default == "0" { 78 } else { 22 }))
        .map(|h| h.name.to_owned())
        .collect();
    thinned.regimes.clear();
    if dice.percent(5) {
        let scaling = dice.pick(&LossScaling::ALL);
        thinned.loss_scaling = scaling.map(|(_, scaling)| *scaling);
    }
    thinned.midway = dice.percent(4);
    match thinned.build() {
        Ok(_) => thinned,
        Err(_) => recipe.clone(),
    }
}

/// The recipe with what a claim of this kind can say.
fn limited(recipe: &Recipe, kind: Kind, dice: &mut Dice) -> Result<Recipe, RecipeError> {
    Ok(match kind {
        Kind::Experiment => {
            // The one script that there is, mostly.
            let own = recipe.model.name == "attention" && recipe.loss.name == "l1";
            match own {
                true => Recipe::of(recipe.model, losses::find("l1")?, recipe.optimizer).plain(),
                false => Recipe::new("linear", "l1", "sgd")?.plain(),
            }
        }
        // Of other models, optimizers and terms little is known.
        Kind::Rank => {
            let hard = dice.percent(4);
            let drawn = match hard {
                true => Recipe::of(recipe.model, recipe.loss, recipe.optimizer),
                false => Recipe::new("linear", dice.of(["mse", "l1"]), "sgd")?,
            };
            let drawn = drawn.plain();
            let momentum = dice.percent(30);
            let on = |name: &&str| hard || *name == "momentum" && momentum;
            let settings = drawn.optimizer.hyperparameters.iter().map(|h| h.name);
            let on: BTreeSet<&str> = settings.filter(on).collect();
            Recipe {
                off: drawn
                    .off
                    .iter()
                    .filter(|name| !on.contains(name.as_str()))
                    .cloned()
                    .collect(),
                reduction: recipe.reduction,
                ..drawn
            }
        }
        _ => recipe.clone(),
    })
}

/// The setting of the recipe: which terms are named, how runs start.
fn setting(recipe: &Recipe, kind: Kind, dice: &mut Dice) -> Setting {
    let mut setting = Setting::new(recipe);
    let optional = recipe.optimizer.hyperparameters.iter();
    for term in optional.filter(|h| h.may_be_zero && h.default != "0") {
        if dice.percent(35) {
            setting.terms.remove(term.name);
        }
    }
    // Without its floor an optimizer has no first step where a gradient is 0.
    let tiny = Ratio::new(1.into(), 1000.into());
    let floors = recipe.optimizer.hyperparameters.iter().filter(|h| {
        h.may_be_zero && parse_ratio(h.default).is_ok_and(|d| d < tiny && !d.is_zero())
    });
    let floorless = floors.clone().any(|h| recipe.off.contains(h.name));
    let model = recipe.model;
    if !floorless || dice.percent(4) {
        let tensors: Vec<&str> = model.pairs.iter().flat_map(|p| [p.a, p.b]).collect();
        setting.start = match dice.below(20) {
            0..=10 => Start::Any,
            11..=17 => Start::Lora,
            18 => Start::Zero(
                model
                    .zero_at_start
                    .iter()
                    .map(|n| (*n).to_owned())
                    .collect(),
            ),
            _ => Start::Zero(
                dice.pick(&tensors)
                    .map(|n| (*n).to_owned())
                    .into_iter()
                    .collect(),
            ),
        };
        if setting.start != Start::Any {
            for floor in floors.filter(|h| !recipe.off.contains(h.name)) {
                setting.terms.insert(floor.name.to_owned());
            }
        }
    }
    match kind {
        Kind::Rank if !floorless => setting.start = Start::Lora,
        Kind::Identity => setting.start = Start::Any,
        _ => {}
    }
    // A claim that names no model has no settings of the loss either.
    let of_loss = !recipe.loss.parameters.is_empty();
    setting.named = model.name != "linear" || of_loss || !dice.percent(20);
    if dice.percent(8) {
        let mut size = |name: &str| (name.to_owned(), 1 + dice.below(2));
        setting.sizes = match model.name {
            "linear" | "lora_bias" | "loha" if recipe.loss.name != "cross_entropy" => {
                BTreeMap::from(["batch", "n_in", "n_out", "r"].map(&mut size))
            }
            _ => BTreeMap::from(["r"].map(&mut size)),
        };
        if kind == Kind::Rank {
            setting.sizes.clear();
        }
    }
    setting
}

/// A field of another kind, or a name that no step has.
fn foreign(kind: Kind, dice: &mut Dice) -> Option<(String, Value)> {
    let text = |text: &str| Value::String(text.to_owned());
    let banana = || {
        Value::Table(
            [("banana".to_owned(), Value::Integer(1))]
                .into_iter()
                .collect(),
        )
    };
    let all = [
        ("arithmetic", text("bf16"), kind == Kind::Bits),
        ("effective", Value::Integer(2), kind == Kind::Knobs),
        ("equals", text("s"), kind == Kind::Identity),
        ("mixing", Value::Boolean(true), kind == Kind::Uniqueness),
        (
            "premise",
            Value::Array(vec![text("loss")]),
            kind == Kind::Implication,
        ),
        (
            "conclusion",
            Value::Array(vec![text("loss")]),
            matches!(kind, Kind::Implication | Kind::Invariant),
        ),
        ("map", banana(), false),
        ("terms", Value::Array(vec![text("banana")]), false),
        ("start", text("banana"), false),
    ];
    let fields: Vec<_> = all.into_iter().filter(|(_, _, own)| !own).collect();
    let (name, value, _) = dice.pick(&fields)?.clone();
    Some((name.to_owned(), value))
}
