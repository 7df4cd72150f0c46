//! A precision study: one run and its rescaled runs, in several arithmetics.

mod bounds;
mod fit;
mod map;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Mutex;

use rayon::prelude::*;

pub use map::{Rescaled, SplitError, rescale};

use super::measured::ExactRun;
use super::study::{Study, Summary};
use crate::arith::{ArithmeticName, FloatModel, Ratio};
use crate::scenario::{Scenario, Split};
use rows::{Job, JobDone};

/// The plan of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyPlan {
    /// The arithmetics of the rows.
    pub arithmetics: Vec<ArithmeticName>,
    /// The factors.
    pub k: Vec<Ratio>,
    /// The split of each factor between A and B.
    pub split: Split,
    /// The numbers of steps after which there is a row; ascending, and at least one.
    pub steps: Vec<usize>,
    /// Precisions of `mp` against which the slope is fitted.
    pub against_bits: Vec<u32>,
    /// The number of bits that are to agree.
    pub wanted: u32,
}

/// The reason why there is no study.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StudyError {
    /// The rule does not lead to a rescaled run.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The build does not have the arithmetic.
    #[error(transparent)]
    Arithmetic(#[from] crate::arith::UnknownArithmetic),
    /// The runs cannot be set up.
    #[error(transparent)]
    Bound(#[from] super::certified::BoundError),
}

/// Carries out the study of `run`. `reproduce` is the command that does it again; `progress` is
/// told the part that is done, from 0 to 1. The result does not depend on the number of threads.
///
/// # Errors
/// [`StudyError`] where not even one row can be had.
pub fn study(
    run: &Scenario,
    plan: &StudyPlan,
    reproduce: &str,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Study, StudyError> {
    let maps = plan.k.iter().map(|k| rescale(run, k, plan.split));
    let maps: Vec<Rescaled> = maps.collect::<Result<_, _>>()?;
    let most = plan.steps.iter().copied().max().unwrap_or(run.steps);
    let no_names = BTreeMap::new();
    let names = maps.first().map_or(&no_names, |map| &map.factors);
    let leading = ["W", "loss"].into_iter().find(|n| names.contains_key(*n));
    let leading = leading.unwrap_or("loss").to_owned();
    let exact = ExactRun::new(run, names, most);
    let job = |map, arith, is_row| Job {
        run,
        map,
        arith,
        most,
        is_row,
        leading: &leading,
        plan,
        exact: &exact,
    };
    let against = plan
        .against_bits
        .iter()
        .map(|bits| ArithmeticName::Mp(*bits));
    let more = against.filter(|a| !plan.arithmetics.contains(a));
    let of_map = |map| {
        let own = plan.arithmetics.iter().map(move |a| job(map, *a, true));
        own.chain(more.clone().map(move |a| job(map, a, false)))
    };
    let jobs: Vec<Job<'_>> = maps.iter().flat_map(of_map).collect();
    let done = carry_out(&jobs, progress)?;
    let fits = fit::fits(&maps, plan, &done);
    let enough = fit::enough(run, &maps, plan, &done, &fits, &leading, most)?;
    Ok(Study {
        scenario: summary(run),
        rows: done.into_iter().flat_map(|job| job.rows).collect(),
        fits,
        enough,
        reproduce: reproduce.to_owned(),
        leading,
    })
}

/// Carries out all jobs, several at a time; of several errors the first by order, not by time.
fn carry_out(
    jobs: &[Job<'_>],
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Vec<JobDone>, StudyError> {
    let parts = Mutex::new(vec![0.0; jobs.len()]);
    let done: Vec<Result<JobDone, StudyError>> = (jobs.par_iter().enumerate())
        .map(|(i, job)| {
            job.carry_out(&|part: f64| {
                // A poisoned lock means that another job has panicked, which ends everything.
                if let Ok(mut parts) = parts.lock() {
                    parts[i] = part;
                    progress(parts.iter().sum::<f64>() / parts.len() as f64);
                }
            })
        })
        .collect();
    done.into_iter().collect()
}

fn summary(run: &Scenario) -> Summary {
    let recipe = &run.recipe;
    Summary {
        name: run.name.clone(),
        model: recipe.model.name.to_owned(),
        loss: recipe.loss.name.to_owned(),
        optimizer: recipe.optimizer.name.to_owned(),
        sizes: run.sizes.iter().map(|(n, s)| (n.to_owned(), s)).collect(),
        ranges: ranges(run),
    }
}

/// The distance that entries may have from the given ones, by tensor.
fn ranges(run: &Scenario) -> BTreeMap<String, String> {
    let tensors = run.values.tensors.iter();
    let radius = tensors.filter_map(|(n, t)| Some((n.clone(), t.scaled_radius()?.to_string())));
    radius.collect()
}

/// The significand bits of a float arithmetic; 0 of one that does not round to nearest.
pub fn significand_bits(arith: ArithmeticName) -> u32 {
    FloatModel::of(arith).map_or(0, |model| model.precision)
}
