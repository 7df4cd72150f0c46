//! The command line, from outside: what comes back on stdout, on stderr and as exit status.

mod audit;
mod bad_input;
mod colour;
mod defined;
mod latex;
mod precision;
mod replay;
mod rules;
mod run;
mod search;

use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;

/// How a command ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The JSON document on stdout.
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// `lora-gauge` with these arguments, in the root of the repository, without colour settings.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lora-gauge"));
    command
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .timeout(Duration::from_secs(600));
    command
}

fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("the command starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        code: output.status.code().expect("an exit status, not a signal"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Runs it to the end.
pub fn lora(args: &[&str]) -> Ran {
    finish(&mut command(args))
}

/// A folder that is removed again, with one file.
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path as text.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file in a temporary folder");
        path.to_str().expect("a path in UTF-8").to_owned()
    }
}

/// The content of a file of the repository.
fn content(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn help_and_version_are_results() {
    for args in [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["audit", "--help"],
        &["replay", "--help"],
        &["rules", "--help"],
        &["search", "--help"],
        &["merge", "--help"],
    ] {
        let ran = lora(args);
        assert_eq!(ran.code, 0, "{args:?}");
        assert!(!ran.out.is_empty() && ran.err.is_empty(), "{args:?}");
    }
    assert!(lora(&["--help"]).out.contains("Exit status"));
}

#[test]
fn wrong_usage_is_64() {
    for args in [
        &[][..],
        &["nonsense"],
        &["run"],
        &["run", "tests/golden/sgd.json", "--nonsense"],
        &["run", "tests/golden/sgd.json", "--steps", "-1"],
        &["run", "tests/golden/sgd.json", "--color", "blue"],
        &["run", "tests/golden/sgd.json", "--threads", "0"],
        &["rules", "--json", "--latex"],
    ] {
        let ran = lora(args);
        assert_eq!(ran.code, 64, "{args:?}: {}", ran.err);
        assert!(!ran.err.is_empty() && ran.out.is_empty(), "{args:?}");
    }
}

#[test]
fn nothing_depends_on_the_number_of_threads_or_on_the_time() {
    for args in [
        &["run", "tests/golden/sgd_wd.json", "--json"][..],
        &[
            "run",
            "tests/scenarios/seed.toml",
            "--arith",
            "f32",
            "--json",
        ],
        &["rules", "--json"],
        &["rules", "--clip", "norm", "--invariants"],
        &["replay", "tests/scenarios/rate_alone.json", "--json"],
    ] {
        let first = lora(args);
        assert!(first.code < 2, "{args:?}: {}", first.err);
        for threads in ["1", "2"] {
            let again = lora(&[args, &["--threads", threads]].concat());
            assert!(again.out == first.out, "{args:?} with {threads} threads");
        }
    }
}
