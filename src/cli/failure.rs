//! Why a verb could not do its work, and what to do about it.

use std::fmt;
use std::path::Path;

/// A message for the person who typed the command; exit status 64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    message: String,
    advice: Option<String>,
}

impl Failure {
    /// What is wrong: where, what was found, what is expected.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            advice: None,
        }
    }

    /// What is wrong with the file at `path`.
    pub fn in_file(path: &Path, message: impl fmt::Display) -> Self {
        Self::new(format!(
            "{}: {}",
            path.display(),
            message.to_string().trim_end()
        ))
    }

    /// Adds what to do about it.
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}
