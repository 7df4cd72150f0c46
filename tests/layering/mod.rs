//! The house keeps its order: no room uses one that it must not, only the command line prints
//! and touches files, and nothing in the library gives up with a panic.

mod scanner;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use scanner::{paths, tokens, without_tests};

/// Each room and what it may use, from the ground up. A room that is not here fails the test:
/// say here what it may use besides `fault`, and in `ARCHITECTURE.md` what it is for.
const ROOMS: &[(&str, &[&str])] = &[
    ("fault", &[]),
    ("arith", &[]),
    ("graph", &["arith"]),
    ("zoo", &["arith", "graph"]),
    ("exec", &["arith", "graph"]),
    ("scenario", &["arith", "graph", "zoo", "exec"]),
    ("gauge", &["arith", "graph"]),
    (
        "bound",
        &["arith", "graph", "zoo", "exec", "scenario", "gauge"],
    ),
    (
        "search",
        &[
            "arith", "graph", "zoo", "exec", "scenario", "gauge", "bound",
        ],
    ),
    (
        "audit",
        &[
            "arith", "graph", "zoo", "exec", "scenario", "gauge", "bound", "search",
        ],
    ),
    ("report", &["bound", "audit"]),
    (
        "cli",
        &[
            "arith", "graph", "zoo", "exec", "scenario", "gauge", "bound", "search", "audit",
            "report",
        ],
    ),
];

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
const CHECKER: &[&[&str]] = &[&["super", "certificate"], &["super", "question"]];

/// Calls of `unwrap` and `expect` that cannot fail, with the reason.
const CANNOT_FAIL: &[(&str, &str)] = &[(
    "src/gauge/certificate.rs",
    "plain data with text keys always has a JSON form",
)];

/// What a file breaks, in words.
fn violations(path: &str, source: &str) -> Vec<String> {
    let (code, _) = without_tests(&tokens(source));
    let room = room_of(path);
    let mut found = Vec::new();
    let allowed = match ROOMS.iter().find(|(name, _)| *name == room) {
        Some((_, allowed)) => *allowed,
        None if matches!(room, "lib" | "main") => &[],
        None => return vec![format!("the room `{room}` is not in the table of rooms")],
    };
    for path_used in paths(&code) {
        let words: Vec<&str> = path_used.iter().map(String::as_str).collect();
        let supers = words.iter().take_while(|w| **w == "super").count();
        match words.as_slice() {
            // Any room may ask whether a fault is planted in it.
            ["crate", "fault", ..] => {}
            ["crate", used, ..] if *used != room && !allowed.contains(used) => {
                found.push(format!("`{room}` must not use `{used}`"));
            }
            ["crate", "arith", item, ..] if room == "graph" && !EXACT.contains(item) => {
                found.push(format!("`graph` must not use `arith::{item}`"));
            }
            ["lora_gauge", ..] if room != "main" => {
                found.push("the library must not call itself by its name".to_owned());
            }
            ["std", what @ ("fs" | "env" | "process"), ..]
                if room != "cli" && (room, *what) != ("main", "process") =>
            {
                found.push(format!("`{room}` must not use `std::{what}`"));
            }
            _ => {}
        }
        if supers > 0 && supers >= depth(path) {
            found.push("leaves its room by `super`".to_owned());
        }
        if path.ends_with("gauge/checker.rs")
            && supers > 0
            && !CHECKER.iter().any(|allowed| words.starts_with(allowed))
        {
            found.push(format!("the checker must not use `{}`", words.join("::")));
        }
    }
    for three in code.windows(3) {
        let [a, b, c] = [&three[0], &three[1], &three[2]].map(String::as_str);
        let prints = ["print", "println", "eprint", "eprintln", "dbg"].contains(&a);
        if prints && b == "!" && room != "cli" {
            found.push(format!("`{room}` must not print"));
        }
        let gives_up = ["panic", "todo", "unimplemented", "unreachable"].contains(&a);
        if gives_up && b == "!" {
            found.push(format!("`{a}!` in the library"));
        }
        if a == "." && ["unwrap", "expect"].contains(&b) && c == "(" {
            found.push(format!("`.{b}(` in the library"));
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
    let mut all = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).expect("a readable source file");
        let (_, modules) = without_tests(&tokens(&source));
        let folder = match file.file_name().and_then(|n| n.to_str()) {
            Some("mod.rs" | "lib.rs" | "main.rs") => file.with_file_name(""),
            _ => file.with_extension(""),
        };
        for module in modules {
            tests_only.insert(folder.join(&module).with_extension("rs"));
            tests_only.insert(folder.join(&module));
        }
        all.push((file, source));
    }
    all.retain(|(file, _)| !file.ancestors().any(|a| tests_only.contains(a)));
    let relative = |file: PathBuf| {
        let inside = file.strip_prefix(root).expect("a file below the root");
        let parts = inside.components().map(|c| c.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    };
    all.into_iter().map(|(f, s)| (relative(f), s)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

#[test]
fn the_house_keeps_its_order() {
    let sources = sources();
    assert!(sources.len() > 50, "only {} files found", sources.len());
    let mut broken = Vec::new();
    for (path, source) in &sources {
        for violation in violations(path, source) {
            let excused = CANNOT_FAIL.iter().any(|(file, _)| file == path);
            if !(excused && violation.starts_with("`.expect(")) {
                broken.push(format!("{path}: {violation}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn nothing_is_excused_that_is_not_there() {
    let sources = sources();
    for (file, reason) in CANNOT_FAIL {
        assert!(!reason.is_empty());
        let source = sources.iter().find(|(path, _)| path == file);
        let found = source.is_some_and(|(p, s)| !violations(p, s).is_empty());
        assert!(found, "{file} needs no excuse any more");
    }
}

#[test]
fn the_table_itself_is_in_order() {
    for (i, (room, allowed)) in ROOMS.iter().enumerate() {
        let below: Vec<&str> = ROOMS[..i].iter().map(|(name, _)| *name).collect();
        for used in *allowed {
            assert!(below.contains(used), "{room} stands below {used}");
        }
    }
}

#[test]
fn the_architecture_page_says_what_the_table_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).expect("ARCHITECTURE.md");
    let mut described = Vec::new();
    for section in page.split("\n### `").skip(1) {
        let room = section.split('`').next().expect("a room");
        let (_, uses) = section.split_once("*Uses*").expect("what the room uses");
        let uses = uses.split('.').next().expect("a sentence");
        let named: Vec<&str> = uses.split('`').skip(1).step_by(2).collect();
        let found = ROOMS.iter().find(|(name, _)| *name == room);
        let (_, allowed) = found.unwrap_or_else(|| panic!("`{room}` is not in the table"));
        assert_eq!(named, *allowed, "what `{room}` uses");
        described.push(room);
    }
    let rooms: Vec<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    assert_eq!(described, rooms, "every room, from the ground up");
}

#[test]
fn a_planted_violation_is_found() {
    for (path, source, words) in [
        (
            "src/graph/x.rs",
            "use crate::zoo::Recipe;",
            "`graph` must not use `zoo`",
        ),
        (
            "src/graph/x.rs",
            "use crate::arith::F64;",
            "`graph` must not use `arith::F64`",
        ),
        (
            "src/graph/x.rs",
            "fn f() { crate::exec::run() }",
            "`graph` must not use `exec`",
        ),
        (
            "src/gauge/x.rs",
            "use crate::{arith::Ratio, exec};",
            "`gauge` must not use `exec`",
        ),
        (
            "src/gauge/x.rs",
            "use crate::scenario;",
            "`gauge` must not use `scenario`",
        ),
        (
            "src/gauge/x.rs",
            "use super::super::zoo;",
            "leaves its room by `super`",
        ),
        (
            "src/gauge/mod.rs",
            "use super::zoo;",
            "leaves its room by `super`",
        ),
        (
            "src/gauge/checker.rs",
            "use super::infer::infer;",
            "checker must not use",
        ),
        (
            "src/gauge/checker.rs",
            "use super::*;",
            "checker must not use",
        ),
        ("src/audit/x.rs", "use std::fs;", "must not use `std::fs`"),
        (
            "src/audit/x.rs",
            "use std::{env, io};",
            "must not use `std::env`",
        ),
        (
            "src/audit/x.rs",
            "fn f() { std::process::exit(1) }",
            "`std::process`",
        ),
        (
            "src/report/x.rs",
            "fn f() { println!(\"x\") }",
            "must not print",
        ),
        (
            "src/report/x.rs",
            "use crate::gauge;",
            "`report` must not use `gauge`",
        ),
        ("src/search/x.rs", "use lora_gauge::arith;", "by its name"),
        ("src/exec/x.rs", "fn f() { x.unwrap() }", "`.unwrap(`"),
        ("src/exec/x.rs", "fn f() { x.expect(\"y\") }", "`.expect(`"),
        ("src/exec/x.rs", "fn f() { panic!() }", "`panic!`"),
        ("src/attic/x.rs", "", "not in the table"),
    ] {
        let found = violations(path, source);
        assert!(
            found.iter().any(|v| v.contains(words)),
            "{path}: {source}: {found:?}"
        );
    }
    for (path, source) in [
        (
            "src/graph/x.rs",
            "use crate::arith::{Ratio, Function}; use super::node;",
        ),
        ("src/graph/print/x.rs", "use super::super::node;"),
        (
            "src/gauge/checker.rs",
            "use super::certificate::Certificate;",
        ),
        ("src/cli/x.rs", "use std::fs; fn f() { println!() }"),
        (
            "src/main.rs",
            "use std::process::ExitCode; fn main() { lora_gauge::cli::main() }",
        ),
        (
            "src/exec/x.rs",
            "fn f() { x.unwrap_or(0) } // x.unwrap()\n#[cfg(test)] mod tests { fn f() { x.unwrap() } }",
        ),
        (
            "src/audit/x.rs",
            "const X: &str = include_str!(\"a\"); const V: &str = env!(\"V\");",
        ),
    ] {
        assert!(
            violations(path, source).is_empty(),
            "{:?}",
            violations(path, source)
        );
    }
}
