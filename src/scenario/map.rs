//! The map from one run to the rescaled one: powers of k, and signs.

use std::collections::{BTreeMap, BTreeSet};

use num_integer::Integer;
use num_traits::{Pow, Signed, ToPrimitive, Zero};

use super::Scenario;
use crate::arith::{
    Arithmetic, F64, ParseExactError, Ratio, Surd, parse_ratio, ratio_from_f64, show_ratio,
};
use crate::fault::{Fault, planted};
use crate::graph::StepGraph;

/// The highest root that is taken of a factor which is chosen to have it.
const MOST_ROOTS: u32 = 24;
/// The largest power of a root that is looked at in exact runs.
const LARGEST_POWER: u32 = 512;

/// A map in a user's words: a power of k for each named quantity.
///
/// The names are `alpha` (at fixed rank, so it scales `s`), `init` (every trained tensor),
/// `init_A` and the like, and every hyperparameter by its published name (`lr`, for every
/// tensor) or with the tensor's name (`lr_A`). The more special name wins. What is not named
/// stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScaleMap {
    /// The power of k by which each quantity is multiplied.
    pub powers: BTreeMap<String, Ratio>,
    /// The quantities that change sign besides.
    pub negate: BTreeSet<String>,
}

/// The same map in the graph's names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Powers {
    /// The power of each hyperparameter leaf.
    pub hyperparameters: BTreeMap<String, Ratio>,
    /// The power of each parameter's initial value.
    pub initial: BTreeMap<String, Ratio>,
    /// The leaves whose sign changes.
    pub negated: BTreeSet<String>,
}

/// The reason for which a map does not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The step has no such quantity.
    #[error("the map names `{found}`, which this step does not have: it has {}", known.join(", "))]
    UnknownQuantity {
        /// The name in the map.
        found: String,
        /// The names that the step has.
        known: Vec<String>,
    },
    /// A power of k is not a number that can be formed exactly.
    #[error(
        "k = {k} has no exact power {power} (wanted for `{quantity}`): use a multiple of 1/2 and k > 0, or a k whose root is rational, and a power of moderate size"
    )]
    Power {
        /// The factor.
        k: String,
        /// The exponent.
        power: String,
        /// The quantity.
        quantity: String,
    },
}

impl ScaleMap {
    /// A map from pairs of name and power, for instance `("lr", "-1")`.
    ///
    /// # Errors
    /// [`ParseExactError`] for a power that is no number.
    pub fn of(powers: &[(&str, &str)]) -> Result<Self, ParseExactError> {
        let power = |(name, power): &(&str, &str)| Ok(((*name).to_owned(), parse_ratio(power)?));
        Ok(Self {
            powers: powers.iter().map(power).collect::<Result<_, _>>()?,
            negate: BTreeSet::new(),
        })
    }

    /// The map in the names of `step`.
    ///
    /// # Errors
    /// [`MapError::UnknownQuantity`] for a name that fits nothing.
    pub fn resolve(&self, step: &StepGraph) -> Result<Powers, MapError> {
        let mut used = BTreeSet::new();
        let mut look = |names: [&str; 3]| -> (Ratio, bool) {
            let mut power = None;
            let mut negative = false;
            for name in names {
                if let Some(found) = self.powers.get(name) {
                    used.insert(name.to_owned());
                    power = power.or(Some(found));
                }
                if self.negate.contains(name) {
                    used.insert(name.to_owned());
                    negative = true;
                }
            }
            (power.cloned().unwrap_or_default(), negative)
        };
        let mut resolved = Powers::default();
        for (leaf, base, _) in step.hyperparameters() {
            let general = if base == "s" { "alpha" } else { base };
            let (power, negative) = look([leaf, base, general]);
            resolved.hyperparameters.insert(leaf.to_owned(), power);
            if negative {
                resolved.negated.insert(leaf.to_owned());
            }
        }
        for p in &step.parameters {
            let (power, negative) = look([&format!("init_{}", p.name), "init", "init"]);
            resolved.initial.insert(p.name.clone(), power);
            if negative {
                resolved.negated.insert(p.name.clone());
            }
        }
        match self
            .powers
            .keys()
            .chain(&self.negate)
            .find(|name| !used.contains(*name))
        {
            Some(found) => Err(MapError::UnknownQuantity {
                found: found.clone(),
                known: Self::quantities(step),
            }),
            None => Ok(resolved),
        }
    }

    /// Every name that a map of `step` may use.
    pub fn quantities(step: &StepGraph) -> Vec<String> {
        let mut names = BTreeSet::from(["init".to_owned()]);
        for (leaf, base, _) in step.hyperparameters() {
            let leaf = if leaf == "s" { "alpha" } else { leaf };
            let base = if base == "s" { "alpha" } else { base };
            names.extend([leaf, base].map(str::to_owned));
        }
        names.extend(step.parameters.iter().map(|p| format!("init_{}", p.name)));
        names.into_iter().collect()
    }
}

impl Powers {
    /// The map that leads from the run to which `self` leads to the one to which `other` does,
    /// quantity by quantity.
    pub fn towards(&self, other: &Self) -> Self {
        let quotient = |from: &BTreeMap<String, Ratio>, to: &BTreeMap<String, Ratio>| {
            let power = |name: &String| -> Ratio {
                let of = |powers: &BTreeMap<String, Ratio>| powers.get(name).cloned();
                of(to).unwrap_or_default() - of(from).unwrap_or_default()
            };
            let names = from.keys().chain(to.keys());
            names.map(|name| (name.clone(), power(name))).collect()
        };
        let negated = self.negated.symmetric_difference(&other.negated);
        Self {
            hyperparameters: quotient(&self.hyperparameters, &other.hyperparameters),
            initial: quotient(&self.initial, &other.initial),
            negated: negated.cloned().collect(),
        }
    }

    /// True where every quantity keeps its value.
    pub fn is_identity(&self) -> bool {
        let mut powers = self.hyperparameters.values().chain(self.initial.values());
        self.negated.is_empty() && powers.all(Zero::is_zero)
    }

    /// A factor all of whose powers that the map asks for exist: the smallest power of `root`
    /// that will do, which is at least its square; `None` where it, or what it multiplies a
    /// quantity by, is more than a moderate power of `root`.
    pub fn factor_with_roots(&self, root: &Ratio) -> Option<Ratio> {
        let powers = self.hyperparameters.values().chain(self.initial.values());
        let two = num_bigint::BigInt::from(2);
        let common = powers.fold(two, |all, power| all.lcm(power.denom()));
        let exponent = common.to_u32().filter(|n| *n <= MOST_ROOTS)?;
        // Exact runs on numbers of thousands of digits do not end in a while.
        let most = Ratio::from_integer(LARGEST_POWER.into());
        let times = Ratio::from_integer(exponent.into());
        let mut powers = self.hyperparameters.values().chain(self.initial.values());
        let moderate = powers.all(|power| &power.abs() * &times <= most);
        moderate.then(|| Pow::pow(root, exponent))
    }

    /// The scenario with every value multiplied by its power of `k`, exactly.
    ///
    /// # Errors
    /// [`MapError::Power`] when a power of `k` is not of the form rational times square root.
    pub fn apply(&self, scenario: &Scenario, k: &Ratio) -> Result<Scenario, MapError> {
        let mut mapped = scenario.clone();
        let fail = |quantity: &str, power: &Ratio| MapError::Power {
            k: show_ratio(k),
            power: show_ratio(power),
            quantity: quantity.to_owned(),
        };
        let factor = |name: &str, power: &Ratio| -> Result<Surd, MapError> {
            let mut scale = Surd::power(k, power).ok_or_else(|| fail(name, power))?;
            if planted(Fault::FactorThroughF64)
                && let Some(near) = F64.from_surd(&scale).ok().and_then(ratio_from_f64)
            {
                scale = Surd::rational(near);
            }
            let sign = Surd::from(if self.negated.contains(name) { -1 } else { 1 });
            scale.checked_mul(&sign).ok_or_else(|| fail(name, power))
        };
        for (name, power) in &self.hyperparameters {
            if let Some(value) = mapped.values.scalars.get_mut(name) {
                *value = value
                    .checked_mul(&factor(name, power)?)
                    .ok_or_else(|| fail(name, power))?;
            }
        }
        let kept = usize::from(planted(Fault::InitialValueKept));
        let tensors = self.initial.len() - kept.min(self.initial.len());
        for (name, power) in self.initial.iter().take(tensors) {
            if let Some(tensor) = mapped.values.tensors.get_mut(name) {
                *tensor = tensor
                    .scaled_by(&factor(name, power)?)
                    .ok_or_else(|| fail(name, power))?;
            }
        }
        Ok(mapped)
    }

    /// The power by which the parameter `name` is multiplied at the start.
    pub fn initial_power(&self, name: &str) -> Ratio {
        self.initial.get(name).cloned().unwrap_or_else(Ratio::zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_that_is_no_number_is_an_error() {
        assert!(ScaleMap::of(&[("lr", "-1"), ("alpha", "one")]).is_err());
        assert_eq!(ScaleMap::of(&[("lr", "-1")]).unwrap().powers.len(), 1);
    }

    #[test]
    fn a_factor_has_every_root_and_moderate_powers() {
        let factor = |powers: &[&str]| {
            let named = powers.iter().enumerate();
            let named = named.map(|(i, p)| (format!("q{i}"), parse_ratio(p).unwrap()));
            let powers = Powers {
                hyperparameters: named.collect(),
                ..Powers::default()
            };
            powers.factor_with_roots(&Ratio::from_integer(2.into()))
        };
        let two_to = |n: i32| {
            Some(Ratio::from_integer(Pow::pow(
                num_bigint::BigInt::from(2),
                n as u32,
            )))
        };
        assert_eq!(factor(&[]), two_to(2));
        assert_eq!(factor(&["1/2", "-2/3"]), two_to(6));
        assert_eq!(factor(&["-256"]), two_to(2));
        assert_eq!(factor(&["257"]), None);
        assert_eq!(factor(&["1/24"]), two_to(24));
        assert_eq!(factor(&["22", "1/24"]), None);
        assert_eq!(factor(&["1/25"]), None);
    }
}
