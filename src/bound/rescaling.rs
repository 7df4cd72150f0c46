//! A rule of weights put to work: the rescaled run, and what must then hold of the two.

use num_integer::Integer;
use num_traits::{One, Pow};

use crate::arith::{Ratio, Surd, show_ratio};
use crate::gauge::{Rule, Weight};
use crate::graph::StepGraph;
use crate::scenario::{Exact, MapError, Powers, Property, Scenario};

/// A rule with a number for each of its free factors.
#[derive(Debug, Clone)]
pub struct Rescaling {
    rule: Rule,
    /// A number and the power of it that the factor is.
    factors: Vec<(Ratio, Ratio)>,
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

    /// The rule with different primes as factors, or powers of them such that every power that
    /// the rule asks for is rational.
    pub fn with_rational_powers(rule: &Rule) -> Self {
        let weights = rule.weights.values().chain(rule.outputs.values().flatten());
        let denominators = weights.flatten().map(|w| w.denom().clone());
        let power = denominators.fold(num_bigint::BigInt::one(), |all, d| all.lcm(&d));
        let primes = (2u32..).filter(|n| (2..*n).all(|d| n % d > 0));
        let factors = primes.take(rule.dimension());
        let factor = |prime: u32| Pow::pow(Ratio::from_integer(prime.into()), &power);
        Self::new(rule, factors.map(factor).collect())
    }

    /// Another rule with the same factors.
    pub fn with_rule(&self, rule: Rule) -> Self {
        Self {
            rule,
            factors: self.factors.clone(),
        }
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What a quantity of this weight is multiplied by; `None` where that is no rational times
    /// one square root.
    pub fn factor(&self, weight: &Weight) -> Option<Surd> {
        let powers = self.factors.iter().zip(weight);
        let powers = powers.map(|((base, own), power)| Surd::power(base, &(own * power)));
        powers
            .into_iter()
            .try_fold(Surd::from(1), |all, power| all.checked_mul(&power?))
    }

    /// The run to which the rule leads from `left`.
    ///
    /// # Errors
    /// [`MapError::Power`] for a power of a factor that cannot be formed exactly.
    pub fn scenario(&self, left: &Scenario) -> Result<Scenario, MapError> {
        let mut right = left.clone();
        for (generator, (base, own)) in self.factors.iter().enumerate() {
            let powers = |names: &[String]| {
                let weight = |name: &String| Some((name.clone(), self.rule.weights.get(name)?));
                let weights = names.iter().filter_map(weight);
                let power = |w: &Weight| w.get(generator).cloned().unwrap_or_default() * own;
                weights.map(|(name, w)| (name, power(w))).collect()
            };
            let powers = Powers {
                hyperparameters: powers(&self.rule.hyperparameters),
                initial: powers(&self.rule.parameters),
                ..Powers::default()
            };
            right = powers.apply(&right, base)?;
        }
        Ok(right)
    }

    /// What must hold of a run and the one to which the rule leads: the same loss, and every
    /// output, parameter and state multiplied by the power that its weight says. Outputs without
    /// a weight are left out.
    ///
    /// # Errors
    /// [`MapError::Power`] for a power of a factor that cannot be formed exactly.
    pub fn property(&self, step: &StepGraph) -> Result<Property, MapError> {
        let mut property = Property::default();
        let mut add = |name: &str, weight: &Weight| {
            let no_power = || MapError::Power {
                k: self.show_factors(),
                power: weight.iter().map(show_ratio).collect::<Vec<_>>().join(", "),
                quantity: name.to_owned(),
            };
            let factor = self.factor(weight).ok_or_else(no_power)?;
            property.conclusion.push(name.to_owned());
            if factor != Surd::from(1) {
                property.factors.insert(name.to_owned(), Exact(factor));
            }
            Ok(())
        };
        add("loss", &self.rule.node_weight(step.loss))?;
        for output in &step.outputs {
            if let Some(Some(weight)) = self.rule.outputs.get(&output.name) {
                add(&output.name, weight)?;
            }
        }
        let parameters = self.rule.parameters.iter().cloned();
        let states = step.states.iter().map(|s| format!("state.{}", s.name));
        for name in parameters.chain(states) {
            if let Some(weight) = self.rule.weights.get(&name) {
                add(&name, weight)?;
            }
        }
        Ok(property)
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
