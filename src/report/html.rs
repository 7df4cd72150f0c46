//! A result as one self-contained HTML page.
//!
//! The templates only lay out; what has to be prepared (figures, order, which formulas are
//! harmless) is prepared here, in a view for each part.

use std::collections::{BTreeSet, HashSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::words::{self, Stretch};
use super::{ReportError, mathml, svg};
use crate::audit::{Audit, Derivation, Evidence, Figure, Judgement, Rung, Table, Theorem, Verdict};

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

#[derive(Serialize)]
struct PageView<'a> {
    style: &'static str,
    version: &'static str,
    schema: &'a str,
    tiles: Vec<Tile>,
    claims: Vec<ClaimView<'a>>,
    rungs: Vec<RungView>,
}

#[derive(Serialize)]
struct Tile {
    verdict: VerdictView,
    count: usize,
}

#[derive(Serialize)]
struct VerdictView {
    name: &'static str,
    sign: &'static str,
    meaning: &'static str,
}

impl VerdictView {
    fn of(verdict: Verdict) -> Self {
        Self {
            name: verdict.name(),
            sign: words::sign(verdict),
            meaning: words::meaning(verdict),
        }
    }
}

#[derive(Serialize)]
struct RungView {
    name: &'static str,
    meaning: &'static str,
}

impl RungView {
    fn of(rung: Rung) -> Self {
        Self {
            name: rung.name(),
            meaning: words::rung_meaning(rung),
        }
    }
}

#[derive(Serialize)]
struct ClaimView<'a> {
    anchor: String,
    id: &'a str,
    title: &'a str,
    source: &'a str,
    kind: &'a str,
    verdict: VerdictView,
    unexpected: Option<&'static str>,
    because: &'a str,
    conditions: &'a [String],
    strongest: Option<RungView>,
    ladder: String,
    evidence: Vec<EvidenceView<'a>>,
    derivation: Option<DerivationView<'a>>,
    tables: &'a [Table],
    figures: Vec<FigureView<'a>>,
    witness: Option<&'a str>,
    reproduce: &'a str,
}

#[derive(Serialize)]
struct EvidenceView<'a> {
    rung: RungView,
    says: &'a str,
    numbers: Vec<(&'a str, &'a str)>,
    theorem: Option<&'a Theorem>,
}

#[derive(Serialize)]
struct DerivationView<'a> {
    title: &'a str,
    basis: &'a [String],
    lines: Vec<LineView<'a>>,
    invariants: &'a [String],
    certificate: &'a str,
    /// Unfolded the first time that it stands on the page.
    open: bool,
}

#[derive(Serialize)]
struct LineView<'a> {
    quantity: &'a str,
    formula: &'a str,
    mathml: Option<&'a str>,
    factors: Vec<(&'a str, &'a str)>,
}

#[derive(Serialize)]
struct FigureView<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
    drawings: [String; 2],
    legend: Vec<(usize, &'a str)>,
    rows: Vec<(&'a str, String, String)>,
}

impl<'a> PageView<'a> {
    fn of(audit: &'a Audit) -> Self {
        let s = &audit.summary;
        let counts = [s.proved, s.proved_if, s.refuted, s.unknown];
        let tiles = words::VERDICTS.into_iter().zip(counts);
        let mut anchors = BTreeSet::new();
        let mut derivations = HashSet::new();
        Self {
            style: include_str!("templates/style.css"),
            version: env!("CARGO_PKG_VERSION"),
            schema: &audit.schema,
            tiles: tiles
                .map(|(verdict, count)| Tile {
                    verdict: VerdictView::of(verdict),
                    count,
                })
                .collect(),
            claims: audit
                .claims
                .iter()
                .map(|c| ClaimView::of(c, &mut anchors, &mut derivations))
                .collect(),
            rungs: words::RUNGS.map(RungView::of).into(),
        }
    }
}

impl<'a> ClaimView<'a> {
    fn of(
        claim: &'a Judgement,
        anchors: &mut BTreeSet<String>,
        derivations: &mut HashSet<String>,
    ) -> Self {
        let anchor = anchor(&claim.id, anchors);
        Self {
            ladder: svg::ladder(claim, &format!("{anchor}-ladder")),
            id: &claim.id,
            title: &claim.title,
            source: &claim.source,
            kind: &claim.kind,
            verdict: VerdictView::of(claim.verdict),
            unexpected: claim
                .expected
                .filter(|e| *e != claim.verdict)
                .map(Verdict::name),
            because: &claim.because,
            conditions: &claim.conditions,
            strongest: words::strongest(claim).map(RungView::of),
            evidence: words::by_strength(claim)
                .into_iter()
                .map(EvidenceView::of)
                .collect(),
            derivation: claim
                .derivation
                .as_ref()
                .map(|d| DerivationView::of(d, derivations)),
            tables: &claim.tables,
            figures: claim
                .figures
                .iter()
                .enumerate()
                .map(|(i, f)| FigureView::of(f, &format!("{anchor}-f{i}")))
                .collect(),
            witness: claim.witness.as_deref(),
            reproduce: &claim.reproduce,
            anchor,
        }
    }
}

impl<'a> EvidenceView<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let numbers = evidence.numbers.iter();
        Self {
            rung: RungView::of(evidence.rung),
            says: &evidence.says,
            numbers: numbers.map(|(k, v)| (k.as_str(), v.as_str())).collect(),
            theorem: evidence.theorem.as_ref(),
        }
    }
}

impl<'a> DerivationView<'a> {
    fn of(derivation: &'a Derivation, seen: &mut HashSet<String>) -> Self {
        let lines = derivation.lines.iter().map(|line| LineView {
            quantity: &line.quantity,
            formula: &line.formula,
            mathml: Some(line.mathml.as_str()).filter(|code| mathml::is_harmless(code)),
            factors: words::factors(&derivation.basis, &line.weight),
        });
        Self {
            title: &derivation.title,
            basis: &derivation.basis,
            lines: lines.collect(),
            invariants: &derivation.invariants,
            certificate: &derivation.certificate,
            open: seen.insert(format!("{derivation:?}")),
        }
    }
}

impl<'a> FigureView<'a> {
    fn of(figure: &'a Figure, id: &str) -> Self {
        let series = figure.series.iter();
        let legend = series.clone().enumerate();
        Self {
            title: &figure.title,
            x: &figure.x,
            y: &figure.y,
            drawings: [
                svg::figure(figure, svg::Size::Wide, &format!("{id}-wide")),
                svg::figure(figure, svg::Size::Narrow, &format!("{id}-narrow")),
            ],
            legend: legend
                // Bars have their names below them.
                .filter(|_| !svg::has_bars(figure))
                .map(|(i, s)| (i % svg::SERIES_STYLES, s.name.as_str()))
                .collect(),
            rows: series
                .flat_map(|s| {
                    let points = s.points.iter();
                    points.map(|(x, y)| (s.name.as_str(), number(*x), number(*y)))
                })
                .collect(),
        }
    }
}

/// A number with all its digits, for the table behind a figure.
fn number(x: f64) -> String {
    let size = x.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        x.to_string()
    } else {
        format!("{x:e}")
    }
}

/// An anchor made of the letters and digits of `id`, different from all before.
fn anchor(id: &str, taken: &mut BTreeSet<String>) -> String {
    let kept = id.chars().map(|c| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '-'
        }
    });
    let base = format!("claim-{}", kept.collect::<String>());
    let mut anchor = base.clone();
    let mut n = 2;
    while !taken.insert(anchor.clone()) {
        anchor = format!("{base}.{n}");
        n += 1;
    }
    anchor
}

#[cfg(test)]
mod tests {
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
        }
    }
}
