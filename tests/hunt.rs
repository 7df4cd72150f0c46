//! Campaigns of drawn cases: every property can be selected and holds, and neither threads nor
//! shards show in a result.
//!
//! `LORA_GAUGE_CASES` multiplies the number of cases.

use lora_gauge::search::{
    CHUNK, Campaign, Finding, HuntedWitness, PROPERTIES, Parameters, PropertyTable, Selection,
    Shard, Summary, TestResult, Totals, find_property,
};
use rayon::ThreadPoolBuilder;

use crate::common::cases::factor;

fn only(property: &str) -> Selection {
    Selection {
        properties: vec![find_property(property).expect("a property")],
        ..Selection::default()
    }
}

fn bytes(parameters: &Parameters, totals: &Totals) -> String {
    let summary = Summary::new(parameters, totals, vec![]);
    serde_json::to_string_pretty(&summary).expect("a result has a JSON form")
}

#[test]
fn every_property_can_be_selected_and_holds() {
    for property in PROPERTIES {
        let plan = Campaign::new(3, &only(property.name)).expect("something to draw");
        assert_eq!(plan.properties().collect::<Vec<_>>(), [property.name]);
        let cases = 16 * factor();
        let records = plan.records(0..cases);
        for record in &records {
            if let TestResult::Failed(finding) = &record.verdict {
                panic!(
                    "{}, case {}: {}",
                    property.name,
                    record.case,
                    finding.describe()
                );
            }
        }
        let totals = Totals::of(records);
        let tally = &totals.properties[property.name];
        println!(
            "{}: {} passed, {} undecided: {:?}",
            property.name, tally.passed, tally.undecided, tally.reasons
        );
        assert!(2 * tally.passed > cases, "{}: {tally:?}", property.name);
    }
}

#[test]
fn a_case_is_a_function_of_seed_and_number() {
    let plan = |seed| Campaign::new(seed, &Selection::default()).expect("something to draw");
    let (one, other) = (plan(5), plan(5));
    for case in [0, 4, 5, 7, 14] {
        assert_eq!(one.case(case), other.case(case));
    }
    let coverage = |seed: u64| {
        let cases = [4, 5, 7, 14, 15].map(|case| plan(seed).case(case).coverage);
        format!("{cases:?}")
    };
    assert_ne!(coverage(5), coverage(6));
}

#[test]
fn threads_and_shards_do_not_show() {
    // The cheap properties: what is tried here is the sum.
    let selection = Selection {
        properties: ["rules-compose", "invariants", "exact-zero-drift"]
            .map(|name| find_property(name).expect("a property"))
            .to_vec(),
        ..Selection::default()
    };
    let plan = Campaign::new(1, &selection).expect("something to draw");
    let cases = 4 * CHUNK + 7;
    let parameters = Parameters::new(1, cases);
    let joined = |threads: usize, shards: &[Shard]| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let totals = std::sync::Mutex::new(plan.nothing_yet());
        for shard in shards {
            let chunks: Vec<u64> = shard.chunks(cases).collect();
            let add = |_: u64, chunk: Totals| {
                totals.lock().expect("no panic").join(chunk);
                true
            };
            pool.as_ref()
                .expect("threads")
                .install(|| plan.chunks(cases, &chunks, &add));
        }
        bytes(&parameters, &totals.into_inner().expect("no panic"))
    };
    let whole = joined(1, &[Shard::default()]);
    assert!(whole.contains(&format!("\"judged\": {cases}")));
    assert!(whole == joined(2, &[Shard::default()]), "two threads");
    let shard = |index| Shard { index, count: 3 };
    assert!(whole == joined(2, &[2, 0, 1].map(shard)), "three shards");
    assert!(whole != joined(2, &[0, 1].map(shard)), "a shard is missing");
}

#[test]
fn selections_that_leave_nothing_are_refused() {
    assert!(find_property("no-such-property").is_err());
    let selection = Selection {
        arithmetics: vec!["f32".parse().expect("a name")],
        ..only("exact-zero-drift")
    };
    let error = Campaign::new(1, &selection)
        .expect_err("nothing to draw")
        .to_string();
    assert!(error.contains("exact-zero-drift"), "{error}");
    let selection = Selection {
        arithmetics: vec!["f32".parse().expect("a name")],
        ..Selection::default()
    };
    let plan = Campaign::new(1, &selection).expect("something to draw");
    assert!(plan.properties().any(|name| name == "bit-equality"));
    assert!(plan.properties().all(|name| name != "exact-zero-drift"));
}

/// Coverage names what was not reached.
#[test]
fn what_is_not_reached_is_said() {
    let plan = Campaign::new(1, &only("rules-compose")).expect("something to draw");
    let mut totals = plan.nothing_yet();
    assert!(
        totals
            .coverage
            .never_reached()
            .contains(&"optimizer sgd".to_owned())
    );
    let never = |totals: &Totals| totals.coverage.never_reached().len();
    let all = never(&totals);
    totals.join(Totals::of(plan.records(0..200)));
    let reached = &totals.coverage;
    assert!(reached.optimizers["sgd"] > 0 && never(&totals) < all + 1000);
    let both = reached
        .branches
        .values()
        .flat_map(|decisions| decisions.values());
    assert!(
        both.into_iter()
            .any(|branches| branches.values().all(|n| *n > 0))
    );
    assert!(reached.shapes["r above both dimensions"] > 0 && reached.shapes["batch = 1"] > 0);
}

/// A witness is drawn anew before it counts: what no drawing gives is refused, and what the rule
/// holds on is not confirmed, whatever the file records.
#[test]
fn a_witness_holds_a_case_that_its_property_draws() {
    let plan = Campaign::new(1, &only("rules-compose")).expect("something to draw");
    let found = Finding::Contradicts {
        says: "two numbers differ".to_owned(),
        place: None,
    };
    assert_eq!(found.describe(), "two numbers differ");
    let witness = plan.witness_as_drawn(7, found).expect("a case");
    let table = PropertyTable::default();
    let text = witness.to_json().expect("a JSON form");
    let again = HuntedWitness::parse(&text).expect("a witness");
    assert_eq!(again, witness);
    let replay = again.replay(&table).expect("a replay");
    assert!(replay.found.is_none() && !replay.agrees);
    for (field, changed) in [
        ("factors", serde_json::json!([])),
        ("second", serde_json::json!(["-1/4"])),
        ("picks", serde_json::json!([])),
        ("arithmetic", serde_json::json!("f32")),
    ] {
        let mut forged: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        forged["hunted"][field] = changed;
        let forged = HuntedWitness::parse(&forged.to_string()).expect("well formed");
        let error = forged.replay(&table).expect_err(field).to_string();
        assert!(error.contains(field), "{error}");
    }
    assert!(plan.owns(7, &witness).is_ok() && plan.owns(8, &witness).is_err());
}
