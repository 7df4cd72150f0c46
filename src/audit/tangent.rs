//! What powers of k cannot do: exact derivatives at k = 1.
//!
//! If runs stay the same when quantities are multiplied by powers of k, for every k > 0, then loss
//! and outputs do not change to first order at k = 1: the powers solve a linear system whose
//! coefficients are derivatives along single runs. Where that system has no solution, no powers do,
//! rational or not. The coefficients are exact, or enclosed, in which case only a pivot that is
//! certainly not 0 counts.

use std::cell::RefCell;
use std::sync::Arc;

use num_traits::Zero;

use super::case::{Case, SEED};
use super::error::JudgeError;
use super::{Evidence, Rung};
use crate::arith::{Arithmetic, Jet, JetElem, OpError, Ratio, WithArithmetic, with_arithmetic};
use crate::exec::{ExecError, Machine, Outputs, Plan};
use crate::graph::StepGraph;
use crate::scenario::{Powers, Scenario};
use crate::search::{arithmetics, samples};

/// Quantities by name, with the leaves that each moves.
pub(super) type Groups = Vec<(String, Vec<String>)>;

/// Runs from which derivatives are taken.
const RUNS: usize = 6;
/// Steps of each.
const STEPS: usize = 2;

/// A direction: the power of k at each leaf.
type Direction = Vec<(String, Ratio)>;

/// Derivatives along runs of a setting.
pub(super) struct Tangent<'c> {
    case: &'c Case<'c>,
    runs: Vec<Scenario>,
    why: RefCell<String>,
}

impl<'c> Tangent<'c> {
    pub fn new(case: &'c Case<'c>) -> Result<Self, JudgeError> {
        let under = case.as_it_is();
        let mut runs = vec![];
        for sample in samples(SEED + 1).take(4 * RUNS) {
            runs.push(Scenario {
                steps: STEPS,
                ..under.run(&case.step, &sample)
            });
        }
        Ok(Self {
            case,
            runs,
            why: RefCell::new("no run has exact derivatives".to_owned()),
        })
    }

    /// The reason for which less is known than was hoped for.
    pub fn why(&self) -> String {
        self.why.borrow().clone()
    }

    /// At least so many of the groups are effective: the rank of the derivatives along them.
    /// `None` where no run has any.
    pub fn rank(&self, groups: &Groups) -> Result<Option<usize>, JudgeError> {
        let columns: Vec<Direction> = groups.iter().map(along).collect();
        self.best(&columns)
    }

    /// That no powers of the groups make up for the given powers, as evidence.
    pub fn excludes(
        &self,
        given: &Powers,
        groups: &Groups,
    ) -> Result<Option<Evidence>, JudgeError> {
        let all = given.hyperparameters.iter().chain(&given.initial);
        let zero = &self.case.setting.zero;
        let all = all.filter(|(name, power)| !power.is_zero() && !zero.contains(*name));
        let given: Direction = all.map(|(n, p)| (n.clone(), p.clone())).collect();
        // What the groups do among themselves already leaves less to count on.
        let inference = super::judge::rescalings(self.case, groups)?;
        let among = rank(super::judge::directions(&inference, groups));
        let mut columns: Vec<Direction> = groups.iter().map(along).collect();
        columns.push(given);
        let wanted = columns.len() - among;
        let reached = self.best(&columns)?.unwrap_or(0);
        if reached < wanted {
            return Ok(None);
        }
        let names: Vec<&str> = groups.iter().map(|(n, _)| n.as_str()).collect();
        let says = format!(
            "At k = 1 the exact derivatives of loss and outputs along the given powers and along {} are \
             linearly independent (rank {reached}) at drawn runs. Powers under which every run stays \
             the same would make them dependent, so there are none, rational or not.",
            names.join(", ")
        );
        Ok(Some(Evidence::new(Rung::Exact, says).with("rank", reached)))
    }

    /// The largest rank that is certain.
    fn best(&self, columns: &[Direction]) -> Result<Option<usize>, JudgeError> {
        let mut best = None;
        for name in arithmetics() {
            let task = Task {
                step: &self.case.step,
                runs: &self.runs,
                columns,
            };
            match with_arithmetic(*name, task)
                .map_err(|e| crate::scenario::ScenarioError::field("arithmetic", e))?
            {
                Ok(rank) => best = best.max(Some(rank)),
                Err(error) => *self.why.borrow_mut() = error.to_string(),
            }
            // An exact rank is what it is, unless runs ended.
            if best == Some(columns.len()) {
                break;
            }
        }
        Ok(best)
    }
}

fn along((_, leaves): &(String, Vec<String>)) -> Direction {
    let one = Ratio::from_integer(1.into());
    leaves
        .iter()
        .map(|leaf| (leaf.clone(), one.clone()))
        .collect()
}

/// The rank of exact rows.
pub(super) fn rank(rows: Vec<Vec<Ratio>>) -> usize {
    let mut rows = rows;
    let mut rank = 0;
    let width = rows.first().map_or(0, Vec::len);
    for col in 0..width {
        let Some(pivot) = (rank..rows.len()).find(|r| !rows[*r][col].is_zero()) else {
            continue;
        };
        rows.swap(rank, pivot);
        for r in rank + 1..rows.len() {
            let factor = &rows[r][col] / &rows[rank][col];
            let pivot = rows[rank].clone();
            for (x, y) in rows[r].iter_mut().zip(&pivot).skip(col) {
                *x -= &factor * y;
            }
        }
        rank += 1;
    }
    rank
}

struct Task<'a> {
    step: &'a StepGraph,
    runs: &'a [Scenario],
    columns: &'a [Direction],
}

impl WithArithmetic for Task<'_> {
    type Output = Result<usize, ExecError>;

    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        let mut rows: Vec<Vec<A::Elem>> = vec![];
        let (mut used, mut last) = (0, None);
        for run in self.runs {
            let columns = self
                .columns
                .iter()
                .map(|c| derivative(&ctx, self.step, run, c));
            match columns.collect::<Result<Vec<Vec<A::Elem>>, ExecError>>() {
                Ok(columns) => {
                    let entries = columns.first().map_or(0, Vec::len);
                    rows.extend(
                        (0..entries)
                            .map(|i| columns.iter().map(|column| column[i].clone()).collect()),
                    );
                    used += 1;
                }
                Err(error) => last = Some(error),
            }
            if used == RUNS {
                break;
            }
        }
        match last {
            Some(error) if used == 0 => Err(error),
            _ => Ok(certain_rank(&ctx, rows, self.columns.len())),
        }
    }
}

/// The derivatives of loss and outputs at every step along one direction.
fn derivative<A: Arithmetic>(
    ctx: &A,
    step: &StepGraph,
    run: &Scenario,
    direction: &Direction,
) -> Result<Vec<A::Elem>, ExecError> {
    let jets = Jet::new(ctx.clone());
    let plan = Arc::new(Plan::new(step, &run.sizes, &Outputs::All.into())?);
    let adapt = |id, elem: &mut JetElem<A::Elem>| {
        let leaf = step.graph.leaf_at(id).map(|leaf| &leaf.name);
        let power = leaf.and_then(|leaf| direction.iter().find(|(name, _)| name == leaf));
        if let Some((_, power)) = power {
            jets.scale_along(elem, power);
        }
    };
    let mut machine = Machine::with_leaves(jets.clone(), plan, &run.values, adapt)?;
    let mut all = vec![];
    machine.watch(run.steps, |_, machine| {
        all.push(jets.slope(machine.loss()));
        for output in &step.outputs {
            if let Some(value) = machine.output(&output.name) {
                all.extend(value.iter().map(|x| jets.slope(x)));
            }
        }
    })?;
    Ok(all)
}

/// The number of pivots that are certainly not 0, in elimination with row and column search.
fn certain_rank<A: Arithmetic>(ctx: &A, mut rows: Vec<Vec<A::Elem>>, width: usize) -> usize {
    let nonzero = |x: &A::Elem| -> Result<bool, OpError> { Ok(!ctx.equal(x, &ctx.zero())?) };
    let mut free: Vec<usize> = (0..width).collect();
    let mut rank = 0;
    while rank < rows.len() {
        let candidate = free.iter().enumerate().find_map(|(i, col)| {
            let mut below = rank..rows.len();
            let pivot = below.find(|r| nonzero(&rows[*r][*col]) == Ok(true))?;
            Some((i, *col, pivot))
        });
        let Some((i, col, pivot)) = candidate else {
            break;
        };
        free.swap_remove(i);
        rows.swap(rank, pivot);
        for r in rank + 1..rows.len() {
            let (mut factor, mut less) = (ctx.zero(), ctx.zero());
            if ctx
                .div(&mut factor, &rows[r][col], &rows[rank][col])
                .is_err()
            {
                continue;
            }
            for c in free.iter().copied() {
                ctx.mul(&mut less, &factor, &rows[rank][c]);
                let mut rest = ctx.zero();
                ctx.sub(&mut rest, &rows[r][c], &less);
                rows[r][c] = rest;
            }
        }
        rank += 1;
    }
    rank
}
