//! The two runs of a map's witness, found here a second time: the right one is the left one with its
//! numbers multiplied by what the drawn map says.
//!
//! A replay goes the judge's way from the claim to the map, so it confirms a refutation of another
//! map than the claimed one. This does not.

use super::compare::{Agreement, compare};
use super::drawn::{Drawn, Statement};
use super::moves::Map;
use super::runs::{Bench, Run};
use crate::audit::Witness;
use crate::search::Finding;

/// The contradiction between a witness and the claim as it was drawn.
pub(super) fn contradiction(drawn: &Drawn, witness: &Witness) -> Option<String> {
    let (map, formulas) = claimed(drawn, witness)?;
    if !matches!(witness.found, Finding::Differs(_)) {
        return None;
    }
    let scenario = witness.run.scenario().ok()?;
    let outputs: Vec<(&str, &str)> = formulas.iter().map(|f| (*f, *f)).collect();
    let bench = Bench {
        step: scenario.recipe.build_observing(&outputs).ok()?,
        recipe: scenario.recipe,
        observed: formulas.iter().map(|f| (*f).to_owned()).collect(),
    };
    let left = Run {
        sizes: scenario.sizes,
        values: scenario.values,
        steps: scenario.steps,
    };
    let k = witness.k.as_ref()?.0.as_ratio()?;
    let right = Run {
        values: map.moves(&bench.step).apply(&left.values, k)?,
        ..left.clone()
    };
    match compare(&bench, &left, &right) {
        Agreement::Same => Some("the claimed map leaves the run of its witness alone".to_owned()),
        Agreement::Overlap | Agreement::Differs(_) | Agreement::Nothing(_) => None,
    }
}

/// The map that a witness is to refute, and the formulas that it is to change.
fn claimed<'d>(drawn: &'d Drawn, witness: &Witness) -> Option<(&'d Map, Vec<&'d str>)> {
    match &drawn.statement {
        Statement::Equivalence(map) => Some((map, vec![])),
        Statement::Invariant { map, conclusion } => {
            Some((map, conclusion.iter().map(String::as_str).collect()))
        }
        Statement::Survey { map, variants } => {
            let number = witness.variant.as_deref()?.strip_prefix("variant ")?;
            let variant = variants.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
            Some((variant.map.as_ref().or(map.as_ref())?, vec![]))
        }
        _ => None,
    }
}
