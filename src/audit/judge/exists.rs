//! Claims that something exists: powers with which a quantity can be moved, and how many settings
//! are effective. A certificate shows what there is, exact derivatives what there cannot be.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;

use super::{Draft, JudgeError};
use crate::arith::{Ratio, show_ratio};
use crate::audit::case::Case;
use crate::audit::claim::{Knobs, MapFile};
use crate::audit::evidence::{certificate, derivation, of_map};
use crate::audit::tangent::{Groups, Tangent};
use crate::audit::words::{describe, listed};
use crate::audit::{Evidence, Rung, Table, Verdict};
use crate::fault::{Fault, planted};
use crate::gauge::{self, Inference, MapDecision, MapQuestion, Options};
use crate::graph::StepGraph;
use crate::scenario::Powers;

/// Quantities by the names of a map, each as the leaves that it moves: settings that are one number
/// are one quantity, and so are first values. The more special name has its leaf alone.
pub(super) fn groups(step: &StepGraph, zero: &BTreeSet<String>, names: &[String]) -> Groups {
    let special = |leaf: &str| names.iter().any(|name| name == leaf);
    let group = |name: &String| -> (String, Vec<String>) {
        let mut leaves = vec![];
        for (leaf, base, _) in step.hyperparameters() {
            let general = if base == "s" { "alpha" } else { base };
            if leaf == name || ([base, general].contains(&name.as_str()) && !special(leaf)) {
                leaves.push(leaf.to_owned());
            }
        }
        for p in step.parameters.iter().filter(|p| !zero.contains(&p.name)) {
            let own = format!("init_{}", p.name);
            if own == *name || (name == "init" && !special(&own)) {
                leaves.push(p.name.clone());
            }
        }
        (name.clone(), leaves)
    };
    let mut all: Groups = names.iter().map(group).collect();
    if planted(Fault::TiesForgotten) {
        let split = all.into_iter().flat_map(|(name, leaves)| {
            leaves
                .into_iter()
                .map(move |leaf| (name.clone(), vec![leaf]))
        });
        all = split.collect();
    }
    all
}

fn leaves(groups: &Groups) -> Vec<Vec<String>> {
    groups.iter().map(|(_, leaves)| leaves.clone()).collect()
}

fn powers_of(asked: &MapQuestion) -> Powers {
    Powers {
        hyperparameters: asked.hyperparameters.clone(),
        initial: asked.initial.clone(),
        negated: asked.negated.clone(),
    }
}

/// Judges `kind = "freedom"`.
pub(super) fn freedom(
    case: &Case<'_>,
    map: &MapFile,
    vary: &[String],
) -> Result<Draft, JudgeError> {
    let fixed = map.powers(&case.symbolic)?;
    let on_runs = map.powers(&case.step)?;
    free(case, &fixed, &on_runs, vary)
}

/// The draft on whether `fixed` becomes a rule if the quantities in `vary` follow by some powers of k.
fn free(
    case: &Case<'_>,
    fixed: &Powers,
    on_runs: &Powers,
    vary: &[String],
) -> Result<Draft, JudgeError> {
    let step = &case.symbolic;
    let zero = &case.setting.zero;
    let asked = MapQuestion {
        conditions: vec![],
        ..case.question(fixed)
    };
    let own = groups(step, zero, vary);
    if let Some(proof) = solved(step, &asked, &own)? {
        return found(case, &proof.0, &proof.1, Verdict::Proved, &[]);
    }
    // What the claim says nothing of: terms that might follow as well.
    let extra: Vec<String> = case
        .setting
        .incidental()
        .iter()
        .map(|n| (*n).to_owned())
        .collect();
    let read = |name: &String| step.hyperparameters().any(|(_, base, _)| base == name);
    let extra: Vec<String> = extra
        .into_iter()
        .filter(|n| read(n) && !vary.contains(n))
        .collect();
    let with = |more: &[String]| groups(step, zero, &[vary, more].concat());
    let mut needed = extra.clone();
    let mut proof = solved(step, &asked, &with(&needed))?;
    for name in &extra {
        if proof.is_none() {
            break;
        }
        let fewer: Vec<String> = needed.iter().filter(|n| *n != name).cloned().collect();
        if let Some(still) = solved(step, &asked, &with(&fewer))? {
            (needed, proof) = (fewer, Some(still));
        }
    }
    if !fixed.negated.is_empty() {
        return Ok(Draft::unknown(
            "no powers have a certificate with these signs, and derivatives at k = 1 say nothing of a \
             map that changes signs",
        ));
    }
    let tangent = Tangent::new(case)?;
    let on_step = groups(&case.step, zero, vary);
    let excluded = tangent.excludes(on_runs, &on_step)?;
    let Some(excluded) = excluded else {
        let known = match &proof {
            Some(_) => format!("it holds if {} may change as well; ", listed(&needed)),
            None => String::new(),
        };
        return Ok(Draft::unknown(format!(
            "{known}no powers of {} are a rule, and no exact derivative excludes them all: {}",
            vary.join(", "),
            tangent.why()
        )));
    };
    let Some((asked, proof)) = proof else {
        let mut because = format!(
            "no powers of {} make up for {}",
            listed(vary),
            describe(step, fixed)
        );
        if let Some(instead) = rule_instead(case, step, &asked)? {
            because = format!("{because}. What holds instead: {instead}");
        }
        let mut draft = Draft::new(Verdict::Refuted, because);
        draft.evidence.push(excluded);
        return Ok(draft);
    };
    let mut draft = found(case, &asked, &proof, Verdict::ProvedIf, &needed)?;
    draft.evidence.push(excluded);
    Ok(draft)
}

/// The completed map with its proof, where there is one.
fn solved(
    step: &StepGraph,
    asked: &MapQuestion,
    free: &Groups,
) -> Result<Option<(MapQuestion, gauge::MapProof)>, JudgeError> {
    let Some(whole) = gauge::complete(step, asked, &leaves(free))? else {
        return Ok(None);
    };
    Ok(match gauge::decide(step, &whole)? {
        MapDecision::Holds(proof) => Some((whole, proof)),
        MapDecision::HoldsIf(_) | MapDecision::Fails { .. } => None,
    })
}

fn found(
    case: &Case<'_>,
    asked: &MapQuestion,
    proof: &gauge::MapProof,
    verdict: Verdict,
    needed: &[String],
) -> Result<Draft, JudgeError> {
    let step = &case.symbolic;
    let powers = powers_of(asked);
    let runs = match case.exact_runs(&powers) {
        Ok(Err(contradiction)) => return Ok(Draft::unknown(contradiction)),
        Ok(Ok(runs)) => Ok(runs),
        Err(e) => Err(e),
    };
    let along = describe(step, &powers);
    let because = match needed {
        [] => format!("every k is reached along {along}"),
        names => format!("it holds if {} may change as well: {along}", listed(names)),
    };
    let mut draft = Draft::new(verdict, because);
    draft.conditions.push("k > 0".into());
    if !needed.is_empty() {
        draft
            .conditions
            .push(format!("{} may change as well", listed(needed)));
    }
    draft
        .evidence
        .extend(of_map(case, proof, "Along this map: "));
    draft.gather("exact runs", runs);
    draft.derivation = Some(derivation(
        step,
        &proof.scaling.certificate,
        "The step and the power of k at each quantity",
    ));
    let all = asked.hyperparameters.iter().chain(&asked.initial);
    draft.tables.push(Table {
        title: "The rule in powers of k".into(),
        columns: ["quantity", "power"].map(String::from).to_vec(),
        rows: all
            .filter(|(_, power)| !power.is_zero())
            .map(|(name, power)| vec![name.clone(), show_ratio(power)])
            .collect(),
    });
    Ok(draft)
}

/// The rule that moves the scales as `asked` does (or, where it moves none, the first thing that
/// it moves), and everything else as it must, in words.
pub(super) fn rule_instead(
    case: &Case<'_>,
    step: &StepGraph,
    asked: &MapQuestion,
) -> Result<Option<String>, JudgeError> {
    let moves = |leaf: &str| {
        asked
            .hyperparameters
            .get(leaf)
            .is_some_and(|p| !p.is_zero())
    };
    let scales: Vec<&str> = (step.hyperparameters())
        .filter(|(leaf, base, _)| *base == "s" && moves(leaf))
        .map(|(leaf, ..)| leaf)
        .collect();
    let first = step
        .hyperparameters()
        .map(|(leaf, ..)| leaf)
        .find(|leaf| moves(leaf));
    let kept: Vec<&str> = match scales.is_empty() {
        true => first.into_iter().collect(),
        false => scales,
    };
    if kept.is_empty() {
        return Ok(None);
    }
    let bases: BTreeSet<&str> = (step.hyperparameters())
        .filter(|(leaf, base, _)| *base != "s" && !kept.contains(leaf))
        .map(|(_, base, _)| base)
        .collect();
    let mut names: Vec<String> = bases.into_iter().map(str::to_owned).collect();
    names.push("init".into());
    let fixed = MapQuestion {
        hyperparameters: (asked.hyperparameters.iter())
            .filter(|(leaf, _)| kept.contains(&leaf.as_str()))
            .map(|(leaf, power)| (leaf.clone(), power.clone()))
            .collect(),
        initial: BTreeMap::new(),
        negated: BTreeSet::new(),
        conditions: vec![],
        ..asked.clone()
    };
    let whole = solved(step, &fixed, &groups(step, &case.setting.zero, &names))?;
    let moves = |asked: &MapQuestion| !powers_of(asked).is_identity();
    let whole = whole.filter(|(asked, _)| moves(asked));
    Ok(whole.map(|(asked, _)| describe(step, &powers_of(&asked))))
}

/// The draft on whether some powers of what these maps move, what moves alike held fixed, are a rule.
pub(super) fn some_powers(case: &Case<'_>, maps: &[Powers]) -> Result<Draft, JudgeError> {
    let all_alike = |power: &dyn Fn(&Powers) -> Option<Ratio>| {
        let first = maps.first().and_then(power);
        maps.iter().all(|map| power(map) == first)
    };
    let mut fixed = maps.first().cloned().unwrap_or_default();
    let mut vary = vec![];
    for (leaf, base, _) in case.symbolic.hyperparameters() {
        if !all_alike(&|map| map.hyperparameters.get(leaf).cloned()) {
            fixed.hyperparameters.remove(leaf);
            // Copies that the maps move alike are one number.
            let own = |map: &Powers, l: &str| map.hyperparameters.get(l).cloned();
            let copies = case
                .symbolic
                .hyperparameters()
                .filter(|(_, b, _)| *b == base);
            let mut copies = copies.map(|(l, ..)| l);
            let one = copies.all(|l| maps.iter().all(|map| own(map, l) == own(map, leaf)));
            let name = if one { base } else { leaf };
            if !vary.iter().any(|v| v == name) {
                vary.push(name.to_owned());
            }
        }
    }
    for p in &case.symbolic.parameters {
        if !all_alike(&|map| map.initial.get(&p.name).cloned()) {
            fixed.initial.remove(&p.name);
            vary.push(format!("init_{}", p.name));
        }
    }
    free(case, &fixed, &fixed, &vary)
}

/// The rescalings that move the named quantities only.
pub(in crate::audit) fn rescalings(
    case: &Case<'_>,
    moving: &Groups,
) -> Result<Inference, JudgeError> {
    let step = &case.symbolic;
    let zero = &case.setting.zero;
    let moved: BTreeSet<&String> = moving.iter().flat_map(|(_, leaves)| leaves).collect();
    let settings = step.hyperparameters().map(|(leaf, ..)| leaf.to_owned());
    let trained = step.parameters.iter().map(|p| p.name.clone());
    let trained = trained.filter(|name| !zero.contains(name));
    let held = settings.chain(trained).filter(|name| !moved.contains(name));
    let options = Options {
        held: held.collect(),
        ties: leaves(moving),
        kept: step.outputs.iter().map(|o| o.name.clone()).collect(),
        only_seen: true,
        ..Options::default()
    };
    let inference = gauge::infer(step, &options);
    let checked = gauge::check(step, &inference.question, &inference.certificate);
    checked.map_err(gauge::DecideError::from)?;
    Ok(inference)
}

/// The directions in which the rule moves the groups, one row for each free factor.
pub(in crate::audit) fn directions(inference: &Inference, groups: &Groups) -> Vec<Vec<Ratio>> {
    let weight = |leaves: &[String], g: usize| -> Ratio {
        let own = leaves
            .first()
            .and_then(|leaf| inference.rule.weights.get(leaf));
        own.and_then(|w| w.get(g)).cloned().unwrap_or_default()
    };
    (0..inference.rule.dimension())
        .map(|g| groups.iter().map(|(_, leaves)| weight(leaves, g)).collect())
        .collect()
}

/// Settings counted: how many are effective at most, by the rescalings there are, and at least, by
/// those there can be.
struct Counted {
    inference: Inference,
    most: usize,
    least: Option<usize>,
    why: String,
}

fn count(case: &Case<'_>, knobs: &[String], follow: &[String]) -> Result<Counted, JudgeError> {
    let zero = &case.setting.zero;
    let follow: Vec<String> = follow
        .iter()
        .filter(|n| !knobs.contains(n))
        .cloned()
        .collect();
    let together = [knobs, &follow].concat();
    let all = groups(&case.symbolic, zero, &together);
    let inference = rescalings(case, &all)?;
    let own: Groups = all.iter().take(knobs.len()).cloned().collect();
    let most = own.len() - crate::audit::tangent::rank(directions(&inference, &own));
    let tangent = Tangent::new(case)?;
    let on_step = groups(&case.step, zero, &together);
    let followers: Groups = on_step.iter().skip(knobs.len()).cloned().collect();
    let least = tangent.rank(&on_step)?;
    let following = match planted(Fault::FollowersCounted) {
        true => 0,
        false => followers.len(),
    };
    let least = least.map(|rank| rank.saturating_sub(following));
    Ok(Counted {
        why: tangent.why(),
        inference,
        most,
        least,
    })
}

/// Judges `kind = "knobs"`.
pub(super) fn knobs(case: &Case<'_>, own: &Knobs) -> Result<Draft, JudgeError> {
    let counted = count(case, &own.vary, &own.follow)?;
    let n = own.vary.len();
    let mut rows = vec![row(&own.vary, &counted)];
    let mut evidence = shown(&own.vary, &counted);
    let unsure = |c: &Counted| c.least != Some(c.most);
    let mut draft = match own.effective {
        Some(claimed) if claimed > counted.most || counted.least.is_some_and(|l| claimed < l) => {
            let because = format!(
                "{n} settings, {} effective; {claimed} are claimed",
                counted.most
            );
            Draft::new(Verdict::Refuted, because)
        }
        Some(claimed) if unsure(&counted) => Draft::unknown(format!(
            "{n} settings, at most {} effective; {claimed} are claimed, and whether there are further \
             rescalings is not known: {}",
            counted.most, counted.why
        )),
        Some(_) => Draft::new(
            Verdict::Proved,
            format!("{n} settings, {} effective, as claimed", counted.most),
        ),
        None => {
            let fewer = count(case, &own.compared_with, &own.follow)?;
            rows.push(row(&own.compared_with, &fewer));
            evidence.extend(shown(&own.compared_with, &fewer));
            let because = format!(
                "{} effective degrees of freedom with the additional settings, {} without",
                counted.most, fewer.most
            );
            match (counted.least, fewer.least) {
                (Some(least), _) if least > fewer.most => Draft::new(Verdict::Proved, because),
                (_, Some(least)) if counted.most <= least => Draft::new(Verdict::Refuted, because),
                _ => Draft::unknown(format!("{because}, as far as is known: {}", counted.why)),
            }
        }
    };
    if !own.follow.is_empty() && draft.verdict == Verdict::Proved {
        draft.verdict = Verdict::ProvedIf;
        draft
            .conditions
            .push(format!("{} follow", listed(&own.follow)));
    }
    let what = "rescalings of whole tensors and settings by powers of k > 0 are counted";
    draft.conditions.push(what.into());
    draft.evidence = evidence;
    draft.tables.push(Table {
        title: "Settings and the rescalings of them that change nothing".into(),
        columns: ["settings", "rescalings", "effective"]
            .map(String::from)
            .to_vec(),
        rows,
    });
    Ok(draft)
}

fn row(knobs: &[String], counted: &Counted) -> Vec<String> {
    let still = knobs.len() - counted.most;
    vec![
        knobs.join(", "),
        still.to_string(),
        counted.most.to_string(),
    ]
}

fn shown(knobs: &[String], counted: &Counted) -> Vec<Evidence> {
    let names = knobs.join(", ");
    let says = format!("Rescalings that move only {names} and keep every loss and output.");
    let mut all = vec![
        certificate(&counted.inference.certificate, says)
            .with("rescalings", knobs.len() - counted.most),
    ];
    if let Some(least) = counted.least {
        let says = format!(
            "The exact derivatives of loss and outputs along {names}, at drawn runs, have a rank by \
             which at least {least} are effective: there are no further rescalings."
        );
        all.push(Evidence::new(Rung::Exact, says).with("effective at least", least));
    }
    all
}
