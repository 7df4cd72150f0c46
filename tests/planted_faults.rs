//! The default campaign finds every planted fault, and shrinks what it finds.
//!
//! `LORA_GAUGE_FAULT=name` looks for one fault only.

mod planted_claims;

use std::sync::{Mutex, MutexGuard, PoisonError};

use lora_gauge::fault::{Fault, OF_CLAIMS, plant};
use lora_gauge::search::{Campaign, Record, Selection};

/// The campaign that is to find them.
const CASES: u64 = 20_000;
const SEED: u64 = 1;

/// So many failing cases are shrunk at most until one becomes small: what a property is about may
/// need more than the fault does, such as the two ranks that it relabels.
const SHRUNK: usize = 8;

/// The right to plant faults, which stand in the whole process and so under one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static PLANTING: Mutex<()> = Mutex::new(());
    PLANTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of one fault.
struct Row {
    fault: Fault,
    /// So many cases until the first failure.
    needed: u64,
    /// The case that shrank to `shape`, counted from 1, and its property.
    shrunk: (u64, &'static str),
    shape: String,
    small: bool,
}

fn sought() -> Vec<Fault> {
    let only = std::env::var("LORA_GAUGE_FAULT").ok();
    let all = Fault::ALL
        .iter()
        .copied()
        .filter(|f| !OF_CLAIMS.contains(f));
    all.filter(|f| only.as_ref().is_none_or(|name| *name == f.name()))
        .collect()
}

fn hunt(plan: &Campaign, fault: Fault) -> Option<Row> {
    plant(Some(fault));
    let mut row: Option<Row> = None;
    let mut from = 0;
    for _ in 0..SHRUNK {
        if row.as_ref().is_some_and(|row| row.small) {
            break;
        }
        let Some(record) = plan.first_failure(from..CASES) else {
            break;
        };
        from = record.case + 1;
        let found = shrunk(plan, fault, &record);
        row = Some(match row {
            Some(first) if !found.small => first,
            Some(first) => Row {
                needed: first.needed,
                ..found
            },
            None => found,
        });
    }
    plant(None);
    for case in row.iter().flat_map(|row| [row.needed, row.shrunk.0]) {
        let without = plan.case(case - 1).verdict;
        assert!(!without.is_failed(), "case {case} fails without any fault");
    }
    row
}

fn shrunk(plan: &Campaign, fault: Fault, record: &Record) -> Row {
    let shrunk = plan.shrink(record.case).expect("what failed fails again");
    let run = &shrunk.test_case.scenario;
    let size = |name: &str| run.sizes.get(name).unwrap_or(1);
    let largest = run.sizes.iter().map(|(_, n)| n).max().unwrap_or(1);
    Row {
        fault,
        needed: record.case + 1,
        shrunk: (record.case + 1, record.property),
        shape: format!(
            "{} × {}, rank {}, batch {}, {} steps, {} {} {} in {}",
            size("n_out"),
            size("n_in"),
            size("r"),
            size("batch"),
            run.steps,
            run.recipe.model.name,
            run.recipe.loss.name,
            run.recipe.optimizer.name,
            shrunk.test_case.arithmetic,
        ),
        small: largest <= 2 && size("r") == 1 && run.steps <= 2,
    }
}

#[test]
fn every_planted_fault_is_found_and_shrunk() {
    let _planting = alone();
    let plan = Campaign::new(SEED, &Selection::default()).expect("a campaign");
    let sought = sought();
    let (mut missed, mut large) = (vec![], vec![]);
    for fault in &sought {
        let Some(row) = hunt(&plan, *fault) else {
            println!("{:<28} NOT FOUND: {}", fault.name(), fault.what());
            missed.push(fault.name());
            continue;
        };
        let (case, property) = row.shrunk;
        println!(
            "{:<28} after {:>5} cases; {property} (case {case}): {}",
            row.fault.name(),
            row.needed,
            row.shape
        );
        if !row.small {
            large.push(fault.name());
        }
    }
    let found = sought.len() - missed.len();
    println!("found {found} of {} planted faults", sought.len());
    assert!(missed.is_empty(), "not found: {missed:?}");
    assert!(large.is_empty(), "not shrunk: {large:?}");
}
