//! Formulas that come with a result are MathML and go into the page as they are, so they are
//! looked at first: a result may have been read from a file that anyone could write.

/// The elements that the printers of `graph` write.
const ELEMENTS: [&str; 15] = [
    "math", "mfrac", "mi", "mn", "mo", "mrow", "mspace", "msqrt", "msub", "msubsup", "msup",
    "mtable", "mtd", "mtext", "mtr",
];
/// Attributes without any power to load or run something.
const ATTRIBUTES: [&str; 5] = ["display", "stretchy", "width", "form", "mathvariant"];

/// `true` if `code` is one well-formed `<math>` element of known elements and attributes.
pub(super) fn is_harmless(code: &str) -> bool {
    let Some(pieces) = code.strip_prefix('<').map(|rest| rest.split('<')) else {
        return false;
    };
    let mut open: Vec<&str> = vec![];
    for (i, piece) in pieces.enumerate() {
        let Some((tag, text)) = piece.split_once('>') else {
            return false;
        };
        if text.contains('>') || (i > 0 && open.is_empty()) {
            return false;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else {
            let (inner, alone) = match tag.strip_suffix('/') {
                Some(inner) => (inner, true),
                None => (tag, false),
            };
            let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
            let known = ELEMENTS.contains(&name);
            if !known || (i == 0) != (name == "math") || !attributes_are_harmless(attributes) {
                return false;
            }
            if !alone {
                open.push(name);
            }
        }
        if open.is_empty() && !text.trim().is_empty() {
            return false;
        }
    }
    open.is_empty()
}

fn attributes_are_harmless(attributes: &str) -> bool {
    attributes.split_whitespace().all(|attribute| {
        let Some((name, value)) = attribute.split_once('=') else {
            return false;
        };
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        ATTRIBUTES.contains(&name)
            && value.is_some_and(|v| v.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::print::definitions;
    use crate::zoo::{Clip, Recipe, Schedule, losses::LOSSES};

    #[test]
    fn what_the_printers_write_passes() {
        for loss in LOSSES {
            let mut recipe = Recipe::new("linear", loss.name, "sgd").unwrap();
            recipe.schedule = Some(Schedule::Cosine { t_max: 3 });
            let step = recipe.with_clip(Some(Clip::Norm)).build().unwrap();
            for d in definitions(&step) {
                assert!(is_harmless(&d.mathml), "{}", d.mathml);
            }
        }
    }

    #[test]
    fn anything_else_does_not() {
        for code in [
            "",
            "x",
            "<math>",
            "<math></mi>",
            "<math><script>alert(1)</script></math>",
            "<math href=\"javascript:1\"></math>",
            "<math><mi onclick=\"x\">a</mi></math>",
            "<math><mi width=\"a;b\">a</mi></math>",
            "<math></math><script></script>",
            "<math></math> tail",
            "<mi>a</mi>",
            "<math><math></math></math>",
            "<math><mi>a</math></mi>",
            "<math><!-- --></math>",
            "<math>a > b</math>",
        ] {
            assert!(!is_harmless(code), "{code}");
        }
    }
}
