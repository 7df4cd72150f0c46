//! The number of cases.

/// The factor by which the environment multiplies the number of drawn cases.
pub fn factor() -> u64 {
    let text = std::env::var("LORA_GAUGE_CASES").ok();
    text.map_or(1, |t| t.parse().expect("LORA_GAUGE_CASES is a number"))
}
