//! The steps as LaTeX, with the factor of each quantity.

use num_traits::Zero;

use super::derived::Derived;
use crate::arith::{Ratio, show_ratio};
use crate::gauge::Rule;
use crate::graph::print;

const PREAMBLE: &str = "\
\\documentclass[10pt]{article}
\\usepackage[a4paper,landscape,margin=15mm]{geometry}
\\usepackage{amsmath,amssymb,graphicx}
\\setlength{\\parindent}{0pt}
\\setlength{\\parskip}{1.2ex}
\\raggedright
% A formula wider than the page is made smaller.
\\newsavebox{\\formula}
\\newcommand{\\quantity}[2]{%
  \\sbox{\\formula}{$\\displaystyle #1$}%
  \\makebox[32mm][l]{$#2$}%
  \\ifdim\\wd\\formula>0.86\\textwidth
    \\resizebox{0.86\\textwidth}{!}{\\usebox{\\formula}}%
  \\else\\usebox{\\formula}\\fi\\par}
";

/// A whole document with a section for each step: what each leaf is multiplied by, then every
/// quantity with its factor and its formula.
pub(super) fn document(all: &[Derived]) -> String {
    let sections: Vec<String> = all.iter().map(section).collect();
    let body = sections.join("\n");
    format!("{PREAMBLE}\\begin{{document}}\n{body}\\end{{document}}\n")
}

fn section(derived: &Derived) -> String {
    let rule = derived.whole.rule();
    let mut by_factor: Vec<(String, Vec<String>)> = Vec::new();
    for (name, weight) in &rule.weights {
        let (factor, name) = (factor(rule, weight), texttt(name));
        match by_factor.iter_mut().find(|(f, _)| *f == factor) {
            Some((_, names)) => names.push(name),
            None => by_factor.push((factor, vec![name])),
        }
    }
    let leaves = by_factor.iter().map(|(factor, names)| {
        let names = names.join(", ");
        format!("\\hangindent=32mm\\makebox[32mm][l]{{${factor}$}}{names}\\par")
    });
    let definitions = print::definitions(&derived.whole.step);
    let formulas = definitions.iter().map(|d| {
        let weight = rule.node_weights[d.node.index()].as_ref();
        let factor = weight.map_or("\\text{(zero)}".to_owned(), |w| factor(rule, w));
        format!("\\quantity{{{}}}{{{factor}}}", d.latex)
    });
    let (leaves, formulas): (Vec<String>, Vec<String>) = (leaves.collect(), formulas.collect());
    format!(
        "\\section*{{{}}}\nEvery quantity with the factor by which it is multiplied.\\par\n{}\n\n\\bigskip\n{}\n",
        texttt(derived.recipe.optimizer.name),
        leaves.join("\n"),
        formulas.join("\n")
    )
}

/// A name as it stands in the program; it may be broken at underscores.
fn texttt(name: &str) -> String {
    format!("\\texttt{{{}}}", name.replace('_', "\\_\\allowbreak{}"))
}

fn factor(rule: &Rule, weight: &[Ratio]) -> String {
    let powers: Vec<String> = rule
        .basis()
        .iter()
        .zip(weight)
        .filter(|(_, w)| !w.is_zero())
        .map(|(name, w)| {
            let name = if name.len() == 1 {
                (*name).to_owned()
            } else {
                format!("\\mathtt{{{}}}", name.replace('_', "\\_"))
            };
            match show_ratio(w).as_str() {
                "1" => name,
                w => format!("{name}^{{{w}}}"),
            }
        })
        .collect();
    if powers.is_empty() {
        "1".to_owned()
    } else {
        powers.join("\\,")
    }
}
