//! A scenario file: it is a run or it is refused in words that name the place; and a run that is
//! stored is the same run when it is read again.
#![no_main]

mod small;

use libfuzzer_sys::fuzz_target;
use lora_gauge::scenario::{ScenarioError, ScenarioFile};

fuzz_target!(|text: &str| {
    let file = match ScenarioFile::from_toml(text) {
        Ok(file) => file,
        Err(error) => {
            let message = error.to_string();
            // Of what is nested too deeply the TOML library does not say where it is.
            let place = message.contains("at line ") || message.contains("recursion limit");
            return assert!(place, "says no place: {message}");
        }
    };
    if small::takes_long(&file) {
        return;
    }
    if let Some(precision) = &file.precision {
        for refused in [
            precision.arithmetics().err(),
            precision.factors().err(),
            precision.steps(file.steps).err(),
            precision.against_bits().err(),
        ] {
            refused.iter().for_each(says_where);
        }
    }
    match file.scenario() {
        Err(error) => says_where(&error),
        Ok(scenario) => {
            let stored = ScenarioFile::from(&scenario);
            let again = stored.scenario().map(|again| ScenarioFile::from(&again));
            assert_eq!(again.as_ref(), Ok(&stored));
        }
    }
});

/// Names, switches and fields are given in backquotes; PyTorch's own rules about SGD are a
/// sentence about two settings.
fn says_where(error: &ScenarioError) {
    let message = error.to_string();
    let place = message.contains('`') || message.contains(" needs ");
    assert!(place, "says no place: {message}");
}
