//! The map is the only one of its sort: its neighbours on a grid of powers are certified or
//! refuted one by one, mixings of the ranks are tried, and only a theorem excludes the rest.

use std::collections::BTreeSet;

use super::{Draft, JudgeError};
use crate::arith::{Ratio, Surd, show_ratio};
use crate::audit::evidence::{COVERS, SEED, certificate, decide, describe, drawn};
use crate::audit::{Claim, Evidence, Rung, Table, Verdict, theorem};
use crate::exec::Tensor;
use crate::gauge::MapDecision;
use crate::scenario::{Outcome, Property, ScaleMap, Scenario};
use crate::search::{Finding, Found, Start, check_exactly, exact_arithmetic};
use crate::zoo::Recipe;

/// The powers of k that are tried for each quantity, in halves.
const HALVES: std::ops::RangeInclusive<i64> = -4..=2;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    if claim.mixing() {
        return mixings(claim);
    }
    let step = claim.symbolic()?.build()?;
    let linear = claim.numeric()?;
    let claimed = claim.map();
    let powers = claimed.resolve(&step)?;
    let MapDecision::Homogeneous(proof) = decide(&step, &powers, &[], claim.nonzero())? else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "the claimed map is itself no symmetry",
        ));
    };
    // One generic run suffices to tell a wrong neighbour.
    let left = drawn(&linear, [1, 1, 1, 1], 2, SEED, &Start::default())?;
    let k = Ratio::from_integer(4.into());
    let (mut others, mut refuted, mut open) = (Vec::new(), 0usize, Vec::new());
    let mut other_run = None;
    for map in grid(&claimed, claim.vary()) {
        let candidate = map.resolve(&step)?;
        if candidate == powers {
            continue;
        }
        if let MapDecision::Homogeneous(_) = decide(&step, &candidate, &[], claim.nonzero())? {
            others.push(describe(&step, &candidate));
            if other_run.is_none() {
                other_run = Some(candidate.apply(&left, &k)?);
            }
            continue;
        }
        let right = candidate.apply(&left, &k)?;
        match check_exactly(&Property::same_run(), &left, &right, 2)? {
            Outcome::Fails(_) => refuted += 1,
            _ => open.push(describe(&step, &candidate)),
        }
    }
    let exists = certificate(
        &proof.certificate,
        format!("The claimed map is a solution. {COVERS}"),
    );
    let neighbours = Evidence::new(
        Rung::Exact,
        format!(
            "Every other power of k from k^({}) to k^({}) in steps of one half for {} was judged at k = 4 on a 1 × 1 layer: each is certified or differs within two steps.",
            show_ratio(&half(*HALVES.start())),
            show_ratio(&half(*HALVES.end())),
            claim.vary().join(", ")
        ),
    )
    .with("refuted", refuted)
    .with("further solutions", others.len())
    .with("open", open.len());
    let mut draft = if !others.is_empty() {
        Draft::new(
            Verdict::Refuted,
            format!("there are other solutions, for instance {}", others[0]),
        )
    } else if !open.is_empty() || !excluded_by_theorem(claim, &linear) {
        Draft::new(
            Verdict::Unknown,
            "no other solution on the grid; nothing excludes one off the grid",
        )
    } else {
        let mut draft = Draft::new(
            Verdict::ProvedIf,
            "no other power of k passes, and a theorem leaves only one common sign of both factors",
        );
        draft.conditions = vec![
            "k > 0".into(),
            "the rule is asked to hold from every start and for every loss".into(),
            "up to one common sign of both factors, which changes nothing".into(),
        ];
        draft
    };
    if !others.is_empty() {
        draft.tables.push(Table {
            title: "Further maps with a certificate".into(),
            columns: vec!["map".into()],
            rows: others.into_iter().map(|o| vec![o]).collect(),
        });
    }
    draft.evidence.extend([exists, neighbours]);
    if let Some(other) = other_run {
        let unique = unique();
        let same = powers.apply(&left, &k)?;
        if let Some(finding) = Finding::of(&check_exactly(&unique, &same, &other, 2)?) {
            let found = Found {
                left: same,
                right: other,
                finding,
                arithmetic: exact_arithmetic(),
            };
            let says =
                "the claimed solution and another one at k = 4: equal loss and W, other factors";
            draft = draft.with_counterexample(claim, &unique, &found, says);
        }
    }
    Ok(draft)
}

/// Whether a compiled theorem leaves no other solution, on the grid or off it: `note_unique`
/// speaks of plain gradient descent, scalings with one rate, and the note's own map.
fn excluded_by_theorem(claim: &Claim, recipe: &Recipe) -> bool {
    let plain = recipe.clone().plain();
    let is_plain = recipe.optimizer.name == "sgd"
        && recipe.off == plain.off
        && recipe.flags.is_empty()
        && recipe.clip.is_none();
    let note = ScaleMap::of(&[
        ("alpha", "1"),
        ("lr", "-1"),
        ("init_A", "-1/2"),
        ("init_B", "-1/2"),
    ]);
    let vary: BTreeSet<&str> = claim.vary().iter().map(String::as_str).collect();
    is_plain
        && claim.map() == note
        && vary == BTreeSet::from(["lr", "init_A", "init_B"])
        && theorem("Necessity.note_unique", "S6").is_ok()
}

/// What uniqueness would make of equal runs: equal factors.
fn unique() -> Property {
    Property {
        premise: Property::same_run().conclusion,
        conclusion: vec!["A".into(), "B".into()],
        ..Property::default()
    }
}

fn half(n: i64) -> Ratio {
    Ratio::new(n.into(), 2.into())
}

/// The claimed map with every combination of powers for the quantities in `vary`.
fn grid(claimed: &ScaleMap, vary: &[String]) -> Vec<ScaleMap> {
    vary.iter().fold(vec![claimed.clone()], |maps, name| {
        maps.iter()
            .flat_map(|map| {
                HALVES.map(move |n| {
                    let mut next = map.clone();
                    next.powers.insert(name.clone(), half(n));
                    next
                })
            })
            .collect()
    })
}

/// Whether mixing the ranks on top of the map makes another solution: a rotation by rational
/// numbers, and a shear as a control.
fn mixings(claim: &Claim) -> Result<Draft, JudgeError> {
    let linear = claim.numeric()?;
    let powers = claim.map().resolve(&linear.build()?)?;
    let k = Ratio::from_integer(4.into());
    let left = drawn(&linear, [3, 3, 2, 2], 3, SEED, &Start::default())?;
    let scaled = powers.apply(&left, &k)?;
    // U = O·A/√k, V = B·Oᵀ/√k with O = (3 4; -4 3)/5, and with the shear S = (1 1; 0 1).
    let rotated = mixed(&scaled, [[3.0, 4.0], [-4.0, 3.0]], 5)?;
    let sheared = mixed(&scaled, [[1.0, 1.0], [0.0, 1.0]], 1)?;
    let property = Property::same_run();
    let rotation = check_exactly(&property, &left, &rotated, left.steps)?;
    let shear = check_exactly(&property, &left, &sheared, left.steps)?;
    let (Outcome::Holds { compared }, Outcome::Fails(difference)) = (&rotation, &shear) else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "the mixings could not be told apart",
        ));
    };
    let mut draft = Draft::new(
        Verdict::Refuted,
        "a rotation of the ranks gives the same function at every step with other factors",
    );
    draft.evidence.push(
        Evidence::new(
            Rung::Exact,
            "With O = (3 4; -4 3)/5, the run from O·A/√k, B·Oᵀ/√k has the same loss and W at every step as the original, number by number; yet its factors are not the original's over √k.",
        )
        .with("compared", compared)
        .with("steps", left.steps),
    );
    draft.evidence.push(Evidence::new(
        Rung::Exact,
        format!(
            "A shear of the ranks with the transpose in place of the inverse is no solution: after {} steps {} differs by {}.",
            difference.after_steps, difference.quantity, difference.difference
        ),
    ));
    draft.conditions.push(
        "it would need: mixings of the ranks are excluded (what remains is O/√k with O orthogonal)"
            .into(),
    );
    let unique = unique();
    let outcome = check_exactly(&unique, &scaled, &rotated, left.steps)?;
    if let Some(finding) = Finding::of(&outcome) {
        let found = Found {
            left: scaled,
            right: rotated,
            finding,
            arithmetic: exact_arithmetic(),
        };
        let says = "the rescaled run and the same run with its ranks rotated: equal loss and W, other factors";
        draft = draft.with_counterexample(claim, &unique, &found, says);
    }
    Ok(draft)
}

/// The scenario with `A → M·A/d`, `B → B·Mᵀ/d` for an integer matrix M of rank 2.
fn mixed(scenario: &Scenario, m: [[f64; 2]; 2], d: i64) -> Result<Scenario, JudgeError> {
    let mut other = scenario.clone();
    let field = |name: &str| crate::scenario::ScenarioError::field(name, "has not rank 2");
    let scale = Surd::rational(Ratio::new(1.into(), d.into()));
    for (name, is_a) in [("A", true), ("B", false)] {
        let tensor = other.values.tensors.get(name).ok_or_else(|| field(name))?;
        let (rows, cols) = (tensor.rows(), tensor.cols());
        if (if is_a { rows } else { cols }) != 2 {
            return Err(field(name).into());
        }
        let at = |r: usize, c: usize| tensor.values()[r * cols + c];
        // Small integers times short dyadics: these sums are exact.
        let entries = (0..rows * cols).map(|i| {
            let (r, c) = (i / cols, i % cols);
            if is_a {
                m[r][0] * at(0, c) + m[r][1] * at(1, c)
            } else {
                m[c][0] * at(r, 0) + m[c][1] * at(r, 1)
            }
        });
        let mixed = Tensor::new(rows, cols, entries.collect()).map_err(|_| field(name))?;
        let mixed = mixed
            .scaled_by(tensor.scale())
            .and_then(|t| t.scaled_by(&scale));
        other
            .values
            .set_tensor(name, mixed.ok_or_else(|| field(name))?);
    }
    Ok(other)
}
