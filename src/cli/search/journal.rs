//! What a campaign has done so far, kept in a folder so that nothing is lost and nothing done
//! twice.
//!
//! `journal.jsonl` begins with a line that says what the campaign was asked for; then comes a line
//! for every finished chunk, written and flushed at once. Whatever ends the program, at most its
//! last line is torn, and what is torn counts as not done.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cli::Failure;
use crate::search::{Build, CHUNK, Campaign, Parameters, Totals, hexadecimal};

/// The name of the file.
const NAME: &str = "journal.jsonl";
/// The schema name in its first line.
const SCHEMA: &str = "lora-gauge/search-journal/2";
/// As many cases as `search` draws at most.
const MOST_CASES: u64 = 1_000_000_000_000;
/// No chunk takes a longer line, in bytes.
const LONGEST_LINE: u64 = 4 << 20;

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
    Ok(hexadecimal(&Sha256::digest(text.as_bytes())))
}

/// A campaign's journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

/// The content of a journal.
pub(super) struct Recorded {
    /// The parameters of the campaign.
    pub parameters: Parameters,
    /// The finished chunks.
    pub done: Done,
    /// The length of what is whole.
    length: u64,
}

/// The finished chunks of a journal: their numbers, and what they come to together.
#[derive(Default)]
pub(super) struct Done {
    /// The numbers.
    pub chunks: BTreeSet<u64>,
    /// Their totals.
    pub totals: Totals,
}

impl Journal {
    /// Opens the journal in `folder`, which is created where it is missing, or begins one: the
    /// journal and the chunks that are done. Another process cannot open it meanwhile.
    pub fn open(folder: &Path, parameters: &Parameters) -> Result<(Self, Done), Failure> {
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
        let (length, done) = match parse(&path, &file, &wrong)? {
            Some(recorded) => {
                refuse_others(&path, &recorded.parameters, parameters)?;
                (recorded.length, recorded.done)
            }
            None => (0, Done::default()),
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
        Ok((journal, done))
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
    let file = File::open(&path).map_err(wrong)?;
    let recorded = parse(&path, &file, &wrong)?;
    recorded.ok_or_else(|| Failure::in_file(&path, "the journal is empty").advise(advice))
}

/// The content of the whole lines, of which no more than one is held at a time; `None` where there
/// is not even a first one.
fn parse(
    path: &Path,
    file: &File,
    unreadable: &dyn Fn(io::Error) -> Failure,
) -> Result<Option<Recorded>, Failure> {
    let mut reader = BufReader::new(file);
    let mut open: Option<(Campaign, Recorded)> = None;
    let mut line = vec![];
    for number in 1u64.. {
        line.clear();
        let mut limited = (&mut reader).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut line).map_err(unreadable)?;
        let wrong = |message: String| {
            Failure::in_file(path, format!("line {number}: {message}"))
                .advise("take another folder, or remove this one to begin anew")
        };
        if line.last() != Some(&b'\n') {
            if line.len() as u64 == LONGEST_LINE {
                let message = format!("is longer than {} MiB", LONGEST_LINE >> 20);
                return Err(wrong(format!("not a line of a journal: {message}")));
            }
            break;
        }
        match &mut open {
            None => open = Some(head(&line, &wrong)?),
            Some((campaign, recorded)) => {
                let (chunk, totals) = finished(&line, campaign, &recorded.parameters, &wrong)?;
                if !recorded.done.chunks.insert(chunk) {
                    return Err(wrong(format!("chunk {chunk} is recorded twice")));
                }
                recorded.done.totals.join(totals);
                recorded.length += line.len() as u64;
            }
        }
    }
    Ok(open.map(|(_, recorded)| recorded))
}

/// The content of the first line, of a journal with nothing done.
fn head(line: &[u8], wrong: &dyn Fn(String) -> Failure) -> Result<(Campaign, Recorded), Failure> {
    let head: Head =
        serde_json::from_slice(line).map_err(|e| wrong(format!("not a line of a journal: {e}")))?;
    if head.schema != SCHEMA {
        let message = format!("found schema `{}`, expected `{SCHEMA}`", head.schema);
        return Err(wrong(message));
    }
    if head.parameters.cases > MOST_CASES {
        let found = head.parameters.cases;
        let message = format!("found {found} cases, expected at most {MOST_CASES}");
        return Err(wrong(message));
    }
    let own = &head.parameters;
    let lists = [&own.optimizers, &own.arithmetics, &own.properties];
    let in_order = |names: &&Vec<String>| names.windows(2).all(|pair| pair[0] < pair[1]);
    if let Some(names) = lists.into_iter().find(|names| !in_order(names)) {
        let message = format!(
            "found {} names out of order, expected each once",
            names.len()
        );
        return Err(wrong(message));
    }
    if head.build != Build::this(&super::properties()) {
        let message = "it is of another build: other features, or other tables";
        return Err(wrong(message.to_owned()));
    }
    let campaign = super::campaign(&head.parameters)?;
    let recorded = Recorded {
        parameters: head.parameters,
        done: Done::default(),
        length: line.len() as u64,
    };
    Ok((campaign, recorded))
}

/// The chunk that a later line records.
fn finished(
    line: &[u8],
    campaign: &Campaign,
    parameters: &Parameters,
    wrong: &dyn Fn(String) -> Failure,
) -> Result<(u64, Totals), Failure> {
    let malformed = |e: serde_json::Error| wrong(format!("not a line of a journal: {e}"));
    let Line {
        chunk,
        totals,
        sha256,
    } = serde_json::from_slice(line).map_err(malformed)?;
    if digest(chunk, &totals).map_err(malformed)? != sha256 {
        let message = "its content has not the digest that it states";
        return Err(wrong(message.to_owned()));
    }
    let Parameters { shard, cases, .. } = *parameters;
    if chunk % shard.count != shard.index || chunk >= cases.div_ceil(CHUNK) {
        return Err(wrong(format!("chunk {chunk} is not one of shard {shard}")));
    }
    let checked = campaign.expected(cases).check(chunk, &totals);
    checked.map_err(|e| wrong(e.to_string()))?;
    Ok((chunk, totals))
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
