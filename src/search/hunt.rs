//! The hunt for a counterexample: small shapes first, shrunk by proptest.

use std::collections::BTreeMap;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sha2::{Digest, Sha256};

use super::case::{Case, Start, cases};
use super::judge::{Judged, judge};
use super::witness::{Finding, WitnessError};
use crate::arith::ArithmeticName;
use crate::scenario::{MapError, Property, Scenario};
use crate::zoo::{Recipe, RecipeError};

/// What to look for, and where.
pub struct Hunt<'a> {
    /// What is said of every pair of runs.
    pub property: &'a Property,
    /// The left run's recipe.
    pub recipe: &'a Recipe,
    /// How the left run starts.
    pub start: &'a Start,
    /// The sizes that are given; the others are drawn.
    pub sizes: &'a BTreeMap<String, usize>,
    /// Whether copies of one hyperparameter share one value, as where PyTorch has one number.
    pub shared: bool,
    /// The right run of a left one; `None` where there is none.
    pub right_of: &'a dyn Fn(&Scenario, &Case) -> Option<Scenario>,
    /// Random cases for each size.
    pub cases: u32,
    /// The seed.
    pub seed: u64,
}

/// A counterexample.
#[derive(Debug, Clone)]
pub struct Found {
    /// The left run, shrunk.
    pub left: Scenario,
    /// The right run.
    pub right: Scenario,
    /// What contradicts the property.
    pub finding: Finding,
    /// The arithmetic in which it was found: exact, or an interval arithmetic.
    pub arithmetic: ArithmeticName,
}

/// What a hunt came to.
#[derive(Debug, Clone)]
pub struct Hunted {
    /// The counterexample.
    pub found: Option<Found>,
    /// Pairs on which the property was checked and held.
    pub held: u32,
    /// Other pairs: a premise failed, a run could not go on, or intervals overlap.
    pub undecided: u32,
}

/// Why a hunt could not start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HuntError {
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// proptest gave up: too few cases could be judged.
    #[error("too few cases could be judged: {0}")]
    GaveUp(String),
    /// A property cannot be read.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// A rule asks for a power that cannot be formed.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// The sizes that are tried, smallest first: the largest dimension and the number of steps.
const TIERS: [(usize, usize); 3] = [(1, 2), (2, 2), (3, 3)];

/// Looks for a pair of runs that contradicts the property: in exact arithmetic, and in intervals
/// where that has no answer.
///
/// # Errors
/// [`HuntError`] when the recipe or the property is ill-formed.
pub fn hunt(hunt: &Hunt<'_>) -> Result<Hunted, HuntError> {
    let step = hunt.recipe.build()?;
    let mut hunted = Hunted {
        found: None,
        held: 0,
        undecided: 0,
    };
    for (tier, (size, steps)) in TIERS.into_iter().enumerate() {
        let mut key = [0u8; 32];
        key.copy_from_slice(&Sha256::digest(
            [hunt.seed.to_le_bytes(), (tier as u64).to_le_bytes()].concat(),
        ));
        let config = Config {
            cases: hunt.cases,
            max_shrink_iters: 20_000,
            max_global_rejects: hunt.cases.saturating_mul(20),
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner =
            TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key));
        let counts = std::cell::Cell::new((0u32, 0u32));
        let ill_formed = std::cell::RefCell::new(None);
        let outcome = runner.run(&cases(size, steps), |case| {
            let left = case.scenario_with(hunt.recipe, &step, hunt.start, hunt.shared, hunt.sizes);
            let (held, undecided) = counts.get();
            match judge_case(hunt, &left, &case) {
                Ok((_, Judged::Holds { .. })) => counts.set((held + 1, undecided)),
                Ok((_, Judged::Found { .. })) => return Err(TestCaseError::fail("counterexample")),
                Ok(_) => counts.set((held, undecided + 1)),
                Err(error) => {
                    ill_formed.borrow_mut().get_or_insert(error);
                }
            }
            Ok(())
        });
        if let Some(error) = ill_formed.into_inner() {
            return Err(error.into());
        }
        let (held, undecided) = counts.get();
        hunted.held += held;
        hunted.undecided += undecided;
        match outcome {
            Ok(()) => {}
            Err(TestError::Abort(reason)) => return Err(HuntError::GaveUp(reason.to_string())),
            Err(TestError::Fail(_, case)) => {
                let left =
                    case.scenario_with(hunt.recipe, &step, hunt.start, hunt.shared, hunt.sizes);
                if let (
                    Some(right),
                    Judged::Found {
                        finding,
                        arithmetic,
                    },
                ) = judge_case(hunt, &left, &case)?
                {
                    hunted.found = Some(Found {
                        left,
                        right,
                        finding,
                        arithmetic,
                    });
                }
                return Ok(hunted);
            }
        }
    }
    Ok(hunted)
}

/// The right run, if there is one, and what the two come to.
fn judge_case(
    hunt: &Hunt<'_>,
    left: &Scenario,
    case: &Case,
) -> Result<(Option<Scenario>, Judged), WitnessError> {
    let Some(right) = (hunt.right_of)(left, case) else {
        return Ok((None, Judged::Nothing("there is no right run".into())));
    };
    let judged = judge(hunt.property, left, &right, case.steps)?;
    Ok((Some(right), judged))
}
