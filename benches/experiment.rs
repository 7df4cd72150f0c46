//! The whole experiment of the seed's script: six alphas, five steps each, in f32 and f64.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lora_gauge::arith::{Arithmetic, F32, F64, Surd, parse_ratio};
use lora_gauge::exec::{self, Options};
use lora_gauge::graph::StepGraph;
use lora_gauge::scenario::{SEED_ALPHAS, Scenario, seed_script};

fn all<A: Arithmetic>(ctx: &A, step: &StepGraph, runs: &[Scenario]) -> Vec<A::Elem> {
    let run = |scenario: &Scenario| {
        let Scenario {
            sizes,
            values,
            steps,
            ..
        } = scenario;
        exec::run(
            ctx.clone(),
            step,
            sizes,
            values,
            *steps,
            &Options::default(),
        )
        .expect("a run")
        .final_loss
    };
    runs.iter().map(run).collect()
}

fn experiment(criterion: &mut Criterion) {
    let base = seed_script(0).expect("the seed's script");
    let step = base.recipe.build().expect("a step");
    let runs: Vec<Scenario> = SEED_ALPHAS
        .iter()
        .map(|alpha| {
            let mut run = base.clone();
            // s is alpha over the rank, which is 2.
            let s = parse_ratio(alpha).expect("a number") / parse_ratio("2").expect("a number");
            run.values.set_scalar("s", Surd::rational(s));
            run
        })
        .collect();
    criterion.bench_function("experiment/f32", |b| {
        b.iter(|| black_box(all(&F32, &step, &runs)));
    });
    criterion.bench_function("experiment/f64", |b| {
        b.iter(|| black_box(all(&F64, &step, &runs)));
    });
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = experiment }
criterion_main!(benches);
