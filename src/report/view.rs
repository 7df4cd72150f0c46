//! The views that the HTML templates are given, one for each part of the page, in which everything is
//! prepared (order, figures, anchors, which formulas are harmless).

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use super::{mathml, svg, words};
use crate::audit::{
    Audit, Derivation, Evidence, Figure, Judgement, NotJudged, Rung, Table, Theorem, Verdict,
};

#[derive(Serialize)]
pub(super) struct PageView<'a> {
    style: &'static str,
    version: &'static str,
    schema: &'a str,
    tiles: Vec<Tile>,
    claims: Vec<ClaimView<'a>>,
    not_judged: &'a [NotJudged],
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
    /// The heading above this claim in the index, where it begins a group.
    heading: Option<&'a str>,
    kind: &'a str,
    verdict: VerdictView,
    unexpected: Option<&'static str>,
    because: &'a str,
    conditions: &'a [String],
    remarks: &'a [String],
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
pub(super) struct FigureView<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
    drawings: [String; 2],
    legend: Vec<(usize, &'a str)>,
    rows: Vec<(&'a str, String, String)>,
}

impl<'a> PageView<'a> {
    pub(super) fn of(audit: &'a Audit) -> Self {
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
            claims: (audit.groups().into_iter())
                .flat_map(|(group, claims)| {
                    let first = Some(group).filter(|g| !g.is_empty());
                    let headings = std::iter::once(first).chain(std::iter::repeat(None));
                    claims.iter().zip(headings)
                })
                .map(|(claim, heading)| ClaimView {
                    heading,
                    ..ClaimView::of(claim, &mut anchors, &mut derivations)
                })
                .collect(),
            not_judged: &audit.not_judged,
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
            heading: None,
            kind: &claim.kind,
            verdict: VerdictView::of(claim.verdict),
            unexpected: claim
                .expected
                .filter(|e| *e != claim.verdict)
                .map(Verdict::name),
            because: &claim.because,
            conditions: &claim.conditions,
            remarks: &claim.remarks,
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
    pub(super) fn of(figure: &'a Figure, id: &str) -> Self {
        Self::drawn(figure, id, svg::figure)
    }

    /// The same with an x axis on which equal differences are equal distances.
    pub(super) fn even(figure: &'a Figure, id: &str) -> Self {
        Self::drawn(figure, id, svg::even_figure)
    }

    fn drawn(figure: &'a Figure, id: &str, draw: fn(&Figure, svg::Size, &str) -> String) -> Self {
        let series = figure.series.iter();
        let legend = series.clone().enumerate();
        Self {
            title: &figure.title,
            x: &figure.x,
            y: &figure.y,
            drawings: [
                draw(figure, svg::Size::Wide, &format!("{id}-wide")),
                draw(figure, svg::Size::Narrow, &format!("{id}-narrow")),
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
