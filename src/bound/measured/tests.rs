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
    for t in 0..=5 {
        let none = |all: &Vec<Result<Drift, String>>| {
            let mut upto = all[..=t].iter();
            upto.all(|drift| drift.as_ref().unwrap().up.is_zero())
        };
        assert_eq!(measured.is_exact(t), measured.drifts.values().all(none));
    }
    assert!(measured.is_exact(0) && !measured.is_exact(1));
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
    let mut found = 0;
    for seed in 0..20 {
        let left = seed_script(seed).unwrap();
        let (right, factors) = rescaled(&left, "3", "", true);
        let measured = measure(&left, &right, &factors, ArithmeticName::F32, 500).unwrap();
        assert_eq!(measured.stopped, None);
        found += usize::from(!measured.jumps.is_empty());
        assert_eq!(measured.jumps.is_empty(), measured.jump_counts[500] == 0);
        for jump in &measured.jumps {
            assert_ne!(jump.left, jump.right);
            assert!(jump.step >= 1 && jump.step <= 500);
            assert!(jump.entry.0 < 16 && jump.entry.1 < 4);
        }
    }
    // PyTorch's own runs show it in 3 of 20.
    assert!(found >= 3, "{found}");
}

/// The run with one entry of Y at another place.
fn with_target(run: &Scenario, entry: (usize, usize), value: f64) -> Scenario {
    let mut run = run.clone();
    let y = &run.values.tensors["Y"];
    let mut values = y.values().to_vec();
    values[entry.0 * y.cols() + entry.1] = value;
    let planted = crate::exec::Tensor::new(y.rows(), y.cols(), values).unwrap();
    run.values.set_tensor("Y", planted);
    run
}

#[test]
fn a_planted_jump_is_found_where_it_was_planted() {
    let run = seed_script(0).unwrap();
    let (_, factors) = rescaled(&run, "4", "", true);
    for entry in [(3, 1), (15, 0), (0, 3)] {
        let left = with_target(&run, entry, 1000.0);
        let right = with_target(&run, entry, -1000.0);
        let found = measure(&left, &right, &factors, ArithmeticName::F64, 1).unwrap();
        assert_eq!(found.jump_counts, [0, 1]);
        let jump = &found.jumps[0];
        assert_eq!((jump.step, jump.entry), (1, entry));
        assert_eq!((jump.left.as_str(), jump.right.as_str()), ("−", "+"));
        assert_eq!(jump.node, "sign(Z - Y)");
        let same = measure(&left, &left, &factors, ArithmeticName::F64, 1).unwrap();
        assert_eq!(same.jump_counts, [0, 0]);
    }
}

/// A huber loss chooses by the size of a residual: far away on the left, on the spot on the right.
#[test]
fn a_planted_choice_is_found_where_it_was_planted() {
    let mut run = seed_script(0).unwrap();
    run.recipe = crate::zoo::Recipe::new("linear", "huber", "sgd").unwrap();
    for name in ["momentum", "dampening", "weight_decay"] {
        run.recipe.switch_off(name).unwrap();
    }
    run.values.set_scalar("loss.delta", 100);
    let (_, factors) = rescaled(&seed_script(0).unwrap(), "4", "", true);
    let left = with_target(&run, (5, 2), 1000.0);
    let right = with_target(&run, (5, 2), -1000.0);
    let signs = measure(&left, &right, &factors, ArithmeticName::F64, 1).unwrap();
    assert_eq!(signs.stopped, None);
    assert!(
        signs
            .jumps
            .iter()
            .all(|j| j.entry == (5, 2) && j.node.starts_with("sign("))
    );
    let right = with_target(&run, (5, 2), 0.0);
    let found = measure(&left, &right, &factors, ArithmeticName::F64, 1).unwrap();
    let choice = found.jumps.iter().find(|j| !j.node.starts_with("sign("));
    let choice = choice.expect("a choice fell differently");
    assert_eq!((choice.step, choice.entry), (1, (5, 2)));
    assert_ne!(choice.left, choice.right);
}

/// The exact run of a scenario in which nothing is rounded is the float run itself, and a float
/// run of few bits is as far from it as the difference of the two says.
#[test]
fn the_own_error_is_the_distance_from_the_exact_run() {
    let run = seed_script(0).unwrap();
    let (_, factors) = rescaled(&run, "4", "", true);
    let ones: BTreeMap<String, Surd> = factors.keys().map(|n| (n.clone(), Surd::from(1))).collect();
    let exact = ExactRun::new(&run, &ones, 5);
    let values = |arith| measure(&run, &run, &ones, arith, 5).unwrap().left;
    let bf16 = exact.distance(&values(ArithmeticName::Bf16), &ones, 8);
    let long = exact.distance(&values(ArithmeticName::Mp(200)), &ones, 200);
    for name in ["loss", "W", "A", "B"] {
        let log2 = |b: &BTreeMap<String, crate::bound::study::Bound>| {
            b[name].as_ref().unwrap().log2.unwrap()
        };
        assert!((-12.0..0.0).contains(&log2(&bf16)), "{name}");
        assert!((-204.0..-190.0).contains(&log2(&long)), "{name}");
    }
}
