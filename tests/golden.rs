//! Runs of PyTorch, step by step, against the same runs in `f64`; and `mp:53` against `f64`.

use std::path::{Path, PathBuf};

use lora_gauge::arith::{Arithmetic, F64};
use lora_gauge::exec::{self, Options, Trajectory};
use lora_gauge::scenario::{Golden, parse_golden};

/// The golden files whose optimizer is in the zoo, by the start of their names.
const SUPPORTED: &[&str] = &["sgd", "adam", "adamw"];

fn supported() -> Vec<(PathBuf, Golden)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/golden is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .filter(|p| {
            let name = p
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            SUPPORTED
                .iter()
                .any(|s| name == *s || name.starts_with(&format!("{s}_")))
        })
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let golden = parse_golden(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path, golden)
        })
        .collect()
}

fn run<A: Arithmetic>(ctx: A, golden: &Golden) -> Trajectory<A::Elem> {
    let scenario = &golden.scenario;
    let step = scenario.recipe.build().expect("a recipe that can be built");
    exec::run(
        ctx,
        &step,
        &scenario.sizes,
        &scenario.values,
        scenario.steps,
        &Options::default(),
    )
    .expect("a run without undefined entries")
}

/// The tolerance that `tests/golden/README.md` states: a hundred roundings of binary64, times
/// the condition of the run, relative to the largest entry.
fn tolerance(golden: &Golden) -> f64 {
    100.0 * (golden.sensitivity / 1e-14) * 2e-16
}

#[test]
fn every_step_agrees_with_pytorch() {
    let cases = supported();
    assert_eq!(cases.len(), 12);
    for (path, golden) in cases {
        let trajectory = run(F64, &golden);
        let tolerance = tolerance(&golden);
        let close = |what: &str, step: usize, ours: &[f64], theirs: &[f64]| {
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
        };
        assert_eq!(trajectory.losses.len(), golden.losses.len());
        for (step, (ours, theirs)) in trajectory.losses.iter().zip(&golden.losses).enumerate() {
            close("loss", step, &[*ours], &[*theirs]);
        }
        close(
            "final loss",
            golden.scenario.steps,
            &[trajectory.final_loss],
            &[golden.final_loss],
        );
        for (name, theirs) in &golden.parameters {
            for (step, theirs) in theirs.iter().enumerate() {
                let ours = trajectory.parameters[name][step].transpose();
                close(name, step + 1, ours.as_slice(), theirs);
            }
        }
    }
}

#[cfg(feature = "mp")]
#[test]
fn mp_53_agrees_with_f64_bit_for_bit() {
    use lora_gauge::arith::Mp;
    let ctx = Mp::new(53);
    let mut compared = 0;
    for (path, golden) in supported() {
        // exp and ln are faithful in f64, correctly rounded in mp.
        if golden.scenario.recipe.loss.name == "cross_entropy" {
            continue;
        }
        let (machine, mp) = (run(F64, &golden), run(ctx, &golden));
        let same = |what: &str, x: &f64, y: &rug::Float| {
            assert!(
                x.to_bits() == y.to_f64().to_bits() && *y == *x,
                "{}: {what}: {} in f64, {} in mp:53",
                path.display(),
                F64.show(x),
                ctx.show(y)
            );
        };
        for (x, y) in machine.losses.iter().zip(&mp.losses) {
            same("loss", x, y);
            compared += 1;
        }
        same("final loss", &machine.final_loss, &mp.final_loss);
        for (name, values) in &machine.parameters {
            for (x, y) in values.iter().zip(&mp.parameters[name]) {
                for (x, y) in x.iter().zip(y) {
                    same(name, x, y);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 1000, "compared only {compared} numbers");
}
