//! The house keeps its order: no room uses one that it must not, and only the command line touches
//! files, the environment and the terminal. That nothing in the library prints or gives up with a
//! panic is clippy's to say, by the lints that `src/lib.rs` turns on.

mod paths;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use paths::Used;

/// Each room and what it may use, from the ground up. A room that is not here fails the test:
/// say here what it may use besides `fault`, and in `ARCHITECTURE.md` what it is for.
const ROOMS: &[(&str, &str)] = &[
    ("fault", ""),
    ("arith", ""),
    ("graph", "arith"),
    ("zoo", "arith graph"),
    ("exec", "arith graph"),
    ("scenario", "arith graph zoo exec"),
    ("gauge", "arith graph"),
    ("bound", "arith graph zoo exec scenario gauge"),
    ("search", "arith graph zoo exec scenario gauge bound"),
    ("audit", "arith graph zoo exec scenario gauge bound search"),
    ("report", "bound audit"),
    (
        "cli",
        "arith graph zoo exec scenario gauge bound search audit report",
    ),
];

fn may_use(room: &str) -> Option<Vec<&'static str>> {
    let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room)?;
    Some(allowed.split_whitespace().collect())
}

/// What `graph` may use of `arith`: exact constants and the names of functions and formats.
const EXACT: &[&str] = &[
    "FloatFormat",
    "Function",
    "ParseExactError",
    "Ratio",
    "Surd",
    "parse_ratio",
    "ratio_from_f64",
    "show_ratio",
];

/// What the checker may use of its own room: the forms of a question and a certificate.
const CHECKER: &[&str] = &["certificate", "question"];

/// The crates and modules of `std` that reach outside the program.
const OUTSIDE: &[&str] = &["anstream", "clap", "indicatif", "tempfile"];
const OUTSIDE_STD: &[&str] = &["env", "fs", "net", "process"];

/// What a file breaks, in words.
fn violations(path: &str, source: &str) -> Vec<String> {
    let room = room_of(path);
    let allowed = match may_use(room) {
        Some(allowed) => allowed,
        None if matches!(room, "lib" | "main") => vec![],
        None => return vec![format!("the room `{room}` is not in the table of rooms")],
    };
    let mut found = Vec::new();
    for used in &Used::by(source).paths {
        let words: Vec<&str> = used.iter().map(String::as_str).collect();
        let whole = words.join("::");
        let broken = match words.as_slice() {
            // Any room may ask whether a fault is planted in it.
            ["crate", "fault", ..] => false,
            ["crate", used, ..] if *used != room && !allowed.contains(used) => true,
            ["crate", "arith", item, ..] => room == "graph" && !EXACT.contains(item),
            // The library has no name for itself.
            ["lora_gauge", ..] => room != "main",
            ["std", "process", ..] => !matches!(room, "cli" | "main"),
            ["std", what, ..] => OUTSIDE_STD.contains(what) && room != "cli",
            [outside, ..] => OUTSIDE.contains(outside) && room != "cli",
            [] => false,
        };
        if broken {
            found.push(format!("`{room}` must not use `{whole}`"));
        }
        let supers = words.iter().take_while(|w| **w == "super").count();
        if supers > 0 && supers >= depth(path) {
            found.push(format!("leaves its room by `{whole}`"));
        }
        let of_room = supers > 0 && !words.get(supers).is_some_and(|w| CHECKER.contains(w));
        if path.ends_with("gauge/checker.rs") && of_room {
            found.push(format!("the checker must not use `{whole}`"));
        }
    }
    found
}

/// `src/gauge/infer.rs` → `gauge`; `src/lib.rs` → `lib`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many modules deep a file is: 1 for `src/gauge/mod.rs`, 2 for `src/gauge/infer.rs`.
fn depth(path: &str) -> usize {
    let parts = path.split('/').count() - 1;
    parts - usize::from(path.ends_with("/mod.rs"))
}

/// Every file of the library by its path from the root, without what is for tests only.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    let mut tests_only = BTreeSet::new();
    for (file, source) in &files {
        let folder = match file.file_name().and_then(|n| n.to_str()) {
            Some("mod.rs" | "lib.rs" | "main.rs") => file.with_file_name(""),
            _ => file.with_extension(""),
        };
        for module in Used::by(source).test_modules {
            tests_only.insert(folder.join(&module).with_extension("rs"));
            tests_only.insert(folder.join(&module));
        }
    }
    files.retain(|(file, _)| !file.ancestors().any(|a| tests_only.contains(a)));
    let relative = |file: PathBuf| {
        let inside = file.strip_prefix(root).expect("a file below the root");
        let parts = inside.components().map(|c| c.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    };
    files.into_iter().map(|(f, s)| (relative(f), s)).collect()
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let source = std::fs::read_to_string(&path).expect("a readable source file");
            files.push((path, source));
        }
    }
    files.sort();
}

#[test]
fn the_house_keeps_its_order() {
    let sources = sources();
    assert!(sources.len() > 50, "only {} files found", sources.len());
    let broken = sources.iter().flat_map(|(path, source)| {
        let violations = violations(path, source).into_iter();
        violations.map(move |violation| format!("{path}: {violation}"))
    });
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_table_itself_is_in_order() {
    for (i, (room, _)) in ROOMS.iter().enumerate() {
        for used in may_use(room).expect("a room") {
            let below = ROOMS[..i].iter().any(|(name, _)| *name == used);
            assert!(below, "{room} stands below {used}");
        }
    }
}

#[test]
fn the_architecture_page_says_what_the_table_says() {
    let page = include_str!("../../ARCHITECTURE.md");
    let mut described = Vec::new();
    for section in page.split("\n### `").skip(1) {
        let room = section.split('`').next().expect("a room");
        let (_, uses) = section.split_once("*Uses*").expect("what the room uses");
        let uses = uses.split('.').next().expect("a sentence");
        let named: Vec<&str> = uses.split('`').skip(1).step_by(2).collect();
        assert_eq!(Some(named), may_use(room), "what `{room}` uses");
        described.push(room);
    }
    let rooms: Vec<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    assert_eq!(described, rooms, "every room, from the ground up");
}

/// A file, what it says, and what is wrong with it, if anything.
const PLANTED: &str = r#"
src/graph/x.rs | use crate::zoo::Recipe; | `graph` must not use `crate::zoo
src/graph/x.rs | use crate::arith::F64; | `graph` must not use `crate::arith::F64`
src/graph/x.rs | fn f() { crate::exec::run() } | `graph` must not use `crate::exec
src/graph/x.rs | fn f() { assert!(g(crate::exec::run())) } | `graph` must not use `crate::exec
src/graph/x.rs | #[cfg(not(test))] use crate::exec; | `graph` must not use `crate::exec`
src/gauge/x.rs | use crate::{arith::Ratio, exec}; | `gauge` must not use `crate::exec`
src/gauge/x.rs | use crate::scenario; | `gauge` must not use `crate::scenario`
src/gauge/x.rs | use super::super::zoo; | leaves its room by `super
src/gauge/mod.rs | use super::zoo; | leaves its room by `super
src/gauge/checker.rs | use super::infer::infer; | the checker must not use
src/gauge/checker.rs | use super::*; | the checker must not use
src/gauge/checker.rs | use super::{certificate::Weight, infer}; | the checker must not use
src/audit/x.rs | use std::fs; | must not use `std::fs`
src/audit/x.rs | use std::{env, io}; | must not use `std::env`
src/audit/x.rs | fn f() { std::process::exit(1) } | must not use `std::process
src/main.rs | use std::fs; | must not use `std::fs`
src/report/x.rs | use crate::gauge; | `report` must not use `crate::gauge`
src/report/x.rs | fn f() { anstream::println!("x") } | `report` must not use `anstream
src/search/x.rs | use lora_gauge::arith; | `search` must not use `lora_gauge
src/attic/x.rs | | not in the table
src/graph/x.rs | use crate::arith::{Ratio, Function}; use super::node; |
src/graph/x.rs | /* crate::zoo */ const X: &str = "crate::zoo"; // crate::zoo |
src/graph/print/x.rs | use super::super::node; |
src/gauge/checker.rs | use super::certificate::Certificate; |
src/cli/x.rs | use std::fs; use anstream::println; |
src/main.rs | use std::process::ExitCode; fn main() { lora_gauge::cli::main() } |
src/exec/x.rs | #[cfg(test)] #[allow(x)] mod tests { use crate::gauge; } |
src/exec/x.rs | #[cfg(all(test, feature = "mp"))] use crate::{gauge, zoo}; |
src/audit/x.rs | const X: &str = include_str!("a"); const V: &str = env!("V"); |
"#;

#[test]
fn a_planted_violation_is_found() {
    for line in PLANTED.trim().lines() {
        let mut parts = line.split('|').map(str::trim);
        let mut part = || parts.next().expect("three parts");
        let (path, source, words) = (part(), part(), part());
        let found = violations(path, source);
        match words {
            "" => assert!(found.is_empty(), "{line}: {found:?}"),
            _ => assert!(found.iter().any(|v| v.contains(words)), "{line}: {found:?}"),
        }
    }
}
