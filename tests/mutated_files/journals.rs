//! Journals of campaigns and their shards.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lora_gauge::search::Totals;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::mutate::{self, Dice};
use super::{Counts, cases, program, utf8};

/// Properties that take little time.
const CHEAP: &str = "rules-compose,invariants";

fn search<'a>(folder: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "search",
        "--cases",
        "100",
        "--seed",
        "7",
        "--property",
        CHEAP,
        "--out",
        folder,
    ];
    fixed.iter().chain(more).copied().collect()
}

/// The journal of a small campaign, or of a shard of it.
fn journal(scratch: &Path, name: &str, more: &[&str]) -> String {
    let folder = scratch.join(name);
    let (code, _, err) = program(&search(utf8(&folder), more));
    assert_eq!(code, 0, "{err}");
    std::fs::read_to_string(folder.join("journal.jsonl")).expect("a journal")
}

/// A line with the digest that its content has, as a forger would write it.
fn signed(line: &Value) -> Option<String> {
    let mut line = line.clone();
    let chunk = line.get("chunk")?.as_u64()?;
    let totals: Totals = serde_json::from_value(line.get("totals")?.clone()).ok()?;
    let content = serde_json::to_string(&(chunk, &totals)).ok()?;
    let digest = Sha256::digest(content.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    line["sha256"] = digest.into();
    Some(line.to_string())
}

/// The journal with one line changed in its structure, signed anew or not.
fn one_line(journal: &str, sign: bool, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = journal.lines().map(str::to_owned).collect();
    let at = dice.below(lines.len());
    match dice.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.push(lines[at].clone()),
        2 => {
            let other = dice.below(lines.len());
            lines.swap(at, other);
        }
        _ => {
            let line: Value = serde_json::from_str(&lines[at]).expect("JSON");
            let changed = mutate::structure(&line, dice);
            let signed = sign.then(|| signed(&changed)).flatten();
            lines[at] = signed.unwrap_or_else(|| changed.to_string());
        }
    }
    lines.join("\n") + "\n"
}

/// The result as the program prints it, without what depends on the order of fields.
fn counts_of(out: &str) -> Value {
    let result: Value = serde_json::from_str(out).expect("JSON");
    result["properties"].clone()
}

#[test]
fn a_changed_journal_is_refused_or_says_the_same() {
    let started = Instant::now();
    let scratch = tempfile::tempdir().expect("a folder");
    let whole = journal(scratch.path(), "whole", &[]);
    let shards = ["0/2", "1/2"].map(|shard| {
        let name = shard.replace('/', "-");
        journal(scratch.path(), &name, &["--shard", shard])
    });
    let given = scratch.path().join("given");
    std::fs::create_dir(&given).expect("a folder");
    let second = scratch.path().join("1-2");
    let (code, out, _) = program(&["merge", utf8(&scratch.path().join("whole")), "--json"]);
    assert_eq!(code, 0);
    let expected = counts_of(&out);
    let mut counts = Counts::default();
    for case in 0..cases() {
        let mut dice = Dice::new(3, case);
        let shard = dice.below(3) == 0;
        let own = if shard { &shards[0] } else { &whole };
        let sign = dice.below(2) == 0;
        let changed = match dice.below(4) {
            0 => mutate::bytes(own, &mut dice),
            _ => one_line(own, sign, &mut dice).into_bytes(),
        };
        std::fs::write(given.join("journal.jsonl"), &changed).expect("a file");
        let began = Instant::now();
        let resume = !shard && case % super::TO_THE_PROGRAM == 0;
        let (code, out, err) = match (resume, shard) {
            (true, _) => program(&search(utf8(&given), &["--json"])),
            (_, true) => program(&["merge", utf8(&given), utf8(&second), "--json"]),
            _ => program(&["merge", utf8(&given), "--json"]),
        };
        counts.took(case, began.elapsed());
        counts.add(format!(
            "{} {code}",
            if resume { "resumed:" } else { "merged:" }
        ));
        assert!(
            code != 1,
            "journal {case} refutes: {out}{err}\n{}",
            String::from_utf8_lossy(&changed)
        );
        if code != 64 && !sign {
            assert_eq!(
                counts_of(&out),
                expected,
                "journal {case} changes the result"
            );
        }
    }
    counts.finish("journals", started);
    assert!(counts.of("merged: 64") > 0);
}

/// Neither a long file nor a large claim takes memory.
#[test]
fn what_a_journal_claims_takes_no_memory() {
    let scratch = tempfile::tempdir().expect("a folder");
    let whole = journal(scratch.path(), "whole", &[]);
    let head = whole.lines().next().expect("a first line").to_owned();
    let given = scratch.path().join("given");
    std::fs::create_dir(&given).expect("a folder");
    let path: PathBuf = given.join("journal.jsonl");
    let refused = |words: &str| {
        for args in [vec!["merge", utf8(&given)], search(utf8(&given), &[])] {
            let (code, _, err) = program(&args);
            assert_eq!(code, 64, "{err}");
            assert!(err.contains(words), "{words}: {err}");
        }
    };
    // A gigabyte without an end of line, alone and after a true first line.
    for (begin, words) in [("", "line 1: "), (&*format!("{head}\n"), "line 2: ")] {
        let mut file = File::create(&path).expect("a file");
        file.write_all(begin.as_bytes()).expect("written");
        file.set_len(1 << 30).expect("a sparse file");
        refused(words);
    }
    std::fs::write(&path, format!("{head}\n{}", "{}\n".repeat(1 << 20))).expect("a file");
    refused("line 2: ");
    for (field, huge) in [
        ("cases", Value::from(u64::MAX)),
        ("cases", Value::from(1_000_000_000_000u64)),
        ("shard", Value::from("0/18446744073709551615")),
    ] {
        let mut forged: Value = serde_json::from_str(&head).expect("JSON");
        forged["parameters"][field] = huge;
        std::fs::write(&path, format!("{forged}\n")).expect("a file");
        refused("");
    }
    // One shard that is done of more than can be counted.
    let mut forged: Value = serde_json::from_str(&head).expect("JSON");
    forged["parameters"]["shard"] = "3/18446744073709551615".into();
    std::fs::write(&path, format!("{forged}\n")).expect("a file");
    let (code, _, err) = program(&["merge", utf8(&given)]);
    assert_eq!(code, 64, "{err}");
    assert!(
        err.contains("shard 0/18446744073709551615") || err.contains("not finished"),
        "{err}"
    );
}

/// A count of failures that somebody wrote into a journal refutes nothing.
#[test]
fn a_forged_failure_is_not_believed() {
    let scratch = tempfile::tempdir().expect("a folder");
    let whole = journal(scratch.path(), "whole", &[]);
    let mut lines: Vec<Value> = whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let chunk = lines[1]["chunk"].as_u64().expect("a number");
    let tally = &mut lines[1]["totals"]["properties"]["invariants"];
    // Properties take turns, the one first by name in the table first.
    let passed = tally["passed"].as_u64().expect("a number");
    let evidence = tally["evidence"].as_object_mut().expect("evidence");
    let most = evidence
        .values_mut()
        .max_by_key(|n| n.as_u64())
        .expect("some");
    *most = (most.as_u64().expect("a number") - 1).into();
    tally["passed"] = (passed - 1).into();
    tally["failed"] = 1.into();
    let folder = scratch.path().join("forged");
    std::fs::create_dir(&folder).expect("a folder");
    let mut refused = 0;
    for case in chunk * 40..chunk * 40 + 2 {
        let mut lines = lines.clone();
        lines[1]["totals"]["properties"]["invariants"]["failures"] = vec![case].into();
        let first = lines[0].to_string();
        let rest = lines[1..].iter().map(|line| signed(line).expect("a line"));
        let text: Vec<String> = std::iter::once(first).chain(rest).collect();
        std::fs::write(folder.join("journal.jsonl"), text.join("\n") + "\n").expect("a file");
        let (code, _, err) = program(&["merge", utf8(&folder)]);
        assert_eq!(code, 64, "{err}");
        refused += u64::from(err.contains("is recorded as failed, and does not fail"));
    }
    assert_eq!(refused, 1, "one of the two cases is of this property");
}
