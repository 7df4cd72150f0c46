//! Every planted fault of claims changes the verdict on a claim that once came out wrong.
#![cfg(all(feature = "planted-faults", feature = "mp"))]

use lora_gauge::audit::{Verdict, judge, parse_claim};
use lora_gauge::fault::{Fault, OF_CLAIMS, plant};

fn verdict(text: &str) -> Option<Verdict> {
    let claim = parse_claim("claim.toml", text).ok()?;
    Some(judge(&claim).judgement.verdict)
}

/// A claim on which the fault shows, and what is right.
fn shows(fault: Fault) -> (String, Verdict) {
    let claim =
        |kind: &str, rest: &str| format!("id = \"x\"\ntitle = \"t\"\nkind = \"{kind}\"\n{rest}");
    let file = |name: &str| {
        let path = format!(
            "{}/tests/findings/claims/{name}",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::read_to_string(path).expect("a file")
    };
    let note = "[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n";
    match fault {
        Fault::SignsForgotten | Fault::NegateDropped => {
            let text = claim("equivalence", &format!("negate = [\"alpha\"]\n{note}"));
            (text, Verdict::ProvedIf)
        }
        Fault::MapsComposedByName => (file("k-b7.toml"), Verdict::Refuted),
        Fault::ClaimFieldDropped => (file("c-K2.toml"), Verdict::Refuted),
        Fault::DenialAccepted => {
            let alone = "contrary = true\n[map]\nalpha = 1\nlr = -1\ninit_A = \"-1/2\"\n";
            (claim("equivalence", alone), Verdict::Refuted)
        }
        Fault::TiesForgotten => (file("c-B4.toml"), Verdict::Refuted),
        Fault::StartForgotten => (file("c-F5.toml"), Verdict::Proved),
        other => panic!("{other:?} is no fault of claims"),
    }
}

#[test]
fn every_planted_fault_of_claims_changes_a_verdict() {
    let mut missed = vec![];
    for fault in OF_CLAIMS {
        let (text, right) = shows(*fault);
        plant(None);
        assert_eq!(verdict(&text), Some(right), "{}", fault.name());
        plant(Some(*fault));
        let wrong = verdict(&text);
        plant(None);
        println!("{:<24} {right} becomes {wrong:?}", fault.name());
        if wrong == Some(right) {
            missed.push(fault.name());
        }
    }
    assert!(missed.is_empty(), "not noticed: {missed:?}");
}
