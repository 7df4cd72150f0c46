//! A precision study as a table for the terminal.

use super::words;
use crate::bound::study::Study;
use crate::report::terminal::table;

/// The rows as a table no wider than `width`, and what else was found under it.
pub fn terminal(study: &Study, width: usize) -> String {
    let mut out = format!("{}\n", words::scenario(study));
    let heads: Vec<String> = (words::HEADS.iter())
        .map(|head| match *head {
            "drift" => format!("drift of {}", study.leading),
            "arithmetic" => "in".to_owned(),
            head => head.to_owned(),
        })
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = study.rows.iter().map(|r| words::cells(study, r)).collect();
    out.push_str(&table(&heads, &rows, width));
    let mut paragraph = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push_str(&format!("{title}\n"));
            for line in lines {
                out.push_str(&format!("  {line}\n"));
            }
        }
    };
    paragraph("Slope", study.fits.iter().map(words::slope).collect());
    let enough = study.enough.iter().map(|e| words::enough(study, e));
    paragraph("Which precision is enough", enough.collect());
    paragraph("Branches", words::events(study));
    paragraph("Bit-exact powers of two", words::exact(study));
    paragraph("Not to be had", words::reasons(study));
    out
}
