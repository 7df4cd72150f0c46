//! All rules in one table, a row for each optimizer.

use num_traits::Zero;

use super::derived::{Derived, Part};
use super::words::monomial;
use crate::arith::Ratio;
use crate::cli::table::{listing, wrapped};
use crate::gauge::{Rule, Weight};

/// The settings with a column of their own.
const SETTINGS: [&str; 3] = ["lr", "weight_decay", "eps"];

const NONE: &str = "–";

pub(super) fn table(all: &[Derived], width: usize) -> String {
    let mut heads = vec!["", "optimizer"];
    heads.extend(SETTINGS);
    heads.extend(["lr by k", "free", "cases", "in the way"]);
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    listing(&heads, &rows, width) + "\n" + &wrapped(NOTES, width)
}

const NOTES: &str = "\
✓ the independent checker accepts every certificate. With A' = p·A, B' = q·B and s' = s/(p·q), the setting for A is multiplied by the power of p, that \
for B by the same power of q; where the two are not alike, both are shown. lr by k: the factor of \
lr when alpha is multiplied by k and each setting is one number. free: how many of the trained \
tensors can be scaled independently. `lora-gauge rules NAME` tells more.";

fn row(derived: &Derived) -> Vec<String> {
    let whole = &derived.whole;
    let rule = whole.rule();
    let mark = match derived.refused() {
        None => "✓",
        Some(_) => "✗",
    };
    let mut row = vec![mark.to_owned(), derived.recipe.optimizer.name.to_owned()];
    row.extend(SETTINGS.map(|base| setting(rule, base)));
    row.push(by_k(whole));
    let conflicts = &whole.derivation.conflicts;
    row.push(format!(
        "{} of {}",
        conflicts.independent, conflicts.parameters
    ));
    row.push(cases(derived));
    row.push(in_the_way(whole));
    row
}

/// The factor of a setting: one power where it is alike for all tensors, else one for each.
fn setting(rule: &Rule, base: &str) -> String {
    let of = |tensor: &str| rule.weights.get(&format!("{base}_{tensor}"));
    let copies: Vec<(&str, &Weight)> = rule
        .parameters
        .iter()
        .filter_map(|tensor| Some((tensor.as_str(), of(tensor)?)))
        .collect();
    let basis = rule.basis();
    let Some((first, weight)) = copies.first() else {
        let one = rule.weights.get(base);
        return one.map_or(NONE.to_owned(), |weight| monomial(&basis, weight));
    };
    let alike = |(tensor, other): &(&str, &Weight)| {
        exchanged(rule, weight, first, tensor).as_ref() == Some(*other)
    };
    if copies.iter().all(alike) {
        return monomial(&basis, weight);
    }
    let each = copies
        .iter()
        .map(|(tensor, weight)| format!("{tensor} {}", monomial(&basis, weight)));
    each.collect::<Vec<_>>().join(", ")
}

/// The weight with the factors of two tensors exchanged; `None` where one has no factor of its
/// own and the weight knows the other's.
fn exchanged(rule: &Rule, weight: &Weight, x: &str, y: &str) -> Option<Weight> {
    let at = |tensor: &str| rule.generators.iter().position(|g| g.leaf == tensor);
    let mut weight = weight.clone();
    match (at(x), at(y)) {
        (Some(i), Some(j)) => weight.swap(i, j),
        // One factor for both tensors: nothing to exchange.
        _ if rule.weights.get(x) == rule.weights.get(y) => {}
        _ if weight.iter().all(Zero::is_zero) => {}
        _ => return None,
    }
    Some(weight)
}

fn by_k(part: &Part) -> String {
    let Some(weights) = part.in_sqrt_k() else {
        return NONE.to_owned();
    };
    let lr = weights.get("lr");
    lr.map_or(NONE.to_owned(), |w| {
        monomial(&["k"], &[w / Ratio::from_integer(2.into())])
    })
}

fn cases(derived: &Derived) -> String {
    let differs = |part: &Part| {
        !part
            .derivation
            .differences(&derived.whole.derivation)
            .is_empty()
    };
    let different = derived
        .cases
        .iter()
        .filter(|(_, part)| differs(part))
        .count();
    match (derived.cases.len(), different) {
        (0, _) => NONE.to_owned(),
        (n, 0) => format!("{n} alike"),
        (n, m) => format!("{m} of {n} differ"),
    }
}

fn in_the_way(part: &Part) -> String {
    let conflicts = &part.derivation.conflicts;
    let constants = conflicts
        .constants
        .iter()
        .map(|c| format!("{} in {}", c.constant, c.node));
    let mut all: Vec<String> = constants.collect();
    let ties = conflicts.ties.iter().map(|tie| tie.node.as_str());
    let mut ties: Vec<&str> = ties.collect();
    ties.dedup();
    if !ties.is_empty() {
        all.push(format!("tie at {}", ties.join(", ")));
    }
    if !conflicts.remains.is_empty() {
        all.push(format!("only {}", conflicts.remains.join(", ")));
    }
    match all.is_empty() {
        true => NONE.to_owned(),
        false => all.join("; "),
    }
}
