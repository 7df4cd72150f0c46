//! Tables for the terminal, within a width that the caller gives.
//!
//! A table reads the same without colour: every verdict has a sign and a word. Whether colour
//! is wanted is the caller's business.

use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width,
    presets::UTF8_HORIZONTAL_ONLY,
};

use super::words;
use crate::audit::{Audit, Judgement, Rung, Verdict};

/// From this width the reason has a column of its own; below it stands under the claim.
const WIDE: usize = 120;
/// Below this a table of several columns cannot be read; it is then wider than asked.
const NARROWEST: usize = 40;

/// The plain style that all tables share: horizontal rules, words wrapped to fit `width`.
fn styled(width: usize, color: bool) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width.max(NARROWEST)).unwrap_or(u16::MAX));
    // Escape codes depend on the argument alone, never on what the process is attached to.
    table.force_no_tty();
    if color {
        table.enforce_styling();
    }
    table
}

fn head(columns: &[&str], color: bool) -> Vec<Cell> {
    let bold = |name: &&str| {
        let cell = Cell::new(clean(name));
        if color {
            cell.add_attribute(Attribute::Bold)
        } else {
            cell
        }
    };
    columns.iter().map(bold).collect()
}

/// Text without control characters: what stands in a claim must not steer the terminal.
fn clean(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.collect::<String>().trim().to_owned()
}

fn finish(table: &Table) -> String {
    let mut out: String = table
        .lines()
        .map(|l| l.trim_end().to_owned() + "\n")
        .collect();
    if out.is_empty() {
        out.push('\n');
    }
    out
}

/// A table of text in the common style. Rows may be shorter than `columns`.
pub fn table(columns: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let mut table = styled(width, false);
    table.set_header(head(columns, false));
    for row in rows {
        table.add_row(row.iter().map(|cell| Cell::new(clean(cell))));
    }
    finish(&table)
}

fn colour(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Proved => Color::Green,
        Verdict::ProvedIf => Color::Cyan,
        Verdict::Refuted => Color::Red,
        Verdict::Unknown => Color::Yellow,
    }
}

/// The verdict as it stands in a cell: sign, word, and a mark where another was expected.
fn verdict_cell(verdict: Verdict, expected: Option<Verdict>, color: bool) -> Cell {
    let mut text = format!("{} {verdict}", words::sign(verdict));
    if let Some(expected) = expected.filter(|e| *e != verdict) {
        text.push_str(&format!("\n(not {expected})"));
    }
    let cell = Cell::new(text);
    if color {
        cell.fg(colour(verdict)).add_attribute(Attribute::Bold)
    } else {
        cell
    }
}

/// The verdicts of an audit as a table no wider than `width` (80 to 140 is comfortable), with
/// a summary under it.
pub fn audit_table(audit: &Audit, width: usize, color: bool) -> String {
    let mut out = String::new();
    if audit.claims.is_empty() {
        out.push_str("No claim was judged.\n");
    }
    for (group, claims) in audit.groups() {
        if !group.is_empty() {
            out.push_str(&format!("{}\n", clean(group)));
        }
        out.push_str(&claims_table(audit, claims, width, color));
        if !group.is_empty() {
            out.push('\n');
        }
    }
    if !audit.not_judged.is_empty() {
        out.push_str("Not judged, since only an experiment on real data could decide\n");
        let rows: Vec<Vec<String>> = (audit.not_judged.iter())
            .map(|c| vec![c.id.clone(), c.title.clone(), c.why.clone()])
            .collect();
        out.push_str(&self::table(&["id", "claim", "because"], &rows, width));
        out.push('\n');
    }
    if !audit.claims.is_empty() {
        out.push_str(&summary(audit));
    }
    out
}

fn claims_table(audit: &Audit, claims: &[Judgement], width: usize, color: bool) -> String {
    let wide = width >= WIDE;
    let mut table = styled(width, color);
    let heads = ["id", "verdict", "strongest", "claim", "because"];
    let shown = if wide { 5 } else { 4 };
    table.set_header(head(&heads[..shown], color));
    for claim in claims {
        let mut row = vec![
            Cell::new(clean(&claim.id)),
            verdict_cell(claim.verdict, claim.expected, color),
            Cell::new(words::strongest(claim).map_or("–", Rung::name)),
        ];
        let (title, because) = (clean(&claim.title), clean(&claim.because));
        if wide {
            row.extend([Cell::new(title), Cell::new(because)]);
        } else {
            row.push(Cell::new(format!("{title}\n→ {because}")));
        }
        table.add_row(row);
    }
    // The short columns never wrap; the sentences have what is left.
    let longest_id = audit.claims.iter().map(|c| c.id.chars().count()).max();
    let id = u16::try_from(longest_id.unwrap_or(0).clamp(2, 14) + 2).unwrap_or(16);
    let fixed = |width| ColumnConstraint::Absolute(Width::Fixed(width));
    table.set_constraints([fixed(id), fixed(14), fixed(13)]);
    finish(&table)
}

/// One line: how often each verdict was reached, and how many are not the expected ones.
pub fn summary(audit: &Audit) -> String {
    let s = &audit.summary;
    let counts = [s.proved, s.proved_if, s.refuted, s.unknown];
    let parts: Vec<String> = words::VERDICTS
        .iter()
        .zip(counts)
        .map(|(verdict, n)| format!("{} {n} {verdict}", words::sign(*verdict)))
        .collect();
    let mut out = format!(
        "{}: {}\n",
        words::count(audit.claims.len(), "claim"),
        parts.join("  ")
    );
    let unexpected: Vec<String> = audit
        .claims
        .iter()
        .filter(|c| c.expected.is_some_and(|e| e != c.verdict))
        .map(|c| clean(&c.id))
        .collect();
    if !unexpected.is_empty() {
        out.push_str(&format!("Not as expected: {}\n", unexpected.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn no_line_is_wider_than_asked() {
        for audit in sample::audits() {
            for width in [80, 100, 140] {
                for line in audit_table(&audit, width, false).lines() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn colour_only_where_it_is_asked_for() {
        let audit = sample::full();
        assert!(!audit_table(&audit, 100, false).contains('\u{1b}'));
        assert!(audit_table(&audit, 100, true).contains("\u{1b}["));
    }

    #[test]
    fn every_claim_has_its_sign_and_word() {
        let audit = sample::full();
        let text = audit_table(&audit, 120, false);
        for claim in &audit.claims {
            let word = format!("{} {}", words::sign(claim.verdict), claim.verdict);
            assert!(text.contains(&word), "{word}");
        }
        assert!(text.contains("Not as expected"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let rows = vec![vec!["a\u{1b}[31mb\u{7}".to_owned()]];
        let text = table(&["x"], &rows, 80);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    }

    #[test]
    fn nothing_to_show() {
        assert_eq!(
            audit_table(&Audit::new(vec![]), 80, true),
            "No claim was judged.\n"
        );
        assert!(table(&[], &[], 80).ends_with('\n'));
        assert!(table(&["only", "heads"], &[], 80).contains("heads"));
    }
}
