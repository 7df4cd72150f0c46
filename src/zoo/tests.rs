//! One name stands for one quantity, whatever is put together.

use std::collections::BTreeSet;

use super::losses::LOSSES;
use super::models::MODELS;
use super::optimizers::OPTIMIZERS;
use super::{Clip, LORAPLUS_LR_RATIO, LossScaling, Recipe, Schedule};
use crate::arith::Ratio;

type Names = BTreeSet<String>;

fn recipe(model: &str, loss: &str, optimizer: &str) -> Recipe {
    let mut recipe = Recipe::new(model, loss, optimizer).unwrap();
    if recipe.flags.contains("nesterov") {
        let _ = recipe.switch_off("dampening");
    }
    recipe
}

/// The settings of a recipe: the names of the leaves, and those without the tensor.
fn names(recipe: &Recipe) -> [Names; 2] {
    let step = recipe.build().unwrap();
    let leaves = step.hyperparameters().map(|(leaf, ..)| leaf.to_owned());
    let bases = step.hyperparameters().map(|(_, base, _)| base.to_owned());
    [leaves.collect(), bases.collect()]
}

/// How many names `part` adds to a recipe that has next to none.
fn own(model: &str, part: impl Fn(&mut Recipe)) -> [usize; 2] {
    let mut with = recipe(model, "mse", "signsgd").plain();
    let [leaves, bases] = names(&with);
    part(&mut with);
    let [more_leaves, more_bases] = names(&with);
    [
        more_leaves.len() - leaves.len(),
        more_bases.len() - bases.len(),
    ]
}

fn schedules() -> Vec<Option<Schedule>> {
    let half = || Ratio::new(1.into(), 2.into());
    vec![
        None,
        Some(Schedule::Constant),
        Some(Schedule::Linear {
            start_factor: half(),
            end_factor: Ratio::from_integer(1.into()),
            total_iters: 3,
        }),
        Some(Schedule::Cosine { t_max: 3 }),
        Some(Schedule::Exponential { gamma: half() }),
        Some(Schedule::Step {
            step_size: 2,
            gamma: half(),
        }),
        Some(Schedule::InverseSqrt),
        Some(Schedule::ConstantWithWarmup { warmup_steps: 2 }),
        Some(Schedule::LinearWithWarmup {
            warmup_steps: 2,
            total_steps: 5,
        }),
        Some(Schedule::CosineWithMinLr {
            warmup_steps: 2,
            total_steps: 5,
        }),
    ]
}

/// Whether no name of a leaf stands for the settings of a group of other leaves.
fn assert_distinct(recipe: &Recipe, what: &str) {
    let step = recipe.build().unwrap();
    let settings: Vec<(&str, &str)> = step.hyperparameters().map(|(l, b, _)| (l, b)).collect();
    for (leaf, base) in &settings {
        assert!(
            settings.iter().all(|(_, b)| b == base || b != leaf),
            "{what}: `{leaf}` is a setting and the name of others"
        );
        let tensors = step.parameters.iter().map(|p| format!("init_{}", p.name));
        let of_maps = tensors.chain(["alpha".into(), "init".into()]);
        for name in of_maps {
            assert!(name != *leaf && name != *base, "{what}: `{name}` of maps");
        }
        let labels = step.graph.ids().filter_map(|id| step.graph.label(id));
        for label in labels {
            assert!(label != *leaf && label != *base, "{what}: label `{label}`");
        }
    }
}

#[test]
fn a_setting_of_one_part_of_a_recipe_has_the_name_of_no_other() {
    let clips = || std::iter::once(None).chain(Clip::ALL.map(|(_, clip)| Some(clip)));
    let mut combinations = 0;
    for optimizer in OPTIMIZERS {
        let plain = names(&recipe("linear", "mse", optimizer.name));
        for schedule in schedules() {
            // A floor is there for each tensor that has a rate of its own.
            let mut with = recipe("linear", "mse", optimizer.name);
            with.schedule.clone_from(&schedule);
            let of_optimizer = names(&with);
            let of_schedule = own("linear", |r| r.schedule.clone_from(&schedule))[1];
            assert!(of_optimizer[1].len() <= plain[1].len() + of_schedule);
            for clip in clips() {
                let of_clip = own("linear", |r| r.clip = clip);
                for loss in LOSSES {
                    let of_loss = [loss.parameters.len(); 2];
                    for loss_scaling in [None, Some(LossScaling::Unscaled)] {
                        let of_scaling = [usize::from(loss_scaling.is_some()); 2];
                        let mut all = with.clone();
                        (all.clip, all.loss, all.loss_scaling) = (clip, loss, loss_scaling);
                        let what = format!(
                            "{} with {}, {clip:?}, {schedule:?}",
                            optimizer.name, loss.name
                        );
                        let found = names(&all);
                        for i in 0..2 {
                            let expected =
                                of_optimizer[i].len() + of_clip[i] + of_loss[i] + of_scaling[i];
                            assert_eq!(found[i].len(), expected, "{what}: {found:?}");
                        }
                        combinations += 1;
                    }
                }
            }
        }
    }
    assert_eq!(combinations, OPTIMIZERS.len() * 10 * 6 * LOSSES.len() * 2);
}

#[test]
fn no_setting_has_a_name_that_maps_use_for_something_else() {
    for model in MODELS {
        for optimizer in OPTIMIZERS {
            for loss in LOSSES {
                let mut recipe = recipe(model.name, loss.name, optimizer.name);
                let what = format!("{} {} {}", model.name, optimizer.name, loss.name);
                recipe.clip = Some(Clip::NormPerTensor);
                recipe.schedule = Some(Schedule::Cosine { t_max: 3 });
                recipe.loss_scaling = Some(LossScaling::Kept);
                assert_distinct(&recipe, &what);
                recipe.midway = true;
                assert_distinct(&recipe, &what);
                recipe.loraplus = true;
                if recipe.build().is_ok() {
                    assert_distinct(&recipe, &what);
                    assert!(names(&recipe)[0].contains(LORAPLUS_LR_RATIO));
                }
            }
        }
        // What a model has itself comes on top of all that.
        let mut plain = recipe(model.name, "mse", "signsgd").plain();
        let [_, bases] = names(&plain);
        plain.loss = &LOSSES[2];
        plain.clip = Some(Clip::Value);
        let of_loss = own(model.name, |r| r.loss = &LOSSES[2])[1];
        assert_eq!(names(&plain)[1].len(), bases.len() + of_loss + 1);
    }
}

#[test]
fn settings_that_have_a_namesake_are_told_apart() {
    let bases = |loss: &str, optimizer: &str| names(&recipe("linear", loss, optimizer));
    for optimizer in ["rmsprop", "asgd"] {
        let [leaves, bases] = bases("mse", optimizer);
        assert!(leaves.contains("optimizer.alpha_A") && bases.contains("optimizer.alpha"));
        assert!(!bases.contains("alpha"));
    }
    for optimizer in ["scaled_gd", "scaled_adamw"] {
        let [leaves, bases] = bases("huber", optimizer);
        assert!(leaves.contains("delta_A") && leaves.contains("loss.delta"));
        assert!(bases.contains("delta") && bases.contains("loss.delta"));
    }
    let mut asgd = recipe("linear", "mse", "asgd");
    assert!(asgd.switch_off("alpha").is_err());
    asgd.switch_off("optimizer.alpha").unwrap();
    assert!(!names(&asgd)[1].contains("optimizer.alpha"));
    let alpha = asgd.setting("optimizer.alpha").unwrap();
    assert_eq!(
        (alpha.pytorch_name(), asgd.setting("alpha")),
        ("alpha", None)
    );
    let huber = recipe("linear", "huber", "scaled_gd");
    assert_eq!(huber.setting("delta").unwrap().default, "1e-6");
    assert_eq!(huber.setting("loss.delta"), None);
}
