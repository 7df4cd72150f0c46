//! A result as one self-contained HTML page.
//!
//! The templates only lay out what `view` has prepared.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::view::PageView;
use super::words::{self, Stretch};
use super::{ReportError, svg};
use crate::audit::Audit;

/// The audit as one HTML page: numbers, a table of all claims, a section for each.
///
/// # Errors
/// [`ReportError::Template`] when a built-in template is wrong.
pub fn html(audit: &Audit) -> Result<String, ReportError> {
    let mut env = Environment::new();
    // The names would imply it; said all the same, since everything rests on it.
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    env.set_syntax(syntax);
    env.add_filter("prose", prose);
    env.add_filter("signed", signed);
    env.add_template("page.html", include_str!("templates/page.html"))?;
    env.add_template("claim.html", include_str!("templates/claim.html"))?;
    env.add_template("evidence.html", include_str!("templates/evidence.html"))?;
    env.add_template("derivation.html", include_str!("templates/derivation.html"))?;
    let page = env.get_template("page.html")?;
    let mut out = page.render(Serde(PageView::of(audit)))?;
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

/// Escaped words in which pairs of backticks make code.
fn prose(text: &str) -> Value {
    let stretch = |s| match s {
        Stretch::Words(w) => svg::escaped(w),
        Stretch::Code(c) => format!("<code>{}</code>", svg::escaped(c)),
    };
    let parts = words::stretches(text).into_iter().map(stretch);
    Value::from_safe_string(parts.collect())
}

/// An exponent with a real minus sign.
fn signed(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::sample;

    #[test]
    fn every_claim_has_one_heading_and_its_own_anchor() {
        for audit in sample::audits() {
            let page = html(&audit).unwrap();
            let sections = page.matches("<section class=\"claim\"").count();
            assert_eq!(sections, audit.claims.len());
            assert_eq!(page.matches("<span class=\"claim-id\">").count(), sections);
            let ids: Vec<&str> = page
                .split(" id=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap())
                .collect();
            let distinct: BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(distinct.len(), ids.len(), "an id stands twice");
            for target in page.split("href=\"#").skip(1) {
                let target = target.split('"').next().unwrap();
                assert!(distinct.contains(target), "{target} leads nowhere");
            }
        }
    }

    #[test]
    fn nothing_is_loaded_and_nothing_runs() {
        for audit in sample::audits() {
            let page = html(&audit).unwrap();
            assert!(page.starts_with("<!doctype html>"));
            for bad in ["http://", "https://", "<script", "@import", "url("] {
                assert!(!page.contains(bad), "{bad}");
            }
            let tags = page
                .split('<')
                .skip(1)
                .map(|t| t.split('>').next().unwrap());
            for tag in tags {
                assert!(!tag.starts_with("link") && !tag.starts_with("im"), "{tag}");
                // Outside quotes: the names of attributes, all written in a template.
                for names in tag.split('"').step_by(2) {
                    assert!(!names.contains(" on") && !names.contains("src"), "{tag}");
                }
            }
        }
    }

    #[test]
    fn no_figure_holds_a_number_that_is_none() {
        let page = html(&sample::full()).unwrap();
        let figures = page.split("<svg").skip(1);
        for figure in figures.map(|f| f.split("</svg>").next().unwrap()) {
            assert!(
                !figure.contains("NaN") && !figure.contains("inf"),
                "{figure}"
            );
        }
    }

    #[test]
    fn the_same_result_gives_the_same_bytes() {
        assert_eq!(
            html(&sample::full()).unwrap(),
            html(&sample::full()).unwrap()
        );
    }

    #[test]
    fn tags_are_closed_in_order() {
        const VOID: [&str; 4] = ["meta", "br", "hr", "!doctype"];
        for audit in sample::audits() {
            let page = html(&audit).unwrap();
            let mut open = vec![];
            for piece in page.split('<').skip(1) {
                let tag = piece.split('>').next().unwrap();
                let name = tag
                    .trim_start_matches('/')
                    .split([' ', '/', '\n'])
                    .next()
                    .unwrap();
                if tag.starts_with('/') {
                    assert_eq!(open.pop(), Some(name), "before {piece}");
                } else if !tag.ends_with('/') && !VOID.contains(&name) {
                    open.push(name);
                }
            }
            assert_eq!(open, [""; 0]);
        }
    }

    #[test]
    fn a_formula_that_is_not_harmless_is_shown_as_text() {
        let page = html(&sample::full()).unwrap();
        assert!(page.contains("<code>x = &lt;script&gt;</code>"));
    }

    #[test]
    fn a_derivation_is_unfolded_once() {
        let page = html(&sample::full()).unwrap();
        assert_eq!(
            page.matches("<details class=\"fold derivation\" open>")
                .count(),
            2
        );
        assert_eq!(
            page.matches("<details class=\"fold derivation\">").count(),
            1
        );
    }

    /// For a look at the pages in a browser: writes them where the environment says.
    #[test]
    fn pages_for_a_look() {
        let Some(folder) = std::env::var_os("LORA_GAUGE_LOOK") else {
            return;
        };
        let folder = std::path::Path::new(&folder);
        for (i, audit) in sample::audits().iter().enumerate() {
            std::fs::write(folder.join(format!("{i}.html")), html(audit).unwrap()).unwrap();
            let text = crate::report::markdown(audit);
            std::fs::write(folder.join(format!("{i}.md")), text).unwrap();
            for width in [80, 130] {
                let text = crate::report::terminal::audit_table(audit, width, width == 130);
                std::fs::write(folder.join(format!("{i}-{width}.txt")), text).unwrap();
            }
        }
    }
}
