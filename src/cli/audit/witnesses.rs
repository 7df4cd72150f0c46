//! The counterexamples of an audit as files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::AuditArgs;
use crate::audit::Judged;
use crate::cli::{Failure, files};

/// The folder beside the reports.
const FOLDER: &str = "witnesses";

/// Writes every witness and enters its path in its judgement. The folder, or `None` where none
/// is wanted; the judgements then name no file, since there is none.
pub(super) fn write(judged: &mut [Judged], args: &AuditArgs) -> Result<Option<PathBuf>, Failure> {
    let Some((folder, shown)) = place(args) else {
        for one in judged {
            one.judgement.witness = None;
        }
        return Ok(None);
    };
    let mut taken = BTreeSet::new();
    for one in judged {
        let judgement = &mut one.judgement;
        let Some(witness) = &one.witness else {
            judgement.witness = None;
            continue;
        };
        let name = file_name(&judgement.id, &mut taken);
        let text = witness
            .to_json()
            .map_err(|e| Failure::new(format!("claim {}: {e}", judgement.id)))?;
        files::write(&folder.join(&name), &text)?;
        judgement.witness = Some(format!("{shown}/{name}"));
    }
    Ok(Some(folder))
}

/// The folder, and how a report speaks of it: as seen from the reports where it lies beside
/// them, so that they can be moved together.
fn place(args: &AuditArgs) -> Option<(PathBuf, String)> {
    if let Some(out) = &args.out {
        return Some((out.clone(), out.display().to_string()));
    }
    let json = args.json.iter().flatten();
    let reports: Vec<&PathBuf> = json.chain(&args.html).chain(&args.markdown).collect();
    let parent = |path: &&PathBuf| path.parent().unwrap_or(Path::new("")).to_owned();
    let beside = reports.first().map(parent)?;
    let folder = beside.join(FOLDER);
    let together = reports.iter().all(|path| parent(path) == beside);
    let shown = if together {
        FOLDER.to_owned()
    } else {
        folder.display().to_string()
    };
    Some((folder, shown))
}

/// A file name for a claim's identifier, which may hold anything, since users choose it.
fn file_name(id: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            c
        } else {
            '-'
        }
    };
    let stem: String = id.chars().take(80).map(plain).collect();
    let stem = if stem.is_empty() {
        "claim".to_owned()
    } else {
        stem
    };
    let numbered = (2..).map(|n| format!("{stem}-{n}"));
    std::iter::once(stem.clone())
        .chain(numbered)
        // Some file systems do not tell capitals from small letters.
        .find(|name| taken.insert(name.to_lowercase()))
        .map(|name| format!("{name}.json"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_become_harmless_names() {
        let mut taken = BTreeSet::new();
        let mut name = |id: &str| file_name(id, &mut taken);
        assert_eq!(name("S4"), "S4.json");
        assert_eq!(name("s4"), "s4-2.json");
        assert_eq!(name("../../etc/passwd"), "------etc-passwd.json");
        assert_eq!(name(""), "claim.json");
        assert_eq!(name("\u{1b}[31m"), "--31m.json");
        assert!(name(&"x".repeat(500)).len() < 100);
    }
}
