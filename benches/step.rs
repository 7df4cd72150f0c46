//! One step of SGD with momentum on the linear model, in each arithmetic at three shapes.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lora_gauge::arith::{Arithmetic, ArithmeticName, Ratio, WithArithmetic, with_arithmetic};
use lora_gauge::exec::{Machine, Options, Sizes, random};
use lora_gauge::graph::StepGraph;
use lora_gauge::zoo::Recipe;

/// Name, batch, n_in, n_out, r; and whether the slow arithmetics can keep up.
const SHAPES: [(&str, usize, usize, usize, usize, bool); 3] = [
    ("4x4r2b16", 16, 4, 4, 2, true),
    ("32x32r8b32", 32, 32, 32, 8, true),
    ("128x128r16b64", 64, 128, 128, 16, false),
];
const FAST: [&str; 4] = ["f32", "f64", "prime", "mp:53"];
const SLOW: [&str; 2] = ["mp:256", "rational"];

struct Bench<'a> {
    step: &'a StepGraph,
    sizes: &'a Sizes,
    criterion: &'a mut Criterion,
    name: String,
    exact: bool,
}

impl WithArithmetic for Bench<'_> {
    type Output = ();

    fn call<A: Arithmetic>(self, ctx: A) {
        let mut values = random::values(self.step, self.sizes, 0, |_| random::Draw::default())
            .expect("a problem");
        for (name, base, _) in self.step.hyperparameters() {
            // A rate so small that the run, which goes on for as long as is measured, stays put.
            let denominator = if base == "lr" { 1024 } else { 4 };
            values.set_scalar(name, Ratio::new(1.into(), denominator.into()));
        }
        let options = Options::default();
        let new = || Machine::new(ctx.clone(), self.step, self.sizes, &values, &options);
        let mut machine = new().expect("a machine");
        if self.exact {
            // The numbers of a rational run grow with every step: always the first one.
            self.criterion.bench_function(&self.name, |b| {
                b.iter_batched(
                    || new().expect("a machine"),
                    |mut machine| {
                        machine.advance().expect("a step");
                        black_box(machine.loss().clone())
                    },
                    criterion::BatchSize::LargeInput,
                );
            });
        } else {
            self.criterion.bench_function(&self.name, |b| {
                b.iter(|| {
                    machine.advance().expect("a step");
                    black_box(machine.loss());
                });
            });
        }
    }
}

fn step(criterion: &mut Criterion) {
    let mut recipe = Recipe::new("linear", "mse", "sgd").expect("names of the zoo");
    for setting in ["dampening", "weight_decay"] {
        recipe.switch_off(setting).expect("a setting of SGD");
    }
    let step = recipe.build().expect("a step");
    for (shape, batch, n_in, n_out, r, small) in SHAPES {
        let sizes = Sizes::from([("batch", batch), ("n_in", n_in), ("n_out", n_out), ("r", r)]);
        let slow = SLOW.iter().filter(|_| small);
        for arith in FAST.iter().chain(slow) {
            let name: ArithmeticName = arith.parse().expect("a name");
            let bench = Bench {
                step: &step,
                sizes: &sizes,
                criterion: &mut *criterion,
                name: format!("step/{shape}/{arith}"),
                exact: name == ArithmeticName::Rational,
            };
            // A build without GMP and MPFR has fewer of them.
            let _ = with_arithmetic(name, bench);
        }
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = step }
criterion_main!(benches);
