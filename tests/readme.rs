//! The README's blocks and tables, and the counts in it and the changelog, against the program.
#![cfg(feature = "mp")]

use lora_gauge::audit::{Kind, VERDICTS_AGREE, Verdict};
use lora_gauge::search::PROPERTIES;

use crate::cli::{Scratch, lora};
use crate::common::rules::judged;

#[allow(dead_code)] // Its `main` only prints the table.
#[path = "../examples/lora_gd.rs"]
mod lora_gd;

const README: &str = include_str!("../README.md");
const CHANGELOG: &str = include_str!("../CHANGELOG.md");

/// The fenced block of the README that begins so, without blanks at the ends of its lines.
fn block(start: &str) -> String {
    let mut blocks = README.split("```").skip(1).step_by(2);
    let whole = blocks.find_map(|block| {
        let (_, inside) = block.split_once('\n')?;
        inside.starts_with(start).then_some(inside)
    });
    trimmed(whole.unwrap_or_else(|| panic!("no block begins with `{start}`")))
}

fn trimmed(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// The names in the first column of the README's table under `heading`.
fn first_cells(heading: &str) -> Vec<&'static str> {
    let (_, table) = README.split_once(heading).expect("a table");
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let cell = |row: &'static str| row.split('`').nth(1).expect("a name in backquotes");
    rows.map(cell).collect()
}

#[test]
fn blocks_are_what_is_printed() {
    for (start, command) in [
        ("The seed\n", "audit --id S2 S4 S8 S11"),
        ("sgd: stochastic", "rules sgd --invariants"),
    ] {
        let shown = block(start);
        assert!(
            README.contains(&format!("`lora-gauge {command}`")),
            "{command}"
        );
        let ran = lora(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let printed = trimmed(&ran.out);
        assert!(printed.contains(&shown), "{shown}\nis not in\n{printed}");
    }
}

#[test]
fn the_claim_of_ones_own_comes_out_as_it_says() {
    let claim = block("id = \"rate-for-alpha\"");
    let judged = judged(&claim);
    assert_eq!(judged.judgement.verdict, Verdict::Refuted);
    let sizes = judged.witness.expect("a counterexample").run.sizes;
    assert!(sizes.values().all(|n| *n == 1), "{sizes:?}");
    // What the file expects is read by the command line.
    let scratch = Scratch::new();
    assert_eq!(
        lora(&["audit", &scratch.file("claim.toml", &claim)]).code,
        0
    );
}

#[test]
fn tables_name_what_there_is() {
    let help = lora(&["--help"]).out;
    let (_, verbs) = help.split_once("Commands:\n").expect("a list of verbs");
    let verbs = verbs.lines().take_while(|line| !line.trim().is_empty());
    let verbs = verbs.filter_map(|line| line.split_whitespace().next());
    let verbs: Vec<&str> = verbs.filter(|verb| *verb != "help").collect();
    let shown = first_cells("| verb | what it does | for instance |\n");
    let shown: Vec<&str> = shown.iter().filter_map(|v| v.split(' ').next()).collect();
    assert_eq!(shown, verbs);
    let properties = PROPERTIES.iter().chain([&VERDICTS_AGREE]).map(|p| p.name);
    let shown = first_cells("| property | what holds |\n");
    assert_eq!(shown, properties.collect::<Vec<_>>());
}

#[test]
fn counts_are_those_of_the_program() {
    let words = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen \
                 fifteen sixteen seventeen eighteen nineteen twenty";
    let word = |n: usize| words.split_whitespace().nth(n).expect("at most twenty");
    let properties = format!("{} properties", word(PROPERTIES.len() + 1));
    let kinds = format!("of {} kinds", word(Kind::ALL.len()));
    // The list is no part of a build that users get.
    let listed = include_str!("../src/fault.rs").lines().filter(|line| {
        let line = line.strip_prefix("    ").unwrap_or_default();
        let named = line.starts_with(|c: char| c.is_ascii_uppercase()) && line.contains(" \"");
        named && line.ends_with("\",")
    });
    let faults = format!("plants {} faults", listed.count());
    for (name, text, expected) in [
        ("README.md", README, &properties),
        ("CHANGELOG.md", CHANGELOG, &properties),
        ("CHANGELOG.md", CHANGELOG, &kinds),
        ("README.md", README, &faults),
    ] {
        assert!(
            text.contains(expected.as_str()),
            "{name} does not say `{expected}`"
        );
    }
}

#[test]
fn the_example_prints_the_first_block() {
    let table = trimmed(&lora_gd::table().expect("a table"));
    assert_eq!(table, block("in      loss from"));
}
