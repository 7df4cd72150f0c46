//! What stands around an optimizer, and what some models promise of themselves, in exact
//! arithmetic; and that a scenario file can ask for all of it.
#![cfg(feature = "mp")]

use std::collections::BTreeMap;

use lora_gauge::arith::Rational;
use lora_gauge::exec::{Outputs, Trajectory};
use lora_gauge::scenario::{Scenario, ScenarioFile};
use rug::Rational as Q;

use crate::common::runs::{run_of, scenario};

fn run(scenario: &Scenario) -> Trajectory<Q> {
    let step = scenario.recipe.build().expect("a step");
    run_of(Rational, scenario, &step, Outputs::All).expect("a run in the rationals")
}

/// The same losses and the same trained tensors after every step.
fn assert_same(left: &Trajectory<Q>, right: &Trajectory<Q>) {
    assert_eq!(left.losses, right.losses);
    assert_eq!(left.final_loss, right.final_loss);
    assert_eq!(left.parameters, right.parameters);
}

const SIZES: &str = "steps = 3\nalpha = 3\n\
    sizes = { batch = 2, n_in = 3, n_out = 2, r = 2, hidden = 2, c_in = 2, d_in = 2, c_out = 2, d_out = 3 }\n\
    random = { seed = 4 }\nhyperparameters.lr = 0.0625\n";

fn tensor(rows: usize, cols: usize, values: &[i32]) -> String {
    format!("{{ rows = {rows}, cols = {cols}, values = {values:?} }}")
}

#[test]
fn micro_batches_of_a_mean_are_the_parts_of_one_batch() {
    let x = [1, 2, -1, 0, 3, 1, -2, 1, 1, 2, 0, -1];
    let y = [1, -1, 2, 0, 1, 1, -2, 3];
    let whole = scenario(&format!(
        "{}tensors.X = {}\ntensors.Y = {}\n",
        SIZES.replace("batch = 2", "batch = 4"),
        tensor(4, 3, &x),
        tensor(4, 2, &y)
    ));
    let parts = scenario(&format!(
        "gradient_accumulation_steps = 2\n{SIZES}tensors.X_1 = {}\ntensors.X_2 = {}\ntensors.Y_1 = {}\ntensors.Y_2 = {}\n",
        tensor(2, 3, &x[..6]),
        tensor(2, 3, &x[6..]),
        tensor(2, 2, &y[..4]),
        tensor(2, 2, &y[4..])
    ));
    assert_same(&run(&whole), &run(&parts));
}

#[test]
fn a_loss_scale_that_is_taken_out_changes_nothing_and_one_that_is_kept_is_a_rate() {
    let plain = run(&scenario(SIZES));
    let scaled = |how: &str, rate: &str| {
        let text = format!("loss_scaling = \"{how}\"\n{SIZES}hyperparameters.loss_scale = 24\n");
        run(&scenario(&text.replace("lr = 0.0625", rate)))
    };
    assert_same(&plain, &scaled("unscaled", "lr = 0.0625"));
    assert_same(&plain, &scaled("kept", "lr = \"1/384\""));
    assert_ne!(plain.losses, scaled("kept", "lr = 0.0625").losses);
}

#[test]
fn dropout_of_nothing_is_the_linear_layer() {
    let plain = run(&scenario(SIZES));
    let ones = format!("tensors.M = {}\n", tensor(2, 3, &[1; 6]));
    let dropout = |rate: &str, mask: &str| {
        let model = "model = \"linear_dropout\"\n";
        run(&scenario(&format!(
            "{model}{SIZES}hyperparameters.dropout = {rate}\n{mask}"
        )))
    };
    assert_same(&plain, &dropout("0", &ones));
    assert_ne!(plain.losses, dropout("0.25", &ones).losses);
    // A mask that is drawn drops something.
    assert_ne!(plain.losses, dropout("0", "").losses);
}

#[test]
fn the_update_of_lokr_is_the_kronecker_product() {
    let run = run(&scenario(&format!("model = \"lokr\"\n{SIZES}")));
    let (w, last) = (&run.outputs["W"], run.parameters["A"].len() - 1);
    let factor = |name: &str| &run.parameters[name][last];
    let (first, second) = (&w[0], &w[last + 1]);
    let s = Q::from((3, 2));
    let product = |a: &dyn Fn(usize, usize) -> Q, b: &dyn Fn(usize, usize) -> Q, i, j| -> Q {
        (0..2).map(|r| b(i, r) * a(r, j)).sum()
    };
    // W0 is the weight less the update of the start, which is not zero here.
    let start = &scenario(&format!("model = \"lokr\"\n{SIZES}"))
        .values
        .tensors;
    let at_start = |name: &'static str| {
        move |row: usize, col: usize| -> Q {
            let t = &start[name];
            Q::from_f64(t.values()[row * t.cols() + col]).expect("a finite number")
        }
    };
    let at_end = |name: &'static str| {
        let m = factor(name);
        move |row: usize, col: usize| m[(row, col)].clone()
    };
    let w0 = at_start("W0");
    for row in 0..6 {
        for col in 0..4 {
            let (i, j, k, l) = (row / 3, col / 2, row % 3, col % 2);
            let then = at_start("C")(i, j) * product(&at_start("A"), &at_start("B"), k, l);
            let now = at_end("C")(i, j) * product(&at_end("A"), &at_end("B"), k, l);
            for (what, w, update) in [("start", first, then), ("end", second, now)] {
                let expected = w0(row, col) + s.clone() * update;
                assert_eq!(w[(row, col)], expected, "{what}: entry {row}, {col}");
            }
        }
    }
}

#[test]
fn relu_has_derivative_zero_at_zero() {
    // Row x = (1, −1, 0) meets two rows of weights whose sum is 0, and B1 starts at 0.
    let text = SIZES.replace("seed = 4", "seed = 4, zero = [\"B1\", \"b1\"]");
    let at_the_kink = scenario(&format!(
        "model = \"mlp_relu\"\n{text}tensors.X = {}\ntensors.W0_1 = {}\n",
        tensor(2, 3, &[1, -1, 0, 2, -2, 0]),
        tensor(2, 3, &[1, 1, 5, -2, -2, 1]),
    ));
    let run = run(&at_the_kink);
    assert!(run.parameters["B1"].iter().flatten().all(|x| *x == 0));
    assert!(run.losses[0] > 0);
}

/// The rate of A at each step, read off by giving it the gradient of a loss that does not move:
/// what the schedule makes of lr = 1/16.
fn rates(schedule: &str, more: &str) -> Vec<String> {
    let text = SIZES
        .replace("steps = 3", "steps = 7")
        .replace("batch = 2", "batch = 1");
    let scenario = scenario(&format!("schedule = {schedule}\n{text}{more}"));
    let observed = match scenario.recipe.schedule.as_ref().map(|s| s.name()) {
        Some("exponential" | "step") => "state.lr_A",
        Some("constant") => "lr_A",
        _ => "schedule.lr_A",
    };
    let step = scenario
        .recipe
        .build_observing(&[("rate", observed)])
        .expect("a step");
    let run = run_of(Rational, &scenario, &step, Outputs::All).expect("a run");
    let rates = run.outputs["rate"].iter().take(7);
    rates
        .map(|m| (m[(0, 0)].clone() * Q::from(16)).to_string())
        .collect()
}

/// By hand from the definitions, in multiples of lr.
#[test]
fn schedules_follow_their_definitions() {
    for (schedule, expected) in [
        ("{ kind = \"constant\" }", ["1"; 7]),
        (
            "{ kind = \"linear\", start_factor = 0.25, end_factor = 1, total_iters = 3 }",
            ["1/4", "1/2", "3/4", "1", "1", "1", "1"],
        ),
        (
            "{ kind = \"exponential\", gamma = 0.5 }",
            ["1", "1/2", "1/4", "1/8", "1/16", "1/32", "1/64"],
        ),
        (
            "{ kind = \"step\", step_size = 3, gamma = \"1/3\" }",
            ["1", "1", "1", "1/3", "1/3", "1/3", "1/9"],
        ),
        (
            "{ kind = \"step\", step_size = 1, gamma = 0.5 }",
            ["1", "1/2", "1/4", "1/8", "1/16", "1/32", "1/64"],
        ),
        (
            "{ kind = \"constant_with_warmup\", warmup_steps = 3 }",
            ["0", "1/3", "2/3", "1", "1", "1", "1"],
        ),
        (
            "{ kind = \"constant_with_warmup\", warmup_steps = 0 }",
            ["1"; 7],
        ),
        (
            "{ kind = \"linear_with_warmup\", warmup_steps = 2, total_steps = 6 }",
            ["0", "1/2", "1", "3/4", "1/2", "1/4", "0"],
        ),
    ] {
        assert_eq!(rates(schedule, ""), expected, "{schedule}");
    }
}

#[test]
fn what_a_file_asks_for_survives_being_stored() {
    let text = format!(
        "clip = \"norm-per-tensor\"\nloss_scaling = \"kept\"\ngradient_accumulation_steps = 2\n\
         schedule = {{ kind = \"cosine_with_min_lr\", warmup_steps = 2, total_steps = 8 }}\n{SIZES}\
         hyperparameters.max_norm_A = 1\nhyperparameters.max_norm_B = 2\nhyperparameters.min_lr = 0.01\n"
    );
    let first = ScenarioFile::from(&scenario(&text));
    let json = serde_json::to_string(&first).expect("plain data");
    let read: ScenarioFile = serde_json::from_str(&json).expect("the same form");
    let second = ScenarioFile::from(&read.scenario().expect("a complete scenario"));
    assert_eq!(first, second);
    let recipe = read.scenario().expect("a complete scenario").recipe;
    assert_eq!(recipe.clip.map(|c| c.name()), Some("norm-per-tensor"));
    assert_eq!(
        recipe.schedule.map(|s| s.name()),
        Some("cosine_with_min_lr")
    );
    assert_eq!(
        (recipe.accumulation, recipe.loss_scaling.map(|s| s.name())),
        (2, Some("kept"))
    );
}

#[test]
fn sizes_without_end_are_refused_before_anything_is_drawn() {
    let huge = 1u64 << 40;
    for (lines, words) in [
        (
            SIZES.replace("batch = 2", &format!("batch = {huge}")),
            format!("field `tensors.X`: {huge} × 3 is too large"),
        ),
        (
            // No factor has an entry, so that the weight is the first that is too large.
            format!("model = \"lokr\"\n{SIZES}hyperparameters.s = 1\n")
                .replace("alpha = 3\n", "")
                .replace(" r = 2", " r = 0")
                .replace("c_out = 2", "c_out = 0")
                .replace("c_in = 2", &format!("c_in = {huge}"))
                .replace("d_in = 2", &format!("d_in = {huge}")),
            "field `sizes.c_in.d_in`: the product is too large".to_owned(),
        ),
        (
            format!("gradient_accumulation_steps = 4294967295\n{SIZES}"),
            "`gradient_accumulation_steps`: found 4294967295, expected at most 128".to_owned(),
        ),
    ] {
        let found = ScenarioFile::from_toml(&lines).and_then(|f| f.scenario());
        let message = found.map(|s| s.name).expect_err(&words).to_string();
        assert!(message.contains(&words), "{message}");
    }
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let refused: BTreeMap<&str, &str> = BTreeMap::from([
        (
            "clip = \"norms\"",
            "unknown clipping `norms`: expected one of value, norm, norm-exact, norm-per-tensor, norm-per-tensor-exact",
        ),
        (
            "loss_scaling = \"on\"",
            "unknown loss scaling `on`: expected one of unscaled, kept",
        ),
        (
            "gradient_accumulation_steps = 0",
            "field `gradient_accumulation_steps`: found 0, expected at least 1",
        ),
        (
            "schedule = { kind = \"step\", step_size = 0, gamma = 0.5 }",
            "field `schedule.step_size`: found 0, expected at least 1",
        ),
        (
            "schedule = { kind = \"step\", step_size = 2, gamma = 2 }",
            "field `schedule.gamma`: found 2, expected a number above 0 and at most 1",
        ),
        (
            "schedule = { kind = \"linear_with_warmup\", warmup_steps = 5, total_steps = 5 }",
            "field `schedule.total_steps`: found 5, expected more than the 5 of the warm-up",
        ),
        (
            "schedule = { kind = \"warm\" }",
            "unknown variant `warm`, expected one of `constant`, `linear`",
        ),
        (
            "model = \"dense\"",
            "unknown model `dense`: expected one of linear",
        ),
        (
            "clip = \"norm-per-tensor\"",
            "field `hyperparameters.max_norm_A`: missing: give `max_norm_A` or `max_norm`",
        ),
    ]);
    for (line, words) in refused {
        let found = ScenarioFile::from_toml(&format!("{line}\n{SIZES}")).and_then(|f| f.scenario());
        let message = found.map(|s| s.name).expect_err(line).to_string();
        assert!(message.contains(words), "{line}: {message}");
    }
    let zero = SIZES.replace("seed = 4", "seed = 4, zero = [\"C\"]");
    let found = ScenarioFile::from_toml(&zero).and_then(|f| f.scenario());
    let message = found.map(|s| s.name).expect_err("no tensor C").to_string();
    assert!(
        message.contains("field `random.zero.C`: this recipe has no such tensor"),
        "{message}"
    );
}
