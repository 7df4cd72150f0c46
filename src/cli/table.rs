//! Long tables of figures: one line a row, figures flushed right. (Tables of words are
//! `report`'s.)

use super::console::STRONG;

/// The width in columns that every table of words fits.
pub(super) const WIDTH: usize = 120;

/// The columns of `rows` under their heads.
pub(super) fn figures(heads: &[String], rows: &[Vec<String>]) -> String {
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|row| row.get(i)).chain(heads.get(i));
        cells.map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(c, width)| format!("{c:>width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = format!("{STRONG}{}{STRONG:#}\n", line(heads));
    for row in rows {
        text += &line(row);
        text.push('\n');
    }
    text
}
