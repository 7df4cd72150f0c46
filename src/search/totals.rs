//! What many cases come to, in whatever order and company they were judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::campaign::Record;
use super::coverage::Coverage;
use super::result::TestResult;

/// Of the failing cases of a property so many are kept, the first by number; all are counted.
pub(super) const KEPT_FAILURES: usize = 3;

/// Cases that could not be decided for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Their number.
    pub cases: u64,
    /// The first by number.
    pub first: u64,
}

/// The results of the cases of one property.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// The number of cases that hold.
    pub passed: u64,
    /// The number of cases that are contradicted.
    pub failed: u64,
    /// The number of cases of which it cannot be told.
    pub undecided: u64,
    /// The number of passed cases by basis.
    pub evidence: BTreeMap<String, u64>,
    /// The reasons for which cases are undecided.
    pub reasons: BTreeMap<String, Reason>,
    /// The first failing cases by number, from which witnesses are shrunk.
    pub failures: Vec<u64>,
}

/// The results of many cases. Joining is commutative and associative, so that no order, number of
/// threads or cut into shards shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// The number of cases.
    pub cases: u64,
    /// By property.
    pub properties: BTreeMap<String, Tally>,
    /// Their coverage.
    pub coverage: Coverage,
}

impl Totals {
    /// The totals of these cases.
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut totals = Self::default();
        records.into_iter().for_each(|record| totals.add(record));
        totals
    }

    /// One more case.
    pub fn add(&mut self, record: Record) {
        self.cases += 1;
        let tally = self
            .properties
            .entry(record.property.to_owned())
            .or_default();
        match record.verdict {
            TestResult::Passed(evidence) => {
                tally.passed += 1;
                *tally
                    .evidence
                    .entry(evidence.name().to_owned())
                    .or_insert(0) += 1;
            }
            TestResult::Failed(_) => {
                tally.failed += 1;
                tally.failures.push(record.case);
                tally.keep_first();
            }
            TestResult::Undecided(why) => {
                tally.undecided += 1;
                let reason = Reason {
                    cases: 1,
                    first: record.case,
                };
                tally.give(why, reason);
            }
        }
        self.coverage.join(record.coverage);
    }

    /// The cases of both.
    pub fn join(&mut self, other: Self) {
        self.cases += other.cases;
        for (name, more) in other.properties {
            let tally = self.properties.entry(name).or_default();
            tally.passed += more.passed;
            tally.failed += more.failed;
            tally.undecided += more.undecided;
            for (evidence, n) in more.evidence {
                *tally.evidence.entry(evidence).or_insert(0) += n;
            }
            for (why, reason) in more.reasons {
                tally.give(why, reason);
            }
            tally.failures.extend(more.failures);
            tally.keep_first();
        }
        self.coverage.join(other.coverage);
    }

    /// The number of failing cases.
    pub fn failed(&self) -> u64 {
        self.properties.values().map(|t| t.failed).sum()
    }

    /// The number of undecided cases.
    pub fn undecided(&self) -> u64 {
        self.properties.values().map(|t| t.undecided).sum()
    }

    /// `true` if fewer than one case in twenty is undecided and every property passed once.
    pub fn is_conclusive(&self) -> bool {
        self.undecided() * 20 < self.cases && self.properties.values().all(|t| t.passed > 0)
    }

    /// Every kept failing case with its property, by number.
    pub fn failures(&self) -> Vec<(u64, &str)> {
        let mut all: Vec<(u64, &str)> = vec![];
        for (name, tally) in &self.properties {
            all.extend(tally.failures.iter().map(|case| (*case, name.as_str())));
        }
        all.sort_unstable();
        all
    }
}

impl Tally {
    fn keep_first(&mut self) {
        self.failures.sort_unstable();
        self.failures.truncate(KEPT_FAILURES);
    }

    fn give(&mut self, why: String, reason: Reason) {
        let own = self.reasons.entry(why).or_insert(Reason {
            cases: 0,
            first: reason.first,
        });
        own.cases += reason.cases;
        own.first = own.first.min(reason.first);
    }
}
