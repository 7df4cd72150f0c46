//! The theorems that were compiled: the record of `proofs/build.sh` and the index in words.
//!
//! The record carries the digest of every source. A theorem is shown only while the sources
//! that are part of this program are the ones that were compiled, and while its words are those
//! that were written for its statement: the index holds the digest of the statement and of the
//! definitions in it. A test compiles the sources anew and compares the record byte for byte.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{PrintedDefinition, Theorem};

const RECORD: &str = include_str!("../../proofs/record.json");
const INDEX: &str = include_str!("../../proofs/theorems.toml");
const SOURCES: &[(&str, &str)] = &[
    ("model/Lora.v", include_str!("../../proofs/model/Lora.v")),
    (
        "theorems/Trajectory.v",
        include_str!("../../proofs/theorems/Trajectory.v"),
    ),
    (
        "theorems/Necessity.v",
        include_str!("../../proofs/theorems/Necessity.v"),
    ),
    (
        "theorems/DividedCondition.v",
        include_str!("../../proofs/theorems/DividedCondition.v"),
    ),
    (
        "theorems/Experiment.v",
        include_str!("../../proofs/theorems/Experiment.v"),
    ),
    (
        "theorems/Sgd.v",
        include_str!("../../proofs/theorems/Sgd.v"),
    ),
    (
        "accuracy/PowerOfTwo.v",
        include_str!("../../proofs/accuracy/PowerOfTwo.v"),
    ),
];

#[derive(Deserialize)]
struct Record {
    prover: String,
    sources: Vec<RecordedSource>,
    definitions: Vec<PrintedDefinition>,
    theorems: Vec<RecordedTheorem>,
}

#[derive(Deserialize)]
struct RecordedSource {
    file: String,
    sha256: String,
}

#[derive(Deserialize)]
struct RecordedTheorem {
    name: String,
    statement: String,
    definitions: Vec<String>,
    assumptions: Vec<String>,
}

#[derive(Deserialize)]
struct Index {
    theorem: Vec<IndexedTheorem>,
}

#[derive(Deserialize)]
struct IndexedTheorem {
    name: String,
    statement_sha256: String,
    claims: Vec<String>,
    says: String,
    hypotheses: Vec<String>,
}

/// The reason for which a theorem cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TheoremError {
    /// No compiled theorem has this name.
    #[error("no compiled theorem is called `{0}`; proofs/README.md lists them")]
    Unknown(String),
    /// The theorem does not bear on the claim.
    #[error("the theorem `{theorem}` does not bear on {claim}, according to proofs/theorems.toml")]
    Irrelevant {
        /// The theorem.
        theorem: String,
        /// The claim.
        claim: String,
    },
    /// The sources are not the ones that were compiled.
    #[error(
        "the proofs' sources are not those of the record: run `make proofs` and copy the new record"
    )]
    Stale,
    /// The words were written for another statement.
    #[error(
        "the words of `{0}` in proofs/theorems.toml were written for another statement: read them against the one in proofs/record.json and give them its digest"
    )]
    Reworded(String),
}

/// A theorem and what the index says of it.
struct Compiled {
    theorem: Theorem,
    claims: Vec<String>,
    /// `true` if the words were written for this statement.
    worded: bool,
}

/// All compiled theorems, or nothing when the record is stale.
fn theorems() -> Option<&'static [Compiled]> {
    static ALL: OnceLock<Option<Vec<Compiled>>> = OnceLock::new();
    ALL.get_or_init(|| read(RECORD, INDEX, SOURCES)).as_deref()
}

fn read(record: &str, index: &str, sources: &[(&str, &str)]) -> Option<Vec<Compiled>> {
    let record: Record = serde_json::from_str(record).ok()?;
    let index: Index = toml::from_str(index).ok()?;
    let same = record.sources.len() == sources.len()
        && record.sources.iter().all(|recorded| {
            let source = sources.iter().find(|(file, _)| *file == recorded.file);
            source.is_some_and(|(_, text)| digest(text) == recorded.sha256)
        });
    if !same {
        return None;
    }
    let theorems = record.theorems.into_iter().map(|compiled| {
        let words = index.theorem.iter().find(|t| t.name == compiled.name)?;
        let defined = |name: &String| record.definitions.iter().find(|d| d.name == *name).cloned();
        let definitions: Option<Vec<PrintedDefinition>> =
            compiled.definitions.iter().map(defined).collect();
        let theorem = Theorem {
            name: compiled.name,
            says: words.says.clone(),
            hypotheses: in_full(&index, words),
            statement: compiled.statement,
            definitions: definitions?,
            assumptions: compiled.assumptions,
            prover: record.prover.clone(),
        };
        Some(Compiled {
            worded: digest(&printed(&theorem)) == words.statement_sha256,
            claims: words.claims.clone(),
            theorem,
        })
    });
    theorems.collect()
}

/// The statement and its definitions, a line each: what the words of a theorem are about.
fn printed(theorem: &Theorem) -> String {
    let mut text = format!("{}\n", theorem.statement);
    for definition in &theorem.definitions {
        text.push_str(&definition.text);
        text.push('\n');
    }
    text
}

/// The hypotheses with every "those of X" replaced by the hypotheses of X.
fn in_full(index: &Index, theorem: &IndexedTheorem) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for hypothesis in &theorem.hypotheses {
        let other = hypothesis.strip_prefix("those of ").and_then(|name| {
            index
                .theorem
                .iter()
                .find(|t| t.name.ends_with(&format!(".{name}")))
        });
        match other {
            // The index refers to earlier entries only, so this ends.
            Some(other) if other.name != theorem.name => all.extend(in_full(index, other)),
            _ => all.push(hypothesis.clone()),
        }
    }
    all
}

fn digest(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The compiled theorem whose full name is `name` or ends in `.name`, as evidence on `claim`;
/// what follows a `-` in the claim's identifier names a part of it.
///
/// # Errors
/// [`TheoremError`] when there is none, it does not bear on the claim, or the record is stale.
pub fn theorem(name: &str, claim: &str) -> Result<&'static Theorem, TheoremError> {
    let all = theorems().ok_or(TheoremError::Stale)?;
    let own =
        |t: &&Compiled| t.theorem.name == name || t.theorem.name.ends_with(&format!(".{name}"));
    let compiled = all.iter().find(own);
    let compiled = compiled.ok_or_else(|| TheoremError::Unknown(name.to_owned()))?;
    if !compiled.worded {
        return Err(TheoremError::Reworded(compiled.theorem.name.clone()));
    }
    let whole = claim.split('-').next().unwrap_or(claim);
    if compiled.claims.iter().any(|c| c == whole || c == claim) {
        Ok(&compiled.theorem)
    } else {
        Err(TheoremError::Irrelevant {
            theorem: name.to_owned(),
            claim: claim.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_fits_the_sources() {
        assert!(theorems().is_some_and(|all| all.len() > 20));
    }

    #[test]
    fn a_theorem_speaks_only_on_its_claims() {
        assert!(theorem("Trajectory.note_no_op", "S2").is_ok());
        let other = theorem("Trajectory.note_no_op", "S9");
        assert!(matches!(other, Err(TheoremError::Irrelevant { .. })));
        assert!(matches!(
            theorem("Fermat", "S2"),
            Err(TheoremError::Unknown(_))
        ));
    }

    #[test]
    fn words_are_those_of_their_statement() {
        let all = theorems().expect("the record fits");
        for compiled in all {
            assert!(compiled.worded, "{}", compiled.theorem.name);
        }
        // Another statement, and another definition under the same statement.
        let statement = RECORD.replacen("\"statement\": \"", "\"statement\": \"forall x, ", 1);
        let defined = RECORD.replacen("(x.2 *m x.1)", "(x.1 *m x.2)", 1);
        for (record, least) in [(statement, 1), (defined, 10)] {
            let read = read(&record, INDEX, SOURCES).expect("the same sources");
            let reworded = read.iter().filter(|compiled| !compiled.worded).count();
            assert!(reworded >= least, "{reworded}");
        }
    }

    #[test]
    fn one_changed_letter_takes_every_theorem_away() {
        let mut sources = SOURCES.to_vec();
        let changed = sources[0].1.replacen('m', "n", 1);
        sources[0].1 = &changed;
        assert!(read(RECORD, INDEX, &sources).is_none());
        assert!(read(RECORD, INDEX, &SOURCES[1..]).is_none());
    }
}
