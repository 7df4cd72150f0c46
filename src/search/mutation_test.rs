//! A rule and its mutants put to the test: drawn runs must obey the one and contradict the others.
//!
//! A mutant that no run refutes is either a quantity on which nothing depends, which the graph
//! shows, or a gap: of the search, or of the rule, which then is larger than what was derived.

use std::collections::{BTreeMap, BTreeSet};

use super::draw::{Population, samples};
use super::finding::Finding;
use super::judge::{Judged, arithmetics, judge_in};
use super::mutation::{Fate, Mutant, mutants};
use super::result::SearchError;
use crate::arith::{ArithmeticName, Ratio, Surd};
use crate::bound::Rescaling;
use crate::gauge::{Rule, vanishing_states};
use crate::graph::StepGraph;
use crate::scenario::{MapError, Property, Scenario};
use crate::zoo::Recipe;

/// The result of putting a rule and its mutants to the test.
#[derive(Debug, Clone)]
pub struct MutationTest {
    /// Pairs of runs that obey the rule, number by number in exact arithmetic.
    pub exact: u32,
    /// Pairs of runs in which intervals tell nothing apart.
    pub enclosed: u32,
    /// Draws that say nothing, and why the last of them does.
    pub nothing: (u32, String),
    /// The contradiction to the rule itself: a defect of this program.
    pub broken: Option<(Scenario, Finding)>,
    /// Every mutant.
    pub mutants: Vec<(Mutant, Fate)>,
}

impl MutationTest {
    /// The number of mutants that were killed.
    pub fn killed(&self) -> usize {
        let killed = |(_, fate): &&(Mutant, Fate)| matches!(fate, Fate::Killed { .. });
        self.mutants.iter().filter(killed).count()
    }
}

/// Draws after which a test gives up finding runs that go through, for each that it wants.
const PATIENCE: u32 = 20;
/// The powers of two that a setting goes through where no other value of it contradicts a mutant.
const SWEEP: std::ops::RangeInclusive<i32> = -10..=10;

/// Puts `rule`, which was derived for the step of `recipe`, and all its mutants to the test on
/// `wanted` drawn runs: the rescaled run must do what the rule says, and what a mutant says must
/// be contradicted, exactly or by disjoint intervals. A wrong first value of a parameter must
/// show in the loss or an output. A setting of which no wrong weight shows, as that of a
/// threshold may not, then goes through the powers of two on up to `sweeps` more runs.
///
/// # Errors
/// [`SearchError`] when the recipe or a formula is ill-formed, or a power of a factor cannot be
/// formed.
pub fn mutation_test(
    recipe: &Recipe,
    rule: &Rule,
    (wanted, sweeps): (u32, u32),
    seed: u64,
) -> Result<MutationTest, SearchError> {
    let trial = Trial::new(recipe, rule)?;
    let mut test = MutationTest {
        exact: 0,
        enclosed: 0,
        nothing: (0, String::new()),
        broken: None,
        mutants: trial.mutants(),
    };
    let mut runs = trial.runs(recipe, seed);
    let limit = wanted.saturating_mul(PATIENCE) as usize;
    for left in runs.by_ref().take(limit) {
        if test.exact + test.enclosed >= wanted {
            break;
        }
        let right = trial.right.scenario(&left)?;
        let arithmetics = match judge_in(ladder(), &trial.property, &left, &right, left.steps)? {
            Judged::Holds { .. } => {
                test.exact += 1;
                ladder()
            }
            Judged::Overlaps(_) => {
                test.enclosed += 1;
                // What exact arithmetic cannot do here it cannot do for the mutants.
                &ladder()[1..]
            }
            Judged::Found { finding, .. } => {
                test.broken = Some((left, finding));
                return Ok(test);
            }
            Judged::Nothing(why) => {
                test.nothing = (test.nothing.0 + 1, why);
                continue;
            }
        };
        for (mutant, fate) in alive(&mut test) {
            *fate = trial.fate(mutant, &left, arithmetics)?;
        }
    }
    for left in runs.take(sweeps as usize) {
        for (mutant, fate) in alive(&mut test) {
            *fate = trial.swept(mutant, &left)?;
        }
    }
    Ok(test)
}

/// The runs on which one wrong rule is tried.
pub(super) const RUNS: usize = 24;

/// Tries one wrong rule, the `pick`-th of those that a run may show, on `run` and then on drawn
/// runs until one contradicts it: the mutant, and what became of it. `None` where no wrong rule
/// can show.
///
/// # Errors
/// As [`mutation_test`].
pub(super) fn refute(
    run: &Scenario,
    rule: &Rule,
    pick: usize,
    seed: u64,
) -> Result<Option<(Mutant, Fate)>, SearchError> {
    let recipe = &run.recipe;
    let trial = Trial::new(recipe, rule)?;
    let mut mutants = trial.mutants();
    mutants.retain(|(_, fate)| *fate == Fate::Survived);
    let Some(number) = pick.checked_rem(mutants.len()) else {
        return Ok(None);
    };
    let (mutant, _) = mutants.swap_remove(number);
    let mut fate = trial.fate(&mutant, run, ladder())?;
    for (i, left) in trial.runs(recipe, seed).take(RUNS).enumerate() {
        if fate == Fate::Survived {
            fate = trial.fate(&mutant, &left, ladder())?;
        }
        // A threshold shows only where a run meets it.
        if fate == Fate::Survived && i >= RUNS / 2 {
            fate = trial.swept(&mutant, &left)?;
        }
    }
    Ok(Some((mutant, fate)))
}

fn alive(test: &mut MutationTest) -> impl Iterator<Item = (&Mutant, &mut Fate)> {
    let all = test.mutants.iter_mut().map(|(m, fate)| (&*m, fate));
    all.filter(|(_, fate)| **fate == Fate::Survived)
}

/// The exact arithmetic and the first that encloses: what one encloser leaves open on one run,
/// another run decides sooner than a narrower encloser.
fn ladder() -> &'static [ArithmeticName] {
    &arithmetics()[..2]
}

/// The same run with the setting `name` at each power of two; none where it is no setting.
fn sweep(left: &Scenario, name: &str) -> impl Iterator<Item = Scenario> {
    let is_setting = left.values.scalars.contains_key(name);
    SWEEP.filter(move |_| is_setting).filter_map(move |power| {
        let two = Ratio::from_integer(2.into());
        let value = Surd::power(&two, &Ratio::from_integer(power.into()))?;
        let mut swept = left.clone();
        swept.values.set_scalar(name, value);
        Some(swept)
    })
}

struct Trial<'a> {
    rule: &'a Rule,
    step: StepGraph,
    right: Rescaling,
    /// The property of two runs that the rule states.
    property: Property,
}

impl<'a> Trial<'a> {
    fn new(recipe: &Recipe, rule: &'a Rule) -> Result<Self, SearchError> {
        let step = recipe.build()?;
        let right = Rescaling::with_rational_powers(rule);
        Ok(Self {
            rule,
            property: right.property(&step)?,
            right,
            step,
        })
    }

    /// Drawn runs: every other one starts anywhere; the rest have one parameter that is zero at
    /// the start, in turn.
    fn runs(&self, recipe: &Recipe, seed: u64) -> impl Iterator<Item = Scenario> {
        let zeros = self.step.parameters.iter();
        let zeros = zeros.flat_map(|p| [BTreeSet::new(), BTreeSet::from([p.name.clone()])]);
        let starts: Vec<Population> = zeros
            .map(|zero| Population {
                recipe: recipe.clone(),
                zero,
                sizes: BTreeMap::new(),
                shared: false,
            })
            .collect();
        let starts = starts.into_iter().cycle();
        samples(seed)
            .zip(starts)
            .map(|(sample, start)| start.run(&self.step, &sample))
    }

    /// All mutants; of some the graph shows that no run can contradict them.
    fn mutants(&self) -> Vec<(Mutant, Fate)> {
        let read = self.step.graph.cone(self.step.roots());
        let vanishing = vanishing_states(&self.step);
        let fate = |mutant: &Mutant| match self.step.graph.leaf(&mutant.quantity) {
            Some(id) if !read[id.index()] => Fate::NoInfluence,
            Some(id) if vanishing.contains(&id) => Fate::Vanishes,
            _ => Fate::Survived,
        };
        let with_fate = |mutant: Mutant| {
            let fate = fate(&mutant);
            (mutant, fate)
        };
        mutants(self.rule).into_iter().map(with_fate).collect()
    }

    /// The fate of a mutant on the run `left` and the one to which it leads.
    fn fate(
        &self,
        mutant: &Mutant,
        left: &Scenario,
        arithmetics: &[ArithmeticName],
    ) -> Result<Fate, SearchError> {
        let (right, property) = self.said(mutant, left)?;
        let judged = judge_in(arithmetics, &property, left, &right, left.steps)?;
        Ok(match judged {
            Judged::Found {
                finding,
                arithmetic,
            } => Fate::Killed {
                finding,
                arithmetic,
            },
            _ => Fate::Survived,
        })
    }

    /// The same where the setting in question goes through the powers of two.
    fn swept(&self, mutant: &Mutant, left: &Scenario) -> Result<Fate, SearchError> {
        for left in sweep(left, &mutant.quantity) {
            let fate = self.fate(mutant, &left, ladder())?;
            if fate != Fate::Survived {
                return Ok(fate);
            }
        }
        Ok(Fate::Survived)
    }

    /// The run to which the mutant leads and what it says of the two. What it says of a state it
    /// says of the run to which the rule leads.
    fn said(&self, mutant: &Mutant, left: &Scenario) -> Result<(Scenario, Property), MapError> {
        let wrong = self.right.with_rule(mutant.of(self.rule));
        if mutant.quantity.starts_with("state.") {
            let mut property = wrong.property(&self.step)?;
            property.conclusion = vec![mutant.quantity.clone()];
            return Ok((self.right.scenario(left)?, property));
        }
        let mut property = self.property.clone();
        if self.rule.parameters.contains(&mutant.quantity) {
            let is_result = |name: &String| !self.rule.weights.contains_key(name);
            property.conclusion.retain(is_result);
        }
        Ok((wrong.scenario(left)?, property))
    }
}

#[cfg(all(test, feature = "mp"))]
mod tests {
    use super::*;
    use crate::gauge::{Options, infer};

    fn rule(recipe: &Recipe) -> Rule {
        infer(&recipe.build().unwrap(), &Options::default()).rule
    }

    #[test]
    fn a_wrong_rule_is_broken_and_a_right_one_is_not() {
        for optimizer in ["sgd", "adamw"] {
            let recipe = Recipe::new("linear", "mse", optimizer).unwrap();
            let right = rule(&recipe);
            let found = mutation_test(&recipe, &right, (4, 0), 1).unwrap();
            assert!(found.broken.is_none() && found.killed() == found.mutants.len());
            let last = mutants(&right).pop().unwrap();
            let broken = mutation_test(&recipe, &last.of(&right), (4, 0), 1).unwrap();
            assert!(broken.broken.is_some(), "{last}");
        }
    }

    /// A quantity on which nothing depends cannot be contradicted.
    #[test]
    fn what_nothing_depends_on_is_told_from_what_survives() {
        let recipe = Recipe::new("linear", "mse", "lora_fa").unwrap();
        let found = mutation_test(&recipe, &rule(&recipe), (4, 0), 1).unwrap();
        let of = |name: &str| {
            let (_, fate) = found.mutants.iter().find(|(m, _)| m.quantity == name)?;
            Some(fate.clone())
        };
        // The learning rate of the frozen factor is no leaf, that of the other counts.
        assert_eq!(of("lr_A"), None);
        assert!(matches!(of("lr_B"), Some(Fate::Killed { .. })));

        let recipe = Recipe::new("linear", "mse", "radam").unwrap();
        let recipe = recipe.in_regime("rectified", false);
        let found = mutation_test(&recipe, &rule(&recipe), (4, 0), 1).unwrap();
        let idle = found.mutants.iter().filter(|(m, _)| m.quantity == "eps_A");
        assert!(idle.clone().count() > 0);
        assert!(idle.clone().all(|(_, fate)| *fate == Fate::NoInfluence));
    }

    #[test]
    fn the_same_seed_gives_the_same_campaign() {
        let recipe = Recipe::new("linear", "mse", "adam").unwrap();
        let rule = rule(&recipe);
        let text = |seed| format!("{:?}", mutation_test(&recipe, &rule, (3, 1), seed).unwrap());
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }
}
