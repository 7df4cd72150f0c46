//! The proofs are rebuilt from clean and must say what the committed record says; and a
//! build that accepted anything at all would be worth nothing, so it is also given proofs
//! that must fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const SKIP: &str = "LORA_GAUGE_SKIP_PROOFS";

fn proofs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether Coq is to be run. A machine without it fails the test, unless told to do without.
fn coq_wanted(what: &str) -> bool {
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        println!("{what}: LEFT OUT, because {SKIP}=1; nothing was proved in this run");
        return false;
    }
    assert!(
        Command::new("coqc").arg("--version").output().is_ok(),
        "coqc is not installed, so the proofs cannot be checked. Install it, on Debian or Ubuntu with\n  \
         apt-get install coq libcoq-mathcomp-algebra libcoq-mathcomp-algebra-tactics libcoq-flocq\n\
         or set {SKIP}=1 to leave the proofs out."
    );
    true
}

fn build(source: &Path, into: &Path) -> Output {
    Command::new("bash")
        .arg(proofs().join("build.sh"))
        .arg(into)
        .arg(source)
        .output()
        .expect("bash runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_clean_build_gives_the_committed_record() {
    if !coq_wanted("building the proofs") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("build");
    let output = build(&proofs(), &out);
    assert!(output.status.success(), "{}", stderr(&output));
    let (fresh, committed) = (
        read(&out.join("record.json")),
        read(&proofs().join("record.json")),
    );
    let parse = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let (ours, theirs) = (parse(&fresh), parse(&committed));
    let advice = "proofs/record.json is out of date; proofs/build.sh writes the new one";
    if ours["prover"] == theirs["prover"] {
        assert!(fresh == committed, "{advice}");
    } else {
        // Another version prints the same statements in other words; the rest must agree.
        assert!(essentials(ours) == essentials(theirs), "{advice}");
    }
}

/// The record without the prover's version and its way of printing statements.
fn essentials(mut record: serde_json::Value) -> serde_json::Value {
    record["prover"].take();
    for theorem in record["theorems"].as_array_mut().unwrap() {
        assert!(!theorem["statement"].take().as_str().unwrap().is_empty());
    }
    for definition in record["definitions"].as_array_mut().unwrap() {
        assert!(!definition["text"].take().as_str().unwrap().is_empty());
    }
    record
}

/// A room of one file, small enough to be compiled in a moment.
struct Room(TempDir);

impl Room {
    /// Its words are those of another prover, so that they are not compared.
    fn new(source: &str, theorems: &[&str], allowed: &str) -> Self {
        Self::worded(source, theorems, allowed, "Coq 0", "")
    }

    /// The words are of what `prover` prints, with this digest.
    fn worded(source: &str, theorems: &[&str], allowed: &str, prover: &str, sum: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("_CoqProject", "-R . Small\nOne.v\n");
        write("One.v", source);
        write("allowed-axioms.txt", allowed);
        let entry = |name: &&str| {
            format!(
                "[[theorem]]\nname = \"Small.One.{name}\"\nfile = \"One.v\"\nstatement_sha256 = \"{sum}\"\n"
            )
        };
        let entries: String = theorems.iter().map(entry).collect();
        write(
            "theorems.toml",
            &format!("prover = \"{prover}\"\n{entries}"),
        );
        Room(folder)
    }

    fn build(&self) -> Output {
        build(self.0.path(), &self.0.path().join("build"))
    }

    /// Builds, and expects a refusal that says all of `words`.
    fn refused(&self, words: &[&str]) {
        let output = self.build();
        let said = stderr(&output);
        assert_eq!(
            output.status.code(),
            Some(1),
            "accepted, or failed in another way:\n{said}"
        );
        for word in words {
            assert!(said.contains(word), "`{word}` is not in:\n{said}");
        }
        assert!(
            !self.0.path().join("build/record.json").exists(),
            "a record of a failed build"
        );
    }
}

const SOUND: &str = "Theorem two : 1 + 1 = 2.\nProof. reflexivity. Qed.\n";

#[test]
fn a_sound_room_is_accepted() {
    if !coq_wanted("a sound room") {
        return;
    }
    // words in comments and strings, and hypotheses of a section, are no assumptions
    let source = format!(
        "(* no Admitted (* no Axiom *) here *)\nSection S.\nHypothesis h : 0 = 0.\n\
         Definition text := 1.\n{SOUND}End S.\n"
    );
    let room = Room::new(&source, &["two"], "");
    let output = room.build();
    assert!(output.status.success(), "{}", stderr(&output));
    let record: serde_json::Value =
        serde_json::from_str(&read(&room.0.path().join("build/record.json"))).unwrap();
    assert_eq!(record["schema"], "lora-gauge/proofs/1");
    assert_eq!(record["theorems"][0]["name"], "Small.One.two");
    assert_eq!(record["theorems"][0]["statement"], "1 + 1 = 2");
    assert_eq!(record["theorems"][0]["assumptions"], serde_json::json!([]));
    // the same folder once more: it is cleared, and the record is the same
    let again = room.build();
    assert!(again.status.success(), "{}", stderr(&again));
    let second: serde_json::Value =
        serde_json::from_str(&read(&room.0.path().join("build/record.json"))).unwrap();
    assert_eq!(record, second);
}

#[test]
fn an_unproved_statement_is_refused() {
    if !coq_wanted("an unproved statement") {
        return;
    }
    Room::new("Theorem two : 1 + 1 = 3.\nAdmitted.\n", &["two"], "")
        .refused(&["unproved", "One.v:2: Admitted"]);
    Room::new(
        "Theorem two : 1 + 1 = 3.\nProof. admit. Admitted.\n",
        &["two"],
        "",
    )
    .refused(&["One.v:2: admit"]);
}

#[test]
fn an_axiom_in_the_sources_is_refused() {
    if !coq_wanted("an axiom") {
        return;
    }
    for word in ["Axiom", "Parameter", "Conjecture"] {
        let source = format!(
            "{word} wrong : 1 + 1 = 3.\nTheorem two : 1 + 1 = 3.\nProof. exact wrong. Qed.\n"
        );
        Room::new(&source, &["two"], "wrong\nSmall.One.wrong\n")
            .refused(&[&format!("One.v:1: {word}")]);
    }
    let source = "Section S. End S.\nHypothesis wrong : 1 + 1 = 3.\n\
                  Theorem two : 1 + 1 = 3.\nProof. exact wrong. Qed.\n";
    Room::new(source, &["two"], "").refused(&["One.v:2: Hypothesis outside a section"]);
}

#[test]
fn an_axiom_from_elsewhere_is_refused_unless_allowed() {
    if !coq_wanted("an imported axiom") {
        return;
    }
    let source = "From Coq Require Import Classical.\n\
                  Theorem middle (P : Prop) : P \\/ ~ P.\nProof. exact (classic P). Qed.\n";
    Room::new(source, &["middle"], "# nothing\n").refused(&[
        "Small.One.middle",
        "Classical_Prop.classic",
        "allowed-axioms.txt",
    ]);
    let room = Room::new(source, &["middle"], "Classical_Prop.classic # fine\n");
    let output = room.build();
    assert!(output.status.success(), "{}", stderr(&output));
    let record: serde_json::Value =
        serde_json::from_str(&read(&room.0.path().join("build/record.json"))).unwrap();
    assert_eq!(
        record["theorems"][0]["statement"],
        "forall P : Prop, P \\/ ~ P"
    );
    assert_eq!(
        record["theorems"][0]["assumptions"],
        serde_json::json!(["Classical_Prop.classic"])
    );
}

#[test]
fn a_broken_proof_is_refused() {
    if !coq_wanted("a broken proof") {
        return;
    }
    Room::new(
        "Theorem two : 1 + 1 = 3.\nProof. reflexivity. Qed.\n",
        &["two"],
        "",
    )
    .refused(&["One.v\", line 2", "One.v: does not compile"]);
}

#[test]
fn index_and_sources_must_agree() {
    if !coq_wanted("an index with a gap") {
        return;
    }
    Room::new(SOUND, &[], "").refused(&["One.v:1", "Small.One.two is not in theorems.toml"]);
    Room::new(SOUND, &["two", "three"], "")
        .refused(&["Small.One.three is no theorem of the sources"]);
}

/// The words of a theorem are refused once its statement or a definition in it has changed.
#[test]
fn words_for_another_statement_are_refused() {
    if !coq_wanted("words for another statement") {
        return;
    }
    let source = |of_definition: &str, of_statement: &str| {
        format!(
            "Definition one := {of_definition}.\nDefinition other := 7.\n\
             Theorem two : one + {of_statement} = {of_statement} + one.\nProof. reflexivity. Qed.\n"
        )
    };
    let version = Command::new("coqc")
        .arg("--print-version")
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let prover = format!("Coq {}", version.split(' ').next().unwrap());
    let room = |source: &str, sum: &str| Room::worded(source, &["two"], "", &prover, sum);

    let output = room(&source("1", "1"), "").build();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let (_, rest) = said.split_once("statement_sha256 = \"").unwrap();
    let (sum, _) = rest.split_once('"').unwrap();

    let same = room(&source("1", "1"), sum).build();
    assert!(same.status.success(), "{}", stderr(&same));
    // A definition that the statement does not use is no concern of its words.
    let elsewhere = source("1", "1").replace("other := 7", "other := 8");
    let elsewhere = room(&elsewhere, sum).build();
    assert!(elsewhere.status.success(), "{}", stderr(&elsewhere));
    for changed in [source("2", "1"), source("1", "2")] {
        room(&changed, sum).refused(&["Small.One.two", "another statement"]);
    }
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    if !coq_wanted("a folder in use") {
        return;
    }
    let room = Room::new(SOUND, &["two"], "");
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("precious"), "1").unwrap();
    let output = build(room.0.path(), folder.path());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(read(&folder.path().join("precious")), "1");
}

/// Index, record and page list the same theorems with the same claims and assumptions.
#[test]
fn index_record_and_page_agree() {
    let index: toml::Table = toml::from_str(&read(&proofs().join("theorems.toml"))).unwrap();
    let record: serde_json::Value =
        serde_json::from_str(&read(&proofs().join("record.json"))).unwrap();
    let page = read(&proofs().join("README.md"));

    let indexed: Vec<&toml::Table> = index["theorem"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry.as_table().unwrap())
        .collect();
    let recorded = record["theorems"].as_array().unwrap();
    assert!(!indexed.is_empty());
    assert_eq!(indexed.len(), recorded.len());

    // rows of the tables of theorems: | `name` | statement | hypotheses | axioms | claims |
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(str::trim)
                .collect::<Vec<_>>()
        })
        .filter(|row| row.len() == 5)
        .collect();
    let letters: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| ")?
                .strip_suffix("` |")?
                .split_once(" | `")
        })
        .collect();

    let mut seen = BTreeSet::new();
    for (entry, proved) in indexed.iter().zip(recorded) {
        let name = entry["name"].as_str().unwrap();
        assert!(seen.insert(name), "{name} stands twice in the index");
        assert_eq!(proved["name"], name, "index and record differ in order");
        assert_eq!(proved["file"], entry["file"].as_str().unwrap(), "{name}");
        assert!(
            !entry["says"].as_str().unwrap().is_empty(),
            "{name} says nothing"
        );
        assert!(
            !entry["hypotheses"].as_array().unwrap().is_empty(),
            "{name} has no hypotheses"
        );

        let short = name.rsplit('.').next().unwrap();
        let quoted = format!("`{short}`");
        let row: Vec<_> = rows.iter().filter(|row| row[0] == quoted).collect();
        assert_eq!(
            row.len(),
            1,
            "{short} stands {} times in README.md",
            row.len()
        );
        let claims: Vec<&str> = entry["claims"]
            .as_array()
            .unwrap()
            .iter()
            .map(|claim| claim.as_str().unwrap())
            .collect();
        assert_eq!(
            row[0][4],
            claims.join(", "),
            "claims of {short} in README.md"
        );
        let axioms: Vec<&str> = proved["assumptions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|axiom| {
                let full = axiom.as_str().unwrap();
                letters
                    .iter()
                    .find(|(_, name)| *name == full)
                    .unwrap_or_else(|| panic!("{full} is not in README.md"))
                    .0
            })
            .collect();
        let axioms = if axioms.is_empty() {
            "closed".to_owned()
        } else {
            axioms.join(", ")
        };
        assert_eq!(row[0][3], axioms, "axioms of {short} in README.md");
    }
    assert_eq!(
        rows.len(),
        indexed.len(),
        "README.md has a theorem that the index lacks"
    );
}
