//! The symbol of a quantity: base letter or word, subscripts, and which of its values is meant.

/// The value that is meant of a quantity that changes from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instant {
    /// The value that the step reads or computes on the way.
    Now,
    /// The value after the step.
    Next,
    /// The value before the first step.
    First,
}

/// The name of a quantity, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symbol {
    /// The name as it stands in the graph, for plain text.
    pub name: String,
    /// The part that is not a subscript.
    pub base: String,
    /// Subscripts, in order: `1` and `A` in `beta1_A`.
    pub subscripts: Vec<String>,
    /// The value that is meant.
    pub instant: Instant,
}

/// The owners that stand before the name of a setting that others have too: `optimizer.alpha`.
const OWNERS: [&str; 2] = ["optimizer", "loss"];

impl Symbol {
    /// Takes `name` apart. Only the owner of a setting, the name of a trained tensor and a number
    /// become subscripts, so that `momentum_buffer_A` is one word with the subscript `A`.
    pub fn new(name: &str, tensors: &[&str], instant: Instant) -> Self {
        let mut base = name;
        let mut subscripts = vec![];
        if let Some((rest, last)) = base.rsplit_once('_')
            && !rest.is_empty()
            && tensors.contains(&last)
        {
            base = rest;
            subscripts.push(last.to_owned());
        }
        let stem = base.trim_end_matches(|c: char| c.is_ascii_digit());
        let letters = stem.strip_suffix('_').unwrap_or(stem);
        if !letters.is_empty() && stem.len() < base.len() {
            subscripts.insert(0, base[stem.len()..].to_owned());
            base = letters;
        }
        for owner in OWNERS {
            let own = base.strip_prefix(owner).and_then(|b| b.strip_prefix('.'));
            if let Some(own) = own.filter(|own| !own.is_empty()) {
                subscripts.insert(0, owner.to_owned());
                base = own;
            }
        }
        Self {
            name: name.to_owned(),
            base: base.to_owned(),
            subscripts,
            instant,
        }
    }

    /// The name with a mark for the instant, as plain text.
    pub fn plain(&self) -> String {
        match self.instant {
            Instant::Now => self.name.clone(),
            Instant::Next => format!("{}⁺", self.name),
            Instant::First => format!("{}⁽⁰⁾", self.name),
        }
    }
}

/// The Greek letter of that name: its character and its LaTeX command.
pub(super) fn greek(word: &str) -> Option<(char, &'static str)> {
    Some(match word {
        "alpha" => ('α', r"\alpha"),
        "beta" => ('β', r"\beta"),
        "gamma" => ('γ', r"\gamma"),
        "delta" => ('δ', r"\delta"),
        "eps" => ('ε', r"\varepsilon"),
        "eta" => ('η', r"\eta"),
        "lambda" => ('λ', r"\lambda"),
        "rho" => ('ρ', r"\rho"),
        "tau" => ('τ', r"\tau"),
        _ => return None,
    })
}

/// `true` if the word is a single letter, which mathematics sets in italics.
pub(super) fn is_letter(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> (String, Vec<String>) {
        let s = Symbol::new(name, &["A", "B"], Instant::Now);
        (s.base, s.subscripts)
    }

    #[test]
    fn names_are_taken_apart() {
        let owned = |s: &[&str]| s.iter().map(|x| (*x).to_owned()).collect::<Vec<_>>();
        assert_eq!(parts("W0"), ("W".into(), owned(&["0"])));
        assert_eq!(parts("beta1_A"), ("beta".into(), owned(&["1", "A"])));
        assert_eq!(parts("u_12"), ("u".into(), owned(&["12"])));
        assert_eq!(parts("lr_A"), ("lr".into(), owned(&["A"])));
        assert_eq!(parts("max_norm"), ("max_norm".into(), vec![]));
        assert_eq!(
            parts("momentum_buffer_B"),
            ("momentum_buffer".into(), owned(&["B"]))
        );
        assert_eq!(
            parts("optimizer.alpha_A"),
            ("alpha".into(), owned(&["optimizer", "A"]))
        );
        assert_eq!(parts("loss.delta"), ("delta".into(), owned(&["loss"])));
        assert_eq!(parts("loss."), ("loss.".into(), vec![]));
        // Nothing but digits, or nothing before the tensor's name: left alone.
        assert_eq!(parts("12"), ("12".into(), vec![]));
        assert_eq!(parts("_A"), ("_A".into(), vec![]));
    }
}
