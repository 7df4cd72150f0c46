//! Formulas over a step's quantities, right and wrong ones.

use num_traits::Zero;

use super::dice::Dice;
use super::rule::Leaves;
use crate::arith::Ratio;
use crate::graph::{LeafKind, StepGraph};
use crate::zoo::{Model, Recipe};

/// The first pair of a model, and the scale that goes with it.
fn pair(model: &Model) -> (&'static str, &'static str, &'static str) {
    match model.pairs.first() {
        Some(pair) => (pair.a, pair.b, pair.s),
        None => ("A", "B", "s"),
    }
}

fn has(step: &StepGraph, leaf: &str) -> bool {
    step.graph.leaf(leaf).is_some()
}

/// A product of quantities that keeps its value under a map, or one that does not.
pub(super) fn monomial(step: &StepGraph, powers: &Leaves, fits: bool, dice: &mut Dice) -> String {
    let power = |leaf: &str| powers.get(leaf).cloned().unwrap_or_default();
    let scales: Vec<&str> = (step.hyperparameters())
        .filter(|(_, base, _)| *base == "s")
        .map(|(leaf, _, _)| leaf)
        .collect();
    let mut all: Vec<(String, Ratio)> = vec![("loss".to_owned(), Ratio::zero())];
    for p in &step.parameters {
        let (x, own) = (&p.name, power(&p.name));
        all.push((x.clone(), own.clone()));
        all.push((format!("{x} * g_{x}"), Ratio::zero()));
        all.push((format!("g_{x}"), -own.clone()));
        let rate = format!("lr_{x}");
        if has(step, &rate) {
            let rate_power = power(&rate);
            all.push((format!("{rate} * g_{x}"), &rate_power - &own));
            all.push((format!("{rate} * g_{x} * g_{x}"), rate_power - &own - &own));
        }
        for s in &scales {
            let scale = power(s);
            all.push((format!("{s} * {x}"), &scale + &own));
            all.push((format!("{s} * {x} * {x}"), &scale + &own + &own));
            all.push((
                format!("{s} * {s} * {x} * {x}"),
                &scale + &scale + &own + &own,
            ));
            all.push((format!("{s} * g_{x}"), &scale - &own));
        }
    }
    all.extend(step.outputs.iter().map(|o| (o.name.clone(), Ratio::zero())));
    let wanted = all.into_iter().filter(|(_, power)| power.is_zero() == fits);
    let wanted: Vec<String> = wanted.map(|(text, _)| text).collect();
    let chosen = dice.pick(&wanted).cloned();
    chosen.unwrap_or_else(|| "loss".to_owned())
}

/// Two formulas that are the same in every run, or are not.
pub(super) fn identity(step: &StepGraph, recipe: &Recipe, dice: &mut Dice) -> (String, String) {
    let (a, b, s) = pair(recipe.model);
    let rate = match has(step, &format!("lr_{a}")) {
        true => format!("lr_{a}"),
        false => s.to_owned(),
    };
    let right = [
        ("{s} * {b} @ {a}", "{b} @ ({s} * {a})"),
        ("({b} @ {a}).T", "{a}.T @ {b}.T"),
        ("({a} @ {a}.T).T", "{a} @ {a}.T"),
        ("{s} * ({a} + {a})", "2 * {s} * {a}"),
        ("({b} + {b}) @ {a} - {b} @ {a}", "{b} @ {a}"),
        ("{s} * {s} * {a} * {a}", "({s} * {a}) * ({s} * {a})"),
        ("{a} * (g_{a} + {a})", "{a} * g_{a} + {a} * {a}"),
        (
            "({a} - {l} * g_{a}) @ {a}.T",
            "{a} @ {a}.T - {l} * g_{a} @ {a}.T",
        ),
        ("{s} * sqrt(|r|) / |r|", "{s} / sqrt(|r|)"),
        (
            "({a} + {s} * g_{a}) @ ({a} - {s} * g_{a}).T",
            "{a} @ {a}.T - {a} @ ({s} * g_{a}).T + {s} * g_{a} @ {a}.T - {s} * {s} * (g_{a} @ g_{a}.T)",
        ),
        ("{a} - ({a} - {s} * {a})", "{s} * {a}"),
        ("({a} * {a}) / {s}", "{a} * ({a} / {s})"),
    ];
    let wrong = [
        ("{s} * {b} @ {a}", "{b} @ {a}"),
        ("{s} * {a}", "{s} * {s} * {a}"),
        ("{a} * {a}", "{a}"),
        ("{s} * ({a} + {a})", "3 * {s} * {a}"),
        ("sqrt({a} * {a})", "{a}"),
        ("({a} + {s}) @ {a}.T", "{a} @ {a}.T + {s}"),
        ("({a} + {s}) * ({a} - {s})", "{a} * {a} + {s} * {s}"),
        ("{a} * (g_{a} + {a})", "{a} * g_{a} + {a}"),
        (
            "({a} - {l} * g_{a}) @ {a}.T",
            "{a} @ {a}.T + {l} * g_{a} @ {a}.T",
        ),
        ("{s} * sqrt(|r|) / |r|", "{s} / |r|"),
        ("{a} - ({a} - {s} * {a})", "{s} * {a} + {a}"),
        ("{s} / {s}", "{s}"),
    ];
    let models = [
        "linear",
        "embedding",
        "lora_bias",
        "joint",
        "linear_dropout",
    ];
    let balanced = models.contains(&recipe.model.name);
    let (formula, equals) = match dice.below(20) {
        0..=10 => dice.of(right),
        11 | 12 if balanced => ("{b}.T @ g_{b}", "g_{a} @ {a}.T"),
        13 if balanced => ("{b}.T @ g_{b}", "g_{a} @ {a}.T * 2"),
        _ => dice.of(wrong),
    };
    let filled = |text: &str| {
        let text = text.replace("{a}", a).replace("{b}", b);
        text.replace("{s}", s).replace("{l}", &rate)
    };
    match dice.percent(30) {
        true => (filled(equals), filled(formula)),
        false => (filled(formula), filled(equals)),
    }
}

/// Something that stays as it is from step to step, or does not.
pub(super) fn conserved(step: &StepGraph, recipe: &Recipe, dice: &mut Dice) -> String {
    let (a, b, s) = pair(recipe.model);
    let leaves = |data: bool| -> Vec<String> {
        let all = step.graph.leaves().filter(|(_, id)| {
            let kind = step.graph.leaf_at(*id).map(|leaf| &leaf.kind);
            match data {
                true => matches!(kind, Some(LeafKind::Data)),
                false => matches!(kind, Some(LeafKind::Hyperparameter { .. })),
            }
        });
        // No formula speaks of what is carried over, which only a run from the middle has.
        let names = all.map(|(name, _)| name.to_owned());
        let own = |name: &String| !name.contains('.') && !name.starts_with("carry_");
        names.filter(own).collect()
    };
    let (data, settings) = (leaves(true), leaves(false));
    let one =
        |list: &[String], dice: &mut Dice| dice.pick(list).cloned().unwrap_or_else(|| s.to_owned());
    match dice.below(20) {
        0 => s.to_owned(),
        1 => one(&settings, dice),
        2 => one(&data, dice),
        3 | 4 => format!("{} * {}", one(&settings, dice), one(&data, dice)),
        5 => format!("{s} * {} + {}", one(&settings, dice), one(&settings, dice)),
        6 => format!("{b} @ {a} - {b} @ {a}"),
        7 => format!("{s} * {a} - {a} * {s} + {}", one(&settings, dice)),
        8 => format!("{} * {}", one(&data, dice), s),
        9 => format!("{} / {s}", one(&data, dice)),
        10 => a.to_owned(),
        11 => b.to_owned(),
        12 => format!("{b}.T @ {b} - {a} @ {a}.T"),
        13 => format!("{s} * {b} @ {a}"),
        14 => "loss".to_owned(),
        15 => format!("g_{a}"),
        16 => format!("{s} * {a} * {a}"),
        17 => step
            .outputs
            .first()
            .map_or_else(|| "loss".to_owned(), |o| o.name.clone()),
        18 => format!("{a} - {} * g_{a}", one(&settings, dice)),
        _ => format!("{a} + {s}"),
    }
}

/// Premises, how long they are assumed, and what is to follow.
pub(super) fn implication(
    step: &StepGraph,
    recipe: &Recipe,
    moved: bool,
    dice: &mut Dice,
) -> (Vec<String>, Option<usize>, Vec<String>) {
    let (a, b, s) = pair(recipe.model);
    let w = step
        .outputs
        .first()
        .map_or_else(|| "loss".to_owned(), |o| o.name.clone());
    let all: Vec<String> = step.parameters.iter().map(|p| p.name.clone()).collect();
    let product = format!("{b} @ {a}");
    let one = |text: &str| vec![text.to_owned()];
    let linear = matches!(recipe.model.name, "linear" | "embedding");
    match dice.below(16) {
        0 => (one(&w), None, one(&w)),
        1 => (vec![a.to_owned(), b.to_owned()], None, vec![product]),
        2 => (one(a), None, vec![format!("{a} @ {a}.T")]),
        3 if linear => (one(&w), None, one("loss")),
        4 if linear => (vec![format!("{s} * {product}")], None, one(&w)),
        5 if !moved => (all.clone(), Some(0), all),
        6 if !moved => (all, Some(0), one("loss")),
        7 => (
            vec![a.to_owned(), s.to_owned()],
            None,
            vec![format!("{s} * {a}")],
        ),
        8 => (one("loss"), None, one(a)),
        9 => (one(&w), None, one(a)),
        10 => (vec![product], Some(0), one("loss")),
        11 => (one(a), Some(0), one(b)),
        12 => (one(a), None, one(b)),
        13 => (vec![format!("{s} * {a}")], Some(0), one(a)),
        14 => (one(&w), Some(0), one("loss")),
        _ => (one("loss"), Some(0), one(&w)),
    }
}
