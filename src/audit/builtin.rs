//! The claims that the program brings along: the seed's headline and its derivation.

use super::claim::parse_built_in;
use super::{Claim, ClaimError};

macro_rules! claims {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("claims/", $name)))),*]
    };
}

const CLAIMS: &[(&str, &str)] = claims![
    "S1.toml",
    "S2.toml",
    "S3.toml",
    "S4.toml",
    "S4-sufficient.toml",
    "S5.toml",
    "S6.toml",
    "S6-two-rates.toml",
    "S6-linear-maps.toml",
    "S7.toml",
    "S8.toml",
    "S9.toml",
    "S10.toml",
    "S11.toml",
    "S12.toml",
    "S13.toml",
    "S14.toml",
];

/// The built-in claims, in order.
///
/// # Errors
/// [`ClaimError`] should one of the files be malformed, which a test rules out.
pub fn builtin() -> Result<Vec<Claim>, ClaimError> {
    CLAIMS
        .iter()
        .map(|(name, text)| parse_built_in(name, text))
        .collect()
}
