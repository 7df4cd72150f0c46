//! The checker against wrong certificates.

use proptest::prelude::*;

use super::examples::{Direction, Loss, Setup, sgd};
use crate::arith::{parse_ratio, show_ratio};
use crate::gauge::{Options, check, infer};

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
}
