//! The property of verdicts finds every planted fault of claims.
//!
//! `LORA_GAUGE_FAULT=name` looks for one fault only.

use lora_gauge::audit::VERDICTS_AGREE;
use lora_gauge::fault::{OF_CLAIMS, plant};
use lora_gauge::search::{Campaign, PropertyTable, Selection, TestResult};

/// The campaign that is to find them.
const CASES: u64 = 20_000;
const SEED: u64 = 1;

#[test]
fn every_planted_fault_of_claims_is_found() {
    let _planting = super::alone();
    let selection = Selection {
        table: PropertyTable::default().with([&VERDICTS_AGREE]),
        properties: vec![&VERDICTS_AGREE],
        ..Selection::default()
    };
    let plan = Campaign::new(SEED, &selection).expect("a campaign");
    let only = std::env::var("LORA_GAUGE_FAULT").ok();
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    let mut missed = vec![];
    for fault in OF_CLAIMS.iter().filter(|fault| wanted(&fault.name())) {
        plant(Some(*fault));
        let found = plan.first_failure(0..CASES);
        plant(None);
        let Some(record) = found else {
            println!("{:<24} NOT FOUND: {}", fault.name(), fault.what());
            missed.push(fault.name());
            continue;
        };
        let says = match &record.verdict {
            TestResult::Failed(finding) => finding.describe(),
            _ => String::new(),
        };
        println!(
            "{:<24} after {:>5} cases: {says}",
            fault.name(),
            record.case + 1
        );
        let without = plan.case(record.case).verdict;
        assert!(
            !without.is_failed(),
            "case {} fails without any fault",
            record.case
        );
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
