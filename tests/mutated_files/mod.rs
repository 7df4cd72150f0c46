//! Witnesses, claims and journals that somebody has changed: nothing panics, no refutation of what
//! is proved is confirmed, and memory stays small.
//!
//! The files are the same in every run. `LORA_GAUGE_CASES=20` makes 2,000 of each kind of 100.

mod claims;
mod journals;
mod mutate;
mod witnesses;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::cases::factor;

/// The most memory that a process may take, in KiB.
const MOST_MEMORY: u64 = 500_000;
/// No file may keep the program busy for longer.
const LONGEST: Duration = Duration::from_secs(60);
/// One file in so many is given to the program itself as well.
const TO_THE_PROGRAM: u64 = 10;

/// How many files of each kind.
fn cases() -> u64 {
    100 * factor()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files in a folder of the repository whose names end so, by name.
fn files(folder: &str, end: &str) -> Vec<String> {
    let folder = root().join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let of_kind = paths
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(end));
    of_kind
        .map(|path| std::fs::read_to_string(path).expect("a text"))
        .collect()
}

/// What a file came to, counted.
#[derive(Default)]
struct Counts {
    all: BTreeMap<String, u64>,
    slowest: (Duration, u64),
}

impl Counts {
    fn add(&mut self, what: impl Into<String>) {
        *self.all.entry(what.into()).or_default() += 1;
    }

    fn of(&self, what: &str) -> u64 {
        self.all.get(what).copied().unwrap_or(0)
    }

    fn took(&mut self, case: u64, time: Duration) {
        self.slowest = self.slowest.max((time, case));
    }

    /// Says everything, and that time and memory stayed within their limits.
    fn finish(&self, what: &str, started: Instant) {
        let memory = peak();
        println!(
            "{what}: {:?}; the slowest took {:.2} s (case {}), all together {:.1} s; memory at most {} MB",
            self.all,
            self.slowest.0.as_secs_f64(),
            self.slowest.1,
            started.elapsed().as_secs_f64(),
            memory.map_or(0, |kib| kib / 1000),
        );
        assert!(
            self.slowest.0 < LONGEST,
            "case {} takes {:?}",
            self.slowest.1,
            self.slowest.0
        );
        assert!(memory.is_none_or(|kib| kib < MOST_MEMORY), "{memory:?} KiB");
    }
}

/// The most memory that this process has held so far, in KiB, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// What the library makes of case `case`, which must not panic.
fn unharmed<T>(what: &str, case: u64, text: &str, then: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(then))
        .unwrap_or_else(|_| panic!("{what} {case} panics:\n{}", shortened(text)))
}

fn shortened(text: &str) -> String {
    text.chars().take(6000).collect()
}

/// A message is one that may be printed.
fn plain(message: &str) {
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!message.contains(control), "{message:?}");
}

/// What the program does with these arguments when it may not take more memory than it should:
/// its exit status, which is a documented one, and what it prints.
fn program(args: &[&str]) -> (i32, String, String) {
    let mut command = match cfg!(target_os = "linux") {
        true => {
            let mut shell = Command::new("sh");
            let script = format!("ulimit -v {MOST_MEMORY}; exec \"$0\" \"$@\"");
            shell.args(["-c", &script, env!("CARGO_BIN_EXE_lora-gauge")]);
            shell
        }
        false => Command::new(env!("CARGO_BIN_EXE_lora-gauge")),
    };
    let command = command
        .args(args)
        .args(["--threads", "2"])
        .current_dir(root());
    let output = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code();
    let code = code.unwrap_or_else(|| panic!("{args:?} ends with {}: {err}", output.status));
    assert!(
        [0, 1, 2, 64].contains(&code),
        "{args:?} ends with {code}: {err}"
    );
    assert!(!err.contains("panicked"), "{args:?}: {err}");
    plain(&out);
    plain(&err);
    assert!(code != 64 || !err.is_empty(), "{args:?} says nothing");
    (code, out, err)
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
