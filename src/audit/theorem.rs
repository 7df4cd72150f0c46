//! The theorems that were compiled: the record of `proofs/build.sh` and the index in words.
//!
//! The record carries the digest of every source. A theorem is shown only while the sources
//! that are part of this program are the ones that were compiled; a test compiles them anew and
//! compares the record byte for byte.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Theorem;

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
    assumptions: Vec<String>,
}

#[derive(Deserialize)]
struct Index {
    theorem: Vec<IndexedTheorem>,
}

#[derive(Deserialize)]
struct IndexedTheorem {
    name: String,
    claims: Vec<String>,
    says: String,
    hypotheses: Vec<String>,
}

/// Why a theorem cannot be shown.
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
}

/// A theorem and the claims it bears on.
type Compiled = (Theorem, Vec<String>);

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
    let theorems = record.theorems.into_iter().filter_map(|compiled| {
        let words = index.theorem.iter().find(|t| t.name == compiled.name)?;
        let theorem = Theorem {
            name: compiled.name,
            says: words.says.clone(),
            hypotheses: in_full(&index, words),
            assumptions: compiled.assumptions,
            prover: record.prover.clone(),
        };
        Some((theorem, words.claims.clone()))
    });
    Some(theorems.collect())
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
    let (theorem, claims) = all
        .iter()
        .find(|(t, _)| t.name == name || t.name.ends_with(&format!(".{name}")))
        .ok_or_else(|| TheoremError::Unknown(name.to_owned()))?;
    let whole = claim.split('-').next().unwrap_or(claim);
    if claims.iter().any(|c| c == whole) {
        Ok(theorem)
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
    fn one_changed_letter_takes_every_theorem_away() {
        let mut sources = SOURCES.to_vec();
        let changed = sources[0].1.replacen('m', "n", 1);
        sources[0].1 = &changed;
        assert!(read(RECORD, INDEX, &sources).is_none());
        assert!(read(RECORD, INDEX, &SOURCES[1..]).is_none());
    }
}
