//! A campaign's result: table, JSON and witness files.

use std::path::{Path, PathBuf};

use crate::cli::console::STRONG;
use crate::cli::table::{figures, wrapped};
use crate::cli::{Console, Failure, Status, files};
use crate::search::{Campaign, Coverage, Parameters, Summary, Totals};

/// The places to which a result goes.
pub(super) struct Places<'a> {
    /// The folder for result and witnesses.
    pub out: Option<&'a Path>,
    /// The place for JSON: a file, or stdout.
    pub json: Option<&'a Option<PathBuf>>,
}

/// The folder of the witnesses within that of the result.
const WITNESSES: &str = "witnesses";

/// Shrinks what failed, writes and prints everything, and says how it ended.
pub(super) fn finish(
    campaign: &Campaign,
    parameters: &Parameters,
    totals: &Totals,
    places: &Places<'_>,
    console: &Console,
) -> Result<Status, Failure> {
    let witnesses = witnesses(campaign, totals, places.out, console)?;
    let summary = Summary::new(parameters, totals, witnesses);
    let mut text = serde_json::to_string_pretty(&summary)
        .map_err(|e| Failure::new(format!("the result has no JSON form: {e}")))?;
    text.push('\n');
    if let Some(out) = places.out {
        files::write(&out.join("search.json"), &text)?;
    }
    match places.json {
        Some(None) => console.print(&text)?,
        Some(Some(path)) => {
            files::write(path, &text)?;
            console.print(&table(totals, console.width()))?;
        }
        None => console.print(&table(totals, console.width()))?,
    }
    Ok(match (totals.failed(), totals.is_conclusive()) {
        (1.., _) => Status::Refuted,
        (0, true) => Status::Holds,
        (0, false) => Status::Unknown,
    })
}

/// Writes a witness for every failing case that is kept; their paths within the folder.
fn witnesses(
    campaign: &Campaign,
    totals: &Totals,
    out: Option<&Path>,
    console: &Console,
) -> Result<Vec<String>, Failure> {
    let mut written = vec![];
    let failures = totals.failures();
    // A count that was read from a file refutes nothing by itself.
    for (case, property) in &failures {
        if !campaign.case(*case).verdict.is_failed() {
            let message =
                format!("case {case} of {property} is recorded as failed, and does not fail");
            return Err(Failure::new(message).advise("begin anew in another folder"));
        }
    }
    let Some(out) = out else {
        if !failures.is_empty() {
            console.remark("--out DIR writes what failed, shrunk, as files for `replay`");
        }
        return Ok(written);
    };
    for (case, property) in failures {
        let name = format!("{WITNESSES}/{property}-{case}.json");
        let path = out.join(&name);
        // Shrinking takes a while, and the answer is always the same.
        if !path.exists() {
            let Some(witness) = campaign.witness(case) else {
                return Err(Failure::new(format!(
                    "case {case} failed and does not fail again: remove {} and report this",
                    out.display()
                )));
            };
            let text = witness.to_json();
            files::write(&path, &text.map_err(|e| Failure::new(e.to_string()))?)?;
        }
        console.remark(&format!("written: {}", path.display()));
        written.push(name);
    }
    Ok(written)
}

/// The result for a reader.
fn table(totals: &Totals, width: usize) -> String {
    let heads = ["property", "passed", "failed", "undecided"].map(str::to_owned);
    let longest = totals.properties.keys().map(String::len).max().unwrap_or(0);
    let rows: Vec<Vec<String>> = totals
        .properties
        .iter()
        .map(|(name, tally)| {
            let count = |n: u64| n.to_string();
            vec![
                format!("{name:<longest$}"),
                count(tally.passed),
                count(tally.failed),
                count(tally.undecided),
            ]
        })
        .collect();
    let mut text = figures(&heads, &rows);
    let (cases, undecided) = (totals.cases, totals.undecided());
    let share = 100.0 * undecided as f64 / cases.max(1) as f64;
    text += &format!(
        "\n{cases} cases, {} failed, {undecided} undecided ({share:.2} %)\n",
        totals.failed()
    );
    for (name, tally) in &totals.properties {
        if !tally.failures.is_empty() {
            let cases: Vec<String> = tally.failures.iter().map(ToString::to_string).collect();
            text += &format!(
                "{STRONG}failed{STRONG:#}     {name}: case {}\n",
                cases.join(", ")
            );
        }
        let mut reasons: Vec<_> = tally.reasons.iter().collect();
        reasons.sort_by_key(|(why, reason)| (std::cmp::Reverse(reason.cases), why.as_str()));
        for (why, reason) in reasons {
            let line = format!(
                "{}  {name}: {why} (first in case {})",
                reason.cases, reason.first
            );
            text += &format!("undecided  {}", wrapped(&line, width.saturating_sub(11)));
        }
    }
    text + &reached(&totals.coverage, width)
}

/// So much of what was never reached is listed; the rest stands in the JSON.
const LISTED: usize = 12;

fn reached(coverage: &Coverage, width: usize) -> String {
    let count = |counts: &crate::search::Counts| {
        let some = counts.values().filter(|n| **n > 0).count();
        format!("{some} of {}", counts.len())
    };
    let branches = coverage.branches.values().flat_map(|d| d.values());
    let all: Vec<u64> = branches.flat_map(|b| b.values().copied()).collect();
    let taken = all.iter().filter(|n| **n > 0).count();
    let mut text = wrapped(
        &format!(
            "reached    {} optimizers, {} losses, {} models, {} arithmetics; {taken} of {} branches of \
             decisions; {} kinks crossed",
            count(&coverage.optimizers),
            count(&coverage.losses),
            count(&coverage.models),
            count(&coverage.arithmetics),
            all.len(),
            coverage.kinks_crossed
        ),
        width,
    );
    let never = coverage.never_reached();
    for words in never.iter().take(LISTED) {
        text += &wrapped(&format!("never      {words}"), width);
    }
    if never.len() > LISTED {
        let more = never.len() - LISTED;
        text += &format!("never      and {more} more, which the JSON lists\n");
    }
    text
}
