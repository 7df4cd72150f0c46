//! Replaying a witness: its case is drawn anew and put to the test.

use serde_json::Value;

use super::campaign::judge;
use super::draw::{Domain, NotDrawn};
use super::finding::{Finding, Place};
use super::properties::{HuntedProperty, PropertyTable, Selection, first_node};
use super::result::TestResult;
use super::test_case::{TestCase, TestCaseFile};
use super::witness::{HuntedError, HuntedWitness, Selected};
use crate::arith::ArithmeticName;
use crate::zoo::optimizers;

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The finding; `None` when nothing contradicts what should hold.
    pub found: Option<Finding>,
    /// The doubt, in words, where it cannot be told whether it holds.
    pub doubt: Option<String>,
    /// Of a campaign's case, the first node of all at which the two runs differ.
    pub first_node: Option<Place>,
    /// `true` if that is exactly what the file says.
    pub agrees: bool,
}

impl Selected {
    /// The domain of `property` under this restriction.
    fn domain(
        &self,
        table: &PropertyTable,
        property: &'static HuntedProperty,
    ) -> Result<Domain, HuntedError> {
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
        let domains = selection.domains();
        let mut domains = domains.map_err(|e| HuntedError::field("selected", e))?;
        let first = domains.pop().map(|(_, domain)| domain);
        first.ok_or_else(|| HuntedError::field("selected", "nothing is left to draw from"))
    }
}

impl HuntedWitness {
    /// The case, drawn anew.
    ///
    /// # Errors
    /// [`HuntedError`] where its property, which is one of the table, draws no such case.
    pub fn test_case(&self, table: &PropertyTable) -> Result<TestCase, HuntedError> {
        self.drawn(table).map(|(_, test_case)| test_case)
    }

    fn drawn(
        &self,
        table: &PropertyTable,
    ) -> Result<(&'static HuntedProperty, TestCase), HuntedError> {
        let property = table.find(&self.property);
        let property = property.map_err(|e| HuntedError::field("property", e))?;
        self.choices.check()?;
        let test_case = self
            .selected
            .domain(table, property)?
            .test_case(&self.choices)?;
        let own = &self.hunted;
        let expected = test_case.file(property.name, own.seed, own.case);
        let value = |file: &TestCaseFile| {
            serde_json::to_value(file).map_err(|e| HuntedError::Syntax(e.to_string()))
        };
        match difference("hunted", &value(own)?, &value(&expected)?) {
            Some(different) => Err(different.into()),
            None => Ok((property, test_case)),
        }
    }

    /// Draws the case anew and puts its property, which is one of the table, to the test.
    ///
    /// # Errors
    /// [`HuntedError`] where the property draws no such case.
    pub fn replay(&self, table: &PropertyTable) -> Result<Replay, HuntedError> {
        let (property, test_case) = self.drawn(table)?;
        let (found, doubt) = match judge(property, &test_case) {
            TestResult::Failed(finding) => (Some(*finding), None),
            TestResult::Undecided(why) => (None, Some(why)),
            TestResult::Passed(_) => (None, None),
        };
        Ok(Replay {
            agrees: found.as_ref() == Some(&self.found),
            first_node: found.as_ref().and_then(|_| first_node(&test_case)),
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
