//! The hunt for a counterexample: small shapes first, shrunk by proptest.

use std::cell::RefCell;

use proptest::test_runner::{Config, TestCaseError, TestError};

use super::draw::{Population, Sample, generator, samples_up_to};
use super::finding::Finding;
use super::judge::{Judged, judge};
use super::result::SearchError;
use crate::arith::ArithmeticName;
use crate::graph::StepGraph;
use crate::scenario::{Property, Scenario};

/// The property that is sought to be broken, and where.
pub struct Hunt<'a> {
    /// The statement about every pair of runs.
    pub property: &'a Property,
    /// The left runs.
    pub population: &'a Population,
    /// The right run of a left one; `None` where there is none.
    pub right_of: &'a dyn Fn(&Scenario, &Sample) -> Option<Scenario>,
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
    /// The contradiction.
    pub finding: Finding,
    /// The arithmetic in which it was found: exact, or an interval arithmetic.
    pub arithmetic: ArithmeticName,
}

/// The result of a hunt.
#[derive(Debug, Clone, Default)]
pub struct Hunted {
    /// The counterexample.
    pub found: Option<Found>,
    /// Pairs on which the property was checked and held.
    pub held: u32,
    /// Other pairs: a premise failed, a run could not go on, or intervals overlap.
    pub undecided: u32,
}

/// The sizes that are tried, smallest first: the largest dimension and the number of steps.
const TIERS: [(usize, usize); 3] = [(1, 2), (2, 2), (3, 3)];

/// Looks for a pair of runs that contradicts the property: in exact arithmetic, and in intervals
/// where that has no answer.
///
/// # Errors
/// [`SearchError`] when the recipe or the property is ill-formed, and [`SearchError::GaveUp`] where
/// too few cases can be judged.
pub fn hunt(hunt: &Hunt<'_>) -> Result<Hunted, SearchError> {
    let step = hunt.population.recipe.build()?;
    let mut hunted = Hunted::default();
    for (tier, (size, steps)) in (0u64..).zip(TIERS) {
        let config = Config {
            cases: hunt.cases,
            max_shrink_iters: 20_000,
            max_global_rejects: hunt.cases.saturating_mul(20),
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = generator(&[hunt.seed, tier], config);
        let (tally, ill_formed) = (RefCell::new(&mut hunted), RefCell::new(None));
        let outcome = runner.run(&samples_up_to(size, steps), |sample| {
            match hunt.judge(&step, &sample) {
                Ok((_, Judged::Found { .. })) => return Err(TestCaseError::fail("counterexample")),
                Ok((_, Judged::Holds { .. })) => tally.borrow_mut().held += 1,
                Ok(_) => tally.borrow_mut().undecided += 1,
                Err(error) => {
                    ill_formed.borrow_mut().get_or_insert(error);
                }
            }
            Ok(())
        });
        if let Some(error) = ill_formed.into_inner() {
            return Err(error);
        }
        match outcome {
            Ok(()) => {}
            Err(TestError::Abort(reason)) => return Err(SearchError::GaveUp(reason.to_string())),
            Err(TestError::Fail(_, sample)) => {
                hunted.found = hunt.found(&step, &sample)?;
                break;
            }
        }
    }
    Ok(hunted)
}

impl Hunt<'_> {
    /// The right run of a sample, if there is one, and what the two come to.
    fn judge(
        &self,
        step: &StepGraph,
        sample: &Sample,
    ) -> Result<(Option<[Scenario; 2]>, Judged), SearchError> {
        let left = self.population.run(step, sample);
        let Some(right) = (self.right_of)(&left, sample) else {
            return Ok((None, Judged::Nothing("there is no right run".to_owned())));
        };
        let judged = judge(self.property, &left, &right, left.steps)?;
        Ok((Some([left, right]), judged))
    }

    /// The counterexample for which a sample stands.
    fn found(&self, step: &StepGraph, sample: &Sample) -> Result<Option<Found>, SearchError> {
        Ok(match self.judge(step, sample)? {
            (
                Some([left, right]),
                Judged::Found {
                    finding,
                    arithmetic,
                },
            ) => Some(Found {
                left,
                right,
                finding,
                arithmetic,
            }),
            _ => None,
        })
    }
}
