//! What a campaign has done so far, kept in a folder so that nothing is lost and nothing done
//! twice.
//!
//! `journal.jsonl` begins with a line that says what the campaign was asked for; then comes a line
//! for every finished chunk, written and flushed at once. Whatever ends the program, at most its
//! last line is torn, and what is torn counts as not done.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cli::Failure;
use crate::search::{Build, CHUNK, Parameters, Totals};

/// The name of the file.
const NAME: &str = "journal.jsonl";
/// The schema name in its first line.
const SCHEMA: &str = "lora-gauge/search-journal/2";
/// As many cases as `search` draws at most.
const MOST_CASES: u64 = 1_000_000_000_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: String,
    parameters: Parameters,
    build: Build,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    chunk: u64,
    totals: Totals,
    /// Of chunk and totals.
    sha256: String,
}

/// The digest of a line's content, in hexadecimal.
fn digest(chunk: u64, totals: &Totals) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(&(chunk, totals))?;
    let bytes = Sha256::digest(text.as_bytes());
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A campaign's journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

/// What a journal holds.
pub(super) struct Recorded {
    /// What the campaign was asked for.
    pub parameters: Parameters,
    /// The finished chunks by number.
    pub chunks: BTreeMap<u64, Totals>,
    /// The length of what is whole.
    length: u64,
}

impl Journal {
    /// Opens the journal in `folder`, which is created where it is missing, or begins one: the
    /// journal and the chunks that are done. Another process cannot open it meanwhile.
    pub fn open(
        folder: &Path,
        parameters: &Parameters,
    ) -> Result<(Self, BTreeMap<u64, Totals>), Failure> {
        let path = folder.join(NAME);
        let wrong = |e: io::Error| Failure::in_file(&path, format!("cannot be opened: {e}"));
        std::fs::create_dir_all(folder).map_err(wrong)?;
        refuse_links(&path)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::in_file(&path, "another process is at work here"));
            }
            Err(TryLockError::Error(e)) => return Err(wrong(e)),
        }
        let recorded = parse(&path, &read_all(&mut file).map_err(wrong)?)?;
        let (length, chunks) = match recorded {
            Some(recorded) => {
                refuse_others(&path, &recorded.parameters, parameters)?;
                (recorded.length, recorded.chunks)
            }
            None => (0, BTreeMap::new()),
        };
        file.set_len(length).map_err(wrong)?;
        file.seek(SeekFrom::End(0)).map_err(wrong)?;
        let mut journal = Self { path, file };
        if length == 0 {
            journal.write(&Head {
                schema: SCHEMA.to_owned(),
                parameters: parameters.clone(),
                build: Build::this(&super::properties()),
            })?;
        }
        Ok((journal, chunks))
    }

    /// Records a finished chunk.
    pub fn add(&mut self, chunk: u64, totals: &Totals) -> Result<(), Failure> {
        let sha256 = digest(chunk, totals)
            .map_err(|e| Failure::in_file(&self.path, format!("cannot be written: {e}")))?;
        self.write(&Line {
            chunk,
            totals: totals.clone(),
            sha256,
        })
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let wrong = |e: &dyn std::fmt::Display| {
            Failure::in_file(&self.path, format!("cannot be written: {e}"))
        };
        let mut line = serde_json::to_string(value).map_err(|e| wrong(&e))?;
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        written
            .and_then(|()| self.file.flush())
            .map_err(|e| wrong(&e))
    }
}

/// A link would have us read or write somewhere else.
pub(super) fn refuse_links(path: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(Failure::in_file(
            path,
            "found a link or something else that is no file, expected a file",
        )),
        _ => Ok(()),
    }
}

/// The journal in `folder` as it stands.
pub(super) fn read(folder: &Path) -> Result<Recorded, Failure> {
    let path = folder.join(NAME);
    let advice = "give the folders that `lora-gauge search --out` has filled, one for each shard";
    let wrong =
        |e: io::Error| Failure::in_file(&path, format!("cannot be read: {e}")).advise(advice);
    refuse_links(&path)?;
    let mut file = File::open(&path).map_err(wrong)?;
    let recorded = parse(&path, &read_all(&mut file).map_err(wrong)?)?;
    recorded.ok_or_else(|| Failure::in_file(&path, "the journal is empty").advise(advice))
}

fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the whole lines say; `None` where there is not even a first one.
fn parse(path: &Path, bytes: &[u8]) -> Result<Option<Recorded>, Failure> {
    let mut recorded: Option<Recorded> = None;
    let mut plan = None;
    let mut length = 0;
    for (number, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        if line.last() != Some(&b'\n') {
            break;
        }
        let wrong = |message: String| {
            Failure::in_file(path, format!("line {}: {message}", number + 1))
                .advise("take another folder, or remove this one to begin anew")
        };
        let malformed = |e: serde_json::Error| wrong(format!("not a line of a journal: {e}"));
        match &mut recorded {
            None => {
                let head: Head = serde_json::from_slice(line).map_err(malformed)?;
                if head.schema != SCHEMA {
                    let message = format!("found schema `{}`, expected `{SCHEMA}`", head.schema);
                    return Err(wrong(message));
                }
                if head.parameters.cases > MOST_CASES {
                    let found = head.parameters.cases;
                    let message = format!("found {found} cases, expected at most {MOST_CASES}");
                    return Err(wrong(message));
                }
                if head.build != Build::this(&super::properties()) {
                    let message = "it is of another build: other features, or other tables";
                    return Err(wrong(message.to_owned()));
                }
                plan = Some(super::plan(&head.parameters)?);
                recorded = Some(Recorded {
                    parameters: head.parameters,
                    chunks: BTreeMap::new(),
                    length: 0,
                });
            }
            Some(recorded) => {
                let Line {
                    chunk,
                    totals,
                    sha256,
                } = serde_json::from_slice(line).map_err(malformed)?;
                if digest(chunk, &totals).map_err(malformed)? != sha256 {
                    return Err(wrong(
                        "its content has not the digest that it states".into(),
                    ));
                }
                let Parameters { shard, cases, .. } = recorded.parameters;
                if chunk % shard.count != shard.index || chunk >= cases.div_ceil(CHUNK) {
                    return Err(wrong(format!("chunk {chunk} is not one of shard {shard}")));
                }
                if let Some(plan) = &plan {
                    let expected = plan.expected(cases);
                    expected
                        .check(chunk, &totals)
                        .map_err(|e| wrong(e.to_string()))?;
                }
                if recorded.chunks.insert(chunk, totals).is_some() {
                    return Err(wrong(format!("chunk {chunk} is recorded twice")));
                }
            }
        }
        length += line.len() as u64;
    }
    Ok(recorded.map(|recorded| Recorded { length, ..recorded }))
}

fn refuse_others(path: &Path, found: &Parameters, asked: &Parameters) -> Result<(), Failure> {
    if found == asked {
        return Ok(());
    }
    let list = |names: &[String]| match names {
        [] => "all".to_owned(),
        names => names.join(", "),
    };
    let fields = |p: &Parameters| {
        [
            ("tool", p.tool.clone()),
            ("seed", p.seed.to_string()),
            ("cases", p.cases.to_string()),
            ("shard", p.shard.to_string()),
            ("optimizer", list(&p.optimizers)),
            ("arith", list(&p.arithmetics)),
            ("property", list(&p.properties)),
        ]
    };
    let pairs = fields(found).into_iter().zip(fields(asked));
    let different = pairs.filter(|(found, asked)| found != asked);
    let words: Vec<String> = different
        .map(|((name, found), (_, asked))| format!("{name}: found {found}, asked for {asked}"))
        .collect();
    let message = format!("is of another campaign ({})", words.join("; "));
    Err(Failure::in_file(path, message).advise("take another folder for another campaign"))
}
