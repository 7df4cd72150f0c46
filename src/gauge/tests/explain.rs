//! Conflicts in words.

use super::examples::{Direction, Setup, constant, sgd};
use super::{q, w};
use crate::gauge::{Options, check, conflicts, infer};

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
