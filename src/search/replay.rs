//! Replaying a witness: its case is drawn anew and put to the test.

use serde_json::Value;

use super::draw::{Menu, NotDrawn};
use super::hunted::{HuntedError, HuntedWitness, Selected};
use super::plan::judge;
use super::properties::{HuntedProperty, PropertyTable, Selection, first_node};
use super::subject::{Subject, SubjectFile};
use super::verdict::Verdict;
use super::witness::{Finding, Place};
use crate::arith::ArithmeticName;
use crate::zoo::optimizers;

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The finding; `None` when nothing contradicts what should hold.
    pub found: Option<Finding>,
    /// Where it cannot be told whether it holds, in words.
    pub doubt: Option<String>,
    /// Of a campaign's case, the first node of all at which the two runs differ.
    pub first_node: Option<Place>,
    /// Whether that is exactly what the file says.
    pub agrees: bool,
}

impl Selected {
    /// What `property` draws from under this restriction.
    fn menu(
        &self,
        table: &PropertyTable,
        property: &'static HuntedProperty,
    ) -> Result<Menu, HuntedError> {
        let optimizers = self.optimizers.iter().map(|name| optimizers::find(name));
        let optimizers = optimizers.collect::<Result<_, _>>();
        let arithmetics = self.arithmetics.iter();
        let arithmetics = arithmetics.map(|name| name.parse::<ArithmeticName>());
        let arithmetics = arithmetics.collect::<Result<_, _>>();
        let selection = Selection {
            table: table.clone(),
            properties: vec![property],
            optimizers: optimizers.map_err(|e| HuntedError::field("selected.optimizers", e))?,
            arithmetics: arithmetics.map_err(|e| HuntedError::field("selected.arithmetics", e))?,
        };
        let menus = selection.menus();
        let mut menus = menus.map_err(|e| HuntedError::field("selected", e))?;
        let first = menus.pop().map(|(_, menu)| menu);
        first.ok_or_else(|| HuntedError::field("selected", "nothing is left to draw from"))
    }
}

impl HuntedWitness {
    /// The case, drawn anew.
    ///
    /// # Errors
    /// [`HuntedError`] where its property, which is one of the table, draws no such case.
    pub fn subject(&self, table: &PropertyTable) -> Result<Subject, HuntedError> {
        self.drawn(table).map(|(_, subject)| subject)
    }

    fn drawn(
        &self,
        table: &PropertyTable,
    ) -> Result<(&'static HuntedProperty, Subject), HuntedError> {
        let property = table.find(&self.property);
        let property = property.map_err(|e| HuntedError::field("property", e))?;
        self.choices.check()?;
        let subject = self
            .selected
            .menu(table, property)?
            .subject(&self.choices)?;
        let own = &self.hunted;
        let expected = subject.file(property.name, own.seed, own.case);
        let value = |file: &SubjectFile| {
            serde_json::to_value(file).map_err(|e| HuntedError::Syntax(e.to_string()))
        };
        match difference("hunted", &value(own)?, &value(&expected)?) {
            Some(different) => Err(different.into()),
            None => Ok((property, subject)),
        }
    }

    /// Draws the case anew and puts its property, which is one of the table, to the test.
    ///
    /// # Errors
    /// [`HuntedError`] where the property draws no such case.
    pub fn replay(&self, table: &PropertyTable) -> Result<Replay, HuntedError> {
        let (property, subject) = self.drawn(table)?;
        let (found, doubt) = match judge(property, &subject) {
            Verdict::Failed(finding) => (Some(*finding), None),
            Verdict::Undecided(why) => (None, Some(why)),
            Verdict::Passed(_) => (None, None),
        };
        Ok(Replay {
            agrees: found.as_ref() == Some(&self.found),
            first_node: found.as_ref().and_then(|_| first_node(&subject)),
            found,
            doubt,
        })
    }
}

/// The first field in which what is stored is not what is drawn.
fn difference(path: &str, found: &Value, drawn: &Value) -> Option<NotDrawn> {
    match (found, drawn) {
        (Value::Object(own), Value::Object(other)) => {
            let keys = own.keys().chain(other.keys());
            let mut keys = keys.map(|key| {
                let of = |map: &serde_json::Map<_, _>| map.get(key).cloned().unwrap_or_default();
                difference(&format!("{path}.{key}"), &of(own), &of(other))
            });
            keys.find_map(|different| different)
        }
        (Value::Array(own), Value::Array(other)) if own.len() == other.len() => {
            let mut entries = own.iter().zip(other).enumerate();
            entries.find_map(|(i, (x, y))| difference(&format!("{path}[{i}]"), x, y))
        }
        _ if found == drawn => None,
        _ => Some(NotDrawn {
            field: path.to_owned(),
            found: short(found),
            expected: short(drawn),
        }),
    }
}

/// A stored value in a few words.
fn short(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        Value::Array(all) => return format!("{} entries", all.len()),
        Value::Object(_) => return "several fields".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    };
    match text.chars().count() > LONGEST {
        true => text.chars().take(LONGEST).chain("…".chars()).collect(),
        false => text,
    }
}
