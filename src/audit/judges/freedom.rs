//! A quantity (alpha) can be moved freely if others follow: degrees of freedom, invariants, and
//! whether fewer followers would do.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero;

use super::{Draft, JudgeError};
use crate::arith::{Ratio, show_ratio};
use crate::audit::evidence::{COVERS, certificate, decide, derivation, describe, hunt_map};
use crate::audit::{Claim, Evidence, Rung, Table, Verdict};
use crate::gauge::{self, MapDecision};
use crate::scenario::{Property, ScaleMap};
use crate::search::Start;

/// Random cases of each size in a hunt.
const CASES: u32 = 60;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let step = claim.symbolic()?.build()?;
    let linear = claim.numeric()?;
    let tied = gauge::infer(&step, &gauge::Options::shared());
    gauge::check(&step, &tied.certificate)?;
    let free = gauge::infer(&step, &gauge::Options::default());
    gauge::check(&step, &free.certificate)?;
    let Some(weights) = gauge::weights_in_sqrt_k(&tied.rule, "s") else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "with shared hyperparameters no rescaling of alpha keeps the step",
        ));
    };
    // In powers of k rather than of its root; names as a map has them.
    let mut solved = BTreeMap::new();
    for (name, weight) in &weights {
        let parameter = step.parameter(name).is_some();
        let key = match name.as_str() {
            "s" => "alpha".to_owned(),
            name if parameter => format!("init_{name}"),
            name => name.to_owned(),
        };
        if !weight.is_zero() && !name.starts_with("state.") {
            solved.insert(key, weight / Ratio::from_integer(2.into()));
        }
    }
    let followers: BTreeSet<String> = claim.vary().iter().cloned().collect();
    let follows = |name: &String| {
        name == "alpha"
            || followers.contains(name)
            || (name.starts_with("init") && followers.contains("init"))
    };
    let stray: Vec<&String> = solved.keys().filter(|n| !follows(n)).collect();
    let map = ScaleMap {
        powers: solved.clone(),
        negate: BTreeSet::new(),
    };
    let powers = map.resolve(&step)?;
    let decision = decide(&step, &powers, &[], claim.nonzero())?;
    let MapDecision::Homogeneous(proof) = decision else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "the derived map is not confirmed",
        ));
    };
    let mut draft = if stray.is_empty() {
        Draft::new(
            Verdict::Proved,
            format!("every alpha is reached along {}", describe(&step, &powers)),
        )
    } else {
        let names: Vec<&str> = stray.iter().map(|s| s.as_str()).collect();
        let mut draft = Draft::new(
            Verdict::ProvedIf,
            format!("it holds if {} may change as well", names.join(", ")),
        );
        draft
            .conditions
            .push(format!("{} change as well", names.join(", ")));
        draft
    };
    draft.conditions.insert(0, "alpha keeps its sign".into());
    draft.evidence.push(certificate(
        &proof.certificate,
        format!("Along this map: {COVERS}"),
    ));
    draft.derivation = Some(derivation(
        &step,
        &proof.certificate,
        "The step and the power of k at each quantity",
    ));
    draft.evidence.push(
        certificate(
            &free.certificate,
            "All rescalings of the factors: with a rate for each factor, and with one rate for both.",
        )
        .with("dimension with two rates", free.rule.dimension())
        .with("dimension with one rate", tied.rule.dimension())
        .with(
            "invariants",
            gauge::invariants(&free.rule)
                .iter()
                .filter(|i| !i.is_trivial())
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ),
    );
    let knobs = step.parameters.len() + weights.len()
        - weights
            .keys()
            .filter(|n| n.starts_with("state.") || step.parameter(n).is_some())
            .count();
    draft.evidence.push(
        Evidence::new(
            Rung::Certificate,
            "Degrees of freedom with one rate: the settings (alpha, the rate, the scale of each factor) less the rescalings that change nothing.",
        )
        .with("settings", knobs)
        .with("rescalings", tied.rule.dimension())
        .with("effective", knobs - tied.rule.dimension()),
    );
    // Would fewer followers do? Each is left where it is in turn.
    let mut rows = Vec::new();
    for held in claim.vary() {
        let kept: BTreeMap<String, Ratio> = solved
            .iter()
            .filter(|(n, _)| !(*n == held || (held == "init" && n.starts_with("init"))))
            .map(|(n, p)| (n.clone(), p.clone()))
            .collect();
        let map = ScaleMap {
            powers: kept,
            negate: BTreeSet::new(),
        };
        let powers = map.resolve(&step)?;
        let four = Ratio::from_integer(4.into());
        let hunted = hunt_map(
            &linear,
            &Property::same_run(),
            &powers,
            &four,
            &Start::lora(),
            CASES,
        )?;
        rows.push(vec![
            held.clone(),
            describe(&step, &powers),
            match &hunted.found {
                Some(found) => format!("refuted: {}", found.finding.describe()),
                None => "no counterexample found".to_owned(),
            },
        ]);
    }
    draft.tables.push(Table {
        title: "Would fewer settings do? Each is left where it is in turn, at k = 4 in exact arithmetic".into(),
        columns: ["left alone", "the rest", "from B = 0"].map(String::from).to_vec(),
        rows,
    });
    draft.tables.push(Table {
        title: "The rule with one rate, in powers of k".into(),
        columns: ["quantity", "power"].map(String::from).to_vec(),
        rows: solved
            .iter()
            .map(|(n, p)| vec![n.clone(), show_ratio(p)])
            .collect(),
    });
    Ok(draft)
}
