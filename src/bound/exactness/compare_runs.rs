//! Two runs side by side, compared operation by operation.

use super::exponent_tracing::{Traced, Tracing, UNIT, is_number};
use super::shift::shifted;
use super::traced_run::Setup;
use super::{Differences, ExactnessError};
use crate::arith::{Machine, MachineFloat};
use crate::exec;
use crate::graph::NodeId;

impl Differences {
    fn differ(&mut self, difference: String) {
        self.operation.get_or_insert_with(|| difference.clone());
        self.result.get_or_insert(difference);
    }
}

type Runs<'r, 'g, F> = [&'r exec::Machine<'g, Tracing<F>>; 2];

impl Setup<'_> {
    /// Runs both. A rescaled run that fails differs.
    pub fn compare<F: MachineFloat>(
        &self,
        ctx: Machine<F>,
        e: i64,
    ) -> Result<Differences, ExactnessError> {
        let mut found = Differences::default();
        let [one, other] = [(); 2].map(|()| Tracing::new(ctx, true));
        let rescaled = self.rescaled(e)?;
        let mut left = self.machine(one.clone(), self.scenario, true)?;
        let mut right = match self.machine(other.clone(), &rescaled, false) {
            Ok(right) => right,
            Err(error) => {
                found.differ(format!("the rescaled run fails: {error}"));
                return Ok(found);
            }
        };
        for taken in 0..=self.scenario.steps {
            let last = taken == self.scenario.steps;
            left.run_to(taken)?;
            let mut outcome = right.run_to(taken);
            if !last {
                left.complete()?;
                outcome = outcome.and_then(|()| right.complete());
            }
            if let Err(error) = outcome {
                found.differ(format!("the rescaled run fails: {error}"));
                return Ok(found);
            }
            self.compare_records(&one, &other, e, taken + 1, &mut found);
            self.compare_nodes([&left, &right], e, &mut found);
            if found.result.is_some() {
                break;
            }
        }
        Ok(found)
    }

    fn compare_records<F: MachineFloat>(
        &self,
        left: &Tracing<F>,
        right: &Tracing<F>,
        e: i64,
        step: usize,
        found: &mut Differences,
    ) {
        let [left, right] = [left, right].map(|ctx| ctx.notes().record.replace(vec![]));
        let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
        if found.operation.is_some() {
            return;
        }
        let mut pairs = left.iter().zip(&right);
        let differs = pairs.position(|((x, weight), (y, _))| !is_image(*x, *weight, e, *y));
        if let Some(i) = differs {
            found.operation = Some(format!("operation {i} of step {step} differs"));
        } else if left.len() != right.len() {
            found.operation = Some(format!("step {step} takes other operations"));
        }
    }

    fn compare_nodes<F: MachineFloat>(
        &self,
        [left, right]: Runs<'_, '_, F>,
        e: i64,
        found: &mut Differences,
    ) {
        let step = &self.step;
        let results: Vec<NodeId> = std::iter::once(step.loss)
            .chain(step.parameters.iter().map(|p| p.leaf))
            .chain(step.states.iter().map(|s| s.leaf))
            .collect();
        for id in step.graph.ids() {
            let (Some(x), Some(y)) = (left.node(id), right.node(id)) else {
                continue;
            };
            for row in 0..x.nrows() {
                for col in 0..x.ncols() {
                    // An entry without a value that reaches no result has nothing to compare.
                    let defined = [left, right].map(|m| m.is_defined(id, row, col));
                    let (x, y): (&Traced<F>, &Traced<F>) = (&x[(row, col)], &y[(row, col)]);
                    let same = match defined {
                        [true, true] => is_image(x.value.widen(), x.weight, e, y.value.widen()),
                        [false, _] => true,
                        [true, false] => false,
                    };
                    if same {
                        continue;
                    }
                    let what = || {
                        format!(
                            "step {}: `{}` at row {row}, column {col} differs",
                            left.step_number(),
                            step.graph.describe(id)
                        )
                    };
                    found.operation.get_or_insert_with(what);
                    if results.contains(&id) {
                        found.result.get_or_insert_with(what);
                    }
                }
            }
        }
    }
}

/// True where `y` has the bits of `2^(e·weight)·x`.
fn is_image(x: f64, weight: i64, e: i64, y: f64) -> bool {
    if !is_number(x) {
        return x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    }
    let shift = e * weight;
    shift % UNIT == 0 && shifted(x, shift / UNIT).is_some_and(|x| x.to_bits() == y.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_the_same_bits_but_for_its_exponent() {
        let (nan, infinite) = (f64::NAN, f64::INFINITY);
        for (x, weight, e, y) in [
            (1.5, UNIT, 3, 12.0),
            (1.5, -2 * UNIT, 1, 0.375),
            (-1.5, UNIT / 2, 2, -3.0),
            (0.0, 5, 7, 0.0),
            (infinite, UNIT, 1, infinite),
            (nan, UNIT, 1, -nan),
        ] {
            assert!(is_image(x, weight, e, y), "{x} {weight} {e} {y}");
        }
        for (x, weight, e, y) in [
            (1.5, UNIT, 3, 1.5),
            (1.5, UNIT, 3, -12.0),
            (1.0, UNIT / 2, 1, 1.0),
            (1.0, UNIT, 1100, infinite),
            (0.0, UNIT, 1, -0.0),
            (0.0, UNIT, 1, nan),
            (infinite, UNIT, 1, nan),
            (nan, UNIT, 1, infinite),
            (1.0, UNIT, 1, nan),
        ] {
            assert!(!is_image(x, weight, e, y), "{x} {weight} {e} {y}");
        }
    }
}
