//! Which properties a campaign looks at, and what they draw from.

use super::{HuntedProperty, PropertyTable};
use crate::arith::ArithmeticName;
use crate::search::{Domain, Factors, Fit};
use crate::zoo::losses::LOSSES;
use crate::zoo::models::MODELS;
use crate::zoo::optimizers::{OPTIMIZERS, Optimizer};
use crate::zoo::{Clip, Schedule};

/// The selection of a user; where nothing is named, everything is selected.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The optimizers.
    pub optimizers: Vec<&'static Optimizer>,
    /// The arithmetics.
    pub arithmetics: Vec<ArithmeticName>,
    /// The properties there are.
    pub table: PropertyTable,
    /// The properties that are looked at.
    pub properties: Vec<&'static HuntedProperty>,
}

/// A selection that leaves nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No property has this name.
    #[error("unknown property `{found}`: expected one of {}", known.join(", "))]
    Unknown {
        /// The name that was asked for.
        found: String,
        /// The names that there are.
        known: Vec<&'static str>,
    },
    /// A property that was asked for has nothing to draw from.
    #[error(
        "`{property}` has nothing to draw from: none of the selected {what} serves it; it is looked at in {usual}"
    )]
    Nothing {
        /// The property.
        property: &'static str,
        /// `arithmetics` or `optimizers`.
        what: &'static str,
        /// The arithmetics in which it is looked at by default.
        usual: String,
    },
    /// No property has anything to draw from.
    #[error("no property can be looked at with these optimizers and arithmetics")]
    Empty,
}

impl Selection {
    /// Every selected property with what it draws from, in the order of the table. Properties
    /// that were not named and have nothing to draw from are left out.
    ///
    /// # Errors
    /// [`SelectionError`] where a named property has nothing to draw from, or none has.
    pub(in crate::search) fn domains(
        &self,
    ) -> Result<Vec<(&'static HuntedProperty, Domain)>, SelectionError> {
        let named = |p: &HuntedProperty| self.properties.iter().any(|own| own.name == p.name);
        let mut domains = vec![];
        for property in self.table.iter() {
            if !self.properties.is_empty() && !named(property) {
                continue;
            }
            let all = self.everything(property);
            let no_arithmetic = all.arithmetics.is_empty();
            let domain = (property.domain)(all);
            if !domain.is_empty() {
                domains.push((property, domain));
            } else if named(property) {
                let usual: Vec<String> = property
                    .arithmetics
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                return Err(SelectionError::Nothing {
                    property: property.name,
                    what: match no_arithmetic {
                        true => "arithmetics",
                        false => "optimizers",
                    },
                    usual: usual.join(", "),
                });
            }
        }
        match domains.is_empty() {
            true => Err(SelectionError::Empty),
            false => Ok(domains),
        }
    }

    /// Everything that is selected, from which a property chooses.
    fn everything(&self, property: &HuntedProperty) -> Domain {
        let optimizers = match self.optimizers.as_slice() {
            [] => OPTIMIZERS.iter().collect(),
            own => own.to_vec(),
        };
        let arithmetics = match self.arithmetics.as_slice() {
            [] => property.arithmetics,
            own => own,
        };
        let usable = |name: &&ArithmeticName| (property.supports)(**name) && is_built(**name);
        // The linear layer is what the rest is made of.
        let linear = MODELS.iter().filter(|m| m.name == "linear");
        let linear = linear.cycle().take(8);
        let models = linear.chain(
            MODELS
                .iter()
                .filter(|m| !["linear", "opaque"].contains(&m.name)),
        );
        Domain {
            optimizers,
            models: models.collect(),
            losses: LOSSES.iter().collect(),
            clips: clips(),
            schedules: schedules(),
            arithmetics: arithmetics.iter().filter(usable).copied().collect(),
            factors: Factors::Any,
            size: 3,
            steps: 3,
            rank: 1,
            exponent: 20,
            signs: true,
            well_conditioned: false,
            fit: Fit::Any,
            arrange: None,
        }
    }
}

fn is_built(name: ArithmeticName) -> bool {
    cfg!(feature = "mp")
        || !matches!(
            name,
            ArithmeticName::Mp(_) | ArithmeticName::Rational | ArithmeticName::Interval(_)
        )
}

/// No clipping in seven cases of twelve.
fn clips() -> Vec<Option<Clip>> {
    let all = Clip::ALL.iter().map(|(_, clip)| Some(*clip));
    std::iter::repeat_n(None, 7).chain(all).collect()
}

/// No schedule in half of the cases.
pub(in crate::search) fn schedules() -> Vec<Option<Schedule>> {
    let half = crate::arith::Ratio::new(1.into(), 2.into());
    let all = [
        Schedule::Constant,
        Schedule::Linear {
            start_factor: half.clone(),
            end_factor: crate::arith::Ratio::from_integer(1.into()),
            total_iters: 2,
        },
        Schedule::Exponential {
            gamma: half.clone(),
        },
        Schedule::Step {
            step_size: 2,
            gamma: half,
        },
        Schedule::ConstantWithWarmup { warmup_steps: 2 },
        Schedule::LinearWithWarmup {
            warmup_steps: 1,
            total_steps: 4,
        },
        Schedule::Cosine { t_max: 3 },
        Schedule::InverseSqrt,
        Schedule::CosineWithMinLr {
            warmup_steps: 1,
            total_steps: 3,
        },
    ];
    let none = std::iter::repeat_n(None, 9);
    none.chain(all.into_iter().map(Some)).collect()
}
