//! What a campaign asks of its cases: one file for each property, one line in the table.

#[cfg(feature = "mp")]
mod any_order;
mod bit_equality;
mod certificate_agrees;
#[cfg(feature = "mp")]
mod drift_halves;
#[cfg(feature = "mp")]
mod drift_within_bound;
#[cfg(feature = "mp")]
mod enclosures;
mod exact_zero_drift;
#[cfg(feature = "mp")]
mod float_run;
#[cfg(feature = "mp")]
mod gradient;
mod invariants;
#[cfg(feature = "mp")]
mod mean_value;
mod relabelling;
mod rules_compose;
mod selection;
mod wrong_rules;

use super::draw::Domain;
use super::result::{SearchError, TestResult};
use super::test_case::TestCase;
use crate::arith::ArithmeticName;

pub(super) use certificate_agrees::first_node;
pub(super) use selection::schedules;
pub use selection::{Selection, SelectionError};

/// Something that is to hold of every case.
pub struct HuntedProperty {
    /// The name by which it is selected.
    pub name: &'static str,
    /// One line on what it says.
    pub says: &'static str,
    /// The arithmetics in which it is looked at where nothing else is asked for.
    pub(crate) arithmetics: &'static [ArithmeticName],
    /// `true` if it can be looked at in an arithmetic.
    pub(crate) supports: fn(ArithmeticName) -> bool,
    /// The bases of its passed cases besides those that every property may have.
    pub(crate) evidence: &'static [&'static str],
    /// Its domain, made from everything that is selected.
    pub(crate) domain: fn(Domain) -> Domain,
    /// Judges a case.
    pub(crate) judge: fn(&TestCase) -> Result<TestResult, SearchError>,
}

impl std::fmt::Debug for HuntedProperty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl HuntedProperty {
    /// Judges a case.
    ///
    /// # Errors
    /// [`SearchError`] for a case that cannot be set up.
    pub fn judge(&self, test_case: &TestCase) -> Result<TestResult, SearchError> {
        (self.judge)(test_case)
    }
}

/// All properties of this room.
pub static PROPERTIES: &[HuntedProperty] = &[
    exact_zero_drift::PROPERTY,
    bit_equality::PROPERTY,
    #[cfg(feature = "mp")]
    drift_within_bound::PROPERTY,
    #[cfg(feature = "mp")]
    drift_halves::PROPERTY,
    certificate_agrees::PROPERTY,
    rules_compose::PROPERTY,
    relabelling::PROPERTY,
    invariants::PROPERTY,
    #[cfg(feature = "mp")]
    gradient::PROPERTY,
    #[cfg(feature = "mp")]
    enclosures::PROPERTY,
    wrong_rules::PROPERTY,
    #[cfg(feature = "mp")]
    any_order::PROPERTY,
];

/// The properties that a campaign may look at, in order: those of this room, and what rooms above
/// it add.
#[derive(Debug, Clone)]
pub struct PropertyTable(Vec<&'static HuntedProperty>);

impl Default for PropertyTable {
    fn default() -> Self {
        Self(PROPERTIES.iter().collect())
    }
}

impl PropertyTable {
    /// The table with more properties after its own.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = &'static HuntedProperty>) -> Self {
        self.0.extend(more);
        self
    }

    /// Every property in order.
    pub fn iter(&self) -> impl Iterator<Item = &'static HuntedProperty> + '_ {
        self.0.iter().copied()
    }

    /// The property called `name`.
    ///
    /// # Errors
    /// [`SelectionError::Unknown`] lists the properties.
    pub fn find(&self, name: &str) -> Result<&'static HuntedProperty, SelectionError> {
        let mut all = self.iter();
        all.find(|p| p.name == name)
            .ok_or_else(|| SelectionError::Unknown {
                found: name.to_owned(),
                known: self.iter().map(|p| p.name).collect(),
            })
    }
}

/// The property of this room called `name`.
///
/// # Errors
/// [`SelectionError::Unknown`] lists the properties.
pub fn find_property(name: &str) -> Result<&'static HuntedProperty, SelectionError> {
    PropertyTable::default().find(name)
}

/// The exact arithmetics, the first three times as often.
const EXACT: &[ArithmeticName] = &[
    ArithmeticName::Rational,
    ArithmeticName::Rational,
    ArithmeticName::Rational,
    ArithmeticName::Prime,
];

/// `true` if an arithmetic is exact.
fn is_exact(name: ArithmeticName) -> bool {
    matches!(name, ArithmeticName::Rational | ArithmeticName::Prime)
}

/// `true` if an arithmetic is exact or encloses.
fn is_exact_or_encloses(name: ArithmeticName) -> bool {
    is_exact(name) || name.is_enclosure()
}
