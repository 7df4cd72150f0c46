//! A file that defines an optimizer or a model: it does, and one text is one entry, or the error
//! names the line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lora_gauge::zoo::{Entry, Model, Optimizer, Recipe};

fuzz_target!(|text: &str| {
    try_out::<Optimizer>(text, |optimizer| Recipe::linear(optimizer).build().is_ok());
    try_out::<Model>(text, |model| model.key() == text);
});

fn try_out<T: Entry>(text: &str, holds: impl Fn(&'static T) -> bool) {
    match T::find(text) {
        Ok(entry) => {
            assert!(holds(entry));
            assert!(T::find(text).is_ok_and(|again| std::ptr::eq(again, entry)));
        }
        // What is nested too deeply has no place; a name has none either.
        Err(error) if text.contains('=') => {
            let message = error.to_string();
            let place = message.contains("line ") || message.contains("recursion limit");
            assert!(place || text.len() > 1 << 16, "says no place: {message}");
        }
        Err(_) => {}
    }
}
