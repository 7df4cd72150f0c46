//! Everything about one step at once: directions, casts, what is not read.

use super::examples::{Direction as Update, Setup, sgd};
use super::{check, q, w};
use crate::arith::FloatFormat;
use crate::gauge::{
    Constraint, Derivation, Direction, DirectionKind, Options, Symmetry, conflicts, derive, infer,
    weights_in_sqrt_k,
};
use crate::graph::{Dim, StepBuilder, StepGraph, gradient};

fn of(setup: Setup, options: &Options) -> Derivation {
    let derivation = derive(&sgd(setup), options, "s");
    assert_eq!(derivation.refused, None);
    derivation
}

fn find(derivation: &Derivation, kind: DirectionKind) -> &Direction {
    let mut all = derivation.directions.iter();
    all.find(|d| d.kind == kind).unwrap()
}

#[test]
fn the_directions_of_descent_and_of_adam() {
    for (direction, power) in [(Update::Gradient, 2), (Update::Adam, 1)] {
        let setup = Setup {
            direction,
            decay: true,
            ..Setup::default()
        };
        let derivation = of(setup, &Options::default());
        assert_eq!(
            derivation.shared.rule,
            infer(&sgd(setup), &Options::shared()).rule
        );
        assert_ne!(derivation.shared.rule, derivation.inference.rule);
        assert_eq!(derivation.directions.len(), 3);
        let number = |n: i32| w(&[&n.to_string()]);
        let fixed = find(&derivation, DirectionKind::ScaleFixed);
        assert_eq!(fixed.basis, ["t"]);
        for (name, power) in [
            ("A", 1),
            ("B", -1),
            ("s", 0),
            ("lr_A", power),
            ("lr_B", -power),
            ("weight_decay_A", -2),
        ] {
            assert_eq!(fixed.weights[name], number(power), "{name}");
        }
        let alone = find(&derivation, DirectionKind::Alone("B".into()));
        assert_eq!(alone.basis, ["k"]);
        for (name, power) in [("A", 0), ("B", -1), ("s", 1), ("lr_A", 0), ("lr_B", -power)] {
            assert_eq!(alone.weights[name], number(power), "{name}");
        }
        // LoRA+'s ratio of the two rates, along the two directions.
        for (direction, power) in [(fixed, -2 * power), (alone, -power)] {
            let lr = direction.quotients.iter().find(|q| q.above == "lr_B");
            let lr = lr.unwrap();
            assert_eq!((lr.below.as_str(), &lr.weight), ("lr_A", &number(power)));
        }
    }
}

#[test]
fn what_ties_the_factors_leaves_no_direction() {
    assert!(
        of(Setup::default(), &Options::shared())
            .directions
            .is_empty()
    );
    let clipped = Setup {
        clip_norm: true,
        ..Setup::default()
    };
    assert!(of(clipped, &Options::default()).directions.is_empty());
}

/// Descent along the gradient as it is in bf16.
fn rounded() -> StepGraph {
    let b = StepBuilder::new();
    let [n_in, n_out, r] = ["n_in", "n_out", "r"].map(Dim::named);
    let (a, bb) = (b.parameter("A", &r, &n_in), b.parameter("B", &n_out, &r));
    let s = b.hyperparameter("s", "s", false);
    let loss = (s * bb.matmul(a)).opaque_loss();
    b.set_loss(loss);
    let gradients = gradient(loss, &[a, bb]).unwrap();
    for (x, g) in [(a, gradients[0]), (bb, gradients[1])] {
        let lr = b.hyperparameter(if x.id() == a.id() { "lr_A" } else { "lr_B" }, "lr", false);
        b.update(x, x - lr * g.cast(FloatFormat::Bf16));
    }
    b.hyperparameter("unused", "unused", true);
    b.finish().unwrap()
}

#[test]
fn rounding_commutes_with_powers_of_two_only() {
    let step = rounded();
    let derivation = derive(&step, &Options::default(), "s");
    assert_eq!(derivation.refused, None);
    assert_eq!(derivation.rule().dimension(), 0);
    assert_eq!(derivation.unread, ["unused"]);
    let more = derivation.powers_of_two.unwrap();
    assert_eq!(more.rule.basis(), ["p", "q"]);
    assert_eq!(more.rule.weights["lr_B"], w(&["0", "2"]));
    let found = conflicts(&step, &Options::default());
    assert_eq!(found.ties.len(), 2, "{:#?}", found.ties);
    for (tie, weight) in found.ties.iter().zip(["-1", "(0, -1)"]) {
        let words = format!(
            "rounds a quantity of weight {weight} to bf16, which commutes with powers of two only"
        );
        assert!(tie.because.contains(&words), "{tie:?}");
    }
    let casts = |c: &Constraint| c.says.contains("commutes with powers of two only");
    assert!(found.smallest.iter().any(casts), "{:#?}", found.smallest);
    // The assumption is part of the certificate: without it, the checker refuses.
    let mut certificate = more.certificate;
    assert!(certificate.to_json().contains("\"powers_of_two\":true"));
    certificate.question.powers_of_two = false;
    assert!(check(&step, &certificate).is_err());
    // Signs commute with rounding anyway.
    assert_eq!(derivation.sign_flips.flips.len(), 2);
    assert_eq!(derivation.sign_flips.question.symmetry, Symmetry::Sign);
    // A step that does not round says nothing about powers of two.
    let plain = derive(&sgd(Setup::default()), &Options::default(), "s");
    assert!(plain.powers_of_two.is_none());
    let json = infer(&sgd(Setup::default()), &Options::default())
        .certificate
        .to_json();
    assert!(!json.contains("powers_of_two"));
}

#[test]
fn rules_differ_where_both_read_a_setting() {
    let setup = |direction| Setup {
        direction,
        ..Setup::default()
    };
    let descent = of(setup(Update::Gradient), &Options::default());
    let adam = of(setup(Update::Adam), &Options::default());
    assert_eq!(descent.differences(&adam), ["lr_A", "lr_B"]);
    assert!(descent.differences(&descent).is_empty());
    let adding = |reads: bool| {
        let b = StepBuilder::new();
        let one = Dim::one();
        let a = b.parameter("A", &one, &one);
        let c = b.hyperparameter("c", "c", false);
        let x = b.data("X", &one, &one);
        b.set_loss(x.opaque_loss());
        b.update(a, if reads { a + c * x } else { a * x });
        derive(&b.finish().unwrap(), &Options::default(), "s")
    };
    let (read, unread) = (adding(true), adding(false));
    assert_eq!(unread.unread, ["c"]);
    assert_ne!(read.rule().weights.get("c"), unread.rule().weights.get("c"));
    assert!(read.differences(&unread).is_empty());
    assert!(unread.differences(&read).is_empty());
}

/// `A ← A·X` where the loss is about s²·A; X is rounded or not.
fn squared_scale(rounds: bool) -> StepGraph {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    let x = b.data("X", &one, &one);
    let s = b.hyperparameter("s", "s", false);
    b.set_loss((s * s * a).opaque_loss());
    let x = if rounds { x.cast(FloatFormat::Bf16) } else { x };
    b.update(a, a * x);
    b.finish().unwrap()
}

#[test]
fn a_direction_is_in_powers_of_what_the_scale_is_multiplied_by() {
    let step = squared_scale(false);
    let derivation = derive(&step, &Options::default(), "s");
    let [alone] = derivation.directions.as_slice() else {
        panic!("{:#?}", derivation.directions)
    };
    assert_eq!(alone.kind, DirectionKind::Alone("A".into()));
    assert_eq!(alone.weights["s"], w(&["1"]));
    assert_eq!(alone.weights["A"], w(&["-2"]));
    let in_sqrt_k = weights_in_sqrt_k(derivation.rule(), "s").unwrap();
    assert_eq!((&in_sqrt_k["s"], &in_sqrt_k["A"]), (&q("2"), &q("-4")));
    // Nothing is a scale by this name, so none is kept.
    assert!(
        derive(&step, &Options::default(), "scale")
            .directions
            .is_empty()
    );
}

#[test]
fn a_tensor_that_the_scale_does_not_follow_has_no_direction_with_it() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    b.set_loss((b.hyperparameter("s", "s", false) * b.data("X", &one, &one)).opaque_loss());
    b.update(a, a);
    let derivation = derive(&b.finish().unwrap(), &Options::default(), "s");
    let kinds: Vec<_> = derivation.directions.iter().map(|d| &d.kind).collect();
    assert_eq!(kinds, [&DirectionKind::ScaleFixed]);
}

#[test]
fn rounding_what_is_not_scaled_gives_powers_of_two_nothing_more() {
    let derivation = derive(&squared_scale(true), &Options::default(), "s");
    assert_eq!(derivation.rule().dimension(), 1);
    assert!(derivation.powers_of_two.is_none());
}

#[test]
fn a_loss_ties_its_factors_unless_it_is_free() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    b.set_loss(a.abs());
    b.update(a, a);
    let step = b.finish().unwrap();
    for (free_loss, dimension) in [(false, 0), (true, 1)] {
        let options = Options {
            free_loss,
            ..Options::default()
        };
        assert_eq!(infer(&step, &options).rule.dimension(), dimension);
    }
}

#[test]
fn copies_that_weigh_differently_keep_their_names() {
    let options = Options {
        held: ["A".to_owned()].into(),
        ..Options::default()
    };
    let weights = weights_in_sqrt_k(&infer(&sgd(Setup::default()), &options).rule, "s").unwrap();
    for (name, power) in [("s", "2"), ("B", "-2"), ("lr_A", "0"), ("lr_B", "-4")] {
        assert_eq!(weights[name], q(power), "{name}");
    }
    assert!(!weights.contains_key("lr"));
}
