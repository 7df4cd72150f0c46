//! `lora-gauge search` and `lora-gauge merge`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Scratch, lora};
use crate::common::cases::factor;

/// Properties that take little time; what is tried here is what surrounds them.
const CHEAP: &str = "rules-compose,invariants";
const CASES: &str = "280";

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn search(out: &str, more: &[&str]) -> Vec<String> {
    let fixed = ["search", "--seed", "7", "--property", CHEAP, "--out", out];
    let all = fixed.iter().chain(more).map(|arg| (*arg).to_owned());
    all.collect()
}

fn run(args: &[String]) -> super::Ran {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    lora(&args)
}

#[test]
fn a_campaign_prints_a_table_and_its_json() {
    let args = ["search", "--cases", "60", "--property", CHEAP];
    let ran = lora(&args);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for words in [
        "passed",
        "undecided",
        "rules-compose",
        "60 cases, 0 failed",
        "never",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let json = lora(&[&args[..], &["--json"]].concat()).json();
    assert_eq!(json["schema"], "lora-gauge/search/1");
    assert_eq!((&json["cases"], &json["seed"]), (&60.into(), &"1".into()));
    assert_eq!(json["shard"], "0/1");
    let properties = json["properties"].as_array().expect("properties");
    let of = |p: &serde_json::Value, field: &str| p[field].as_u64().expect("a number");
    let sum = |p| of(p, "passed") + of(p, "failed") + of(p, "undecided");
    assert_eq!(properties.iter().map(sum).sum::<u64>(), 60);
    assert!(json["coverage"]["optimizers"]["sgd"].is_u64());
    assert!(json["coverage"]["kinks_crossed"].is_u64());
}

#[test]
fn wrong_selections_are_64() {
    for (args, words) in [
        (["--property", "no-such"], "unknown property `no-such`"),
        (["--optimizer", "no-such"], "unknown optimizer `no-such`"),
        (["--arith", "no-such"], "unknown arithmetic `no-such`"),
        (["--shard", "3/3"], "expected i/n"),
        (["--cases", "0"], "0"),
    ] {
        let ran = lora(&[&["search"][..], &args].concat());
        assert_eq!(ran.code, 64, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

/// The result of an undisturbed campaign.
fn undisturbed(scratch: &Scratch) -> String {
    let out = scratch.path("undisturbed");
    let ran = run(&search(&text(&out), &["--cases", CASES, "--threads", "1"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    read(&out.join("search.json"))
}

fn start(args: &[String]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lora-gauge"))
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts")
}

/// Killed at several moments in the middle, as `kill -9` does, and then run to its end.
#[test]
fn what_is_killed_goes_on_and_ends_with_the_same_bytes() {
    let scratch = Scratch::new();
    let expected = undisturbed(&scratch);
    let rounds = 2 * factor();
    let mut torn = 0;
    for round in 0..rounds {
        let out = scratch.path(&format!("killed-{round}"));
        let args = search(&text(&out), &["--cases", CASES]);
        let journal = out.join("journal.jsonl");
        let mut kills = 0;
        for moment in 0..3u64 {
            let before = std::fs::metadata(&journal).map_or(0, |m| m.len());
            let mut child = start(&args);
            // Until something more is done, and then for a moment that is never the same.
            let started = Instant::now();
            while started.elapsed() < Duration::from_secs(60)
                && std::fs::metadata(&journal).map_or(0, |m| m.len()) <= before
                && child.try_wait().expect("a status").is_none()
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis((round * 37 + moment * 13) % 50));
            child.kill().expect("a signal");
            let status = child.wait().expect("a status");
            kills += u64::from(status.code().is_none());
        }
        let bytes = std::fs::read(&journal).expect("a journal");
        torn += u64::from(bytes.last() != Some(&b'\n'));
        let ran = run(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(read(&out.join("search.json")) == expected, "round {round}");
        println!("round {round}: {kills} killed in the middle");
    }
    println!("{torn} of {rounds} journals with a torn line");
}

#[test]
fn a_torn_line_counts_as_not_done() {
    let scratch = Scratch::new();
    let expected = undisturbed(&scratch);
    let out = scratch.path("undisturbed");
    let journal = out.join("journal.jsonl");
    let whole = read(&journal);
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 8, "a head and seven chunks");
    for keep in [whole.len() - 1, whole.len() / 2, lines[0].len() + 1, 10, 0] {
        std::fs::write(&journal, &whole[..keep]).expect("a journal");
        std::fs::remove_file(out.join("search.json")).expect("a result");
        let ran = run(&search(&text(&out), &["--cases", CASES]));
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(
            read(&out.join("search.json")) == expected,
            "{keep} bytes kept"
        );
        assert_eq!(
            read(&journal).lines().count(),
            lines.len(),
            "{keep} bytes kept"
        );
    }
    // What is whole but wrong is no torn line.
    std::fs::write(&journal, whole.replacen("\"chunk\":", "\"chump\":", 1)).expect("a journal");
    let ran = run(&search(&text(&out), &["--cases", CASES]));
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("journal.jsonl: line 2"), "{}", ran.err);
    let twice = format!("{whole}{}\n", lines[3]);
    std::fs::write(&journal, twice).expect("a journal");
    let ran = run(&search(&text(&out), &["--cases", CASES]));
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("recorded twice"), "{}", ran.err);
}

#[test]
fn a_folder_of_another_campaign_is_refused() {
    let scratch = Scratch::new();
    let out = text(&scratch.path("out"));
    assert_eq!(run(&search(&out, &["--cases", "40"])).code, 0);
    for (more, words) in [
        (vec!["--cases", "80"], "cases: found 40, asked for 80"),
        (
            vec!["--cases", "40", "--optimizer", "sgd"],
            "optimizer: found all, asked for sgd",
        ),
        (
            vec!["--cases", "40", "--shard", "0/2"],
            "shard: found 0/1, asked for 0/2",
        ),
    ] {
        let ran = run(&search(&out, &more));
        assert_eq!(ran.code, 64, "{}", ran.out);
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

#[test]
fn shards_merge_to_the_bytes_of_the_whole() {
    let scratch = Scratch::new();
    let expected = undisturbed(&scratch);
    let shard = |i: u64| {
        let out = text(&scratch.path(&format!("shard-{i}")));
        let ran = run(&search(
            &out,
            &["--cases", CASES, "--shard", &format!("{i}/3")],
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        out
    };
    let shards = [0, 1, 2].map(shard);
    let merged = scratch.path("merged");
    let out = text(&merged);
    let merge = |folders: &[&str]| {
        let args: Vec<&str> = ["merge", "--out", &out]
            .iter()
            .chain(folders)
            .copied()
            .collect();
        lora(&args)
    };
    let all = [&shards[2], &shards[0], &shards[1]].map(String::as_str);
    let ran = merge(&all);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(read(&merged.join("search.json")) == expected);
    for (folders, words) in [
        (vec![all[0], all[1]], "missing: shard 1/3"),
        (vec![all[0], all[0], all[1]], "given twice"),
        (vec!["no-such-folder"], "no-such-folder"),
    ] {
        let ran = merge(&folders);
        assert_eq!(ran.code, 64, "{}", ran.out);
        assert!(ran.err.contains(words), "{}", ran.err);
    }
    // A shard that is not finished.
    let journal = scratch.path("shard-1").join("journal.jsonl");
    let lines = read(&journal);
    let all_but_one = lines.lines().count() - 1;
    let cut: Vec<&str> = lines.lines().take(all_but_one).collect();
    std::fs::write(&journal, cut.join("\n") + "\n").expect("a journal");
    let ran = merge(&all);
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("shard 1/3 is not finished"), "{}", ran.err);
}

#[test]
fn a_campaign_can_be_timed() {
    let ran = lora(&[
        "search",
        "--cases",
        "100000000",
        "--property",
        "rules-compose",
        "--time",
        "0",
        "--json",
    ]);
    let json = ran.json();
    assert_eq!(json["cases"], 100_000_000);
    let judged = json["judged"].as_u64().expect("a number");
    assert!(judged > 0 && judged < 100_000, "{judged}");
    assert!(ran.err.contains("time is over"), "{}", ran.err);
}

/// What a campaign found in an older form is refused, not confirmed.
#[test]
fn a_witness_of_an_older_campaign_is_refused() {
    let ran = lora(&[
        "replay",
        "tests/findings/replay/false_refutation_hunted.json",
    ]);
    assert_eq!(ran.code, 64, "{}", ran.out);
    assert!(ran.err.contains("older version"), "{}", ran.err);
}

/// A journal is somebody's file: names, counts and sizes are checked before anything is done.
#[test]
fn a_journal_that_no_campaign_wrote_is_refused() {
    let ran = lora(&["merge", "tests/findings/replay/huge_cases_shard"]);
    assert_eq!(ran.code, 64, "{}", ran.err);
    let scratch = Scratch::new();
    let folder = scratch.path("part").display().to_string();
    let campaign = [
        "search",
        "--cases",
        "80",
        "--property",
        "rules-compose",
        "--out",
    ];
    assert_eq!(lora(&[&campaign[..], &[folder.as_str()]].concat()).code, 0);
    let journal = format!("{folder}/journal.jsonl");
    let whole = std::fs::read_to_string(&journal).expect("a journal");
    for (from, to) in [
        ("\"cases\":80", "\"cases\":18446744073709551615"),
        ("rules-compose", "rules-decompose"),
        ("\"passed\":", "\"passed\":1"),
        ("\"chunk\":1", "\"chunk\":7"),
        ("\"mp\"", "\"np\""),
    ] {
        let changed = whole.replacen(from, to, 1);
        if changed == whole {
            continue;
        }
        std::fs::write(&journal, changed).expect("a file");
        let ran = lora(&["merge", &folder]);
        assert_eq!(ran.code, 64, "{to}: {}", ran.err);
    }
}
