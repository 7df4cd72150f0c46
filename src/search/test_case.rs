//! What a property is asked about: a run, and the numbers that say what is done to it.

use num_traits::{One, Zero};
use serde::{Deserialize, Serialize};

use super::result::SearchError;
use crate::arith::{ArithmeticName, Ratio, Surd};
use crate::bound::Rescaling;
use crate::gauge::{Inference, Options, Rule, SignFlips, infer, sign_flips};
use crate::graph::StepGraph;
use crate::scenario::{Exact, MapError, Powers, Property, Scenario, ScenarioFile};

/// A drawn run with everything that a property may want to know.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// The run.
    pub scenario: Scenario,
    /// The arithmetic in which it is looked at.
    pub arithmetic: ArithmeticName,
    /// Positive numbers, one for each free factor of a rule, from the first again where there are
    /// too few.
    pub factors: Vec<Ratio>,
    /// The same for a second map.
    pub second: Vec<Ratio>,
    /// The changes of sign that are made besides, likewise.
    pub flips: Vec<bool>,
    /// Free choices of a property: which mixing, which entry, which exponent.
    pub parameters: Vec<u32>,
}

/// A test case as it is stored in a witness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCaseFile {
    /// The name of the property that it contradicts.
    pub property: String,
    /// The seed of the campaign.
    pub seed: u64,
    /// The number of the case that was shrunk.
    pub case: u64,
    /// The arithmetic.
    pub arithmetic: String,
    /// The factors of the map.
    pub factors: Vec<Exact>,
    /// The factors of the second map.
    pub second: Vec<Exact>,
    /// The changes of sign.
    pub flips: Vec<bool>,
    /// The property's free choices.
    #[serde(rename = "picks")]
    pub parameters: Vec<u32>,
    /// The run.
    pub run: ScenarioFile,
}

impl TestCase {
    /// The rescaled run.
    ///
    /// # Errors
    /// [`SearchError`] where it cannot be formed.
    pub fn mapped(&self) -> Result<Scenario, SearchError> {
        Derived::new(self)?.map().map(|(right, _)| right)
    }

    /// The stored form.
    pub fn file(&self, property: &str, seed: u64, case: u64) -> TestCaseFile {
        let exact = |all: &[Ratio]| all.iter().map(|q| Exact(q.clone().into())).collect();
        TestCaseFile {
            property: property.to_owned(),
            seed,
            case,
            arithmetic: self.arithmetic.to_string(),
            factors: exact(&self.factors),
            second: exact(&self.second),
            flips: self.flips.clone(),
            parameters: self.parameters.clone(),
            run: (&self.scenario).into(),
        }
    }
}

/// A test case's step with its rule.
pub(super) struct Derived<'a> {
    pub test_case: &'a TestCase,
    pub step: StepGraph,
    pub inference: Inference,
}

impl<'a> Derived<'a> {
    pub fn new(test_case: &'a TestCase) -> Result<Self, SearchError> {
        let step = test_case.scenario.recipe.build()?;
        let inference = infer(&step, &Options::default());
        Ok(Self {
            test_case,
            step,
            inference,
        })
    }

    pub fn rule(&self) -> &Rule {
        &self.inference.rule
    }

    /// The rule with these factors, each as that power which makes every power that the rule asks
    /// for rational.
    pub fn rescaling(&self, factors: &[Ratio]) -> Rescaling {
        let one = [Ratio::one()];
        let factors = if factors.is_empty() { &one } else { factors };
        Rescaling::of_roots(self.rule(), factors.iter().cycle().cloned())
    }

    /// The rescaled run, with the changes of sign, and what must hold of the two.
    pub fn map(&self) -> Result<(Scenario, Property), SearchError> {
        let rescaling = self.rescaling(&self.test_case.factors);
        let right = rescaling.scenario(&self.test_case.scenario)?;
        let mut property = rescaling.property(&self.step)?;
        let signs = self.signs();
        let right = signs.scenario(&right)?;
        signs.adapt(&mut property);
        Ok((right, property))
    }

    /// The changes of sign that are made: those that concern trained tensors and scales alone.
    pub fn signs(&self) -> Signs {
        let flips = &self.test_case.flips;
        let nothing = !flips.contains(&true);
        let all = match nothing {
            true => None,
            false => Some(sign_flips(&self.step, &Options::default())),
        };
        let rule = self.rule();
        let scale = |name: &String| rule.bases.get(name).is_some_and(|base| base == "s");
        let chosen = |all: &SignFlips| {
            let allowed = |flipped: &[String]| {
                let mut settings = flipped
                    .iter()
                    .filter(|name| rule.hyperparameters.contains(name));
                settings.all(scale)
            };
            let numbered = all.flips.iter().enumerate();
            numbered
                .filter(|(i, flip)| flips[i % flips.len()] && allowed(&flip.flipped))
                .map(|(i, _)| i)
                .collect()
        };
        let chosen = all.as_ref().map(chosen).unwrap_or_default();
        Signs { all, chosen }
    }
}

/// Changes of sign that a step obeys, and those of them that are made.
pub(super) struct Signs {
    all: Option<SignFlips>,
    chosen: Vec<usize>,
}

impl Signs {
    /// `true` if a quantity with these parities changes its sign.
    fn turns(&self, parities: &[Ratio]) -> bool {
        let odd = |i: &&usize| parities.get(**i).is_some_and(|w| !w.is_zero());
        self.chosen.iter().filter(odd).count() % 2 == 1
    }

    /// The run with the signs changed.
    pub fn scenario(&self, run: &Scenario) -> Result<Scenario, MapError> {
        let Some(all) = &self.all else {
            return Ok(run.clone());
        };
        let turned = |name: &&String| {
            let parities = all.rule.weights.get(*name);
            parities.is_some_and(|parities| self.turns(parities))
        };
        let zero = |name: &String| (name.clone(), Ratio::zero());
        let (settings, tensors) = (&all.rule.hyperparameters, &all.rule.parameters);
        let powers = Powers {
            hyperparameters: settings.iter().filter(turned).map(zero).collect(),
            initial: tensors.iter().filter(turned).map(zero).collect(),
            negated: settings
                .iter()
                .chain(tensors)
                .filter(turned)
                .cloned()
                .collect(),
        };
        powers.apply(run, &Ratio::one())
    }

    /// Adapts a property to the changes of sign.
    pub fn adapt(&self, property: &mut Property) {
        let Some(all) = &self.all else { return };
        // An output that is neither even nor odd says nothing.
        property
            .conclusion
            .retain(|name| !matches!(all.rule.outputs.get(name), Some(None)));
        for name in &property.conclusion {
            let own = all.rule.weights.get(name);
            let parities = own.or_else(|| all.rule.outputs.get(name)?.as_ref());
            if parities.is_some_and(|parities| self.turns(parities)) {
                let factor = property
                    .factors
                    .entry(name.clone())
                    .or_insert_with(|| Exact(Surd::from(1)));
                if let Some(negative) = factor.0.checked_mul(&Surd::from(-1)) {
                    factor.0 = negative;
                }
            }
        }
        let conclusion = &property.conclusion;
        property.factors.retain(|name, _| conclusion.contains(name));
    }
}
