//! Runs of PyTorch and PEFT modules, step by step, against the same runs in `f64`.

use std::path::{Path, PathBuf};

use lora_gauge::arith::F64;
use lora_gauge::exec::{self, Options};
use lora_gauge::scenario::{Golden, parse_golden};
use lora_gauge::zoo::models::MODELS;
use lora_gauge::zoo::{Clip, LossScaling, Reduction, Schedule};

fn files() -> Vec<(PathBuf, Golden)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
    let entries = std::fs::read_dir(folder).expect("tests/golden/models is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|e| e.expect("a readable entry").path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let golden = parse_golden(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path, golden)
    };
    paths.into_iter().map(read).collect()
}

/// Compares each list of numbers with PyTorch's within the tolerance that
/// `tests/golden/README.md` states; the number of lists.
fn compare(path: &Path, golden: &Golden) -> usize {
    let scenario = &golden.scenario;
    let step = scenario.recipe.build().expect("a recipe that can be built");
    let run = exec::run(
        F64,
        &step,
        &scenario.sizes,
        &scenario.values,
        scenario.steps,
        &Options::default(),
    )
    .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let tolerance = 100.0 * (golden.sensitivity / 1e-14) * 2e-16;
    let mut compared = 0;
    let mut close = |what: &str, step: usize, ours: &[f64], theirs: &[f64]| {
        assert_eq!(ours.len(), theirs.len(), "{}: {what}", path.display());
        let size = theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        for (i, (x, y)) in ours.iter().zip(theirs).enumerate() {
            assert!(
                (x - y).abs() <= tolerance * size,
                "{}: {what}[{i}] after step {step}: {x:e} here, {y:e} in PyTorch, off by {:e}, allowed {:e}",
                path.display(),
                (x - y).abs(),
                tolerance * size
            );
        }
        compared += 1;
    };
    for (step, (ours, theirs)) in run.losses.iter().zip(&golden.losses).enumerate() {
        close("loss", step, &[*ours], &[*theirs]);
    }
    close(
        "final loss",
        scenario.steps,
        &[run.final_loss],
        &[golden.final_loss],
    );
    for p in &step.parameters {
        let steps = run.parameters[&p.name]
            .iter()
            .zip(&golden.parameters[&p.name]);
        for (step, (ours, theirs)) in steps.enumerate() {
            close(&p.name, step + 1, ours.transpose().as_slice(), theirs);
        }
    }
    compared
}

#[test]
fn every_step_of_every_model_agrees_with_pytorch() {
    let mut seen = std::collections::BTreeMap::new();
    for (path, golden) in files() {
        let lists = compare(&path, &golden);
        assert!(lists > 3 * golden.scenario.steps, "{}", path.display());
        let optimizers: &mut Vec<&str> = seen.entry(golden.scenario.recipe.model.name).or_default();
        optimizers.push(golden.scenario.recipe.optimizer.name);
    }
    for model in MODELS
        .iter()
        .filter(|m| !["linear", "opaque"].contains(&m.name))
    {
        for optimizer in ["sgd", "adamw"] {
            let optimizers = seen.get(model.name);
            assert!(
                optimizers.is_some_and(|o| o.contains(&optimizer)),
                "no run of {} with {optimizer}",
                model.name
            );
        }
    }
}

#[test]
fn every_way_around_an_optimizer_is_among_the_runs() {
    let (mut clips, mut schedules, mut scalings) = (vec![], vec![], vec![]);
    let (mut accumulated, mut sums) = (0, 0);
    for (_, golden) in files() {
        let recipe = &golden.scenario.recipe;
        clips.extend(recipe.clip.map(Clip::name));
        schedules.extend(recipe.schedule.as_ref().map(Schedule::name));
        scalings.extend(recipe.loss_scaling.map(LossScaling::name));
        accumulated += usize::from(recipe.accumulation > 1);
        sums += usize::from(recipe.reduction == Reduction::Sum);
    }
    for clip in ["value", "norm", "norm-per-tensor"] {
        assert!(clips.contains(&clip), "{clip}");
    }
    for schedule in [
        "constant",
        "linear",
        "cosine",
        "exponential",
        "step",
        "inverse_sqrt",
        "constant_with_warmup",
        "linear_with_warmup",
        "cosine_with_min_lr",
    ] {
        assert!(schedules.contains(&schedule), "{schedule}");
    }
    for (scaling, _) in LossScaling::ALL {
        assert!(scalings.contains(&scaling), "{scaling}");
    }
    assert!(accumulated >= 2 && sums >= 1);
}

/// What a model says of its start is what PEFT's modules start from.
#[test]
fn what_is_zero_at_the_start_is_zero_in_peft() {
    for (path, golden) in files() {
        let values = &golden.scenario.values.tensors;
        for name in golden.parameters.keys() {
            let zero = values[name].values().iter().all(|x| *x == 0.0);
            let said = golden
                .scenario
                .recipe
                .model
                .zero_at_start
                .contains(&name.as_str());
            assert_eq!(zero, said, "{}: {name}", path.display());
        }
    }
}
