//! Claims of every kind are drawn, judged and tried by brute force on tiny runs.
//!
//! `LORA_GAUGE_CASES` multiplies the number of cases, `LORA_GAUGE_SEED` draws others.

use std::collections::BTreeMap;

use lora_gauge::audit::VERDICTS_AGREE;
use lora_gauge::search::{Campaign, PropertyTable, Selection, TestResult, Totals};

use crate::common::cases::factor;

/// Cases of the everyday run.
const CASES: u64 = 150;
/// From so many cases on every kind is asked for in numbers.
const MANY: u64 = 5000;
/// Each kind then has so many cases, and so many with each verdict, that of the denied ones too.
const OF_EACH: (u64, u64) = (200, 50);

#[test]
fn no_drawn_claim_gets_a_verdict_that_its_runs_contradict() {
    let cases = CASES * factor();
    let selection = Selection {
        table: PropertyTable::default().with([&VERDICTS_AGREE]),
        properties: vec![&VERDICTS_AGREE],
        ..Selection::default()
    };
    let seed = std::env::var("LORA_GAUGE_SEED").ok();
    let seed = seed.map_or(1, |text| text.parse().expect("LORA_GAUGE_SEED is a number"));
    let plan = Campaign::new(seed, &selection).expect("something to draw");
    let records = plan.records(0..cases);
    let failure = |record: &&lora_gauge::search::Record| record.verdict.is_failed();
    let failures: Vec<String> = records
        .iter()
        .filter(failure)
        .map(|record| format!("case {}: {:?}", record.case, record.verdict))
        .collect();
    let passed = records
        .iter()
        .filter(|record| matches!(record.verdict, TestResult::Passed(_)))
        .count();
    let totals = Totals::of(records);
    let tally = &totals.properties[VERDICTS_AGREE.name];
    for (evidence, n) in &tally.evidence {
        println!("{n:>6} {evidence}");
    }
    for (why, reason) in &tally.reasons {
        println!("{:>6} undecided, as {}: {why}", reason.cases, reason.first);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(passed > 0);
    // Of few cases chance may leave more undecided.
    let share = if cases < MANY { 4 } else { 10 };
    assert!(
        tally.undecided * share < cases,
        "{} of {cases} are undecided",
        tally.undecided
    );
    if cases < MANY {
        return;
    }
    // By kind: all cases, and those with either verdict.
    let mut kinds: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for (evidence, n) in &tally.evidence {
        let Some((kind, verdict)) = evidence.split_once(' ') else {
            continue;
        };
        let of_kind = kinds.entry(kind).or_default();
        of_kind.0 += n;
        match verdict {
            "refuted" => of_kind.2 += n,
            "proved" | "proved-if" => of_kind.1 += n,
            _ => of_kind.0 -= n,
        }
    }
    for (kind, (all, proved, refuted)) in kinds {
        if kind != "a" {
            let enough = all >= OF_EACH.0 && proved >= OF_EACH.1 && refuted >= OF_EACH.1;
            assert!(enough, "{kind}: {all} cases, {proved} and {refuted}");
        }
    }
}
