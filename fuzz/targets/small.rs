//! Runs that are quick to lay out.

use lora_gauge::exec::MAX_ENTRIES;
use lora_gauge::scenario::ScenarioFile;

/// Whether a run has a size that is too large to be tried again and again, but not so large that
/// the program must refuse it: half a gigabyte of numbers is right, and slow.
pub fn takes_long(file: &ScenarioFile) -> bool {
    let slow = |n: usize| n > 20 && n <= MAX_ENTRIES;
    file.sizes.values().any(|n| slow(*n))
}
