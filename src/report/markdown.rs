//! A result as Markdown (GitHub's flavour).

use std::fmt::Write as _;

use super::words::{self, Stretch};
use crate::audit::{Audit, Derivation, Evidence, Judgement, Rung, Table};

/// The audit as Markdown: the numbers, a table of all claims, a section for each.
///
/// Figures are left out; the JSON has their points and the HTML draws them.
pub fn markdown(audit: &Audit) -> String {
    let mut out = String::from("# Audit\n\n");
    let s = &audit.summary;
    let counts = [s.proved, s.proved_if, s.refuted, s.unknown];
    let heads = words::VERDICTS.map(|v| format!("{} {v}", words::sign(v)));
    table(&mut out, &heads, &[counts.map(|n| n.to_string()).to_vec()]);
    if audit.claims.is_empty() {
        out.push_str("No claim was judged.\n\n");
    }
    for (group, claims) in audit.groups() {
        if !group.is_empty() {
            let _ = writeln!(out, "**{}**\n", prose(group));
        }
        let rows: Vec<Vec<String>> = claims.iter().map(row).collect();
        let heads = ["Id", "Verdict", "Strongest", "Claim", "Because"].map(str::to_owned);
        table(&mut out, &heads, &rows);
    }
    if !audit.not_judged.is_empty() {
        out.push_str("**Not judged, since only an experiment on real data could decide**\n\n");
        let rows: Vec<Vec<String>> = (audit.not_judged.iter())
            .map(|c| {
                [&c.id, &c.title, &c.source, &c.why]
                    .map(|t| prose(t))
                    .to_vec()
            })
            .collect();
        let heads = ["Id", "Claim", "Source", "Because"].map(str::to_owned);
        table(&mut out, &heads, &rows);
    }
    for c in &audit.claims {
        section(&mut out, c);
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn row(claim: &Judgement) -> Vec<String> {
    vec![
        prose(&claim.id),
        format!("{} {}", words::sign(claim.verdict), claim.verdict),
        words::strongest(claim).map_or("–", Rung::name).to_owned(),
        prose(&claim.title),
        prose(&claim.because),
    ]
}

// Writing into a String cannot fail, so the results of write! are dropped in this file.
fn section(out: &mut String, claim: &Judgement) {
    let _ = writeln!(out, "## {}: {}\n", prose(&claim.id), prose(&claim.title));
    let _ = write!(
        out,
        "**{} {}**: {}",
        words::sign(claim.verdict),
        claim.verdict,
        prose(&claim.because)
    );
    if let Some(expected) = claim.expected.filter(|e| *e != claim.verdict) {
        let _ = write!(out, " *(The claim's file expects {expected}.)*");
    }
    let _ = writeln!(out, "\n\n- Source: {}", prose(&claim.source));
    let _ = writeln!(out, "- Kind: {}", prose(&claim.kind));
    if let Some(witness) = &claim.witness {
        let _ = writeln!(out, "- Witness: {}", code(witness));
    }
    let _ = writeln!(out, "- Reproduce: {}\n", code(&claim.reproduce));
    list(out, "Conditions", &claim.conditions);
    list(out, "Remarks", &claim.remarks);
    if !claim.evidence.is_empty() {
        out.push_str("**Evidence**, strongest first:\n\n");
        for e in words::by_strength(claim) {
            evidence(out, e);
        }
        out.push('\n');
    }
    if let Some(derivation) = &claim.derivation {
        derived(out, derivation);
    }
    for t in &claim.tables {
        measured(out, t);
    }
}

fn list(out: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(out, "**{title}**:\n");
    for item in items {
        let _ = writeln!(out, "- {}", prose(item));
    }
    out.push('\n');
}

fn evidence(out: &mut String, e: &Evidence) {
    let _ = writeln!(out, "- *{}*: {}", e.rung.name(), prose(&e.says));
    if let Some(t) = &e.theorem {
        let _ = writeln!(out, "  - {} ({})", code(&t.name), prose(&t.prover));
        if t.says != e.says {
            let _ = writeln!(out, "  - says: {}", prose(&t.says));
        }
        for hypothesis in &t.hypotheses {
            let _ = writeln!(out, "  - given: {}", prose(hypothesis));
        }
        let _ = writeln!(out, "  - statement: {}", code(&t.statement));
        for definition in &t.definitions {
            let _ = writeln!(out, "  - where {}", code(&definition.text));
        }
        if t.assumptions.is_empty() {
            out.push_str("  - closed under the global context\n");
        }
        for assumption in &t.assumptions {
            let _ = writeln!(out, "  - assumes: {}", code(assumption));
        }
    }
    for (name, value) in &e.numbers {
        let _ = writeln!(out, "  - {}: {}", prose(name), code(value));
    }
}

fn derived(out: &mut String, d: &Derivation) {
    let _ = writeln!(out, "**Derivation**: {}\n", prose(&d.title));
    let rows: Vec<Vec<String>> = d
        .lines
        .iter()
        .map(|line| {
            vec![
                cell_code(&line.quantity),
                cell_code(&line.formula),
                cell_code(&words::weight(&d.basis, &line.weight)),
            ]
        })
        .collect();
    let heads = ["Quantity", "Formula", "Times"].map(str::to_owned);
    table(out, &heads, &rows);
    if !d.invariants.is_empty() {
        let invariants: Vec<String> = d.invariants.iter().map(|i| code(i)).collect();
        let _ = writeln!(out, "Invariants: {}\n", invariants.join(", "));
    }
    let _ = writeln!(out, "Certificate: {}\n", code(&d.certificate));
}

fn measured(out: &mut String, t: &Table) {
    let _ = writeln!(out, "**{}**\n", prose(&t.title));
    if t.columns.is_empty() {
        return;
    }
    let heads: Vec<String> = t.columns.iter().map(|h| prose(h)).collect();
    let rows: Vec<Vec<String>> = t
        .rows
        .iter()
        .map(|row| row.iter().map(|x| prose(x)).collect())
        .collect();
    table(out, &heads, &rows);
}

/// A table of cells that are Markdown already; rows are filled up or cut to the heads.
pub(super) fn table(out: &mut String, heads: &[String], rows: &[Vec<String>]) {
    let _ = writeln!(out, "| {} |", heads.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(heads.len()));
    for row in rows {
        let cells = (0..heads.len()).map(|i| row.get(i).map_or("", String::as_str));
        let _ = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    out.push('\n');
}

/// Words on one line in which nothing is markup, except that pairs of backticks make code.
pub(super) fn prose(text: &str) -> String {
    let stretch = |s| match s {
        Stretch::Words(w) => escaped(w),
        Stretch::Code(c) => cell_code(c),
    };
    words::stretches(text).into_iter().map(stretch).collect()
}

fn escaped(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let word = |i: Option<usize>| {
        let c = i.and_then(|i| chars.get(i));
        c.is_some_and(|c| c.is_alphanumeric())
    };
    let mut out = String::with_capacity(text.len());
    for (i, c) in chars.iter().enumerate() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Inside a word an underscore is an underscore.
            '_' if word(i.checked_sub(1)) && word(Some(i + 1)) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' => {
                out.push('\\');
                out.push(*c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(*c),
        }
    }
    out
}

/// Code on one line, outside tables.
pub(super) fn code(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.is_empty() {
        return "–".to_owned();
    }
    // The fence is longer than any run of backticks inside.
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Code in a table cell, where a pipe ends the cell even between backticks.
fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_table_has_straight_columns() {
        for audit in sample::audits() {
            let text = markdown(&audit);
            let mut columns = None;
            for line in text.lines() {
                if !line.starts_with('|') {
                    columns = None;
                    continue;
                }
                let pipes = line.replace("\\|", "").matches('|').count();
                assert_eq!(*columns.get_or_insert(pipes), pipes, "{line}");
            }
        }
    }

    #[test]
    fn every_claim_has_one_heading() {
        for audit in sample::audits() {
            let text = markdown(&audit);
            let heads = text.lines().filter(|l| l.starts_with("## ")).count();
            assert_eq!(heads, audit.claims.len());
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
            assert_eq!(text, markdown(&audit));
        }
    }

    #[test]
    fn nothing_from_a_claim_becomes_markup() {
        // Between backticks nothing is markup; there every second piece is code.
        let text = markdown(&sample::full()).replace("\\`", "");
        for line in text.lines() {
            for words in line.split('`').step_by(2) {
                assert!(!words.contains('<'), "{line}");
            }
        }
        assert_eq!(prose("a | b\nc"), "a \\| b c");
        assert_eq!(
            prose("clip_grad_norm_ *x* `a|b`"),
            "clip_grad_norm\\_ \\*x\\* `a\\|b`"
        );
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
    }
}
