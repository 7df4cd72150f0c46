//! The runs of PyTorch in `tests/golden`, and the comparison with them.

use std::path::Path;

use lora_gauge::arith::F64;
use lora_gauge::scenario::{Golden, parse_golden};

use super::runs::run;

/// The file of a loop whose length depends on the data, which is no step graph.
pub const LINE_SEARCH: &str = "lbfgs_wolfe";

/// The names and texts of the JSON files in a folder of the repository, by name.
pub fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("a readable file");
            (name.into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

fn parsed(files: Vec<(String, String)>) -> Vec<(String, Golden)> {
    let parse = |(name, text): (String, String)| {
        let golden = parse_golden(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        (name, golden)
    };
    files.into_iter().map(parse).collect()
}

/// Every run of an optimizer that can be compared, by name.
pub fn runs() -> Vec<(String, Golden)> {
    let mut files = files("tests/golden");
    files.retain(|(name, _)| name != LINE_SEARCH);
    parsed(files)
}

/// Every run of a model, by name.
pub fn models() -> Vec<(String, Golden)> {
    parsed(files("tests/golden/models"))
}

/// The tolerance that `tests/golden/README.md` states: a hundred roundings of binary64, times
/// the condition of the run, relative to the largest entry.
fn tolerance(golden: &Golden) -> f64 {
    100.0 * (golden.sensitivity / 1e-14) * 2e-16
}

/// Compares each list of numbers of a run in `f64` with PyTorch's; the number of lists.
pub fn compare(name: &str, golden: &Golden) -> usize {
    let trajectory = run(F64, &golden.scenario).unwrap_or_else(|e| panic!("{name}: {e}"));
    let tolerance = tolerance(golden);
    let mut compared = 0;
    let mut close = |what: &str, step: usize, ours: &[f64], theirs: &[f64]| {
        assert_eq!(ours.len(), theirs.len(), "{name}: {what}");
        let size = theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        for (i, (x, y)) in ours.iter().zip(theirs).enumerate() {
            assert!(
                (x - y).abs() <= tolerance * size,
                "{name}: {what}[{i}] after step {step}: {x:e} here, {y:e} in PyTorch, off by {:e}, allowed {:e}",
                (x - y).abs(),
                tolerance * size
            );
        }
        compared += 1;
    };
    assert_eq!(trajectory.losses.len(), golden.losses.len(), "{name}");
    for (step, (ours, theirs)) in trajectory.losses.iter().zip(&golden.losses).enumerate() {
        close("loss", step, &[*ours], &[*theirs]);
    }
    let last = [[trajectory.final_loss], [golden.final_loss]];
    close("final loss", golden.scenario.steps, &last[0], &last[1]);
    for (tensor, theirs) in &golden.parameters {
        for (step, theirs) in theirs.iter().enumerate() {
            let ours = trajectory.parameters[tensor][step].transpose();
            close(tensor, step + 1, ours.as_slice(), theirs);
        }
    }
    let trained: Vec<&String> = trajectory.parameters.keys().collect();
    let theirs: Vec<&String> = golden.parameters.keys().collect();
    assert_eq!(trained, theirs, "{name}: the trained tensors");
    compared
}
