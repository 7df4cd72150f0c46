//! The run in which every elementary error goes the way that hurts: a lower bound of what the
//! error model can reach.

use std::sync::Arc;

use nalgebra::DMatrix;
use rug::Float;

use super::BoundError;
use super::backward::{Direction, Signs};
use super::intervals::Enclosure;
use super::tube::Tube;
use crate::arith::{Arithmetic, Enclosed, Enclosures, Interval, MpEnds};
use crate::exec::Machine;
use crate::graph::{Binary, NodeId, Op, Unary};
use crate::scenario::Scenario;

/// Bits beyond the format's precision with which the run is carried out.
const GUARD: u32 = 64;
/// Errors are known rounded up; a push is a part in 2³² less, and so one that the model admits.
const LESS: u32 = 32;

/// `quantity` after `taken` steps, when every error is as large as the model admits (to first
/// order in the unit roundoff) and goes along `direction`, or against it for −1.
pub(super) fn pushed(
    tube: &Tube<'_>,
    centre: &Scenario,
    quantity: &str,
    taken: usize,
    direction: &Direction,
    along: i8,
) -> Result<DMatrix<Enclosure>, BoundError> {
    let bits = (tube.model.precision + GUARD).max(tube.exact.bits);
    let ctx = Enclosures::exact(MpEnds::new(bits), tube.model.clone());
    let mut machine = Machine::with_plan(ctx.clone(), Arc::clone(&tube.plan), &centre.values)?;
    let graph = &tube.graphs.step.graph;
    let push = |id: NodeId, signs: &Signs, m: &mut DMatrix<Enclosed<Float>>| {
        // Elimination has more roundings than the one that its entries tell of.
        if matches!(graph.node(id).op, Op::Unary(Unary::Inverse, _)) {
            return;
        }
        let several = matches!(
            graph.node(id).op,
            Op::Binary(Binary::MatMul, ..) | Op::Unary(Unary::SumTo, _)
        );
        if let Some(signs) = signs.get(&id) {
            for (x, sign) in m.iter_mut().zip(signs) {
                let moved = x.stated.clone();
                *x = moved_by(&ctx, x, &moved, sign * along, several);
            }
        }
    };
    for (id, _) in direction
        .lasting
        .iter()
        .filter(|(id, _)| graph.leaf_at(**id).is_some())
    {
        if let Some(value) = machine.node(*id) {
            let mut value = value.clone();
            push(*id, &direction.lasting, &mut value);
            machine.set(*id, &value)?;
        }
    }
    machine.settle(&mut |id, m| push(id, &direction.lasting, m));
    let unit = Float::with_val(bits, 1) >> tube.model.precision;
    for part in &tube.layout.parts {
        let Some(value) = machine.node(part.leaf) else {
            continue;
        };
        let mut value = value.clone();
        for (i, x) in value.iter_mut().enumerate() {
            let at = part.offset + i;
            let size = Float::with_val(bits, tube.start[at] * &unit);
            let sign = direction.start.get(at).copied().unwrap_or(0);
            *x = moved_by(&ctx, x, &size, sign * along, false);
        }
        machine.set(part.leaf, &value)?;
    }
    for t in 0..taken {
        machine.complete_with(true, &mut |id, m| push(id, &direction.steps[t], m))?;
        machine.advance()?;
    }
    machine.complete_with(false, &mut |id, m| push(id, &direction.steps[taken], m))?;
    if let Some(value) = machine.parameter(quantity) {
        return Ok(value.map(|x| x.range.clone()));
    }
    let all = super::reference::outputs(&machine);
    Ok(all
        .get(quantity)
        .cloned()
        .unwrap_or_else(|| DMatrix::from_element(0, 0, zero(&ctx))))
}

fn zero(ctx: &Enclosures<MpEnds>) -> Interval<Float> {
    ctx.intervals().zero()
}

/// `x`, an error of `size` further to the side of `sign`. One rounding keeps signs; `several` keep
/// them where all that is summed has one, and a result that is 0 does not tell.
pub(super) fn moved_by(
    ctx: &Enclosures<MpEnds>,
    x: &Enclosed<Float>,
    size: &Float,
    sign: i8,
    several: bool,
) -> Enclosed<Float> {
    let intervals = ctx.intervals();
    let size = Float::with_val(size.prec(), size - (size.clone() >> LESS));
    let Some(size) = intervals.of(size.clone(), size) else {
        return x.clone();
    };
    let mut moved = intervals.zero();
    match sign {
        1 => intervals.add(&mut moved, &x.range, &size),
        -1 => intervals.sub(&mut moved, &x.range, &size),
        _ => return x.clone(),
    }
    let may_be_zero = *x.range.inf() <= 0 && *x.range.sup() >= 0;
    if !(several && may_be_zero) {
        moved = ctx.of_one_sign(&x.range, moved);
    }
    Enclosed {
        range: moved,
        ..x.clone()
    }
}
