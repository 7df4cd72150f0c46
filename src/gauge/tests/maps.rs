//! Given maps.

use std::collections::BTreeMap;

use super::examples::{Setup, sgd};
use super::q;
use crate::arith::Ratio;
use crate::gauge::{Condition, MapDecision, MapError, MapQuestion, check, decide_map};
use crate::graph::{Dim, StepBuilder, StepGraph};

fn powers(pairs: &[(&str, &str)]) -> BTreeMap<String, Ratio> {
    pairs.iter().map(|(n, x)| ((*n).to_owned(), q(x))).collect()
}

fn decide(step: &StepGraph, hyper: &[(&str, &str)], initial: &[(&str, &str)]) -> MapDecision {
    let question = MapQuestion {
        hyperparameters: powers(hyper),
        initial: powers(initial),
        zeroable_initials: ["B".to_owned()].into(),
        ..MapQuestion::default()
    };
    let decision = decide_map(step, &question).unwrap();
    if let MapDecision::Homogeneous(proof) | MapDecision::HomogeneousIf { proof, .. } = &decision {
        check(step, &proof.certificate).unwrap();
    }
    decision
}

const NOTE: &[(&str, &str)] = &[("s", "1"), ("lr", "-1")];

#[test]
fn the_notes_map_is_homogeneous() {
    let step = sgd(Setup::default());
    let decision = decide(&step, NOTE, &[("A", "-1/2"), ("B", "-1/2")]);
    let MapDecision::Homogeneous(proof) = decision else {
        panic!("{decision:#?}")
    };
    assert_eq!(proof.weights["A"], q("-1/2"));
    assert_eq!(proof.outputs["W"], Some(q("0")));
}

#[test]
fn scaling_one_initial_value_suffices_when_the_other_is_zero() {
    let step = sgd(Setup::default());
    let decision = decide(&step, NOTE, &[("A", "-1/2")]);
    let MapDecision::HomogeneousIf { conditions, proof } = decision else {
        panic!("{decision:#?}")
    };
    assert_eq!(conditions, [Condition::InitialZero("B".into())]);
    assert_eq!(proof.weights["B"], q("-1/2"));
}

#[test]
fn the_rate_alone_is_not_enough() {
    let step = sgd(Setup::default());
    let decision = decide(&step, NOTE, &[]);
    let MapDecision::Inhomogeneous { conflict } = decision else {
        panic!("{decision:#?}")
    };
    assert!(!conflict.is_empty());
    assert!(
        conflict
            .iter()
            .any(|c| c.says.contains("leaves the first value of `A` alone")),
        "{conflict:#?}"
    );
}

#[test]
fn unscaled_decay_needs_to_be_off() {
    let step = sgd(Setup {
        decay: true,
        ..Setup::default()
    });
    let decision = decide(&step, NOTE, &[("A", "-1/2"), ("B", "-1/2")]);
    let MapDecision::HomogeneousIf { conditions, .. } = decision else {
        panic!("{decision:#?}")
    };
    assert_eq!(
        conditions
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["weight_decay_A = 0", "weight_decay_B = 0"]
    );
    let scaled = [("s", "1"), ("lr", "-1"), ("weight_decay", "1")];
    let decision = decide(&step, &scaled, &[("A", "-1/2"), ("B", "-1/2")]);
    assert!(matches!(decision, MapDecision::Homogeneous(_)));
}

#[test]
fn three_settings_may_have_to_be_off_together() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let [a, bb] = ["A", "B"].map(|name| b.parameter(name, &one, &one));
    b.set_loss(b.data("X", &one, &one).opaque_loss());
    let shifts = ["c", "d", "e"].map(|name| b.hyperparameter(name, name, true));
    b.update(bb, bb);
    b.update(a, shifts.into_iter().fold(a, |sum, shift| sum + shift));
    let step = b.finish().unwrap();
    let decision = decide(&step, &[], &[("A", "1")]);
    let MapDecision::HomogeneousIf { conditions, .. } = decision else {
        panic!("{decision:#?}")
    };
    let shown: Vec<String> = conditions.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["c = 0", "d = 0", "e = 0"]);
}

#[test]
fn unknown_names_are_refused() {
    let step = sgd(Setup::default());
    let question = MapQuestion {
        hyperparameters: powers(&[("alpha", "1")]),
        ..MapQuestion::default()
    };
    let error = decide_map(&step, &question).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the step has no hyperparameter `alpha`; it has lr, s"
    );
    let question = MapQuestion {
        initial: powers(&[("C", "1")]),
        ..MapQuestion::default()
    };
    assert!(matches!(
        decide_map(&step, &question),
        Err(MapError::UnknownParameter { .. })
    ));
}
