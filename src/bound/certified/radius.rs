//! The radii of boxes about the exact run, in units of the unit roundoff.

use std::collections::BTreeSet;

use num_traits::Zero;
use rug::Float;
use rug::float::Round;

use super::BoundError;
use super::intervals::{Enclosure, in_units};
use super::layout::Layout;
use super::snapshot::Run;
use crate::arith::{FloatModel, MpIntervals};
use crate::graph::{NodeId, StepGraph};
use crate::scenario::Scenario;

/// The radii of the first values about the exact ones `first`. Two boxes do not tell how far
/// apart two runs from one input are; the rounding of the input does.
pub(super) fn start(
    step: &StepGraph,
    machine: &Run<'_>,
    layout: &Layout,
    first: &[Enclosure],
    scenario: &Scenario,
) -> Result<Vec<f64>, BoundError> {
    let model = machine.arithmetic().model();
    let tensors = &scenario.values.tensors;
    let ranged: BTreeSet<NodeId> = tensors
        .iter()
        .filter(|(_, tensor)| !tensor.radius().is_zero())
        .filter_map(|(name, _)| step.graph.leaf(name))
        .collect();
    let mut all = vec![];
    for part in &layout.parts {
        let state = step.states.iter().find(|s| s.leaf == part.leaf);
        let from = state.map_or(part.leaf, |s| s.initial);
        if ranged.contains(&from)
            && let Some(given) = machine.node(from)
        {
            all.extend(given.iter().map(|x| in_units(&x.any, model.precision)));
            continue;
        }
        let cone = step.graph.cone([from]);
        if let Some(state) = state
            && ranged.iter().any(|id| cone[id.index()])
        {
            return Err(BoundError::RangedState {
                state: state.name.clone(),
            });
        }
        // Where not even the first values are known well enough there is nothing to start from.
        if let (Some(values), Some(first)) = (machine.node(part.leaf), first.get(part.offset..)) {
            let apart = values.iter().zip(first);
            all.extend(apart.map(|(x, y)| distance(&x.range, y, model)));
        }
    }
    Ok(all)
}

/// The largest distance of a number of `x` from the one in `y`, in units of the unit roundoff.
pub(super) fn distance(x: &Enclosure, y: &Enclosure, model: &FloatModel) -> f64 {
    let up = |x: Float| x.to_f64_round(Round::Up);
    let scaled = |a: &Float, b: &Float| {
        let apart = Float::with_val_round(64, a - b, Round::Up).0;
        up(apart << model.precision)
    };
    scaled(x.sup(), y.inf())
        .max(scaled(y.sup(), x.inf()))
        .max(0.0)
}

/// `x` with both ends moved outward by `radius` unit roundoffs.
pub(super) fn widened(x: &Enclosure, radius: f64, model: &FloatModel, bits: u32) -> Enclosure {
    let radius = Float::with_val(53, radius) >> model.precision;
    let inf = Float::with_val_round(bits, x.inf() - &radius, Round::Down).0;
    let sup = Float::with_val_round(bits, x.sup() + &radius, Round::Up).0;
    let ctx = MpIntervals::new(bits);
    // A radius that is no number bounds nothing.
    ctx.of(inf, sup).unwrap_or_else(|| ctx.entire())
}
