//! A witness file: it is one or it is refused with line and column; and what is read and written
//! is the same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lora_gauge::audit::Witness;

fuzz_target!(|text: &str| match Witness::parse(text) {
    Err(error) => {
        let message = error.to_string();
        let place = message.contains(" at line ") || message.starts_with("field ");
        assert!(place, "says no place: {message}");
    }
    Ok(witness) => {
        let written = witness.to_json().expect("what is read can be written");
        let again = Witness::parse(&written).expect("what is written can be read");
        assert_eq!(again, witness);
        assert_eq!(again.to_json().expect("it can be written again"), written);
    }
});
