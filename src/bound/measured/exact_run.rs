//! The exact trajectory of a run, enclosed, and how far a float run is from it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::ExactValues;
use crate::arith::{Arithmetic, MpIntervals, OpError, Ratio, Surd};
use crate::bound::drift::{Enclosure, digits, largest, raise};
use crate::bound::quantity::matrix;
use crate::bound::study::Bound;
use crate::exec::{Keep, Machine, Options, Outputs};
use crate::scenario::Scenario;

/// The precisions that are tried, one after the other.
const BITS: [u32; 6] = [128, 256, 512, 1024, 2048, 4096];

/// Every quantity after 0, 1, … steps, enclosed with so many bits.
#[derive(Debug, Default)]
struct EnclosedRun {
    after: Vec<BTreeMap<String, Vec<Enclosure>>>,
    /// Why it does not go on to the end.
    stopped: Option<String>,
}

/// The exact run of a scenario, enclosed with as many bits as somebody asks for. By the rule the
/// exact rescaled run is the same one times the factors, so one run serves every k and every
/// format.
#[derive(Debug)]
pub struct ExactRun<'a> {
    scenario: &'a Scenario,
    names: &'a BTreeMap<String, Surd>,
    steps: usize,
    enclosed: [OnceLock<EnclosedRun>; BITS.len()],
}

impl<'a> ExactRun<'a> {
    /// The run of `scenario` over `steps` steps, looked at in the quantities of `names`. Nothing
    /// is computed yet.
    pub fn new(scenario: &'a Scenario, names: &'a BTreeMap<String, Surd>, steps: usize) -> Self {
        Self {
            scenario,
            names,
            steps,
            enclosed: Default::default(),
        }
    }

    /// The distance of a float run of `precision` bits with these `values` after 0, 1, … steps from
    /// the exact run times `factors`: by quantity the largest difference by the largest exact
    /// entry, the most after any of the steps.
    pub fn distance(
        &self,
        values: &[ExactValues],
        factors: &BTreeMap<String, Surd>,
        precision: u32,
    ) -> BTreeMap<String, Bound> {
        let mut found: BTreeMap<String, Bound> = BTreeMap::new();
        let levels = (BITS.iter().enumerate()).filter(|(_, bits)| **bits > precision);
        for (level, bits) in levels {
            let run = self.enclosed[level].get_or_init(|| self.enclose(*bits));
            let mut all_sure = true;
            for (name, factor) in factors {
                if found.get(name).is_some_and(Bound::is_ok) {
                    continue;
                }
                let bound = distance(run, values, name, factor, *bits);
                all_sure &= bound.is_ok();
                found.insert(name.clone(), bound);
            }
            if all_sure {
                break;
            }
        }
        for name in factors.keys() {
            let why = "the format is too long for the precisions that are tried";
            found
                .entry(name.clone())
                .or_insert_with(|| Err(why.to_owned()));
        }
        found
    }

    fn enclose(&self, bits: u32) -> EnclosedRun {
        let mut trajectory = EnclosedRun::default();
        trajectory.stopped = self.run(bits, &mut trajectory.after).err();
        trajectory
    }

    fn run(
        &self,
        bits: u32,
        after: &mut Vec<BTreeMap<String, Vec<Enclosure>>>,
    ) -> Result<(), String> {
        let said = |e: &dyn std::fmt::Display| format!("with {bits} bits: {e}");
        let step = self.scenario.recipe.build().map_err(|e| said(&e))?;
        let options = Options {
            keep: Keep::Results,
            outputs: Outputs::All,
        };
        let (sizes, values) = (&self.scenario.sizes, &self.scenario.values);
        let ctx = MpIntervals::new(bits);
        let mut machine =
            Machine::new(ctx, &step, sizes, values, &options).map_err(|e| said(&e))?;
        let walked = machine.watch(self.steps, |_, machine| {
            let named = self.names.keys().filter_map(|name| {
                let entries = matrix(machine, name)?.transpose();
                Some((name.clone(), entries.iter().cloned().collect()))
            });
            after.push(named.collect());
        });
        walked.map_err(|e| said(&e))
    }
}

/// The most after any step, once its printed digits are sure.
fn distance(
    run: &EnclosedRun,
    values: &[ExactValues],
    name: &str,
    factor: &Surd,
    bits: u32,
) -> Bound {
    let ctx = MpIntervals::new(bits);
    let factor = ctx
        .from_surd(factor)
        .map_err(|_| "the factor is not a number")?;
    if run.after.len() < values.len() {
        let why = run.stopped.as_deref().unwrap_or("the exact run is shorter");
        return Err(format!("the exact run cannot be enclosed {why}"));
    }
    let mut most = ctx.zero();
    for (values, exact) in values.iter().zip(&run.after) {
        let (Some(values), Some(exact)) = (values.get(name), exact.get(name)) else {
            return Err("there is no such quantity".to_owned());
        };
        let after = relative(&ctx, values, exact, &factor);
        let after = after.map_err(|_| format!("not told from 0 with {bits} bits"))?;
        raise(&ctx, &mut most, &after).map_err(|_| format!("not enclosed with {bits} bits"))?;
    }
    let sure = digits(&most, false).map(|drift| drift.up);
    sure.ok_or_else(|| format!("the digits are not sure with {bits} bits"))
}

/// The distance of some values from exact ones times a factor, relative to the largest of these.
fn relative(
    ctx: &MpIntervals,
    values: &[Ratio],
    exact: &[Enclosure],
    factor: &Enclosure,
) -> Result<Enclosure, OpError> {
    let values = values.iter().map(|value| ctx.from_ratio(value));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let [most, size] = largest(ctx, factor, exact.iter().zip(&values), |_| true)?;
    // 0/0 is 0, as everywhere in a study.
    if ctx.equal(&most, &ctx.zero()) == Ok(true) {
        return Ok(most);
    }
    let mut quotient = ctx.zero();
    ctx.div(&mut quotient, &most, &size)?;
    Ok(quotient)
}
