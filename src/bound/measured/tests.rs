//! The measured drift against an independent computation, and jumps that are known to be there.

use num_traits::{Signed, Zero};

use super::*;
use crate::arith::{F32, parse_ratio};
use crate::bound::Rescaling;
use crate::gauge::infer;
use crate::scenario::seed_script;

/// The rescaled run and the factors of loss, W, A and B.
fn rescaled(left: &Scenario, p: &str, q: &str, root: bool) -> (Scenario, BTreeMap<String, Surd>) {
    let step = left.recipe.build().unwrap();
    let inference = infer(&step, &crate::gauge::Options::default());
    let number = |text: &str| parse_ratio(text).unwrap();
    if !root {
        let rescaling = Rescaling::new(&inference.rule, vec![number(p), number(q)]);
        let right = rescaling.scenario(left).unwrap();
        let factor = |name: &str| rescaling.factor(&inference.rule.weights[name]).unwrap();
        let mut factors = BTreeMap::from(["A", "B"].map(|n| (n.to_owned(), factor(n))));
        factors.extend(["loss", "W"].map(|n| (n.to_owned(), Surd::from(1))));
        return (right, factors);
    }
    let mut right = left.clone();
    let power = |e: &str| Surd::power(&number(p), &number(e)).unwrap();
    for (name, e) in [("s", "1"), ("lr_A", "-1"), ("lr_B", "-1")] {
        let value = right.values.scalars.get_mut(name).unwrap();
        *value = value.checked_mul(&power(e)).unwrap();
    }
    for name in ["A", "B"] {
        let tensor = right.values.tensors.get_mut(name).unwrap();
        *tensor = tensor.scaled_by(&power("-1/2")).unwrap();
    }
    let mut factors = BTreeMap::from(["A", "B"].map(|n| (n.to_owned(), power("-1/2"))));
    factors.extend(["loss", "W"].map(|n| (n.to_owned(), Surd::from(1))));
    (right, factors)
}

/// p = 1, q = 1/3: every factor is rational, so the whole computation can be repeated with
/// rationals from the values of two machines.
#[test]
fn the_drift_is_what_rationals_say() {
    let left = seed_script(0).unwrap();
    let (right, factors) = rescaled(&left, "1", "1/3", false);
    let measured = measure(&left, &right, &factors, ArithmeticName::F32, 5).unwrap();
    let (lg, rg) = (left.recipe.build().unwrap(), right.recipe.build().unwrap());
    let options = Options {
        outputs: Outputs::All,
        ..Options::default()
    };
    let mut l = Machine::new(F32, &lg, &left.sizes, &left.values, &options).unwrap();
    let mut r = Machine::new(F32, &rg, &right.sizes, &right.values, &options).unwrap();
    for t in 0..=5 {
        l.forward().unwrap();
        r.forward().unwrap();
        for (name, c) in [("A", "1"), ("B", "1/3"), ("W", "1")] {
            let read = |m: &Machine<'_, F32>| -> Vec<Ratio> {
                let matrix = if name == "W" {
                    m.output(name)
                } else {
                    m.parameter(name)
                };
                let exact = |x: &f32| crate::arith::ratio_from_f64(f64::from(*x)).unwrap();
                matrix.unwrap().iter().map(exact).collect()
            };
            let c = parse_ratio(c).unwrap();
            let (x, y) = (read(&l), read(&r));
            let size = x.iter().map(|x| (x * &c).abs()).max().unwrap();
            let apart = x
                .iter()
                .zip(&y)
                .map(|(x, y)| (y - x * &c).abs())
                .max()
                .unwrap();
            let drift = measured.drifts[name][t].as_ref().unwrap();
            if apart.is_zero() {
                assert!(drift.up.is_zero());
                continue;
            }
            let exact = apart / size;
            assert!(exact <= parse_ratio(&drift.up.text).unwrap(), "{name} {t}");
            assert!(
                exact >= parse_ratio(&drift.down.text).unwrap(),
                "{name} {t}"
            );
            // The two are neighbours among four-digit decimals.
            let width =
                parse_ratio(&drift.up.text).unwrap() - parse_ratio(&drift.down.text).unwrap();
            assert!(width * Ratio::from_integer(1000.into()) <= exact);
        }
        l.advance().unwrap();
        r.advance().unwrap();
    }
    assert!(!measured.is_exact(5));
}

#[test]
fn a_power_of_two_drifts_not_at_all() {
    let left = seed_script(0).unwrap();
    for arith in [
        ArithmeticName::F32,
        ArithmeticName::Bf16,
        ArithmeticName::Mp(40),
    ] {
        let (right, factors) = rescaled(&left, "4", "", true);
        let measured = measure(&left, &right, &factors, arith, 5).unwrap();
        assert!(measured.is_exact(5), "{arith}");
        let (right, factors) = rescaled(&left, "3", "", true);
        let measured = measure(&left, &right, &factors, arith, 5).unwrap();
        assert!(!measured.is_exact(5), "{arith}");
        assert!(measured.largest("W", 5).unwrap().up.log2.unwrap() < -5.0);
    }
}

#[test]
fn twenty_l1_runs_show_a_jump() {
    let mut found = vec![];
    for seed in 0..20 {
        let left = seed_script(seed).unwrap();
        let (right, factors) = rescaled(&left, "3", "", true);
        let measured = measure(&left, &right, &factors, ArithmeticName::F32, 500).unwrap();
        assert_eq!(measured.stopped, None);
        found.extend(measured.jumps.first().map(|j| (seed, j.clone())));
        for jump in &measured.jumps {
            assert_ne!(jump.left, jump.right);
            assert!(jump.step >= 1 && jump.step <= 500);
        }
    }
    println!("{found:#?}");
    assert!(!found.is_empty());
}
