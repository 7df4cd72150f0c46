//! The property of campaigns: no verdict on a drawn claim is contradicted by tiny runs.

use super::{Outcome, trial};
use crate::arith::ArithmeticName;
use crate::audit::Kind;
use crate::search::{Basis, Domain, Fit, HuntedProperty, SearchError, TestCase, TestResult};

/// The verdict on a claim that is drawn agrees with exact runs that satisfy its assumptions.
pub static VERDICTS_AGREE: HuntedProperty = HuntedProperty {
    name: "verdicts-agree-with-runs",
    says: "the verdict on a drawn claim is not contradicted by exact runs",
    arithmetics: &[ARITHMETIC],
    supports: |name| name == ARITHMETIC,
    evidence: EVIDENCE,
    domain,
    judge,
};

/// The arithmetic in which the runs begin; what has no answer there is tried in enclosures.
const ARITHMETIC: ArithmeticName = match cfg!(feature = "mp") {
    true => ArithmeticName::Rational,
    false => ArithmeticName::IntervalF64,
};

/// The evidence of a passed case: the kind of its claim, and what is said of it as it stands, or
/// that a claim which says nothing is refused.
const EVIDENCE: &[&str] = &[
    "a meaningless claim is refused",
    "bits proved",
    "bits proved-if",
    "bits refuted",
    "conserved proved",
    "conserved proved-if",
    "conserved refuted",
    "equivalence proved",
    "equivalence proved-if",
    "equivalence refuted",
    "experiment proved",
    "experiment proved-if",
    "experiment refuted",
    "freedom proved",
    "freedom proved-if",
    "freedom refuted",
    "identity proved",
    "identity proved-if",
    "identity refuted",
    "implication proved",
    "implication proved-if",
    "implication refuted",
    "invariant proved",
    "invariant proved-if",
    "invariant refuted",
    "knobs proved",
    "knobs proved-if",
    "knobs refuted",
    "rank proved",
    "rank proved-if",
    "rank refuted",
    "survey proved",
    "survey proved-if",
    "survey refuted",
    "uniqueness proved",
    "uniqueness proved-if",
    "uniqueness refuted",
];

/// The weight of a name among those that are drawn: more for exact runs and small steps, else 1.
const OPTIMIZERS: &[(&str, usize)] = &[
    ("sgd", 80),
    ("signsgd", 7),
    ("lion", 7),
    ("scaled_gd", 7),
    ("rprop", 7),
    ("adam", 7),
    ("adamw", 7),
    ("rmsprop", 7),
    ("adagrad", 7),
    ("asgd", 7),
];
const MODELS: &[(&str, usize)] = &[
    ("linear", 58),
    ("embedding", 10),
    ("lora_bias", 8),
    ("lokr", 5),
    ("loha", 5),
    ("joint", 3),
    ("linear_dropout", 3),
    ("attention", 3),
    ("dora", 2),
];
const LOSSES: &[(&str, usize)] = &[
    ("mse", 55),
    ("l1", 20),
    ("huber", 10),
    ("smooth_l1", 7),
    ("cross_entropy", 8),
];
/// One case in so many has what is around an optimizer.
const AROUND: usize = 11;

fn domain(mut domain: Domain) -> Domain {
    weigh(&mut domain.optimizers, OPTIMIZERS, |o| o.name);
    weigh(&mut domain.models, MODELS, |m| m.name);
    weigh(&mut domain.losses, LOSSES, |l| l.name);
    rarely(&mut domain.clips);
    rarely(&mut domain.schedules);
    Domain {
        steps: 1,
        fit: Fit::Any,
        ..domain
    }
}

/// Each entry once, and then as often as `weights` says.
fn weigh<T: Copy>(list: &mut Vec<T>, weights: &[(&str, usize)], name: fn(&T) -> &'static str) {
    let mut seen = std::collections::BTreeSet::new();
    list.retain(|entry| seen.insert(name(entry)));
    let weight = |entry: &T| {
        let own = weights.iter().find(|(other, _)| *other == name(entry));
        own.map_or(1, |(_, weight)| *weight)
    };
    let all = list
        .iter()
        .flat_map(|entry| std::iter::repeat_n(*entry, weight(entry)));
    *list = all.collect();
}

fn rarely<T: Clone>(list: &mut Vec<Option<T>>) {
    list.retain(Option::is_some);
    let none = std::iter::repeat_n(None, (AROUND - 1) * list.len());
    *list = none.chain(list.drain(..)).collect();
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let trial = trial(test_case)?;
    Ok(match trial.outcome {
        Outcome::Passed => TestResult::Passed(Basis::Of(evidence(trial.kind, trial.verdict))),
        Outcome::Failed(how) => TestResult::contradicts(how),
        Outcome::Undecided(why) => {
            TestResult::Undecided(format!("{}: {}", trial.kind.name(), in_short(&why)))
        }
    })
}

fn evidence(kind: Kind, verdict: Option<crate::audit::Verdict>) -> &'static str {
    let name = verdict.map(|verdict| format!("{} {verdict}", kind.name()));
    let mut all = EVIDENCE.iter();
    let own = all.find(|own| name.as_deref() == Some(**own));
    own.unwrap_or(&EVIDENCE[0])
}

/// A reason without the names and numbers of its case, so that equal reasons can be counted.
fn in_short(why: &str) -> String {
    let why = why.strip_prefix("unknown: ").unwrap_or(why);
    let particular = |c: char| matches!(c, '`' | ':' | ';' | ',') || c.is_ascii_digit();
    let end = why.find(particular).unwrap_or(why.len());
    why[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_before_what_is_particular() {
        assert_eq!(
            in_short("unknown: no run changes it, and"),
            "no run changes it"
        );
        assert_eq!(in_short("after 3 steps"), "after");
        assert_eq!(in_short(""), "");
    }

    #[test]
    fn every_kind_of_claim_that_can_be_drawn_is_evidence() {
        for kind in super::super::claims::KINDS {
            for verdict in ["proved", "proved-if", "refuted"] {
                let name = format!("{} {verdict}", kind.name());
                assert!(EVIDENCE.contains(&name.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn names_are_drawn_as_often_as_they_weigh() {
        let mut list = vec!["a", "b", "a", "c"];
        weigh(&mut list, &[("b", 3)], |name| name);
        assert_eq!(list, ["a", "b", "b", "b", "c"]);
        let mut list = vec![None, Some(1), Some(2)];
        rarely(&mut list);
        assert_eq!((list.len(), list[0]), (2 * AROUND, None));
    }
}
