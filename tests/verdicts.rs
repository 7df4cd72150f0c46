//! Claims of every kind are drawn, judged and tried by brute force on tiny runs.
//!
//! `LORA_GAUGE_CASES` multiplies the number of cases.

use std::collections::BTreeMap;

use lora_gauge::audit::{TrialOutcome, trial};
use rayon::prelude::*;

/// By kind and verdict: passed, failed, undecided.
type Counts = BTreeMap<(&'static str, String), [usize; 3]>;

#[test]
fn no_drawn_claim_gets_a_verdict_that_its_runs_contradict() {
    let times = std::env::var("LORA_GAUGE_CASES")
        .ok()
        .and_then(|n| n.parse::<u64>().ok());
    let seed = std::env::var("LORA_GAUGE_SEED")
        .ok()
        .and_then(|n| n.parse::<u64>().ok());
    let cases = 200 * times.unwrap_or(1);
    let trials: Vec<_> = (0..cases)
        .into_par_iter()
        .map(|case| (case, trial(seed.unwrap_or(1), case)))
        .collect();
    let mut counts = Counts::new();
    let mut reasons: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut failures = vec![];
    let mut micros: BTreeMap<&str, (usize, u128, u128)> = BTreeMap::new();
    for (case, trial) in trials {
        let verdict = trial.verdict.map_or("none".to_owned(), |v| v.to_string());
        let place = match &trial.outcome {
            TrialOutcome::Passed => 0,
            TrialOutcome::Failed(how) => {
                failures.push(format!("case {case}, {}: {how}", trial.kind));
                1
            }
            TrialOutcome::Undecided(why) => {
                let why: String = why.chars().take(110).collect();
                *reasons.entry((trial.kind, why)).or_default() += 1;
                2
            }
        };
        counts.entry((trial.kind, verdict)).or_default()[place] += 1;
        let own = micros.entry(trial.kind).or_default();
        *own = (own.0 + 1, own.1 + trial.micros.0, own.2 + trial.micros.1);
    }
    println!(
        "{:<14} {:<10} {:>7} {:>7} {:>9}",
        "kind", "verdict", "passed", "failed", "undecided"
    );
    for ((kind, verdict), [passed, failed, undecided]) in &counts {
        println!("{kind:<14} {verdict:<10} {passed:>7} {failed:>7} {undecided:>9}");
    }
    for (kind, (n, judges, runs)) in &micros {
        let n = (*n).max(1) as u128;
        println!(
            "{kind:<14} judges {:>7} µs, runs {:>7} µs",
            judges / n,
            runs / n
        );
    }
    for ((kind, why), n) in &reasons {
        println!("undecided {n:>4} {kind}: {why}");
    }
    for failure in &failures {
        println!("{failure}");
    }
    assert!(
        failures.is_empty(),
        "{} of {cases} cases fail",
        failures.len()
    );
}
