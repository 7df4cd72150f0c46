//! Witnesses of claims and of campaigns.

use std::collections::BTreeMap;
use std::time::Instant;

use lora_gauge::audit::{Verdict, Witness, builtin, judge, parse_claim};
use lora_gauge::search::{Campaign, Finding, HuntedWitness, PropertyTable, Selection};
use serde_json::Value;

use crate::mutate::{self, Dice};
use crate::{Counts, cases, files, program, unharmed, utf8};

/// A false claim of each kind that a run speaks against.
const FALSE: &[&str] = &[
    "kind = \"equivalence\"\n[map]\nalpha = 1\nlr = -1\n",
    "kind = \"equivalence\"\noptimizer = \"adamw\"\nterms = [\"weight_decay\"]\nstart = \"lora\"\n[map]\nalpha = 1\nlr = -1\n",
    "kind = \"invariant\"\nconclusion = [\"s * A\"]\n[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n",
    "kind = \"implication\"\npremise = [\"loss\"]\nconclusion = [\"A\"]\n",
    "kind = \"uniqueness\"\nvary = [\"lr_A\", \"lr_B\", \"init_A\", \"init_B\"]\n[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n",
    "kind = \"experiment\"\nloss = \"l1\"\n[map]\nalpha = 1\n[[wrong]]\nname = \"w\"\nmap = { alpha = 1 }\n",
    "kind = \"survey\"\nterms = [\"weight_decay\"]\n[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n[[variant]]\nname = \"l1\"\nloss = \"l1\"\n",
    "kind = \"identity\"\nformula = \"A\"\nequals = \"2 * A\"\n",
    "kind = \"conserved\"\nformula = \"A\"\n",
    "kind = \"bits\"\narithmetic = \"f32\"\nk = \"3\"\n[map]\nalpha = 1\nlr = -1\ninit = \"-1/2\"\n",
];

fn of_claims() -> Vec<String> {
    let mut all: Vec<String> = files("fuzz/corpus/witness", ".json");
    // Of an older form, which is refused whatever is changed in it.
    all.push(files("tests/findings/replay", ".json").remove(0));
    all.push(files("tests/scenarios", "rate_alone.json").remove(0));
    for text in FALSE {
        let text = format!("id = \"x\"\ntitle = \"t\"\n{text}");
        let claim = parse_claim("claim.toml", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let judged = judge(&claim);
        let witness = judged.witness.unwrap_or_else(|| {
            panic!(
                "{}: {}\n{text}",
                judged.judgement.verdict, judged.judgement.because
            )
        });
        all.push(witness.to_json().expect("a JSON form"));
    }
    all
}

fn of_campaigns() -> Vec<String> {
    let plan = Campaign::new(1, &Selection::default()).expect("something to draw");
    let drawn = (0..40u64).filter_map(|case| {
        let found = Finding::Contradicts {
            says: "two numbers differ".to_owned(),
            place: None,
        };
        plan.witness_as_drawn(case, found).ok()?.to_json().ok()
    });
    drawn.collect()
}

/// What is described, whether the witness's claim says or denies it.
fn described(witness: &Witness) -> Option<String> {
    fn without_nothing(value: &Value) -> Option<Value> {
        Some(match value {
            Value::Null => return None,
            Value::Array(all) => all.iter().filter_map(without_nothing).collect(),
            Value::Object(all) => all
                .iter()
                .filter_map(|(n, v)| Some((n.clone(), without_nothing(v)?)))
                .collect(),
            other => other.clone(),
        })
    }
    let mut claim = witness.claim.clone();
    for own in ["contrary", "expect", "theorems"] {
        claim.remove(own);
    }
    toml::to_string(&without_nothing(&Value::Object(claim))?).ok()
}

/// Whether what a confirmed witness refutes is proved after all.
fn is_false(witness: &Witness, known: &mut BTreeMap<String, Verdict>) -> bool {
    let built_in = builtin().expect("well-formed claims");
    let text = described(witness).expect("a claim that was replayed can be written");
    let verdict = known.entry(text).or_insert_with_key(|text| {
        let claim = parse_claim("claim.toml", text);
        judge(&claim.unwrap_or_else(|e| panic!("{e}\n{text}")))
            .judgement
            .verdict
    });
    let own = built_in.iter().find(|claim| claim.id() == witness.id());
    let title = witness.claim.get("title").and_then(Value::as_str);
    *verdict == Verdict::Proved || own.is_some_and(|own| Some(own.title()) != title)
}

/// Replays a witness, and once more with what was found written into it, as a forger would.
fn replay(text: &str, case: u64, known: &mut BTreeMap<String, Verdict>) -> Result<String, String> {
    let mut witness = Witness::parse(text).map_err(|e| e.to_string())?;
    let mut replayed = witness.replay().map_err(|e| e.to_string())?;
    let forged = !replayed.agrees && replayed.found.is_some();
    if forged {
        witness.found = replayed.found.clone().expect("something");
        replayed = witness.replay().expect("it was replayed before");
    }
    if !replayed.agrees {
        return Ok("not confirmed".to_owned());
    }
    let written = witness.to_json().expect("a JSON form");
    assert!(
        !is_false(&witness, known),
        "witness {case} refutes what is proved:\n{written}"
    );
    Ok(if forged {
        "confirmed once forged"
    } else {
        "confirmed"
    }
    .to_owned())
}

fn replay_hunted(text: &str, case: u64) -> Result<String, String> {
    let witness = HuntedWitness::parse(text).map_err(|e| e.to_string())?;
    let replay = witness
        .replay(&PropertyTable::default())
        .map_err(|e| e.to_string())?;
    // Every property holds, so whatever is drawn, nothing speaks against it.
    assert!(
        replay.found.is_none(),
        "witness {case} confirms {:?}:\n{text}",
        replay.found
    );
    Ok("a campaign's, not confirmed".to_owned())
}

#[test]
fn a_changed_witness_confirms_nothing_false() {
    let started = Instant::now();
    let (of_claims, of_campaigns) = (of_claims(), of_campaigns());
    let scratch = tempfile::tempdir().expect("a folder");
    let file = scratch.path().join("witness.json");
    let (mut counts, mut known) = (Counts::default(), BTreeMap::new());
    for case in 0..cases() {
        let mut dice = Dice::new(1, case);
        let hunted = dice.below(4) == 0;
        let own = dice.of(if hunted { &of_campaigns } else { &of_claims });
        let changed = match dice.below(8) {
            0 => mutate::bytes(own, &mut dice),
            _ => {
                let document = serde_json::from_str(own).expect("JSON");
                let changed = mutate::structure(&document, &mut dice);
                changed.to_string().into_bytes()
            }
        };
        let began = Instant::now();
        let mut message = String::new();
        if let Ok(text) = std::str::from_utf8(&changed) {
            let result = unharmed("witness", case, text, || match hunted {
                true => replay_hunted(text, case),
                false => replay(text, case, &mut known),
            });
            match result {
                Ok(what) => counts.add(what),
                Err(error) => {
                    counts.add("refused");
                    message = error;
                }
            }
        } else {
            counts.add("not UTF-8");
        }
        if case % crate::TO_THE_PROGRAM == 0 || message.contains('\u{1b}') {
            std::fs::write(&file, &changed).expect("a file");
            let (code, ..) = program(&["replay", utf8(&file)]);
            counts.add(format!("by the program: {code}"));
        }
        counts.took(case, began.elapsed());
    }
    counts.finish("witnesses", started);
    assert!(counts.of("refused") > 0 && counts.of("confirmed") > 0);
}
