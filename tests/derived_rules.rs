//! What the derived rule of each model, and of each thing that stands around an optimizer,
//! promises: the rescaled run is the run itself, bit by bit with powers of two and number by
//! number in the rationals, and no weight of the rule is idle.

use std::collections::BTreeMap;

use lora_gauge::arith::{Arithmetic, F64, Ratio, Surd};
use lora_gauge::gauge::{Options, Rule, check as check_certificate, infer, sign_flips};
use lora_gauge::scenario::{
    CheckError, Exact, Outcome, Powers, Property, RandomFile, Scenario, ScenarioFile, check,
};
use lora_gauge::zoo::models::MODELS;
use lora_gauge::zoo::{Clip, LossScaling, Recipe, Reduction, Schedule};

use crate::common::rules::{powers, rule_of};
use crate::common::runs::ratio;

/// SGD and AdamW with every term on.
fn recipes(model: &str) -> [Recipe; 2] {
    ["sgd", "adamw"].map(|optimizer| Recipe::new(model, "mse", optimizer).expect("known names"))
}

/// Every model, with both optimizers.
fn models() -> Vec<(String, Recipe)> {
    let run = MODELS.iter().filter(|m| m.name != "opaque");
    run.flat_map(|m| recipes(m.name).map(|r| (format!("{} {}", m.name, r.optimizer.name), r)))
        .collect()
}

/// Everything that may stand around an optimizer, with both optimizers.
fn surroundings() -> Vec<(String, Recipe)> {
    let half = || ratio("1/2");
    let schedules = [
        Schedule::Constant,
        Schedule::Linear {
            start_factor: ratio("1/4"),
            end_factor: ratio("3/4"),
            total_iters: 2,
        },
        Schedule::Cosine { t_max: 5 },
        Schedule::Exponential { gamma: half() },
        Schedule::Step {
            step_size: 2,
            gamma: half(),
        },
        Schedule::InverseSqrt,
        Schedule::ConstantWithWarmup { warmup_steps: 2 },
        Schedule::LinearWithWarmup {
            warmup_steps: 1,
            total_steps: 6,
        },
        Schedule::CosineWithMinLr {
            warmup_steps: 1,
            total_steps: 6,
        },
    ];
    let mut all = Vec::new();
    for plain in recipes("linear") {
        let mut add = |name: &str, change: &dyn Fn(&mut Recipe)| {
            let mut recipe = plain.clone();
            change(&mut recipe);
            all.push((format!("{name} {}", recipe.optimizer.name), recipe));
        };
        for (name, clip) in Clip::ALL {
            add(&format!("clip {name}"), &|r| r.clip = Some(clip));
        }
        for schedule in &schedules {
            add(&format!("schedule {}", schedule.name()), &|r| {
                r.schedule = Some(schedule.clone())
            });
        }
        for (name, scaling) in LossScaling::ALL {
            add(&format!("loss scale {name}"), &|r| {
                r.loss_scaling = Some(scaling)
            });
            add(&format!("loss scale {name}, accumulation"), &|r| {
                r.loss_scaling = Some(scaling);
                r.accumulation = 2;
                // A gradient that is clipped to a norm forgets a scale that is kept.
                r.clip = (scaling == LossScaling::Unscaled).then_some(Clip::NormExact);
            });
        }
        add("accumulation", &|r| r.accumulation = 3);
        add("sum", &|r| r.reduction = Reduction::Sum);
    }
    all
}

fn value(leaf: &str, base: &str) -> Ratio {
    ratio(match (leaf, base) {
        ("lr_B", _) => "1/32",
        (_, "lr") => "1/64",
        (_, "s") => "3/4",
        (_, "momentum" | "beta1") => "1/2",
        (_, "beta2" | "dropout" | "dampening") => "1/4",
        (_, "weight_decay") => "1/8",
        (_, "eps") => "1/16",
        // Low enough to clip.
        (_, "clip_value" | "max_norm") => "1/16",
        (_, "eta_min" | "min_lr") => "1/128",
        (_, "loss_scale") => "8",
        _ => panic!("no value for {leaf}"),
    })
}

/// A run of `recipe` in which nothing is zero.
fn scenario(recipe: &Recipe, steps: usize) -> Scenario {
    let step = recipe.build().expect("a recipe that can be built");
    let sizes = [
        ("batch", 3),
        ("n_in", 3),
        ("n_out", 2),
        ("r", 2),
        ("hidden", 2),
        ("head", 2),
        ("vocab", 4),
        ("c_in", 2),
        ("c_out", 2),
        ("d_in", 2),
        ("d_out", 1),
    ];
    let hyperparameters = step.hyperparameters().map(|(leaf, base, _)| {
        let exact = Exact(Surd::rational(value(leaf, base)));
        (leaf.to_owned(), exact)
    });
    ScenarioFile {
        steps,
        sizes: sizes.map(|(n, s)| (n.to_owned(), s)).into(),
        hyperparameters: hyperparameters.collect(),
        random: Some(RandomFile {
            seed: 11,
            zero: vec![],
        }),
        ..ScenarioFile::of(recipe)
    }
    .scenario()
    .expect("a complete scenario")
}

/// The loss and every output of the step.
fn same_run(recipe: &Recipe) -> Property {
    let step = recipe.build().expect("a recipe that can be built");
    let mut conclusion = vec!["loss".to_owned()];
    conclusion.extend(step.outputs.into_iter().map(|o| o.name));
    assert!(conclusion.len() > 1, "no merged weight is named");
    Property {
        conclusion,
        ..Property::default()
    }
}

fn outcome<A: Arithmetic>(
    ctx: &A,
    recipe: &Recipe,
    powers: &Powers,
    k: &str,
    steps: usize,
) -> Result<Outcome, CheckError> {
    let left = scenario(recipe, steps);
    let right = powers.apply(&left, &ratio(k)).expect("powers that exist");
    check(ctx, &same_run(recipe), &left, &right, steps)
}

/// Exponents that differ from each other, so that no factor can stand for another.
fn exponents(rule: &Rule) -> Vec<i64> {
    [2, -3, 4, -1, 3]
        .into_iter()
        .cycle()
        .take(rule.dimension())
        .collect()
}

#[test]
fn with_powers_of_two_the_rescaled_runs_have_the_same_bits() {
    for (name, recipe) in models().into_iter().chain(surroundings()) {
        let step = recipe.build().expect("a recipe that can be built");
        let rule = rule_of(&name, &step, &Options::default());
        // PyTorch's constant 10⁻⁶ holds every gradient fast.
        let held = matches!(recipe.clip, Some(Clip::Norm | Clip::NormPerTensor));
        assert_eq!(rule.independent_parameters() == 0, held, "{name}: {rule:?}");
        let map = powers(&rule, &exponents(&rule));
        let found = outcome(&F64, &recipe, &map, "2", 4);
        assert!(
            matches!(found, Ok(Outcome::Holds { .. })),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn no_weight_of_a_rule_is_idle() {
    let mut tried = 0;
    for (name, recipe) in models().into_iter().chain(surroundings()) {
        let step = recipe.build().expect("a recipe that can be built");
        let rule = infer(&step, &Options::default()).rule;
        let map = powers(&rule, &exponents(&rule));
        let zero = Ratio::from_integer(0.into());
        let moved = |of: &BTreeMap<String, Ratio>| -> Vec<String> {
            let moved = of.iter().filter(|(_, power)| **power != zero);
            moved.map(|(leaf, _)| leaf.clone()).collect()
        };
        for leaf in moved(&map.hyperparameters) {
            let mut less = map.clone();
            less.hyperparameters.remove(&leaf);
            let found = outcome(&F64, &recipe, &less, "2", 4);
            // What is taken out again changes nothing, whatever it is.
            let idle = leaf == "loss_scale" && recipe.loss_scaling == Some(LossScaling::Unscaled);
            let fails = matches!(found, Ok(Outcome::Fails(_)));
            assert_eq!(fails, !idle, "{name}, {leaf}: {found:?}");
            tried += 1;
        }
        for parameter in moved(&map.initial) {
            let mut less = map.clone();
            less.initial.remove(&parameter);
            let found = outcome(&F64, &recipe, &less, "2", 4);
            assert!(
                matches!(found, Ok(Outcome::Fails(_))),
                "{name}, {parameter}: {found:?}"
            );
            tried += 1;
        }
    }
    assert!(tried > 300, "only {tried} weights");
}

/// The runs without a root or a transcendental function.
#[cfg(feature = "mp")]
const RATIONAL: &[&str] = &[
    "linear sgd",
    "linear_dropout sgd",
    "embedding sgd",
    "mlp_relu sgd",
    "loha sgd",
    "lokr sgd",
    "lora_bias sgd",
    "clip value sgd",
    "schedule linear sgd",
    "schedule constant sgd",
    "schedule exponential sgd",
    "schedule step sgd",
    "schedule constant_with_warmup sgd",
    "schedule linear_with_warmup sgd",
    "loss scale unscaled sgd",
    "loss scale kept sgd",
    "accumulation sgd",
    "sum sgd",
];

#[cfg(feature = "mp")]
#[test]
fn in_the_rationals_the_rescaled_runs_are_equal_number_by_number() {
    use lora_gauge::arith::Rational;
    let mut done = Vec::new();
    for (name, recipe) in models().into_iter().chain(surroundings()) {
        if !RATIONAL.contains(&name.as_str()) {
            continue;
        }
        let step = recipe.build().expect("a recipe that can be built");
        let rule = infer(&step, &Options::default()).rule;
        let found = outcome(
            &Rational,
            &recipe,
            &powers(&rule, &exponents(&rule)),
            "5/3",
            3,
        );
        assert!(
            matches!(found, Ok(Outcome::Holds { .. })),
            "{name}: {found:?}"
        );
        done.push(name);
    }
    assert_eq!(done.len(), RATIONAL.len(), "{done:?}");
}

#[test]
fn clipping_by_value_is_odd() {
    let recipe = Recipe::new("linear", "mse", "sgd").expect("known names");
    let recipe = recipe.with_clip(Some(Clip::Value));
    let step = recipe.build().expect("a recipe that can be built");
    let flips = sign_flips(&step, &Options::default());
    check_certificate(&step, &flips.question, &flips.certificate)
        .expect("signs that the checker accepts");
    for parameter in ["A", "B"] {
        let negates = |name: &str| {
            flips
                .flips
                .iter()
                .find(|f| f.flipped.iter().any(|n| n == name))
        };
        let flip =
            negates(parameter).unwrap_or_else(|| panic!("{parameter} has no sign of its own"));
        assert!(flip.flipped.contains(&"s".to_owned()), "{flip:?}");
        let map = Powers {
            negated: flip.flipped.iter().cloned().collect(),
            ..powers(&infer(&step, &Options::default()).rule, &[0, 0])
        };
        let found = outcome(&F64, &recipe, &map, "4", 4);
        assert!(
            matches!(found, Ok(Outcome::Holds { .. })),
            "{parameter}: {found:?}"
        );
    }
}

/// The weight of `leaf` in each generator that moves no parameter.
fn beside_the_factors(recipe: &Recipe, leaf: &str) -> Vec<String> {
    let rule = infer(&recipe.build().expect("a step"), &Options::default()).rule;
    let generators = rule.generators.iter().zip(&rule.weights[leaf]);
    generators
        .filter(|(g, _)| !g.moves_parameters)
        .map(|(g, w)| format!("{}^{w}", g.name))
        .collect()
}

#[test]
fn a_kept_loss_scale_is_a_direction_of_its_own() {
    let [mut sgd, mut adamw] = recipes("linear");
    for (scaling, rate, eps) in [
        (LossScaling::Unscaled, "loss_scale^0", "loss_scale^0"),
        (LossScaling::Kept, "loss_scale^-1", "loss_scale^1"),
    ] {
        sgd.loss_scaling = Some(scaling);
        adamw.loss_scaling = Some(scaling);
        assert_eq!(beside_the_factors(&sgd, "lr_A"), [rate]);
        assert_eq!(beside_the_factors(&sgd, "A"), ["loss_scale^0"]);
        assert_eq!(beside_the_factors(&adamw, "lr_B"), ["loss_scale^0"]);
        assert_eq!(beside_the_factors(&adamw, "eps_B"), [eps]);
    }
}
