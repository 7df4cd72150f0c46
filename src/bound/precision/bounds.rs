//! The bounds of two runs as a study reports them.

use crate::bound::certified::{EntryBound, FAILURE_PROBABILITY, PairBounds};
use crate::bound::study::{Bound, Bounds, Ending, Magnitude, Probability, Side};

/// The bounds of a quantity after so many steps.
pub(super) fn after(found: &PairBounds, name: &str, steps: usize) -> Option<Bounds<Bound>> {
    let bounds = found.at.get(&steps)?.get(name)?;
    Some(Bounds {
        enclosure: bound(&bounds.enclosure, Side::Up),
        certified: bound(&bounds.certified, Side::Up),
        certified_stated: bound(&bounds.certified_stated, Side::Up),
        probabilistic: bound(&bounds.probabilistic, Side::Up),
        adversarial: bound(&bounds.adversarial, Side::Down),
    })
}

fn bound(of: &EntryBound, side: Side) -> Bound {
    let number = Magnitude::of(of.as_ref().map_err(Clone::clone)?, side);
    number.ok_or_else(|| "the bound is no finite number".to_owned())
}

/// The largest bounds after 0, 1, … `steps` steps.
pub(super) fn worst(found: &PairBounds, name: &str, steps: usize) -> Bounds<Bound> {
    let all: Option<Vec<Bounds<Bound>>> = (0..=steps).map(|t| after(found, name, t)).collect();
    let worst = all.and_then(|all| all.into_iter().reduce(Bounds::max));
    worst.unwrap_or_else(|| Bounds::none("not computed"))
}

/// The place where the certificate of either run ends first, if it is one of so many steps.
pub(super) fn ending(found: &PairBounds, steps: usize) -> Option<Ending> {
    let first = found.endings.iter().flatten().min_by_key(|e| e.step);
    first.filter(|e| e.step <= steps as u64).cloned()
}

/// The assumption of the probabilistic bounds.
pub(super) fn probability(found: &PairBounds) -> Probability {
    Probability {
        lambda: format!("{:.3}", found.lambda),
        failure_probability: FAILURE_PROBABILITY.to_string(),
    }
}
