//! Deriving SGD's rule, checking its certificate, and explaining a conflict.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lora_gauge::gauge::{Options, check, conflicts, infer};
use lora_gauge::zoo::{Clip, Recipe};

fn rules(criterion: &mut Criterion) {
    let recipe = Recipe::new("linear", "mse", "sgd").expect("names of the zoo");
    let step = recipe.build().expect("a step");
    let options = Options::default();
    let derived = infer(&step, &options);
    let (question, certificate) = (derived.question, derived.certificate);
    criterion.bench_function("rules/build", |b| b.iter(|| black_box(recipe.build())));
    criterion.bench_function("rules/derive", |b| {
        b.iter(|| black_box(infer(&step, &options)));
    });
    criterion.bench_function("rules/check", |b| {
        b.iter(|| {
            check(black_box(&step), &question, &certificate).expect("a certificate that holds")
        });
    });
    let clipped = recipe.with_clip(Some(Clip::Norm)).build().expect("a step");
    criterion.bench_function("rules/explain", |b| {
        b.iter(|| black_box(conflicts(&clipped, &options)));
    });
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = rules }
criterion_main!(benches);
