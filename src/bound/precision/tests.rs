//! A small study, line by line against what its parts say.

use std::sync::Mutex;

use num_traits::ToPrimitive;

use super::*;
use crate::arith::{Surd, parse_ratio};
use crate::bound::exactness::bit_exact_range;
use crate::bound::measured::measure;
use crate::bound::study::{Magnitude, Row};
use crate::exec::Tensor;
use crate::scenario::{Exact, RandomFile, ScenarioFile};
use crate::zoo::Recipe;

const F32: ArithmeticName = ArithmeticName::F32;
const F16: ArithmeticName = ArithmeticName::F16;

/// `sgd` with 2 × 2 layers and rank 1.
fn run(loss: &str) -> Scenario {
    let recipe = Recipe::new("linear", loss, "sgd").unwrap();
    let file = ScenarioFile {
        steps: 2,
        alpha: Some(Exact(Surd::from(2))),
        sizes: [("batch", 3), ("n_in", 2), ("n_out", 2), ("r", 1)]
            .map(|(name, size)| (name.to_owned(), size))
            .into(),
        hyperparameters: [("lr".to_owned(), Exact("1/10".parse().unwrap()))].into(),
        random: Some(RandomFile {
            seed: 5,
            zero: vec![],
        }),
        ..ScenarioFile::of(&recipe)
    };
    file.scenario().unwrap()
}

fn plan(arithmetics: &[ArithmeticName], k: &[&str], steps: &[usize]) -> StudyPlan {
    StudyPlan {
        arithmetics: arithmetics.to_vec(),
        k: k.iter().map(|k| parse_ratio(k).unwrap()).collect(),
        split: Split::Sqrt,
        steps: steps.to_vec(),
        against_bits: vec![],
        wanted: 8,
    }
}

fn carried_out(run: &Scenario, plan: &StudyPlan) -> Study {
    study(run, plan, "again", &|_| {}).unwrap()
}

fn number(m: &Magnitude) -> Ratio {
    parse_ratio(&m.text).unwrap()
}

#[test]
fn every_row_says_what_its_parts_say() {
    let run = run("mse");
    let plan = plan(&[F32, F16], &["3", "4"], &[1, 2]);
    let found = carried_out(&run, &plan);
    assert_eq!(
        (found.leading.as_str(), found.reproduce.as_str()),
        ("W", "again")
    );
    assert_eq!(found.scenario.optimizer, "sgd");
    assert_eq!(found.scenario.sizes["batch"], 3);
    assert!(found.scenario.ranges.is_empty());
    let of = |row: &Row| (row.k.clone(), row.arith.clone(), row.precision, row.steps);
    let order = |k: &str| {
        let of = |arith: &str, bits, steps| (k.to_owned(), arith.to_owned(), bits, steps);
        [
            of("f32", 24, 1),
            of("f32", 24, 2),
            of("f16", 11, 1),
            of("f16", 11, 2),
        ]
    };
    let rows: Vec<_> = found.rows.iter().map(of).collect();
    assert_eq!(rows, [order("3"), order("4")].concat());
    for row in &found.rows {
        let arith = if row.arith == "f32" { F32 } else { F16 };
        let k = parse_ratio(&row.k).unwrap();
        let map = rescale(&run, &k, Split::Sqrt).unwrap();
        let measured = measure(&run, &map.run, &map.factors, arith, 2).unwrap();
        assert_eq!((row.split, Some(row.k_near)), (Split::Sqrt, k.to_f64()));
        assert_eq!(row.bit_equal, measured.is_exact(row.steps));
        assert_eq!(row.bit_equal, row.k == "4");
        let names: Vec<_> = row.quantities.keys().map(String::as_str).collect();
        assert_eq!(names, ["A", "B", "W", "loss"]);
        for (name, quantity) in &row.quantities {
            assert_eq!(quantity.factor, map.factors[name].to_string());
            assert_eq!(quantity.measured, measured.largest(name, row.steps));
            assert_eq!(quantity.by_step.len(), row.steps + 1);
            assert_eq!(quantity.certified_by_step.len(), row.steps + 1);
            let bound = quantity.bounds.certified.as_ref().unwrap();
            let by_step = quantity.certified_by_step.iter();
            let largest = by_step.map(|m| m.clone().unwrap()).reduce(Magnitude::max);
            assert_eq!(Some(bound), largest.as_ref());
            assert!(number(&quantity.measured.as_ref().unwrap().up) <= number(bound));
        }
        let leading = &row.quantities["W"];
        let drift = leading.measured.as_ref().unwrap();
        let bound = number(leading.bounds.certified.as_ref().unwrap());
        match row.bit_equal {
            true => {
                assert_eq!(row.ratio.as_ref().unwrap_err(), "the measured drift is 0");
                assert_eq!((row.bits_left, row.growth_per_step), (None, None));
            }
            false => {
                let ratio = number(row.ratio.as_ref().unwrap());
                let exact = bound / number(&drift.down);
                assert!(exact <= ratio && ratio <= exact * parse_ratio("1.001").unwrap());
                let bits = -drift.up.log2.unwrap();
                let left = row.bits_left.unwrap();
                assert!(left <= bits && bits < left + 0.1000001, "{left} {bits}");
                assert_eq!(row.growth_per_step.is_some(), row.steps == 2);
            }
        }
        // The left run makes errors at any k, the right one in proportion at a power of two.
        let own = |of: &BTreeMap<String, crate::bound::study::Bound>| of["W"].clone();
        let left = own(&row.own_errors.left).unwrap();
        let unit = f64::from(row.precision);
        assert!(
            (-unit - 6.0..8.0 - unit).contains(&left.log2.unwrap()),
            "{left:?}"
        );
        let right = own(&row.own_errors.right).unwrap();
        assert_eq!(left == right, row.bit_equal, "{left:?} {right:?}");
        let exact = row.bit_exact.as_ref().unwrap();
        assert_eq!((exact.split, exact.every), (Split::Sqrt, 2));
        assert!(exact.from.unwrap() < 0 && exact.to.unwrap() >= 2);
        let probability = row.probability.as_ref().unwrap();
        assert!(probability.lambda.parse::<f64>().unwrap() > 1.0);
        assert_eq!((row.jump_count, &row.ending), (0, &None));
    }
}

#[test]
fn an_arithmetic_is_run_once_however_often_it_is_asked_for() {
    let mut plan = plan(&[ArithmeticName::Mp(30)], &["3"], &[2]);
    plan.against_bits = vec![30, 40, 50];
    let parts = Mutex::new(vec![]);
    let told = |part| parts.lock().unwrap().push(part);
    let found = study(&run("mse"), &plan, "", &told).unwrap();
    assert_eq!(found.rows.len(), 1);
    let why = found.rows[0].bit_exact.as_ref().unwrap_err();
    assert!(why.starts_with("no limit within reach"), "{why}");
    let of: Vec<&str> = found.fits.iter().map(|fit| fit.of.as_str()).collect();
    assert_eq!(of, ["measured", "certified"]);
    for fit in &found.fits {
        let bits: Vec<u32> = fit.points.iter().map(|(bits, _)| *bits).collect();
        assert_eq!(bits, [30, 40, 50]);
        // Half the unit roundoff is half the drift, about.
        assert!(fit.slope.0 > -1.3 && fit.slope.1 < -0.7, "{:?}", fit.slope);
    }
    let parts = parts.into_inner().unwrap();
    assert!(parts.is_sorted(), "{parts:?}");
    assert_eq!(parts.last(), Some(&1.0));
    // Three jobs, each told of at its beginning, while it is bounded and at its end.
    assert!(parts[0] >= 0.03 && parts[0] < 0.5, "{parts:?}");
    assert!(parts.len() >= 9, "{parts:?}");
}

/// Which tensors fill a range, and in which step a certificate ends.
#[test]
fn ranges_and_the_end_of_a_certificate_are_told() {
    let mut ranged = run("mse");
    let x = ranged.values.tensors["X"].clone();
    let radius = parse_ratio("1/1024").unwrap();
    ranged.values.set_tensor("X", x.within(&radius));
    let found = carried_out(&ranged, &plan(&[F32], &["3"], &[1]));
    let ranges: Vec<_> = found.scenario.ranges.iter().collect();
    assert_eq!(ranges, [(&"X".to_owned(), &"1/1024".to_owned())]);
    let certified = &found.rows[0].quantities["W"].bounds.certified;
    assert!(certified.is_ok(), "{certified:?}");

    // The target of one output is where the output comes to lie after a step.
    let mut kink = run("l1");
    let x = kink.values.tensors["X"].values()[..2].to_vec();
    let y = kink.values.tensors["Y"].values().to_vec();
    let with_target = |run: &mut Scenario, target: f64| {
        let mut y = y.clone();
        y[0] = target;
        run.values.set_tensor("Y", Tensor::new(3, 2, y).unwrap());
    };
    with_target(&mut kink, 100.0);
    let ones = [("W".to_owned(), Surd::from(1))].into();
    let values = measure(&kink, &kink, &ones, ArithmeticName::F64, 1).unwrap();
    let outputs = values.left.iter().map(|after| {
        let w = &after["W"];
        x.iter().zip(w).map(|(x, w)| x * w.to_f64().unwrap()).sum()
    });
    let outputs: Vec<f64> = outputs.collect();
    assert!(outputs[0] < outputs[1], "{outputs:?}");
    with_target(&mut kink, outputs[1]);
    let found = carried_out(&kink, &plan(&[F32], &["3"], &[1, 2]));
    let left_out = |steps| {
        let found = carried_out(&kink, &plan(&[F32], &["3"], &[steps]));
        let own = found.rows[0].own_errors.left["W"].clone();
        own.is_err_and(|why| why == "left out for more than 100 steps")
    };
    assert!(!left_out(100) && left_out(101) && left_out(102));
    let ends: Vec<_> = (found.rows.iter())
        .map(|row| row.ending.as_ref().map(|e| e.step))
        .collect();
    assert_eq!(ends, [None, Some(2)], "{:?}", found.rows[1].ending);
}

#[test]
fn a_precision_is_enough_where_the_wanted_bits_agree() {
    let run = run("mse");
    let mut plan = plan(&[F32, F16, ArithmeticName::F64], &["3", "5"], &[2]);
    plan.against_bits = vec![20, 30, 40];
    plan.wanted = 15;
    let found = carried_out(&run, &plan);
    let enough = &found.enough[0];
    assert_eq!((enough.k.as_str(), enough.wanted), ("3", 15));
    assert_eq!(enough.measured.as_deref(), Some("f32"));
    assert_eq!(enough.certified.as_deref(), Some("f32"));
    let ks: Vec<&str> = found.fits.iter().map(|fit| fit.k.as_str()).collect();
    assert_eq!(ks, ["3", "3", "5", "5"]);
    for fit in &found.fits {
        let bits: Vec<u32> = fit.points.iter().map(|(bits, _)| *bits).collect();
        assert_eq!(bits, plan.against_bits);
    }
    assert_ne!(found.fits[0].points, found.fits[2].points);
    let line = found.fits.iter().find(|fit| fit.of == "measured").unwrap();
    let fitted = enough.fitted_bits.unwrap();
    let at = |bits: u32| line.intercept + f64::from(bits) * (line.slope.0 + line.slope.1) / 2.0;
    assert!(at(fitted) <= -15.0 && at(fitted - 1) > -15.0, "{fitted}");
    let tried = enough.tried_bits.unwrap();
    let map = rescale(&run, &plan.k[0], Split::Sqrt).unwrap();
    let agrees = |bits: u32| {
        let arith = ArithmeticName::Mp(bits);
        let measured = measure(&run, &map.run, &map.factors, arith, 2).unwrap();
        let up = measured.largest("W", 2).unwrap().up;
        up.log2.is_none_or(|log2| log2 <= -15.0)
    };
    let first = (fitted - 4..).find(|bits| agrees(*bits));
    assert_eq!(Some(tried), first);
}

#[test]
fn a_split_that_the_rule_does_not_allow_is_refused() {
    assert_eq!(significand_bits(F32), 24);
    assert_eq!(significand_bits(F16), 11);
    assert_eq!(significand_bits(ArithmeticName::Rational), 0);
    let mut plan = plan(&[F16], &["3"], &[1]);
    plan.split = Split::A;
    let found = carried_out(&run("mse"), &plan);
    let why = found.rows[0].bit_exact.as_ref().unwrap_err();
    assert_eq!(why, "computed for the splits sqrt and b only");
    let mut tied = run("mse");
    tied.recipe.clip = Some(crate::zoo::Clip::Norm);
    match rescale(&tied, &parse_ratio("3").unwrap(), Split::A) {
        Err(SplitError::NotAllowed { split, found, .. }) => {
            assert_eq!(split, "a");
            assert_eq!(found, "1");
        }
        other => panic!("{other:?}"),
    }
    // A rule that moves both tensors together has a power to show.
    tied.recipe.clip = Some(crate::zoo::Clip::NormExact);
    match rescale(&tied, &parse_ratio("3").unwrap(), Split::A) {
        Err(SplitError::NotAllowed { found, .. }) => assert_eq!(found, "k^(-1) (weight 1 in p)"),
        other => panic!("{other:?}"),
    }
}

/// A study of more steps than the run has looks at all of them.
#[test]
fn exponents_are_those_of_all_steps_of_a_study() {
    let run = run("mse");
    let step = run.recipe.build().unwrap();
    let rule = crate::gauge::infer(&step, &crate::gauge::Options::default()).rule;
    let of = |steps: usize| {
        let run = Scenario {
            steps,
            ..run.clone()
        };
        let range = bit_exact_range(&run, &rule, Split::Sqrt, F16).unwrap();
        (range.from, range.to)
    };
    assert_ne!(of(run.steps), of(3));
    let found = carried_out(&run, &plan(&[F16], &["4"], &[3]));
    let range = found.rows[0].bit_exact.as_ref().unwrap();
    assert_eq!((range.from, range.to), of(3));
}
