//! The hunt for a counterexample: small shapes first, shrunk by proptest.

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sha2::{Digest, Sha256};

use super::case::{Case, Start, cases};
use super::witness::{Finding, WitnessError, check_in, exact_arithmetic};
use crate::scenario::{CheckError, Property, Scenario};
use crate::zoo::{Recipe, RecipeError};

/// What to look for, and where.
pub struct Hunt<'a> {
    /// What is said of every pair of runs.
    pub property: &'a Property,
    /// The left run's recipe.
    pub recipe: &'a Recipe,
    /// How the left run starts.
    pub start: &'a Start,
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
}

/// What a hunt came to.
#[derive(Debug, Clone)]
pub struct Hunted {
    /// The counterexample.
    pub found: Option<Found>,
    /// Pairs on which the property was checked and held.
    pub held: u32,
    /// Pairs that could not be judged: a premise failed, or a run could not go on.
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
}

/// The sizes that are tried, smallest first: the largest dimension and the number of steps.
const TIERS: [(usize, usize); 3] = [(1, 2), (2, 2), (3, 3)];

/// Looks for a pair of runs that contradicts the property, in exact arithmetic.
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
            let left = case.scenario(hunt.recipe, &step, hunt.start, hunt.shared);
            let (held, undecided) = counts.get();
            match judge(hunt, &left, &case) {
                Ok(Judged::Holds) => counts.set((held + 1, undecided)),
                Ok(Judged::Undecided) => counts.set((held, undecided + 1)),
                Ok(Judged::Found(_)) => return Err(TestCaseError::fail("counterexample")),
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
                let left = case.scenario(hunt.recipe, &step, hunt.start, hunt.shared);
                if let Judged::Found(found) = judge(hunt, &left, &case)? {
                    hunted.found = Some(*found);
                }
                return Ok(hunted);
            }
        }
    }
    Ok(hunted)
}

enum Judged {
    Holds,
    Undecided,
    Found(Box<Found>),
}

fn judge(hunt: &Hunt<'_>, left: &Scenario, case: &Case) -> Result<Judged, WitnessError> {
    let Some(right) = (hunt.right_of)(left, case) else {
        return Ok(Judged::Undecided);
    };
    let checked = check_in(exact_arithmetic(), hunt.property, left, &right, case.steps);
    let outcome = match checked {
        Ok(outcome) => outcome,
        // A run without an answer (a root that is not rational) says nothing either way.
        Err(WitnessError::Check(CheckError::Run(_))) => return Ok(Judged::Undecided),
        Err(error) => return Err(error),
    };
    Ok(match Finding::of(&outcome) {
        Some(finding) => Judged::Found(Box::new(Found {
            left: left.clone(),
            right,
            finding,
        })),
        None if matches!(outcome, crate::scenario::Outcome::Holds { .. }) => Judged::Holds,
        None => Judged::Undecided,
    })
}
