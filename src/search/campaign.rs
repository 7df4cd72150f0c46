//! A campaign: from a seed and a number to a case, and what it comes to.
//!
//! Case i is a pure function of the seed and i, given the selection: its property is the next one
//! in turn, everything else is drawn. Nothing is shared between cases, so they can be judged in
//! any order, on any number of threads or machines.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::strategy::ValueTree;
use rayon::prelude::*;

use super::coverage::{Coverage, regime};
use super::draw::{Choices, Domain, tree};
use super::properties::{HuntedProperty, Selection, SelectionError};
use super::result::TestResult;
use super::test_case::TestCase;
use super::totals::Totals;
use super::witness::Selected;
use crate::zoo::Recipe;

/// The record of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number.
    pub case: u64,
    /// The name of its property.
    pub property: &'static str,
    /// Its result.
    pub verdict: TestResult,
    /// Its coverage.
    pub coverage: Coverage,
}

/// A campaign: a seed, and the domain from which each property draws.
#[derive(Debug)]
pub struct Campaign {
    seed: u64,
    selected: Selected,
    domains: Vec<(&'static HuntedProperty, Domain)>,
}

impl Campaign {
    /// A campaign on what is selected.
    ///
    /// # Errors
    /// [`SelectionError`] where the selection leaves nothing to do.
    pub fn new(seed: u64, selection: &Selection) -> Result<Self, SelectionError> {
        Ok(Self {
            seed,
            selected: Selected::of(selection),
            domains: selection.domains()?,
        })
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The names of the properties that are looked at, in turn.
    pub fn properties(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.domains.iter().map(|(property, _)| property.name)
    }

    /// Judges one case.
    pub fn case(&self, case: u64) -> Record {
        let (property, domain) = self.domain(case);
        let choices = self.choices(case);
        let test_case =
            choices.and_then(|choices| domain.test_case(&choices).map_err(|e| e.to_string()));
        let (verdict, coverage) = match test_case {
            Ok(test_case) => (judge(property, &test_case), Coverage::of(&test_case)),
            Err(why) => (
                TestResult::Undecided(format!("the case cannot be drawn: {why}")),
                Coverage::default(),
            ),
        };
        Record {
            case,
            property: property.name,
            verdict,
            coverage,
        }
    }

    /// Judges cases on all threads of the current pool; by number.
    pub fn records(&self, cases: Range<u64>) -> Vec<Record> {
        let cases: Vec<u64> = cases.collect();
        cases.into_par_iter().map(|case| self.case(case)).collect()
    }

    /// The first of these cases that fails, and how many were drawn up to it and with it.
    pub fn first_failure(&self, cases: Range<u64>) -> Option<Record> {
        const TOGETHER: u64 = 64;
        let mut from = cases.start;
        while from < cases.end {
            let to = cases.end.min(from + TOGETHER);
            let records = self.records(from..to);
            let mut failing = records.into_iter().filter(|r| r.verdict.is_failed());
            if let Some(first) = failing.next() {
                return Some(first);
            }
            from = to;
        }
        None
    }

    /// Totals of no case, in which everything is named that could be exercised.
    pub fn nothing_yet(&self) -> Totals {
        let mut totals = Totals::default();
        let coverage = &mut totals.coverage;
        for (property, domain) in &self.domains {
            totals
                .properties
                .entry(property.name.to_owned())
                .or_default();
            for optimizer in &domain.optimizers {
                coverage.anticipate(|c| &mut c.optimizers, optimizer.name);
                let recipe = Recipe::linear(optimizer);
                for own in optimizer.regimes {
                    for holds in [true, false] {
                        let name = regime(&recipe, own.name, holds);
                        coverage.anticipate(|c| &mut c.regimes, &name);
                    }
                }
            }
            for loss in &domain.losses {
                coverage.anticipate(|c| &mut c.losses, loss.name);
            }
            for model in &domain.models {
                coverage.anticipate(|c| &mut c.models, model.name);
            }
            for arithmetic in &domain.arithmetics {
                coverage.anticipate(|c| &mut c.arithmetics, &arithmetic.to_string());
            }
            for clip in domain.clips.iter().flatten() {
                let name = format!("clipping {}", clip.name());
                coverage.anticipate(|c| &mut c.around, &name);
            }
            for schedule in domain.schedules.iter().flatten() {
                let name = format!("schedule {}", schedule.name());
                coverage.anticipate(|c| &mut c.around, &name);
            }
        }
        totals
    }

    /// The property of a case and what it draws from.
    pub(super) fn domain(&self, case: u64) -> (&'static HuntedProperty, &Domain) {
        // A selection has at least one property.
        let number = case as usize % self.domains.len().max(1);
        let (property, domain) = &self.domains[number];
        (property, domain)
    }

    /// The bases of passed cases of a property besides those that every property may have.
    pub(super) fn evidence_of(&self, property: &str) -> &'static [&'static str] {
        let mut domains = self.domains.iter();
        let own = domains.find(|(own, _)| own.name == property);
        own.map_or(&[], |(own, _)| own.evidence)
    }

    /// The restriction of the campaign.
    pub(super) fn selected(&self) -> &Selected {
        &self.selected
    }

    /// The choices of a case.
    pub(super) fn choices(&self, case: u64) -> Result<Choices, String> {
        self.tree(&[case]).map(|tree| tree.current())
    }

    /// The choices that belong to these numbers, the first of which is a case, and can be shrunk.
    pub(super) fn tree(
        &self,
        numbers: &[u64],
    ) -> Result<impl ValueTree<Value = Choices> + use<>, String> {
        tree(&[&[self.seed], numbers].concat())
    }
}

/// The answer of a property to a case. A panic is a contradiction like any other: nothing in the
/// library may give up.
pub(super) fn judge(property: &HuntedProperty, test_case: &TestCase) -> TestResult {
    match catch_unwind(AssertUnwindSafe(|| property.judge(test_case))) {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => TestResult::Undecided(format!("the case cannot be set up: {error}")),
        Err(_) => TestResult::contradicts("the program gives up with a panic"),
    }
}
