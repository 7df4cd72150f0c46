//! Every optimizer's rule is obeyed by drawn runs, and every rule that is off by one in one weight
//! is contradicted by them.
//!
//! `LORA_GAUGE_CASES` multiplies the number of drawn runs.
#![cfg(feature = "mp")]

use lora_gauge::gauge::{self, Options, Rule};
use lora_gauge::search::{Fate, Mutant, MutationTest, mutation_test};
use lora_gauge::zoo::optimizers::{OPTIMIZERS, Optimizer};
use lora_gauge::zoo::{Recipe, RecipeError};
use rayon::prelude::*;

use crate::common::cases::factor;

/// Drawn runs for each step.
const RUNS: u32 = 16;
const SEED: u64 = 1;
/// How much history or how many iterations a step unrolls at most: more says the same again.
const COUNT: u32 = 2;

fn runs() -> u32 {
    RUNS * u32::try_from(factor()).expect("a small factor")
}

/// The optimizer's steps with all terms on: with the switches as they are by default and with
/// each of them turned over, and in each of its cases.
fn steps(optimizer: &'static Optimizer) -> Vec<(String, Recipe)> {
    let mut recipe = Recipe::new("linear", "mse", optimizer.name).expect("an optimizer");
    for (name, default) in optimizer.counts {
        recipe
            .set_count(name, COUNT.min(*default))
            .expect("a count");
    }
    let mut steps = vec![(optimizer.name.to_owned(), recipe.clone())];
    for flag in optimizer.flags {
        let mut turned = recipe.clone();
        let on = !recipe.flags.contains(*flag);
        turned.set_flag(flag, on).expect("a switch");
        match turned.build() {
            Ok(_) => steps.push((format!("{}, {flag} {on}", optimizer.name), turned)),
            // PyTorch refuses them too.
            Err(RecipeError::Combination(_) | RecipeError::Exclusive { .. }) => {}
            Err(error) => panic!("{}: {error}", optimizer.name),
        }
    }
    for regime in optimizer.regimes {
        let decided = |holds: bool| {
            move |(name, recipe): &(String, Recipe)| {
                let name = format!("{name}, {} {holds}", regime.name);
                (name, recipe.clone().in_regime(regime.name, holds))
            }
        };
        let both = [true, false].map(|holds| steps.iter().map(decided(holds)).collect::<Vec<_>>());
        steps.extend(both.into_iter().flatten());
    }
    steps
}

struct Tested {
    name: String,
    rule: Rule,
    campaign: MutationTest,
}

fn put_to_test((name, recipe): &(String, Recipe)) -> Tested {
    let midway = Recipe {
        midway: true,
        ..recipe.clone()
    };
    let (rule, mut campaign) = test(name, recipe, 0);
    // A memory that is zero when this case begins shows nothing: begin in the middle. What still
    // does not show may be a threshold.
    for (again, sweeps) in [(&midway, 3 * runs()), (recipe, 3 * runs())] {
        let survives = |(_, fate): &(Mutant, Fate)| *fate == Fate::Survived;
        if !campaign.mutants.iter().any(survives) {
            break;
        }
        let (same, other) = test(name, again, sweeps);
        if same.generators != rule.generators
            || rule
                .weights
                .iter()
                .any(|(name, w)| same.weights.get(name) != Some(w))
        {
            continue;
        }
        campaign.exact += other.exact;
        campaign.enclosed += other.enclosed;
        for (mutant, fate) in campaign.mutants.iter_mut().filter(|m| survives(m)) {
            let same = other.mutants.iter().find(|(m, _)| m == mutant);
            if let Some((_, now)) = same {
                *fate = now.clone();
            }
        }
    }
    Tested {
        name: name.clone(),
        rule,
        campaign,
    }
}

fn test(name: &str, recipe: &Recipe, sweeps: u32) -> (Rule, MutationTest) {
    let step = recipe.build().expect("a step");
    let inference = gauge::infer(&step, &Options::default());
    gauge::check(&step, &inference.question, &inference.certificate).expect("a certificate");
    let campaign = mutation_test(recipe, &inference.rule, (runs(), sweeps), SEED);
    let campaign = campaign.unwrap_or_else(|e| panic!("{name}: {e}"));
    if let Some((left, finding)) = &campaign.broken {
        let finding = finding.describe();
        panic!("{name} does not obey its rule: {finding}, {left:?}");
    }
    (inference.rule, campaign)
}

#[test]
fn every_weight_that_is_off_by_one_is_refuted() {
    let steps: Vec<(String, Recipe)> = OPTIMIZERS.iter().flat_map(steps).collect();
    let tested: Vec<Tested> = steps.par_iter().map(put_to_test).collect();
    let (mut killed, mut total, mut idle) = (0, 0, 0);
    let mut unexplained = vec![];
    for Tested {
        name,
        rule,
        campaign,
    } in &tested
    {
        println!(
            "{name}: {} / {} killed, {} free factors; {} runs equal, {} enclosed, {} say nothing",
            campaign.killed(),
            campaign.mutants.len(),
            rule.dimension(),
            campaign.exact,
            campaign.enclosed,
            campaign.nothing.0,
        );
        for (mutant, fate) in &campaign.mutants {
            match fate {
                Fate::Killed { .. } => killed += 1,
                Fate::NoInfluence | Fate::Vanishes => {
                    println!("    {mutant}: {fate:?}");
                    idle += 1;
                }
                Fate::Survived => unexplained.push(format!("{name}: {mutant}")),
            }
        }
        total += campaign.mutants.len();
        assert!(
            campaign.exact + campaign.enclosed >= runs() / 2,
            "{name}: too few runs go through, since {}",
            campaign.nothing.1
        );
    }
    println!("{killed} / {total} killed; {idle} are about what no result depends on, or zero");
    assert!(unexplained.is_empty(), "not refuted: {unexplained:#?}");
    assert!(killed > 2000 && killed + idle == total);
}
