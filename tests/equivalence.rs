//! What the derived rules promise, tried on random runs: the rescaled run is the run itself,
//! number by number where the arithmetic is exact, bit by bit where the map is a power of two;
//! and rules that are wrong are noticed. Nothing here is compared up to a tolerance.
//!
//! The draws are the same in every run. `LORA_GAUGE_CASES=10` multiplies their number by ten.

use lora_gauge::arith::{Arithmetic, F32, F64, Prime, Ratio, Surd};
use lora_gauge::exec::Sizes;
use lora_gauge::exec::random::{self, Draw};
use lora_gauge::scenario::{Outcome, Property, ScaleMap, Scenario, check};
use lora_gauge::zoo::Recipe;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::common::cases::factor;
use crate::common::runs::{ratio, run};

/// The rule of the note for gradient descent: alpha · k, lr / k, init / √k. Weight decay, where
/// there is any, goes with 1/lr.
fn note() -> ScaleMap {
    ScaleMap::of(&[("alpha", "1"), ("lr", "-1"), ("init", "-1/2")]).expect("powers")
}

/// A random run: its shape, its loss, the terms of SGD that are on, and the seed of its numbers.
#[derive(Debug, Clone)]
struct Run {
    sizes: [usize; 4],
    steps: usize,
    loss: &'static str,
    momentum: bool,
    dampening: bool,
    nesterov: bool,
    weight_decay: bool,
    lora_start: bool,
    bits: u32,
    seed: u64,
}

fn runs(
    max_size: usize,
    steps: impl Strategy<Value = usize>,
    losses: &'static [&'static str],
) -> impl Strategy<Value = Run> {
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (
        prop::array::uniform4(1..=max_size),
        steps,
        prop::sample::select(losses),
        flags,
        any::<u64>(),
    )
        .prop_map(|(sizes, steps, loss, flags, seed)| {
            let (momentum, dampening, nesterov, weight_decay, lora_start) = flags;
            Run {
                sizes,
                steps,
                loss,
                momentum,
                dampening: momentum && dampening,
                nesterov: momentum && !dampening && nesterov,
                weight_decay,
                lora_start,
                bits: 6,
                seed,
            }
        })
}

impl Run {
    fn recipe(&self) -> Recipe {
        let mut recipe = Recipe::new("linear", self.loss, "sgd").expect("names of the zoo");
        for (term, on) in [
            ("momentum", self.momentum),
            ("dampening", self.dampening),
            ("weight_decay", self.weight_decay),
        ] {
            if !on {
                recipe.switch_off(term).expect("a term of SGD");
            }
        }
        recipe
            .set_flag("nesterov", self.nesterov)
            .expect("a switch of SGD");
        recipe
    }

    fn scenario(&self) -> Scenario {
        let recipe = self.recipe();
        let step = recipe.build().expect("a step");
        let [batch, n_in, n_out, r] = self.sizes;
        let sizes = Sizes::from([("batch", batch), ("n_in", n_in), ("n_out", n_out), ("r", r)]);
        let mut values = random::values(&step, &sizes, self.seed, |name| match name {
            "B" if self.lora_start => Draw::Zeros,
            "Y" if self.loss == "cross_entropy" => Draw::OneHot,
            _ => Draw::Uniform { bits: self.bits },
        })
        .expect("sizes for every dimension");
        for (leaf, base, _) in step.hyperparameters() {
            let value = match (leaf, base) {
                (_, "s") => "3/2",
                // Rates at which no run grows out of the range of f32.
                ("lr_B", _) => "1/50",
                (_, "lr") => "1/100",
                (_, "momentum") => "9/10",
                (_, "dampening") => "1/5",
                (_, "weight_decay") => "1/100",
                (_, "loss.delta" | "loss.beta") => "1/2",
                _ => panic!("no value for {leaf}"),
            };
            values.set_scalar(leaf, Surd::rational(ratio(value)));
        }
        Scenario {
            name: "random".into(),
            recipe,
            sizes,
            values,
            steps: self.steps,
        }
    }

    /// The run and the one that `map` makes of it.
    fn pair(&self, mut map: ScaleMap, k: &Ratio) -> [Scenario; 2] {
        if self.weight_decay && map.powers.contains_key("lr") {
            let power = -map.powers["lr"].clone();
            map.powers.insert("weight_decay".into(), power);
        }
        let left = self.scenario();
        let step = left.recipe.build().expect("a step");
        let powers = map.resolve(&step).expect("a map of this step");
        let right = powers.apply(&left, k).expect("powers that exist");
        [left, right]
    }
}

/// Runs `test` on `count` draws, times the factor in the environment.
fn for_all<S: Strategy>(
    count: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let factor = u32::try_from(factor()).expect("a small factor");
    let config = Config {
        cases: count.saturating_mul(factor),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    if let Err(error) = runner.run(&strategy, test) {
        panic!("{error}");
    }
}

/// Equal loss and weight at every step, and so with the further observables.
fn assert_same<A: Arithmetic>(
    ctx: &A,
    [left, right]: &[Scenario; 2],
    further: &[&str],
) -> Result<(), TestCaseError> {
    let mut property = Property::same_run();
    property
        .conclusion
        .extend(further.iter().map(|o| (*o).to_owned()));
    let outcome = check(ctx, &property, left, right, left.steps);
    let size = |name: &str| left.sizes.get(name).expect("a size");
    let at_least = (left.steps + 1) * (1 + size("n_in") * size("n_out"));
    match outcome {
        Ok(Outcome::Holds { compared }) if compared >= at_least => Ok(()),
        other => Err(TestCaseError::fail(format!("{}: {other:?}", ctx.name()))),
    }
}

/// Each factor of the right run is `factor` times that of the left one, after every step.
fn assert_factors<A: Arithmetic>(
    ctx: &A,
    [left, right]: &[Scenario; 2],
    factors: [(&str, &Surd); 2],
) -> Result<(), TestCaseError> {
    let [left, right] = [left, right]
        .map(|scenario| run(ctx.clone(), scenario).expect("a run without undefined entries"));
    for (name, factor) in factors {
        let factor = ctx.from_surd(factor).expect("a factor of this arithmetic");
        let steps = left.parameters[name].iter().zip(&right.parameters[name]);
        for (taken, (x, y)) in steps.enumerate() {
            for (x, y) in x.iter().zip(y) {
                let mut scaled = ctx.zero();
                ctx.mul(&mut scaled, x, &factor);
                prop_assert!(
                    ctx.same(&scaled, y) == Ok(true),
                    "{name} after {} steps: {} times {} is not {}",
                    taken + 1,
                    ctx.show(x),
                    ctx.show(&factor),
                    ctx.show(y)
                );
            }
        }
    }
    Ok(())
}

/// Of weight 0 under every rule with a rate for each factor, so equal in both runs.
const INVARIANTS: [&str; 6] = [
    "g_A @ A.T",
    "B.T @ g_B",
    "lr_A * g_A * g_A",
    "lr_B * g_B * g_B",
    "s * s * lr_A * lr_B",
    "s * (B @ A)",
];

/// The losses that the rationals can do.
#[cfg(feature = "mp")]
const WITHOUT_EXP: &[&str] = &["mse", "l1", "huber", "smooth_l1"];

#[cfg(feature = "mp")]
#[test]
fn in_the_rationals_the_rescaled_run_is_equal_number_by_number() {
    use lora_gauge::arith::Rational;
    let k = ratio("9/4");
    let c = Surd::rational(ratio("2/3"));
    let (overcomplete, drawn) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    for_all(1_000, runs(5, 2..=3usize, WITHOUT_EXP), |drawn_run| {
        let pair = drawn_run.pair(note(), &k);
        drawn.set(drawn.get() + 1);
        let [_, n_in, n_out, r] = drawn_run.sizes;
        if r > n_in && r > n_out {
            overcomplete.set(overcomplete.get() + 1);
        }
        assert_same(&Rational, &pair, &INVARIANTS)?;
        // Of weight 0 only where both factors are moved alike.
        assert_same(
            &Rational,
            &pair,
            &["s * (A @ A.T)", "s * lr_A * (g_A @ A.T)"],
        )?;
        assert_factors(&Rational, &pair, [("A", &c), ("B", &c)])
    });
    assert!(drawn.get() >= 200, "only {} runs", drawn.get());
    assert!(overcomplete.get() > 0, "no rank above both dimensions");
}

#[cfg(feature = "mp")]
#[test]
fn in_the_rationals_the_two_factors_can_be_moved_apart() {
    use lora_gauge::arith::Rational;
    let powers = (-3..=3i32, -3..=3i32);
    for_all(
        300,
        (runs(4, 2..=3usize, WITHOUT_EXP), powers),
        |(drawn, (i, j))| {
            let pair = drawn.pair(split(i, j, drawn.weight_decay), &ratio("3"));
            assert_same(&Rational, &pair, &INVARIANTS)?;
            let power = |e: i32| Surd::power(&ratio("3"), &Ratio::from_integer(e.into()));
            let (p, q) = (power(i).expect("p"), power(j).expect("q"));
            assert_factors(&Rational, &pair, [("A", &p), ("B", &q)])
        },
    );
}

/// A' = kⁱ·A and B' = kʲ·B, with a rate (and a decay) for each factor.
fn split(i: i32, j: i32, weight_decay: bool) -> ScaleMap {
    let mut powers = vec![
        ("alpha", -(i + j)),
        ("init_A", i),
        ("init_B", j),
        ("lr_A", 2 * i),
        ("lr_B", 2 * j),
    ];
    if weight_decay {
        powers.extend([("weight_decay_A", -2 * i), ("weight_decay_B", -2 * j)]);
    }
    let texts: Vec<_> = powers
        .iter()
        .map(|(name, power)| (*name, power.to_string()))
        .collect();
    let texts: Vec<_> = texts
        .iter()
        .map(|(name, power)| (*name, power.as_str()))
        .collect();
    ScaleMap::of(&texts).expect("powers")
}

#[test]
fn in_the_prime_field_a_thousand_steps_are_equal() {
    for seed in 0..4 {
        let drawn = Run {
            sizes: [5, 4, 3, 2],
            steps: 1_000,
            loss: "mse",
            momentum: true,
            dampening: seed % 2 == 1,
            nesterov: seed == 2,
            weight_decay: seed == 3,
            lora_start: true,
            bits: 6,
            seed,
        };
        let pair = drawn.pair(note(), &ratio("9/4"));
        assert_same(&Prime, &pair, &INVARIANTS).expect("equal runs");
        let c = Surd::rational(ratio("2/3"));
        assert_factors(&Prime, &pair, [("A", &c), ("B", &c)]).expect("scaled factors");
    }
}

#[test]
fn in_the_prime_field_every_shape_is_equal() {
    for_all(300, runs(6, 1..=40usize, &["mse"]), |drawn| {
        assert_same(&Prime, &drawn.pair(note(), &ratio("25/49")), &INVARIANTS)
    });
}

/// Rules that are not the note's, by what they do to the rate and the start.
const WRONG: [(&str, &[(&str, &str)]); 6] = [
    ("the rate alone", &[("alpha", "1"), ("lr", "-1")]),
    ("the start alone", &[("alpha", "1"), ("init", "-1/2")]),
    (
        "the rate over √k",
        &[("alpha", "1"), ("lr", "-1/2"), ("init", "-1/2")],
    ),
    ("nothing else", &[("alpha", "1")]),
    // These two change nothing in the first step from B = 0.
    (
        "the rate over k², not the start",
        &[("alpha", "1"), ("lr", "-2")],
    ),
    (
        "the start over k, not the rate",
        &[("alpha", "1"), ("init", "-1")],
    ),
];

#[test]
fn wrong_rules_differ_within_two_steps() {
    for (name, powers) in WRONG {
        let blind_at_first = name.contains(", not ");
        for_all(100, runs(4, Just(2usize), &["mse"]), |drawn| {
            // With this many bits a draw that hides a difference, such as X = 0, does not come up.
            let drawn = Run {
                bits: 30,
                weight_decay: false,
                lora_start: true,
                ..drawn
            };
            let [left, right] = drawn.pair(ScaleMap::of(powers).expect("powers"), &ratio("9/4"));
            let outcome = check(&Prime, &Property::same_run(), &left, &right, 2);
            let Ok(Outcome::Fails(found)) = outcome else {
                return Err(TestCaseError::fail(format!("{name}: {outcome:?}")));
            };
            let after = if blind_at_first { 2 } else { 1 };
            prop_assert_eq!(found.after_steps, after, "{}: {}", name, found.quantity);
            Ok(())
        });
    }
}

const ALL: &[&str] = &["mse", "l1", "huber", "smooth_l1", "cross_entropy"];

#[test]
fn powers_of_four_never_round() {
    let powers = -10..=10i32;
    for_all(1_000, (runs(6, 1..=8usize, ALL), powers), |(drawn, m)| {
        let k = Surd::power(&ratio("4"), &Ratio::from_integer(m.into()));
        let k = k.and_then(|k| k.as_ratio().cloned()).expect("a power of 4");
        let pair = drawn.pair(note(), &k);
        assert_same(&F32, &pair, &INVARIANTS)?;
        assert_same(&F64, &pair, &INVARIANTS)
    });
}

#[test]
fn powers_of_two_never_round_whatever_the_split() {
    let powers = (-12..=12i32, -12..=12i32);
    for_all(
        1_000,
        (runs(6, 1..=8usize, ALL), powers),
        |(drawn, (i, j))| {
            let pair = drawn.pair(split(i, j, drawn.weight_decay), &ratio("2"));
            assert_same(&F32, &pair, &INVARIANTS)?;
            assert_same(&F64, &pair, &INVARIANTS)?;
            let power = |e: i32| Surd::power(&ratio("2"), &Ratio::from_integer(e.into()));
            let (p, q) = (power(i).expect("p"), power(j).expect("q"));
            assert_factors(&F32, &pair, [("A", &p), ("B", &q)])
        },
    );
}

/// The negative control of the two tests above: other factors do round.
#[test]
fn other_factors_do_round() {
    let rounded = std::cell::Cell::new(0);
    for_all(20, runs(4, Just(8usize), &["mse"]), |drawn| {
        let pair = drawn.pair(note(), &ratio("3"));
        if assert_same(&F32, &pair, &[]).is_err() {
            rounded.set(rounded.get() + 1);
        }
        Ok(())
    });
    assert!(rounded.get() > 0, "k = 3 never rounded");
}
