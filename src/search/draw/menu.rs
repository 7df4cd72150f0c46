//! What a property draws from.

use super::genes::{Genes, at, of};
use super::{recipe, values};
use crate::arith::{ArithmeticName, Ratio};
use crate::gauge::rotations;
use crate::scenario::Scenario;
use crate::search::Subject;
use crate::search::verdict::JudgeError;
use crate::zoo::optimizers::Optimizer;
use crate::zoo::{Clip, Loss, Model, Schedule};

/// Which factors a map is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::search) enum Factors {
    /// Powers of 4 and of 2, rationals, numbers near 1 and huge ones.
    Any,
    /// Squares of moderate size that are no powers of two, so that rounding shows.
    Rounding,
}

/// What a property draws from; of every list the simplest entry stands first.
#[derive(Debug, Clone)]
pub(in crate::search) struct Menu {
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
    pub reach: i32,
    /// Whether signs may change.
    pub signs: bool,
}

impl Menu {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.optimizers.is_empty()
            || self.models.is_empty()
            || self.losses.is_empty()
            || self.arithmetics.is_empty()
    }

    /// The case that the choices stand for.
    pub fn subject(&self, genes: &Genes) -> Result<Subject, JudgeError> {
        let recipe = recipe::recipe(self, genes)?;
        let step = recipe.build()?;
        let sizes = values::sizes(self, genes, &step);
        let scenario = Scenario {
            name: "drawn".to_owned(),
            values: values::values(self, genes, &recipe, &step, &sizes),
            recipe,
            sizes,
            steps: 1 + genes.steps % self.steps.max(1),
        };
        let factors = |numbers: &[usize]| numbers.iter().map(|n| self.factor(*n)).collect();
        let arithmetic = of(&self.arithmetics, genes.arithmetic);
        Ok(Subject {
            scenario,
            arithmetic: arithmetic.copied().unwrap_or(ArithmeticName::F64),
            factors: factors(&genes.factors),
            second: factors(&genes.second),
            flips: match self.signs {
                true => genes.flips.clone(),
                false => vec![],
            },
            picks: genes.picks.clone(),
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

/// Whether something is known of mixed ranks of a model.
pub(in crate::search) fn has_ranks(model: &Model) -> bool {
    let recipe = crate::zoo::Recipe::new(model.name, "mse", "sgd");
    let step = recipe.ok().and_then(|recipe| recipe.build().ok());
    step.is_some_and(|step| rotations(&step).is_some())
}
