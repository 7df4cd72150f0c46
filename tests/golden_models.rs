//! Runs of PyTorch and PEFT modules, step by step, against the same runs in `f64`.

use lora_gauge::zoo::models::MODELS;
use lora_gauge::zoo::{Clip, LossScaling, Reduction, Schedule};

use crate::common::golden::{compare, models};

#[test]
fn every_step_of_every_model_agrees_with_pytorch() {
    let mut seen = std::collections::BTreeMap::new();
    for (name, golden) in models() {
        let lists = compare(&name, &golden);
        assert!(lists > 3 * golden.scenario.steps, "{name}");
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
    for (_, golden) in models() {
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
    for (file, golden) in models() {
        let values = &golden.scenario.values.tensors;
        for name in golden.parameters.keys() {
            let zero = values[name].values().iter().all(|x| *x == 0.0);
            let said = golden
                .scenario
                .recipe
                .model
                .zero_at_start
                .contains(&name.as_str());
            assert_eq!(zero, said, "{file}: {name}");
        }
    }
}
