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
use num_traits::Zero;
use rayon::prelude::*;
use rug::Float;
use rug::float::Round;

use super::adjoint::Adjoint;
use super::coarse::{Range, Real, ends, in_units, magnitude, range};
use super::generators::Generators;
use super::layout::Layout;
use super::reference::{self, Reference};
use super::renewed::renewed;
use super::snapshot::Snapshot;
use super::upward::{add, mul};
use super::{BoundError, Ending};
use crate::arith::{Enclosures, FloatModel, MpEnds};
use crate::exec::{ExecError, Keep, Machine, Options, Outputs, Plan};
use crate::graph::{NodeId, Sensitivity, StepGraph};
use crate::scenario::Scenario;

/// More carried numbers than this are not enclosed: the work grows with the square.
pub const MAX_CARRIED: usize = 2048;
/// Bits beyond the format's precision with which ranges are computed.
const GUARD: u32 = 64;

/// The graphs that speak of a step's roundings.
#[derive(Debug)]
pub(super) struct Graphs {
    pub step: StepGraph,
    /// From the next values.
    pub of_next: Sensitivity,
    /// From loss and outputs.
    pub of_outputs: Sensitivity,
    /// Which nodes have the same value at every step.
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

/// All admissible runs of a scenario.
#[derive(Debug)]
pub(super) struct Course<'g> {
    pub graphs: &'g Graphs,
    pub plan: Arc<Plan<'g>>,
    pub model: FloatModel,
    pub layout: Layout,
    /// Which nodes that have the same value at every step may be rounded anew at each, in any
    /// order of summation.
    pub renewed: Vec<bool>,
    pub exact: Reference,
    /// How far the first values can be from the exact ones.
    pub start: Vec<f64>,
    /// How far carried numbers can be from the exact ones, before each step.
    pub reach: Vec<Vec<f64>>,
    /// Each step that was enclosed.
    pub steps: Vec<Snapshot>,
    /// Why no more.
    pub ending: Option<Ending>,
    /// Whether the exact values are those of a whole box of inputs.
    pub has_ranges: bool,
}

type Run<'g> = Machine<'g, Enclosures<MpEnds>>;

/// The ends of the derivative of one next number with respect to each current one, and the
/// largest error that the step adds to it, in any order.
type NextNumber = (Vec<(f64, f64)>, f64);

impl<'g> Course<'g> {
    /// The first `steps` steps.
    pub fn new(
        graphs: &'g Graphs,
        scenario: &Scenario,
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
        let has_ranges = scenario.values.has_ranges();
        let first = exact.states.first().cloned().unwrap_or_default();
        let start = start(&graphs.step, &machine, &layout, &first, scenario)?;
        let mut course = Self {
            graphs,
            plan,
            model: model.clone(),
            layout,
            renewed,
            exact,
            reach: vec![start.clone()],
            start,
            steps: vec![],
            ending: None,
            has_ranges,
        };
        course.enclose(machine, scenario, steps)?;
        Ok(course)
    }

    fn enclose(
        &mut self,
        mut machine: Run<'g>,
        scenario: &Scenario,
        steps: usize,
    ) -> Result<(), BoundError> {
        let mut generators = Generators::new(self.start.clone());
        let of = &self.graphs.of_next;
        let mut adjoint: Option<Adjoint<'_>> = None;
        for taken in 0..steps {
            if taken + 1 >= self.exact.states.len() {
                self.ending = Some(self.end_of_reference(taken));
                break;
            }
            self.place(&mut machine, taken)?;
            if let Err(error) = machine.complete() {
                self.ending = Some(Ending::of(&error, taken));
                break;
            }
            let snapshot = Snapshot::new(&machine, of)
                .map_err(|error| Ending::plain(taken, error.to_string()));
            let snapshot = match snapshot {
                Ok(snapshot) => snapshot,
                Err(ending) => {
                    self.ending = Some(ending);
                    break;
                }
            };
            let adjoint = match &mut adjoint {
                Some(adjoint) => adjoint,
                None => {
                    let new = super::trace::evaluator(self, of, &scenario.sizes, &snapshot)?;
                    adjoint.insert(new)
                }
            };
            adjoint.load(&snapshot)?;
            let rows = match self.rows(adjoint, &snapshot) {
                Ok(rows) => rows,
                Err(error) => {
                    self.ending = Some(Ending::plain(
                        taken,
                        format!("a derivative has no bound: {error}"),
                    ));
                    break;
                }
            };
            let n = self.layout.len;
            let derivative = DMatrix::from_fn(n, n, |i, j| rows[i].0[j]);
            let fresh: Vec<f64> = rows.iter().map(|row| row.1).collect();
            generators.advance(&derivative, &fresh);
            // One step from the box is another bound, and both hold.
            let next = self
                .layout
                .parts
                .iter()
                .filter_map(|p| machine.node(p.next));
            let next = next.flat_map(|m| m.iter().map(|x| &x.range));
            let exact = &self.exact.states[taken + 1];
            let by_step = next.zip(exact).map(|(x, y)| distance(x, y, &self.model));
            let both = generators.reach.iter().zip(by_step).map(|(x, y)| x.min(y));
            let reach: Vec<f64> = match self.has_ranges {
                true => generators.reach.clone(),
                false => both.collect(),
            };
            let bounded = reach.iter().all(|x| x.is_finite());
            if !bounded {
                self.ending = Some(Ending::plain(
                    taken,
                    "the enclosure of the next state grows beyond all bounds".to_owned(),
                ));
                break;
            }
            self.steps.push(snapshot);
            self.reach.push(reach);
            machine.advance()?;
        }
        Ok(())
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
        let boxes: Vec<Real> = self.exact.states[taken]
            .iter()
            .zip(&self.reach[taken])
            .map(|(x, reach)| widened(x, *reach, &self.model, ctx.model().precision + GUARD))
            .collect();
        for part in &self.layout.parts {
            let entries = Layout::matrix(part, &boxes);
            machine.set(part.leaf, &entries.map(|x| ctx.given(x)))?;
        }
        Ok(())
    }

    /// What one step does to a deviation, for each next number.
    fn rows(
        &self,
        adjoint: &Adjoint<'_>,
        snapshot: &Snapshot,
    ) -> Result<Vec<NextNumber>, ExecError> {
        let entries: Vec<(usize, usize)> = self
            .layout
            .parts
            .iter()
            .enumerate()
            .flat_map(|(p, part)| (0..part.len()).map(move |e| (p, e)))
            .collect();
        entries
            .par_iter()
            .map_init(
                || adjoint.clone(),
                |adjoint, (p, e)| {
                    let seeds = self.unit(*p, *e);
                    adjoint.pull(&self.summed(&seeds))?;
                    let row = self.carried(adjoint).iter().map(ends).collect();
                    let added = snapshot.errors.iter().fold(0.0, |total, (id, errors)| {
                        let Some(size) = adjoint.of(*id) else {
                            return total;
                        };
                        let terms = size.iter().zip(errors);
                        terms.fold(total, |t, (s, e)| add(t, mul(magnitude(s), e.any)))
                    });
                    Ok((row, added))
                },
            )
            .collect()
    }

    /// Every quantity that has a bound: loss, outputs and parameters.
    pub fn quantities(&self) -> Vec<String> {
        let outputs = self.graphs.step.outputs.iter().map(|o| o.name.clone());
        let parameters = self.graphs.step.parameters.iter().map(|p| p.name.clone());
        std::iter::once("loss".to_owned())
            .chain(outputs)
            .chain(parameters)
            .collect()
    }

    /// The exact value of a quantity after `taken` steps.
    pub fn quantity(&self, name: &str, taken: usize) -> Option<DMatrix<Real>> {
        let part = self
            .layout
            .parts
            .iter()
            .find(|p| p.parameter.as_deref() == Some(name));
        match part {
            Some(part) => Some(Layout::matrix(part, self.exact.states.get(taken)?)),
            None => self.exact.outputs.get(taken)?.get(name).cloned(),
        }
    }

    /// The adjoint of the next value of one carried number.
    pub fn unit(&self, part: usize, entry: usize) -> Vec<Range> {
        let mut seeds = vec![range(0.0, 0.0); self.layout.len];
        seeds[self.layout.parts[part].offset + entry] = range(1.0, 1.0);
        seeds
    }

    /// Adjoints of next values by node: two parts may have one node for their next value.
    pub fn summed(&self, seeds: &[Range]) -> BTreeMap<NodeId, DMatrix<Range>> {
        let mut by_node: BTreeMap<NodeId, DMatrix<Range>> = BTreeMap::new();
        for part in &self.layout.parts {
            let own = Layout::matrix(part, seeds);
            by_node
                .entry(part.next)
                .and_modify(|sum| *sum = sum.zip_map(&own, |x, y| super::coarse::sum(&x, &y)))
                .or_insert(own);
        }
        by_node
    }

    /// The adjoints of all carried numbers as of the last evaluation.
    pub fn carried(&self, adjoint: &Adjoint<'_>) -> Vec<Range> {
        let of = |part: &super::layout::Part| match adjoint.of(part.leaf) {
            Some(m) => m.iter().cloned().collect(),
            None => vec![range(0.0, 0.0); part.len()],
        };
        self.layout.parts.iter().flat_map(of).collect()
    }

    /// Splits adjoints of the carried numbers after `taken` steps into numbers and what the rest,
    /// times all that the carried numbers can deviate, comes to.
    pub fn centred(&self, carried: &[Range], taken: usize) -> (Vec<Range>, f64) {
        let mut rest = 0.0;
        let centre = |(x, reach): (&Range, &f64)| {
            let (inf, sup) = ends(x);
            let middle = inf / 2.0 + sup / 2.0;
            if middle.is_finite() {
                let radius = (sup - middle).next_up().max((middle - inf).next_up());
                rest = add(rest, mul(radius.max(0.0), *reach));
                range(middle, middle)
            } else {
                rest = f64::INFINITY;
                range(0.0, 0.0)
            }
        };
        let centres = carried.iter().zip(&self.reach[taken]).map(centre).collect();
        (centres, rest)
    }

    /// Loss and outputs at the box after `taken` steps, for sensitivities from them.
    pub fn at(&self, scenario: &Scenario, taken: usize) -> Result<Snapshot, BoundError> {
        let bits = self.model.precision + GUARD;
        let ctx = Enclosures::new(MpEnds::new(bits), self.model.clone());
        let mut machine = Machine::with_plan(ctx, Arc::clone(&self.plan), &scenario.values)?;
        machine.set_step_number(self.graphs.step.first_step + taken as u64);
        self.place(&mut machine, taken)?;
        machine.forward()?;
        Snapshot::new(&machine, &self.graphs.of_outputs)
    }
}

/// How far the first values can be from the exact ones `first`. Two boxes do not tell how far
/// apart two runs from one input are; the rounding of the input does.
fn start(
    step: &StepGraph,
    machine: &Run<'_>,
    layout: &Layout,
    first: &[Real],
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
pub(super) fn distance(x: &Real, y: &Real, model: &FloatModel) -> f64 {
    let up = |x: Float| x.to_f64_round(Round::Up);
    let scaled = |a: &Float, b: &Float| {
        let apart = Float::with_val_round(64, a - b, Round::Up).0;
        up(apart << model.precision)
    };
    scaled(x.sup(), y.inf())
        .max(scaled(y.sup(), x.inf()))
        .max(0.0)
}

/// `x` moved apart by `reach` unit roundoffs.
pub(super) fn widened(x: &Real, reach: f64, model: &FloatModel, bits: u32) -> Real {
    let radius = Float::with_val(53, reach) >> model.precision;
    let inf = Float::with_val_round(bits, x.inf() - &radius, Round::Down).0;
    let sup = Float::with_val_round(bits, x.sup() + &radius, Round::Up).0;
    let ctx = crate::arith::MpIntervals::new(bits);
    // A radius that is no number bounds nothing.
    ctx.of(inf, sup).unwrap_or_else(|| ctx.entire())
}

/// Loss, outputs and parameters when every operation is enclosed by itself, step after step:
/// valid for any order, fused or not. For each time, until it cannot go on, and why it cannot.
pub(super) fn by_enclosure(
    plan: &Arc<Plan<'_>>,
    scenario: &Scenario,
    model: &FloatModel,
    steps: usize,
) -> (Vec<BTreeMap<String, DMatrix<Real>>>, Option<String>) {
    let ctx = Enclosures::new(MpEnds::new(model.precision + GUARD), model.clone());
    let mut all = vec![];
    let go = || -> Result<(), ExecError> {
        let mut machine = Machine::with_plan(ctx, Arc::clone(plan), &scenario.values)?;
        machine.watch(steps, |_, machine| {
            let mut values = reference::outputs(machine);
            for p in &plan.step().parameters {
                if let Some(m) = machine.parameter(&p.name) {
                    values.insert(p.name.clone(), m.map(|x| x.range.clone()));
                }
            }
            all.push(values);
        })
    };
    let why = go().err().map(|error| error.to_string());
    (all, why)
}
