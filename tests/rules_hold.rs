//! Every golden case of every optimizer, rescaled by the rule that is derived from its step: with
//! the factors (1/2, 1/2), and (1, 1/2) where the two are free, the run keeps its bits to the end.
//! Where the rule ties a factor, the map that ignores the tie is refuted; and what is said to stand
//! in the way does: with that constant changed along, or that setting or case distinction gone, the
//! run keeps its bits under what is then free.

use std::collections::BTreeSet;

use lora_gauge::arith::{F64, Ratio, Surd};
use lora_gauge::exec::{self, Outputs, Tensor};
use lora_gauge::gauge::{Options, Rule, conflicts};
use lora_gauge::graph::StepGraph;
use lora_gauge::scenario::{Golden, Outcome, Powers, Property, Scenario, check};
use lora_gauge::zoo::optimizers::OPTIMIZERS;

use crate::common::golden::runs as golden;
use crate::common::rules::{powers, rule_of};

/// The runs of PyTorch, by name.
fn cases() -> Vec<(String, Scenario)> {
    let golden = golden().into_iter();
    golden.map(|(name, g)| (name, g.scenario)).collect()
}

fn whole(n: i64) -> Ratio {
    Ratio::from_integer(n.into())
}

/// The rule with the power `powers(leaf)` of the number k for the factor named for `leaf`.
fn map(rule: &Rule, power: impl Fn(&str) -> i64) -> Powers {
    let exponents: Vec<i64> = rule.generators.iter().map(|g| power(&g.leaf)).collect();
    powers(rule, &exponents)
}

/// Whether the run keeps its bits under `map` with k = 1/2.
fn keeps_its_bits(name: &str, left: &Scenario, map: &Powers) -> bool {
    let half = Ratio::new(1.into(), 2.into());
    let right = map
        .apply(left, &half)
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let outcome = check(&F64, &Property::same_run(), left, &right, left.steps);
    match outcome.unwrap_or_else(|e| panic!("{name}: {e}")) {
        Outcome::Holds { .. } => true,
        Outcome::Fails(_) => false,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn golden_runs_keep_their_bits_under_the_derived_rule() {
    let (mut equal, mut refuted) = (0, 0);
    let (mut seen, mut shown, mut hidden) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (name, left) in cases() {
        let step = left.recipe.build().expect("a recipe that can be built");
        let rule = rule_of(&name, &step, &Options::default());
        let named = |leaf: &str| rule.generators.iter().any(|g| g.leaf == leaf);
        let moves = rule.independent_parameters();
        seen.insert(left.recipe.optimizer.name);
        // Both factors by 1/2: whatever of the two is free.
        if moves > 0 {
            let both = map(&rule, |leaf| i64::from(["A", "B"].contains(&leaf)));
            assert!(keeps_its_bits(&name, &left, &both), "{name}: (1/2, 1/2)");
            equal += 1;
        }
        if moves == 2 && named("A") && named("B") {
            let one = map(&rule, |leaf| i64::from(leaf == "B"));
            assert!(keeps_its_bits(&name, &left, &one), "{name}: (1, 1/2)");
            equal += 1;
            continue;
        }
        // A factor moved against the rule's tie, with everything else as the rule has it.
        let mut against = map(&rule, |_| 0);
        against.initial.insert("A".to_owned(), whole(1));
        if let Some(power) = against.hyperparameters.get_mut("s") {
            *power = whole(-1);
        }
        // A threshold that a run never meets shows only in runs that meet it.
        if keeps_its_bits(&name, &left, &against) {
            println!("{name}: {moves} of 2 free, and the conflict does not show in this run");
            hidden.insert(left.recipe.optimizer.name);
            continue;
        }
        println!("{name}: {moves} of 2 free, moving A alone is refuted");
        shown.insert(left.recipe.optimizer.name);
        refuted += 1;
    }
    println!("{equal} maps keep every bit, {refuted} against a conflict are refuted");
    let unseen: Vec<_> = hidden.difference(&shown).collect();
    println!("conflicts shown by no golden run: {unseen:?}");
    assert_eq!(
        seen.len(),
        OPTIMIZERS.len(),
        "a golden case for each: {seen:?}"
    );
    assert!(
        equal >= 80 && refuted >= 5,
        "{equal} equal, {refuted} refuted"
    );
}

/// A step without what stood in the way of its rule.
struct Mended {
    /// What was done.
    how: String,
    step: StepGraph,
    options: Options,
    run: Scenario,
}

/// The run with each of the constants that are named as conflicts as a setting of the same value.
fn with_constants_as_settings(run: &Scenario, step: &StepGraph) -> Vec<Mended> {
    let named = conflicts(step, &Options::default()).constants;
    let mend = |conflict: &lora_gauge::gauge::ConstantConflict| {
        let (mut step, mut run) = (step.clone(), run.clone());
        for (i, node) in conflict.freed.iter().enumerate() {
            let lora_gauge::graph::Op::Constant(value) = step.graph.node(*node).op.clone() else {
                panic!("{}: {node} is no constant", run.name);
            };
            let setting = format!("freed {i}");
            step = step
                .with_constant_as_setting(*node, &setting)
                .expect("a constant, and a new name");
            run.values.set_scalar(&setting, Surd::rational(value));
        }
        let how = format!("{} changed along", conflict.constant);
        let options = Options::default();
        Mended {
            how,
            step,
            options,
            run,
        }
    };
    named.iter().map(mend).collect()
}

/// Everything that lets more be rescaled than the `free` factors of the run's own step: each
/// constant that is named as a conflict; factors that are powers of two, where rounding into a
/// storage format is what stands in the way; each setting that may be zero, left out; and each way
/// to decide the case distinctions (with the constants that are then named).
fn mended(run: &Scenario, step: &StepGraph, free: usize) -> Vec<Mended> {
    let mut all = with_constants_as_settings(run, step);
    all.push(Mended {
        how: "powers of two".to_owned(),
        step: step.clone(),
        options: Options {
            powers_of_two: true,
            ..Options::default()
        },
        run: run.clone(),
    });
    for setting in run.recipe.optimizer.hyperparameters {
        let mut run = run.clone();
        if run.recipe.off.contains(setting.name) || run.recipe.switch_off(setting.name).is_err() {
            continue;
        }
        if let Ok(step) = run.recipe.build() {
            let (how, options) = (format!("{} left out", setting.name), Options::default());
            all.push(Mended {
                how,
                step,
                options,
                run,
            });
        }
    }
    for case in run
        .recipe
        .cases()
        .expect("cases of a recipe that can be built")
    {
        let mut run = run.clone();
        run.recipe = case.recipe.clone();
        let step = run.recipe.build().expect("a case that can be built");
        for constant in with_constants_as_settings(&run, &step) {
            let how = format!("{}: {}", case.name, constant.how);
            all.push(Mended { how, ..constant });
        }
        let options = Options::default();
        all.push(Mended {
            how: case.name,
            step,
            options,
            run,
        });
    }
    all.retain(|m| rule_of(&m.how, &m.step, &m.options).independent_parameters() > free);
    all
}

/// The bits of loss and `W` at every step.
fn bits(run: &Scenario, step: &StepGraph) -> Result<Vec<u64>, exec::ExecError> {
    let options = exec::Options {
        outputs: Outputs::Named(vec!["W".to_owned()]),
        ..exec::Options::default()
    };
    let run = exec::run(F64, step, &run.sizes, &run.values, run.steps, &options)?;
    let outputs = run.outputs["W"].iter().flat_map(|w| w.iter());
    let losses = run.losses.iter().chain([&run.final_loss]);
    Ok(losses.chain(outputs).map(|x| x.to_bits()).collect())
}

/// Puts the factors where PyTorch had them after its first step.
fn begin_after_first_step(run: &mut Scenario, golden: &Golden) {
    for (name, steps) in &golden.parameters {
        let tensor = &run.values.tensors[name];
        let moved = Tensor::new(tensor.rows(), tensor.cols(), steps[0].clone());
        run.values
            .set_tensor(name, moved.expect("PyTorch's figures"));
    }
}

/// Whether the mended run keeps its bits under (1/2, 1/2), and (1, 1/2) where both are free; of
/// factors that are tied, all that are free together. The number of maps.
fn keeps_its_bits_when(name: &str, mended: &Mended) -> usize {
    let rule = rule_of(name, &mended.step, &mended.options);
    let left = bits(&mended.run, &mended.step).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut moves: Vec<&[&str]> = vec![&["A", "B"]];
    if rule.independent_parameters() == 2 {
        moves.push(&["B"]);
    }
    for moved in &moves {
        let map = map(&rule, |leaf| i64::from(moved.contains(&leaf)));
        assert!(
            map.initial.values().any(|p| *p != whole(0)),
            "{name}: moves"
        );
        // Square roots of a power of two are not binary numbers.
        let powers = map.initial.values().chain(map.hyperparameters.values());
        let all_whole = powers.into_iter().all(|p| p.is_integer());
        let k = Ratio::new(1.into(), if all_whole { 2 } else { 4 }.into());
        let right = map.apply(&mended.run, &k);
        let right = right.unwrap_or_else(|e| panic!("{name}: {e}"));
        let right = bits(&right, &mended.step).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(left == right, "{name}: {moved:?} by {k}");
    }
    moves.len()
}

#[test]
fn what_stands_in_the_way_of_a_rule_does() {
    let (mut tried, mut maps, mut constants, mut without_run) = (0, 0, 0, 0);
    let mut tied = vec![];
    for (name, golden) in golden() {
        let run = golden.scenario.clone();
        let step = run.recipe.build().expect("a recipe that can be built");
        let rule = rule_of(&name, &step, &Options::default());
        let free = rule.independent_parameters();
        if free == 2 {
            continue;
        }
        let found = conflicts(&step, &Options::default()).constants;
        let mends = mended(&run, &step, free);
        let along = mends.iter().filter(|m| m.how.ends_with("along")).count();
        assert!(
            along >= found.len(),
            "{name}: {} named, {along} tried",
            found.len()
        );
        constants += along;
        if mends.is_empty() {
            println!("{name}: {free} of 2 free, and nothing is named that could be taken away");
            tied.push((name.clone(), free));
        }
        let before = tried;
        for mut mend in mends {
            let name = format!("{name}, {}", mend.how);
            if bits(&mend.run, &mend.step).is_err() {
                begin_after_first_step(&mut mend.run, &golden);
                match bits(&mend.run, &mend.step) {
                    Ok(_) => println!("{name}: divides by zero at B = 0; begun a step later"),
                    Err(reason) => {
                        println!("{name}: no run begins so, since {reason}");
                        without_run += 1;
                        continue;
                    }
                }
            }
            let kept = keeps_its_bits_when(&name, &mend);
            println!("{name}: exact, {kept} maps keep every bit");
            tried += 1;
            maps += kept;
        }
        assert!(free == 1 || tried > before, "{name}: nothing mends it");
    }
    println!(
        "{tried} conflicts tried ({constants} with a constant changed along), all mended: {maps} \
         maps keep every bit; {without_run} cases in which no run begins; nothing to take away in \
         {tied:?}"
    );
    // What remains is a sum over both factors, and the rule has the two move together.
    assert!(tied.iter().all(|(_, free)| *free == 1), "{tied:?}");
    assert!(tried >= 10 && constants >= 4, "{tried}, {constants}");
}
