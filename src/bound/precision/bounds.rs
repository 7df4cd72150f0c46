//! Bounds on the drift of two runs, in the form in which they are reported.

use std::collections::BTreeMap;

pub use super::certified::BoundError;
use super::certified::{
    Bounds, EntryBound, FAILURE_PROBABILITY, Gap, PairBounds, pair_bounds_where,
};
use super::study::{Bound, BoundSet, Ending, Magnitude, Probability, QuantityBounds, Side};
use crate::arith::{ArithmeticName, Surd};
use crate::scenario::Scenario;

/// Bounds on the relative drift (see [`super::study`]) of every quantity named in `factors`,
/// after each number of steps in `at_steps`, given what is known of the two exact runs. `factors` says what each quantity is multiplied by
/// from the left to the right run; `progress` is told the part that is done, from 0 to 1.
///
/// # Errors
/// [`BoundError`] where the runs cannot even be set up; a bound that cannot be had is no error
/// but says why.
pub fn bounds(
    gap: Gap,
    runs: [&Scenario; 2],
    factors: &BTreeMap<String, Surd>,
    arith: ArithmeticName,
    at_steps: &[usize],
    progress: &(dyn Fn(f64) + Sync),
) -> Result<BoundSet, BoundError> {
    let found = pair_bounds_where(gap, runs, factors, arith, at_steps, progress)?;
    let PairBounds { at, endings, .. } = found;
    let lambda = at
        .values()
        .flat_map(BTreeMap::values)
        .map(|b| b.lambda)
        .fold(0.0, f64::max);
    let named = |bounds: BTreeMap<String, Bounds>| {
        let named = bounds
            .into_iter()
            .filter(|(name, _)| factors.contains_key(name));
        named.map(|(name, b)| (name, reported(&b))).collect()
    };
    let first = endings.into_iter().flatten().min_by_key(|e| e.after_steps);
    Ok(BoundSet {
        after: at
            .into_iter()
            .map(|(t, bounds)| (t, named(bounds)))
            .collect(),
        ending: first.map(|e| Ending {
            step: e.after_steps as u64 + 1,
            node: e.node.unwrap_or_default(),
            entry: e.entry.unwrap_or_default(),
            why: e.why,
        }),
        probability: Some(Probability {
            lambda: format!("{lambda:.3}"),
            failure_probability: FAILURE_PROBABILITY.to_string(),
        }),
    })
}

fn reported(bounds: &Bounds) -> QuantityBounds {
    QuantityBounds {
        enclosure: bound(&bounds.enclosure, Side::Up),
        certified: bound(&bounds.any_order, Side::Up),
        certified_stated: bound(&bounds.stated_order, Side::Up),
        probabilistic: bound(&bounds.probabilistic, Side::Up),
        adversarial: bound(&bounds.adversarial, Side::Down),
    }
}

fn bound(of: &EntryBound, side: Side) -> Bound {
    match of {
        Ok(x) => Magnitude::of(x, side)
            .map_or_else(|| Bound::none("the bound is no finite number"), Bound::of),
        Err(why) => Bound::none(why.clone()),
    }
}
