//! Conflicts in words.

use super::examples::{Direction, Setup, constant, sgd};
use super::{check, q, w};
use crate::gauge::{Conflicts, Options, conflicts, infer};
use crate::graph::{Dim, Expr, StepBuilder};

#[test]
fn clipping_by_norm_is_explained() {
    let step = sgd(Setup {
        clip_norm: true,
        ..Setup::default()
    });
    assert_eq!(infer(&step, &Options::default()).rule.dimension(), 0);
    let found = conflicts(&step, &Options::default());
    assert_eq!((found.parameters, found.independent), (2, 0));
    let [one] = found.constants.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(one.constant, "1e-6");
    assert_eq!(one.node, "clip.denominator");
    assert_eq!(
        one.because,
        "`clip.denominator` adds the constant 1e-6 to a quantity of weight -1 (with p = q)"
    );
    assert_eq!(one.without_it, "exact with p = q");
    assert_eq!(one.rule.weights["max_norm"], w(&["-1"]));
    assert_eq!(one.rule.weights["constant 1e-6"], w(&["-1"]));
    assert_eq!(one.freed, [constant(&step, &q("1e-6"))].into());
    let [tie] = found.ties.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(
        tie.because,
        "`clip.total` adds a quantity of weight (-2, 0) to a quantity of weight (0, -2)"
    );
    assert_eq!(found.smallest.len(), 1, "{:#?}", found.smallest);
    assert_eq!(found.smallest[0].node, "clip.total");
    let relaxed = Options {
        free_constants: one.freed.clone(),
        ..Options::default()
    };
    let inference = infer(&step, &relaxed);
    assert_eq!(inference.rule, one.rule);
    check(&step, &inference.certificate).unwrap();
}

#[test]
fn a_shared_rate_is_named_as_the_tie() {
    let step = sgd(Setup {
        direction: Direction::Adam,
        ..Setup::default()
    });
    let found = conflicts(&step, &Options::shared());
    assert_eq!(found.independent, 1);
    assert_eq!(found.remains, ["p = q"]);
    assert!(found.constants.is_empty(), "{:#?}", found.constants);
    assert!(found.ties[0].tied.is_some(), "{:#?}", found.ties);
    assert!(conflicts(&step, &Options::default()).smallest.is_empty());
}

/// What stands in the way of scaling A in `A ← f(A, 1e-6, 2e-5, X)`; X is data.
fn of(f: impl for<'g> Fn(Expr<'g>, [Expr<'g>; 2], Expr<'g>) -> Expr<'g>) -> Conflicts {
    let b = StepBuilder::new();
    let one = Dim::one();
    let a = b.parameter("A", &one, &one);
    let x = b.data("X", &one, &one);
    b.set_loss(x.opaque_loss());
    let constants = [b.ratio(1, 1_000_000), b.ratio(2, 100_000)];
    b.update(a, f(a, constants, x));
    conflicts(&b.finish().unwrap(), &Options::default())
}

#[test]
fn two_constants_may_stand_in_the_way_together() {
    let found = of(|a, [c, d], _| (a + c).max(d));
    let [pair] = found.constants.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(pair.constant, "1e-6 and 2e-5");
    assert_eq!(pair.freed.len(), 2);
    assert_eq!(pair.without_it, "exact");
    assert!(found.ties.is_empty(), "{found:#?}");
}

#[test]
fn what_holds_a_constant_is_named_with_it() {
    let found = of(|a, [c, _], x| a + c * x);
    let [one] = found.constants.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(
        one.because,
        "`update of A` adds `(1e-6 * X)`, which holds the constant 1e-6, to a quantity of weight 1"
    );
}

#[test]
fn powers_between_factors_are_written_as_powers() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let [a, bb, c, d, e] = ["A", "B", "C", "D", "E"].map(|name| b.parameter(name, &one, &one));
    let x = b.data("X", &one, &one);
    b.set_loss(x.opaque_loss());
    b.update(a, a + bb * bb);
    b.update(bb, bb);
    b.update(c, c + b.ratio(1, 1) / bb);
    b.update(d, d + a * a);
    b.update(e, e + x);
    let found = conflicts(&b.finish().unwrap(), &Options::default());
    let relations = ["q = p^(1/2)", "c = p^(-1/2)", "d = p^2", "e = 1"];
    assert_eq!(found.remains, relations);
}
