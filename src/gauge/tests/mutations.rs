//! The checker against wrong certificates.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::check;
use super::examples::{Direction, Loss, Setup, sgd};
use crate::arith::{FloatFormat, Ratio, parse_ratio, show_ratio};
use crate::gauge::constrain::System;
use crate::gauge::field::{Field, Parity};
use crate::gauge::infer::{question, solve};
use crate::gauge::irreducible::distinct;
use crate::gauge::{
    Certificate, CheckError, Condition, MapClaim, MapDecision, MapQuestion, Options, Question,
    Symmetry, decide, infer, sign_flips,
};
use crate::graph::{Dim, Expr, StepBuilder, StepGraph};

fn setup() -> impl Strategy<Value = Setup> {
    let loss = prop_oneof![
        Just(Loss::Mse),
        Just(Loss::L1),
        Just(Loss::Huber),
        Just(Loss::CrossEntropy),
        Just(Loss::Opaque)
    ];
    let direction = prop_oneof![
        Just(Direction::Gradient),
        Just(Direction::Sign),
        Just(Direction::Adam)
    ];
    (loss, direction, any::<[bool; 4]>()).prop_map(
        |(loss, direction, [decay, momentum, clip_norm, clip_value])| Setup {
            loss,
            direction,
            decay,
            momentum,
            clip_norm,
            clip_value,
        },
    )
}

proptest! {
    #[test]
    fn a_wrong_weight_is_rejected(setup in setup(), at in any::<prop::sample::Index>(), up: bool) {
        let step = sgd(setup);
        // With the constant freed and rates apart, every step has at least one free factor.
        let mut options = Options::default();
        if setup.clip_norm {
            options.free_constants = [super::examples::constant(&step, &super::q("1e-6"))].into();
        }
        let mut certificate = infer(&step, &options).certificate;
        prop_assert!(!certificate.generators.is_empty());
        let weighted: Vec<usize> =
            certificate.nodes.iter().filter(|n| n.weight.is_some()).map(|n| n.index).collect();
        let node = weighted[at.index(weighted.len())];
        let entry = &mut certificate.nodes[node].weight.as_mut().unwrap()[0];
        let moved = parse_ratio(entry).unwrap() + parse_ratio(if up { "1" } else { "-1" }).unwrap();
        *entry = show_ratio(&moved);
        prop_assert!(check(&step, &certificate).is_err(), "node {node} of {setup:?}");
    }

    #[test]
    fn a_missing_weight_is_rejected(setup in setup(), at in any::<prop::sample::Index>()) {
        let step = sgd(setup);
        let mut certificate = infer(&step, &Options::default()).certificate;
        let weighted: Vec<usize> =
            certificate.nodes.iter().filter(|n| n.weight.is_some()).map(|n| n.index).collect();
        let node = weighted[at.index(weighted.len())];
        certificate.nodes[node].weight = None;
        prop_assert!(check(&step, &certificate).is_err(), "node {node} of {setup:?}");
    }

    #[test]
    fn a_wrong_parity_is_rejected(setup in setup(), at in any::<prop::sample::Index>()) {
        let step = sgd(setup);
        let mut certificate = sign_flips(&step, &Options::default()).certificate;
        check(&step, &certificate).unwrap();
        prop_assume!(!certificate.generators.is_empty());
        let weighted: Vec<usize> =
            certificate.nodes.iter().filter(|n| n.weight.is_some()).map(|n| n.index).collect();
        let node = weighted[at.index(weighted.len())];
        let entry = &mut certificate.nodes[node].weight.as_mut().unwrap()[0];
        *entry = if entry == "0" { "1" } else { "0" }.to_owned();
        prop_assert!(check(&step, &certificate).is_err(), "node {node} of {setup:?}");
    }
}

/// An inference that forgets one of its equations must not get a certificate past the checker.
#[test]
fn a_forgetful_inference_is_caught() {
    let mut caught = 0;
    let loaded = Setup {
        decay: true,
        momentum: true,
        clip_norm: true,
        clip_value: true,
        ..Setup::default()
    };
    let adam = Setup {
        direction: Direction::Adam,
        loss: Loss::Opaque,
        ..Setup::default()
    };
    let sign = Setup {
        direction: Direction::Sign,
        loss: Loss::CrossEntropy,
        clip_norm: true,
        ..Setup::default()
    };
    let mut flips = 0;
    for setup in [Setup::default(), loaded, adam, sign] {
        let step = sgd(setup);
        caught += without_each_equation::<Ratio>(&step);
        flips += without_each_equation::<Parity>(&step);
    }
    assert!(caught > 10, "only {caught} equations mattered");
    assert!(flips > 3, "only {flips} equations of parities mattered");
}

/// How many equations of a step lead to certificates that the checker refuses when they are
/// forgotten; all others change nothing.
fn without_each_equation<F: Field>(step: &StepGraph) -> usize {
    let options = Options::shared();
    let system = System::<F>::new(step, &options, &BTreeSet::new());
    let whole = solve(step, &system);
    let caught = distinct(&system).into_iter().filter(|equation| {
        let monic = equation.form.monic();
        let mut without = system.clone();
        without.equations.retain(|e| e.form.monic() != monic);
        let rule = solve(step, &without);
        let certificate = Certificate::of_rule(step, question(&options, &rule, F::SYMMETRY), &rule);
        let accepted = check(step, &certificate).is_ok();
        assert_eq!(accepted, rule == whole, "without {:?}", equation.origin);
        !accepted
    });
    caught.count()
}

#[test]
fn an_output_in_question_is_one_of_the_step() {
    let step = sgd(Setup::default());
    let certificate = infer(&step, &Options::default()).certificate;
    check(&step, &certificate).unwrap();
    assert!(certificate.question.outputs.contains("W"));
    for kept in [true, false] {
        let mut forged = certificate.clone();
        let asked = &mut forged.question;
        let names = if kept {
            &mut asked.kept
        } else {
            &mut asked.outputs
        };
        names.insert("V".into());
        let error = check(&step, &forged).unwrap_err().to_string();
        assert!(error.contains("an output there is not"), "{error}");
    }
}

/// With one assumption more, or one demand less, a certificate answers another question.
#[test]
fn a_certificate_answers_the_question_that_is_asked_and_no_other() {
    let step = sgd(Setup::default());
    let inference = infer(&step, &Options::default());
    let asked = &inference.question;
    let others: [&dyn Fn(&mut Question); 8] = [
        &|q| q.free_loss = true,
        &|q| q.whole = false,
        &|q| q.powers_of_two = true,
        &|q| q.outputs.clear(),
        &|q| q.symmetry = Symmetry::Sign,
        &|q| q.map = Some(MapClaim::default()),
        &|q| {
            q.held.insert("A".into());
        },
        &|q| q.ties.push(vec!["A".into(), "B".into()]),
    ];
    for (i, change) in others.iter().enumerate() {
        let mut certificate = inference.certificate.clone();
        change(&mut certificate.question);
        let error = crate::gauge::check(&step, asked, &certificate).unwrap_err();
        assert!(
            error.to_string().contains("another question"),
            "{i}: {error}"
        );
        let error = crate::gauge::check(&step, &certificate.question, &inference.certificate);
        assert!(error.is_err(), "{i}");
    }
}

#[test]
fn ties_and_kept_outputs_are_looked_at() {
    let step = sgd(Setup::default());
    let certificate = infer(&step, &Options::default()).certificate;
    let mut forged = certificate.clone();
    forged
        .question
        .ties
        .push(vec!["lr_A".into(), "lr_B".into()]);
    let error = check(&step, &forged).unwrap_err().to_string();
    assert!(error.contains("lr_A and lr_B change alike"), "{error}");
    // `lr_A` scales, so a formula that is nothing else must not be kept.
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    let c = b.hyperparameter("c", "c", false);
    b.set_loss(b.data("X", &one, &one).opaque_loss());
    b.update(a, a);
    b.output("scale", c * b.ratio(1, 1));
    let step = b.finish().unwrap();
    let mut forged = infer(&step, &Options::default()).certificate;
    check(&step, &forged).unwrap();
    forged.question.kept.insert("scale".into());
    let error = check(&step, &forged).unwrap_err().to_string();
    assert!(error.contains("output scale"), "{error}");
}

/// Zero times what has no weight may have no value, in one run and not in the other.
#[test]
fn what_a_zero_is_a_multiple_of_has_a_weight() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    b.set_loss(b.data("X", &one, &one).opaque_loss());
    let odd = 1 / (a + 1);
    b.update(a, a + b.ratio(0, 1) * odd);
    let odd = odd.id();
    let step = b.finish().unwrap();
    let mut forged = infer(&step, &Options::default()).certificate;
    check(&step, &forged).unwrap();
    assert!(forged.generators.is_empty());
    forged.nodes[odd.index()].weight = None;
    let error = check(&step, &forged).unwrap_err().to_string();
    assert!(error.contains("has no weight"), "{error}");
}

/// k = 2 and a root of it: the leaves move by powers of two and a node between them does not.
#[test]
fn powers_of_two_are_asked_of_every_node() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    let c = b.hyperparameter("c", "c", false);
    b.set_loss(b.data("X", &one, &one).opaque_loss());
    b.update(a, a * (c.sqrt() / c.sqrt()));
    let step = b.finish().unwrap();
    for (log2, holds) in [("1", false), ("2", true)] {
        let asked = MapQuestion {
            hyperparameters: [("c".to_owned(), super::q("1"))].into(),
            log2_k: Some(super::q(log2)),
            kept: Default::default(),
            ..MapQuestion::default()
        };
        // Only what is seen counts, and the loss does not see A: ask for all of it.
        let whole = infer(&step, &Options::default());
        let mut question = whole.question.clone();
        question.map = Some(MapClaim {
            hyperparameters: [("c".to_owned(), "1".to_owned())].into(),
            initial: [("A".to_owned(), "0".to_owned())].into(),
            log2_k: Some(log2.to_owned()),
            ..MapClaim::default()
        });
        let mut certificate = whole.certificate.clone();
        certificate.question = question.clone();
        certificate.generators = vec!["k".into()];
        let at = whole
            .rule
            .generators
            .iter()
            .position(|g| g.leaf == "c")
            .unwrap();
        for node in &mut certificate.nodes {
            node.weight = node.weight.as_ref().map(|w| vec![w[at].clone()]);
        }
        let checked = crate::gauge::check(&step, &question, &certificate);
        assert_eq!(checked.is_ok(), holds, "{checked:?}");
        assert!(decide(&step, &asked).is_ok());
    }
}

#[test]
fn a_certificate_is_about_one_step_and_reads_back() {
    let step = sgd(Setup::default());
    let certificate = infer(&step, &Options::default()).certificate;
    let other = sgd(Setup {
        decay: true,
        ..Setup::default()
    });
    assert!(check(&other, &certificate).is_err());
    let text = certificate.to_json();
    let back: Certificate = serde_json::from_str(&text).unwrap();
    assert_eq!(back, certificate);
    assert_eq!(back.to_json(), text);
    assert_eq!(certificate.sha256().len(), 64);
    let operation = |node: usize| certificate.nodes[node].operation.as_str();
    assert_eq!(operation(certificate.outputs["W"]), "add");
    assert_eq!(operation(step.parameters[0].leaf.index()), "leaf");
    let again = infer(&sgd(Setup::default()), &Options::default()).certificate;
    assert_eq!(again.sha256(), certificate.sha256());
}

#[test]
fn a_claim_that_the_weights_do_not_bear_out_is_rejected() {
    let step = sgd(Setup::default());
    let powers = |pairs: &[(&str, &str)]| {
        let read = |(n, x): &(&str, &str)| ((*n).to_owned(), parse_ratio(x).unwrap());
        pairs.iter().map(read).collect()
    };
    let question = MapQuestion {
        hyperparameters: powers(&[("s", "1"), ("lr_A", "-1"), ("lr_B", "-1")]),
        initial: powers(&[("A", "-1/2"), ("B", "0")]),
        conditions: vec![Condition::InitialZero("B".to_owned())],
        ..MapQuestion::default()
    };
    let decision = decide(&step, &question).unwrap();
    let MapDecision::HoldsIf(alternatives) = decision else {
        panic!("{decision:?}")
    };
    let proof = &alternatives[0].proof.scaling;
    check(&step, &proof.certificate).unwrap();
    let spoil = |change: &dyn Fn(&mut MapClaim)| {
        let mut certificate = proof.certificate.clone();
        change(certificate.question.map.as_mut().unwrap());
        check(&step, &certificate).unwrap_err()
    };
    spoil(&|claim| claim.zero_initials.clear());
    spoil(&|claim| {
        claim.hyperparameters.insert("lr_A".into(), "0".into());
    });
    spoil(&|claim| {
        claim.hyperparameters.remove("s");
    });
    spoil(&|claim| {
        claim.initial.insert("A".into(), "1".into());
    });
    // Without a factor powers are not looked at.
    let mut certificate = proof.certificate.clone();
    certificate.generators.clear();
    for node in &mut certificate.nodes {
        node.weight = node.weight.is_some().then(Vec::new);
    }
    let error = check(&step, &certificate).unwrap_err().to_string();
    assert!(error.contains("powers of one factor"), "{error}");
    // A sign that changes is not a power.
    let mut signs = proof.certificate.clone();
    signs.question.symmetry = Symmetry::Sign;
    for node in &mut signs.nodes {
        node.weight = node.weight.is_some().then(|| vec!["0".to_owned()]);
    }
    assert!(check(&step, &signs).is_err());
    // `s` is not a switch: nobody may assume that it is zero.
    spoil(&|claim| {
        claim.zero_hyperparameters.insert("s".into());
        claim.hyperparameters.insert("s".into(), "7".into());
    });
}

#[test]
fn a_division_by_a_literal_zero_gets_no_certificate() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    b.set_loss(a.opaque_loss());
    b.update(a, a / b.ratio(0, 1));
    let step = b.finish().unwrap();
    let free = infer(
        &step,
        &Options {
            free_loss: true,
            ..Options::default()
        },
    );
    // The opaque loss leaves no factor, so there is nothing to accept wrongly.
    assert_eq!(free.rule.dimension(), 0);
    let mut forged = free.certificate;
    forged.generators = vec!["p".into()];
    for node in &mut forged.nodes {
        if node.weight.is_some() {
            node.weight = Some(vec!["0".into()]);
        }
    }
    let error = check(&step, &forged).unwrap_err().to_string();
    assert!(error.contains("divides by what is zero"), "{error}");
}

#[test]
fn a_constant_weighs_nothing_unless_it_is_set_free() {
    let step = sgd(Setup {
        clip_norm: true,
        ..Setup::default()
    });
    let options = Options {
        free_constants: [super::examples::constant(&step, &super::q("1e-6"))].into(),
        ..Options::default()
    };
    let mut certificate = infer(&step, &options).certificate;
    check(&step, &certificate).unwrap();
    certificate.question.free_constants.clear();
    let error = check(&step, &certificate).unwrap_err().to_string();
    assert!(error.contains("off by"), "{error}");
}

#[test]
fn an_inverse_weighs_the_reciprocal_and_that_of_zero_nothing_known() {
    let inverse_of = |zero: bool| {
        let b = StepBuilder::new();
        let n = Dim::named("n");
        let a = b.parameter("A", &n, &n);
        let c = b.hyperparameter("c", "c", false);
        b.set_loss(b.data("X", &n, &n).opaque_loss());
        b.update(a, c * if zero { a * b.ratio(0, 1) } else { a }.inverse());
        b.finish().unwrap()
    };
    let step = inverse_of(false);
    let inference = infer(&step, &Options::default());
    assert_eq!(inference.rule.weights["c"], [super::q("2")]);
    check(&step, &inference.certificate).unwrap();
    let step = inverse_of(true);
    let error = check(&step, &infer(&step, &Options::default()).certificate);
    assert!(error.is_err(), "{error:?}");
}

#[test]
fn zero_over_something_is_zero_and_over_zero_nothing() {
    let quotient = |by_zero: bool| {
        let b = StepBuilder::new();
        let one = Dim::one();
        let a = b.parameter("A", &one, &one);
        b.set_loss(b.data("X", &one, &one).opaque_loss());
        let zero = b.ratio(0, 1);
        b.update(a, a + zero / if by_zero { zero } else { a });
        b.finish().unwrap()
    };
    let step = quotient(false);
    let inference = infer(&step, &Options::default());
    assert_eq!(inference.rule.weights["A"], [super::q("1")]);
    check(&step, &inference.certificate).unwrap();
    let step = quotient(true);
    let mut forged = infer(&step, &Options::default()).certificate;
    forged.generators = vec!["p".into()];
    for node in &mut forged.nodes {
        node.weight = Some(vec!["0".into()]);
    }
    let error = check(&step, &forged).unwrap_err().to_string();
    assert!(error.contains("divides by what is zero"), "{error}");
}

/// `A ← A + c·X` where the loss reads neither.
fn sum_with_data() -> StepGraph {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    let c = b.hyperparameter("c", "c", false);
    let x = b.data("X", &one, &one);
    b.set_loss(x.opaque_loss());
    b.update(a, a + c * x);
    b.finish().unwrap()
}

#[test]
fn what_is_held_weighs_nothing() {
    let step = sum_with_data();
    let options = Options {
        held: ["A".to_owned()].into(),
        ..Options::default()
    };
    let held = infer(&step, &options).certificate;
    check(&step, &held).unwrap();
    let mut forged = infer(&step, &Options::default()).certificate;
    check(&step, &forged).unwrap();
    forged.question.held = held.question.held;
    let error = check(&step, &forged).unwrap_err().to_string();
    assert!(error.contains("A is held"), "{error}");
}

#[test]
fn a_weight_has_one_entry_for_each_factor() {
    let step = sum_with_data();
    let free = infer(&step, &Options::default()).certificate;
    let leaf = step.parameters[0].leaf.index();
    for entries in [0, 2] {
        let mut forged = free.clone();
        forged.nodes[leaf].weight = Some(vec!["1".to_owned(); entries]);
        let error = check(&step, &forged).unwrap_err().to_string();
        assert!(error.contains("one entry for each factor"), "{error}");
    }
}

/// `A ← f(A, c)` with a loss that no sign reaches.
fn step_of(f: impl for<'g> Fn(Expr<'g>, Expr<'g>) -> Expr<'g>) -> StepGraph {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    let c = b.hyperparameter("c", "c", false);
    let loss = a.abs();
    b.set_loss(loss);
    b.update(a, f(a, c));
    b.finish().unwrap()
}

/// What `A ← f(A, c)` is certified to do when everything but the loss changes its sign; what is
/// inferred is certified in any case.
fn all_signs_changed(f: impl for<'g> Fn(Expr<'g>, Expr<'g>) -> Expr<'g>) -> Result<(), CheckError> {
    let step = step_of(f);
    check(&step, &sign_flips(&step, &Options::default()).certificate).unwrap();
    let mut forged = sign_flips(&step, &Options::default()).certificate;
    forged.generators = vec!["all".into()];
    for node in &mut forged.nodes {
        let odd = node.index != step.loss.index();
        node.weight = Some(vec![u8::from(odd).to_string()]);
    }
    check(&step, &forged)
}

#[test]
fn what_is_odd_may_change_its_sign_and_nothing_else() {
    let odd: [for<'g> fn(Expr<'g>, Expr<'g>) -> Expr<'g>; 6] = [
        |a, _| -a,
        |a, _| a.sign(),
        |a, c| a + c,
        |a, c| a - c,
        |a, c| a.if_equal(c, a, -c),
        |a, _| a.cast(FloatFormat::Bf16),
    ];
    for (i, f) in odd.into_iter().enumerate() {
        assert_eq!(all_signs_changed(f), Ok(()), "function {i}");
    }
    let others: [for<'g> fn(Expr<'g>, Expr<'g>) -> Expr<'g>; 16] = [
        |a, _| a.abs().sqrt(),
        |a, _| a * a.sqrt(),
        |a, _| a * a.atan2(a + a),
        |a, _| a.max(a + a),
        |a, _| a.min(a + a),
        |a, _| a.atan2(a + a),
        |a, _| a.if_less(a + a, a, a),
        |a, c| a.atan2(c),
        |a, c| a.max(c),
        |a, c| a.min(c),
        |a, c| a * c,
        |a, c| a / c,
        |a, _| a.row_max(),
        |a, _| a.sqrt(),
        |a, _| a.exp(),
        |a, c| a.if_less_equal(c, a, c),
    ];
    for (i, f) in others.into_iter().enumerate() {
        assert!(all_signs_changed(f).is_err(), "function {i}");
    }
}
