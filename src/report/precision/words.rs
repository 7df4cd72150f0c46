//! The words and figures that every form of the report shares.

use crate::bound::study::{Bound, Enough, Fit, Quantity, Row, Study};

/// The reason for which there is no growth per step.
pub(super) const NO_GROWTH: &str = "fewer than two steps with a drift";

/// The sign for a missing number in a table.
pub(super) const NONE: &str = "–";

/// The drift and the bounds that the tables have, by their heads.
pub(super) const HEADS: [&str; 12] = [
    "arithmetic",
    "k",
    "steps",
    "drift of loss",
    "drift",
    "adversarial",
    "probabilistic",
    "certified",
    "stated order",
    "ratio",
    "bits left",
    "jumps",
];

/// The meanings of the columns, for a reader who has not met them.
pub(super) const MEANINGS: [(&str, &str); 6] = [
    (
        "drift",
        "measured: the largest |x′ − c·x| by the largest |c·x|, the most after any step; rounded up",
    ),
    (
        "adversarial",
        "a lower bound on what the error model can reach: roundings chosen to hurt",
    ),
    (
        "probabilistic",
        "all of them together exceeded with at most the stated probability; not a certificate",
    ),
    (
        "certified",
        "no rounding to nearest, in any order of summation, another one in every step, fused or not, drifts further",
    ),
    (
        "stated order",
        "the same for the order of operations that the program documents",
    ),
    ("ratio", "certified bound over measured drift"),
];

/// The quantity that the tables are about.
pub(super) fn leading<'a>(study: &Study, row: &'a Row) -> Option<&'a Quantity> {
    row.quantities.get(&study.leading)
}

/// A number, or a dash.
pub(super) fn bound(bound: &Bound) -> String {
    let value = bound.as_ref();
    value.map_or_else(|_| NONE.to_owned(), |m| m.text.clone())
}

/// `5.716e0` as `5.716`, `3.253e1` as `32.53`; as it stands where that would be long.
pub(super) fn plain(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    match exponent.parse::<usize>() {
        Ok(exponent) if exponent + 1 < digits.len() => {
            let (whole, part) = digits.split_at(exponent + 1);
            format!("{whole}.{part}")
        }
        Ok(exponent) if exponent + 1 == digits.len() => digits,
        _ => text.to_owned(),
    }
}

/// A quantity's measured drift, or a dash.
pub(super) fn drift(quantity: Option<&Quantity>) -> String {
    let drift = quantity.and_then(|q| q.measured.as_ref().ok());
    drift.map_or_else(|| NONE.to_owned(), |d| d.up.text.clone())
}

/// One line of the table.
pub(super) fn cells(study: &Study, row: &Row) -> Vec<String> {
    let leading = leading(study, row);
    let of =
        |pick: fn(&Quantity) -> &Bound| leading.map_or_else(|| NONE.to_owned(), |q| bound(pick(q)));
    vec![
        row.arith.clone(),
        row.k.clone(),
        row.steps.to_string(),
        drift(row.quantities.get("loss")),
        drift(leading),
        of(|q| &q.bounds.adversarial),
        of(|q| &q.bounds.probabilistic),
        of(|q| &q.bounds.certified),
        of(|q| &q.bounds.certified_stated),
        (row.ratio.as_ref()).map_or_else(|_| NONE.to_owned(), |m| plain(&m.text)),
        match row.bits_left {
            Some(bits) => format!("{bits:.1}"),
            None if row.bit_equal => "all".to_owned(),
            None => NONE.to_owned(),
        },
        row.jump_count.to_string(),
    ]
}

/// The reason for which a row has no bits left.
pub(super) fn no_bits_left<'a>(study: &Study, row: &'a Row) -> &'a str {
    match leading(study, row).map(|q| &q.measured) {
        Some(Err(why)) => why,
        _ => "no drift: all bits agree",
    }
}

/// By how many steps the certificate ends before the first jump; never a negative number where
/// both are right.
pub(super) fn ends_before_jump(row: &Row) -> Option<i64> {
    let (ending, jump) = (row.ending.as_ref()?, row.jumps.first()?);
    Some(jump.step as i64 - ending.step as i64)
}

/// A slope in words.
pub(super) fn slope(fit: &Fit) -> String {
    let number = |x: f64| format!("{x:.6}").replace('-', "−");
    let (from, to) = fit.slope;
    // Rounded outward to the printed digits.
    let from = number((from * 1e6).floor() / 1e6);
    let to = number((to * 1e6).ceil() / 1e6);
    let bits = fit.points.iter().map(|(bits, _)| bits.to_string());
    format!(
        "k = {}: log₂ of the {} falls with each bit of precision by a fitted slope between {from} and {to} (mp with {} bits)",
        fit.k,
        match fit.of.as_str() {
            "certified" => "certified bound",
            _ => "measured drift",
        },
        bits.collect::<Vec<_>>().join(", ")
    )
}

/// The precision that is enough, in words.
pub(super) fn enough(study: &Study, enough: &Enough) -> String {
    let listed = |name: &Option<String>| match name {
        Some(name) => name.clone(),
        None => "none of the arithmetics above".to_owned(),
    };
    let mut text = format!(
        "k = {}: for {} bits of {}, measured: {}; certified: {}",
        enough.k,
        enough.wanted,
        study.leading,
        listed(&enough.measured),
        listed(&enough.certified),
    );
    if let Some(bits) = enough.tried_bits {
        text.push_str(&format!("; the first mp:BITS tried that does is mp:{bits}"));
    }
    if let Some(bits) = enough.fitted_bits {
        text.push_str(&format!(" (the fitted line says {bits})"));
    }
    text
}

/// By how much the drift grows with each step, in words.
pub(super) fn growth(study: &Study) -> Vec<String> {
    let line = |row: &Row| {
        let growth = row.growth_per_step?;
        Some(format!(
            "{}, k = {}: the drift of {} is multiplied by {growth} with each step (fitted over {} steps)",
            row.arith, row.k, study.leading, row.steps
        ))
    };
    last_rows(study).filter_map(line).collect()
}

/// The assumption of the probabilistic bounds, in words.
pub(super) fn probability(study: &Study) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for row in last_rows(study) {
        let Some(p) = &row.probability else { continue };
        let line = format!(
            "{}, k = {}: λ = {}, any of them (in any entry, of any quantity, after any step) exceeded with probability at most {}, if roundings are independent with mean 0",
            row.arith, row.k, p.lambda, p.failure_probability
        );
        lines.push(line);
    }
    lines
}

/// The jumps and the ends of certificates, in words.
pub(super) fn events(study: &Study) -> Vec<String> {
    let mut lines = vec![];
    for row in last_rows(study) {
        let name = format!("{}, k = {}", row.arith, row.k);
        if let Some(jump) = row.jumps.first() {
            lines.push(format!(
                "{name}: {} decided differently in the two runs; the first in step {}: {} at row {}, column {} is {} on the left ({}) and {} on the right ({})",
                match row.jump_count {
                    1 => "1 branch was".to_owned(),
                    n => format!("{n} branches were"),
                },
                jump.step, jump.node, jump.entry.0, jump.entry.1,
                jump.left, jump.left_value, jump.right, jump.right_value,
            ));
        }
        if let Some(ending) = &row.ending {
            let before = match ends_before_jump(row) {
                Some(steps) => format!(", {steps} steps before the first jump"),
                None => String::new(),
            };
            lines.push(format!(
                "{name}: the certificate ends in step {}{before}, at {} row {}, column {}: {}",
                ending.step, ending.node, ending.entry.0, ending.entry.1, ending.why
            ));
        }
    }
    lines
}

/// The powers of two for which nothing is rounded differently, in words.
pub(super) fn exact(study: &Study) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for row in last_rows(study) {
        let Ok(range) = &row.bit_exact else { continue };
        let end = |n: Option<i64>| n.map_or_else(|| "no limit".to_owned(), |n| n.to_string());
        let line = format!(
            "{}: with k = 2ⁿ the bits are the same for n from {} to {}, a multiple of {}",
            row.arith,
            end(range.from).replace('-', "−"),
            end(range.to).replace('-', "−"),
            range.every
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The reasons for missing numbers, each once.
pub(super) fn reasons(study: &Study) -> Vec<String> {
    // By row and reason, in order: what is missing, and after how many steps.
    let mut found: Vec<(String, &str, Vec<&str>)> = vec![];
    for row in &study.rows {
        let Some(quantity) = leading(study, row) else {
            continue;
        };
        let b = &quantity.bounds;
        let all = [
            ("drift", quantity.measured.as_ref().err()),
            ("adversarial", b.adversarial.as_ref().err()),
            ("probabilistic", b.probabilistic.as_ref().err()),
            ("certified", b.certified.as_ref().err()),
            ("stated order", b.certified_stated.as_ref().err()),
        ];
        for (what, why) in all {
            let Some(why) = why else { continue };
            let name = format!("{}, k = {}", row.arith, row.k);
            match found.iter_mut().find(|(n, w, _)| *n == name && *w == why) {
                Some((_, _, missing)) if missing.contains(&what) => {}
                Some((_, _, missing)) => missing.push(what),
                None => found.push((name, why, vec![what])),
            }
        }
    }
    let lines = found.iter();
    lines
        .map(|(name, why, missing)| format!("{name}: no {}: {why}", missing.join(", ")))
        .collect()
}

/// The rows with the most steps, one for each arithmetic and k.
pub(super) fn last_rows(study: &Study) -> impl Iterator<Item = &Row> {
    let most = study.rows.iter().map(|row| row.steps).max();
    study.rows.iter().filter(move |row| Some(row.steps) == most)
}

/// The training in one line.
pub(super) fn scenario(study: &Study) -> String {
    let s = &study.scenario;
    let sizes = s
        .sizes
        .iter()
        .map(|(name, size)| format!("{name} = {size}"));
    let ranges = s.ranges.iter().map(|(name, r)| format!("{name} ± {r}"));
    let ranges: Vec<String> = ranges.collect();
    let over = match ranges.is_empty() {
        true => String::new(),
        false => format!(
            "; the bounds hold for all of {}, what is measured for the middle",
            ranges.join(", ")
        ),
    };
    format!(
        "{}: {}, {} loss, {}; {}{over}",
        if s.name.is_empty() { "run" } else { &s.name },
        s.model,
        s.loss,
        s.optimizer,
        sizes.collect::<Vec<_>>().join(", ")
    )
}
