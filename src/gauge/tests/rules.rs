//! Which rules come out.

use super::examples::{Direction, Loss, Setup, sgd};
use super::{check, q, w};
use crate::gauge::{Options, infer, invariants, sign_flips, weights_in_sqrt_k};
use crate::graph::{Dim, Expr, StepBuilder};

fn setups() -> Vec<Setup> {
    let mut all = Vec::new();
    for loss in [
        Loss::Mse,
        Loss::L1,
        Loss::Huber,
        Loss::CrossEntropy,
        Loss::Opaque,
    ] {
        for direction in [Direction::Gradient, Direction::Sign, Direction::Adam] {
            for bits in 0..16 {
                all.push(Setup {
                    loss,
                    direction,
                    decay: bits & 1 > 0,
                    momentum: bits & 2 > 0,
                    clip_norm: bits & 4 > 0,
                    clip_value: bits & 8 > 0,
                });
            }
        }
    }
    all
}

#[test]
fn plain_descent_has_two_free_factors_for_every_loss() {
    for loss in [
        Loss::Mse,
        Loss::L1,
        Loss::Huber,
        Loss::CrossEntropy,
        Loss::Opaque,
    ] {
        let step = sgd(Setup {
            loss,
            ..Setup::default()
        });
        let rule = infer(&step, &Options::default()).rule;
        assert_eq!(rule.basis(), ["p", "q"]);
        for (name, weight) in [
            ("A", ["1", "0"]),
            ("B", ["0", "1"]),
            ("s", ["-1", "-1"]),
            ("lr_A", ["2", "0"]),
            ("lr_B", ["0", "2"]),
        ] {
            assert_eq!(rule.weights[name], w(&weight), "{loss:?} {name}");
        }
        assert_eq!(rule.outputs["W"], Some(w(&["0", "0"])));
        assert_eq!(rule.node_weight(step.loss), w(&["0", "0"]));
    }
}

#[test]
fn decay_momentum_and_value_clipping_have_weights_of_their_own() {
    let step = sgd(Setup {
        decay: true,
        momentum: true,
        clip_value: true,
        ..Setup::default()
    });
    let rule = infer(&step, &Options::default()).rule;
    for (name, weight) in [
        ("weight_decay_A", ["-2", "0"]),
        ("weight_decay_B", ["0", "-2"]),
        ("state.momentum_buffer_A", ["-1", "0"]),
        ("state.momentum_buffer_B", ["0", "-1"]),
        ("clip_value_A", ["-1", "0"]),
        ("clip_value_B", ["0", "-1"]),
        ("momentum_A", ["0", "0"]),
    ] {
        assert_eq!(rule.weights[name], w(&weight), "{name}");
    }
}

#[test]
fn adam_and_sign_descent_need_another_rate() {
    let adam = infer(
        &sgd(Setup {
            direction: Direction::Adam,
            ..Setup::default()
        }),
        &Options::default(),
    );
    for (name, weight) in [
        ("lr_A", ["1", "0"]),
        ("eps_A", ["-1", "0"]),
        ("state.m_A", ["-1", "0"]),
        ("state.v_B", ["0", "-2"]),
    ] {
        assert_eq!(adam.rule.weights[name], w(&weight), "{name}");
    }
    let sign = infer(
        &sgd(Setup {
            direction: Direction::Sign,
            ..Setup::default()
        }),
        &Options::default(),
    );
    assert_eq!(sign.rule.weights["lr_B"], w(&["0", "1"]));
}

#[test]
fn a_shared_rate_leaves_the_notes_rule() {
    let step = sgd(Setup {
        decay: true,
        ..Setup::default()
    });
    let rule = infer(&step, &Options::shared()).rule;
    assert_eq!(rule.dimension(), 1);
    let shared = weights_in_sqrt_k(&rule, "s").unwrap();
    let expected = [
        ("A", "-1"),
        ("B", "-1"),
        ("s", "2"),
        ("lr", "-2"),
        ("weight_decay", "2"),
    ];
    assert_eq!(shared, expected.map(|(n, x)| (n.to_owned(), q(x))).into());
    let free = infer(&step, &Options::default()).rule;
    assert_eq!(weights_in_sqrt_k(&free, "s"), None);
}

#[test]
fn holding_the_scale_leaves_rules_with_k_1() {
    let options = Options {
        held: ["s".to_owned()].into(),
        ..Options::default()
    };
    let inference = infer(&sgd(Setup::default()), &options);
    assert_eq!(inference.rule.dimension(), 1);
    assert_eq!(inference.rule.weights["B"], w(&["-1"]));
    assert_eq!(inference.rule.weights["lr_A"], w(&["2"]));
}

#[test]
fn every_certificate_passes_the_checker() {
    for setup in setups() {
        let step = sgd(setup);
        for options in [Options::default(), Options::shared()] {
            let inference = infer(&step, &options);
            check(&step, &inference.certificate).unwrap_or_else(|e| panic!("{setup:?}: {e}"));
            let flips = sign_flips(&step, &options);
            check(&step, &flips.certificate).unwrap_or_else(|e| panic!("{setup:?}: {e}"));
        }
    }
}

#[test]
fn invariants_read_well_and_come_in_order() {
    let rule = infer(&sgd(Setup::default()), &Options::default()).rule;
    let shown: Vec<String> = invariants(&rule).iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["s^2*lr_A*lr_B", "s*A*B", "lr_A/A^2"]);
}

#[test]
fn what_is_compared_scales_together() {
    let rules: [for<'g> fn(Expr<'g>, Expr<'g>) -> Expr<'g>; 5] = [
        |a, c| a * a.atan2(c),
        |a, c| a.if_less(c, a, a),
        |a, c| a.if_equal(c, a, a),
        |a, c| a.max(c),
        |a, c| a.min(c),
    ];
    for (i, f) in rules.into_iter().enumerate() {
        let b = StepBuilder::new();
        let one = Dim::one();
        let a = b.parameter("A", &one, &one);
        b.set_loss(b.data("X", &one, &one).opaque_loss());
        b.update(a, f(a, b.hyperparameter("c", "c", false)));
        let step = b.finish().unwrap();
        let inference = infer(&step, &Options::default());
        assert_eq!(inference.rule.dimension(), 1, "function {i}");
        assert_eq!(inference.rule.weights["c"], w(&["1"]), "function {i}");
        check(&step, &inference.certificate).unwrap();
    }
}

#[test]
fn invariants_have_whole_powers_and_single_ones_are_trivial() {
    let b = StepBuilder::new();
    let one = Dim::one();
    let [a, bb] = ["A", "B"].map(|name| b.parameter(name, &one, &one));
    let c = b.hyperparameter("c", "c", false);
    b.set_loss(b.data("X", &one, &one).opaque_loss());
    b.update(a, a + bb * bb);
    b.update(bb, c.exp() * bb);
    let rule = infer(&b.finish().unwrap(), &Options::default()).rule;
    assert_eq!(rule.weights["B"], w(&["1/2"]));
    let shown: Vec<(String, bool)> = invariants(&rule)
        .iter()
        .map(|i| (i.to_string(), i.is_trivial()))
        .collect();
    let expected = [("A/B^2", false), ("c", true)];
    assert_eq!(
        shown,
        expected.map(|(name, trivial)| (name.to_owned(), trivial))
    );
}

#[test]
fn invariants_generate_every_monomial_of_weight_zero() {
    let setup = Setup {
        decay: true,
        clip_value: true,
        ..Setup::default()
    };
    let rule = infer(&sgd(setup), &Options::default()).rule;
    let basis = invariants(&rule);
    let names: Vec<&str> = rule
        .hyperparameters
        .iter()
        .chain(&rule.parameters)
        .map(String::as_str)
        .collect();
    let rows: Vec<Vec<i64>> = basis
        .iter()
        .map(|inv| {
            let exponent = |name: &&str| {
                let found = inv.factors.iter().find(|(n, _)| n == name);
                found.map_or(0, |(_, e)| i64::try_from(e).unwrap())
            };
            names.iter().map(exponent).collect()
        })
        .collect();
    assert_eq!(rows.len(), names.len() - rule.dimension());
    // A lattice of full rank in the kernel is all of it exactly when its maximal minors have no
    // common divisor: reduce the rows modulo a prime and see that none gets lost.
    for prime in [2i64, 3, 5, 7, 11, 13] {
        assert_eq!(rank_modulo(&rows, prime), rows.len(), "modulo {prime}");
    }
    for row in &rows {
        for g in 0..rule.dimension() {
            let total: crate::arith::Ratio = names
                .iter()
                .zip(row)
                .map(|(n, e)| &rule.weights[*n][g] * q(&e.to_string()))
                .sum();
            assert_eq!(total, q("0"));
        }
    }
}

fn rank_modulo(rows: &[Vec<i64>], prime: i64) -> usize {
    let mut rows: Vec<Vec<i64>> = rows
        .iter()
        .map(|r| r.iter().map(|x| x.rem_euclid(prime)).collect())
        .collect();
    let mut rank = 0;
    for column in 0..rows[0].len() {
        let Some(found) = (rank..rows.len()).find(|i| rows[*i][column] != 0) else {
            continue;
        };
        rows.swap(rank, found);
        let inverse = (1..prime)
            .find(|x| x * rows[rank][column] % prime == 1)
            .unwrap();
        let pivot = rows[rank].clone();
        for row in &mut rows[rank + 1..] {
            let factor = row[column] * inverse % prime;
            for (x, p) in row.iter_mut().zip(&pivot) {
                *x = (*x - factor * p).rem_euclid(prime);
            }
        }
        rank += 1;
        if rank == rows.len() {
            break;
        }
    }
    rank
}

#[test]
fn one_factor_may_change_its_sign_together_with_the_scale() {
    let flips = sign_flips(&sgd(Setup::default()), &Options::default()).flips;
    let flipped: Vec<Vec<&str>> = flips
        .iter()
        .map(|f| f.flipped.iter().map(String::as_str).collect())
        .collect();
    assert_eq!(flipped, [["A", "s"], ["B", "s"]]);
    // An order is not preserved by a change of sign, so clipping by value as written here
    // (max and min) is not seen to be odd.
    let clipped = sgd(Setup {
        clip_value: true,
        ..Setup::default()
    });
    assert!(sign_flips(&clipped, &Options::default()).flips.is_empty());
}
