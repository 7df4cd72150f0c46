//! Given maps.

use std::collections::BTreeMap;

use super::examples::{Setup, sgd};
use super::q;
use crate::arith::Ratio;
use crate::gauge::{Condition, DecideError, MapDecision, MapQuestion, complete, decide};
use crate::graph::{Dim, StepBuilder, StepGraph};

fn powers(pairs: &[(&str, &str)]) -> BTreeMap<String, Ratio> {
    pairs.iter().map(|(n, x)| ((*n).to_owned(), q(x))).collect()
}

fn off(names: &[&str]) -> Vec<Condition> {
    let off = |name: &&str| Condition::HyperparameterZero((*name).to_owned());
    names.iter().map(off).collect()
}

fn asked(hyper: &[(&str, &str)], initial: &[(&str, &str)]) -> MapQuestion {
    MapQuestion {
        hyperparameters: powers(hyper),
        initial: powers(initial),
        kept: ["W".to_owned()].into(),
        conditions: ["A", "B"]
            .map(|n| Condition::InitialZero(n.to_owned()))
            .into(),
        ..MapQuestion::default()
    }
}

/// The conditions of every alternative in words; `None` where the map fails.
fn alternatives(step: &StepGraph, asked: &MapQuestion) -> Option<Vec<Vec<String>>> {
    let words = |all: &[Condition]| all.iter().map(ToString::to_string).collect();
    match decide(step, asked).unwrap() {
        MapDecision::Holds(_) => Some(vec![]),
        MapDecision::HoldsIf(all) => Some(all.iter().map(|a| words(&a.conditions)).collect()),
        MapDecision::Fails { conflict } => {
            assert!(!conflict.is_empty());
            None
        }
    }
}

const NOTE: &[(&str, &str)] = &[("s", "1"), ("lr_A", "-1"), ("lr_B", "-1")];
const HALVES: &[(&str, &str)] = &[("A", "-1/2"), ("B", "-1/2")];

#[test]
fn the_notes_map_leaves_the_step_unchanged() {
    let step = sgd(Setup::default());
    let decision = decide(&step, &asked(NOTE, HALVES)).unwrap();
    let MapDecision::Holds(proof) = decision else {
        panic!("{decision:#?}")
    };
    assert_eq!(proof.weights["A"], q("-1/2"));
    assert!(proof.signs.is_none());
}

#[test]
fn the_start_is_an_assumption_or_a_condition() {
    let step = sgd(Setup::default());
    let mut question = asked(NOTE, &[("A", "-1/2")]);
    assert_eq!(
        alternatives(&step, &question),
        Some(vec![vec!["B starts at 0".to_owned()]])
    );
    question.zero.insert("B".into());
    assert_eq!(alternatives(&step, &question), Some(vec![]));
}

#[test]
fn a_change_of_sign_has_alternatives_unless_one_factor_starts_at_zero() {
    let step = sgd(Setup::default());
    let mut question = asked(NOTE, HALVES);
    question.negated.insert("s".into());
    question
        .conditions
        .extend(["A", "B"].map(|n| Condition::SignChanges(n.to_owned())));
    let all = alternatives(&step, &question).unwrap();
    let words = [
        "A starts at 0",
        "B starts at 0",
        "A changes sign as well",
        "B changes sign as well",
    ];
    assert_eq!(all, words.map(|w| vec![w.to_owned()]));
    question.zero.insert("B".into());
    assert_eq!(alternatives(&step, &question), Some(vec![]));
    // A alone: W changes.
    let mut question = asked(&[], &[]);
    question.negated.insert("A".into());
    question.conditions.clear();
    assert_eq!(alternatives(&step, &question), None);
}

#[test]
fn the_rate_alone_is_not_enough() {
    let step = sgd(Setup::default());
    let MapDecision::Fails { conflict } = decide(&step, &asked(NOTE, &[])).unwrap() else {
        panic!("it is")
    };
    let says = |words: &str| conflict.iter().any(|c| c.says.contains(words));
    assert!(says("leaves the first value of `A` alone"), "{conflict:#?}");
}

#[test]
fn unscaled_decay_needs_to_be_off() {
    let step = sgd(Setup {
        decay: true,
        ..Setup::default()
    });
    let mut question = asked(NOTE, HALVES);
    question.conditions = off(&["weight_decay"]);
    assert_eq!(
        alternatives(&step, &question),
        Some(vec![vec!["weight_decay = 0".to_owned()]])
    );
    for leaf in ["weight_decay_A", "weight_decay_B"] {
        question.hyperparameters.insert(leaf.into(), q("1"));
    }
    assert_eq!(alternatives(&step, &question), Some(vec![]));
}

#[test]
fn several_settings_may_have_to_be_off_together() {
    for names in [&["c", "d", "e"][..], &["c", "d", "e", "f"]] {
        let b = StepBuilder::new();
        let one = Dim::one();
        let [a, bb] = ["A", "B"].map(|name| b.parameter(name, &one, &one));
        b.set_loss(b.data("X", &one, &one).opaque_loss());
        let shifts = names.iter().map(|name| b.hyperparameter(name, name, true));
        b.update(bb, bb);
        b.update(a, shifts.fold(a, |sum, shift| sum + shift));
        b.output("W", a / a.detach());
        let step = b.finish().unwrap();
        let mut question = asked(&[], &[("A", "1")]);
        question.conditions = off(names);
        let all: Vec<String> = names.iter().map(|n| format!("{n} = 0")).collect();
        assert_eq!(alternatives(&step, &question), Some(vec![all]));
    }
}

#[test]
fn what_nothing_reads_need_not_follow() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    b.set_loss(a.opaque_loss());
    let c = b.hyperparameter("c", "c", false);
    let m = b.zero_state("m", &crate::graph::Shape::scalar());
    b.update(m, c + 1);
    b.update(a, a);
    b.output("W", a * 1);
    b.output("memory", m * 1);
    let step = b.finish().unwrap();
    let mut question = asked(&[("c", "1")], &[]);
    question.conditions.clear();
    assert_eq!(alternatives(&step, &question), Some(vec![]));
    question.kept.insert("memory".into());
    assert_eq!(alternatives(&step, &question), None);
}

#[test]
fn a_map_is_completed_where_it_can_be() {
    let step = sgd(Setup::default());
    let names = |all: &[&[&str]]| -> Vec<Vec<String>> {
        let group = |g: &&[&str]| g.iter().map(|n| (*n).to_owned()).collect();
        all.iter().map(group).collect()
    };
    let mut question = asked(&[("s", "1")], &[]);
    question.conditions.clear();
    let shared = names(&[&["lr_A", "lr_B"], &["A", "B"]]);
    let whole = complete(&step, &question, &shared).unwrap().unwrap();
    assert_eq!(whole.hyperparameters, powers(NOTE));
    assert_eq!(whole.initial, powers(HALVES));
    assert!(matches!(
        decide(&step, &whole).unwrap(),
        MapDecision::Holds(_)
    ));
    let rate = names(&[&["lr_A", "lr_B"]]);
    assert!(complete(&step, &question, &rate).unwrap().is_none());
    // From B = 0 the rate of B alone will do.
    question.zero.insert("B".into());
    let whole = complete(&step, &question, &names(&[&["lr_B"]]))
        .unwrap()
        .unwrap();
    assert_eq!(whole.hyperparameters["lr_B"], q("-2"));
}

#[test]
fn unknown_names_are_refused() {
    let step = sgd(Setup::default());
    let error = decide(&step, &asked(&[("alpha", "1")], &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the step has no hyperparameter `alpha`; it has lr_A, lr_B, s"
    );
    for question in [
        asked(&[], &[("C", "1")]),
        MapQuestion {
            kept: ["V".to_owned()].into(),
            ..MapQuestion::default()
        },
        MapQuestion {
            negated: ["C".to_owned()].into(),
            ..MapQuestion::default()
        },
    ] {
        let error = decide(&step, &question);
        assert!(
            matches!(error, Err(DecideError::Unknown { .. })),
            "{error:?}"
        );
    }
}
