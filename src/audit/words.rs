//! Maps and conditions as a sentence has them.

use num_traits::{One, Signed, Zero};

use crate::arith::{Ratio, show_ratio};
use crate::exec::ExecError;
use crate::graph::StepGraph;
use crate::scenario::Powers;

/// The map in words, for instance `alpha·k, lr/k, init/√k`.
pub(super) fn describe(step: &StepGraph, powers: &Powers) -> String {
    // Copies that change alike stand under their common name.
    let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut add = |base: String, name: String, change: String| match groups
        .iter_mut()
        .find(|(b, _)| *b == base)
    {
        Some((_, members)) => members.push((name, change)),
        None => groups.push((base, vec![(name, change)])),
    };
    let mut hyper: Vec<(&str, &str)> = step.hyperparameters().map(|(l, b, _)| (l, b)).collect();
    hyper.sort_by_key(|(_, base)| *base != "s");
    let rename = |n: &str| if n == "s" { "alpha" } else { n }.to_owned();
    for (leaf, base) in hyper {
        let power = powers
            .hyperparameters
            .get(leaf)
            .cloned()
            .unwrap_or_default();
        let changed = change(&power, powers.negated.contains(leaf));
        add(rename(base), rename(leaf), changed);
    }
    for p in &step.parameters {
        let power = powers.initial_power(&p.name);
        let changed = change(&power, powers.negated.contains(&p.name));
        add("init".into(), format!("init_{}", p.name), changed);
    }
    let words: Vec<String> = groups
        .into_iter()
        .flat_map(|(base, members)| {
            let alike = members.iter().all(|(_, c)| *c == members[0].1);
            match alike {
                true => vec![(base, members[0].1.clone())],
                false => members,
            }
        })
        .filter(|(_, c)| !c.is_empty())
        .map(|(n, c)| format!("{n}{c}"))
        .collect();
    match words.is_empty() {
        true => "no change".into(),
        false => words.join(", "),
    }
}

fn change(power: &Ratio, negated: bool) -> String {
    let sign = if negated { "·(-1)" } else { "" };
    let way = if power.is_negative() { "/" } else { "·" };
    let size = power.abs();
    let scale = match () {
        () if power.is_zero() => String::new(),
        () if size.is_one() => format!("{way}k"),
        () if size == Ratio::new(1.into(), 2.into()) => format!("{way}√k"),
        () if size.is_integer() => format!("{way}k^{}", show_ratio(&size)),
        () => format!("{way}k^({})", show_ratio(&size)),
    };
    format!("{scale}{sign}")
}

/// The reason for which a run ends, without numbers of nodes that nobody knows.
pub(super) fn ends(error: &ExecError) -> String {
    match error {
        ExecError::Operation {
            node, step, source, ..
        } if node.contains('%') => format!("in step {step}, {source}"),
        other => other.to_string(),
    }
}

/// Names joined for a sentence: `a, b and c`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
