//! The names of generators.

use std::collections::BTreeSet;

/// The lower-case name of the free factor of a parameter: `p` for `A`, `q` for `B`, the same
/// with a suffix for `A_2` and `B.down`, and the name in lower case otherwise. A name that is
/// taken already is not given twice.
pub(super) fn generator_name(leaf: &str, taken: &BTreeSet<String>) -> String {
    let rename = |letter: &str, new: &str| -> Option<String> {
        let rest = leaf.strip_prefix(letter)?;
        (rest.is_empty() || rest.starts_with(['_', '.'])).then(|| format!("{new}{rest}"))
    };
    let short = rename("A", "p")
        .or_else(|| rename("B", "q"))
        .unwrap_or_else(|| leaf.to_lowercase());
    let mut name = short;
    while taken.contains(&name) {
        name.push('\'');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_convention_and_never_repeats() {
        let mut taken = BTreeSet::new();
        for (leaf, expected) in [
            ("A", "p"),
            ("B", "q"),
            ("A_2", "p_2"),
            ("Bias", "bias"),
            ("M", "m"),
            ("m", "m'"),
        ] {
            let name = generator_name(leaf, &taken);
            assert_eq!(name, expected);
            taken.insert(name);
        }
    }
}
