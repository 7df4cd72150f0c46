//! What a campaign has exercised.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::test_case::TestCase;
use crate::arith::F64;
use crate::exec::{Branch, Decision, Keep, Options, Outputs, decisions};
use crate::graph::{Graph, NodeId, StepGraph};
use crate::zoo::Recipe;

/// Cases by name.
pub type Counts = BTreeMap<String, u64>;

/// The parts that were exercised, each with the number of cases that did. A part that could have
/// been and was not stands there with 0 once `anticipate` has named it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Optimizers.
    pub optimizers: Counts,
    /// Losses.
    pub losses: Counts,
    /// Models.
    pub models: Counts,
    /// Arithmetics in which properties were looked at.
    pub arithmetics: Counts,
    /// Sizes of dimensions, and how they stand to each other.
    pub shapes: Counts,
    /// Clipping, schedules, accumulation and the like.
    pub around: Counts,
    /// Case distinctions that were taken as decided, by optimizer.
    pub regimes: Counts,
    /// By optimizer and decision: the branches that drawn runs took.
    pub branches: BTreeMap<String, BTreeMap<String, Counts>>,
    /// Decisions that changed from one step of a run to the next.
    pub kinks_crossed: u64,
}

impl Coverage {
    /// The coverage of one case.
    pub(super) fn of(test_case: &TestCase) -> Self {
        let mut coverage = Self::default();
        let recipe = &test_case.scenario.recipe;
        let one = |counts: &mut Counts, name: String| {
            counts.insert(name, 1);
        };
        one(&mut coverage.optimizers, recipe.optimizer.name.to_owned());
        one(&mut coverage.losses, recipe.loss.name.to_owned());
        one(&mut coverage.models, recipe.model.name.to_owned());
        one(&mut coverage.arithmetics, test_case.arithmetic.to_string());
        for shape in shapes(test_case) {
            one(&mut coverage.shapes, shape);
        }
        for part in around(recipe) {
            one(&mut coverage.around, part);
        }
        for (name, holds) in &recipe.regimes {
            one(&mut coverage.regimes, regime(recipe, name, *holds));
        }
        if let Ok(step) = recipe.build() {
            coverage.follow(test_case, &step);
        }
        coverage
    }

    /// Runs the test case once in f64 and notes which way every decision falls.
    fn follow(&mut self, test_case: &TestCase, step: &StepGraph) {
        let decisions = decisions(&step.graph, step.roots());
        if decisions.is_empty() {
            return;
        }
        let run = &test_case.scenario;
        let options = Options {
            keep: Keep::Everything,
            outputs: Outputs::None,
        };
        let Ok(mut machine) = run.machine(F64, step, options) else {
            return;
        };
        let optimizer = run.recipe.optimizer.name.to_owned();
        let of_optimizer = self.branches.entry(optimizer).or_default();
        let mut before: Vec<Vec<Option<Branch>>> = vec![];
        let mut taken: Vec<BTreeSet<Branch>> = vec![BTreeSet::new(); decisions.len()];
        // An end of the run is none of the coverage's business: what was seen until then counts.
        let _ = machine.walk(run.steps.saturating_sub(1), |_, machine| {
            if machine.complete().is_err() {
                return ControlFlow::Break(());
            }
            let now: Vec<_> = decisions.iter().map(|d| d.taken(machine)).collect();
            for (seen, branches) in taken.iter_mut().zip(&now) {
                seen.extend(branches.iter().flatten());
            }
            let pairs = before.iter().flatten().zip(now.iter().flatten());
            let crossed =
                |(x, y): &(&Option<Branch>, &Option<Branch>)| x.is_some() && y.is_some() && x != y;
            self.kinks_crossed += pairs.filter(crossed).count() as u64;
            before = now;
            ControlFlow::Continue(())
        });
        for (decision, taken) in decisions.iter().zip(taken) {
            let name = decision.describe(|id| short_name(&step.graph, id));
            note(of_optimizer.entry(name).or_default(), decision, &taken);
        }
    }

    /// Names with 0 what could be exercised.
    pub(super) fn anticipate(&mut self, field: fn(&mut Self) -> &mut Counts, name: &str) {
        field(self).entry(name.to_owned()).or_insert(0);
    }

    /// The cases of both.
    pub fn join(&mut self, other: Self) {
        let fields: [fn(&mut Self) -> &mut Counts; 7] = [
            |c| &mut c.optimizers,
            |c| &mut c.losses,
            |c| &mut c.models,
            |c| &mut c.arithmetics,
            |c| &mut c.shapes,
            |c| &mut c.around,
            |c| &mut c.regimes,
        ];
        let mut other = other;
        for field in fields {
            add(field(self), std::mem::take(field(&mut other)));
        }
        for (optimizer, decisions) in other.branches {
            let own = self.branches.entry(optimizer).or_default();
            for (decision, branches) in decisions {
                add(own.entry(decision).or_default(), branches);
            }
        }
        self.kinks_crossed += other.kinks_crossed;
    }

    /// The names that were anticipated and never exercised, in words.
    pub fn never_reached(&self) -> Vec<String> {
        let named = [
            ("optimizer", &self.optimizers),
            ("loss", &self.losses),
            ("model", &self.models),
            ("arithmetic", &self.arithmetics),
            ("", &self.around),
            ("regime", &self.regimes),
        ];
        let zero = |counts: &Counts| -> Vec<String> {
            let zero = counts.iter().filter(|(_, n)| **n == 0);
            zero.map(|(name, _)| name.clone()).collect()
        };
        let mut never = vec![];
        for (what, counts) in named {
            let words = zero(counts).into_iter().map(|name| match what {
                "" => name,
                what => format!("{what} {name}"),
            });
            never.extend(words);
        }
        for (optimizer, decisions) in &self.branches {
            for (decision, branches) in decisions {
                let words = zero(branches).into_iter();
                never.extend(words.map(|branch| format!("{optimizer}: {decision}: {branch}")));
            }
        }
        never
    }
}

/// The name of a decided case distinction in the coverage.
pub(super) fn regime(recipe: &Recipe, name: &str, holds: bool) -> String {
    let words = name.replace('_', " ");
    let not = if holds { "" } else { "not " };
    format!("{}, {not}{words}", recipe.optimizer.name)
}

fn add(counts: &mut Counts, more: Counts) {
    for (name, n) in more {
        *counts.entry(name).or_insert(0) += n;
    }
}

/// Nodes without a name have a number, which says nothing across steps.
fn short_name(graph: &Graph, id: NodeId) -> String {
    match graph.describe(id) {
        number if number.starts_with('%') => "·".to_owned(),
        name => name,
    }
}

fn note(branches: &mut Counts, decision: &Decision, taken: &BTreeSet<Branch>) {
    let words = |branch: &Branch| match branch {
        Branch::Column(column) if *column > 0 => "a later column".to_owned(),
        branch => branch.to_string(),
    };
    for branch in decision.branches() {
        branches.entry(words(branch)).or_insert(0);
    }
    for branch in taken {
        branches.insert(words(branch), 1);
    }
}

fn shapes(test_case: &TestCase) -> Vec<String> {
    let sizes = &test_case.scenario.sizes;
    let mut shapes: Vec<String> = sizes
        .iter()
        .map(|(n, size)| format!("{n} = {size}"))
        .collect();
    let size = |name: &str| sizes.get(name);
    if let (Some(n_in), Some(n_out), Some(r)) = (size("n_in"), size("n_out"), size("r")) {
        if r > n_in && r > n_out {
            shapes.push("r above both dimensions".to_owned());
        }
        if n_in == n_out {
            shapes.push("square".to_owned());
        }
    }
    shapes
}

fn around(recipe: &Recipe) -> Vec<String> {
    let mut parts = vec![format!("reduction {}", recipe.reduction.name())];
    parts.extend(recipe.clip.map(|clip| format!("clipping {}", clip.name())));
    let schedule = recipe.schedule.as_ref();
    parts.extend(schedule.map(|s| format!("schedule {}", s.name())));
    if recipe.accumulation > 1 {
        parts.push("gradient accumulation".to_owned());
    }
    if recipe.loraplus {
        parts.push("LoRA+".to_owned());
    }
    parts
}
