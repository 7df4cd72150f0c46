//! `lora-gauge audit`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use super::{Ran, Scratch, lora};

/// Every built-in claim, judged by the command line twice: as JSON on stdout with one thread, and as
/// three reports with witnesses with as many threads as there are. All tests here read these.
struct Audits {
    json: Ran,
    reports: Ran,
    /// What was written, by its path in the folder of the reports.
    files: BTreeMap<String, String>,
}

const REPORTS: [&str; 3] = ["a.html", "a.json", "a.md"];

fn audits() -> &'static Audits {
    static AUDITS: OnceLock<Audits> = OnceLock::new();
    AUDITS.get_or_init(|| {
        let scratch = Scratch::new();
        let folder = scratch.path("r");
        let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
        let [html, json, markdown] = REPORTS.map(path);
        let to = ["--html", &html, "--markdown", &markdown, "--json", &json];
        Audits {
            json: lora(&["audit", "--json", "--threads", "1"]),
            reports: lora(&[&["audit"][..], &to].concat()),
            files: read_all(&folder, ""),
        }
    })
}

fn read_all(folder: &Path, prefix: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("UTF-8");
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            files.extend(read_all(&path, &format!("{name}/")));
        } else {
            files.insert(name, std::fs::read_to_string(&path).expect("a text"));
        }
    }
    files
}

fn claims(audit: &serde_json::Value) -> &[serde_json::Value] {
    audit["claims"].as_array().expect("claims")
}

#[test]
fn the_built_in_claims_are_as_expected_and_the_json_has_its_fields() {
    let ran = &audits().json;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!(json["schema"], "lora-gauge/audit/1");
    let mut counted = [0; 4];
    for claim in claims(&json) {
        for field in ["id", "title", "source", "because", "reproduce"] {
            assert!(
                claim[field].as_str().is_some_and(|s| !s.is_empty()),
                "{field}: {claim}"
            );
        }
        assert!(claim["conditions"].is_array() && claim["evidence"].is_array());
        // No report, no file that could be named.
        assert!(claim["witness"].is_null(), "{claim}");
        let verdicts = ["proved", "proved-if", "refuted", "unknown"];
        let verdict = claim["verdict"].as_str().expect("a verdict");
        let at = verdicts.iter().position(|v| *v == verdict);
        counted[at.expect("a known verdict")] += 1;
    }
    for (name, count) in ["proved", "proved-if", "refuted", "unknown"]
        .iter()
        .zip(counted)
    {
        assert_eq!(json["summary"][name], count, "{name}");
    }
}

/// But for the names of the witnesses, which only a report has.
#[test]
fn a_second_run_gives_the_same_bytes_with_any_number_of_threads() {
    let Audits { json, files, .. } = audits();
    let without = |text: &str| {
        let lines = text
            .lines()
            .filter(|line| !line.trim().starts_with("\"witness\":"));
        lines.map(|line| line.to_owned() + "\n").collect::<String>()
    };
    assert!(without(&files["a.json"]) == without(&json.out));
    let some = ["audit", "--json", "--id", "S2", "S4", "S8", "S11"];
    let first = lora(&some);
    for threads in ["1", "2", "3"] {
        let again = lora(&[&some[..], &["--threads", threads]].concat());
        assert!(again.out == first.out, "{threads} threads");
    }
}

#[test]
fn reports_and_witnesses_are_written_where_asked_for_and_replay_agrees() {
    let Audits {
        reports: ran,
        files,
        ..
    } = audits();
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("claims: "), "{}", ran.out);
    for name in REPORTS {
        let says =
            |line: &str| line.starts_with("written: ") && line.ends_with(&format!("/r/{name}"));
        assert!(ran.err.lines().any(says), "{name}: {}", ran.err);
        assert!(files[name].len() > 100, "{name}");
    }
    let audit: serde_json::Value = serde_json::from_str(&files["a.json"]).expect("JSON");
    let scratch = Scratch::new();
    let mut replayed = 0;
    for claim in claims(&audit) {
        let Some(witness) = claim["witness"].as_str() else {
            continue;
        };
        let ran = lora(&["replay", &scratch.file("witness.json", &files[witness])]);
        assert_eq!(ran.code, 1, "{witness}: {}", ran.err);
        replayed += 1;
    }
    assert!(
        replayed >= 2,
        "S4 and S5 at least are refuted with witnesses"
    );
    let left: BTreeSet<&str> = files.keys().filter_map(|f| f.split('/').next()).collect();
    let expected = [&REPORTS[..], &["witnesses"]].concat();
    assert_eq!(
        left,
        expected.into_iter().collect(),
        "three reports and the witnesses, no temporary file"
    );
}

#[test]
fn one_claim_can_be_chosen() {
    let ran = lora(&["audit", "--id", "S2", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!(json["claims"].as_array().expect("claims").len(), 1);
    assert_eq!(json["claims"][0]["id"], "S2");
    let ran = lora(&["audit", "--id", "S99"]);
    assert_eq!(ran.code, 64);
    assert!(
        ran.err.contains("S99") && ran.err.contains("S14"),
        "{}",
        ran.err
    );
}

#[test]
fn the_table_fits_and_has_no_escape_codes_in_a_pipe() {
    let table = &audits().reports.out;
    assert!(!table.contains('\u{1b}'));
    for line in table.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
    let quiet = lora(&["audit", "--id", "S2", "--quiet"]);
    assert!(quiet.err.is_empty(), "{}", quiet.err);
    let coloured = lora(&["audit", "--id", "S2", "--quiet", "--color", "always"]);
    assert!(coloured.out.contains('\u{1b}'));
}

const FOLKLORE: &str = r#"
id = "my-team-folklore"
title = "With SGD, doubling alpha is the same as doubling the learning rate"
kind = "equivalence"
optimizer = "sgd"
[map]
alpha = "1"
lr = "-1"
"#;

#[test]
fn a_users_claim_is_refuted_with_a_witness_of_one_number_each() {
    let scratch = Scratch::new();
    let file = scratch.file("folklore.toml", FOLKLORE);
    let out = scratch
        .path("witnesses")
        .to_str()
        .expect("UTF-8")
        .to_owned();
    let ran = lora(&["audit", &file, "--out", &out, "--json"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let claim = &ran.json()["claims"][0];
    assert_eq!(claim["verdict"], "refuted");
    let witness = claim["witness"].as_str().expect("a witness");
    let text = std::fs::read_to_string(witness).expect("the witness file");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for (size, n) in json["run"]["sizes"].as_object().expect("sizes") {
        assert_eq!(n, 1, "{size}");
    }
    assert_eq!(lora(&["replay", witness]).code, 1);
    // The same claim with the expectation that it is wrong.
    let expected = format!("{FOLKLORE}[expect]\nverdict = \"refuted\"\n");
    let file = scratch.file("expected.toml", expected);
    assert_eq!(lora(&["audit", &file]).code, 0);
}

#[test]
fn claims_that_cannot_be_read_name_file_and_field() {
    let scratch = Scratch::new();
    for (from, to, words) in [
        ("kind = \"equivalence\"", "kind = \"feeling\"", "feeling"),
        ("kind = \"equivalence\"\n", "", "kind"),
        ("optimizer = \"sgd\"", "optimizer = \"sdg\"", "sdg"),
        ("lr = \"-1\"", "lr = \"fast\"", "fast"),
        ("lr = \"-1\"", "rate = \"-1\"", "rate"),
        ("[map]", "[map", "line"),
        ("title = ", "titel = ", "titel"),
    ] {
        let wrong = FOLKLORE.replacen(from, to, 1);
        assert_ne!(wrong, FOLKLORE);
        let file = scratch.file("claim.toml", wrong);
        let ran = lora(&["audit", &file]);
        assert_eq!(ran.code, 64, "{to}: {}{}", ran.out, ran.err);
        let names_both = ran.err.contains("claim.toml") && ran.err.contains(words);
        assert!(
            names_both && !ran.err.contains("panicked"),
            "{to}: {}",
            ran.err
        );
    }
    let ran = lora(&["audit", "nowhere.toml"]);
    assert!(ran.code == 64 && ran.err.contains("nowhere.toml: there is no such file"));
    let file = scratch.file("claim.toml", FOLKLORE);
    assert!(
        lora(&["audit", &file, &file])
            .err
            .contains("two claims are called")
    );
}

#[test]
fn a_report_never_overwrites_a_claim() {
    let scratch = Scratch::new();
    let file = scratch.file("claim.toml", FOLKLORE);
    let ran = lora(&["audit", "--json", &file]);
    assert_eq!(ran.code, 64);
    assert!(
        ran.err.contains("would overwrite a claim file"),
        "{}",
        ran.err
    );
    assert_eq!(
        std::fs::read_to_string(&file).expect("still there"),
        FOLKLORE
    );
}
