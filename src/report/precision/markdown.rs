//! A precision study as Markdown (GitHub's flavour).

use super::words;
use crate::bound::study::Study;
use crate::report::markdown::{code, prose, table};

/// The study as Markdown: the numbers first, then what was found. Figures are left out.
pub fn markdown(study: &Study) -> String {
    let mut out = format!("# Precision\n\n{}\n\n", prose(&words::scenario(study)));
    let heads = words::HEADS.map(|head| match head {
        "drift" => format!("drift of {}", study.leading),
        head => head.to_owned(),
    });
    let rows: Vec<Vec<String>> = study.rows.iter().map(|r| words::cells(study, r)).collect();
    table(&mut out, &heads, &rows);
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push_str(&format!("## {title}\n\n"));
            for line in lines {
                out.push_str(&format!("- {}\n", prose(&line)));
            }
            out.push('\n');
        }
    };
    let meanings = words::MEANINGS.iter();
    section(
        "Columns",
        meanings
            .map(|(head, says)| format!("{head}: {says}"))
            .collect(),
    );
    section("Slope", study.fits.iter().map(words::slope).collect());
    let enough = study.enough.iter().map(|e| words::enough(study, e));
    section("Which precision is enough", enough.collect());
    section("Growth", words::growth(study));
    section("Likely", words::probability(study));
    section("Branches", words::events(study));
    section("Bit-exact powers of two", words::exact(study));
    section("Not to be had", words::reasons(study));
    out.push_str(&format!("## To reproduce\n\n{}\n", code(&study.reproduce)));
    out
}
