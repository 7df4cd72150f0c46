//! `rules --latex` is a document that LaTeX compiles.

use std::path::Path;
use std::process::{Command, Stdio};

use super::lora;

/// Whether braces, environments and math switches are closed in order.
fn assert_balanced(text: &str) {
    let mut depth = 0i64;
    let mut dollars = 0;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            '$' => dollars += 1,
            _ => {}
        }
        assert!(depth >= 0, "a brace is closed that was not opened");
    }
    assert_eq!((depth, dollars % 2), (0, 0), "braces and dollars");
    let count = |what: &str| text.matches(what).count();
    assert_eq!(count("\\begin{"), count("\\end{"));
    assert_eq!(count("\\left"), count("\\right"));
}

/// What pdflatex says of `text`; `None` where there is no pdflatex.
fn pdflatex(text: &str, folder: &Path) -> Option<(bool, String)> {
    std::fs::write(folder.join("rules.tex"), text).expect("a file in an empty folder");
    let ran = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-halt-on-error", "rules.tex"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let log = String::from_utf8_lossy(&ran.stdout).into_owned();
    Some((ran.status.success(), log))
}

#[test]
fn the_rules_of_all_optimizers_compile() {
    let names: Vec<&str> = lora_gauge::zoo::optimizers::OPTIMIZERS
        .iter()
        .map(|o| o.name)
        .collect();
    let arguments: Vec<&str> = ["rules", "--latex"].into_iter().chain(names).collect();
    let ran = lora(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_balanced(&ran.out);
    let folder = tempfile::tempdir().expect("a folder");
    match pdflatex(&ran.out, folder.path()) {
        None => eprintln!("pdflatex is not installed: checked for balance, not compiled"),
        Some((compiled, log)) => {
            assert!(compiled, "{log}");
            assert!(folder.path().join("rules.pdf").is_file());
        }
    }
}

#[test]
fn what_does_not_compile_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = "\\documentclass{article}\\begin{document}$\\undefined$\\end{document}";
    if let Some((compiled, _)) = pdflatex(broken, folder.path()) {
        assert!(!compiled);
    }
}
