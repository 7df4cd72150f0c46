//! Maps that a step obeys, and maps that are a little off, in a claim's words.
//!
//! Here the derived rule may be used: what is drawn with it is tried by `truth` without it.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::{One, Zero};

use super::dice::Dice;
use super::moves::{Map, Side, general, names};
use crate::arith::Ratio;
use crate::gauge::{Options, Rule, Tied, infer};
use crate::graph::StepGraph;
use crate::zoo::{Range, Recipe};

/// Powers by the name of the leaf.
pub(super) type Leaves = BTreeMap<String, Ratio>;

pub(super) fn half(n: i64) -> Ratio {
    Ratio::new(n.into(), 2.into())
}

/// `true` if a setting makes sense multiplied by a positive number.
pub(super) fn may_move(recipe: &Recipe, base: &str) -> bool {
    base == "s"
        || recipe
            .setting(base)
            .is_none_or(|setting| setting.range == Range::Positive)
}

/// One of the scalings that the step obeys, as a rule.
pub(super) fn solution(step: &StepGraph, recipe: &Recipe, tied: bool, dice: &mut Dice) -> Leaves {
    let options = match tied {
        true => Options::shared(),
        false => Options::default(),
    };
    let rule = infer(step, &options).rule;
    let movable: Vec<usize> = (0..rule.dimension())
        .filter(|i| {
            let leaf = rule
                .generators
                .get(*i)
                .map(|g| g.leaf.as_str())
                .unwrap_or_default();
            let base = rule.bases.get(leaf).map_or("s", String::as_str);
            may_move(recipe, base)
        })
        .collect();
    let main = dice.pick(&movable).copied();
    let mut factors = vec![Ratio::zero(); rule.dimension()];
    for i in &movable {
        if Some(*i) == main || dice.percent(35) {
            factors[*i] = half(dice.of([2, -2, 1, -1, 4]));
        }
    }
    let mut leaves = combined(&rule, &factors);
    let scale = rule.bases.iter().find(|(_, base)| *base == "s");
    let alpha = scale.and_then(|(name, _)| leaves.get(name)).cloned();
    if let Some(alpha) = alpha.filter(|alpha| !alpha.is_zero())
        && !dice.percent(30)
    {
        let by_alpha: Leaves = (leaves.iter())
            .map(|(name, power)| (name.clone(), power / &alpha))
            .collect();
        let plain = |power: &Ratio| *power.denom() <= 4.into();
        if by_alpha.values().all(plain) {
            leaves = by_alpha;
        }
    }
    leaves.retain(|_, power| !power.is_zero());
    leaves
}

fn combined(rule: &Rule, factors: &[Ratio]) -> Leaves {
    let known = rule
        .weights
        .iter()
        .filter(|(name, _)| rule.parameters.contains(name) || rule.hyperparameters.contains(name));
    let power =
        |weight: &[Ratio]| -> Ratio { weight.iter().zip(factors).map(|(w, f)| w * f).sum() };
    known
        .map(|(name, weight)| (name.clone(), power(weight)))
        .collect()
}

/// The powers in a claim's words: copies that move alike under their common name, mostly.
pub(super) fn worded(step: &StepGraph, leaves: &Leaves, dice: &mut Dice) -> Side {
    in_words(step, leaves, 20, dice)
}

/// The powers in words, where copies that move alike have special names in so many percent of the
/// cases.
fn in_words(step: &StepGraph, leaves: &Leaves, special: usize, dice: &mut Dice) -> Side {
    let mut groups: BTreeMap<String, Vec<(String, Ratio)>> = BTreeMap::new();
    for (leaf, [special, general]) in names(step) {
        let power = leaves.get(&leaf).cloned().unwrap_or_default();
        groups.entry(general).or_default().push((special, power));
    }
    let mut side = Side::new();
    for (general, members) in groups {
        let first = members
            .first()
            .map(|(_, power)| power.clone())
            .unwrap_or_default();
        let alike = members.iter().all(|(_, power)| *power == first);
        let common = match alike {
            true => !dice.percent(special) || members.len() == 1,
            false => dice.percent(20),
        };
        if common && !(alike && first.is_zero()) {
            side.insert(general.clone(), first.clone());
        }
        for (special, power) in members {
            // A special name beside a common one says what is different about it.
            let needed = match common {
                true => power != first,
                false => !power.is_zero(),
            };
            if needed {
                side.insert(special, power);
            }
        }
    }
    side
}

/// A map in words from what it does: one side, or two that are to be divided.
pub(super) fn map(step: &StepGraph, recipe: &Recipe, leaves: &Leaves, dice: &mut Dice) -> Map {
    if !dice.percent(20) {
        return Map::of(worded(step, leaves, dice));
    }
    let left = anything(step, recipe, dice);
    let by_left = Map::of(left.clone()).moves(step);
    let mut right = leaves.clone();
    for (leaf, power) in &by_left.powers {
        *right.entry(leaf.clone()).or_default() += power;
    }
    Map {
        // A name on one side and another for the same quantity on the other one.
        right: in_words(step, &right, 50, dice),
        left: Some(left),
        negate: BTreeSet::new(),
    }
}

/// The names that make sense in a map.
pub(super) fn movable(step: &StepGraph, recipe: &Recipe) -> Vec<[String; 2]> {
    let bases: BTreeMap<&str, &str> = step.hyperparameters().map(|(l, b, _)| (l, b)).collect();
    let all = names(step).into_iter();
    all.filter(|(leaf, _)| bases.get(leaf.as_str()).is_none_or(|b| may_move(recipe, b)))
        .map(|(_, names)| names)
        .collect()
}

/// One to three names with powers.
pub(super) fn anything(step: &StepGraph, recipe: &Recipe, dice: &mut Dice) -> Side {
    let names = movable(step, recipe);
    let mut side = Side::new();
    for _ in 0..1 + dice.below(3) {
        let special = dice.percent(30);
        let Some([one, common]) = dice.pick(&names).cloned() else {
            continue;
        };
        let power = half(dice.of([2, -2, 1, -1, 4, -4]));
        side.insert(if special { one } else { common }, power);
    }
    side
}

/// A map that is a little wrong, or was.
pub(super) fn spoiled(mut map: Map, step: &StepGraph, recipe: &Recipe, dice: &mut Dice) -> Map {
    let keys: Vec<String> = map.right.keys().cloned().collect();
    match dice.below(5) {
        0 | 1 => {
            if let Some(power) = dice.pick(&keys).and_then(|key| map.right.get_mut(key)) {
                *power += half(dice.of([1, -1, 2, -2]));
            }
        }
        2 => {
            if let Some(key) = dice.pick(&keys) {
                map.right.remove(key);
            }
        }
        3 => {
            if let Some([one, common]) = dice.pick(&movable(step, recipe)) {
                let name = if dice.percent(50) { one } else { common };
                *map.right.entry(name.clone()).or_insert_with(Ratio::zero) += Ratio::one();
            }
        }
        _ => map.negate = signs(step, dice),
    }
    map
}

/// Changes of sign of scales and tensors.
pub(super) fn signs(step: &StepGraph, dice: &mut Dice) -> BTreeSet<String> {
    let tensors: Vec<String> = step
        .parameters
        .iter()
        .map(|p| format!("init_{}", p.name))
        .collect();
    let one = |dice: &mut Dice| dice.pick(&tensors).cloned().unwrap_or_default();
    let alpha = "alpha".to_owned();
    match dice.below(5) {
        0 => [alpha].into(),
        1 => [alpha, one(dice)].into(),
        2 => [one(dice), one(dice)].into(),
        3 => [one(dice)].into(),
        _ => ["init".to_owned()].into(),
    }
}

/// The freedom of the named settings: the rank of the solutions that
/// move only what is named, seen in the settings that are counted.
pub(super) fn slack(
    step: &StepGraph,
    counted: &[String],
    follow: &[String],
    zero: &BTreeSet<String>,
) -> usize {
    let named = |name: &str| counted.iter().chain(follow).any(|n| n == name);
    let (mut held, mut tied) = (BTreeSet::new(), BTreeSet::new());
    for (leaf, base, _) in step.hyperparameters() {
        match general(base) {
            name if named(&name) => drop(tied.insert(base.to_owned())),
            _ if !named(leaf) => drop(held.insert(leaf.to_owned())),
            _ => {}
        }
    }
    for p in &step.parameters {
        let free = zero.contains(&p.name) || named("init") || named(&format!("init_{}", p.name));
        if !free {
            held.insert(p.name.clone());
        }
    }
    let options = Options {
        tied: Tied::Only(tied),
        held,
        ..Options::default()
    };
    let rule = infer(step, &options).rule;
    let leaf_of = |name: &String| {
        let found = names(step)
            .into_iter()
            .filter(|(_, names)| names.contains(name));
        found.map(|(leaf, _)| leaf).collect::<Vec<_>>()
    };
    // One number for all tensors is one column, and they have to move alike.
    let mut conditions: Vec<Vec<Ratio>> = vec![];
    let mut columns: Vec<Vec<Ratio>> = vec![];
    let zeros = || vec![Ratio::zero(); rule.dimension()];
    for name in counted.iter().chain(follow) {
        let mut weights = leaf_of(name)
            .into_iter()
            .filter(|leaf| !zero.contains(leaf))
            .map(|leaf| rule.weights.get(&leaf).cloned().unwrap_or_else(zeros));
        let Some(first) = weights.next() else {
            continue;
        };
        for other in weights {
            let apart = first.iter().zip(&other).map(|(x, y)| x - y);
            conditions.push(apart.collect());
        }
        if counted.contains(name) {
            columns.push(first);
        }
    }
    // Solutions are the vectors that meet the conditions; what they do to the columns has the
    // rank of both together less that of the conditions.
    let together = [conditions.clone(), columns].concat();
    rank(together) - rank(conditions)
}

/// The rank of a matrix by rows.
pub(super) fn rank(mut rows: Vec<Vec<Ratio>>) -> usize {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut rank = 0;
    for col in 0..width {
        let pivot = (rank..rows.len()).find(|r| rows[*r].get(col).is_some_and(|x| !x.is_zero()));
        let Some(pivot) = pivot else { continue };
        rows.swap(rank, pivot);
        let own = rows[rank].clone();
        for row in rows.iter_mut().skip(rank + 1) {
            let factor = &row[col] / &own[col];
            for (x, y) in row.iter_mut().zip(&own) {
                *x -= &factor * y;
            }
        }
        rank += 1;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_counted_exactly() {
        let row = |entries: &[i64]| entries.iter().map(|n| half(*n)).collect::<Vec<_>>();
        assert_eq!(rank(vec![]), 0);
        assert_eq!(rank(vec![row(&[0, 0])]), 0);
        assert_eq!(rank(vec![row(&[1, 2]), row(&[2, 4]), row(&[0, 1])]), 2);
        assert_eq!(
            rank(vec![row(&[0, 1, 1]), row(&[1, 0, 1]), row(&[1, 1, 2])]),
            2
        );
    }

    #[test]
    fn settings_have_their_slack() {
        let step = Recipe::new("linear", "mse", "sgd")
            .unwrap()
            .plain()
            .build()
            .unwrap();
        let of =
            |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).to_owned()).collect() };
        let none = BTreeSet::new();
        // With a rate for each factor both can be scaled; with one init they move alike.
        assert_eq!(
            slack(
                &step,
                &of(&["alpha", "init_A", "init_B", "lr_A", "lr_B"]),
                &[],
                &none
            ),
            2
        );
        assert_eq!(
            slack(&step, &of(&["alpha", "init", "lr_A", "lr_B"]), &[], &none),
            1
        );
        assert_eq!(slack(&step, &of(&["alpha", "lr"]), &[], &none), 0);
        assert_eq!(
            slack(&step, &of(&["alpha"]), &of(&["init", "lr"]), &none),
            1
        );
        let zero = BTreeSet::from(["B".to_owned()]);
        assert_eq!(
            slack(&step, &of(&["alpha", "init_A", "lr_A", "lr_B"]), &[], &zero),
            2
        );
    }
}
