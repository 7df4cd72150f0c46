//! The run in which every elementary error goes the way that hurts: a lower bound of what the
//! error model can reach.

use std::sync::Arc;

use nalgebra::DMatrix;
use rug::Float;

use super::BoundError;
use super::backward::{Direction, Signs};
use super::intervals::Enclosure;
use super::snapshot::Run;
use super::tube::Tube;
use crate::arith::{Arithmetic, Enclosed, Enclosures, MpEnds};
use crate::bound::quantity::matrix;
use crate::exec::{ExecError, Machine};
use crate::graph::{Binary, NodeId, Op, Unary};
use crate::scenario::Scenario;

/// The bits beyond the format's precision with which the run is carried out.
const GUARD: u32 = 64;
/// Errors are known rounded up; a push is a part in 2³² less, and so one that the model admits.
const LESS: u32 = 32;

/// The values of `quantity` after `taken` steps, when every error is as large as the model admits
/// (to first order in the unit roundoff) and goes along `direction`, or against it for −1.
pub(super) fn pushed(
    tube: &Tube<'_>,
    centre: &Scenario,
    quantity: &str,
    taken: usize,
    direction: &Direction,
    along: i8,
) -> Result<DMatrix<Enclosure>, BoundError> {
    let bits = (tube.model.precision + GUARD).max(tube.exact.bits);
    let adversary = Adversary {
        ctx: Enclosures::exact(MpEnds::new(bits), tube.model.clone()),
        tube,
        along,
    };
    let ctx = adversary.ctx.clone();
    let mut machine = Machine::with_plan(ctx, Arc::clone(&tube.plan), &centre.values)?;
    adversary.push_lasting(&mut machine, &direction.lasting)?;
    adversary.push_start(&mut machine, &direction.start, bits)?;
    let push = |t: usize| {
        let signs = &direction.steps[t];
        let adversary = &adversary;
        move |id: NodeId, m: &mut DMatrix<Enclosed<Float>>| adversary.push(id, signs, m)
    };
    for t in 0..taken {
        machine.complete_with(true, &mut push(t))?;
        machine.advance()?;
    }
    machine.complete_with(false, &mut push(taken))?;
    let found = matrix(&machine, quantity).map(|m| m.map(|x| x.range.clone()));
    Ok(found.unwrap_or_else(|| DMatrix::from_vec(0, 0, vec![])))
}

struct Adversary<'a, 'g> {
    ctx: Enclosures<MpEnds>,
    tube: &'a Tube<'g>,
    along: i8,
}

impl<'g> Adversary<'_, 'g> {
    /// Pushes the entries of a node whose errors have these signs.
    fn push(&self, id: NodeId, signs: &Signs, m: &mut DMatrix<Enclosed<Float>>) {
        let op = &self.tube.graphs.step.graph.node(id).op;
        // Elimination has more roundings than the one that its entries tell of.
        if matches!(op, Op::Unary(Unary::Inverse, _)) {
            return;
        }
        let several = matches!(
            op,
            Op::Binary(Binary::MatMul, ..) | Op::Unary(Unary::SumTo, _)
        );
        if let Some(signs) = signs.get(&id) {
            for (x, sign) in m.iter_mut().zip(signs) {
                let moved = x.stated.clone();
                *x = moved_by(&self.ctx, x, &moved, sign * self.along, several);
            }
        }
    }

    /// Pushes what has the same value at every step, once.
    fn push_lasting(&self, machine: &mut Run<'g>, signs: &Signs) -> Result<(), ExecError> {
        let graph = &self.tube.graphs.step.graph;
        for id in signs.keys().filter(|id| graph.leaf_at(**id).is_some()) {
            if let Some(mut value) = machine.node(*id).cloned() {
                self.push(*id, signs, &mut value);
                machine.set(*id, &value)?;
            }
        }
        machine.settle(&mut |id, m| self.push(id, signs, m));
        Ok(())
    }

    /// Pushes the first values of parameters and states.
    fn push_start(&self, machine: &mut Run<'g>, signs: &[i8], bits: u32) -> Result<(), ExecError> {
        let unit = Float::with_val(bits, 1) >> self.tube.model.precision;
        for part in &self.tube.layout.parts {
            let Some(mut value) = machine.node(part.leaf).cloned() else {
                continue;
            };
            for (i, x) in value.iter_mut().enumerate() {
                let at = part.offset + i;
                let size = Float::with_val(bits, self.tube.start[at] * &unit);
                let sign = signs.get(at).copied().unwrap_or(0);
                *x = moved_by(&self.ctx, x, &size, sign * self.along, false);
            }
            machine.set(part.leaf, &value)?;
        }
        Ok(())
    }
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
