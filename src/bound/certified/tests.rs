//! The parts of a bound by hand, and bounds of small runs between what is reached and little more.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::DMatrix;
use rug::Float;
use rug::float::{Round, Special};

use super::adversary::moved_by;
use super::backward::contributions;
use super::contribution::Contribution;
use super::intervals::{Enclosure, in_units};
use super::layout::Part;
use super::pair_bounds::relative;
use super::probabilistic::{FAILURE_PROBABILITY, lambda, probabilistic};
use super::radius::{distance, widened};
use super::tube::{Graphs, Tube};
use super::{EntryBound, Gap, pair_bounds, pair_bounds_where};
use crate::arith::{
    ArithmeticName, Enclosures, FloatModel, MpEnds, MpIntervals, Surd, parse_ratio,
};
use crate::bound::Rescaling;
use crate::bound::magnitude::{Magnitude, Side};
use crate::bound::measured::measure;
use crate::bound::study::{Bounds, Ending};
use crate::exec::Machine;
use crate::gauge::infer;
use crate::scenario::{Exact, RandomFile, Scenario, ScenarioFile};
use crate::zoo::Recipe;

const BITS: u32 = 60;

fn number(x: f64) -> Float {
    Float::with_val(BITS, x)
}

fn interval(inf: f64, sup: f64) -> Enclosure {
    MpIntervals::new(BITS).of(number(inf), number(sup)).unwrap()
}

fn f32() -> FloatModel {
    FloatModel::of(ArithmeticName::F32).unwrap()
}

#[test]
fn a_box_is_moved_apart_by_unit_roundoffs() {
    let u = 2f64.powi(-24);
    let wide = widened(&interval(1.0, 2.0), 3.0, &f32(), BITS);
    assert_eq!(wide, interval(1.0 - 3.0 * u, 2.0 + 3.0 * u));
    // Few bits do not hold the ends, which move outward.
    let coarse = widened(&interval(-1.0, 1.0), 1.0, &f32(), 8);
    assert!(*coarse.inf() < -1.0 - u && *coarse.sup() > 1.0 + u);
    for radius in [f64::INFINITY, f64::NAN] {
        let all = widened(&interval(1.0, 2.0), radius, &f32(), BITS);
        assert_eq!(*all.inf(), Float::with_val(BITS, Special::NegInfinity));
        assert_eq!(*all.sup(), Float::with_val(BITS, Special::Infinity));
    }
}

#[test]
fn a_distance_is_the_largest_of_two_numbers_in_unit_roundoffs() {
    let apart = |x: (f64, f64), y: (f64, f64)| {
        distance(&interval(x.0, x.1), &interval(y.0, y.1), &f32()) * 2f64.powi(-24)
    };
    assert_eq!(apart((1.0, 2.0), (1.5, 1.5)), 0.5);
    assert_eq!(apart((1.0, 2.0), (4.0, 5.0)), 4.0);
    assert_eq!(apart((4.0, 5.0), (1.0, 2.0)), 4.0);
    assert_eq!(apart((-3.0, -3.0), (-3.0, -3.0)), 0.0);
}

#[test]
fn a_push_is_as_large_as_an_error_and_keeps_the_sign() {
    let ctx = Enclosures::exact(MpEnds::new(BITS), f32());
    let pushed = |x: f64, size: f64, sign: i8, several: bool| {
        let of = ctx.given(interval(x, x));
        let moved = moved_by(&ctx, &of, &number(size), sign, several);
        (moved.range.inf().to_f64(), moved.range.sup().to_f64())
    };
    // The error is as large as the model admits but for a part in 2³².
    let push = |size: f64| size - size * 2f64.powi(-32);
    let at = |x: f64| (x, x);
    assert_eq!(pushed(1.0, 0.5, 1, false), at(1.0 + push(0.5)));
    assert_eq!(pushed(1.0, 0.5, -1, false), at(1.0 - push(0.5)));
    assert_eq!(pushed(1.0, 0.5, 0, false), at(1.0));
    for several in [false, true] {
        assert_eq!(pushed(1.0, 2.0, -1, several), (0.0, 0.0));
        assert_eq!(pushed(-1.0, 2.0, 1, several), (0.0, 0.0));
        assert_eq!(pushed(-1.0, 2.0, -1, several), at(-1.0 - push(2.0)));
        assert_eq!(pushed(1.0, 2.0, 1, several), at(1.0 + push(2.0)));
    }
    // A product that is 0 is exactly 0; a sum that is may have come from any terms.
    assert_eq!(pushed(0.0, 1.0, 1, false), (0.0, 0.0));
    assert_eq!(pushed(0.0, 1.0, -1, false), (0.0, 0.0));
    assert_eq!(pushed(0.0, 1.0, 1, true), at(push(1.0)));
    assert_eq!(pushed(0.0, 1.0, -1, true), at(-push(1.0)));
    let kept = ctx.of_one_sign(&interval(-1.0, 1.0), interval(0.5, 2.5));
    assert_eq!(kept, interval(0.5, 2.5));
}

#[test]
fn a_probabilistic_bound_adds_variances_and_what_is_of_second_order() {
    let run = |squares: f64, rest: f64, stated: f64| Contribution {
        any: stated,
        stated,
        squares,
        rest,
    };
    let (left, right) = (run(3.0, 0.5, 100.0), run(4.0, 0.25, 100.0));
    // 3·√(2²·3 + 4) + 2·0.5 + 0.25
    assert_eq!(probabilistic(3.0, &left, &right, 2.0), 13.25);
    let (left, right) = (run(1.0, 0.5, 2.0), run(12.0, 0.25, 3.0));
    assert_eq!(probabilistic(3.0, &left, &right, 2.0), 7.0);
}

#[test]
fn all_probabilistic_bounds_together_fail_as_seldom_as_one_may() {
    for numbers in [1usize, 2, 9, 1000, 123_456] {
        let fails = 2.0 * numbers as f64 * (-lambda(numbers).powi(2) / 2.0).exp();
        let wanted = FAILURE_PROBABILITY * (1.0 - 1e-9)..=FAILURE_PROBABILITY;
        assert!(wanted.contains(&fails), "{fails} of {numbers}");
    }
    assert_eq!(lambda(0), lambda(1));
}

#[test]
fn a_relative_distance_is_on_the_side_that_is_asked_for() {
    let ctx = MpIntervals::new(BITS);
    let of = |x: &[(f64, f64)], y: &[(f64, f64)], only: Option<usize>, round: Round| {
        let [x, y] = [x, y].map(|entries| {
            let entries = entries.iter().map(|(inf, sup)| interval(*inf, *sup));
            DMatrix::from_iterator(entries.len(), 1, entries)
        });
        relative(&ctx, [&x, &y], &interval(2.0, 2.0), only, round).map(|bound| bound.to_f64())
    };
    // 2·x is [6, 8] and [−2, 0]; y is 2 to 7 and 0 to 6 away from it.
    let x = [(3.0, 4.0), (-1.0, 0.0)];
    let y = [(10.0, 13.0), (0.0, 4.0)];
    assert_eq!(of(&x, &y, None, Round::Up), Ok(7.0 / 6.0));
    assert_eq!(of(&x, &y, None, Round::Down), Ok(0.25));
    assert_eq!(of(&x, &y, Some(1), Round::Down), Ok(0.0));
    assert_eq!(of(&x, &y, Some(1), Round::Up), Ok(1.0));
    // A third is no number, and rounded to one of 64 bits on either side.
    let third = |round| {
        let (x, y) = (interval(1.5, 1.5), interval(4.0, 4.0));
        let [x, y] = [x, y].map(|x| DMatrix::from_element(1, 1, x));
        let third = relative(&ctx, [&x, &y], &interval(2.0, 2.0), None, round).unwrap();
        Float::with_val(128, &third * 3u32)
    };
    assert!(third(Round::Up) > 1 && third(Round::Down) < 1);
    // Nothing is known relative to what may be 0, but that it is no less than nothing.
    let zero = [(0.0, 0.0)];
    let wrong = "every entry of the quantity may be 0";
    assert_eq!(of(&zero, &y[..1], None, Round::Up), Err(wrong.to_owned()));
    assert_eq!(of(&zero, &y[..1], None, Round::Down), Ok(0.0));
    assert_eq!(of(&zero, &zero, None, Round::Up), Ok(0.0));
}

struct Pair {
    runs: [Scenario; 2],
    factors: BTreeMap<String, Surd>,
}

/// A small run and where the note's map leads from it at k = 3.
fn pair(optimizer: &str, loss: &str, steps: usize) -> Pair {
    pair_of_rank(optimizer, loss, steps, 1)
}

fn pair_of_rank(optimizer: &str, loss: &str, steps: usize, rank: usize) -> Pair {
    let recipe = Recipe::new("linear", loss, optimizer).unwrap();
    let sizes = [("batch", 3), ("n_in", 2), ("n_out", 2), ("r", rank)];
    let file = ScenarioFile {
        steps,
        alpha: Some(Exact(Surd::from(2))),
        sizes: sizes.map(|(name, size)| (name.to_owned(), size)).into(),
        hyperparameters: [("lr".to_owned(), Exact("1/10".parse().unwrap()))].into(),
        random: Some(RandomFile {
            seed: 5,
            zero: vec![],
        }),
        ..ScenarioFile::of(&recipe)
    };
    let left = file.scenario().unwrap();
    let step = left.recipe.build().unwrap();
    let rule = infer(&step, &crate::gauge::Options::default()).rule;
    let root = || (parse_ratio("1/3").unwrap(), parse_ratio("1/2").unwrap());
    let rescaling = Rescaling::of_powers(&rule, vec![root(), root()]);
    let property = rescaling.property(&step).unwrap();
    let scaled = property.factors.into_iter().map(|(n, f)| (n, f.0));
    let same = ["loss", "W"].map(|name| (name.to_owned(), Surd::from(1)));
    Pair {
        runs: [left.clone(), rescaling.scenario(&left).unwrap()],
        factors: scaled.chain(same).collect(),
    }
}

#[test]
fn a_unit_is_the_unit_roundoff() {
    assert_eq!(in_units(&number(1.0), 24), 2f64.powi(24));
    assert_eq!(in_units(&number(0.0), 24), 0.0);
    // What binary64 does not hold is rounded up.
    let more = Float::with_val(100, 1) + Float::with_val(100, Float::i_exp(1, -80));
    assert_eq!(in_units(&more, 24), 2f64.powi(24).next_up());
}

#[test]
fn an_ending_says_when_where_and_why() {
    let plain = Ending::plain(3, "it is lost".to_owned());
    assert_eq!(plain.to_string(), "after 3 steps: it is lost");
    let at = Ending {
        node: "Z".to_owned(),
        entry: (1, 2),
        ..plain
    };
    assert_eq!(
        at.to_string(),
        "after 3 steps, `Z` at row 1, column 2: it is lost"
    );
}

#[test]
fn bounds_lie_above_what_is_reached_and_not_far_above() {
    let steps = 3;
    let all: Vec<usize> = (0..=steps).collect();
    for (optimizer, loss, arith, most) in [
        ("sgd", "mse", ArithmeticName::F32, 1.01),
        ("sgd", "mse", ArithmeticName::Mp(53), 1.01),
        ("sgd", "mse", ArithmeticName::F16, 4.0),
        ("sgd", "l1", ArithmeticName::F32, 1.01),
        ("adamw", "mse", ArithmeticName::F32, 2.0),
    ] {
        let Pair { runs, factors } = pair(optimizer, loss, steps);
        let [left, right] = &runs;
        let bounds = pair_bounds(left, right, &factors, arith, &all, &|_| {}).unwrap();
        assert_eq!(bounds.certified_steps, steps, "{:?}", bounds.endings);
        let measured = measure(left, right, &factors, arith, steps).unwrap();
        for name in ["loss", "A", "B", "W"] {
            assert!(measured.drifts.contains_key(name), "{name}");
        }
        for t in 0..=steps {
            for (name, after) in &measured.drifts {
                let own = &bounds.at[&t][name];
                let at = format!("{optimizer} {loss} {arith} {name} after {t}: {own:?}");
                let of = |bound: &EntryBound| bound.clone().expect(&at);
                let Bounds {
                    enclosure,
                    certified,
                    certified_stated,
                    ..
                } = own;
                let (reached, drift) = (of(&own.adversarial), after[t].clone());
                let drift = drift.expect(&at).down;
                assert!(reached > 0 && reached <= of(certified_stated), "{at}");
                for bound in [enclosure, certified, certified_stated] {
                    let above = Magnitude::of(&of(bound), Side::Up).expect(&at);
                    assert_eq!(drift.clone().max(above.clone()), above, "{at}");
                    assert!(reached <= of(bound), "{at}");
                }
                assert!(of(certified_stated) <= of(certified) * 1.0001, "{at}");
                assert!(of(certified) <= of(certified_stated) * 1.5, "{at}");
                if t == 0 && ["A", "B"].contains(&name.as_str()) {
                    // Nothing has been summed.
                    assert_eq!(of(certified), of(certified_stated), "{at}");
                }
                assert!(of(enclosure) <= of(certified) * 30, "{at}");
                assert!(of(&own.probabilistic) <= of(certified_stated), "{at}");
                // Errors that are added up are a few hundred at most.
                assert!(
                    of(&own.probabilistic) >= of(certified_stated) / 20u32,
                    "{at}"
                );
                assert!(of(certified_stated) <= reached * most, "{at}");
            }
        }
    }
}

#[test]
fn the_certain_bounds_cover_what_a_wrong_factor_leaves() {
    let Pair { runs, mut factors } = pair("sgd", "mse", 1);
    let [left, right] = &runs;
    factors.insert("W".to_owned(), Surd::from(2));
    let told = std::sync::Mutex::new(vec![]);
    let progress = |part| told.lock().unwrap().push(part);
    let found = pair_bounds(
        left,
        right,
        &factors,
        ArithmeticName::F32,
        &[0, 1],
        &progress,
    );
    // Going back from the first step takes twice the work of none.
    assert_eq!(told.into_inner().unwrap(), [0.0, 1.0 / 3.0, 1.0]);
    let found = found.unwrap();
    // √(2·ln(2·18/0.01)): the loss, four entries of W, two of A and two of B at two times.
    assert!((found.lambda - 4.046_897).abs() < 2e-6, "{}", found.lambda);
    for (taken, bounds) in found.at {
        let wrong = &bounds["W"];
        for bound in [&wrong.certified, &wrong.certified_stated, &wrong.enclosure] {
            let bound = bound.clone().unwrap();
            let wanted = 0.5..0.501;
            assert!(wanted.contains(&bound.to_f64()), "{bound} after {taken}");
        }
    }
}

#[test]
fn a_negative_factor_is_pushed_against() {
    let Pair { runs, .. } = pair("sgd", "mse", 1);
    let [left, _] = &runs;
    let mut right = left.clone();
    for name in ["A", "B"] {
        let tensor = right.values.tensors.get_mut(name).unwrap();
        *tensor = tensor.scaled_by(&Surd::from(-1)).unwrap();
    }
    let factors = ["A", "B"].map(|name| (name.to_owned(), Surd::from(-1)));
    let found = pair_bounds(
        left,
        &right,
        &factors.into(),
        ArithmeticName::F32,
        &[1],
        &|_| {},
    );
    let bounds = &found.unwrap().at[&1];
    for name in ["A", "B", "W"] {
        let of = |bound: &EntryBound| bound.clone().unwrap();
        let (reached, bound) = (
            of(&bounds[name].adversarial),
            of(&bounds[name].certified_stated),
        );
        assert!(
            reached <= bound && bound <= reached.clone() * 1.01,
            "{name}: {reached} {bound}"
        );
    }
}

#[test]
fn a_certificate_ends_where_something_may_overflow() {
    let Pair { mut runs, factors } = pair("sgd", "mse", 4);
    for run in &mut runs {
        for lr in ["lr_A", "lr_B"] {
            run.values.set_scalar(lr, "1e60".parse::<Surd>().unwrap());
        }
    }
    let [left, right] = &runs;
    let all = [0, 1, 2, 3, 4];
    let found = pair_bounds(left, right, &factors, ArithmeticName::F64, &all, &|_| {}).unwrap();
    assert_eq!(found.certified_steps, 2);
    for ending in &found.endings {
        let ending = ending.as_ref().unwrap();
        assert_eq!((ending.step, ending.entry), (3, (0, 0)));
        assert_eq!(ending.node, "(X @ %7) @ transpose(B)");
        assert_eq!(ending.why, "undecided: a rounding that may overflow");
    }
    let ending = found.endings[0].as_ref().unwrap().to_string();
    for (taken, bounds) in &found.at {
        let bounds = &bounds["A"];
        // Parameters are known after the last certified step, what they lead to is not.
        for bound in [
            &bounds.certified,
            &bounds.certified_stated,
            &bounds.adversarial,
        ] {
            match taken {
                0..=1 => assert!(bound.is_ok(), "{taken}: {bound:?}"),
                2 => {}
                _ => assert_eq!(bound.as_ref().unwrap_err(), &ending),
            }
        }
        assert_eq!(found.at[taken]["W"].enclosure.is_ok(), *taken < 2);
    }
    assert!(found.at[&2]["A"].certified.is_ok());
    assert!(found.at[&2]["W"].certified.is_err());
}

/// One step from the box is a bound too, and the tighter one for some of these numbers.
#[test]
fn nothing_reaches_further_than_one_step_leads() {
    let Pair { runs, .. } = pair("adamw", "mse", 2);
    let graphs = Graphs::new(&runs[0]).unwrap();
    let tube = Tube::new(&graphs, &runs[0], &f32(), 2).unwrap();
    let ctx = Enclosures::new(MpEnds::new(BITS + f32().precision), f32());
    let (plan, values) = (Arc::clone(&tube.plan), &runs[0].values);
    let mut machine = Machine::with_plan(ctx, plan, values).unwrap();
    for taken in 0..2 {
        tube.place(&mut machine, taken).unwrap();
        machine.complete().unwrap();
        let parts = tube.layout.parts.iter();
        let next = parts.flat_map(|part| machine.node(part.next).unwrap());
        let exact = &tube.exact.states[taken + 1];
        let leads = next.zip(exact).map(|(x, y)| distance(&x.range, y, &f32()));
        for (radius, leads) in tube.radii[taken + 1].iter().zip(leads) {
            assert!(*radius <= leads, "{radius} {leads} after {taken} steps");
        }
        machine.advance().unwrap();
    }
}

/// In a format without a largest number everything has a bound until the bound itself has none.
#[test]
fn an_enclosure_may_grow_beyond_all_bounds() {
    let Pair { runs, factors } = pair("sgd", "mse", 9);
    let [mut left, mut right] = runs;
    for run in [&mut left, &mut right] {
        for lr in ["lr_A", "lr_B"] {
            run.values.set_scalar(lr, "1e60".parse::<Surd>().unwrap());
        }
    }
    let arith = ArithmeticName::Mp(53);
    let graphs = Graphs::new(&left).unwrap();
    let tube = Tube::new(&graphs, &left, &FloatModel::of(arith).unwrap(), 9).unwrap();
    let ending = tube.ending.clone().unwrap();
    let why = "the enclosure of the next state grows beyond all bounds";
    assert_eq!(ending.why, why);
    assert_eq!(ending.step, tube.steps.len() as u64 + 1);
    assert_eq!(tube.radii.len(), tube.steps.len() + 1);
    assert!(tube.radii.iter().flatten().all(|x| x.is_finite()));
    let all: Vec<usize> = (0..=9).collect();
    let found = pair_bounds(&left, &right, &factors, arith, &all, &|_| {}).unwrap();
    assert!(found.certified_steps > 1 && found.certified_steps < 9);
    for (taken, bounds) in &found.at {
        let known = bounds["A"].certified.is_ok();
        assert_eq!(known, *taken <= found.certified_steps, "{taken}");
    }
}

/// The rounding of a first value counts, not the range from which it comes.
#[test]
fn over_a_range_of_first_values_the_bound_stays_small() {
    let ranged = |optimizer: &str| {
        let Pair { mut runs, factors } = pair(optimizer, "mse", 2);
        let [left, right] = &mut runs;
        for run in [left, right] {
            let a = run.values.tensors["A"].clone();
            let radius = parse_ratio("1/1024").unwrap();
            run.values.set_tensor("A", a.within(&radius));
        }
        let [left, right] = &runs;
        let arith = ArithmeticName::F32;
        let runs = [left, right];
        pair_bounds_where(Gap::ByCertificate, runs, &factors, arith, &[0, 2], &|_| {})
    };
    // The states of the second begin as the parameters themselves.
    for optimizer in ["sgd", "schedulefree_sgd"] {
        let found = ranged(optimizer).unwrap();
        for (taken, bounds) in &found.at {
            for name in ["A", "B", "W"] {
                let bound = bounds[name].certified.clone().unwrap();
                let at = format!("{optimizer} {name} after {taken}: {bound}");
                assert!(bound > 1e-9 && bound < 1e-4, "{at}");
                assert!(bounds[name].enclosure.is_err(), "{at}");
            }
        }
    }
}

/// Before the first step the error of each entry is that of its own first value.
#[test]
fn entries_are_looked_at_where_they_lie() {
    let Pair { runs, .. } = pair_of_rank("sgd", "mse", 1, 2);
    let [_, right] = &runs;
    let graphs = Graphs::new(right).unwrap();
    let tube = Tube::new(&graphs, right, &f32(), 1).unwrap();
    for name in ["A", "B"] {
        let own = |part: &&Part| part.parameter.as_deref() == Some(name);
        let part = tube.layout.parts.iter().find(own).unwrap();
        let errors = contributions(&tube, name, 0).unwrap();
        assert_eq!(errors.len(), 4);
        let start = &tube.start[part.offset..part.offset + 4];
        for (error, start) in errors.iter().zip(start) {
            assert!(error.any >= *start && error.any <= start * 1.000_001);
        }
        assert!(start.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
