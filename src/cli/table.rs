//! Long tables of figures: one line a row, figures flushed right; paragraphs of a given width.
//! (Tables of words are `report`'s.)

use super::console::STRONG;

/// The width in columns that every table of words fits where nothing else is asked for.
pub(super) const WIDTH: usize = 120;

/// The lines of `text`, broken between words to fit `width`; what is broken off a line is set in
/// like the line itself, and two columns more. A word longer than a line stays whole.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let mut length = 0;
        for word in line.split_whitespace() {
            let more = word.chars().count();
            if length > 0 && length + 1 + more > width {
                out.push('\n');
                out.push_str(&" ".repeat(indent + 2));
                length = indent + 2;
            } else if length > 0 {
                out.push(' ');
                length += 1;
            } else {
                out.push_str(&" ".repeat(indent));
                length = indent;
            }
            out.push_str(word);
            length += more;
        }
        out.push('\n');
    }
    out
}

/// The width that the last column of [`listing`] needs beside the others; else it goes under them. In less
/// a conflict's constant and its place would stand on two lines.
const ROOM: usize = 28;

/// One line a row, flushed left; the last column is text that wraps, beside the others where
/// there is room for it, else under them, together with the columns before it that do not fit
/// either. A first column that is wider than `width` is not broken.
pub(super) fn listing(heads: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let Some(last) = heads.len().checked_sub(1) else {
        return String::new();
    };
    let cell = |row: &[String], i: usize| row.get(i).cloned().unwrap_or_default();
    let widest = |i: usize| {
        let cells = rows.iter().map(|row| cell(row, i).chars().count());
        cells.chain([heads[i].chars().count()]).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..last).map(widest).collect();
    let taken = |widths: &[usize]| widths.iter().map(|w| w + GAP).sum::<usize>();
    let used = taken(&widths);
    let beside = used + ROOM <= width;
    // No gap is needed after the last column that stands in the line.
    while widths.len() > 1 && taken(&widths) > width + GAP {
        widths.pop();
    }
    let line = |row: &[String]| {
        let cells = widths.iter().enumerate();
        let cells = cells.map(|(i, width)| format!("{:<1$}", cell(row, i), width + GAP));
        let line = cells.collect::<String>();
        let under: Vec<String> = (widths.len()..=last).map(|i| cell(row, i)).collect();
        let text = under.join(" · ");
        let (indent, room) = match beside {
            true => (used, width - used),
            false => (INDENT, width.saturating_sub(INDENT)),
        };
        // Continued lines are set in by two columns by `wrapped`.
        let text = wrapped(&text, room.saturating_sub(2).max(1));
        let mut out = String::new();
        for (i, more) in text.lines().enumerate() {
            match (i, beside) {
                (0, true) => out = format!("{line}{more}"),
                (0, false) => out = format!("{}\n{}{more}", line.trim_end(), " ".repeat(indent)),
                _ => out += &format!("\n{}{}", " ".repeat(indent), more.trim_start()),
            }
        }
        match out.is_empty() {
            true => line.trim_end().to_owned() + "\n",
            false => out + "\n",
        }
    };
    let heads: Vec<String> = heads.iter().map(|h| (*h).to_owned()).collect();
    let mut text = String::new();
    for head in line(&heads).lines() {
        text += &format!("{STRONG}{head}{STRONG:#}\n");
    }
    rows.iter().for_each(|row| text += &line(row));
    text
}

/// Between two columns of [`listing`].
const GAP: usize = 2;
/// The indentation of text under a row.
const INDENT: usize = 4;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(
            wrapped("a bc de f\n  gh ij", 6),
            "a bc\n  de f\n  gh\n    ij\n"
        );
        assert_eq!(wrapped("unbroken", 3), "unbroken\n");
        assert_eq!(wrapped("", 3), "");
    }

    #[test]
    fn the_last_column_wraps_beside_or_under_the_others() {
        let rows = [vec![
            "a".to_owned(),
            "some words that go on and on".to_owned(),
        ]];
        let plain = |width| {
            let text = listing(&["x", "text"], &rows, width);
            text.replace(&STRONG.to_string(), "")
                .replace(&format!("{STRONG:#}"), "")
        };
        assert_eq!(plain(40), "x  text\na  some words that go on and on\n");
        assert_eq!(plain(31), "x  text\na  some words that go on and\n   on\n");
        assert_eq!(
            plain(20),
            "x\n    text\na\n    some words\n    that go on\n    and on\n"
        );
        assert_eq!(listing(&[], &[], 80), "");
    }

    #[test]
    fn columns_without_room_go_under_the_others() {
        let rows = [["one", "22222", "333", "text"].map(str::to_owned).to_vec()];
        let plain = |width| {
            let text = listing(&["x", "y", "z", "text"], &rows, width);
            anstream::adapter::strip_str(&text).to_string()
        };
        assert_eq!(
            plain(15),
            "x    y      z\n    text\none  22222  333\n    text\n"
        );
        assert_eq!(
            plain(14),
            "x    y\n    z · text\none  22222\n    333 ·\n    text\n"
        );
    }
}
