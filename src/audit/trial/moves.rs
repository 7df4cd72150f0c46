//! A map in a claim's words, and what it does to a run.
//!
//! Written apart from `scenario` and the judges: what a name stands for on one side is looked up
//! for every quantity of the step, and the right side is divided by the left one.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Pow, ToPrimitive, Zero};
use toml::{Table, Value};

use super::setting::Fields;
use crate::arith::{Ratio, Surd, show_ratio};
use crate::exec::Values;
use crate::graph::StepGraph;

/// Powers of k by the names that a claim uses.
pub(super) type Side = BTreeMap<String, Ratio>;

/// A map as a claim writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Map {
    /// The left side, where there is one.
    pub left: Option<Side>,
    /// The right side, or the map itself.
    pub right: Side,
    pub negate: BTreeSet<String>,
}

/// The action of a map on each setting and each tensor's first value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// By the name of the leaf; what is not named stays.
    pub powers: BTreeMap<String, Ratio>,
    pub negated: BTreeSet<String>,
}

/// The name that stands for every copy of a setting.
pub(super) fn general(base: &str) -> String {
    match base {
        "s" => "alpha".to_owned(),
        other => other.to_owned(),
    }
}

/// Every name by which a map may call a quantity of the step, the special one first, with the
/// leaf.
pub(super) fn names(step: &StepGraph) -> Vec<(String, [String; 2])> {
    let settings = step
        .hyperparameters()
        .map(|(leaf, base, _)| (leaf.to_owned(), [leaf.to_owned(), general(base)]));
    let tensors = step.parameters.iter().map(|p| {
        let special = format!("init_{}", p.name);
        (p.name.clone(), [special, "init".to_owned()])
    });
    settings.chain(tensors).collect()
}

impl Map {
    /// A map that is no more than one side.
    pub fn of(right: Side) -> Self {
        Self {
            left: None,
            right,
            negate: BTreeSet::new(),
        }
    }

    /// The action on the quantities of `step`.
    pub fn moves(&self, step: &StepGraph) -> Moves {
        let mut moves = Moves::default();
        let nothing = Side::new();
        let left = self.left.as_ref().unwrap_or(&nothing);
        for (leaf, names) in names(step) {
            let on = |side: &Side| {
                let found = names.iter().find_map(|name| side.get(name));
                found.cloned().unwrap_or_default()
            };
            let power = on(&self.right) - on(left);
            if !power.is_zero() {
                moves.powers.insert(leaf.clone(), power);
            }
            if names.iter().any(|name| self.negate.contains(name)) {
                moves.negated.insert(leaf);
            }
        }
        moves
    }

    /// The fields of a claim that say it.
    pub fn fields(&self) -> Fields {
        let table = |side: &Side| Value::Table(powers(side));
        let mut fields = match &self.left {
            None => vec![("map".to_owned(), table(&self.right))],
            Some(left) => vec![
                ("left".to_owned(), table(left)),
                ("right".to_owned(), table(&self.right)),
            ],
        };
        if !self.negate.is_empty() {
            let names = self.negate.iter().cloned().map(Value::String);
            fields.push(("negate".to_owned(), Value::Array(names.collect())));
        }
        fields
    }
}

fn powers(side: &Side) -> Table {
    let value = |power: &Ratio| match power.is_integer().then(|| power.to_i64()).flatten() {
        Some(whole) => Value::Integer(whole),
        None => Value::String(show_ratio(power)),
    };
    side.iter()
        .map(|(name, power)| (name.clone(), value(power)))
        .collect()
}

impl Moves {
    /// A number whose powers that occur are rational: `base` to the least common denominator.
    pub fn factor(&self, base: &Ratio) -> Ratio {
        let denominators = self.powers.values().map(|p| p.denom().clone());
        let root = denominators.fold(BigInt::one(), |all, d| all.lcm(&d));
        Pow::pow(base, &root)
    }

    /// The values on the right; `None` where a power of `k` has no exact form.
    pub fn apply(&self, values: &Values, k: &Ratio) -> Option<Values> {
        let mut moved = values.clone();
        let factor = |name: &String| {
            let power = self.powers.get(name).cloned().unwrap_or_default();
            let sign = Surd::from(if self.negated.contains(name) { -1 } else { 1 });
            Surd::power(k, &power)?.checked_mul(&sign)
        };
        let all: BTreeSet<&String> = self.powers.keys().chain(&self.negated).collect();
        for name in all {
            move_one(&mut moved, name, &factor(name)?)?;
        }
        Some(moved)
    }
}

fn move_one(values: &mut Values, name: &str, factor: &Surd) -> Option<()> {
    if let Some(value) = values.scalars.get_mut(name) {
        *value = value.checked_mul(factor)?;
    }
    if let Some(tensor) = values.tensors.get_mut(name) {
        *tensor = tensor.scaled_by(factor)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo::Recipe;

    fn side(powers: &[(&str, i64)]) -> Side {
        let power = |n: i64| Ratio::new(n.into(), 2.into());
        powers
            .iter()
            .map(|(name, n)| ((*name).to_owned(), power(*n)))
            .collect()
    }

    #[test]
    fn a_special_name_is_divided_by_what_the_other_side_has() {
        let step = Recipe::new("linear", "mse", "sgd")
            .unwrap()
            .plain()
            .build()
            .unwrap();
        let map = Map {
            left: Some(side(&[("alpha", 2), ("init", 10), ("lr", -6)])),
            right: side(&[("lr_A", 2), ("lr_B", 2), ("init_A", 1), ("init_B", 1)]),
            negate: ["init_A".to_owned()].into(),
        };
        let moves = map.moves(&step);
        let expected = side(&[("s", -2), ("A", -9), ("B", -9), ("lr_A", 8), ("lr_B", 8)]);
        assert_eq!(moves.powers, expected);
        assert_eq!(moves.negated, ["A".to_owned()].into());
        assert_eq!(
            moves.factor(&Ratio::from_integer(3.into())),
            Ratio::from_integer(9.into())
        );
    }
}
