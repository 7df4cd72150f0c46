//! The steps as LaTeX, with the factor of each quantity.

use num_traits::Zero;

use super::derived::Derived;
use crate::arith::{Ratio, show_ratio};
use crate::gauge::Rule;
use crate::graph::print;

/// One `align*` environment for each step: what each leaf is multiplied by, then every
/// quantity with its formula and its factor.
pub(super) fn document(all: &[Derived]) -> String {
    let sections = all.iter().map(section);
    sections.collect::<Vec<_>>().join("\n")
}

fn section(derived: &Derived) -> String {
    let rule = derived.whole.rule();
    let leaves = rule.weights.iter().map(|(name, weight)| {
        let name = format!("\\texttt{{{}}}", name.replace('_', "\\_"));
        format!("  {name} &\\mapsto {}\\,{name}", factor(rule, weight))
    });
    let definitions = print::definitions(&derived.whole.step);
    let formulas = definitions.iter().map(|d| {
        let weight = rule.node_weights[d.node.index()].as_ref();
        let factor = weight.map_or("\\text{(zero)}".to_owned(), |w| factor(rule, w));
        let formula = d.latex.replacen(" = ", " &= ", 1);
        format!("  {formula} && {factor}")
    });
    let lines: Vec<String> = leaves.chain(formulas).collect();
    format!(
        "% {}: every quantity with the factor by which it is multiplied\n\\begin{{align*}}\n{}\n\\end{{align*}}\n",
        derived.recipe.optimizer.name,
        lines.join(" \\\\\n")
    )
}

fn factor(rule: &Rule, weight: &[Ratio]) -> String {
    let powers: Vec<String> = rule
        .basis()
        .iter()
        .zip(weight)
        .filter(|(_, w)| !w.is_zero())
        .map(|(name, w)| match show_ratio(w).as_str() {
            "1" => (*name).to_owned(),
            w => format!("{name}^{{{w}}}"),
        })
        .collect();
    if powers.is_empty() {
        "1".to_owned()
    } else {
        powers.join("\\,")
    }
}
