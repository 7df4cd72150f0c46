//! The rules as tables and sentences.

use num_traits::Zero;

use super::Derived;
use crate::arith::{Ratio, show_ratio};
use crate::cli::console::STRONG;
use crate::cli::table::WIDTH;
use crate::gauge::Rule;
use crate::graph::LeafKind;
use crate::report::terminal;

pub(super) fn document(all: &[Derived], invariants: bool) -> String {
    let sections = all.iter().map(|derived| section(derived, invariants));
    sections.collect::<Vec<_>>().join("\n")
}

fn section(derived: &Derived, invariants: bool) -> String {
    let rule = &derived.inference.rule;
    let mut text = heading(derived);
    text += &table(derived);
    text += &freedom(rule);
    for line in trouble(derived) {
        text += &format!("{line}\n");
    }
    if invariants && rule.dimension() > 0 {
        text += "No rescaling changes:\n";
        let of_worth = derived.invariants.iter().filter(|i| !i.is_trivial());
        for invariant in of_worth {
            text += &format!("  {invariant}\n");
        }
        let fixed = derived.invariants.iter().filter(|i| i.is_trivial());
        let fixed: Vec<String> = fixed.map(ToString::to_string).collect();
        if !fixed.is_empty() {
            text += &format!("  and {}, each by itself\n", fixed.join(", "));
        }
    }
    if invariants {
        for flip in &derived.sign_flips {
            text += &format!(
                "The loss stays the same when these change sign together: {}\n",
                flip.flipped.join(", ")
            );
        }
    }
    let certificate = &derived.inference.certificate;
    text += &format!(
        "Certificate: a weight for each of {} nodes, {}; sha256 {}\n",
        certificate.nodes.len(),
        match derived.refused {
            None => "accepted by the independent checker",
            Some(_) => "NOT ACCEPTED by the independent checker",
        },
        certificate.sha256()
    );
    text
}

fn heading(derived: &Derived) -> String {
    let recipe = &derived.recipe;
    let mut facts = vec![recipe.model.name.to_owned() + " model"];
    facts.extend(derived.loss().map(|l| format!("{l} loss")));
    facts.extend(recipe.clip.map(|c| format!("clipping by {}", c.name())));
    facts.extend(recipe.flags.iter().cloned());
    facts.extend(recipe.off.iter().map(|name| format!("{name} = 0")));
    if derived.shared {
        facts.push("one value of each setting for both factors".to_owned());
    }
    format!(
        "{STRONG}{}{STRONG:#}: {}; {}\n",
        recipe.optimizer.name,
        recipe.optimizer.title,
        facts.join(", ")
    )
}

/// Quantities of one kind (its rank and its name) with the same factors.
struct Group<'a> {
    kind: (usize, &'static str),
    factors: Vec<String>,
    names: Vec<&'a str>,
}

fn table(derived: &Derived) -> String {
    let rule = &derived.inference.rule;
    let shared = derived.in_sqrt_k();
    let graph = &derived.step.graph;
    let kind = |name: &str| match graph
        .leaf(name)
        .and_then(|id| graph.leaf_at(id))
        .map(|leaf| &leaf.kind)
    {
        Some(LeafKind::Parameter) => (0, "trained"),
        Some(LeafKind::Hyperparameter { .. }) => (1, "setting"),
        Some(LeafKind::State) => (2, "memory"),
        _ => (3, "constant"),
    };
    let mut heads = vec![
        "quantity".to_owned(),
        "is".to_owned(),
        "is multiplied by".to_owned(),
    ];
    if shared.is_some() {
        heads.push("when each setting is shared".to_owned());
    }
    let constants = &derived.conflicts.constants;
    heads.extend(
        constants
            .iter()
            .map(|c| format!("without the {}", c.constant)),
    );
    let factors = |name: &str| -> Vec<String> {
        let in_k = shared.as_ref().and_then(|all| {
            let base = rule.bases.get(name);
            all.get(name).or_else(|| all.get(base?))
        });
        let mut all = vec![of(rule, name)];
        all.extend(in_k.map(|w| monomial(&["k"], &[w / Ratio::from_integer(2.into())])));
        all.extend(constants.iter().map(|c| of(&c.rule, name)));
        all
    };
    let mut groups: Vec<Group> = Vec::new();
    for name in rule.weights.keys() {
        let (kind, factors) = (kind(name), factors(name));
        let name = name.strip_prefix("state.").unwrap_or(name);
        let alike = |g: &&mut Group| g.kind == kind && g.factors == factors;
        match groups.iter_mut().find(alike) {
            Some(group) => group.names.push(name),
            None => groups.push(Group {
                kind,
                factors,
                names: vec![name],
            }),
        }
    }
    groups.sort_by_key(|group| group.kind);
    let rows: Vec<Vec<String>> = groups
        .into_iter()
        .map(|group| {
            let mut row = vec![group.names.join(", "), group.kind.1.to_owned()];
            row.extend(group.factors);
            row
        })
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    terminal::table(&heads, &rows, WIDTH)
}

/// The factor of a quantity.
fn of(rule: &Rule, name: &str) -> String {
    monomial(
        &rule.basis(),
        rule.weights.get(name).map_or(&[], Vec::as_slice),
    )
}

/// A product of powers, for instance `p^2·q^-1`.
pub(super) fn monomial(basis: &[&str], weight: &[Ratio]) -> String {
    let powers: Vec<String> = basis
        .iter()
        .zip(weight)
        .filter(|(_, w)| !w.is_zero())
        .map(|(name, w)| match show_ratio(w).as_str() {
            "1" => (*name).to_owned(),
            w if w.contains('/') => format!("{name}^({w})"),
            w => format!("{name}^{w}"),
        })
        .collect();
    if powers.is_empty() {
        "1".to_owned()
    } else {
        powers.join("·")
    }
}

fn freedom(rule: &Rule) -> String {
    let moving: Vec<&str> = rule
        .generators
        .iter()
        .filter(|g| g.moves_parameters)
        .map(|g| g.name.as_str())
        .collect();
    match moving.as_slice() {
        [] => "No factor is free: nothing can be rescaled.\n".to_owned(),
        [one] => format!("One factor is free: {one}.\n"),
        many => format!(
            "{} factors are free, independently: {}.\n",
            many.len(),
            many.join(", ")
        ),
    }
}

/// What stands in the way of scaling every factor by itself, in sentences.
fn trouble(derived: &Derived) -> Vec<String> {
    let conflicts = &derived.conflicts;
    let mut lines = Vec::new();
    if conflicts.independent < conflicts.parameters {
        lines.push(format!(
            "Conflict: of {} trained tensors {} can be scaled independently ({}).",
            conflicts.parameters,
            match conflicts.independent {
                0 => "none".to_owned(),
                n => format!("only {n}"),
            },
            conflicts.remains.join(", ")
        ));
    }
    for c in &conflicts.constants {
        lines.push(format!("  {}.", c.because));
        lines.push(format!(
            "  Without the constant {} the rule is {}{}.",
            c.constant,
            c.without_it,
            alike(&c.rule)
        ));
    }
    for tie in &conflicts.ties {
        lines.push(format!("  {}.", tie.because));
    }
    lines
}

/// The trained tensors that a rule scales by one and the same factor, in words.
fn alike(rule: &Rule) -> String {
    let tied = rule.parameters.iter().filter(|name| {
        let own = rule.weights.get(*name);
        let with = |other: &&String| other != name && rule.weights.get(*other) == own;
        rule.parameters.iter().any(|other| with(&other))
    });
    let tied: Vec<&str> = tied.map(String::as_str).collect();
    match tied.as_slice() {
        [] => String::new(),
        names => format!(": {} must scale alike", names.join(" and ")),
    }
}
