//! One map, several variants of the step: which it leaves unchanged, and what stands in the way.

use super::{Draft, JudgeError, unchanged};
use crate::audit::case::Case;
use crate::audit::claim::Variant;
use crate::audit::{Claim, Table, Verdict};
use crate::fault::{Fault, planted};

pub(super) fn judge(claim: &Claim, variants: &[Variant]) -> Result<Draft, JudgeError> {
    let mut rows = vec![];
    let (mut exact, mut partly, mut broken, mut open) = (vec![], vec![], vec![], vec![]);
    let (mut evidence, mut remarks) = (vec![], vec![]);
    let (mut witness, mut needs) = (None, vec![]);
    let variants = match variants {
        [first, ..] if planted(Fault::LaterVariantsForgotten) => std::slice::from_ref(first),
        all => all,
    };
    for variant in variants {
        let case = Case::new(&variant.setting)?;
        let own = match case.no_run(&case.as_it_is())? {
            Some(none) => Draft::unknown(none.in_words(&variant.setting)),
            None => {
                let (powers, on_runs) = (
                    variant.map.powers(&case.symbolic)?,
                    variant.map.powers(&case.step)?,
                );
                unchanged::unchanged(claim, Some(&variant.name), &case, (&powers, &on_runs))?
            }
        };
        let name = variant.name.clone();
        rows.push(vec![
            name.clone(),
            own.verdict.to_string(),
            own.because.clone(),
        ]);
        if own.verdict == Verdict::ProvedIf {
            needs.extend(
                own.conditions
                    .iter()
                    .skip(1)
                    .map(|c| format!("{name}: {c}")),
            );
        }
        let lists = match own.verdict {
            Verdict::Proved => &mut exact,
            Verdict::ProvedIf => &mut partly,
            Verdict::Refuted => &mut broken,
            Verdict::Unknown => &mut open,
        };
        lists.push(name.clone());
        remarks.extend(own.remarks.into_iter().map(|r| format!("{name}: {r}")));
        evidence.extend(own.evidence.into_iter().map(|mut e| {
            e.says = format!("{name}: {}", e.says);
            e
        }));
        witness = witness.or(own.witness);
    }
    let all = variants.len();
    let mut draft = if exact.len() == all {
        Draft::new(Verdict::Proved, "every variant obeys its rule")
    } else if !broken.is_empty() && exact.is_empty() && partly.is_empty() && open.is_empty() {
        Draft::new(Verdict::Refuted, "no variant obeys its rule as it stands")
    } else if open.is_empty() {
        let holds: Vec<String> = exact.iter().chain(&partly).cloned().collect();
        let words = match broken.is_empty() {
            true => format!("under conditions of its own for {}", partly.join(", ")),
            false => format!("not for {}", broken.join(", ")),
        };
        let because = format!("it holds for {}; {words}", holds.join(", "));
        let mut draft = Draft::new(Verdict::ProvedIf, because);
        draft.conditions = vec![
            "k > 0".into(),
            format!("the variant is one of: {}", holds.join(", ")),
        ];
        draft.conditions.extend(needs);
        draft
    } else {
        Draft::unknown(format!("undecided for {}", open.join(", ")))
    };
    draft.evidence = evidence;
    draft.remarks = remarks;
    if draft.verdict != Verdict::Proved {
        draft.witness = witness;
    }
    draft.tables.push(Table {
        title: "The variants".into(),
        columns: ["variant", "verdict", "because"].map(String::from).to_vec(),
        rows,
    });
    if claim.contrary()
        && draft.verdict == Verdict::Refuted
        && let Some(stronger) = universal(variants)?
    {
        return Ok(stronger);
    }
    Ok(draft)
}

/// A denial whose variants differ in nothing but the powers of one map speaks of all powers: then
/// a list of examples does not stand for all of them, and the question is whether any powers do.
fn universal(variants: &[Variant]) -> Result<Option<Draft>, JudgeError> {
    let [first, rest @ ..] = variants else {
        return Ok(None);
    };
    if rest.is_empty() || !rest.iter().all(|v| v.setting.is(&first.setting)) {
        return Ok(None);
    }
    let case = Case::new(&first.setting)?;
    let maps = variants.iter().map(|v| v.map.powers(&case.symbolic));
    let maps = maps.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(super::exists::some_powers(&case, &maps)?))
}
