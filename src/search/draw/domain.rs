//! What a property draws from.

use num_traits::One;

use super::choices::{Choices, at, of};
use super::{recipe, values};
use crate::arith::{ArithmeticName, Ratio};
use crate::bound::Rescaling;
use crate::gauge::{Options, Rule, infer, rotations};
use crate::graph::StepGraph;
use crate::scenario::{Scenario, Split};
use crate::search::TestCase;
use crate::search::ends::end_of;
use crate::search::judge::is_rational_function;
use crate::search::result::SearchError;
use crate::zoo::losses::LOSSES;
use crate::zoo::optimizers::{OPTIMIZERS, Optimizer};
use crate::zoo::{Clip, Loss, Model, Recipe, Schedule};

/// The factors with which a map is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Factors {
    /// Powers of 4 and of 2, rationals, numbers near 1 and huge ones.
    Any,
    /// Squares of moderate size that are no powers of two, so that rounding shows.
    #[cfg_attr(not(feature = "mp"), allow(dead_code))]
    Rounding,
}

/// The domain from which a property draws; of every list the simplest entry stands first.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    pub optimizers: Vec<&'static Optimizer>,
    pub models: Vec<&'static Model>,
    pub losses: Vec<&'static Loss>,
    pub clips: Vec<Option<Clip>>,
    pub schedules: Vec<Option<Schedule>>,
    pub arithmetics: Vec<ArithmeticName>,
    pub factors: Factors,
    /// The largest dimension.
    pub size: usize,
    /// The largest number of steps.
    pub steps: usize,
    /// The rank is at least this.
    pub rank: usize,
    /// The binary exponents of tiny and of huge entries.
    pub exponent: i32,
    /// `true` if signs may change.
    pub signs: bool,
    /// `true` if zeros, ties and terms that guard against them are left to chance: tensors with
    /// many digits only, no decimal fractions as settings, and every small floor is there.
    pub well_conditioned: bool,
    /// The fitness of a case; terms and switches that are in the way are left out.
    pub fit: Fit,
    /// The change that is made to a drawn run at last.
    pub arrange: Option<Arrange>,
}

/// Changes the values of a run with this step, guided by a property's free choices.
pub(crate) type Arrange = fn(&mut Scenario, &StepGraph, &[u32]);

/// The use for which the cases of a property must be fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Nothing in particular.
    Any,
    /// A rule that moves trained tensors.
    Moves,
    /// A rule that admits a split of k between the factors.
    Splits,
    /// A rule that moves trained tensors, and a first step that exact arithmetic takes.
    Exact,
}

impl Domain {
    /// `true` if there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.optimizers.is_empty()
            || self.models.is_empty()
            || self.losses.is_empty()
            || self.arithmetics.is_empty()
    }

    /// The case that the choices stand for.
    pub(in crate::search) fn test_case(&self, choices: &Choices) -> Result<TestCase, SearchError> {
        let drawn = recipe::recipe(self, choices)?;
        let mut last = None;
        for recipe in recipe::simpler(self, drawn) {
            let test_case = self.with_recipe(choices, recipe)?;
            if self.fit.holds(&test_case)? {
                return Ok(test_case);
            }
            last.get_or_insert(test_case);
        }
        match last {
            Some(test_case) => Ok(test_case),
            None => self.with_recipe(choices, recipe::recipe(self, choices)?),
        }
    }

    fn with_recipe(&self, choices: &Choices, recipe: Recipe) -> Result<TestCase, SearchError> {
        let step = recipe.build()?;
        let sizes = values::sizes(self, choices, &recipe, &step);
        let mut scenario = Scenario {
            name: "drawn".to_owned(),
            values: values::values(self, choices, &recipe, &step, &sizes),
            recipe,
            sizes,
            steps: 1 + choices.steps % self.steps.max(1),
        };
        if let Some(arrange) = self.arrange {
            arrange(&mut scenario, &step, &choices.parameters);
        }
        let factors = |numbers: &[usize]| numbers.iter().map(|n| self.factor(*n)).collect();
        let arithmetic = of(&self.arithmetics, choices.arithmetic).copied();
        let arithmetic = match arithmetic.unwrap_or(ArithmeticName::F64) {
            // Where residues do not do, rationals do.
            ArithmeticName::Prime if cfg!(feature = "mp") && !is_rational_function(&step) => {
                ArithmeticName::Rational
            }
            other => other,
        };
        Ok(TestCase {
            scenario,
            arithmetic,
            factors: factors(&choices.factors),
            second: factors(&choices.second),
            flips: match self.signs {
                true => choices.flips.clone(),
                false => vec![],
            },
            parameters: choices.parameters.clone(),
        })
    }

    fn factor(&self, number: usize) -> Ratio {
        const ANY: [(i64, i64); 16] = [
            (4, 1),
            (1, 4),
            (2, 1),
            (1, 2),
            (16, 1),
            (3, 1),
            (1, 9),
            (9, 4),
            (7, 5),
            (25, 49),
            (1025, 1024),
            (1023, 1024),
            (10, 1),
            (1_000_000_007, 1),
            (1, 1 << 40),
            (1, 1),
        ];
        const ROUNDING: [(i64, i64); 8] = [
            (9, 1),
            (1, 9),
            (49, 25),
            (25, 49),
            (100, 1),
            (1_050_625, 1_048_576),
            (9, 16),
            (4, 1),
        ];
        let (num, den) = match self.factors {
            Factors::Any => at(&ANY, number),
            Factors::Rounding => at(&ROUNDING, number),
        };
        Ratio::new(num.into(), den.max(1).into())
    }
}

impl Fit {
    fn holds(self, test_case: &TestCase) -> Result<bool, SearchError> {
        if self == Self::Any {
            return Ok(true);
        }
        let step = test_case.scenario.recipe.build()?;
        let rule = infer(&step, &Options::default()).rule;
        if rule.independent_parameters() == 0 {
            return Ok(false);
        }
        match self {
            Self::Splits => Ok(splits(test_case.scenario.recipe.model, &rule)),
            Self::Exact => takes_a_step(test_case, &step),
            Self::Any | Self::Moves => Ok(true),
        }
    }
}

/// `true` if the rule admits that both factors of each pair are divided by one number.
pub(in crate::search) fn splits(model: &Model, rule: &Rule) -> bool {
    Rescaling::of_split(rule, model, Split::Sqrt, &Ratio::one()).is_ok()
}

/// `true` if an exact arithmetic takes the first step, or certainly none can.
fn takes_a_step(test_case: &TestCase, step: &StepGraph) -> Result<bool, SearchError> {
    if !cfg!(feature = "mp") {
        return Ok(is_rational_function(step));
    }
    let end = end_of(ArithmeticName::Rational, &test_case.scenario, 1)?;
    Ok(end.is_none_or(|end| end.error.is_undefined()))
}

/// `true` if something is known of mixed ranks of a model.
pub(in crate::search) fn has_ranks(model: &'static Model) -> bool {
    let step = Recipe::of(model, &LOSSES[0], &OPTIMIZERS[0]).build();
    step.is_ok_and(|step| rotations(&step).is_some())
}
