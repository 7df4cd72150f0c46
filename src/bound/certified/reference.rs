//! The exact trajectory of a run, enclosed at a precision that is raised until it is narrow.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::DMatrix;
use rug::Float;
use rug::float::Round;

use super::intervals::{Enclosure, magnitude_up};
use super::layout::Layout;
use crate::arith::{Enclosures, FloatModel, MpEnds, OpError};
use crate::bound::quantity::matrix;
use crate::exec::{ExecError, Machine, Plan};
use crate::scenario::Scenario;

/// Bits beyond the format's precision that every enclosure of the exact run has at least.
const GUARD: u32 = 24;
/// The largest precision that is tried.
const MAX_BITS: u32 = 1 << 14;

/// The values of some quantities at one time, by name.
pub(super) type Values = BTreeMap<String, DMatrix<Enclosure>>;

/// The exact run: nothing is rounded, and casts pass numbers on as they are.
#[derive(Debug)]
pub(super) struct Reference {
    /// Parameters and states before each step, and after the last one.
    pub states: Vec<Vec<Enclosure>>,
    /// Loss and outputs at the same times.
    pub outputs: Vec<Values>,
    /// Why it has fewer steps than were asked for.
    pub ended: Option<ExecError>,
    /// The precision that was enough.
    pub bits: u32,
}

impl Reference {
    /// The first `steps` steps of `scenario`.
    pub fn new(
        scenario: &Scenario,
        plan: &Arc<Plan<'_>>,
        model: &FloatModel,
        steps: usize,
    ) -> Result<Self, ExecError> {
        let mut bits = model.precision + 2 * GUARD + 16;
        loop {
            let run = Self::at(scenario, plan, model, steps, bits)?;
            let undecided = matches!(
                run.ended,
                Some(ExecError::Operation {
                    source: OpError::Undecided(_),
                    ..
                })
            );
            // More digits do not make a box of inputs narrower.
            if scenario.values.has_ranges() {
                return Ok(run);
            }
            let narrow = run.narrow_steps(model.precision + GUARD);
            if (narrow == run.states.len() && !undecided) || bits >= MAX_BITS {
                return Ok(Self {
                    states: run.states[..narrow].to_vec(),
                    outputs: run.outputs[..narrow.min(run.outputs.len())].to_vec(),
                    ..run
                });
            }
            bits *= 2;
        }
    }

    fn at(
        scenario: &Scenario,
        plan: &Arc<Plan<'_>>,
        model: &FloatModel,
        steps: usize,
        bits: u32,
    ) -> Result<Self, ExecError> {
        let ctx = Enclosures::exact(MpEnds::new(bits), model.clone());
        let mut machine = Machine::with_plan(ctx, Arc::clone(plan), &scenario.values)?;
        let layout = Layout::new(plan.step(), &machine);
        let mut run = Self {
            states: vec![],
            outputs: vec![],
            ended: None,
            bits,
        };
        for taken in 0..=steps {
            run.states.push(layout.read(&machine, |x| x.range.clone()));
            if let Err(error) = machine.forward() {
                run.ended = Some(error);
                break;
            }
            let seen = ["loss"].into_iter().chain(plan.output_names());
            run.outputs.push(values(&machine, seen));
            if taken == steps {
                break;
            }
            if let Err(error) = machine.advance() {
                run.ended = Some(error);
                break;
            }
        }
        Ok(run)
    }

    /// The number of times at which every entry is known to `bits` bits, relative to the largest
    /// of its time.
    fn narrow_steps(&self, bits: u32) -> usize {
        let narrow = |entries: &[&Enclosure]| {
            let size = entries
                .iter()
                .map(|x| magnitude_up(x))
                .fold(Float::new(64), |m, x| if x > m { x } else { m });
            entries.iter().all(|x| {
                let (width, _) = Float::with_val_round(64, x.sup() - x.inf(), Round::Up);
                width.is_finite() && width << bits <= size
            })
        };
        let states = self
            .states
            .iter()
            .take_while(|s| narrow(&s.iter().collect::<Vec<_>>()));
        let outputs = self
            .outputs
            .iter()
            .take_while(|o| o.values().all(|m| narrow(&m.iter().collect::<Vec<_>>())));
        let (states, outputs) = (states.count(), outputs.count());
        // The last state may have no outputs where the run ended.
        if outputs < self.outputs.len() {
            outputs.min(states)
        } else {
            states
        }
    }
}

/// The values of these quantities in a run, by name.
pub(super) fn values<'n>(
    machine: &Machine<'_, Enclosures<MpEnds>>,
    names: impl Iterator<Item = &'n str>,
) -> Values {
    let value = |name: &str| {
        let found = matrix(machine, name)?.map(|x| x.range.clone());
        Some((name.to_owned(), found))
    };
    names.filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::MpIntervals;

    #[test]
    fn the_exact_run_counts_while_every_entry_is_known() {
        let run = |widths: [f64; 3]| {
            let wide = |width: &f64| {
                let ends = [1.0, 1.0 + width].map(|end| Float::with_val(64, end));
                let [inf, sup] = ends;
                MpIntervals::new(64).of(inf, sup).unwrap()
            };
            let states: Vec<Vec<Enclosure>> = widths.iter().map(|w| vec![wide(w)]).collect();
            let after = |s: &Vec<Enclosure>| DMatrix::from_element(1, 1, s[0].clone());
            let outputs = states.iter().map(|s| [("W".to_owned(), after(s))].into());
            Reference {
                outputs: outputs.collect(),
                states,
                ended: None,
                bits: 64,
            }
        };
        // 2⁻⁸ of about 1 is known to 8 bits and not to 9.
        let width = 2f64.powi(-8);
        assert_eq!(run([0.0, width, width]).narrow_steps(8), 3);
        assert_eq!(run([0.0, width, width]).narrow_steps(9), 1);
        assert_eq!(run([width, 0.0, 0.0]).narrow_steps(9), 0);
        assert_eq!(run([0.0, 0.0, 0.0]).narrow_steps(60), 3);
        // An output may be known less well than the state before it.
        let mut less = run([0.0, 0.0, 0.0]);
        less.outputs[1] = run([0.0, width, 0.0]).outputs[1].clone();
        assert_eq!(less.narrow_steps(9), 1);
        // A last state that leads to no outputs counts all the same.
        less.outputs = run([0.0, 0.0, 0.0]).outputs;
        less.outputs.truncate(2);
        assert_eq!(less.narrow_steps(9), 3);
    }
}
