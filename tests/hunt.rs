//! Campaigns of drawn cases: every property can be selected and holds, and neither threads nor
//! shards show in a result.
//!
//! `LORA_GAUGE_CASES` multiplies the number of cases.

use lora_gauge::arith::{Ratio, Surd};
use lora_gauge::search::{
    CHUNK, Finding, PROPERTIES, Parameters, Plan, Selection, Shard, Subject, Summary, Totals,
    Verdict, Witness, find_property,
};
use rayon::ThreadPoolBuilder;

fn factor() -> u64 {
    let text = std::env::var("LORA_GAUGE_CASES").ok();
    text.map_or(1, |t| t.parse().expect("LORA_GAUGE_CASES is a number"))
}

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
        let plan = Plan::new(3, &only(property.name)).expect("something to draw");
        assert_eq!(plan.properties().collect::<Vec<_>>(), [property.name]);
        let cases = 16 * factor();
        let records = plan.records(0..cases);
        for record in &records {
            if let Verdict::Failed(finding) = &record.verdict {
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
    let plan = |seed| Plan::new(seed, &Selection::default()).expect("something to draw");
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
    let plan = Plan::new(1, &selection).expect("something to draw");
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
    let error = Plan::new(1, &selection)
        .expect_err("nothing to draw")
        .to_string();
    assert!(error.contains("exact-zero-drift"), "{error}");
    let selection = Selection {
        arithmetics: vec!["f32".parse().expect("a name")],
        ..Selection::default()
    };
    let plan = Plan::new(1, &selection).expect("something to draw");
    assert!(plan.properties().any(|name| name == "bit-equality"));
    assert!(plan.properties().all(|name| name != "exact-zero-drift"));
}

/// Coverage names what was not reached.
#[test]
fn what_is_not_reached_is_said() {
    let plan = Plan::new(1, &only("rules-compose")).expect("something to draw");
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

/// A subject whose factor is wrong by itself is no subject of the map, so the witness that says
/// otherwise is contradicted by its replay; one that is written comes back as it was.
#[test]
fn a_witness_holds_its_case() {
    let text = std::fs::read_to_string("tests/scenarios/rate_alone.json").expect("a witness");
    let mut witness = Witness::parse(&text).expect("an old witness");
    assert!(witness.hunted.is_none() && witness.replay().expect("a replay").agrees);
    let run = witness.left.scenario().expect("a run");
    let subject = Subject {
        scenario: run,
        arithmetic: witness.arithmetic.parse().expect("a name"),
        factors: vec![Ratio::new(9.into(), 4.into())],
        second: vec![Ratio::from_integer(4.into())],
        flips: vec![true],
        picks: vec![1, 2],
    };
    witness.hunted = Some(subject.file("exact-zero-drift", 1, 7));
    let text = witness.to_json().expect("a JSON form");
    assert!(text.contains("\"0x1."), "hexadecimal floats: {text}");
    let again = Witness::parse(&text).expect("a witness");
    assert_eq!(again, witness);
    let stored = again
        .hunted
        .as_ref()
        .expect("a case")
        .subject()
        .expect("a subject");
    assert_eq!(stored.scenario.values, subject.scenario.values);
    assert_eq!(
        (&stored.factors, &stored.picks),
        (&subject.factors, &subject.picks)
    );
    // The rule holds on this run: what the file records is not found again.
    if cfg!(feature = "mp") {
        let replay = again.replay().expect("a replay");
        assert!(replay.found.is_none() && replay.doubt.is_none() && !replay.agrees);
    }
    let negative = Surd::rational(Ratio::new((-1).into(), 4.into()));
    let mut wrong = again.clone();
    let hunted = wrong.hunted.as_mut().expect("a case");
    hunted.factors[0].0 = negative;
    let error = wrong.replay().expect_err("a negative factor").to_string();
    assert!(error.contains("hunted.factors"), "{error}");
    let place = Finding::Contradicts {
        says: "two numbers differ".to_owned(),
        place: None,
    };
    assert_eq!(place.describe(), "two numbers differ");
}
