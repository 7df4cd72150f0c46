//! The range against runs: inside every operation has the same bits, one beyond one has not.

mod operations;

use super::*;
use crate::arith::{Ratio, Surd, parse_ratio};
use crate::gauge::{Options, infer};
use crate::scenario::{Exact, RandomFile, ScenarioFile};
use crate::zoo::Recipe;
use crate::zoo::optimizers::OPTIMIZERS;

const SPLITS: [Split; 2] = [Split::Sqrt, Split::B];

fn value(base: &str) -> Ratio {
    let text = match base {
        "s" => "2",
        "lr" => "1/30",
        "momentum" | "beta1" => "9/10",
        "beta2" => "99/100",
        "weight_decay" => "1/20",
        "eps" => "1/128",
        _ => "1/4",
    };
    parse_ratio(text).unwrap()
}

pub(super) fn linear(
    optimizer: &str,
    loss: &str,
    [n, r]: [usize; 2],
    steps: usize,
    seed: u64,
    zero_b: bool,
) -> Scenario {
    let recipe = Recipe::new("linear", loss, optimizer).unwrap();
    let step = recipe.build().unwrap();
    let hyperparameters = step.hyperparameters();
    let hyperparameters = hyperparameters
        .map(|(leaf, base, _)| (leaf.to_owned(), Exact(Surd::rational(value(base)))));
    ScenarioFile {
        steps,
        sizes: [("batch", n), ("n_in", n), ("n_out", n), ("r", r)]
            .map(|(name, size)| (name.to_owned(), size))
            .into(),
        hyperparameters: hyperparameters.collect(),
        random: Some(RandomFile {
            seed,
            zero: if zero_b { vec!["B".into()] } else { vec![] },
        }),
        ..ScenarioFile::of(&recipe)
    }
    .scenario()
    .unwrap()
}

pub(super) fn rule_of(scenario: &Scenario) -> Rule {
    let options = Options {
        powers_of_two: true,
        ..Options::default()
    };
    infer(&scenario.recipe.build().unwrap(), &options).rule
}

/// Checks the ends, one beyond each, and some exponents inside; how far the range reaches.
fn check(scenario: &Scenario, split: Split, format: ArithmeticName, about: &str) -> ExponentRange {
    check_rule(scenario, &rule_of(scenario), split, format, about)
}

fn check_rule(
    scenario: &Scenario,
    rule: &Rule,
    split: Split,
    format: ArithmeticName,
    about: &str,
) -> ExponentRange {
    let range = bit_exact_range(scenario, rule, split, format)
        .unwrap_or_else(|e| panic!("{about} {format} {split:?}: {e}"));
    let differences = |n| compare_runs(scenario, rule, split, n, format).unwrap();
    let (from, to) = (
        range.from.expect("a lower end"),
        range.to.expect("an upper end"),
    );
    assert!(
        from <= 0 && to >= 0 && from % range.every == 0 && to % range.every == 0,
        "{about} {range:?}"
    );
    let inside = [
        from,
        to,
        0,
        (from / 3) / range.every * range.every,
        (to * 2 / 3) / range.every * range.every,
    ];
    for n in inside {
        let differences = differences(n);
        assert!(
            differences.result.is_none() && differences.operation.is_none(),
            "{about} {format} {range:?} {differences:?}"
        );
    }
    for n in [from - range.every, to + range.every] {
        assert!(
            differences(n).operation.is_some(),
            "{about} {format} {n} {range:?}"
        );
    }
    for (end, outward) in [(range.results_from, -1), (range.results_to, 1)] {
        if let Some(end) = end {
            assert!(differences(end).result.is_none(), "{about} {format} {end}");
            assert!(
                differences(end + outward * range.every).result.is_some(),
                "{about} {format} {end}"
            );
        }
    }
    range
}

/// Scenarios of `n × n` layers that stay in the range of `format`.
fn check_all(format: ArithmeticName) {
    for optimizer in ["sgd", "adamw"] {
        for loss in ["mse", "l1"] {
            for seed in 0..3 {
                for zero_b in [false, true] {
                    for split in SPLITS {
                        let scenario = linear(optimizer, loss, [4, 2], 4, seed, zero_b);
                        let about = format!("{optimizer} {loss} {seed} {zero_b}");
                        check(&scenario, split, format, &about);
                    }
                }
            }
        }
    }
}

/// By hand: 1/30 = 1.0666…·2⁻⁵ and 1/20 = 1.6·2⁻⁵ lose bits below 2⁻¹⁴ in f16; both learning
/// rates are divided by k (with B alone, one is by k²), and what decays is multiplied by it.
#[test]
fn the_first_node_to_lose_bits_is_named() {
    let scenario = linear("sgd", "mse", [2, 1], 2, 1, true);
    for (split, every, end, tensor) in [(Split::Sqrt, 2, 10, "A"), (Split::B, 1, 5, "B")] {
        let range = check(&scenario, split, ArithmeticName::F16, "sgd");
        assert_eq!((range.split, range.every), (split, every));
        assert_eq!((range.from, range.to), (Some(-end), Some(end)));
        let limits = [range.from_limit, range.to_limit].map(Option::unwrap);
        for (limit, name) in limits.iter().zip(["weight_decay", "lr"]) {
            let node = format!("{name}_{tensor}");
            let reason = format!("`{node}` would lose bits to underflow in f16");
            let (node, step) = (node, 1);
            assert_eq!(*limit, Limit { node, step, reason });
        }
        let results = if split == Split::Sqrt { -10 } else { -9 };
        assert_eq!(range.results_from, Some(results));
        assert_eq!(range.results_to, Some(end));
        let rule = rule_of(&scenario);
        let beyond = end + every;
        let differences =
            compare_runs(&scenario, &rule, split, beyond, ArithmeticName::F16).unwrap();
        assert!(differences.result.is_some() && differences.operation.is_some());
        let difference = differences.operation.unwrap();
        assert!(
            difference.starts_with("operation ") && difference.ends_with(" of step 1 differs"),
            "{difference}"
        );
    }
    let scenario = linear("adamw", "mse", [2, 1], 2, 1, true);
    let range = check(&scenario, Split::Sqrt, ArithmeticName::F32, "adamw");
    let limit = range.to_limit.unwrap();
    let overflow = format!("`{}` would overflow in f32", limit.node);
    assert_eq!((limit.step, limit.reason), (1, overflow));
    // What limits a node may have happened on the way to it.
    let scenario = linear("rprop", "mse", [3, 1], 2, 5, false);
    let range = check(&scenario, Split::B, ArithmeticName::F16, "rprop");
    let limit = range.from_limit.unwrap();
    assert!(
        limit.reason.starts_with("something that is rounded"),
        "{limit:?}"
    );
}

/// Zero has every weight, and so that of a third root, for which only every third exponent is a
/// power of two.
#[test]
fn exponents_between_those_that_a_root_admits_are_left_out() {
    let mut scenario = linear("sgd", "mse", [2, 1], 2, 1, false);
    scenario.values.set_scalar("weight_decay_A", 0);
    let whole = check(&scenario, Split::B, ArithmeticName::F16, "whole");
    let mut rule = rule_of(&scenario);
    let third = Ratio::new(1.into(), 3.into());
    let weight = vec![Ratio::default(), third];
    rule.weights.insert("weight_decay_A".to_owned(), weight);
    for (split, every) in [(Split::B, 3), (Split::Sqrt, 6)] {
        let range = check_rule(&scenario, &rule, split, ArithmeticName::F16, "thirds");
        assert_eq!(range.every, every);
        if split == Split::B {
            let inward = |end: Option<i64>| end.map(|end| end / 3 * 3);
            assert_eq!(range.from, inward(whole.from), "{whole:?}");
            assert_eq!(range.to, inward(whole.to), "{whole:?}");
        }
        // One admissible exponent further, something is lost that can be named.
        for limit in [range.from_limit, range.to_limit].map(Option::unwrap) {
            assert!(limit.reason.contains("would lose bits"), "{limit:?}");
        }
    }
}

#[test]
fn a_map_that_changes_nothing_has_no_limits() {
    let scenario = linear("sgd", "mse", [1, 1], 1, 1, false);
    let mut rule = rule_of(&scenario);
    rule.parameters.clear();
    for weight in rule.weights.values_mut() {
        weight.iter_mut().for_each(|w| *w = Ratio::default());
    }
    let range = bit_exact_range(&scenario, &rule, Split::B, ArithmeticName::F16).unwrap();
    assert_eq!((range.from, range.to, range.every), (None, None, 1));
    assert_eq!((range.results_from, range.results_to), (None, None));
    assert_eq!((range.from_limit, range.to_limit), (None, None));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let scenario = linear("sgd", "mse", [1, 1], 1, 1, false);
    let rule = rule_of(&scenario);
    let differences = |split, n| compare_runs(&scenario, &rule, split, n, ArithmeticName::F16);
    assert_eq!(
        differences(Split::Sqrt, 3),
        Err(ExactnessError::NotAnExponent {
            exponent: 3,
            every: 2
        })
    );
    let differences = differences(Split::B, 3).unwrap();
    assert!(differences.result.is_none() && differences.operation.is_none());
    let mp = ArithmeticName::Mp(30);
    assert_eq!(
        bit_exact_range(&scenario, &rule, Split::B, mp),
        Err(ExactnessError::NotAFormat(mp))
    );
    // A rule without its weights leaves only the run itself, or is found out.
    let mut wrong = rule.clone();
    let lr = wrong.weights.get_mut("lr_B").unwrap();
    lr.iter_mut().for_each(|w| *w = Ratio::default());
    match bit_exact_range(&scenario, &wrong, Split::B, ArithmeticName::F16) {
        Ok(range) => assert_eq!((range.from, range.to), (Some(0), Some(0))),
        Err(error) => assert!(matches!(error, ExactnessError::Contradicted { .. })),
    }
}

#[test]
fn in_f32_the_range_is_exactly_where_every_bit_stays() {
    check_all(FORMATS[0]);
}

#[test]
fn in_f64_the_range_is_exactly_where_every_bit_stays() {
    check_all(FORMATS[1]);
}

#[test]
fn in_bf16_the_range_is_exactly_where_every_bit_stays() {
    check_all(FORMATS[2]);
}

#[test]
fn in_f16_the_range_is_exactly_where_every_bit_stays() {
    check_all(FORMATS[3]);
}

#[test]
fn in_small_worlds_no_exponent_is_missed_and_none_is_too_many() {
    for optimizer in ["sgd", "adamw"] {
        for format in [ArithmeticName::Bf16, ArithmeticName::F16] {
            for split in SPLITS {
                for seed in 0..2 {
                    let scenario = linear(optimizer, "mse", [1, 1], 2, seed, false);
                    let rule = rule_of(&scenario);
                    let range = bit_exact_range(&scenario, &rule, split, format).unwrap();
                    let (from, to) = (range.from.unwrap(), range.to.unwrap());
                    for n in (-300..=300).filter(|n| n % range.every == 0) {
                        let differences = compare_runs(&scenario, &rule, split, n, format).unwrap();
                        let inside = (from..=to).contains(&n);
                        assert_eq!(
                            differences.operation.is_none(),
                            inside,
                            "{optimizer} {format} {range:?} {differences:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn every_optimizer_with_a_rule_has_its_range_in_f32() {
    let mut checked = 0;
    for optimizer in OPTIMIZERS {
        let scenario = linear(optimizer.name, "mse", [3, 2], 2, 5, false);
        let rule = rule_of(&scenario);
        for split in SPLITS {
            match bit_exact_range(&scenario, &rule, split, ArithmeticName::F32) {
                Ok(_) => checked += 1,
                // A rule that moves both factors together, one of them alone, or neither as a
                // whole (optimizers that have rules case by case).
                Err(ExactnessError::NoSplit { .. }) => {}
                Err(error) => panic!("{} {split:?}: {error}", optimizer.name),
            }
        }
    }
    assert!(checked > 20, "{checked}");
}
