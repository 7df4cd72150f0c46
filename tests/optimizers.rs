//! The optimizers of the zoo: the rule that is derived from each step, tried bit by bit with powers
//! of two; the rules of `torch.optim` as one works them out by hand; and switches and schedules.

use std::collections::BTreeMap;

use lora_gauge::arith::{F64, Ratio, Surd, parse_ratio};
use lora_gauge::exec::random::{self, Draw};
use lora_gauge::exec::{self, Options as Recorded, Sizes, Trajectory};
use lora_gauge::gauge::{Options, Rule};
use lora_gauge::graph::StepGraph;
use lora_gauge::scenario::{Outcome, Powers, Property, Scenario, ScenarioFile, check};
use lora_gauge::zoo::{Recipe, RecipeError, Schedule, optimizers};

use crate::common::rules::{recipe, rule_of};

/// The step, or `None` where PyTorch refuses the combination of switches too.
fn step(recipe: &Recipe) -> Option<StepGraph> {
    match recipe.build() {
        Ok(step) => Some(step),
        Err(RecipeError::Combination(_)) => None,
        Err(error) => panic!("{}: {error}", recipe.optimizer.name),
    }
}

/// Every way of turning one switch, leaving one term out, or deciding each case distinction.
fn variants(optimizer: &str) -> Vec<Recipe> {
    let plain = recipe(optimizer);
    let mut all = vec![plain.clone()];
    for flag in plain.optimizer.flags {
        let mut recipe = plain.clone();
        let on = recipe.flags.contains(*flag);
        recipe.set_flag(flag, !on).expect("its own switch");
        let _ = recipe.switch_off("dampening");
        all.push(recipe);
    }
    for setting in plain.optimizer.hyperparameters {
        let mut recipe = plain.clone();
        if recipe.switch_off(setting.name).is_ok() {
            all.push(recipe);
        }
    }
    let mut decided = vec![plain.clone()];
    for regime in plain.optimizer.regimes {
        let both = |r: Recipe| [true, false].map(|holds| r.clone().in_regime(regime.name, holds));
        decided = decided.into_iter().flat_map(both).collect();
    }
    all.extend(decided);
    all
}

/// A run of two steps with the optimizer's default settings, and 1/8 where that is 0.
fn scenario(recipe: Recipe, step: &StepGraph) -> Scenario {
    let sizes = Sizes::from([("batch", 3), ("n_in", 5), ("n_out", 4), ("r", 2)]);
    let mut values = random::values(step, &sizes, 7, |_| Draw::Uniform { bits: 6 })
        .expect("sizes for every dimension");
    let defaults: BTreeMap<&str, &str> = recipe
        .optimizer
        .hyperparameters
        .iter()
        .map(|h| (h.name, if h.default == "0" { "1/8" } else { h.default }))
        .collect();
    for (leaf, base, _) in step.hyperparameters() {
        let value = defaults.get(base).copied().unwrap_or("1");
        values.set_scalar(leaf, Surd::rational(parse_ratio(value).expect("a number")));
    }
    Scenario {
        name: recipe.optimizer.name.into(),
        recipe,
        sizes,
        values,
        steps: 2,
    }
}

fn rule(step: &StepGraph) -> Rule {
    rule_of("the step", step, &Options::default())
}

/// The map that multiplies the free factors of `rule` by 4, 16, 1/64, …
fn powers(rule: &Rule) -> Powers {
    crate::common::rules::powers(rule, &[2, 4, -6, 8, -10, 12, 14, -16])
}

#[test]
fn every_derived_rule_holds_bit_by_bit() {
    let mut tried = 0;
    for optimizer in optimizers::OPTIMIZERS {
        for mut recipe in variants(optimizer.name) {
            // Without a first step there is nothing to go on from but given memory.
            recipe.midway = optimizer.name == "lbfgs" && !recipe.regimes.is_empty();
            let Some(step) = step(&recipe) else { continue };
            let rule = rule(&step);
            if rule.dimension() == 0 {
                continue;
            }
            let left = scenario(recipe, &step);
            let two = Ratio::from_integer(2.into());
            let right = powers(&rule).apply(&left, &two).expect("integer powers");
            let outcome = check(&F64, &Property::same_run(), &left, &right, left.steps);
            let Ok(Outcome::Holds { compared }) = outcome else {
                let Recipe {
                    flags,
                    off,
                    regimes,
                    ..
                } = &left.recipe;
                panic!("{}: {flags:?} {off:?} {regimes:?}: {outcome:?}", left.name);
            };
            assert_eq!(compared, 3 * (1 + 4 * 5), "{}", left.name);
            tried += 1;
        }
    }
    assert!(tried > 70, "only {tried} rules");
}

/// What A' = p·A does to settings and memory of A, as powers of p.
const BY_HAND: &[(&str, &[(&str, i32)])] = &[
    (
        "adagrad",
        &[
            ("lr_A", 1),
            ("eps_A", -1),
            ("lr_decay_A", 0),
            ("weight_decay_A", -2),
        ],
    ),
    (
        "adadelta",
        &[
            ("lr_A", 2),
            ("eps_A", -2),
            ("weight_decay_A", -2),
            ("state.acc_delta_A", -2),
            ("state.square_avg_A", -2),
        ],
    ),
    (
        "rmsprop",
        &[
            ("lr_A", 1),
            ("eps_A", -1),
            ("weight_decay_A", -2),
            ("state.momentum_buffer_A", 0),
        ],
    ),
    (
        "adamax",
        &[("lr_A", 1), ("eps_A", -1), ("state.exp_inf_A", -1)],
    ),
    (
        "nadam",
        &[
            ("lr_A", 1),
            ("eps_A", -1),
            ("momentum_decay_A", 0),
            ("state.mu_product_A", 0),
        ],
    ),
    (
        "asgd",
        &[
            ("lr_A", 2),
            ("lambd_A", -2),
            ("t0_A", 0),
            ("optimizer.alpha_A", 0),
            ("weight_decay_A", -2),
            ("state.ax_A", 1),
            ("state.eta_A", 2),
        ],
    ),
    (
        "rprop",
        &[
            ("lr_A", 1),
            ("step_size1_A", 1),
            ("step_size2_A", 1),
            ("eta1_A", 0),
            ("state.prev_A", -1),
        ],
    ),
    (
        "muon",
        &[
            ("lr_A", 1),
            ("eps_A", -1),
            ("weight_decay_A", -1),
            ("ns_coefficient1_A", 0),
        ],
    ),
];

#[test]
fn the_rules_of_torch_optim_are_those_worked_out_by_hand() {
    for (optimizer, expected) in BY_HAND {
        let mut recipe = recipe(optimizer);
        // One number for both factors, which ties them.
        let _ = recipe.switch_off("initial_accumulator_value");
        let rule = rule(&step(&recipe).expect("a step"));
        assert_eq!(rule.basis(), ["p", "q"], "{optimizer}");
        for (name, power) in *expected {
            let expected = [*power, 0].map(|n| Ratio::from_integer(n.into()));
            assert_eq!(rule.weights[*name], expected, "{optimizer}: {name}");
        }
    }
}

fn powers_of_p(rule: &Rule, name: &str) -> String {
    rule.weights[name]
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn adagrads_one_first_value_of_memory_ties_the_factors() {
    let rule = rule(&step(&recipe("adagrad")).expect("a step"));
    assert_eq!(rule.basis(), ["p"]);
    assert_eq!(powers_of_p(&rule, "B"), "1");
    assert_eq!(powers_of_p(&rule, "initial_accumulator_value"), "-2");
}

#[test]
fn radam_has_a_rule_in_each_case_and_none_over_both() {
    let rule_of = |recipe: &Recipe| rule(&step(recipe).expect("a step"));
    assert_eq!(rule_of(&recipe("radam")).dimension(), 0);
    let rectified = rule_of(&recipe("radam").in_regime("rectified", true));
    let plain = rule_of(&recipe("radam").in_regime("rectified", false));
    assert_eq!(powers_of_p(&rectified, "lr_A"), "1 0");
    assert_eq!(powers_of_p(&plain, "lr_A"), "2 0");
    let mut decoupled = recipe("radam").in_regime("rectified", true);
    decoupled
        .set_flag("decoupled_weight_decay", true)
        .expect("its switch");
    assert_eq!(powers_of_p(&rectified, "weight_decay_A"), "-2 0");
    assert_eq!(powers_of_p(&rule_of(&decoupled), "weight_decay_A"), "-1 0");
}

#[test]
fn adafactor_has_a_rule_only_without_eps1() {
    let mut recipe = recipe("adafactor");
    assert_eq!(rule(&step(&recipe).expect("a step")).dimension(), 0);
    recipe.switch_off("eps1").expect("its setting");
    let rule = rule(&step(&recipe).expect("a step"));
    assert_eq!(rule.basis(), ["p", "q"]);
    // The rate is relative to the size of the parameter already.
    assert_eq!(powers_of_p(&rule, "lr_A"), "0 0");
    assert_eq!(powers_of_p(&rule, "weight_decay_A"), "0 0");
    assert_eq!(powers_of_p(&rule, "eps2_A"), "1 0");
}

#[test]
fn lbfgs_has_a_rule_with_equal_factors_after_the_first_step() {
    let rule_of = |first, curvature| {
        let recipe = recipe("lbfgs").in_regime("first", first);
        rule(&step(&recipe.in_regime("curvature", curvature)).expect("a step"))
    };
    assert_eq!(
        rule(&step(&recipe("lbfgs")).expect("a step")).dimension(),
        0
    );
    assert_eq!(rule_of(true, true).dimension(), 0);
    // Where no pair is ever taken up, it is gradient descent.
    assert_eq!(powers_of_p(&rule_of(false, false), "lr"), "2");
    let later = rule_of(false, true);
    assert_eq!(later.dimension(), 1);
    assert_eq!(later.weights["A"], later.weights["B"]);
    // A step of Newton's kind has no unit.
    assert_eq!(powers_of_p(&later, "lr"), "0");
    assert_eq!(powers_of_p(&later, "tolerance_grad"), "-1");
    assert_eq!(powers_of_p(&later, "state.old_stps_1_A"), "1");
}

fn trajectory(scenario: &Scenario) -> Trajectory<f64> {
    let step = step(&scenario.recipe).expect("a step");
    let Scenario {
        sizes,
        values,
        steps,
        ..
    } = scenario;
    exec::run(F64, &step, sizes, values, *steps, &Recorded::default()).expect("a run")
}

#[test]
fn memory_that_begins_with_the_rate_begins_with_the_scheduled_rate() {
    for optimizer in ["asgd", "rprop"] {
        let half = parse_ratio("1/2").expect("a number");
        let mut halved = recipe(optimizer);
        halved.schedule = Some(Schedule::Linear {
            start_factor: half.clone(),
            end_factor: half.clone(),
            total_iters: 1,
        });
        let plain = recipe(optimizer);
        let mut left = scenario(plain.clone(), &step(&plain).expect("a step"));
        let right = scenario(halved.clone(), &step(&halved).expect("a step"));
        for leaf in ["lr_A", "lr_B"] {
            let lr = left.values.scalars[leaf].checked_mul(&Surd::rational(half.clone()));
            left.values.set_scalar(leaf, lr.expect("a half"));
        }
        assert_eq!(
            trajectory(&left).losses,
            trajectory(&right).losses,
            "{optimizer}"
        );
    }
}

#[test]
fn two_values_of_one_setting_exclude_each_other() {
    let mut recipe = recipe("muon");
    recipe
        .set_flag("match_rms_adamw", true)
        .expect("its switch");
    recipe.build().expect("one value");
    recipe.set_flag("original", true).expect("its switch");
    assert_eq!(
        recipe.build().expect_err("two values").to_string(),
        "the switches `original` and `match_rms_adamw` exclude each other"
    );
}

#[test]
fn nesterov_can_be_asked_for_in_a_file() {
    let read = |flags: &str, dampening: &str| {
        let text = format!(
            "optimizer = \"sgd\"\nsteps = 2\nflags = [{flags}]\n\
             [hyperparameters]\ns = 1\nlr = \"1/8\"\nmomentum = \"1/2\"\n{dampening}\n\
             [random]\nseed = 5\n[sizes]\nbatch = 2\nn_in = 3\nn_out = 2\nr = 1\n"
        );
        ScenarioFile::from_toml(&text).expect("TOML").scenario()
    };
    let losses = |scenario: &Scenario| trajectory(scenario).losses;
    let with = read("\"nesterov\"", "").expect("a scenario");
    let without = read("", "").expect("a scenario");
    assert_ne!(losses(&with)[1], losses(&without)[1]);
    let again = ScenarioFile::from(&with).scenario().expect("itself");
    assert_eq!(losses(&again), losses(&with));
    let refused = read("\"nesterov\"", "dampening = \"1/4\"").expect_err("as in PyTorch");
    assert_eq!(refused.to_string(), "nesterov needs dampening = 0");
}
