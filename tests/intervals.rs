//! Runs in interval arithmetic: they hold the exact run, and what they cannot tell they leave
//! open.
#![cfg(feature = "mp")]

use lora_gauge::arith::{Arithmetic, ArithmeticName, F64, Mp, MpIntervals, OpError, Ratio, Surd};
use lora_gauge::exec::{ExecError, Trajectory};
use lora_gauge::scenario::{Exact, Outcome, Property, ScaleMap, Scenario, check};
use lora_gauge::search::{Judged, judge};
use lora_gauge::zoo::losses;

use crate::common::golden::runs;
use crate::common::runs::run;

fn golden(name: &str) -> Scenario {
    let found = runs().into_iter().find(|(n, _)| n == name);
    found.expect("a golden file").1.scenario
}

/// All numbers of a run, in one order.
fn numbers<E: nalgebra::Scalar>(run: &Trajectory<E>) -> Vec<E> {
    let losses = run.losses.iter().chain([&run.final_loss]).cloned();
    let matrices = run.parameters.values().flatten();
    losses
        .chain(matrices.flat_map(|m| m.iter().cloned()))
        .collect()
}

/// The exact run lies within 2⁻⁹⁰⁰ or so of the one with 1024 bits, and intervals of 128 bits
/// are far wider than that where they have a width at all.
#[test]
fn a_run_in_intervals_holds_the_run_in_many_more_digits() {
    let (narrow, wide) = (MpIntervals::new(128), Mp::new(1024));
    for name in ["sgd", "sgd_clip_norm", "sgd_nesterov", "adam", "adamw"] {
        let case = golden(name);
        let enclosures = numbers(&run(narrow, &case).expect(name));
        let values = numbers(&run(wide, &case).expect(name));
        assert_eq!(enclosures.len(), values.len());
        let mut of_some_width = 0;
        for (enclosure, value) in enclosures.iter().zip(&values) {
            let show = || format!("{name}: {} and {value}", narrow.show(enclosure));
            assert!(
                enclosure.inf() <= value && value <= enclosure.sup(),
                "{}",
                show()
            );
            // A run of twenty steps still leaves most of the 128 bits.
            let size = wide.approx(value).abs().max(1e-3);
            assert!(narrow.radius(enclosure) <= 1e-25 * size, "{}", show());
            of_some_width += usize::from(enclosure.inf() < enclosure.sup());
        }
        assert!(2 * of_some_width > values.len(), "{name}");
    }
}

/// The seed's rule at k = 2: A and B by √2, which is no rational number.
fn rescaled(case: &Scenario, powers: &[(&str, &str)]) -> Scenario {
    let step = case.recipe.build().expect("a recipe that can be built");
    let map = ScaleMap::of(powers)
        .expect("powers")
        .resolve(&step)
        .expect("known names");
    let two = Ratio::from_integer(2.into());
    map.apply(case, &two).expect("powers of 2 by halves")
}

const RULE: [(&str, &str); 3] = [("alpha", "1"), ("lr", "-1"), ("init", "-1/2")];

#[test]
fn equal_runs_are_undecided_and_other_runs_refuted() {
    let ctx = MpIntervals::new(128);
    let case = golden("sgd");
    let property = Property::same_run();
    let outcome = |right: &Scenario| check(&ctx, &property, &case, right, 3).expect("two runs");

    let doubt = match outcome(&rescaled(&case, &RULE)) {
        Outcome::Undecided(doubt) => doubt,
        other => panic!("{other:?}"),
    };
    assert!(matches!(doubt.reason, OpError::Undecided(_)), "{doubt}");
    assert_eq!((doubt.after_steps, doubt.quantity.as_str()), (0, "loss"));

    let mut wrong = RULE;
    wrong[1].1 = "0";
    let difference = match outcome(&rescaled(&case, &wrong)) {
        Outcome::Fails(difference) => difference,
        other => panic!("{other:?}"),
    };
    // Equal at the start, but for rounding; different after the first step.
    assert_eq!(difference.after_steps, 1);
    assert!(difference.left.starts_with('['), "{}", difference.left);
    // In f64 rounding alone makes the rescaled run another one.
    let bits = check(&F64, &property, &case, &rescaled(&case, &RULE), 3);
    assert!(matches!(bits, Ok(Outcome::Fails(_))), "{bits:?}");
}

/// Numbers that need no rounding are points, and points can be equal.
#[test]
fn equal_points_hold() {
    let ctx = MpIntervals::new(4096);
    let case = golden("sgd");
    // The mean loss has a third in it; W has not.
    let property = Property {
        conclusion: vec!["W".into()],
        ..Property::same_run()
    };
    let outcome = check(&ctx, &property, &case, &case, 0);
    assert!(matches!(outcome, Ok(Outcome::Holds { compared }) if compared > 1));
}

/// RMSprop takes roots, so its runs are no rational ones.
#[test]
fn a_pair_without_exact_runs_is_judged_in_intervals_and_its_witness_replays() {
    let case = Scenario {
        steps: 2,
        ..golden("rmsprop")
    };
    let other = rescaled(&case, &[("lr", "-1")]);
    let same = Property::same_run();
    let found = judge(&same, &case, &other, 2).expect("two runs");
    let Judged::Found {
        finding,
        arithmetic,
    } = found
    else {
        panic!("{found:?}");
    };
    assert_eq!(arithmetic, ArithmeticName::Interval(256));
    assert!(!finding.describe().is_empty());

    let equal = judge(&same, &case, &case, 2).expect("two runs");
    assert!(matches!(equal, Judged::Overlaps(_)), "{equal:?}");
}

/// A conclusion may be a multiple instead of being equal.
#[test]
fn a_factor_is_exact_and_may_be_irrational() {
    let case = golden("sgd");
    let right = rescaled(&case, &RULE);
    let mut property = Property {
        conclusion: vec!["A".into()],
        ..Property::default()
    };
    let judged = |property: &Property| judge(property, &case, &right, 2).expect("two runs");
    assert!(matches!(judged(&property), Judged::Found { .. }));
    let root = "1/2*sqrt(2)".parse::<Surd>().expect("a number");
    property.factors.insert("A".into(), Exact(root));
    let found = judged(&property);
    assert!(matches!(found, Judged::Overlaps(_)), "{found:?}");
    property.factors.insert("A".into(), Exact(Surd::from(1)));
    assert!(matches!(judged(&property), Judged::Found { .. }));
}

/// Nothing follows from a premise of which nobody knows whether it is true, even where the
/// conclusion is plainly false.
#[test]
fn an_undecided_premise_refutes_nothing() {
    let ctx = MpIntervals::new(128);
    let case = golden("sgd");
    let property = Property {
        premise: vec!["W".into()],
        conclusion: vec!["s".into()],
        ..Property::default()
    };
    let outcome = check(&ctx, &property, &case, &rescaled(&case, &RULE), 1);
    match outcome.expect("two runs") {
        Outcome::Undecided(doubt) => assert_eq!(doubt.quantity, "W"),
        other => panic!("{other:?}"),
    }
    // The same premise with points: W0 is the weight of no step, and it is equal.
    let property = Property {
        premise: vec!["W0".into()],
        ..property
    };
    let outcome = check(&ctx, &property, &case, &rescaled(&case, &RULE), 1);
    assert!(matches!(outcome, Ok(Outcome::Fails(_))), "{outcome:?}");
}

/// A sign that cannot be told is told neither way: the run ends there and says so.
#[test]
fn a_branch_that_cannot_be_told_ends_the_run() {
    let mut case = golden("sgd");
    case.recipe.loss = losses::find("l1").expect("a loss");
    // Too few digits for the sign of a residual.
    let outcome = run(MpIntervals::new(2), &case);
    match outcome {
        Err(ExecError::Operation { source, .. }) => {
            assert!(matches!(source, OpError::Undecided(_)), "{source}");
        }
        other => panic!("{other:?}"),
    }
    case.steps = 1;
    assert!(run(MpIntervals::new(64), &case).is_ok());
}
