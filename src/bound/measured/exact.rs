//! The exact trajectory of a run, enclosed, and how far a float run is from it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::enclose::{Enclosure, printed, raise};
use super::{Snapshot, matrix};
use crate::arith::{Arithmetic, MpIntervals, Surd};
use crate::bound::study::Bound;
use crate::exec::{Keep, Machine, Options, Outputs};
use crate::scenario::Scenario;

/// The precisions that are tried, one after the other.
const BITS: [u32; 6] = [128, 256, 512, 1024, 2048, 4096];

/// Every quantity after 0, 1, … steps, enclosed with so many bits.
#[derive(Debug, Default)]
struct Trajectory {
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
    enclosed: [OnceLock<Trajectory>; BITS.len()],
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

    /// How far a float run of `precision` bits with these `values` after 0, 1, … steps is from
    /// the exact run times `factors`: by quantity the largest difference by the largest exact
    /// entry, the most after any of the steps.
    pub fn distance(
        &self,
        values: &[Snapshot],
        factors: &BTreeMap<String, Surd>,
        precision: u32,
    ) -> BTreeMap<String, Bound> {
        let mut found = BTreeMap::new();
        let levels = (BITS.iter().enumerate()).filter(|(_, bits)| **bits > precision);
        for (level, bits) in levels {
            let run = self.enclosed[level].get_or_init(|| self.enclose(*bits));
            let mut all_sure = true;
            for (name, factor) in factors {
                if found.get(name).is_some_and(|b: &Bound| b.value.is_some()) {
                    continue;
                }
                let bound = distance(run, values, name, factor, *bits);
                all_sure &= bound.value.is_some();
                found.insert(name.clone(), bound);
            }
            if all_sure {
                break;
            }
        }
        for name in factors.keys() {
            let why = || Bound::none("the format is too long for the precisions that are tried");
            found.entry(name.clone()).or_insert_with(why);
        }
        found
    }

    fn enclose(&self, bits: u32) -> Trajectory {
        let mut trajectory = Trajectory::default();
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
                let entries = matrix(machine, &step, name)?.transpose();
                Some((name.clone(), entries.iter().cloned().collect()))
            });
            after.push(named.collect());
        });
        walked.map_err(|e| said(&e))
    }
}

/// The most after any step, once its printed digits are sure.
fn distance(run: &Trajectory, values: &[Snapshot], name: &str, factor: &Surd, bits: u32) -> Bound {
    let ctx = MpIntervals::new(bits);
    let Ok(factor) = ctx.from_surd(factor) else {
        return Bound::none("the factor is not a number");
    };
    if run.after.len() < values.len() {
        let why = run.stopped.as_deref().unwrap_or("the exact run is shorter");
        return Bound::none(format!("the exact run cannot be enclosed {why}"));
    }
    let mut most = ctx.zero();
    for (values, exact) in values.iter().zip(&run.after) {
        let (Some(values), Some(exact)) = (values.get(name), exact.get(name)) else {
            return Bound::none("there is no such quantity");
        };
        let Some(after) = relative(&ctx, values, exact, &factor) else {
            return Bound::none(format!("not told from 0 with {bits} bits"));
        };
        if raise(&ctx, &mut most, &after).is_none() {
            return Bound::none(format!("not enclosed with {bits} bits"));
        }
    }
    match printed(&most, false) {
        Some(drift) => Bound::of(drift.up),
        None => Bound::none(format!("the digits are not sure with {bits} bits")),
    }
}

fn relative(
    ctx: &MpIntervals,
    values: &[crate::arith::Ratio],
    exact: &[Enclosure],
    factor: &Enclosure,
) -> Option<Enclosure> {
    let [mut scaled, mut apart] = [ctx.zero(), ctx.zero()];
    let (mut most, mut size) = (ctx.zero(), ctx.zero());
    for (value, exact) in values.iter().zip(exact) {
        ctx.mul(&mut scaled, factor, exact);
        ctx.sub(&mut apart, &ctx.from_ratio(value).ok()?, &scaled);
        raise(ctx, &mut most, &apart)?;
        raise(ctx, &mut size, &scaled)?;
    }
    // 0/0 is 0, as everywhere in a study.
    if ctx.equal(&most, &ctx.zero()) == Ok(true) {
        return Some(most);
    }
    let mut quotient = ctx.zero();
    ctx.div(&mut quotient, &most, &size).ok()?;
    Some(quotient)
}
