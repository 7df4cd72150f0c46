//! A setting put to work: its steps, its runs, and the question whether a map leaves it unchanged.

use std::collections::BTreeMap;

use num_traits::{One, Zero};

use super::claim::Setting;
use super::error::JudgeError;
use super::watch::{Compare, Watched, watch};
use super::{Evidence, Rung};
use crate::arith::{Ratio, show_ratio};
use crate::exec::ExecError;
use crate::fault::{Fault, planted};
use crate::gauge::{Condition, MapQuestion};
use crate::graph::StepGraph;
use crate::scenario::{Exact, Powers, Property, RandomFile, Scenario, ScenarioError, ScenarioFile};
use crate::search::{self, Found, Hunt, Hunted, Population, Sample, arithmetics, end_of, samples};

/// The seed of every random choice of the audit.
pub(super) const SEED: u64 = 1;
/// Random cases of each size in a hunt.
const CASES: u32 = 80;
/// Draws that are tried to see whether a setting has runs at all.
const DRAWS: usize = 24;

/// A setting with its steps.
pub(super) struct Case<'s> {
    pub setting: &'s Setting,
    /// The step over which weights are derived.
    pub symbolic: StepGraph,
    /// The step that is run.
    pub step: StepGraph,
}

/// The reason for which no run of a setting takes a step.
#[derive(Debug, Clone)]
pub(super) struct NoRun {
    pub error: ExecError,
}

impl NoRun {
    /// The end of all runs in words, and what would have to be on.
    pub fn in_words(&self, setting: &Setting) -> String {
        let error = super::words::ends(&self.error);
        let off = &setting.numeric.off;
        let floors = setting.numeric.optimizer.hyperparameters.iter();
        // Small numbers that keep a divisor from 0.
        let small = |default: &str| {
            let thousandth = crate::arith::Ratio::new(1.into(), 1000.into());
            crate::arith::parse_ratio(default).is_ok_and(|d| !d.is_zero() && d < thousandth)
        };
        let floors = floors.filter(|h| h.may_be_zero && small(h.default) && off.contains(h.name));
        let floors: Vec<&str> = floors.map(|h| h.name).collect();
        let zero: Vec<&str> = setting.zero.iter().map(String::as_str).collect();
        let mend = match (floors.is_empty(), zero.is_empty()) {
            (false, _) => format!("; leave {} on", floors.join(", ")),
            (true, false) => format!("; {} must not start at 0", zero.join(", ")),
            (true, true) => String::new(),
        };
        format!("there is no such run: {error}{mend}")
    }
}

impl<'s> Case<'s> {
    /// # Errors
    /// [`JudgeError`] where the setting cannot be built, which reading it has ruled out.
    pub fn new(setting: &'s Setting) -> Result<Self, JudgeError> {
        Ok(Self {
            symbolic: setting.symbolic.build()?,
            step: setting.numeric.build()?,
            setting,
        })
    }

    /// The outputs of the model.
    pub fn outputs(&self) -> Vec<String> {
        self.step.outputs.iter().map(|o| o.name.clone()).collect()
    }

    /// Equal loss and outputs.
    pub fn same_run(&self) -> Property {
        Property::same(self.outputs())
    }

    /// The runs of the setting as it stands.
    pub fn as_it_is(&self) -> Population {
        Population {
            recipe: self.setting.numeric.clone(),
            zero: self.setting.zero.clone(),
            sizes: self.setting.sizes.clone(),
            shared: true,
        }
    }

    /// The runs of the setting under these conditions besides.
    pub fn under(&self, conditions: &[Condition]) -> Population {
        let mut under = self.as_it_is();
        for condition in conditions {
            match condition {
                Condition::InitialZero(name) => {
                    under.zero.insert(name.clone());
                }
                Condition::HyperparameterZero(base) => {
                    under.recipe.off.insert(base.clone());
                }
                Condition::SignChanges(_) => {}
            }
        }
        under
    }

    /// The question whether the map leaves loss and outputs unchanged.
    pub fn question(&self, powers: &Powers) -> MapQuestion {
        let training = self.setting.numeric.model.zero_at_start.iter();
        MapQuestion {
            hyperparameters: powers.hyperparameters.clone(),
            initial: powers.initial.clone(),
            negated: powers.negated.clone(),
            zero: match planted(Fault::StartForgotten) {
                true => training.map(|name| (*name).to_owned()).collect(),
                false => self.setting.zero.clone(),
            },
            kept: self
                .symbolic
                .outputs
                .iter()
                .map(|o| o.name.clone())
                .collect(),
            conditions: self.conditions(powers),
            ..MapQuestion::default()
        }
    }

    /// The conditions that may be assumed besides: tensors start at zero, terms of which the claim
    /// does not say that they are on are off, and where signs change, first values do so as well.
    fn conditions(&self, powers: &Powers) -> Vec<Condition> {
        let trained = self.symbolic.parameters.iter().map(|p| p.name.clone());
        let free: Vec<String> = trained
            .filter(|name| !self.setting.zero.contains(name))
            .collect();
        let zero = free.iter().cloned().map(Condition::InitialZero);
        let read: Vec<&str> = (self.symbolic.hyperparameters())
            .filter(|(_, _, may_be_zero)| *may_be_zero)
            .map(|(_, base, _)| base)
            .collect();
        let off = self.setting.incidental().into_iter();
        let off = off.filter(|base| read.contains(base));
        let off = off.map(|base| Condition::HyperparameterZero(base.to_owned()));
        let turned = free.iter().filter(|name| !powers.negated.contains(*name));
        let turned = turned.filter(|_| !powers.negated.is_empty());
        let turned = turned.cloned().map(Condition::SignChanges);
        zero.chain(off).chain(turned).collect()
    }

    /// The reason for which no run takes its first step; `None` where one does, or may.
    pub fn no_run(&self, under: &Population) -> Result<Option<NoRun>, JudgeError> {
        let mut ended = None;
        for run in self.runs(under, DRAWS)? {
            let mut ends = (arithmetics().iter().take(2))
                .filter_map(|arithmetic| end_of(*arithmetic, &run, 1).ok().flatten());
            let certain = ends.find(|end| end.error.is_undefined());
            match certain.map(|end| end.error) {
                None => return Ok(None),
                Some(error) => ended = ended.or(Some(error)),
            }
        }
        Ok(ended.map(|error| NoRun { error }))
    }

    /// `true` if some run goes on in which an output moves.
    pub fn moves(&self, under: &Population) -> Result<bool, JudgeError> {
        let outputs = self.outputs();
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        for run in self.runs(under, DRAWS)? {
            if let Watched::Differs(..) = watch(&run, &outputs, Compare::WithStart, 2)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Runs of the setting, as many as asked for.
    pub fn runs(
        &self,
        under: &Population,
        count: usize,
    ) -> Result<impl Iterator<Item = Scenario>, JudgeError> {
        let step = under.recipe.build()?;
        let samples = samples(SEED).take(count);
        Ok(samples.map(move |sample| under.run(&step, &sample)))
    }

    /// Hunts for a pair of runs that contradicts `property`.
    pub fn hunt(
        &self,
        population: &Population,
        property: &Property,
        cases: u32,
        right_of: &dyn Fn(&Scenario, &Sample) -> Option<Scenario>,
    ) -> Result<Hunted, JudgeError> {
        let hunted = search::hunt(&Hunt {
            property,
            population,
            right_of,
            cases,
            seed: SEED,
        });
        Ok(hunted?)
    }

    /// Hunts for a run that the map changes.
    pub fn hunt_map(
        &self,
        under: &Population,
        property: &Property,
        powers: &Powers,
        k: &Ratio,
    ) -> Result<Hunted, JudgeError> {
        self.hunt(under, property, CASES, &|left, _| {
            powers.apply(left, k).ok()
        })
    }

    /// Exact runs that a map with a certificate leaves unchanged, as evidence; in words what one
    /// contradicts, which is a defect of this program.
    pub fn exact_runs(
        &self,
        powers: &Powers,
    ) -> Result<Result<Option<Evidence>, String>, JudgeError> {
        let Some(k) = powers.factor_with_roots(&Ratio::new(3.into(), 2.into())) else {
            return Ok(Ok(None));
        };
        let hunted = self.hunt_map(&self.as_it_is(), &self.same_run(), powers, &k)?;
        if let Some(found) = hunted.found {
            return Ok(Err(format!(
                "certificate and exact runs contradict each other, which is a defect: {}",
                found.finding.describe()
            )));
        }
        let says = format!(
            "At {}, random runs of random shapes are equal number by number in exact arithmetic.",
            at_k(powers, &k)
        );
        let runs = Evidence::new(Rung::Exact, says).with("runs", hunted.held);
        Ok(Ok((hunted.held > 0).then_some(runs)))
    }

    /// A run that the map changes, if one is found: without the terms of which the claim says
    /// nothing where that suffices, and with settings that people use.
    pub fn counterexample(
        &self,
        under: &Population,
        property: &Property,
        powers: &Powers,
    ) -> Result<Option<(Found, Ratio)>, JudgeError> {
        let Some(k) = powers.factor_with_roots(&Ratio::from_integer(2.into())) else {
            return Ok(None);
        };
        let incidental = self.setting.incidental();
        let named = |base: &str| {
            let leaves = self
                .step
                .hyperparameters()
                .filter(|(_, own, _)| *own == base);
            let mut leaves = leaves.map(|(leaf, ..)| leaf);
            leaves.any(|leaf| !powers.hyperparameters.get(leaf).is_none_or(Zero::is_zero))
        };
        let silent: Vec<&str> = incidental.into_iter().filter(|b| !named(b)).collect();
        let without = |off: &[&str]| {
            let mut under = under.clone();
            under.recipe.off.extend(off.iter().map(|b| (*b).to_owned()));
            under
        };
        // All off, then all but one off, then as it is.
        let mut tries = vec![silent.clone()];
        for kept in silent.iter().filter(|_| silent.len() > 1) {
            tries.push(silent.iter().filter(|b| *b != kept).copied().collect());
        }
        tries.push(vec![]);
        tries.dedup();
        for off in tries {
            let under = without(&off);
            if under.recipe.build().is_err() || (!off.is_empty() && self.no_run(&under)?.is_some())
            {
                continue;
            }
            let hunted = match self.hunt_map(&under, property, powers, &k) {
                Err(JudgeError::Search(search::SearchError::GaveUp(_))) => continue,
                hunted => hunted?,
            };
            if let Some(found) = hunted.found {
                return Ok(Some((found, k)));
            }
        }
        Ok(None)
    }

    /// A run at the given sizes, with rates near those people use.
    ///
    /// # Errors
    /// [`ScenarioError`] where a hyperparameter has no default.
    pub fn example(
        &self,
        sizes: [usize; 4],
        steps: usize,
        seed: u64,
    ) -> Result<Scenario, ScenarioError> {
        let under = self.as_it_is();
        let step = under.recipe.build()?;
        let lr = Ratio::new(1.into(), 16.into());
        let zeros = under
            .recipe
            .off
            .iter()
            .map(|name| (name.clone(), Ratio::zero()));
        let settings = step.hyperparameters();
        let settings = settings.filter_map(|(leaf, base, _)| match base {
            "s" => Some((leaf.to_owned(), Ratio::from_integer(2.into()))),
            "lr" => Some((leaf.to_owned(), lr.clone())),
            base if under.recipe.setting(base).is_none() => Some((leaf.to_owned(), Ratio::one())),
            _ => None,
        });
        let exact = |(name, value): (String, Ratio)| (name, Exact(value.into()));
        // What has a size of its own, such as a table of words, is as large as the input.
        let named: BTreeMap<&str, usize> = ["batch", "n_in", "n_out", "r"]
            .into_iter()
            .zip(sizes)
            .collect();
        let shapes = step
            .graph
            .leaves()
            .map(|(_, id)| &step.graph.node(id).shape);
        let dimensions = shapes.flat_map(|s| s.rows.names().chain(s.cols.names()));
        let size = |name: &str| {
            let given = self.setting.sizes.get(name).copied();
            given
                .or(named.get(name).copied())
                .unwrap_or(sizes[1].min(4))
        };
        let mut file = ScenarioFile {
            name: format!("drawn with seed {seed}"),
            steps,
            sizes: dimensions
                .map(|name| (name.to_owned(), size(name)))
                .collect(),
            hyperparameters: settings.chain(zeros).map(exact).collect(),
            random: Some(RandomFile {
                seed,
                zero: under.zero.iter().cloned().collect(),
            }),
            ..ScenarioFile::of(&under.recipe)
        };
        // A term that is on has no zero for its value.
        for (leaf, base, _) in step.hyperparameters() {
            let default = under.recipe.setting(base).map(|h| h.default);
            if self.setting.nonzero.contains(base) && default == Some("0") {
                let eighth = Ratio::new(1.into(), 8.into());
                file.hyperparameters
                    .insert(leaf.to_owned(), exact((String::new(), eighth)).1);
            }
        }
        file.scenario()
    }
}

/// The factor in words, for a sentence about two runs at `k`.
pub(super) fn at_k(powers: &Powers, k: &Ratio) -> String {
    let sign = if powers.negated.is_empty() { "" } else { "-" };
    format!("k = {sign}{}", show_ratio(k))
}
