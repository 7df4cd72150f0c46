//! One scenario in one float format: every admissible run, step by step, until a branch is in
//! doubt.
//!
//! Let x be a run that the format admits and x* the exact one. Each node computes f(operands) and
//! makes a bounded error e, so by the mean value theorem v − v* is the sum of the derivatives,
//! taken somewhere between the two runs, times what reaches the node. The derivatives are enclosed
//! over a box that holds every run in between, so nothing is neglected; the box of the next step
//! comes from the same sums. (Griewank and Walther 2008, chapter 3, for the reverse mode; Neumaier
//! 1990, §2.3, for the mean value form.)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::BoundError;
use super::adjoint::Adjoint;
use super::intervals::{Enclosure, F64Interval, ends, magnitude, range, sum};
use super::layout::Layout;
use super::radius::{distance, start, widened};
use super::reference::Reference;
use super::renewed::renewed;
use super::rounding_up::{add, mul};
use super::snapshot::{Run, Snapshot};
use super::zonotope::Zonotope;
use crate::arith::{Enclosures, FloatModel, MpEnds};
use crate::bound::study::Ending;
use crate::exec::{ExecError, Keep, Machine, Options, Outputs, Plan};
use crate::graph::{NodeId, Sensitivity, StepGraph};
use crate::scenario::Scenario;

/// The most carried numbers that are enclosed: the work grows with the square.
pub const MAX_CARRIED: usize = 2048;
/// The bits beyond the format's precision with which ranges are computed.
pub(super) const GUARD: u32 = 64;

/// The graphs that a step's roundings are followed in.
#[derive(Debug)]
pub(super) struct Graphs {
    pub step: StepGraph,
    /// The adjoint from the next values.
    pub of_next: Sensitivity,
    /// The adjoint from loss and outputs.
    pub of_outputs: Sensitivity,
    /// For each node, whether it has the same value at every step.
    pub lasting: Vec<bool>,
}

impl Graphs {
    pub fn new(scenario: &Scenario) -> Result<Self, BoundError> {
        let step = scenario.recipe.build()?;
        let parameters = step.parameters.iter().map(|p| p.next);
        let next: BTreeSet<NodeId> = parameters
            .chain(step.states.iter().map(|s| s.next))
            .collect();
        let seen: BTreeSet<NodeId> = step
            .outputs
            .iter()
            .map(|o| o.node)
            .chain([step.loss])
            .collect();
        Ok(Self {
            of_next: Sensitivity::new(&step, &next)?,
            of_outputs: Sensitivity::new(&step, &seen)?,
            lasting: step.lasting(),
            step,
        })
    }
}

/// The reachable tube of a scenario: a box about the exact run that holds all admissible runs,
/// before each step.
#[derive(Debug)]
pub(super) struct Tube<'g> {
    pub graphs: &'g Graphs,
    pub scenario: &'g Scenario,
    pub plan: Arc<Plan<'g>>,
    pub model: FloatModel,
    pub layout: Layout,
    /// The nodes that have the same value at every step and may be rounded anew at each, in any
    /// order of summation.
    pub renewed: Vec<bool>,
    pub exact: Reference,
    /// The radii of the first values: how far they can be from the exact ones.
    pub start: Vec<f64>,
    /// The radii of the carried numbers before each step, in units of the unit roundoff.
    pub radii: Vec<Vec<f64>>,
    /// Each step that was enclosed.
    pub steps: Vec<Snapshot>,
    /// The reason why there are no more steps.
    pub ending: Option<Ending>,
    /// True where the exact values are those of a whole box of inputs.
    pub has_ranges: bool,
}

/// The derivative of all next numbers with respect to all current ones, between two ends, and the
/// largest error that the step adds to each of them, in any order.
type Propagation = (DMatrix<(f64, f64)>, Vec<f64>);

impl<'g> Tube<'g> {
    /// The tube over the first `steps` steps.
    pub fn new(
        graphs: &'g Graphs,
        scenario: &'g Scenario,
        model: &FloatModel,
        steps: usize,
    ) -> Result<Self, BoundError> {
        let options = Options {
            keep: Keep::Everything,
            outputs: Outputs::All,
        };
        let plan = Arc::new(Plan::new(&graphs.step, &scenario.sizes, &options)?);
        let exact = Reference::new(scenario, &plan, model, steps)?;
        let ctx = Enclosures::new(MpEnds::new(model.precision + GUARD), model.clone());
        let machine = Machine::with_plan(ctx, Arc::clone(&plan), &scenario.values)?;
        let layout = Layout::new(&graphs.step, &machine);
        if layout.len > MAX_CARRIED {
            return Err(BoundError::TooLarge {
                carried: layout.len,
            });
        }
        let shape = |id: NodeId| machine.node(id).map_or((0, 0), DMatrix::shape);
        let renewed = renewed(&graphs.step, &graphs.lasting, model, shape);
        let first = exact.states.first().cloned().unwrap_or_default();
        let start = start(&graphs.step, &machine, &layout, &first, scenario)?;
        let mut tube = Self {
            graphs,
            scenario,
            plan,
            model: model.clone(),
            layout,
            renewed,
            exact,
            radii: vec![start.clone()],
            start,
            steps: vec![],
            ending: None,
            has_ranges: scenario.values.has_ranges(),
        };
        tube.enclose(machine, steps)?;
        Ok(tube)
    }

    /// Goes on step by step, until a step has no enclosure.
    fn enclose(&mut self, mut machine: Run<'g>, steps: usize) -> Result<(), BoundError> {
        let mut zonotope = Zonotope::new(self.start.clone());
        let mut adjoint = None;
        for taken in 0..steps {
            let snapshot = match self.snapshot(&mut machine, taken)? {
                Ok(snapshot) => snapshot,
                Err(ending) => {
                    self.ending = Some(ending);
                    break;
                }
            };
            let adjoint = match &mut adjoint {
                Some(adjoint) => adjoint,
                None => adjoint.insert(self.adjoint(&self.graphs.of_next, &snapshot)?),
            };
            adjoint.load(&snapshot)?;
            let radii = self
                .propagation(adjoint, &snapshot)
                .map_err(|error| format!("a derivative has no bound: {error}"))
                .and_then(|(derivative, fresh)| {
                    zonotope.advance(&derivative, &fresh);
                    self.next_radii(&machine, &zonotope, taken)
                });
            match radii {
                Ok(radii) => self.radii.push(radii),
                Err(why) => {
                    self.ending = Some(Ending::plain(taken, why));
                    break;
                }
            }
            self.steps.push(snapshot);
            machine.advance()?;
        }
        Ok(())
    }

    /// The step after `taken` steps in all admissible runs, which `machine` takes; or where the
    /// tube ends.
    fn snapshot(
        &self,
        machine: &mut Run<'g>,
        taken: usize,
    ) -> Result<Result<Snapshot, Ending>, ExecError> {
        if taken + 1 >= self.exact.states.len() {
            return Ok(Err(self.end_of_reference(taken)));
        }
        self.place(machine, taken)?;
        if let Err(error) = machine.complete() {
            return Ok(Err(Ending::of(&error, taken)));
        }
        let snapshot = Snapshot::new(machine, &self.graphs.of_next);
        Ok(snapshot.map_err(|error| Ending::plain(taken, error.to_string())))
    }

    /// The radii after one more step than `taken`, or why there are none.
    fn next_radii(
        &self,
        machine: &Run<'g>,
        zonotope: &Zonotope,
        taken: usize,
    ) -> Result<Vec<f64>, String> {
        let mut radii = zonotope.radii.clone();
        if !self.has_ranges {
            // One step from the box is another bound, and both hold.
            let next = self.layout.parts.iter();
            let next = next.filter_map(|p| machine.node(p.next)).flatten();
            let exact = &self.exact.states[taken + 1];
            for ((radius, x), exact) in radii.iter_mut().zip(next).zip(exact) {
                *radius = radius.min(distance(&x.range, exact, &self.model));
            }
        }
        match radii.iter().all(|x| x.is_finite()) {
            true => Ok(radii),
            false => Err("the enclosure of the next state grows beyond all bounds".to_owned()),
        }
    }

    /// An evaluator of the adjoints that bounds take.
    pub fn adjoint(
        &self,
        of: &'g Sensitivity,
        snapshot: &Snapshot,
    ) -> Result<Adjoint<'g>, ExecError> {
        let (sizes, step) = (&self.scenario.sizes, &self.graphs.step);
        Adjoint::new(of, sizes, step, self.layout.leaves(), snapshot)
    }

    fn end_of_reference(&self, taken: usize) -> Ending {
        match &self.exact.ended {
            Some(error) => Ending::of(error, taken),
            None => Ending::plain(
                taken,
                format!(
                    "the exact run is not known well enough at {} bits",
                    self.exact.bits
                ),
            ),
        }
    }

    /// Puts the box of all admissible runs after `taken` steps into `machine`.
    pub fn place(&self, machine: &mut Run<'g>, taken: usize) -> Result<(), ExecError> {
        let ctx = machine.arithmetic().clone();
        let boxes: Vec<Enclosure> = self.exact.states[taken]
            .iter()
            .zip(&self.radii[taken])
            .map(|(x, radius)| widened(x, *radius, &self.model, ctx.model().precision + GUARD))
            .collect();
        for part in &self.layout.parts {
            let entries = Layout::matrix(part, &boxes);
            machine.set(part.leaf, &entries.map(|x| ctx.given(x)))?;
        }
        Ok(())
    }

    /// The effect of one step on a deviation.
    fn propagation(
        &self,
        adjoint: &Adjoint<'_>,
        snapshot: &Snapshot,
    ) -> Result<Propagation, ExecError> {
        let n = self.layout.len;
        let row = |adjoint: &mut Adjoint<'_>, at: usize| {
            adjoint.pull(&self.summed(&self.unit(at)))?;
            let row: Vec<(f64, f64)> = self.carried(adjoint).iter().map(ends).collect();
            let added = snapshot.errors.iter().fold(0.0, |total, (id, errors)| {
                let Some(size) = adjoint.of(*id) else {
                    return total;
                };
                let terms = size.iter().zip(errors);
                terms.fold(total, |t, (s, e)| add(t, mul(magnitude(s), e.any)))
            });
            Ok((row, added))
        };
        let rows: Vec<(Vec<(f64, f64)>, f64)> = (0..n)
            .into_par_iter()
            .map_init(|| adjoint.clone(), row)
            .collect::<Result<_, ExecError>>()?;
        let derivative = DMatrix::from_fn(n, n, |i, j| rows[i].0[j]);
        Ok((
            derivative,
            rows.into_iter().map(|(_, added)| added).collect(),
        ))
    }

    /// The exact value of a quantity after `taken` steps.
    pub fn quantity(&self, name: &str, taken: usize) -> Option<DMatrix<Enclosure>> {
        match self.layout.parameter(name) {
            Some(part) => Some(Layout::matrix(part, self.exact.states.get(taken)?)),
            None => self.exact.outputs.get(taken)?.get(name).cloned(),
        }
    }

    /// The adjoints of all next values for one of them, that of the carried number `at`.
    pub fn unit(&self, at: usize) -> Vec<F64Interval> {
        let mut seeds = vec![range(0.0, 0.0); self.layout.len];
        seeds[at] = range(1.0, 1.0);
        seeds
    }

    /// Adjoints of next values by node: two parts may have one node for their next value.
    pub fn summed(&self, seeds: &[F64Interval]) -> BTreeMap<NodeId, DMatrix<F64Interval>> {
        let mut by_node: BTreeMap<NodeId, DMatrix<F64Interval>> = BTreeMap::new();
        for part in &self.layout.parts {
            let own = Layout::matrix(part, seeds);
            by_node
                .entry(part.next)
                .and_modify(|all| *all = all.zip_map(&own, |x, y| sum(&x, &y)))
                .or_insert(own);
        }
        by_node
    }

    /// The adjoints of all carried numbers as of the last evaluation.
    pub fn carried(&self, adjoint: &Adjoint<'_>) -> Vec<F64Interval> {
        let of = |part: &super::layout::Part| match adjoint.of(part.leaf) {
            Some(m) => m.iter().cloned().collect(),
            None => vec![range(0.0, 0.0); part.len()],
        };
        self.layout.parts.iter().flat_map(of).collect()
    }

    /// Splits adjoints of the carried numbers after `taken` steps into numbers and what the rest,
    /// times all that the carried numbers can deviate, comes to.
    pub fn centred(&self, carried: &[F64Interval], taken: usize) -> (Vec<F64Interval>, f64) {
        let mut rest = 0.0;
        let centre = |(x, radius): (&F64Interval, &f64)| {
            let (inf, sup) = ends(x);
            let middle = inf / 2.0 + sup / 2.0;
            if middle.is_finite() {
                let half_width = (sup - middle).next_up().max((middle - inf).next_up());
                rest = add(rest, mul(half_width.max(0.0), *radius));
                range(middle, middle)
            } else {
                rest = f64::INFINITY;
                range(0.0, 0.0)
            }
        };
        let centres = carried.iter().zip(&self.radii[taken]).map(centre).collect();
        (centres, rest)
    }

    /// Loss and outputs at the box after `taken` steps, for sensitivities from them.
    pub fn at(&self, taken: usize) -> Result<Snapshot, BoundError> {
        let bits = self.model.precision + GUARD;
        let ctx = Enclosures::new(MpEnds::new(bits), self.model.clone());
        let values = &self.scenario.values;
        let mut machine = Machine::with_plan(ctx, Arc::clone(&self.plan), values)?;
        machine.set_step_number(self.graphs.step.first_step + taken as u64);
        self.place(&mut machine, taken)?;
        machine.forward()?;
        Snapshot::new(&machine, &self.graphs.of_outputs)
    }
}
