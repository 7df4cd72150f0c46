//! One run, with every number telling for which exponents it is exact.

use std::collections::BTreeMap;
use std::sync::Arc;

use num_traits::ToPrimitive;

use super::exponent_tracing::{Exponents, Traced, Tracing, UNIT};
use super::shift::bits;
use super::{ExactnessError, Limit, name};
use crate::arith::{Machine, MachineFloat, Ratio};
use crate::bound::Rescaling;
use crate::exec::{self, Keep, Options, Outputs, Plan};
use crate::gauge::Rule;
use crate::graph::{NodeId, StepGraph};
use crate::scenario::{Scenario, Split};

/// A run with the map that is asked about.
pub(super) struct Setup<'a> {
    pub scenario: &'a Scenario,
    pub step: StepGraph,
    pub split: Split,
    /// The map with exponent 1.
    unit: Rescaling,
    /// The weights of leaves.
    leaves: BTreeMap<NodeId, i64>,
}

/// A run whose numbers know for which exponents they are exact.
pub(super) struct TracedRun<F> {
    pub exact: Exponents,
    /// True where numbers of different weights met.
    pub conflict: bool,
    /// The places at which each end became what it is.
    from: Option<Place<F>>,
    to: Option<Place<F>>,
}

struct Place<F> {
    node: NodeId,
    step: u64,
    entry: Traced<F>,
}

impl<'a> Setup<'a> {
    pub fn new(scenario: &'a Scenario, rule: &Rule, split: Split) -> Result<Self, ExactnessError> {
        let step = scenario.recipe.build().map_err(Box::new)?;
        let two = Ratio::from_integer(2.into());
        let model = scenario.recipe.model;
        let no_split = |quantity: &str| ExactnessError::NoSplit {
            quantity: quantity.to_owned(),
        };
        let unit = Rescaling::of_split(rule, model, split, &two)
            .map_err(|refusal| no_split(&refusal.tensor))?
            .to_the(split.root());
        let mut leaves = BTreeMap::new();
        for (leaf, weight) in &rule.weights {
            if let Some(id) = step.graph.leaf(leaf) {
                let power = unit.power_of(&two, weight) * Ratio::from_integer(UNIT.into());
                let whole = power.is_integer().then(|| power.to_integer().to_i64());
                leaves.insert(id, whole.flatten().ok_or_else(|| no_split(leaf))?);
            }
        }
        Ok(Self {
            scenario,
            step,
            split,
            unit,
            leaves,
        })
    }

    /// The run rescaled with exponent `e`.
    pub fn rescaled(&self, e: i64) -> Result<Scenario, ExactnessError> {
        Ok(self.unit.to_the(e).scenario(self.scenario)?)
    }

    /// A machine that keeps everything, its leaves weighed where it is the run itself.
    pub fn machine<F: MachineFloat>(
        &self,
        ctx: Tracing<F>,
        scenario: &Scenario,
        weighed: bool,
    ) -> Result<exec::Machine<'_, Tracing<F>>, ExactnessError> {
        let outputs = self.step.outputs.iter();
        let homogeneous =
            outputs.filter(|o| matches!(self.unit.rule().outputs.get(&o.name), Some(Some(_))));
        let options = Options {
            keep: Keep::Everything,
            outputs: Outputs::Named(homogeneous.map(|o| o.name.clone()).collect()),
        };
        let plan = Arc::new(Plan::new(&self.step, &scenario.sizes, &options)?);
        let adapt = |id: NodeId, entry: &mut Traced<F>| {
            let weight = self.leaves.get(&id).copied().unwrap_or(0);
            entry.weigh(if weighed { weight } else { 0 });
        };
        Ok(exec::Machine::with_leaves(
            ctx,
            plan,
            &scenario.values,
            adapt,
        )?)
    }

    /// Runs once and meets what all numbers say.
    pub fn trace<F: MachineFloat>(&self, ctx: Machine<F>) -> Result<TracedRun<F>, ExactnessError> {
        let tracing = Tracing::new(ctx, false);
        let mut machine = self.machine(tracing.clone(), self.scenario, true)?;
        let mut found = TracedRun {
            exact: Exponents::ALL,
            conflict: false,
            from: None,
            to: None,
        };
        for taken in 0..=self.scenario.steps {
            machine.run_to(taken)?;
            // At the end of the run there are only the loss and the outputs.
            if taken < self.scenario.steps {
                machine.complete()?;
            }
            for id in self.step.graph.ids() {
                let Some(matrix) = machine.node(id) else {
                    continue;
                };
                for row in 0..matrix.nrows() {
                    for col in 0..matrix.ncols() {
                        if machine.is_defined(id, row, col) {
                            found.meet(id, machine.step_number(), matrix[(row, col)]);
                        }
                    }
                }
            }
        }
        let notes = tracing.notes();
        found.exact = found.exact.meet(notes.compared);
        found.conflict = notes.conflict;
        Ok(found)
    }
}

impl<F: MachineFloat> TracedRun<F> {
    fn meet(&mut self, node: NodeId, step: u64, entry: Traced<F>) {
        let met = self.exact.meet(entry.exact);
        let place = || Some(Place { node, step, entry });
        if met.range.from > self.exact.range.from {
            self.from = place();
        }
        if met.range.to < self.exact.range.to {
            self.to = place();
        }
        self.exact = met;
    }

    /// The obstacle at the exponent `beyond` an end: the upper one where `up` is 1.
    pub fn limit(&self, setup: &Setup<'_>, ctx: Machine<F>, beyond: i64, up: i64) -> Limit {
        let (place, end) = match up {
            1 => (&self.to, self.exact.range.to),
            _ => (&self.from, self.exact.range.from),
        };
        let own = |x: &Traced<F>| match up {
            1 => x.exact.range.to,
            _ => x.exact.range.from,
        };
        let Some(place) = place.as_ref().filter(|p| own(&p.entry) == end) else {
            return Limit {
                node: "a comparison".into(),
                step: 0,
                reason: "numbers that are compared would no longer be exact".into(),
            };
        };
        let node = setup.step.graph.describe(place.node);
        let (format, shift) = (ctx.format(), beyond * place.entry.weight / UNIT);
        let (emin, emax) = (i64::from(format.emin), i64::from(format.emax));
        let reason = match bits(place.entry.value.widen()) {
            Some((_, first)) if first + shift >= emax => {
                format!("`{node}` would overflow in {}", name(&ctx))
            }
            Some((_, first)) if first + shift < emin => {
                format!(
                    "`{node}` would be below the smallest subnormal of {}",
                    name(&ctx)
                )
            }
            Some((last, _)) if last + shift < emin => {
                format!("`{node}` would lose bits to underflow in {}", name(&ctx))
            }
            None => format!("an underflow to zero in `{node}` would end"),
            Some(_) => format!(
                "something that is rounded on the way to `{node}` would leave the range of {}, or an underflow would end",
                name(&ctx)
            ),
        };
        Limit {
            node,
            step: place.step,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shift::Shifts;
    use super::super::tests::{linear, rule_of};
    use super::*;
    use crate::arith::{Arithmetic, F16, parse_ratio};

    #[test]
    fn a_limit_says_what_a_shift_does_to_the_number() {
        let scenario = linear("sgd", "mse", [1, 1], 1, 1, false);
        let rule = rule_of(&scenario);
        let setup = Setup::new(&scenario, &rule, Split::Sqrt).unwrap();
        let leaf = setup.step.graph.leaf("X").unwrap();
        let reason = |text: &str, beyond: i64, up: i64| {
            let mut found = TracedRun {
                exact: Exponents::ALL,
                conflict: false,
                from: None,
                to: None,
            };
            let ctx = Tracing::new(F16, false);
            let mut entry = ctx.from_ratio(&parse_ratio(text).unwrap()).unwrap();
            entry.weight = UNIT;
            entry.exact.range = Shifts { from: -1, to: 1 };
            found.meet(leaf, 7, entry);
            let limit = found.limit(&setup, F16, beyond, up);
            assert_eq!((limit.node.as_str(), limit.step), ("X", 7));
            limit.reason
        };
        let overflow = "`X` would overflow in f16";
        let below = "`X` would be below the smallest subnormal of f16";
        let bits = "`X` would lose bits to underflow in f16";
        let none = "an underflow to zero in `X` would end";
        // The largest power of two that f16 holds is 2^15, the smallest 2^-24.
        assert_eq!(reason("3", 15, 1), overflow);
        assert!(reason("3", 14, 1).starts_with("something that is rounded"));
        let three = "0x3p-20";
        assert!(reason(three, -4, -1).starts_with("something that is rounded"));
        assert_eq!(reason(three, -5, -1), bits);
        assert_eq!(reason(three, -6, -1), below);
        assert_eq!(reason("0", 1, 1), none);
    }
}
