//! The rules as tables and sentences, one section for each optimizer.

use num_traits::Zero;

use super::derived::{Derived, Part};
use crate::arith::{Ratio, show_ratio};
use crate::cli::console::STRONG;
use crate::cli::table::wrapped;
use crate::gauge::{Direction, DirectionKind, Mixing, Rotations, Rule, Weight};
use crate::graph::LeafKind;
use crate::report::terminal;
use crate::zoo::Case;

pub(super) fn document(all: &[Derived], invariants: bool, width: usize) -> String {
    let sections = all
        .iter()
        .map(|derived| section(derived, invariants, width));
    sections.collect::<Vec<_>>().join("\n")
}

fn section(derived: &Derived, invariants: bool, width: usize) -> String {
    let whole = &derived.whole;
    let rule = whole.rule();
    let mut lines = vec![freedom(rule)];
    lines.extend(trouble(whole));
    lines.extend(whole.derivation.directions.iter().map(direction));
    lines.extend(powers_of_two(whole));
    lines.extend(cases(derived));
    if invariants && rule.dimension() > 0 {
        lines.push("No rescaling changes:".to_owned());
        let (fixed, of_worth): (Vec<_>, Vec<_>) =
            (whole.derivation.invariants.iter()).partition(|i| i.is_trivial());
        lines.extend(of_worth.iter().map(|invariant| format!("  {invariant}")));
        let fixed: Vec<String> = fixed.iter().map(ToString::to_string).collect();
        if !fixed.is_empty() {
            lines.push(format!("  and {}, each by itself", fixed.join(", ")));
        }
    }
    for flip in &whole.derivation.sign_flips.flips {
        lines.push(format!(
            "The loss stays the same when these change sign together: {}.",
            flip.flipped.join(", ")
        ));
    }
    lines.extend(whole.derivation.rotations.as_ref().map(mixing));
    let certificate = &whole.derivation.inference.certificate;
    lines.push(format!(
        "Certificate: a weight for each of {} nodes, {};",
        certificate.nodes.len(),
        match derived.refused() {
            None => "accepted by the independent checker",
            Some(_) => "NOT ACCEPTED by the independent checker",
        }
    ));
    lines.push(format!("  sha256 {}", certificate.sha256()));
    let mut text = wrapped(&heading(derived), width);
    // The name is the first word, so it is in the first line.
    text = text.replacen(
        derived.recipe.optimizer.name,
        &format!("{STRONG}{}{STRONG:#}", derived.recipe.optimizer.name),
        1,
    );
    text += &table(whole, width);
    for line in lines {
        text += &wrapped(&line, width);
    }
    text
}

fn heading(derived: &Derived) -> String {
    let recipe = &derived.recipe;
    let mut facts = vec![recipe.model.name.to_owned() + " model"];
    facts.extend(derived.loss().map(|l| format!("{l} loss")));
    facts.extend(recipe.clip.map(|c| format!("clipping by {}", c.name())));
    facts.extend(recipe.flags.iter().cloned());
    facts.extend(recipe.off.iter().map(|name| format!("{name} = 0")));
    if derived.is_shared {
        facts.push("one value of each setting for all tensors".to_owned());
    }
    format!(
        "{}: {}; {}",
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

fn table(part: &Part, width: usize) -> String {
    let rule = part.rule();
    let shared = part.in_sqrt_k();
    let graph = &part.step.graph;
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
    let constants = &part.derivation.conflicts.constants;
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
    terminal::table(&heads, &rows, width)
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

/// Each quantity with its factor, those with factor 1 left out: `lr_A·p^2, lr_B·q^2`.
fn factors<'a>(
    names: impl Iterator<Item = &'a String>,
    basis: &[&str],
    weight: impl Fn(&str) -> Option<&'a Weight>,
) -> String {
    let moving = names.filter_map(|name| {
        let weight = weight(name)?;
        let moves = weight.iter().any(|w| !w.is_zero());
        moves.then(|| format!("{name}·{}", monomial(basis, weight)))
    });
    moving.collect::<Vec<_>>().join(", ")
}

fn freedom(rule: &Rule) -> String {
    let moving: Vec<&str> = rule
        .generators
        .iter()
        .filter(|g| g.moves_parameters)
        .map(|g| g.name.as_str())
        .collect();
    match moving.as_slice() {
        [] => "No factor is free: nothing can be rescaled.".to_owned(),
        [one] => format!("One factor is free: {one}."),
        many => format!(
            "{} factors are free, independently: {}.",
            many.len(),
            many.join(", ")
        ),
    }
}

/// By which matrices the ranks may be mixed, and what stands in the way of more.
fn mixing(found: &Rotations) -> String {
    let may = match found.allowed {
        Some(Mixing::Orthogonal) => "may be mixed by any orthogonal matrix",
        Some(Mixing::SignedPermutation) => "may be mixed by signed permutations only",
        Some(Mixing::Permutation) => "may be mixed by permutations only",
        None => "are not known to be alike in any order",
    };
    match found.because() {
        Some(why) => format!("Ranks {may}: {why}."),
        None => format!("Ranks {may}."),
    }
}

/// One direction of the rule, with what must change along it.
fn direction(direction: &Direction) -> String {
    let basis: Vec<&str> = direction.basis.iter().map(String::as_str).collect();
    let weight = |name: &str| direction.weights.get(name);
    let is_state = |name: &&String| name.starts_with("state.");
    let names = direction.weights.keys().filter(|n| !is_state(n));
    let lead = match &direction.kind {
        DirectionKind::ScaleFixed => "With alpha as it is (k = 1)".to_owned(),
        DirectionKind::Alone(tensor) => format!("With alpha·k and {tensor} alone"),
    };
    let quotients: Vec<String> = direction
        .quotients
        .iter()
        .filter(|q| q.above.starts_with("lr"))
        .map(|q| format!("{}/{}·{}", q.above, q.below, monomial(&basis, &q.weight)))
        .collect();
    let quotients = match quotients.as_slice() {
        [] => String::new(),
        some => format!(" (so {})", some.join(", ")),
    };
    format!("{lead}: {}{quotients}.", factors(names, &basis, weight))
}

/// The obstacles to scaling every factor by itself, in sentences.
fn trouble(part: &Part) -> Vec<String> {
    let conflicts = &part.derivation.conflicts;
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

/// The quantities that can be rescaled besides where rounding into a storage format commutes.
fn powers_of_two(part: &Part) -> Option<String> {
    let rule = &part.derivation.powers_of_two.as_ref()?.rule;
    let names = rule.parameters.iter().chain(&rule.hyperparameters);
    Some(format!(
        "Where every rounded quantity is multiplied by a power of two (as for k = 4^m with equal \
         factors), and nothing leaves the range: {}",
        factors(names, &rule.basis(), |name| rule.weights.get(name)) + "."
    ))
}

/// The rule in each case, where it differs from that of the whole step.
fn cases(derived: &Derived) -> Vec<String> {
    let whole = &derived.whole;
    let (mut same, mut lines) = (Vec::new(), Vec::new());
    for (case, part) in &derived.cases {
        let differences = part.derivation.differences(&whole.derivation);
        if differences.is_empty() {
            same.push(named(case));
            continue;
        }
        let rule = part.rule();
        let weight = |name: &str| rule.weights.get(name);
        // With other free factors, what is equal by the letter is not the same.
        let names: Vec<&String> = match rule.basis() == whole.rule().basis() {
            true => differences.iter().collect(),
            false => rule
                .parameters
                .iter()
                .chain(&rule.hyperparameters)
                .collect(),
        };
        let unchanged: Vec<&str> = names
            .iter()
            .filter(|n| weight(n).is_some_and(|w| w.iter().all(Zero::is_zero)))
            .filter(|n| differences.contains(n))
            .map(|n| n.as_str())
            .collect();
        let mut facts = vec![factors(names.into_iter(), &rule.basis(), weight)];
        if !unchanged.is_empty() {
            facts.push(format!("{} unchanged", unchanged.join(", ")));
        }
        let only_here = |name: &&String| !whole.derivation.unread.contains(name);
        let unread: Vec<&str> = part
            .derivation
            .unread
            .iter()
            .filter(only_here)
            .map(String::as_str)
            .collect();
        if !unread.is_empty() {
            facts.push(format!("{} not read", unread.join(", ")));
        }
        facts.retain(|fact| !fact.is_empty());
        let freedom = match rule.independent_parameters() {
            n if n == whole.rule().independent_parameters() => String::new(),
            _ => format!(" {}", freedom(rule).trim_end_matches('.')) + ":",
        };
        lines.push(format!(
            "In the case {}:{freedom} {}.",
            named(case),
            facts.join("; ")
        ));
    }
    if !same.is_empty() {
        lines.push(format!(
            "The same rule in the case {}.",
            same.join(", and ")
        ));
    }
    lines
}

fn named(case: &Case) -> String {
    match case.when.as_str() {
        "" => case.name.clone(),
        when => format!("{} ({when})", case.name),
    }
}
