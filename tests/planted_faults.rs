//! The default campaign finds every planted fault, and shrinks what it finds.
//!
//! `LORA_GAUGE_FAULT=name` looks for one fault only.
#![cfg(all(feature = "planted-faults", feature = "mp"))]

use lora_gauge::fault::{Fault, plant};
use lora_gauge::search::{Plan, Selection};

/// The campaign that is to find them.
const CASES: u64 = 20_000;
const SEED: u64 = 1;

/// Faults that one entry, rank 1 or two steps cannot show, and why.
const NEEDS_MORE: &[(Fault, &str)] = &[];

/// What became of one fault.
struct Row {
    fault: Fault,
    property: &'static str,
    needed: u64,
    shape: String,
    small: bool,
}

fn sought() -> Vec<Fault> {
    let only = std::env::var("LORA_GAUGE_FAULT").ok();
    let all = Fault::ALL.iter().copied();
    all.filter(|f| only.as_ref().is_none_or(|name| *name == f.name()))
        .collect()
}

fn hunt(plan: &Plan, fault: Fault) -> Option<Row> {
    plant(Some(fault));
    let found = plan.first_failure(0..CASES);
    let row = found.map(|record| {
        let shrunk = plan.shrink(record.case).expect("what failed fails again");
        let run = &shrunk.subject.scenario;
        let size = |name: &str| run.sizes.get(name).unwrap_or(1);
        let largest = run.sizes.iter().map(|(_, n)| n).max().unwrap_or(1);
        Row {
            fault,
            property: record.property,
            needed: record.case + 1,
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
                shrunk.subject.arithmetic,
            ),
            small: largest <= 2 && size("r") == 1 && run.steps <= 2,
        }
    });
    plant(None);
    row
}

#[test]
fn every_planted_fault_is_found_and_shrunk() {
    let plan = Plan::new(SEED, &Selection::default()).expect("a campaign");
    let sought = sought();
    let (mut missed, mut large) = (vec![], vec![]);
    for fault in &sought {
        let Some(row) = hunt(&plan, *fault) else {
            println!("{:<28} NOT FOUND: {}", fault.name(), fault.what());
            missed.push(fault.name());
            continue;
        };
        println!(
            "{:<28} {:<28} case {:>5}  {}",
            row.fault.name(),
            row.property,
            row.needed,
            row.shape
        );
        let excused = NEEDS_MORE.iter().any(|(f, _)| f == fault);
        if !row.small && !excused {
            large.push(fault.name());
        }
    }
    let found = sought.len() - missed.len();
    println!("found {found} of {} planted faults", sought.len());
    assert!(missed.is_empty(), "not found: {missed:?}");
    assert!(large.is_empty(), "not shrunk: {large:?}");
}
