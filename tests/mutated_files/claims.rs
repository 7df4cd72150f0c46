//! Claims.

use std::time::Instant;

use lora_gauge::audit::{Verdict, judge, parse_claim};
use serde_json::Value;

use super::mutate::{self, Dice};
use super::{Counts, cases, files, program, unharmed, utf8};

/// What TOML can hold of a document.
fn to_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(b) => toml::Value::Boolean(*b),
        Value::Number(n) => match n.as_i64() {
            Some(n) => toml::Value::Integer(n),
            None => toml::Value::Float(n.as_f64()?),
        },
        Value::String(s) => toml::Value::String(s.clone()),
        Value::Array(all) => toml::Value::Array(all.iter().filter_map(to_toml).collect()),
        Value::Object(all) => {
            let fields = all
                .iter()
                .filter_map(|(n, v)| Some((n.clone(), to_toml(v)?)));
            toml::Value::Table(fields.collect())
        }
    })
}

#[test]
fn a_changed_claim_is_refused_or_judged() {
    let started = Instant::now();
    let mut claims = files("src/audit/claims", ".toml");
    for folder in ["tests/findings/claims", "fuzz/corpus/claims"] {
        claims.extend(files(folder, ".toml"));
    }
    // The name of a built-in claim belongs to it alone.
    for claim in &mut claims {
        let renamed = |line: &str| match line.starts_with("id") {
            true => "id = \"mine\"".to_owned(),
            false => line.to_owned(),
        };
        *claim = claim.lines().map(renamed).collect::<Vec<_>>().join("\n");
    }
    let scratch = tempfile::tempdir().expect("a folder");
    let file = scratch.path().join("claim.toml");
    let mut counts = Counts::default();
    for case in 0..cases() {
        let mut dice = Dice::new(2, case);
        let own = dice.of(&claims);
        let changed = match dice.below(4) {
            0 => mutate::bytes(own, &mut dice),
            _ => {
                let table: toml::Table = own.parse().expect("TOML");
                let document = serde_json::to_value(table).expect("JSON");
                let changed = to_toml(&mutate::structure(&document, &mut dice));
                let text = changed.and_then(|value| toml::to_string(&value).ok());
                text.unwrap_or_default().into_bytes()
            }
        };
        let began = Instant::now();
        let text = String::from_utf8_lossy(&changed);
        let verdict = unharmed("claim", case, &text, || {
            let claim = match parse_claim("claim.toml", &text) {
                Ok(claim) => claim,
                Err(error) => return Err(error.to_string()),
            };
            if claim.not_judged().is_some() {
                return Ok("not judged".to_owned());
            }
            let judged = judge(&claim);
            let verdict = judged.judgement.verdict;
            if let Some(witness) = &judged.witness {
                let replayed = witness.replay().expect("a witness that can be replayed");
                assert!(replayed.agrees, "its witness is not confirmed");
                // Where it holds under conditions, the run is one without them.
                let proved = verdict == Verdict::Proved && !claim.contrary();
                assert!(!proved, "proved, and its witness is confirmed");
            }
            Ok(verdict.to_string())
        });
        let mut message = String::new();
        match verdict {
            Ok(verdict) => counts.add(verdict),
            Err(error) => {
                counts.add("refused");
                message = error;
            }
        }
        if case % super::TO_THE_PROGRAM == 0 || message.contains('\u{1b}') {
            std::fs::write(&file, &changed).expect("a file");
            let (code, ..) = program(&["audit", utf8(&file)]);
            counts.add(format!("by the program: {code}"));
        }
        counts.took(case, began.elapsed());
        if std::env::var_os("LORA_GAUGE_SLOW").is_some() && began.elapsed().as_secs() >= 2 {
            println!("{:?} for\n{text}", began.elapsed());
        }
    }
    counts.finish("claims", started);
    assert!(counts.of("refused") > 0 && counts.of("proved") > 0 && counts.of("refuted") > 0);
}
