//! A golden file, of one layer or of a model: it is a run with PyTorch's figures or it is refused
//! in words that name the line or the field.
#![no_main]

mod small;

use libfuzzer_sys::fuzz_target;
use lora_gauge::scenario::{ScenarioError, ScenarioFile, parse_golden};
use serde_json::{Value, from_str, from_value};

fuzz_target!(|text: &str| if !takes_long(text) {
    check(text);
});

/// Whether it is about a model, with sizes that take long.
fn takes_long(text: &str) -> bool {
    let file = from_str::<Value>(text).ok();
    let scenario = file.and_then(|mut file| Some(file.get_mut("scenario")?.take()));
    let scenario = scenario.and_then(|file| from_value::<ScenarioFile>(file).ok());
    scenario.is_some_and(|file| small::takes_long(&file))
}

fn check(text: &str) {
    match parse_golden(text) {
        Ok(golden) => {
            let steps = golden.scenario.steps;
            assert_eq!(golden.losses.len(), steps);
            assert!(golden.parameters.values().all(|all| all.len() == steps));
        }
        Err(ScenarioError::Syntax(message)) => {
            assert!(message.contains(" at line "), "says no place: {message}");
        }
        Err(error) => {
            let message = error.to_string();
            let place = message.contains('`') || message.contains(" needs ");
            assert!(place, "says no place: {message}");
        }
    }
}
