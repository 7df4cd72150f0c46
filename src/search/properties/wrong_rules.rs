//! A rule with one weight off by one is contradicted by runs.

use super::{EXACT, HuntedProperty, is_exact_or_encloses};
use crate::search::campaign::{RUNS, refute};
use crate::search::draw::{Fit, Menu};
use crate::search::mutation::Fate;
use crate::search::subject::{Derived, Subject};
use crate::search::verdict::{Evidence, JudgeError, Verdict};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "wrong-rules-are-refuted",
    says: "a rule with one weight off by one is contradicted by a run",
    arithmetics: EXACT,
    supports: is_exact_or_encloses,
    evidence: &[],
    menu,
    judge,
};

fn menu(mut menu: Menu) -> Menu {
    // What a wrong weight of a threshold does, few runs show.
    menu.models.retain(|m| m.name == "linear");
    menu.losses.retain(|l| l.name == "mse");
    menu.clips = vec![None];
    menu.schedules = vec![None];
    Menu {
        fit: Fit::Moves,
        size: 2,
        steps: 2,
        signs: false,
        ..menu
    }
}

fn judge(subject: &Subject) -> Result<Verdict, JudgeError> {
    let derived = Derived::new(subject)?;
    let pick = |i: usize| subject.picks.get(i).copied().unwrap_or(0);
    let seed = u64::from(pick(1)) << 16 | u64::from(pick(2));
    let tried = refute(&subject.scenario, derived.rule(), pick(0) as usize, seed)?;
    Ok(match tried {
        Some((_, Fate::Killed { .. })) => Verdict::Passed(Evidence::Refuted),
        Some((mutant, _)) => Verdict::Undecided(format!(
            "no run of {RUNS} contradicts a wrong weight of {}",
            kind(&mutant.quantity)
        )),
        None => Verdict::Undecided("no wrong rule can show in a run".to_owned()),
    })
}

/// A quantity without the tensor's name, so that equal reasons can be counted.
fn kind(quantity: &str) -> &str {
    let base = quantity.strip_suffix("_A").or(quantity.strip_suffix("_B"));
    base.unwrap_or(quantity)
}
