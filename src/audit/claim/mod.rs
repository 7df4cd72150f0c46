//! A claim: a setting (what is trained and how it starts) and a statement about it.
//!
//! The file is split once: the fields about the claim itself, those of the setting, and all others,
//! which are the statement's and must be fields of its kind. Nobody else reads the file.

mod fields;
mod map;
mod setting;
mod statement;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use map::{MapFile, Side};
pub use setting::{Setting, SettingFile};
pub use statement::{
    Conserved, Experiment, Identity, Implication, Invariant, Kind, Knobs, Statement, Uniqueness,
    Variant,
};

use super::{NotJudged, Verdict};

/// The reason for which a file is not a claim.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClaimError {
    /// Not TOML, a missing or unknown field, or a value of the wrong type.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, column or field, and what was expected.
        message: String,
    },
    /// A field holds something that cannot be used.
    #[error("{file}: {}field `{field}`: {message}", at(*.line))]
    Field {
        /// The file.
        file: String,
        /// The line, where it is known.
        line: Option<usize>,
        /// The field.
        field: String,
        /// The text that was found, and what was expected.
        message: String,
    },
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

/// A mistake in one field, before it is known in which file.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// The field.
    pub field: String,
    /// The text that was found, and what was expected.
    pub message: String,
}

impl FieldError {
    /// The mistake `message` in `field`.
    pub fn new(field: impl Into<String>, message: impl ToString) -> Self {
        Self {
            field: field.into(),
            message: message.to_string(),
        }
    }
}

/// The fields of a claim about itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    title: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    group: String,
    kind: Kind,
    #[serde(default)]
    contrary: bool,
    #[serde(default)]
    theorems: Vec<String>,
    #[serde(default)]
    expect: Option<Expect>,
}

const HEAD: &[&str] = &[
    "id", "title", "source", "group", "kind", "contrary", "theorems", "expect",
];

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    verdict: Verdict,
}

/// A claim that can be judged.
#[derive(Debug, Clone)]
pub struct Claim {
    origin: String,
    built_in: bool,
    head: Head,
    setting: Setting,
    statement: Statement,
    file: Map<String, Value>,
}

/// Reads a claim; `name` is the file's name for messages.
///
/// # Errors
/// [`ClaimError`] names the file, the line or field, what was found and what was expected.
pub fn parse_claim(name: &str, text: &str) -> Result<Claim, ClaimError> {
    parse(name, text, false)
}

/// Reads a claim that is part of the program, and may name theorems.
pub(super) fn parse_built_in(name: &str, text: &str) -> Result<Claim, ClaimError> {
    parse(name, text, true)
}

fn parse(name: &str, text: &str, built_in: bool) -> Result<Claim, ClaimError> {
    let syntax = |message: String| ClaimError::Syntax {
        file: name.to_owned(),
        message,
    };
    let table: toml::Table =
        toml::from_str(text).map_err(|e| syntax(e.to_string().trim_end().to_owned()))?;
    let value = serde_json::to_value(table).map_err(|e| syntax(e.to_string()))?;
    let Value::Object(file) = value else {
        return Err(syntax("found no table, expected fields".to_owned()));
    };
    let field = |e: FieldError| ClaimError::Field {
        file: name.to_owned(),
        line: line_of(text, &e.field),
        field: e.field,
        message: e.message,
    };
    let claim = Claim::of(name, file, built_in).map_err(field)?;
    // Its witness would be taken for one of the built-in claim.
    if !built_in
        && let Some(own) = super::builtin::built_in_called(claim.id())?
        && own.file() != claim.file()
    {
        let message = format!(
            "found `{}`, which is a built-in claim and says something else: choose another",
            claim.id()
        );
        return Err(field(FieldError::new("id", message)));
    }
    Ok(claim)
}

/// The line on which a field of a TOML file stands, or its table begins.
fn line_of(text: &str, field: &str) -> Option<usize> {
    let names = |name: &str, line: &str| {
        let line = line.trim_start().trim_start_matches('[').trim_start();
        let rest = line.strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with(['=', ']', '.']))
    };
    let last = field.rsplit('.').next().unwrap_or(field);
    let find = |name: &str| text.lines().position(|line| names(name, line));
    let first = field.split('.').next().unwrap_or(field);
    find(last).or_else(|| find(first)).map(|line| line + 1)
}

/// Some fields of a file as the type that has them.
fn read<T: for<'de> Deserialize<'de>>(fields: Map<String, Value>) -> Result<T, FieldError> {
    serde_json::from_value(Value::Object(fields)).map_err(|e| {
        let message = e.to_string();
        let quoted = message.split('`').nth(1).unwrap_or_default().to_owned();
        FieldError::new(quoted, message)
    })
}

/// One field at a time, so that a mistake in it is told with its name.
fn check_each<T: for<'de> Deserialize<'de>>(fields: &Map<String, Value>) -> Result<(), FieldError> {
    for (name, value) in fields {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        let message = match serde_json::from_value::<T>(Value::Object(alone)) {
            Ok(_) => continue,
            Err(e) => e.to_string(),
        };
        if !message.starts_with("missing field") {
            return Err(FieldError::new(name, message));
        }
    }
    Ok(())
}

impl Claim {
    /// The claim with these fields, as a witness keeps them.
    ///
    /// # Errors
    /// [`FieldError`] as for a file.
    pub(super) fn of(
        origin: &str,
        file: Map<String, Value>,
        built_in: bool,
    ) -> Result<Self, FieldError> {
        let part = |wanted: &dyn Fn(&str) -> bool| -> Map<String, Value> {
            let fields = file.iter().filter(|(name, _)| wanted(name));
            fields.map(|(n, v)| (n.clone(), v.clone())).collect()
        };
        let of_head = part(&|name| HEAD.contains(&name));
        check_each::<Head>(&of_head)?;
        let own = |name: &str| !HEAD.contains(&name) && !SettingFile::FIELDS.contains(&name);
        let head: Head = read(of_head).map_err(|e| {
            // A name that is written wrong is missing, too.
            let others: Vec<&String> = file.keys().filter(|name| own(name)).collect();
            let message = format!("{}; of the other fields there are {others:?}", e.message);
            FieldError::new(e.field, message)
        })?;
        check_id(&head.id)?;
        let of_setting = part(&|name| SettingFile::FIELDS.contains(&name));
        if let Some(name) = of_setting.keys().find(|name| !head.kind.reads(name)) {
            let kind = head.kind.name();
            let message = format!("a claim of kind `{kind}` does not use it: leave it out");
            return Err(FieldError::new(name, message));
        }
        check_each::<SettingFile>(&of_setting)?;
        let setting = Setting::new(read(of_setting)?)?;
        let statement = Statement::read(head.kind, part(&own), &setting)?;
        for theorem in &head.theorems {
            if !built_in {
                let message = format!(
                    "found `{theorem}`: which theorem bears on a claim is not for the claim to say, \
                     so only built-in claims name theorems"
                );
                return Err(FieldError::new("theorems", message));
            }
            super::theorem(theorem, &head.id).map_err(|e| FieldError::new("theorems", e))?;
        }
        Ok(Self {
            origin: origin.to_owned(),
            built_in,
            head,
            setting,
            statement,
            file,
        })
    }

    /// The claim's identifier.
    pub fn id(&self) -> &str {
        &self.head.id
    }

    /// The claim in words.
    pub fn title(&self) -> &str {
        &self.head.title
    }

    /// The source of the claim.
    pub fn source(&self) -> &str {
        &self.head.source
    }

    /// The heading under which reports list it; empty for none.
    pub fn group(&self) -> &str {
        &self.head.group
    }

    /// The kind of the claim.
    pub fn kind(&self) -> Kind {
        self.head.kind
    }

    /// The verdict that the file expects.
    pub fn expected(&self) -> Option<Verdict> {
        self.head.expect.map(|e| e.verdict)
    }

    /// The setting: the trained model and its start.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// The statement about the setting.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// `true` if the claim is that what is described does not hold.
    pub fn contrary(&self) -> bool {
        self.head.contrary
    }

    /// The theorems that the claim names.
    pub(super) fn theorems(&self) -> &[String] {
        &self.head.theorems
    }

    /// All fields, for a witness.
    pub(super) fn file(&self) -> &Map<String, Value> {
        &self.file
    }

    /// The command that judges this claim alone.
    pub fn reproduce(&self) -> String {
        if self.built_in {
            format!("lora-gauge audit --id {}", self.id())
        } else {
            format!("lora-gauge audit {}", self.origin)
        }
    }

    /// The claim as one that is listed and not judged; `None` for one that is judged.
    pub fn not_judged(&self) -> Option<NotJudged> {
        let Statement::Empirical(statement) = &self.statement else {
            return None;
        };
        Some(NotJudged {
            id: self.id().to_owned(),
            title: self.title().to_owned(),
            source: self.source().to_owned(),
            why: statement.why.clone(),
        })
    }
}

fn check_id(id: &str) -> Result<(), FieldError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if id.is_empty() || id.starts_with('.') || id.len() > 100 || !id.chars().all(plain) {
        let message = format!("found `{id}`, expected up to 100 letters, digits, `.`, `_` or `-`");
        return Err(FieldError::new("id", message));
    }
    Ok(())
}

/// Powers of k by the name of the quantity.
pub(super) type PowersFile = BTreeMap<String, crate::scenario::Exact>;
