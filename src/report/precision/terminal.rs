//! A precision study as a table for the terminal.

use super::words;
use crate::bound::study::Study;

/// Between two columns.
const GAP: &str = "  ";

/// The rows as a table, one line each, and what else was found under it, wrapped to `width`.
pub fn terminal(study: &Study, width: usize) -> String {
    let mut out = wrapped(&words::scenario(study), width, 0);
    let heads = words::HEADS.map(|head| match head {
        "drift" => study.leading.clone(),
        "drift of loss" => "loss".to_owned(),
        "arithmetic" => "in".to_owned(),
        "stated order" => "stated".to_owned(),
        "bits left" => "bits".to_owned(),
        head => head.to_owned(),
    });
    let rows = study.rows.iter().map(|r| words::cells(study, r));
    let rows: Vec<Vec<String>> = [heads.to_vec()].into_iter().chain(rows).collect();
    out.push_str(&columns(&rows));
    let mut paragraph = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push_str(&format!("{title}\n"));
            for line in lines {
                out.push_str(&wrapped(&line, width, 2));
            }
        }
    };
    let meanings = words::MEANINGS.iter().map(|(head, says)| match *head {
        "drift" => format!("loss, {}: {says}", study.leading),
        "stated order" => format!("stated: {says}"),
        head => format!("{head}: {says}"),
    });
    paragraph("Columns", meanings.collect());
    paragraph("Slope", study.fits.iter().map(words::slope).collect());
    let enough = study.enough.iter().map(|e| words::enough(study, e));
    paragraph("Which precision is enough", enough.collect());
    paragraph("Growth", words::growth(study));
    paragraph("Probabilistic", words::probability(study));
    paragraph("Branches", words::events(study));
    paragraph("Bit-exact powers of two", words::exact(study));
    paragraph("Not to be had", words::reasons(study));
    out
}

/// The cells in columns: the first flushed left, the others right.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |row: &Vec<String>, i: usize| row.get(i).map_or(0, |c| c.chars().count());
    let widths = (0..count).map(|i| rows.iter().map(|r| length(r, i)).max().unwrap_or(0));
    let widths: Vec<usize> = widths.collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(i, (cell, width))| match i {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join(GAP);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Words broken into lines, set in by `indent` and by two more where they go on.
fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut line = " ".repeat(indent);
    let mut filled = false;
    for word in text.split_whitespace() {
        if filled && line.chars().count() + 1 + word.chars().count() > width {
            out.push_str(&line);
            out.push('\n');
            line = " ".repeat(indent + 2);
            filled = false;
        }
        if filled {
            line.push(' ');
        }
        line.push_str(word);
        filled = true;
    }
    out + &line + "\n"
}
