//! The tables of the zoo, open to programs and files: an entry is found by its name, or by the text
//! of the file that defines it.

use std::sync::{PoisonError, RwLock};

use super::DefinitionError;

/// An entry of a table.
pub trait Entry: Sized + Send + Sync + 'static {
    /// The kind of thing, in a word.
    const KIND: &'static str;

    /// The entries that are built in.
    fn built_in() -> &'static [Self];

    /// The entries that a program or a file added.
    fn registry() -> &'static Registry<Self>;

    /// The name by which the entry is found.
    fn name(&self) -> &'static str;

    /// The text by which an entry is found that a file defines.
    fn text(&self) -> Option<&'static str>;

    /// The entry that a file defines.
    ///
    /// # Errors
    /// [`DefinitionError`] names the place.
    fn read(text: &str) -> Result<Self, DefinitionError>;

    /// The entry with this key: one that is built in or registered, or the one that the text
    /// defines.
    ///
    /// # Errors
    /// [`LookupError`] lists the names, or says what is wrong with the text.
    fn find(key: &str) -> Result<&'static Self, LookupError> {
        find(key)
    }

    /// The key that leads to the entry wherever a run is stored: its name, or the whole text of its file.
    fn key(&self) -> &'static str {
        self.text().unwrap_or(self.name())
    }
}

/// The entries that are added to a table while the program runs. They stay until it ends.
#[derive(Debug)]
pub struct Registry<T: 'static>(RwLock<Vec<&'static T>>);

/// A key that leads to no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// A name that is in no table.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// The text of a file that defines nothing.
    #[error("the {kind} from a file: {error}")]
    Definition {
        /// The kind of thing.
        kind: &'static str,
        /// The place, what was found and what was expected.
        error: DefinitionError,
    },
}

impl LookupError {
    /// The kind of thing that was looked up, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unknown(unknown) => unknown.what,
            Self::Definition { kind, .. } => kind,
        }
    }
}

/// A name that is in no table, with the names that are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{found}`: expected one of {}", known.join(", "))]
pub struct UnknownName {
    /// The kind of thing that was looked up.
    pub what: &'static str,
    /// The name that was given.
    pub found: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

/// A name that an entry has already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} `{name}` is there already: expected a name that no other has")]
pub struct NameTaken {
    /// The kind of thing.
    pub kind: &'static str,
    /// The name.
    pub name: &'static str,
}

impl<T: Entry> Registry<T> {
    pub(super) const fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    fn entries(&self) -> Vec<&'static T> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds an entry, unless one of its key is there: then that one, as an error.
    fn add(&self, entry: T) -> Result<&'static T, &'static T> {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = entries.iter().find(|known| known.key() == entry.key()) {
            return Err(known);
        }
        let entry: &'static T = Box::leak(Box::new(entry));
        entries.push(entry);
        Ok(entry)
    }
}

fn find<T: Entry>(key: &str) -> Result<&'static T, LookupError> {
    let added = T::registry().entries();
    let mut all = T::built_in().iter().chain(added.iter().copied());
    if let Some(known) = all.find(|entry| entry.key() == key) {
        return Ok(known);
    }
    if key.contains('=') {
        let kind = T::KIND;
        let entry = T::read(key).map_err(|error| LookupError::Definition { kind, error })?;
        return Ok(T::registry().add(entry).unwrap_or_else(|known| known));
    }
    let registered = added.iter().filter(|entry| entry.text().is_none());
    let known = T::built_in().iter().chain(registered.copied());
    Err(LookupError::Unknown(UnknownName {
        what: T::KIND,
        found: key.to_owned(),
        known: known.map(T::name).collect(),
    }))
}

/// The value called `text` in a list of values and their names.
pub(super) fn by_name<T: Copy>(
    what: &'static str,
    all: &[(&'static str, T)],
    text: &str,
) -> Result<T, UnknownName> {
    let found = all.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| UnknownName {
        what,
        found: text.to_owned(),
        known: all.iter().map(|(name, _)| *name).collect(),
    })
}

/// Adds an entry of a program's own to the table.
pub(super) fn register<T: Entry>(entry: T) -> Result<&'static T, NameTaken> {
    let taken = NameTaken {
        kind: T::KIND,
        name: entry.name(),
    };
    if T::built_in().iter().any(|known| known.name() == taken.name) {
        return Err(taken);
    }
    T::registry().add(entry).map_err(|_| taken)
}
