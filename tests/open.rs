//! Optimizers and models of users: from a file, and from a program of their own. They are derived,
//! run, hunted, witnessed and replayed as those of the zoo are.

use std::path::PathBuf;

use lora_gauge::arith::F64;
use lora_gauge::audit::{Verdict, Witness, judge, parse_claim};
use lora_gauge::exec::{Options as RunOptions, Outputs, Sizes, Trajectory, random, run};
use lora_gauge::gauge::{Options, derive};
use lora_gauge::graph::StepGraph;
use lora_gauge::scenario::{Scenario, ScenarioFile};
use lora_gauge::search::{Campaign, Finding, HuntedWitness, Parameters, PropertyTable, Totals};
use lora_gauge::zoo::{
    Clip, Entry, Hyperparameter, Loss, Model, Optimizer, Recipe, Schedule, Trainer, optimizers,
};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("examples/definitions/{name}.toml"))
}

fn file(name: &str) -> String {
    std::fs::read_to_string(path(name)).expect("an example file")
}

fn recipe(model: &str, optimizer: &str) -> Recipe {
    Recipe::new(model, "mse", optimizer).unwrap_or_else(|e| panic!("{e}"))
}

/// Every way of leaving terms out, plain and with what may stand around an optimizer.
fn variants(recipe: &Recipe, terms: &[&str]) -> Vec<Recipe> {
    let mut all = Vec::new();
    for mask in 0..1u32 << terms.len() {
        let mut with = recipe.clone();
        for (i, term) in terms.iter().enumerate() {
            if mask >> i & 1 == 1 {
                with.switch_off(term).expect("a term that may be off");
            }
        }
        let mut scheduled = with.clone();
        scheduled.schedule = Some(Schedule::LinearWithWarmup {
            warmup_steps: 1,
            total_steps: 5,
        });
        let mut ratio = with.clone();
        ratio.loraplus = true;
        all.extend([
            with.clone().with_clip(Some(Clip::Norm)),
            scheduled,
            ratio,
            with,
        ]);
    }
    all
}

fn weights(step: &StepGraph) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for options in [Options::default(), Options::shared()] {
        let derivation = derive(step, &options, "s");
        assert_eq!(derivation.refused, None);
        let weights = derivation.rule().weights.iter();
        all.extend(weights.map(|(name, weight)| (name.clone(), format!("{weight:?}"))));
    }
    all
}

/// The run of a step with the defaults of `recipe`.
fn trajectory(recipe: &Recipe, step: &StepGraph) -> Trajectory<f64> {
    let sizes = Sizes::from([("batch", 3), ("n_in", 4), ("n_out", 3), ("r", 2)]);
    let draw = |_: &str| random::Draw::Uniform { bits: 20 };
    let mut values = random::values(step, &sizes, 7, draw).expect("values");
    for (leaf, base, _) in step.hyperparameters() {
        let setting = recipe.setting(base).map_or("1/2", |h| h.default);
        let value = setting.parse().expect("an exact default");
        values.scalars.insert(leaf.to_owned(), value);
    }
    let options = RunOptions {
        outputs: Outputs::Named(vec!["W".to_owned()]),
        ..RunOptions::default()
    };
    run(F64, step, &sizes, &values, 6, &options).expect("a run")
}

fn bits(run: &Trajectory<f64>) -> Vec<u64> {
    let losses = run.losses.iter().chain([&run.final_loss]);
    let matrices = run.parameters.values().chain(run.outputs.values());
    let entries = matrices.flatten().flat_map(|m| m.iter());
    losses.chain(entries).map(|x| x.to_bits()).collect()
}

fn assert_alike(own: &Recipe, zoo: &Recipe) {
    let what = format!("{} {} {:?}", own.model.name, own.optimizer.name, own.off);
    let [own_step, zoo_step] = [own, zoo].map(|r| r.build().unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(weights(&own_step), weights(&zoo_step), "{what}");
    assert_eq!(ScenarioFile::of(own).optimizer, own.optimizer.key());
    let own_run = trajectory(own, &own_step);
    // Defaults may be others, so both have the same.
    let zoo_run = trajectory(own, &zoo_step);
    assert!(own_run.final_loss.is_finite() && own_run.losses[0] != own_run.final_loss);
    assert_eq!(bits(&own_run), bits(&zoo_run), "{what}");
}

#[test]
fn files_derive_the_rules_of_the_zoo_and_run_bit_for_bit_the_same() {
    for (name, zoo, terms) in [
        ("heavy_ball", "sgd", &["dampening", "weight_decay"][..]),
        ("decoupled_adam", "adamw", &["eps", "weight_decay"]),
        ("sign_momentum", "lion", &["weight_decay"]),
        ("orthogonal_momentum", "muon", &["weight_decay"]),
    ] {
        let own = variants(&recipe("linear", &file(name)), terms);
        let mut other = recipe("linear", zoo);
        if zoo == "muon" {
            other.set_count("ns_steps", 2).expect("the number of turns");
        }
        for (own, other) in own.iter().zip(variants(&other, terms)) {
            assert_alike(own, &other);
        }
    }
}

#[test]
fn a_model_from_a_file_is_that_of_the_zoo() {
    let own = recipe(&file("direction_and_magnitude"), "adamw");
    assert_alike(&own, &recipe("dora", "adamw"));
    assert_eq!(own.model.zero_at_start, ["B"]);
    // The weight is multiplied with the data as a whole, which rounds in another way.
    let [own, zoo] = [&file("one_layer"), "linear"].map(|model| recipe(model, "adamw"));
    let [own, zoo] = [own, zoo].map(|recipe| weights(&recipe.build().expect("a step")));
    assert_eq!(own, zoo);
    // Data of a batch are those of one micro-batch.
    let mut twice = recipe(&file("one_layer"), "sgd");
    twice.accumulation = 2;
    let step = twice.build().expect("a step");
    assert!(step.graph.leaf("X_2").is_some() && step.graph.leaf("W0_2").is_none());
}

#[test]
fn a_loss_from_a_file_is_that_of_the_zoo() {
    let with = |loss: &str| {
        let recipe = Recipe::new("linear", loss, "adamw");
        recipe.unwrap_or_else(|e| panic!("{e}"))
    };
    assert_alike(&with(&file("rounded_corner")), &with("huber"));
    let smooth = with(&file("log_cosh")).build().expect("a step");
    let mut settings = smooth.hyperparameters();
    assert!(settings.any(|(leaf, ..)| leaf == "loss.sharpness"));
    let no_loss = file("log_cosh").replace("loss = ", "lost = ");
    let error = Loss::find(&no_loss).expect_err("a mistake").to_string();
    assert!(error.contains("expected a formula for `loss`"), "{error}");
}

#[test]
fn one_text_is_one_optimizer() {
    let [one, other] = [(); 2].map(|()| optimizers::find(&file("sign_momentum")).expect("one"));
    assert!(std::ptr::eq(one, other));
    assert!(optimizers::find("sign-momentum").is_err());
}

const SIMPLE: &str = r#"name = "own"
update = ["w = w - lr * g"]
[settings]
lr = { default = "1e-2" }
"#;

#[test]
fn a_wrong_file_gets_place_found_and_expected() {
    let with = |from: &str, to: &str| {
        assert!(SIMPLE.contains(from));
        SIMPLE.replace(from, to)
    };
    let deep = format!("w = {}g{}", "(".repeat(4000), ")".repeat(4000));
    let long = format!("w = g{}", " + g".repeat(4000));
    let many = format!("w - lr * g{}", "\", \"w = w".repeat(300));
    for (text, words) in [
        (
            with("lr * g", "lr * h"),
            &[
                "`update[0]`, line 2",
                "`w - lr * h`, character 10",
                "found `h`",
                "g, lr, rows, t, w",
            ][..],
        ),
        (
            with("lr * g", "lr @ g"),
            &["line 2", "character 8", "shapes 1 × 1 and", "do not fit"],
        ),
        (
            with("w - lr * g", "lr * g @ w.T"),
            &["line 2", "next value", "do not fit"],
        ),
        (
            with("lr * g", "lr * max(g)"),
            &["character 10", "found 1 arguments of `max`, expected 2"],
        ),
        (
            with("lr * g", "lr * where(t = 1, g, w)"),
            &["found `=`, expected `<`"],
        ),
        (with("lr * g", "lr * (g"), &["found the end, expected `)`"]),
        (
            with("w - lr * g", &deep["w = ".len()..]),
            &["less deeply nested"],
        ),
        (
            with("w - lr * g", &long["w = ".len()..]),
            &["expected at most 10000"],
        ),
        (
            with("w - lr * g", &many),
            &["`update`, line 2", "expected at most 256"],
        ),
        (
            with("w = w", "g = w"),
            &["expected a formula for the next `w`"],
        ),
        (with("w = w", "lr = w"), &["found `lr = …`", "a setting"]),
        (
            with("w = w - lr * g", "w - lr * g"),
            &["expected `name = formula`"],
        ),
        (with("\"1e-2\"", "\"x\""), &["`settings.lr`, line 4", "x"]),
        (
            with("\"1e-2\"", "0"),
            &[
                "`settings.lr`, line 4",
                "found 0, expected a positive number",
            ],
        ),
        (
            with("lr = {", "alpha = {"),
            &["one of the quantities alpha"],
        ),
        (
            with("own", "adamw"),
            &[
                "`name`, line 1",
                "found `adamw`, expected a name that no other has",
            ],
        ),
        (with("own", "a b"), &["found `a b`"]),
        (with("name", "nome"), &["nome", "line 1"]),
        (format!("{SIMPLE}[memory]\nm = {{}}\n"), &["the next `m`"]),
        (
            format!("{SIMPLE}[memory]\nlr = {{}}\n"),
            &["`memory.lr`, line 6"],
        ),
        (
            format!("{SIMPLE}{}", "# \n".repeat(50_000)),
            &["expected at most 65536"],
        ),
    ] {
        let error = optimizers::find(&text).expect_err("a mistake").to_string();
        for word in words {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
    let squares = format!("w - lr * g{}", "\", \"w = w * w".repeat(20));
    let error = optimizers::find(&with("w - lr * g", &squares)).expect_err("a mistake");
    assert!(
        error
            .to_string()
            .contains("factors, expected 16384 at most"),
        "{error}"
    );
    let alpha = with("lr = {", "alpha = {").replace("lr * g", "alpha * g");
    let error = optimizers::find(&alpha).expect_err("a mistake").to_string();
    assert!(error.contains("stands for something else"), "{error}");
}

/// Characters are left out, doubled and exchanged, here and there in every example.
#[test]
fn a_file_that_somebody_has_changed_is_defined_or_refused_with_its_place() {
    for name in ["decoupled_adam", "orthogonal_momentum", "one_layer"] {
        let text = file(name);
        for at in (0..text.len())
            .step_by(3)
            .filter(|at| text.is_char_boundary(*at))
        {
            let (before, after) = text.split_at(at);
            let next = after.chars().next().map_or(0, char::len_utf8);
            for middle in ["", "(", "*", "1e9", "\"", ", w", &after[..next]] {
                let changed = format!("{before}{middle}{}", &after[next..]);
                let error = match name {
                    "one_layer" => Model::find(&changed).err(),
                    _ => optimizers::find(&changed).err(),
                };
                if let Some(error) = error.map(|e| e.to_string()) {
                    assert!(error.contains("line "), "{changed}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_wrong_model_gets_place_found_and_expected() {
    let text = file("one_layer");
    for (from, to, words) in [
        ("B @ A", "A @ B", "shapes r × n_in and n_out × r"),
        (
            "W = W0",
            "V = W0",
            "expected a formula for `W`, `Z` or `loss`",
        ),
        ("W = W0", "loss = W0", "expected 1 × 1"),
        ("W = W0", "A = A\", \"W = W0", "this one is a tensor"),
        ("trained = true", "trained = false", "zero at the start"),
        ("\"batch\", \"n_in\"", "\"batch\", \"n in\"", "line 5"),
        ("\"batch\", \"n_in\"", "\"batch\", \"n\"", "do not fit"),
        ("one-layer", "linear", "found `linear`"),
        ("\"W0\"", "\"A\"", "found `A`"),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = text.replace(from, to);
        let error = Model::find(&wrong).expect_err("a mistake").to_string();
        assert!(error.contains(words), "{to}: {error}");
    }
}

/// A campaign on an optimizer, some of its cases, and one as a witness that is read again.
fn campaign(key: &str) {
    let mut parameters = Parameters::new(5, 24);
    parameters.optimizers = vec![key.to_owned()];
    let names = ["rules-compose", "invariants", "relabelling"];
    parameters.properties = names.map(str::to_owned).to_vec();
    let table = PropertyTable::default();
    let selection = parameters.selection(&table).expect("a selection");
    let campaign = Campaign::new(parameters.seed, &selection).expect("a campaign");
    let records = campaign.records(0..parameters.cases);
    let failed = records.iter().find(|record| record.verdict.is_failed());
    assert!(failed.is_none(), "{failed:?}");
    let totals = Totals::of(records);
    assert!(
        totals.properties.values().all(|tally| tally.passed > 0),
        "{totals:?}"
    );
    let finding = Finding::Contradicts {
        says: "nothing at all".to_owned(),
        place: None,
    };
    let witness = campaign.witness_as_drawn(4, finding).expect("a case");
    let text = witness.to_json().expect("JSON");
    let again = HuntedWitness::parse(&text).expect("a witness");
    let subject = again.test_case(&table).expect("the case, drawn anew");
    assert_eq!(subject.scenario.recipe.optimizer.key(), key);
    assert!(!again.replay(&table).expect("a replay").agrees);
}

#[test]
fn an_optimizer_from_a_file_is_hunted_and_its_witness_holds_the_file() {
    for name in ["heavy_ball", "sign_momentum"] {
        campaign(&file(name));
    }
}

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        f.update(f.weight() - f.lr() * f.gradient().sign());
    }
}

/// Sign descent, as a program of its own would have it.
fn registered() -> &'static Optimizer {
    const NAME: &str = "of-this-test";
    let own = optimizers::register(Optimizer {
        name: NAME,
        title: "the sign of the gradient",
        hyperparameters: const { &[Hyperparameter::positive("lr", "1e-3")] },
        build,
        ..optimizers::PLAIN
    });
    own.unwrap_or_else(|_| optimizers::find(NAME).expect("registered already"))
}

#[test]
fn an_optimizer_of_a_program_is_named_run_and_hunted() {
    let own = registered();
    campaign(own.name);
    let recipe = recipe("linear", own.name);
    let mut signs = Recipe::new("linear", "mse", "signsgd")
        .expect("a recipe")
        .plain();
    signs
        .switch_off("momentum")
        .expect("a term that may be off");
    assert_alike(&recipe, &signs);
    let taken = optimizers::register(Optimizer {
        name: "sgd",
        ..optimizers::PLAIN
    });
    let message = taken.expect_err("a name of the zoo").to_string();
    assert!(
        message.contains("the optimizer `sgd` is there already"),
        "{message}"
    );
    let unknown = optimizers::find("no-such")
        .expect_err("no such name")
        .to_string();
    assert!(unknown.contains(own.name), "{unknown}");
}

#[test]
fn a_claim_about_an_optimizer_from_a_file_is_judged_and_its_witness_replayed() {
    let claim = format!(
        "id = \"own\"\ntitle = \"alpha is the rate\"\nkind = \"equivalence\"\n\
         optimizer = '''\n{}'''\n[map]\nalpha = \"1\"\nlr = \"-1\"\n",
        file("sign_momentum")
    );
    let claim = parse_claim("claim.toml", &claim).unwrap_or_else(|e| panic!("{e}"));
    let judged = judge(&claim);
    assert_eq!(judged.judgement.verdict, Verdict::Refuted);
    let text = judged.witness.expect("a witness").to_json().expect("JSON");
    assert!(text.contains("exp_avg = beta2 * exp_avg"));
    let replayed = Witness::parse(&text).expect("a witness").replay();
    assert!(replayed.expect("a replay").agrees);
}

#[test]
fn a_scenario_keeps_the_file_it_was_made_of() {
    let scenario = Scenario {
        name: "own".to_owned(),
        recipe: recipe(&file("one_layer"), &file("heavy_ball")),
        ..lora_gauge::scenario::seed_script(1).expect("a run")
    };
    let file = ScenarioFile::from(&scenario);
    let text = toml::to_string(&file).expect("TOML");
    let again = ScenarioFile::from_toml(&text).expect("a scenario");
    let recipe = again.scenario().map(|s| s.recipe).expect("a run");
    assert!(std::ptr::eq(recipe.optimizer, scenario.recipe.optimizer));
    assert!(std::ptr::eq(recipe.model, scenario.recipe.model));
}

#[path = "../examples/own_arithmetic.rs"]
mod own_arithmetic;
#[path = "../examples/own_optimizer.rs"]
mod own_optimizer;

#[test]
fn the_examples_run() {
    own_arithmetic::main().unwrap_or_else(|e| panic!("{e}"));
    own_optimizer::main().unwrap_or_else(|e| panic!("{e}"));
}
