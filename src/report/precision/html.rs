//! A precision study as one self-contained HTML page.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::{figures, words};
use crate::bound::study::{Row, Study};
use crate::report::ReportError;
use crate::report::view::FigureView;

#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    version: &'static str,
    scenario: String,
    leading: &'a str,
    tiles: Vec<Tile>,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    meanings: Vec<(String, &'static str)>,
    sections: Vec<(&'static str, Vec<String>)>,
    figures: Vec<FigureView<'a>>,
    quantity_heads: [&'static str; 8],
    quantities: Vec<Vec<String>>,
    reproduce: &'a str,
}

/// The most important number of an arithmetic.
#[derive(Serialize)]
struct Tile {
    count: String,
    name: String,
    meaning: String,
}

/// The study as one HTML page: the numbers, the figures, what was found.
///
/// # Errors
/// [`ReportError::Template`] when a built-in template is wrong.
pub fn html(study: &Study) -> Result<String, ReportError> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    env.set_syntax(syntax);
    env.add_template(
        "precision.html",
        include_str!("../templates/precision.html"),
    )?;
    let figures = figures::figures(study);
    let named = |head: &str| match head {
        "drift" => format!("drift of {}", study.leading),
        head => head.to_owned(),
    };
    let enough = study.enough.iter().map(|e| words::enough(study, e));
    let sections = [
        ("Slope", study.fits.iter().map(words::slope).collect()),
        ("Which precision is enough", enough.collect()),
        ("Growth with each step", words::growth(study)),
        (
            "What the probabilistic bound assumes",
            words::probability(study),
        ),
        ("Where an ulp became a jump", words::events(study)),
        ("Powers of two without any drift", words::exact(study)),
        ("What could not be had", words::reasons(study)),
    ];
    let page = Page {
        style: include_str!("../templates/style.css"),
        version: env!("CARGO_PKG_VERSION"),
        scenario: words::scenario(study),
        leading: &study.leading,
        tiles: tiles(study),
        heads: words::HEADS.map(named).to_vec(),
        rows: study.rows.iter().map(|r| words::cells(study, r)).collect(),
        meanings: words::MEANINGS
            .map(|(head, says)| (named(head), says))
            .to_vec(),
        sections: sections
            .into_iter()
            .filter(|(_, lines): &(_, Vec<String>)| !lines.is_empty())
            .collect(),
        figures: (figures.iter().enumerate())
            .map(|(i, f)| {
                let id = format!("figure-{i}");
                match f.x.as_str() {
                    figures::BITS => FigureView::even(f, &id),
                    _ => FigureView::of(f, &id),
                }
            })
            .collect(),
        quantity_heads: [
            "arithmetic",
            "k",
            "quantity",
            "factor",
            "drift",
            "certified",
            "own error, left",
            "own error, right",
        ],
        quantities: words::last_rows(study).flat_map(quantities).collect(),
        reproduce: &study.reproduce,
    };
    let mut out = env.get_template("precision.html")?.render(Serde(page))?;
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

fn tiles(study: &Study) -> Vec<Tile> {
    let first = study.rows.first().map(|row| row.k.as_str());
    let rows = words::last_rows(study).filter(|row| Some(row.k.as_str()) == first);
    let tile = |row: &Row| Tile {
        count: match row.bits_left {
            Some(bits) if bits >= 1000.0 => format!("{:.0}", bits.floor()),
            Some(bits) => format!("{bits:.1}"),
            None if row.bit_equal => "all".to_owned(),
            None => words::NONE.to_owned(),
        },
        name: row.arith.clone(),
        meaning: match row.jump_count {
            0 => format!("bits of {} agree", study.leading),
            n => format!("bits of {} agree; jumps: {n}", study.leading),
        },
    };
    rows.map(tile).collect()
}

/// Every quantity of a row.
fn quantities(row: &Row) -> Vec<Vec<String>> {
    let line = |(name, q): (&String, &crate::bound::study::Quantity)| {
        let own = |side: &std::collections::BTreeMap<String, crate::bound::study::Bound>| {
            side.get(name)
                .map_or_else(|| words::NONE.to_owned(), words::bound)
        };
        vec![
            row.arith.clone(),
            row.k.clone(),
            name.clone(),
            q.factor.clone(),
            words::drift(Some(q)),
            words::bound(&q.bounds.certified),
            own(&row.own_errors.left),
            own(&row.own_errors.right),
        ]
    };
    row.quantities.iter().map(line).collect()
}
