//! The ways in which a step's case distinctions can be decided.
//!
//! An optimizer whose update rule has cases (RAdam's rectification, a first step that differs)
//! declares them; each combination of decided cases is a recipe with a step of its own, without
//! the choice. Which rule such a step has is not said here.

use super::{Recipe, RecipeError, Regime};

/// One way of deciding every case distinction of a step.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name in words: `rectified`, `not rectified, first`.
    pub name: String,
    /// The condition under which it holds, in words.
    pub when: String,
    /// The decisions, by the name of the distinction.
    pub decided: Vec<(&'static str, bool)>,
    /// The recipe with all of it decided.
    pub recipe: Recipe,
}

impl Recipe {
    /// Every combination of decided case distinctions, in the order in which the optimizer lists
    /// them, the first case of each first. None where the step makes no distinction.
    ///
    /// Distinctions that this recipe's step does not make, or has decided already, are left out.
    ///
    /// # Errors
    /// As [`Recipe::build`].
    pub fn cases(&self) -> Result<Vec<Case>, RecipeError> {
        let mut made = Vec::new();
        if !self.optimizer.regimes.is_empty() {
            let whole = self.build()?;
            for regime in self.optimizer.regimes {
                let decided = self.clone().in_regime(regime.name, true).build()?;
                if !self.regimes.contains_key(regime.name) && decided != whole {
                    made.push(regime);
                }
            }
        }
        if made.is_empty() {
            return Ok(Vec::new());
        }
        let start = Case {
            name: String::new(),
            when: String::new(),
            decided: Vec::new(),
            recipe: self.clone(),
        };
        Ok(made.into_iter().fold(vec![start], |cases, regime| {
            let both = |case: Case| [true, false].map(|holds| case.decide(regime, holds));
            cases.into_iter().flat_map(both).collect()
        }))
    }
}

impl Case {
    fn decide(&self, regime: &Regime, holds: bool) -> Self {
        let words = regime.name.replace('_', " ");
        let (name, when) = match holds {
            true => (words, regime.when),
            false => (format!("not {words}"), regime.otherwise),
        };
        let joined = |before: &str, sign: &str, more: &str| match before {
            "" => more.to_owned(),
            before => format!("{before}{sign}{more}"),
        };
        let mut decided = self.decided.clone();
        decided.push((regime.name, holds));
        Self {
            name: joined(&self.name, ", ", &name),
            when: joined(&self.when, "; ", when),
            decided,
            recipe: self.recipe.clone().in_regime(regime.name, holds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::optimizers::{OPTIMIZERS, PLAIN};
    use super::super::{Hyperparameter, Optimizer, Trainer};
    use super::*;

    static WITH_CASES: Optimizer = Optimizer {
        name: "with_cases",
        hyperparameters: &[Hyperparameter::positive("lr", "1")],
        regimes: &[
            Regime {
                name: "warm_up",
                when: "t ≤ 10",
                otherwise: "t > 10",
            },
            Regime {
                name: "never_made",
                when: "",
                otherwise: "",
            },
            Regime {
                name: "large",
                when: "lr > 1",
                otherwise: "lr ≤ 1",
            },
        ],
        build,
        ..PLAIN
    };

    fn build(trainer: &Trainer<'_>) {
        for f in trainer.factors() {
            let (g, t) = (f.gradient(), f.step_number());
            let g = trainer.regime("warm_up", g, g + g, |x, y| t.if_less_equal(10, x, y));
            let lr = f.lr();
            let g = trainer.regime("large", g, -g, |x, y| (1 - lr).if_less(0, x, y));
            f.update(f.weight() - f.lr() * g);
        }
    }

    #[test]
    fn every_combination_of_the_cases_that_are_made() {
        let mut recipe = Recipe::new("linear", "mse", "sgd").unwrap();
        recipe.optimizer = &WITH_CASES;
        let cases = recipe.cases().unwrap();
        let names: Vec<&str> = cases.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "warm up, large",
                "warm up, not large",
                "not warm up, large",
                "not warm up, not large"
            ]
        );
        assert_eq!(cases[1].when, "t ≤ 10; lr ≤ 1");
        assert_eq!(cases[1].decided, [("warm_up", true), ("large", false)]);
        let steps: Vec<_> = cases.iter().map(|c| c.recipe.build().unwrap()).collect();
        for (i, step) in steps.iter().enumerate() {
            assert!(steps[..i].iter().all(|other| other != step));
        }
        let rest = recipe.in_regime("large", true).cases().unwrap();
        assert_eq!(rest.len(), 2);
    }

    #[test]
    fn every_declared_case_is_made_by_some_recipe() {
        for optimizer in OPTIMIZERS {
            let recipe = Recipe::new("linear", "mse", optimizer.name).unwrap();
            let cases = recipe.cases().unwrap();
            let made = cases.first().map_or(0, |c| c.decided.len());
            assert_eq!(made, optimizer.regimes.len(), "{}", optimizer.name);
            assert_eq!(cases.len(), if made == 0 { 0 } else { 1 << made });
        }
    }
}
