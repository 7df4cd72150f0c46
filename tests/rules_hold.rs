//! Every golden case of every optimizer, rescaled by the rule that is derived from its step: with
//! the factors (1/2, 1/2), and (1, 1/2) where the two are free, the run keeps its bits to the end.
//! Where the rule ties a factor, the map that ignores the tie is refuted.

use std::collections::BTreeSet;
use std::path::Path;

use lora_gauge::arith::{F64, Ratio};
use lora_gauge::gauge::{Options, Rule, check as check_certificate, infer};
use lora_gauge::scenario::{Outcome, Powers, Property, Scenario, check, parse_golden};
use lora_gauge::zoo::optimizers::OPTIMIZERS;

/// The file of a loop whose length depends on the data, which is no step graph.
const LINE_SEARCH: &str = "lbfgs_wolfe";

/// The runs of PyTorch, by name.
fn cases() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut all: Vec<(String, Scenario)> = std::fs::read_dir(folder)
        .expect("tests/golden is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("a readable file");
            (name.into_owned(), text)
        })
        .filter(|(name, _)| name != LINE_SEARCH)
        .map(|(name, text)| {
            let golden = parse_golden(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, golden.scenario)
        })
        .collect();
    all.sort_by(|x, y| x.0.cmp(&y.0));
    all
}

fn whole(n: i64) -> Ratio {
    Ratio::from_integer(n.into())
}

/// The rule with the power `powers(leaf)` of the number k for the factor named for `leaf`.
fn map(rule: &Rule, powers: impl Fn(&str) -> i64) -> Powers {
    let power = |name: &String| -> Ratio {
        let weight = rule.weights.get(name).map_or(&[][..], Vec::as_slice);
        let terms = weight.iter().zip(&rule.generators);
        terms.map(|(w, g)| w * whole(powers(&g.leaf))).sum()
    };
    let all = |names: &[String]| names.iter().map(|n| (n.clone(), power(n))).collect();
    Powers {
        hyperparameters: all(&rule.hyperparameters),
        initial: all(&rule.parameters),
        ..Powers::default()
    }
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
        let inference = infer(&step, &Options::default());
        check_certificate(&step, &inference.certificate).expect("an accepted certificate");
        let rule = inference.rule;
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
    println!(
        "conflicts shown by no golden run: {:?}",
        hidden.difference(&shown)
    );
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
