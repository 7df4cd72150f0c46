//! A rule of weights put to work: the rescaled run, and what must then hold of the two.

use std::collections::BTreeMap;

use num_integer::Integer;
use num_traits::{One, Pow, Zero};

use crate::arith::{Ratio, Surd, show_ratio};
use crate::gauge::{Rule, Weight};
use crate::graph::StepGraph;
use crate::scenario::{Exact, MapError, Powers, Property, Scenario, Split};
use crate::zoo::Model;

/// A rule with a number for each of its free factors.
#[derive(Debug, Clone)]
pub struct Rescaling {
    rule: Rule,
    /// A number and the power of it that the factor is.
    factors: Vec<(Ratio, Ratio)>,
}

/// A rule that does not multiply a trained tensor as a split says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rule multiplies `{tensor}` by k^({}), where the split asks for k^({})",
    show_ratio(found),
    show_ratio(expected)
)]
pub struct NoSplit {
    /// The tensor.
    pub tensor: String,
    /// The power of k that the rule gives it.
    pub found: Ratio,
    /// The power that the split asks for.
    pub expected: Ratio,
}

impl Rescaling {
    /// The rule with these factors, one for each generator.
    pub fn new(rule: &Rule, factors: Vec<Ratio>) -> Self {
        let factors = factors.into_iter().map(|f| (f, Ratio::one()));
        Self::of_powers(rule, factors.collect())
    }

    /// The same where each factor is a power of a number, as √k is.
    pub fn of_powers(rule: &Rule, factors: Vec<(Ratio, Ratio)>) -> Self {
        Self {
            rule: rule.clone(),
            factors,
        }
    }

    /// The rule with `k` shared as `split` says between the two factors of each pair of `model`.
    /// What belongs to no pair follows the rule.
    ///
    /// # Errors
    /// [`NoSplit`] names a factor of a pair that the rule does not multiply as the split says.
    pub fn of_split(
        rule: &Rule,
        model: &Model,
        split: Split,
        k: &Ratio,
    ) -> Result<Self, Box<NoSplit>> {
        let of_generators = rule.generators.iter().map(|g| match g.moves_parameters {
            true => split.power(model, &g.leaf).unwrap_or_default(),
            false => Ratio::zero(),
        });
        let of_generators: Vec<Ratio> = of_generators.collect();
        for tensor in &rule.parameters {
            let terms = rule.weights.get(tensor).into_iter().flatten();
            let found = terms.zip(&of_generators).map(|(w, g)| w * g).sum();
            if let Some(expected) = split.power(model, tensor)
                && expected != found
            {
                let tensor = tensor.clone();
                return Err(Box::new(NoSplit {
                    tensor,
                    found,
                    expected,
                }));
            }
        }
        let factors = of_generators.into_iter().map(|power| (k.clone(), power));
        Ok(Self::of_powers(rule, factors.collect()))
    }

    /// The rule with different primes as factors, or powers of them such that every power that
    /// the rule asks for is rational.
    pub fn with_rational_powers(rule: &Rule) -> Self {
        let primes = (2u32..).filter(|n| (2..*n).all(|d| n % d > 0));
        Self::of_roots(rule, primes.map(|prime| Ratio::from_integer(prime.into())))
    }

    /// The rule with `roots` as factors, the first of them that are needed, each to that power
    /// which makes every power that the rule asks for rational.
    pub fn of_roots(rule: &Rule, roots: impl Iterator<Item = Ratio>) -> Self {
        let weights = rule.weights.values().chain(rule.outputs.values().flatten());
        let denominators = weights.flatten().map(|w| w.denom().clone());
        let power = denominators.fold(num_bigint::BigInt::one(), |all, d| all.lcm(&d));
        let factors = roots.take(rule.dimension());
        Self::new(rule, factors.map(|root| Pow::pow(root, &power)).collect())
    }

    /// Another rule with the same factors.
    pub fn with_rule(&self, rule: Rule) -> Self {
        Self {
            rule,
            factors: self.factors.clone(),
        }
    }

    /// The map taken `times` times: every factor to that power.
    pub fn to_the(&self, times: i64) -> Self {
        let times = Ratio::from_integer(times.into());
        let factors = self.factors.iter();
        let factors = factors.map(|(base, own)| (base.clone(), own * &times));
        Self::of_powers(&self.rule, factors.collect())
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The numbers whose powers multiply a quantity of this weight, each once, and the powers.
    fn powers(&self, weight: &Weight) -> BTreeMap<&Ratio, Ratio> {
        let mut powers = BTreeMap::new();
        for ((base, own), power) in self.factors.iter().zip(weight) {
            *powers.entry(base).or_insert_with(Ratio::zero) += own * power;
        }
        powers
    }

    /// The power of `base` in the factor of a quantity of this weight.
    pub fn power_of(&self, base: &Ratio, weight: &Weight) -> Ratio {
        self.powers(weight).remove(base).unwrap_or_default()
    }

    /// The number by which a quantity of this weight is multiplied; `None` where that is no
    /// rational times one square root.
    pub fn factor(&self, weight: &Weight) -> Option<Surd> {
        let powers = self.powers(weight);
        powers.iter().try_fold(Surd::from(1), |all, (base, power)| {
            all.checked_mul(&Surd::power(base, power)?)
        })
    }

    /// The run to which the rule leads from `left`.
    ///
    /// # Errors
    /// [`MapError::Power`] for a power of a factor that cannot be formed exactly.
    pub fn scenario(&self, left: &Scenario) -> Result<Scenario, MapError> {
        let mut bases: Vec<&Ratio> = self.factors.iter().map(|(base, _)| base).collect();
        bases.sort_unstable();
        bases.dedup();
        bases.into_iter().try_fold(left.clone(), |run, base| {
            let powers = |names: &[String]| {
                let weighed = names.iter().filter_map(|name| self.weight(name.clone()));
                weighed
                    .map(|(name, weight)| (name, self.power_of(base, &weight)))
                    .collect()
            };
            let powers = Powers {
                hyperparameters: powers(&self.rule.hyperparameters),
                initial: powers(&self.rule.parameters),
                ..Powers::default()
            };
            powers.apply(&run, base)
        })
    }

    /// The weights of the loss, of every output that has one, and of every trained tensor.
    fn weights<'r>(&'r self, step: &'r StepGraph) -> impl Iterator<Item = (String, Weight)> + 'r {
        let rule = &self.rule;
        let loss = ("loss".to_owned(), rule.node_weight(step.loss));
        let outputs = step.outputs.iter().filter_map(|output| {
            let weight = rule.outputs.get(&output.name)?.clone()?;
            Some((output.name.clone(), weight))
        });
        let trained = rule.parameters.iter();
        let trained = trained.filter_map(|name| self.weight(name.clone()));
        std::iter::once(loss).chain(outputs).chain(trained)
    }

    fn weight(&self, name: String) -> Option<(String, Weight)> {
        let weight = self.rule.weights.get(&name)?.clone();
        Some((name, weight))
    }

    /// The number by which each quantity is multiplied: the loss, every output that has a weight,
    /// and every trained tensor.
    ///
    /// # Errors
    /// [`MapError::Power`] for a power of a factor that cannot be formed exactly.
    pub fn factors(&self, step: &StepGraph) -> Result<BTreeMap<String, Surd>, MapError> {
        let factor = |(name, weight): (String, Weight)| {
            let factor = self.named_factor(&name, &weight)?;
            Ok((name, factor))
        };
        self.weights(step).map(factor).collect()
    }

    /// The statement about a run and the one to which the rule leads: the same loss, and every
    /// output, parameter and state multiplied by the power that its weight says. Outputs without
    /// a weight are left out.
    ///
    /// # Errors
    /// [`MapError::Power`] for a power of a factor that cannot be formed exactly.
    pub fn property(&self, step: &StepGraph) -> Result<Property, MapError> {
        let mut property = Property::default();
        let states = step.states.iter().map(|s| format!("state.{}", s.name));
        let states = states.filter_map(|name| self.weight(name));
        for (name, weight) in self.weights(step).chain(states) {
            let factor = self.named_factor(&name, &weight)?;
            if factor != Surd::from(1) {
                property.factors.insert(name.clone(), Exact(factor));
            }
            property.conclusion.push(name);
        }
        Ok(property)
    }

    fn named_factor(&self, name: &str, weight: &Weight) -> Result<Surd, MapError> {
        self.factor(weight).ok_or_else(|| {
            let powers: Vec<_> = self.powers(weight).into_iter().collect();
            let (k, power) = match &powers[..] {
                [(base, power)] => (show_ratio(base), show_ratio(power)),
                _ => (
                    self.show_factors(),
                    weight.iter().map(show_ratio).collect::<Vec<_>>().join(", "),
                ),
            };
            MapError::Power {
                k,
                power,
                quantity: name.to_owned(),
            }
        })
    }

    fn show_factors(&self) -> String {
        let show = |(base, own): &(Ratio, Ratio)| match own.is_one() {
            true => show_ratio(base),
            false => format!("{}^({})", show_ratio(base), show_ratio(own)),
        };
        let factors: Vec<String> = self.factors.iter().map(show).collect();
        factors.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauge::{Options, infer};
    use crate::zoo::Recipe;

    fn rule(optimizer: &str) -> Rule {
        let recipe = Recipe::new("linear", "mse", optimizer).unwrap();
        infer(&recipe.build().unwrap(), &Options::default()).rule
    }

    #[test]
    fn free_factors_are_powers_of_different_primes() {
        let mut rule = rule("sgd");
        let factors = |rule: &Rule| Rescaling::with_rational_powers(rule).factors;
        let whole = |n: i64| (Ratio::from_integer(n.into()), Ratio::one());
        assert_eq!(factors(&rule), [whole(2), whole(3)]);
        // A rule that asks for thirds and halves gets sixth powers.
        let [third, half] = [3, 2].map(|n| Ratio::new(1.into(), n.into()));
        rule.weights.insert("A".to_owned(), vec![third, half]);
        assert_eq!(factors(&rule), [whole(64), whole(729)]);
        let mut more = rule.generators[0].clone();
        more.leaf = "s".to_owned();
        rule.generators.extend([more.clone(), more.clone(), more]);
        let primes = [2i64, 3, 5, 7, 11].map(|n| whole(n.pow(6)));
        assert_eq!(factors(&rule), primes);
    }

    #[test]
    fn a_power_that_has_no_exact_form_is_named() {
        let rule = rule("sgd");
        let root = |n: i64| {
            (
                Ratio::from_integer(n.into()),
                Ratio::new(1.into(), 3.into()),
            )
        };
        let rescaling = Rescaling::of_powers(&rule, vec![root(2), (root(5).0, Ratio::one())]);
        let recipe = Recipe::new("linear", "mse", "sgd").unwrap();
        match rescaling.property(&recipe.build().unwrap()) {
            Err(MapError::Power { k, power, quantity }) => {
                assert_eq!((k.as_str(), quantity.as_str()), ("2^(1/3), 5", "A"));
                assert_eq!(power, "1, 0");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(rescaling.factor(&rule.weights["B"]), Some(Surd::from(5)));
        assert_eq!(rescaling.factor(&rule.weights["A"]), None);
    }

    #[test]
    fn a_split_is_of_each_pair_and_what_belongs_to_none_follows_the_rule() {
        let three = Ratio::from_integer(3.into());
        let ratio = |text: &str| crate::arith::parse_ratio(text).unwrap();
        for (model, split, powers) in [
            (
                "mlp_relu",
                Split::Sqrt,
                &[("A1", "-1/2"), ("B2", "-1/2"), ("s1", "1"), ("s2", "1")],
            ),
            (
                "mlp_relu",
                Split::A,
                &[("A1", "-1"), ("A2", "-1"), ("B1", "0"), ("s2", "1")],
            ),
            (
                "lora_bias",
                Split::B,
                &[("A", "0"), ("B", "-1"), ("bias", "-1"), ("s", "1")],
            ),
        ] {
            let recipe = Recipe::new(model, "mse", "sgd").unwrap();
            let rule = infer(&recipe.build().unwrap(), &Options::default()).rule;
            let rescaling = Rescaling::of_split(&rule, recipe.model, split, &three).unwrap();
            for (name, power) in powers {
                let found = rescaling.power_of(&three, &rule.weights[*name]);
                assert_eq!(found, ratio(power), "{model} {split:?} {name}");
            }
        }
    }

    #[test]
    fn a_root_of_nine_leads_where_three_does() {
        let left = crate::scenario::seed_script(0).unwrap();
        let step = left.recipe.build().unwrap();
        let rule = infer(&step, &Options::default()).rule;
        let whole = |n: i64| Ratio::from_integer(n.into());
        let half = Ratio::new(1.into(), 2.into());
        let roots = vec![(whole(9), half.clone()), (whole(25), half)];
        let by_roots = Rescaling::of_powers(&rule, roots).scenario(&left).unwrap();
        let plain = Rescaling::new(&rule, vec![whole(3), whole(5)]);
        let plain = plain.scenario(&left).unwrap();
        assert_eq!(by_roots.values, plain.values);
        assert_ne!(plain.values, left.values);
    }
}
