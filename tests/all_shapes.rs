//! A certificate speaks of dimensions by name only, so that what it proves holds for every size;
//! and what is derived does not depend on the sizes of the run that it is derived for.

use lora_gauge::arith::{Surd, parse_ratio};
use lora_gauge::gauge::{Certificate, Options, check, infer};
use lora_gauge::scenario::{Exact, RandomFile, ScenarioFile};
use lora_gauge::zoo::models::MODELS;
use lora_gauge::zoo::optimizers::OPTIMIZERS;
use lora_gauge::zoo::{Clip, Recipe};

/// Every optimizer with and without a clipped norm (a sum over all entries), in each of its cases,
/// and every model.
fn recipes() -> Vec<Recipe> {
    let mut all = vec![];
    for optimizer in OPTIMIZERS {
        let plain = Recipe::new("linear", "mse", optimizer.name).expect("known names");
        for regime in optimizer.regimes {
            all.extend([true, false].map(|holds| plain.clone().in_regime(regime.name, holds)));
        }
        all.push(Recipe {
            clip: Some(Clip::NormExact),
            ..plain.clone()
        });
        all.push(plain);
    }
    let model = |name| Recipe::new(name, "mse", "adamw").expect("known names");
    let run = MODELS.iter().filter(|m| m.name != "opaque");
    all.extend(run.map(|m| model(m.name)));
    all
}

fn certificate(recipe: &Recipe) -> Certificate {
    let step = recipe.build().expect("a step");
    let inference = infer(&step, &Options::default());
    check(&step, &inference.question, &inference.certificate)
        .expect("a certificate that the checker accepts");
    inference.certificate
}

#[test]
fn certificates_have_no_number_for_a_size() {
    // What a shape or a count may be made of: names of dimensions, and the 1 of a column.
    let symbolic = |dimension: &str| {
        dimension
            .split('·')
            .all(|name| name == "1" || name.starts_with(|c: char| c.is_ascii_alphabetic()))
    };
    let (mut shapes, mut counts) = (0, 0);
    for recipe in recipes() {
        for node in certificate(&recipe).nodes {
            let about = || format!("{}: {node:?}", recipe.optimizer.name);
            assert!(node.shape.split(" × ").all(symbolic), "{}", about());
            shapes += 1;
            for sized in ["count ", "identity "] {
                if let Some(dimension) = node.operation.strip_prefix(sized) {
                    // A literal number of entries would be a size, 1 included.
                    assert!(dimension != "1" && symbolic(dimension), "{}", about());
                    counts += 1;
                }
            }
        }
    }
    assert!(
        shapes > 5000 && counts > 60,
        "{shapes} shapes, {counts} counts"
    );
}

#[test]
fn the_sizes_of_a_run_do_not_reach_its_certificate() {
    for recipe in recipes().iter().filter(|r| r.model.name == "linear") {
        let step = recipe.build().expect("a step");
        let of = |batch, n_in, n_out, r| {
            let sizes = [("batch", batch), ("n_in", n_in), ("n_out", n_out), ("r", r)];
            let quarter = Exact(Surd::rational(parse_ratio("1/4").expect("a number")));
            let scenario = ScenarioFile {
                steps: 1,
                sizes: sizes.map(|(n, s)| (n.to_owned(), s)).into(),
                hyperparameters: step
                    .hyperparameters()
                    .map(|(leaf, ..)| (leaf.to_owned(), quarter.clone()))
                    .collect(),
                random: Some(RandomFile {
                    seed: 1,
                    zero: vec![],
                }),
                ..ScenarioFile::of(recipe)
            }
            .scenario()
            .expect("a scenario");
            certificate(&scenario.recipe).to_json()
        };
        let smallest = of(1, 1, 1, 1);
        assert!(smallest == of(3, 5, 4, 2), "{}", recipe.optimizer.name);
        assert!(smallest == of(2, 1, 7, 3), "{}", recipe.optimizer.name);
    }
}
