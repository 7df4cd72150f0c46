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
    "P1.toml",
    "P2.toml",
    "P2-rescaled.toml",
    "P3.toml",
    "P3-with-eps.toml",
    "P4-sgd.toml",
    "P4-adam.toml",
    "P5.toml",
    "P6.toml",
    "P7.toml",
    "P7-L2.toml",
    "P9.toml",
    "P9-adamw.toml",
    "P10.toml",
    "P14.toml",
    "P14-sgd.toml",
    "P15.toml",
    "P16.toml",
    "P18.toml",
    "P18-two-rates.toml",
    "P19.toml",
    "P20.toml",
    "P20-descent.toml",
    "F1.toml",
    "F2.toml",
    "F3.toml",
    "F4.toml",
    "F5.toml",
    "F7.toml",
    "F8.toml",
    "F10.toml",
    "F10-exact.toml",
    "F11.toml",
    "F12.toml",
    "F12-memory.toml",
    "F15.toml",
    "F15-one-sided.toml",
    "F15-f16.toml",
    "F17.toml",
    "F18.toml",
    "F18-adamw.toml",
    "F19.toml",
    "F20.toml",
    "F20-sqrt.toml",
    "F20-one-sided.toml",
    "F21.toml",
    "F21-f16.toml",
    "P9-faster.toml",
    "P16-robust.toml",
    "F5-best.toml",
    "F20-nearly.toml",
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

/// The built-in claim with this identifier, which is the name of its file.
pub(super) fn built_in_called(id: &str) -> Result<Option<Claim>, ClaimError> {
    let mut claims = CLAIMS.iter();
    let own = claims.find(|(name, _)| name.strip_suffix(".toml") == Some(id));
    own.map(|(name, text)| parse_built_in(name, text))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_its_identifier() {
        for claim in builtin().unwrap() {
            let own = built_in_called(claim.id()).unwrap().expect("it is there");
            assert_eq!(own.file(), claim.file());
        }
        assert!(built_in_called("S2.toml").unwrap().is_none());
    }
}
