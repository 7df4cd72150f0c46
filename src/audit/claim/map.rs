//! The map of a claim as it is written, and as powers of the quantities of a step.

use std::collections::BTreeSet;

use super::setting::Setting;
use super::{FieldError, PowersFile};
use crate::fault::{Fault, planted};
use crate::graph::StepGraph;
use crate::scenario::{Powers, ScaleMap};

/// A map as it is written: one, or one for each side of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MapFile {
    pub(super) map: Option<PowersFile>,
    pub(super) left: Option<PowersFile>,
    pub(super) right: Option<PowersFile>,
    pub(super) negate: Option<BTreeSet<String>>,
}

/// A side of a claimed equivalence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `left`.
    Left,
    /// `right`, or `map`.
    Right,
}

impl MapFile {
    /// `true` if a map is given.
    pub(super) fn is_given(&self) -> bool {
        self.map.is_some() || self.left.is_some() || self.right.is_some()
    }

    /// The powers by which one side is multiplied, in the names of `step`. Signs belong to the map from the
    /// left side to the right one.
    ///
    /// # Errors
    /// [`FieldError`] for a name that no quantity has.
    pub fn side(&self, side: Side, step: &StepGraph) -> Result<Powers, FieldError> {
        let (field, powers) = match (side, &self.map) {
            (Side::Left, _) => ("left", &self.left),
            (Side::Right, Some(_)) => ("map", &self.map),
            (Side::Right, None) => ("right", &self.right),
        };
        let scale = scale_map(field, powers.as_ref())?;
        scale.resolve(step).map_err(|e| FieldError::new(field, e))
    }

    /// The map from the left side to the right one, composed quantity by quantity.
    ///
    /// # Errors
    /// As [`MapFile::side`].
    pub fn powers(&self, step: &StepGraph) -> Result<Powers, FieldError> {
        let (left, right) = (self.side(Side::Left, step)?, self.side(Side::Right, step)?);
        let mut map = left.towards(&right);
        if planted(Fault::MapsComposedByName)
            && let (Some(left), Some(right)) = (&self.left, &self.right)
        {
            let mut by_name = scale_map("right", Some(right))?;
            for (name, power) in scale_map("left", Some(left))?.powers {
                *by_name.powers.entry(name).or_default() -= power;
            }
            map = by_name
                .resolve(step)
                .map_err(|e| FieldError::new("map", e))?;
        }
        if !planted(Fault::NegateDropped) {
            map.negated = self.negated(step)?;
        }
        Ok(map)
    }

    fn negated(&self, step: &StepGraph) -> Result<BTreeSet<String>, FieldError> {
        let signs = ScaleMap {
            negate: self.negate.clone().unwrap_or_default(),
            ..ScaleMap::default()
        };
        let signs = signs.resolve(step);
        Ok(signs.map_err(|e| FieldError::new("negate", e))?.negated)
    }

    /// `true` if only the right side is named.
    pub fn is_one_sided(&self) -> bool {
        self.left.is_none()
    }

    pub(super) fn validate(&self, setting: &Setting, needed: bool) -> Result<(), FieldError> {
        if self.map.is_some() && (self.left.is_some() || self.right.is_some()) {
            let message = "stands beside `left` or `right`: one map, or two sides, not both";
            return Err(FieldError::new("map", message));
        }
        if needed && !self.is_given() {
            return Err(FieldError::new(
                "map",
                "missing: this kind of claim needs one",
            ));
        }
        if self.negate.is_some() && !self.is_given() {
            return Err(FieldError::new("negate", "stands without a map"));
        }
        for recipe in [&setting.symbolic, &setting.numeric] {
            let step = recipe
                .build()
                .map_err(|e| FieldError::new("optimizer", e))?;
            self.powers(&step)?;
        }
        Ok(())
    }
}

/// The powers in a table of the file `field`.
pub(super) fn scale_map(field: &str, powers: Option<&PowersFile>) -> Result<ScaleMap, FieldError> {
    let mut map = ScaleMap::default();
    for (name, power) in powers.into_iter().flatten() {
        let Some(power) = power.0.as_ratio() else {
            let message = format!("found {}, expected a rational power of k", power.0);
            return Err(FieldError::new(format!("{field}.{name}"), message));
        };
        map.powers.insert(name.clone(), power.clone());
    }
    Ok(map)
}
