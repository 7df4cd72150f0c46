//! Whether totals that were read from a file can be those of a chunk of this campaign.
//!
//! Which case puts which property to the test follows from its number, so most counts are known
//! beforehand. Names come from the tables; the others, reasons and decisions, are free text.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;

use super::coverage::{Counts, Coverage};
use super::parts::chunk;
use super::plan::Plan;
use super::totals::{KEPT_FAILURES, Tally, Totals};
use super::verdict::Evidence;
use crate::arith::ArithmeticName;
use crate::zoo::Reduction;

/// The longest free text.
const LONGEST: usize = 4000;
/// More decisions do not change in one case.
const KINKS: u64 = 1_000_000;

/// Totals that no chunk of the campaign has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: found {found}, expected {expected}")]
pub struct NotOfChunk {
    /// The field's path.
    pub field: String,
    /// What it holds.
    pub found: String,
    /// What a chunk may hold there.
    pub expected: String,
}

/// What is known of a campaign's chunks beforehand.
#[derive(Debug)]
pub struct Expected<'a> {
    plan: &'a Plan,
    cases: u64,
    names: Coverage,
}

fn unless(
    holds: bool,
    field: &str,
    found: impl Display,
    expected: impl Display,
) -> Result<(), NotOfChunk> {
    match holds {
        true => Ok(()),
        false => Err(NotOfChunk {
            field: field.to_owned(),
            found: found.to_string(),
            expected: expected.to_string(),
        }),
    }
}

impl Plan {
    /// What is known of the chunks of a campaign of so many cases.
    pub fn expected(&self, cases: u64) -> Expected<'_> {
        let mut names = self.nothing_yet().coverage;
        for reduction in [Reduction::Mean, Reduction::Sum] {
            let name = format!("reduction {}", reduction.name());
            names.anticipate(|c| &mut c.around, &name);
        }
        for name in ["gradient accumulation", "LoRA+"] {
            names.anticipate(|c| &mut c.around, name);
        }
        Expected {
            plan: self,
            cases,
            names,
        }
    }
}

impl Expected<'_> {
    /// Refuses totals that the chunk with this number cannot have.
    ///
    /// # Errors
    /// [`NotOfChunk`] names the field.
    pub fn check(&self, number: u64, totals: &Totals) -> Result<(), NotOfChunk> {
        let range = chunk(number, self.cases);
        let length = range.end - range.start;
        unless(length > 0, "chunk", number, "a chunk of the campaign")?;
        unless(totals.cases == length, "cases", totals.cases, length)?;
        let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
        for case in range.clone() {
            *numbers.entry(self.plan.menu(case).0.name).or_insert(0) += 1;
        }
        for (name, count) in &numbers {
            let field = format!("properties.{name}");
            let tally = totals.properties.get(*name);
            let Some(tally) = tally else {
                return unless(false, &field, "nothing", format!("{count} cases"));
            };
            self.check_tally(&field, name, tally, *count, &range)?;
        }
        let mut names = totals.properties.keys();
        if let Some(name) = names.find(|name| !numbers.contains_key(name.as_str())) {
            let of_chunk: Vec<&str> = numbers.into_keys().collect();
            return unless(
                false,
                "properties",
                format!("`{name}`"),
                of_chunk.join(", "),
            );
        }
        self.check_coverage(&totals.coverage, length)
    }

    fn check_tally(
        &self,
        field: &str,
        name: &str,
        tally: &Tally,
        count: u64,
        range: &Range<u64>,
    ) -> Result<(), NotOfChunk> {
        let at = |part: &str| format!("{field}.{part}");
        let of_property = |case: u64| range.contains(&case) && self.plan.menu(case).0.name == name;
        let sum = sum([tally.passed, tally.failed, tally.undecided]);
        unless(
            sum == Some(count),
            field,
            show(sum),
            format!("{count} cases"),
        )?;
        let own = self.plan.evidence_of(name).iter().copied();
        let known: Vec<&str> = Evidence::ALL
            .map(Evidence::name)
            .into_iter()
            .chain(own)
            .collect();
        for evidence in tally.evidence.keys() {
            let expected = format!("one of {}", known.join(", "));
            let holds = known.contains(&evidence.as_str());
            unless(holds, &at("evidence"), format!("`{evidence}`"), expected)?;
        }
        let found = sum_of(tally.evidence.values());
        unless(
            found == Some(tally.passed),
            &at("evidence"),
            show(found),
            tally.passed,
        )?;
        let found = sum_of(tally.reasons.values().map(|reason| &reason.cases));
        let undecided = tally.undecided;
        unless(
            found == Some(undecided),
            &at("reasons"),
            show(found),
            undecided,
        )?;
        for (why, reason) in &tally.reasons {
            free_text(&at("reasons"), why)?;
            unless(reason.cases > 0, &at("reasons"), 0, "at least 1 case")?;
            let holds = of_property(reason.first);
            unless(
                holds,
                &at("reasons"),
                format!("case {}", reason.first),
                "a case of the chunk",
            )?;
        }
        let (kept, most) = (tally.failures.len(), KEPT_FAILURES as u64);
        let expected = tally.failed.min(most);
        unless(kept as u64 == expected, &at("failures"), kept, expected)?;
        let sorted = tally.failures.windows(2).all(|pair| pair[0] < pair[1]);
        unless(
            sorted,
            &at("failures"),
            "cases out of order",
            "the first by number",
        )?;
        for case in &tally.failures {
            let holds = of_property(*case);
            unless(
                holds,
                &at("failures"),
                format!("case {case}"),
                "a case of the chunk",
            )?;
        }
        Ok(())
    }

    fn check_coverage(&self, coverage: &Coverage, cases: u64) -> Result<(), NotOfChunk> {
        let (own, known) = (coverage, &self.names);
        for (field, counts, known) in [
            ("optimizers", &own.optimizers, &known.optimizers),
            ("losses", &own.losses, &known.losses),
            ("models", &own.models, &known.models),
            ("around", &own.around, &known.around),
            ("regimes", &own.regimes, &known.regimes),
        ] {
            for name in counts.keys() {
                let holds = known.contains_key(name);
                unless(
                    holds,
                    &format!("coverage.{field}"),
                    format!("`{name}`"),
                    "a name that there is",
                )?;
            }
        }
        for name in own.arithmetics.keys() {
            let holds = name.parse::<ArithmeticName>().is_ok();
            unless(
                holds,
                "coverage.arithmetics",
                format!("`{name}`"),
                "an arithmetic",
            )?;
        }
        for name in own.shapes.keys() {
            free_text("coverage.shapes", name)?;
        }
        for (optimizer, decisions) in &own.branches {
            let holds = known.optimizers.contains_key(optimizer);
            unless(
                holds,
                "coverage.branches",
                format!("`{optimizer}`"),
                "an optimizer",
            )?;
            for (decision, branches) in decisions {
                free_text("coverage.branches", decision)?;
                for name in branches.keys() {
                    free_text("coverage.branches", name)?;
                }
            }
        }
        let once = [&own.optimizers, &own.losses, &own.models, &own.arithmetics];
        for counts in once {
            let found = sum_of(counts.values());
            let holds = found.is_some_and(|n| n <= cases);
            unless(
                holds,
                "coverage",
                show(found),
                format!("at most {cases} cases"),
            )?;
        }
        let branches = own.branches.values().flat_map(BTreeMap::values);
        let several = [&own.around, &own.regimes, &own.shapes];
        for counts in several.into_iter().chain(branches) {
            most(counts, cases)?;
        }
        let kinks = own.kinks_crossed;
        let limit = cases * KINKS;
        unless(
            kinks <= limit,
            "coverage.kinks_crossed",
            kinks,
            format!("at most {limit}"),
        )
    }
}

fn most(counts: &Counts, cases: u64) -> Result<(), NotOfChunk> {
    match counts.iter().find(|(_, n)| **n > cases) {
        Some((name, n)) => {
            let (found, expected) = (format!("{n} of `{name}`"), format!("at most {cases}"));
            unless(false, "coverage", found, expected)
        }
        None => Ok(()),
    }
}

fn free_text(field: &str, text: &str) -> Result<(), NotOfChunk> {
    let length = text.len();
    let expected = format!("at most {LONGEST}");
    unless(
        length <= LONGEST,
        field,
        format!("{length} bytes of text"),
        expected,
    )
}

fn sum(numbers: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut numbers = numbers.into_iter();
    numbers.try_fold(0u64, |sum, n| sum.checked_add(n))
}

fn sum_of<'a>(numbers: impl IntoIterator<Item = &'a u64>) -> Option<u64> {
    sum(numbers.into_iter().copied())
}

fn show(sum: Option<u64>) -> String {
    sum.map_or("more than can be counted".to_owned(), |n| n.to_string())
}
