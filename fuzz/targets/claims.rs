//! A claim file: whatever is in it, it is a claim or it is refused in words that name the file and
//! the line or the field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lora_gauge::audit::parse_claim;

fuzz_target!(|text: &str| {
    if let Err(error) = parse_claim("claim.toml", text) {
        let message = error.to_string();
        assert!(message.starts_with("claim.toml: "), "{message}");
        let place = message.contains("at line ") || message.contains(": field `");
        // Of what is nested too deeply the TOML library does not say where it is.
        let place = place || message.contains("recursion limit");
        assert!(place, "says no place: {message}");
    }
});
