//! The words and signs that every form of a report shares.

use crate::audit::{Evidence, Judgement, Rung, Verdict};

/// All verdicts, best first.
pub(super) const VERDICTS: [Verdict; 4] = [
    Verdict::Proved,
    Verdict::ProvedIf,
    Verdict::Refuted,
    Verdict::Unknown,
];

/// All rungs, strongest first.
#[cfg(feature = "cli")]
pub(super) const RUNGS: [Rung; 6] = [
    Rung::Theorem,
    Rung::Certificate,
    Rung::Exact,
    Rung::BitEqual,
    Rung::Bound,
    Rung::Search,
];

/// A sign that tells verdicts apart without colour.
pub(super) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "✓",
        Verdict::ProvedIf => "◐",
        Verdict::Refuted => "✗",
        Verdict::Unknown => "?",
    }
}

/// The meaning of a verdict.
#[cfg(feature = "cli")]
pub(super) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "holds as stated",
        Verdict::ProvedIf => "holds under the conditions listed",
        Verdict::Refuted => "does not hold as stated",
        Verdict::Unknown => "could not be decided",
    }
}

/// The meaning of a rung.
#[cfg(feature = "cli")]
pub(super) fn rung_meaning(rung: Rung) -> &'static str {
    match rung {
        Rung::Theorem => "a named Rocq theorem, compiled",
        Rung::Certificate => "a weight for every node of the step, re-checked",
        Rung::Exact => "equal or different in exact arithmetic",
        Rung::BitEqual => "equal or different bit by bit",
        Rung::Bound => "inside a certified bound",
        Rung::Search => "random cases",
    }
}

/// The strongest rung that was climbed.
pub(super) fn strongest(claim: &Judgement) -> Option<Rung> {
    claim.evidence.iter().map(|e| e.rung).min()
}

/// The evidence, strongest first; equal rungs in the order given.
pub(super) fn by_strength(claim: &Judgement) -> Vec<&Evidence> {
    let mut evidence: Vec<&Evidence> = claim.evidence.iter().collect();
    evidence.sort_by_key(|e| e.rung);
    evidence
}

/// The generators that a weight has, with exponents other than 0: `("p", "-1")`, `("q", "1/2")`.
pub(super) fn factors<'a>(basis: &'a [String], weight: &'a [String]) -> Vec<(&'a str, &'a str)> {
    let pairs = basis.iter().zip(weight);
    pairs
        .filter(|(_, exponent)| exponent.as_str() != "0")
        .map(|(generator, exponent)| (generator.as_str(), exponent.as_str()))
        .collect()
}

/// A weight as the factor that the quantity takes on, in plain text: `p^-1 q`, or `1`.
pub(super) fn weight(basis: &[String], weight: &[String]) -> String {
    let parts: Vec<String> = factors(basis, weight)
        .into_iter()
        .map(|(generator, exponent)| match exponent {
            "1" => generator.to_owned(),
            fraction if fraction.contains('/') => format!("{generator}^({fraction})"),
            power => format!("{generator}^{power}"),
        })
        .collect();
    if parts.is_empty() {
        "1".to_owned()
    } else {
        parts.join(" ")
    }
}

/// A stretch of a sentence: words, or something between backticks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stretch<'a> {
    Words(&'a str),
    Code(&'a str),
}

/// Splits at pairs of backticks; one without a partner is an ordinary character.
pub(super) fn stretches(text: &str) -> Vec<Stretch<'_>> {
    let mut out = vec![];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, tail)) = after.split_once('`') else {
            break;
        };
        if code.is_empty() {
            break;
        }
        out.push(Stretch::Words(before));
        out.push(Stretch::Code(code));
        rest = tail;
    }
    out.push(Stretch::Words(rest));
    out.retain(|s| !matches!(s, Stretch::Words("")));
    out
}

/// `n thing` or `n things`.
#[cfg(feature = "cli")]
pub(super) fn count(n: usize, thing: &str) -> String {
    if n == 1 {
        format!("1 {thing}")
    } else {
        format!("{n} {thing}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_products_of_powers() {
        let own = |s: &[&str]| s.iter().map(|x| (*x).to_owned()).collect::<Vec<_>>();
        let basis = own(&["p", "q"]);
        assert_eq!(weight(&basis, &own(&["-1", "1"])), "p^-1 q");
        assert_eq!(weight(&basis, &own(&["0", "1/2"])), "q^(1/2)");
        assert_eq!(weight(&basis, &own(&["0", "0"])), "1");
        assert_eq!(weight(&[], &[]), "1");
    }

    #[test]
    fn backticks_come_in_pairs() {
        use Stretch::{Code, Words};
        assert_eq!(stretches("a `b` c"), [Words("a "), Code("b"), Words(" c")]);
        assert_eq!(stretches("a ` b"), [Words("a ` b")]);
        assert_eq!(stretches("`` x"), [Words("`` x")]);
        assert_eq!(stretches(""), []);
    }
}
