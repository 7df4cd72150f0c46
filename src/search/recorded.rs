//! Whether totals that were read from a file can be those of a chunk of this campaign.
//!
//! Which case puts which property to the test follows from its number, so most counts are known
//! beforehand. Names come from the tables; the others, reasons and decisions, are free text.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;

use super::campaign::Campaign;
use super::coverage::Coverage;
use super::result::Basis;
use super::shards::chunk;
use super::totals::{KEPT_FAILURES, Tally, Totals};
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
    /// The value in it.
    pub found: String,
    /// The value that a chunk may hold there.
    pub expected: String,
}

/// The facts about a campaign's chunks that are known beforehand.
#[derive(Debug)]
pub struct Expected<'a> {
    campaign: &'a Campaign,
    cases: u64,
    names: Coverage,
}

/// A field that is looked at.
struct At<'a>(&'a str);

impl At<'_> {
    fn refuse(&self, found: impl Display, expected: impl Display) -> Result<(), NotOfChunk> {
        Err(NotOfChunk {
            field: self.0.to_owned(),
            found: found.to_string(),
            expected: expected.to_string(),
        })
    }

    /// Refuses another number; `None` is more than can be counted.
    fn is(
        &self,
        found: impl Into<Option<u64>>,
        expected: u64,
        unit: &str,
    ) -> Result<(), NotOfChunk> {
        match found.into() {
            Some(found) if found == expected => Ok(()),
            found => self.refuse(show(found), format!("{expected}{unit}")),
        }
    }

    /// Refuses a larger number, likewise.
    fn at_most(&self, found: Option<u64>, most: u64, of: &str) -> Result<(), NotOfChunk> {
        match found {
            Some(found) if found <= most => Ok(()),
            found => self.refuse(format!("{}{of}", show(found)), format!("at most {most}")),
        }
    }

    fn one_of<'n>(
        &self,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
        expected: &str,
    ) -> Result<(), NotOfChunk> {
        match known.into_iter().any(|known| known == name) {
            true => Ok(()),
            false => self.refuse(format!("`{name}`"), expected),
        }
    }

    fn free_text(&self, text: &str) -> Result<(), NotOfChunk> {
        let (length, most) = (text.len(), LONGEST);
        match length <= most {
            true => Ok(()),
            false => self.refuse(format!("{length} bytes of text"), format!("at most {most}")),
        }
    }
}

impl Campaign {
    /// The facts about the chunks of a campaign of so many cases.
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
            campaign: self,
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
        if range.is_empty() {
            return At("chunk").refuse(number, "a chunk of the campaign");
        }
        let length = range.end - range.start;
        At("cases").is(totals.cases, length, "")?;
        let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
        for case in range.clone() {
            *numbers
                .entry(self.campaign.domain(case).0.name)
                .or_insert(0) += 1;
        }
        for (name, count) in &numbers {
            let field = format!("properties.{name}");
            match totals.properties.get(*name) {
                Some(tally) => self.check_tally(&field, name, tally, *count, &range)?,
                None => return At(&field).refuse("nothing", format!("{count} cases")),
            }
        }
        let expected = Vec::from_iter(numbers.keys().copied()).join(", ");
        for name in totals.properties.keys() {
            At("properties").one_of(name, numbers.keys().copied(), &expected)?;
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
        let [evidence, reasons, failures] =
            ["evidence", "reasons", "failures"].map(|part| format!("{field}.{part}"));
        let [evidence, reasons, failures] = [At(&evidence), At(&reasons), At(&failures)];
        let of_property = |at: &At<'_>, case: u64| match range.contains(&case)
            && self.campaign.domain(case).0.name == name
        {
            true => Ok(()),
            false => at.refuse(format!("case {case}"), "a case of the chunk"),
        };
        let all = sum(&[tally.passed, tally.failed, tally.undecided]);
        At(field).is(all, count, " cases")?;
        let own = self.campaign.evidence_of(name).iter().copied();
        let known: Vec<&str> = Basis::ALL.map(Basis::name).into_iter().chain(own).collect();
        let expected = format!("one of {}", known.join(", "));
        for name in tally.evidence.keys() {
            evidence.one_of(name, known.iter().copied(), &expected)?;
        }
        evidence.is(sum(tally.evidence.values()), tally.passed, "")?;
        let undecided = tally.reasons.values().map(|reason| &reason.cases);
        reasons.is(sum(undecided), tally.undecided, "")?;
        for (why, reason) in &tally.reasons {
            reasons.free_text(why)?;
            if reason.cases == 0 {
                return reasons.refuse(0, "at least 1 case");
            }
            of_property(&reasons, reason.first)?;
        }
        let kept = tally.failures.len() as u64;
        failures.is(kept, tally.failed.min(KEPT_FAILURES as u64), "")?;
        if !tally.failures.windows(2).all(|pair| pair[0] < pair[1]) {
            return failures.refuse("cases out of order", "the first by number");
        }
        let mut cases = tally.failures.iter();
        cases.try_for_each(|case| of_property(&failures, *case))
    }

    fn check_coverage(&self, own: &Coverage, cases: u64) -> Result<(), NotOfChunk> {
        let known = &self.names;
        for (field, counts, known) in [
            ("optimizers", &own.optimizers, &known.optimizers),
            ("losses", &own.losses, &known.losses),
            ("models", &own.models, &known.models),
            ("around", &own.around, &known.around),
            ("regimes", &own.regimes, &known.regimes),
        ] {
            let field = format!("coverage.{field}");
            for name in counts.keys() {
                let known = known.keys().map(String::as_str);
                At(&field).one_of(name, known, "a name that there is")?;
            }
        }
        for name in own.arithmetics.keys() {
            if name.parse::<ArithmeticName>().is_err() {
                return At("coverage.arithmetics").refuse(format!("`{name}`"), "an arithmetic");
            }
        }
        for name in own.shapes.keys() {
            At("coverage.shapes").free_text(name)?;
        }
        let at = At("coverage.branches");
        for (optimizer, decisions) in &own.branches {
            let optimizers = known.optimizers.keys().map(String::as_str);
            at.one_of(optimizer, optimizers, "an optimizer")?;
            for (decision, branches) in decisions {
                at.free_text(decision)?;
                branches.keys().try_for_each(|name| at.free_text(name))?;
            }
        }
        let at = At("coverage");
        for counts in [&own.optimizers, &own.losses, &own.models, &own.arithmetics] {
            at.at_most(sum(counts.values()), cases, "")?;
        }
        let branches = own.branches.values().flat_map(BTreeMap::values);
        let several = [&own.around, &own.regimes, &own.shapes];
        for (name, count) in several.into_iter().chain(branches).flatten() {
            at.at_most(Some(*count), cases, &format!(" of `{name}`"))?;
        }
        At("coverage.kinks_crossed").at_most(Some(own.kinks_crossed), cases * KINKS, "")
    }
}

fn sum<'a>(numbers: impl IntoIterator<Item = &'a u64>) -> Option<u64> {
    let mut numbers = numbers.into_iter();
    numbers.try_fold(0u64, |sum, n| sum.checked_add(*n))
}

fn show(sum: Option<u64>) -> String {
    sum.map_or("more than can be counted".to_owned(), |n| n.to_string())
}
