//! How far a run is from PyTorch's, step by step.

use std::collections::BTreeMap;

use super::run::Nearby;
use crate::scenario::Golden;

/// A hundred roundings of binary64 of size 2·10⁻¹⁶ each.
const ROUNDINGS: f64 = 100.0 * 2e-16;
/// The change of A0 by which a golden file's sensitivity was measured.
const NUDGE: f64 = 1e-14;

/// Deviations relative to the largest entry of PyTorch's tensor, as far as both runs go.
pub(super) struct Deviations {
    /// What `tests/golden/README.md` allows in f64.
    pub tolerance: f64,
    /// By quantity, and then by the number of steps taken.
    of: BTreeMap<String, Vec<Option<f64>>>,
}

impl Deviations {
    /// Compares a run with a golden file.
    pub fn from(run: &Nearby, golden: &Golden) -> Self {
        let theirs = golden.losses.iter().chain([&golden.final_loss]);
        let losses = run.losses.iter().zip(theirs);
        let losses = losses.map(|(x, y)| Some(deviation(&[*x], &[*y]))).collect();
        let mut of = BTreeMap::from([("loss".to_owned(), losses)]);
        for (name, theirs) in &golden.parameters {
            let ours = run
                .parameters
                .get(name)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let pairs = ours.iter().zip(theirs);
            // Before the first step both are the file's own values.
            let all = pairs.map(|(x, y)| Some(deviation(x, y)));
            of.insert(name.clone(), std::iter::once(None).chain(all).collect());
        }
        Self {
            tolerance: ROUNDINGS * (golden.sensitivity / NUDGE),
            of,
        }
    }

    /// What is compared.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(String::as_str)
    }

    /// The deviation of each quantity after `taken` steps.
    pub fn after(&self, taken: usize) -> impl Iterator<Item = Option<f64>> + '_ {
        self.of
            .values()
            .map(move |d| d.get(taken).copied().flatten())
    }

    /// The largest of all.
    pub fn largest(&self) -> f64 {
        let all = self.of.values().flatten().flatten();
        // `max` would drop a NaN, which is the largest deviation there can be.
        all.fold(0.0, |m, x| if *x <= m { m } else { *x })
    }

    /// Whether every deviation is within the tolerance.
    pub fn within(&self) -> bool {
        self.of
            .values()
            .flatten()
            .flatten()
            .all(|x| *x <= self.tolerance)
    }
}

fn deviation(ours: &[f64], theirs: &[f64]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let size = theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let off = ours
        .iter()
        .zip(theirs)
        .map(|(x, y)| (x - y).abs())
        .fold(0.0f64, |m, x| if x <= m { m } else { x });
    if off == 0.0 { 0.0 } else { off / size }
}
