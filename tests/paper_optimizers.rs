//! The optimizers from papers and from packages other than PyTorch: their rules as one works them
//! out by hand, what LoRA-RITE promises, rest and average where no golden file looks, what a
//! tensor without a partner gets, and LoRA+.

use std::collections::{BTreeMap, BTreeSet};

use lora_gauge::arith::{F64, Ratio};
use lora_gauge::exec::Trajectory;
use lora_gauge::gauge::{Options, Rule};
use lora_gauge::scenario::{Outcome, Powers, Property, Scenario, ScenarioFile, check};
use lora_gauge::zoo::Recipe;

use crate::common::rules::{recipe, rule_of};
use crate::common::runs::{run, scenario as read};

fn rule_with(recipe: &Recipe, options: &Options) -> Rule {
    let step = recipe.build().expect("a step");
    rule_of(recipe.optimizer.name, &step, options)
}

fn rule(recipe: &Recipe) -> Rule {
    rule_with(recipe, &Options::default())
}

/// The powers of p and q of each quantity.
type ByHand = &'static [(&'static str, [i32; 2])];

/// Powers of p and q of settings and memory where A' = p·A and B' = q·B, and nothing that only
/// trades one setting for another is used.
const BY_HAND: &[(&str, ByHand)] = &[
    (
        "lion",
        &[
            ("lr_A", [1, 0]),
            ("weight_decay_A", [-1, 0]),
            ("state.exp_avg_B", [0, -1]),
        ],
    ),
    ("signsgd", &[("lr_B", [0, 1]), ("weight_decay_A", [-2, 0])]),
    (
        "lamb",
        &[
            ("lr_A", [0, 0]),
            ("eps_A", [-1, 0]),
            ("phi_max_B", [0, 1]),
            ("trust_fallback_A", [1, 0]),
            ("trust_fallback_B", [0, 1]),
        ],
    ),
    (
        "lars",
        &[
            ("lr_A", [0, 0]),
            ("trust_coefficient_A", [0, 0]),
            ("trust_fallback_A", [2, 0]),
            ("weight_decay_B", [0, -2]),
            ("eps_B", [0, -1]),
        ],
    ),
    (
        "sophiag",
        &[
            ("lr_A", [1, 0]),
            ("rho_A", [1, 0]),
            ("eps_B", [0, -1]),
            ("state.hessian_A", [-2, 0]),
        ],
    ),
    (
        "adam_atan2",
        &[
            ("lr_A", [1, 0]),
            ("b_A", [0, 0]),
            ("weight_decay_A", [-1, 0]),
        ],
    ),
    (
        "adafactor_hf",
        &[
            ("eps1_A", [-2, 0]),
            ("eps2_A", [1, 0]),
            ("clip_threshold_B", [0, 0]),
            ("weight_decay_A", [-1, 0]),
        ],
    ),
    (
        "schedulefree_sgd",
        &[
            ("lr_A", [2, 0]),
            ("state.z_B", [0, 1]),
            ("state.weight_sum_A", [4, 0]),
        ],
    ),
    (
        "schedulefree_adamw",
        &[
            ("lr_A", [1, 0]),
            ("weight_decay_A", [-1, 0]),
            ("state.weight_sum_B", [0, 2]),
        ],
    ),
    (
        "scaled_gd",
        &[
            ("lr_A", [2, 2]),
            ("lr_B", [2, 2]),
            ("delta_A", [0, 2]),
            ("delta_B", [2, 0]),
        ],
    ),
    (
        "scaled_adamw",
        &[("lr_A", [1, 0]), ("eps_A", [-1, -2]), ("delta_A", [0, 2])],
    ),
    (
        "lora_rite",
        &[
            ("lr_A", [1, 1]),
            ("lr_B", [1, 1]),
            ("eps_A", [-1, -1]),
            ("state.exp_avg_sq_B", [-2, -2]),
            ("state.basis_A", [0, 0]),
        ],
    ),
];

#[test]
fn the_rules_are_those_worked_out_by_hand() {
    for (optimizer, expected) in BY_HAND {
        let rule = rule(&recipe(optimizer));
        assert_eq!(rule.basis()[..2], ["p", "q"], "{optimizer}");
        for (name, powers) in *expected {
            let expected = powers.map(|n| Ratio::from_integer(n.into()));
            assert_eq!(rule.weights[*name][..2], expected, "{optimizer}: {name}");
        }
    }
}

#[test]
fn one_estimate_for_all_tensors_ties_prodigys_factors() {
    let rule = rule(&recipe("prodigy"));
    assert_eq!(rule.basis(), ["p", "lr"]);
    let power_of_p = |name: &str| rule.weights[name][0].to_string();
    assert_eq!(power_of_p("B"), "1");
    assert_eq!(power_of_p("s"), "-2");
    // Nothing but the first estimate and what is compared with gradients or weights.
    for (name, power) in [("d0", "1"), ("d_coef", "0"), ("eps_A", "-1")] {
        assert_eq!(power_of_p(name), power, "{name}");
    }
    assert_eq!(power_of_p("weight_decay_A"), "-1");
    assert_eq!(power_of_p("state.d"), "1");
}

#[test]
fn a_constant_that_cannot_be_set_takes_the_rule_away() {
    let held = |recipe: &Recipe, names: &[&str]| {
        let options = Options {
            held: names.iter().map(|n| (*n).to_owned()).collect(),
            ..Options::default()
        };
        let rule = rule_with(recipe, &options);
        let moving = rule.generators.iter().filter(|g| g.moves_parameters);
        moving.count()
    };
    // The 1e-15 of Sophia's code and the fallback of LAMB and LARS, which is 1 in theirs.
    assert_eq!(held(&recipe("sophiag"), &["eps_A", "eps_B"]), 0);
    let fallback = ["trust_fallback_A", "trust_fallback_B"];
    assert_eq!(held(&recipe("lamb"), &fallback), 0);
    // LARS can still trade lr for the coefficient, but then decay, too, is tied to it.
    let together = ["lr_A", "lr_B", "trust_fallback_A", "trust_fallback_B"];
    assert_eq!(held(&recipe("lars"), &together), 0);
    // Where both norms are above zero, the fallback is not read.
    let later = recipe("lamb").in_regime("zero_norm", false);
    assert_eq!(held(&later, &fallback), 2);
    // PEFT's LoRA-FA writes 1e-8 beside A·Aᵀ: B alone can be scaled.
    let rule = rule(&recipe("lora_fa"));
    assert_eq!(rule.basis(), ["q"]);
    assert_eq!(rule.weights["A"][0], Ratio::from_integer(0.into()));
}

/// Three steps of an optimizer on a small drawn problem, with more of the file in `rest`.
fn file(model: &str, optimizer: &str, settings: &str, rest: &str) -> String {
    format!(
        "model = \"{model}\"\noptimizer = \"{optimizer}\"\nsteps = 3\n{rest}\n\
         [hyperparameters]\ns = 2\n{settings}\n\
         [random]\nseed = 5\n\
         [sizes]\nbatch = 4\nn_in = 3\nn_out = 2\nr = 2\nhidden = 5\n"
    )
}

fn trajectory(scenario: &Scenario) -> Trajectory<f64> {
    run(F64, scenario).expect("a run")
}

#[test]
fn lora_rite_does_not_see_how_w_is_factored() {
    let left = read(&file("linear", "lora_rite", "lr = \"1/8\"", ""));
    let power = |n: i64| Ratio::from_integer(n.into());
    let factored_otherwise = Powers {
        initial: BTreeMap::from([("A".to_owned(), power(1)), ("B".to_owned(), power(-1))]),
        ..Powers::default()
    };
    let same = |left: &Scenario| {
        let four = Ratio::from_integer(4.into());
        let right = factored_otherwise.apply(left, &four).expect("powers of 4");
        check(&F64, &Property::same_run(), left, &right, left.steps)
    };
    assert!(matches!(same(&left), Ok(Outcome::Holds { .. })));
    // Not so for Adam, nor for scaled descent unless delta is 0.
    let adam = read(&file("linear", "adam", "lr = \"1/8\"", ""));
    assert!(matches!(same(&adam), Ok(Outcome::Fails(_))));
    let settings = "lr = \"1/8\"\ndelta = \"1/2\"";
    let damped = read(&file("linear", "scaled_gd", settings, ""));
    assert!(matches!(same(&damped), Ok(Outcome::Fails(_))));
    let exact = read(&file("linear", "scaled_gd", "lr = \"1/8\"\ndelta = 0", ""));
    assert!(matches!(same(&exact), Ok(Outcome::Holds { .. })));
}

#[test]
fn prodigy_rests_while_there_is_no_gradient() {
    // B = 0, and Y is what the frozen weights give: nothing to learn, yet a decay that is on.
    let text = "optimizer = \"prodigy\"\nsteps = 2\n\
        [hyperparameters]\ns = 1\nweight_decay = \"1/2\"\n\
        [sizes]\nbatch = 1\nn_in = 2\nn_out = 1\nr = 1\n\
        [tensors]\n\
        X = { rows = 1, cols = 2, values = [1, 2] }\n\
        Y = { rows = 1, cols = 1, values = [7] }\n\
        W0 = { rows = 1, cols = 2, values = [1, 3] }\n\
        A = { rows = 1, cols = 2, values = [1, -1] }\n\
        B = { rows = 1, cols = 1, values = [0] }\n";
    let at_rest = trajectory(&read(text));
    assert_eq!(at_rest.losses, [0.0, 0.0]);
    for a in &at_rest.parameters["A"] {
        assert_eq!(a.as_slice(), [1.0, -1.0]);
    }
    // One target away from it everything moves.
    let moving = trajectory(&read(&text.replace("[7]", "[8]")));
    assert_ne!(moving.parameters["A"][0].as_slice(), [1.0, -1.0]);
}

#[cfg(feature = "mp")]
#[test]
fn schedule_free_x_is_the_average_of_z() {
    use lora_gauge::arith::{Arithmetic, Rational};
    use lora_gauge::exec::Outputs;

    use crate::common::runs::run_of;
    let settings = "lr = \"1/8\"\nmomentum = \"3/4\"\nweight_decay = \"1/16\"";
    let scenario = read(&file("linear", "schedulefree_sgd", settings, ""));
    let observed = [("x", "x_A"), ("z", "state.z_A")];
    let step = (scenario.recipe.build_observing(&observed)).expect("a step");
    let run = run_of(Rational, &scenario, &step, Outputs::All).expect("a run");
    let (x, z) = (&run.outputs["x"], &run.outputs["z"]);
    assert_eq!(x.len(), 4);
    for t in 1..x.len() {
        let count = Rational.from_integer(t as u64).expect("a number");
        for entry in 0..x[t].len() {
            let mut sum = Rational.zero();
            for z in &z[1..=t] {
                Rational.accumulate(&mut sum, &z[entry]);
            }
            let mut mean = Rational.zero();
            Rational.div(&mut mean, &sum, &count).expect("not zero");
            assert_eq!(x[t][entry], mean, "entry {entry} after step {t}");
        }
    }
    assert_ne!(x[3], run.parameters["A"][2], "y is not x");
}

#[test]
fn a_tensor_without_a_partner_gets_the_plain_update() {
    let settings = "lr = \"1/8\"";
    for (special, plain) in [
        ("scaled_gd", "sgd"),
        ("scaled_adamw", "adamw"),
        ("lora_rite", "adam"),
    ] {
        let settings = match special {
            "scaled_gd" => settings.to_owned(),
            _ => format!("{settings}\neps = \"1/64\""),
        };
        let of = |optimizer: &str| trajectory(&read(&file("joint", optimizer, &settings, "")));
        let (special, plain) = (of(special), of(plain));
        // After one step, before A and B have gone another way.
        for name in ["H", "bias"] {
            assert_eq!(special.parameters[name][0], plain.parameters[name][0]);
        }
        assert_ne!(special.parameters["A"][0], plain.parameters["A"][0]);
    }
    // LoRA-FA's AdamW corrects only the rate, so without correction of the root.
    let fa = trajectory(&read(&file("joint", "lora_fa", settings, "")));
    assert_eq!(fa.parameters["A"][0], fa.parameters["A"][2]);
    assert_ne!(fa.parameters["H"][0], fa.parameters["H"][2]);
}

#[test]
fn loraplus_is_a_larger_rate_for_b_and_for_vectors() {
    let schedule = "schedule = { kind = \"cosine\", t_max = 5 }";
    let plus = format!("loraplus = true\n{schedule}");
    let ratio = "lr = \"1/32\"\nloraplus_lr_ratio = 4\neta_min = \"1/64\"";
    for (model, separate) in [
        (
            "linear",
            "lr_A = \"1/32\"\nlr_B = \"1/8\"\neta_min = \"1/64\"",
        ),
        (
            "joint",
            "lr_A = \"1/32\"\nlr_B = \"1/8\"\nlr_H = \"1/32\"\nlr_bias = \"1/8\"\neta_min = \"1/64\"",
        ),
    ] {
        for optimizer in ["sgd", "adamw", "lion"] {
            let scenario = read(&file(model, optimizer, ratio, &plus));
            let apart = read(&file(model, optimizer, separate, schedule));
            assert_eq!(
                trajectory(&scenario).parameters,
                trajectory(&apart).parameters,
                "{optimizer}"
            );
            let again = ScenarioFile::from(&scenario).scenario().expect("itself");
            assert_eq!(trajectory(&again).losses, trajectory(&scenario).losses);
        }
    }
    let error = |rest: &str, settings: &str| {
        let text = file("linear", "adamw", settings, rest);
        let read = ScenarioFile::from_toml(&text).expect("TOML").scenario();
        read.expect_err("a mistake").to_string()
    };
    assert!(error("loraplus = true", "lr = 1").contains("give `loraplus_lr_ratio`"));
    assert!(error("", ratio).contains("no such hyperparameter"));
}

#[test]
fn loraplus_ratio_is_the_quotient_of_two_rates() {
    for (optimizer, lr, ratio) in [
        ("sgd", ["2", "0"], ["-2", "2"]),
        ("adamw", ["1", "0"], ["-1", "1"]),
        ("scaled_gd", ["2", "2"], ["0", "0"]),
    ] {
        let mut recipe = recipe(optimizer);
        recipe.loraplus = true;
        let rule = rule(&recipe);
        let powers = |name: &str| -> Vec<String> {
            rule.weights[name].iter().map(ToString::to_string).collect()
        };
        assert_eq!(powers("lr"), lr, "{optimizer}");
        assert_eq!(powers("loraplus_lr_ratio"), ratio, "{optimizer}");
    }
}

#[test]
fn a_switch_that_is_on_by_default_can_be_turned_off_in_a_file() {
    let scenario = |rest: &str| read(&file("linear", "lora_fa", "lr = \"1/8\"", rest));
    let (on, off) = (scenario(""), scenario("flags = [\"no-correct_bias\"]"));
    assert!(on.recipe.flags.contains("correct_bias"));
    assert_eq!(off.recipe.flags, BTreeSet::new());
    assert_ne!(trajectory(&on).losses[1], trajectory(&off).losses[1]);
    let again = ScenarioFile::from(&off);
    assert_eq!(again.flags, ["no-correct_bias"]);
}
