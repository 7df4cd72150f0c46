//! Which mixings of the ranks leave a run unchanged, tried on runs: A → Q·A, B → B·Qᵀ with a
//! rational rotation, signed permutations and a permutation. What is allowed leaves loss and W
//! as they are; what is refused is shown to change them where a run can show it.
#![cfg(feature = "mp")]

use lora_gauge::arith::{
    Arithmetic, MpIntervals, Ratio, Rational, Surd, parse_ratio, ratio_from_f64,
};
use lora_gauge::exec::random::{self, Draw};
use lora_gauge::exec::{self, Outputs, Sizes, Tensor, Trajectory, Values};
use lora_gauge::gauge::{Mixing, Rotations, rotations};
use lora_gauge::graph::{Dim, Expr, StepBuilder, StepGraph};
use lora_gauge::zoo::Recipe;
use lora_gauge::zoo::optimizers::OPTIMIZERS;
use num_traits::{ToPrimitive, Zero};

const STEPS: usize = 3;
/// Some thresholds are passed later only (RAdam's at step 6).
const MORE_STEPS: usize = 8;
const SEEDS: u64 = 4;
/// Enough for a difference to show beyond the width of an enclosure.
const BITS: u32 = 400;

/// A matrix that mixes two ranks: whole numbers over a common denominator.
struct Q {
    entries: [[f64; 2]; 2],
    denominator: i64,
}

/// Matrices of a group that are in no smaller one.
fn members(mixing: Mixing) -> Vec<Q> {
    let whole = |entries| Q {
        entries,
        denominator: 1,
    };
    match mixing {
        Mixing::Orthogonal => vec![Q {
            entries: [[3.0, -4.0], [4.0, 3.0]],
            denominator: 5,
        }],
        Mixing::SignedPermutation => vec![
            whole([[-1.0, 0.0], [0.0, 1.0]]),
            whole([[0.0, -1.0], [1.0, 0.0]]),
        ],
        Mixing::Permutation => vec![whole([[0.0, 1.0], [1.0, 0.0]])],
    }
}

/// The run with A → Q·A and B → B·Qᵀ, exactly.
fn mixed(values: &Values, q: &Q) -> Values {
    let mut mixed = values.clone();
    let (a, b) = (&values.tensors["A"], &values.tensors["B"]);
    let of_a = |rank: usize, col: usize| {
        let at = |k: usize| a.values()[k * a.cols() + col];
        q.entries[rank][0] * at(0) + q.entries[rank][1] * at(1)
    };
    let of_b = |row: usize, rank: usize| {
        let at = |k: usize| b.values()[row * 2 + k];
        q.entries[rank][0] * at(0) + q.entries[rank][1] * at(1)
    };
    let scale = Surd::rational(Ratio::new(1.into(), q.denominator.into()));
    let mut set = |name: &str, like: &Tensor, entry: &dyn Fn(usize, usize) -> f64| {
        let (rows, cols) = (like.rows(), like.cols());
        let entries = (0..rows * cols)
            .map(|i| entry(i / cols, i % cols))
            .collect();
        let tensor = Tensor::new(rows, cols, entries).expect("finite entries");
        mixed.set_tensor(name, tensor.scaled_by(&scale).expect("a rational scale"));
    };
    set("A", a, &of_a);
    set("B", b, &of_b);
    mixed
}

/// A drawn start with B ≠ 0. Settings have their defaults as `f64`, or 1/8 where that would be 0.
fn drawn(recipe: &Recipe, step: &StepGraph, sizes: &Sizes, seed: u64) -> Values {
    let draw = |_: &str| Draw::Uniform { bits: 3 };
    let mut values = random::values(step, sizes, seed, draw).expect("known sizes");
    if seed.is_multiple_of(2) {
        // Larger gradients, which pass thresholds that small ones do not.
        let large = values.tensors["X"].scaled_by(&Surd::from(16));
        values.set_tensor("X", large.expect("a whole factor"));
    }
    for (leaf, base, _) in step.hyperparameters() {
        let default = recipe.setting(base).map(|h| h.default);
        let value = default.and_then(|text| parse_ratio(text).ok());
        // A binary number, which an enclosure holds as a point: Prodigy asks whether d is still d0.
        let value = value.filter(|v| !v.is_zero()).and_then(|v| v.to_f64());
        let value = ratio_from_f64(value.unwrap_or(0.125)).expect("a finite number");
        values.set_scalar(leaf, Surd::rational(value));
    }
    values
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The same rational numbers.
    Equal,
    /// Enclosures that overlap.
    Overlap,
    /// Different rational numbers, or enclosures apart from each other.
    Different,
}

fn compare<A: Arithmetic>(ctx: A, step: &StepGraph, run: &Run, q: &Q) -> Result<Seen, String> {
    let options = exec::Options {
        outputs: Outputs::Named(vec!["W".to_owned()]),
        ..exec::Options::default()
    };
    let go = |values: &Values| {
        let run = exec::run(ctx.clone(), step, run.sizes, values, run.steps, &options);
        run.map_err(|e| e.to_string())
    };
    let all = |t: Trajectory<A::Elem>| -> Vec<A::Elem> {
        let losses = t.losses.into_iter().chain([t.final_loss]);
        let outputs = t.outputs.into_values().flatten();
        let entries = outputs.flat_map(|w| w.iter().cloned().collect::<Vec<_>>());
        losses.chain(entries).collect()
    };
    let (left, right) = (all(go(run.values)?), all(go(&mixed(run.values, q))?));
    let mut seen = Seen::Equal;
    for (x, y) in left.iter().zip(&right) {
        match ctx.same(x, y) {
            Ok(true) => {}
            Ok(false) => return Ok(Seen::Different),
            Err(_) => seen = Seen::Overlap,
        }
    }
    Ok(seen)
}

struct Run<'a> {
    sizes: &'a Sizes,
    values: &'a Values,
    steps: usize,
}

/// In exact rationals; where an operation has no rational result, in enclosures.
fn look(step: &StepGraph, run: &Run, q: &Q) -> Result<Seen, String> {
    let exact = match run.steps {
        STEPS => compare(Rational, step, run, q),
        // Rational numbers grow with every step.
        _ => Err("long".to_owned()),
    };
    exact.or_else(|_| compare(MpIntervals::new(BITS), step, run, q))
}

fn found(step: &StepGraph) -> Rotations {
    rotations(step).expect("one pair")
}

#[test]
fn mixings_that_are_allowed_change_nothing_and_others_do() {
    let sizes = Sizes::from([("batch", 3), ("n_in", 3), ("n_out", 2), ("r", 2)]);
    let (mut exact, mut enclosed, mut unseen) = (0, 0, vec![]);
    let (mut refused, mut witnessed, mut open) = (0, 0, vec![]);
    for optimizer in OPTIMIZERS {
        let name = optimizer.name;
        let recipe = Recipe::new("linear", "mse", name).expect("an optimizer");
        let step = recipe.build().expect("a step");
        let found = found(&step);
        println!("{name}: {:?}, {:?}", found.allowed, found.because());
        let starts: Vec<Values> = (1..=SEEDS)
            .map(|seed| drawn(&recipe, &step, &sizes, seed))
            .collect();
        for mixing in Mixing::ALL {
            let may = found.allowed.is_some_and(|allowed| mixing <= allowed);
            let see = |steps: usize| {
                let (step, sizes) = (&step, &sizes);
                starts.iter().flat_map(move |values| {
                    let run = Run {
                        sizes,
                        values,
                        steps,
                    };
                    members(mixing)
                        .into_iter()
                        .map(move |q| look(step, &run, &q))
                        .collect::<Vec<_>>()
                })
            };
            if may {
                let mut ran = false;
                for seen in see(STEPS) {
                    assert_ne!(seen, Ok(Seen::Different), "{name}: {}", mixing.name());
                    exact += usize::from(seen == Ok(Seen::Equal));
                    enclosed += usize::from(seen == Ok(Seen::Overlap));
                    ran |= seen.is_ok();
                }
                if !ran {
                    let why = see(STEPS).find_map(Result::err);
                    unseen.push(format!(
                        "{name}, {}: {}",
                        mixing.name(),
                        why.unwrap_or_default()
                    ));
                }
            } else {
                refused += 1;
                let differs = |seen: Result<Seen, String>| seen == Ok(Seen::Different);
                match see(STEPS).any(differs) || see(MORE_STEPS).any(differs) {
                    true => witnessed += 1,
                    false => open.push(format!("{name}, {}", mixing.name())),
                }
            }
        }
    }
    println!(
        "allowed: {exact} mixed runs equal in exact rationals, {enclosed} within enclosures; no run \
         of {unseen:?}"
    );
    println!("refused: {witnessed} of {refused} with a run that differs; open {open:?}");
    assert!(exact >= 100 && 2 * witnessed >= refused);
}

#[test]
fn what_is_known_of_some_optimizers() {
    let allowed = |name: &str| {
        let recipe = Recipe::new("linear", "mse", name).expect("an optimizer");
        found(&recipe.build().expect("a step")).allowed
    };
    // A preconditioner of whole matrices turns with the ranks, one of single entries does not.
    for name in ["sgd", "muon", "lars", "scaled_gd", "lora_rite", "asgd"] {
        assert_eq!(allowed(name), Some(Mixing::Orthogonal), "{name}");
    }
    for name in [
        "adamw",
        "lion",
        "rprop",
        "adagrad",
        "scaled_adamw",
        "adafactor",
    ] {
        assert_eq!(allowed(name), Some(Mixing::SignedPermutation), "{name}");
    }
    // Two pairs, or another dimension: nothing is said.
    let recipe = Recipe::new("attention", "mse", "sgd").expect("a recipe");
    assert_eq!(rotations(&recipe.build().expect("a step")), None);
}

/// A step by hand: A becomes what `next` says, B stays.
fn by_hand(next: impl for<'g> Fn(&'g StepBuilder, Expr<'g>, Expr<'g>) -> Expr<'g>) -> StepGraph {
    let step = StepBuilder::new();
    let [n, m, r] = ["n_in", "n_out", "r"].map(Dim::named);
    let (a, b) = (step.parameter("A", &r, &n), step.parameter("B", &m, &r));
    let w = b.matmul(a);
    step.output("W", w);
    step.set_loss(w.square().sum());
    step.update(a, next(&step, a, b));
    step.update(b, b);
    step.finish().expect("a step")
}

#[test]
fn only_r_by_n_and_m_by_r_are_a_pair() {
    let [n, m, r] = ["n_in", "n_out", "r"].map(Dim::named);
    for (of_a, of_b, is_pair) in [
        ((&r, &n), (&m, &r), true),
        ((&n, &r), (&m, &r), false),
        ((&r, &n), (&r, &m), false),
        ((&r, &r), (&m, &r), false),
        ((&r, &n), (&r, &r), false),
    ] {
        let step = StepBuilder::new();
        let a = step.parameter("A", of_a.0, of_a.1);
        let b = step.parameter("B", of_b.0, of_b.1);
        step.set_loss(a.square().sum() + b.square().sum());
        step.update(a, a);
        step.update(b, b);
        let found = rotations(&step.finish().expect("a step"));
        assert_eq!(found.is_some(), is_pair, "A {of_a:?}, B {of_b:?}");
    }
}

#[test]
fn what_stands_in_the_way_is_said_with_its_place() {
    let why = |step: &StepGraph| found(step).because().map(str::to_owned);
    let said = |text: &str| Some(format!("{text} works entry by entry along the ranks"));
    assert_eq!(
        why(&by_hand(|_, a, _| a * a * a)),
        said("`A²`, in `update of A`,")
    );
    assert_eq!(
        why(&by_hand(|_, a, _| (a * a * a).named("cube") + a)),
        said("`A²`, in `cube`,")
    );
    assert_eq!(
        why(&by_hand(|_, a, _| (a * a).named("square") * a)),
        said("`square`")
    );
    assert_eq!(why(&by_hand(|_, a, _| a)), None);
    let shifted = found(&by_hand(|step, a, _| {
        a + step.ratio(1, 1).broadcast_to(&a.shape())
    }));
    let (mixing, _, first) = &shifted.obstacles[0];
    assert_eq!(*mixing, Mixing::Orthogonal);
    assert!(first.ends_with("stands at every rank alike"), "{first}");
}

#[test]
fn what_is_not_looked_into_is_refused() {
    let [n, r] = ["n_in", "r"].map(Dim::named);
    // One axis for ranks and more.
    let step = by_hand(|step, a, _| a * step.data("D", &r.times(&n), &Dim::one()).sum());
    let refused = found(&step);
    assert_eq!(refused.allowed, None);
    let why = refused.because().expect("a reason");
    assert!(why.contains("holds more than the ranks"), "{why}");
    let read = found(&by_hand(|_, a, _| a * a.opaque_loss()));
    assert_eq!(read.allowed, None);
    // A maximum that no rank reaches is as good as any number.
    let outside = found(&by_hand(|_, a, b| a * b.matmul(a).row_max().sum()));
    assert_eq!(outside.allowed, Some(Mixing::Orthogonal));
    // Signs do not pass through an exponential.
    let exponential = found(&by_hand(|_, a, _| a * a.exp()));
    assert_eq!(exponential.allowed, Some(Mixing::Permutation));
}

#[test]
fn steps_by_hand() {
    let sizes = Sizes::from([("n_in", 3), ("n_out", 2), ("r", 2)]);
    let expected = [
        ("kept", by_hand(|_, a, _| a + a), Some(Mixing::Orthogonal)),
        (
            "what no mixing changes, entry by entry",
            by_hand(|_, a, _| a.matmul(a.t().matmul(a).square())),
            Some(Mixing::Orthogonal),
        ),
        (
            "a Gram matrix and its inverse",
            by_hand(|_, a, b| (a.matmul(a.t()) + b.t().matmul(b)).inverse().matmul(a)),
            Some(Mixing::Orthogonal),
        ),
        (
            "an inner product over the ranks",
            by_hand(|_, a, b| a * (a * b.t().matmul(b).matmul(a)).sum_cols()),
            Some(Mixing::Orthogonal),
        ),
        (
            "a sum that keeps the ranks",
            by_hand(|_, a, _| a * (a * a).sum_rows().square().sum()),
            Some(Mixing::SignedPermutation),
        ),
        (
            "squares of a Gram matrix of ranks",
            by_hand(|_, a, _| a.matmul(a.t()).square().matmul(a)),
            Some(Mixing::Permutation),
        ),
        (
            "cubes",
            by_hand(|_, a, _| a * a * a),
            Some(Mixing::SignedPermutation),
        ),
        (
            "reciprocals",
            by_hand(|step, a, _| step.ratio(1, 1) / (a + a)),
            Some(Mixing::SignedPermutation),
        ),
        (
            "squares",
            by_hand(|_, a, _| a * a),
            Some(Mixing::Permutation),
        ),
        (
            "one more",
            by_hand(|step, a, _| a + step.ratio(1, 1)),
            Some(Mixing::Permutation),
        ),
        (
            "a sum over the ranks",
            by_hand(|_, a, _| a * a.sum_cols()),
            Some(Mixing::Permutation),
        ),
        (
            "a sum over the ranks and all else",
            by_hand(|_, a, _| a * a.sum()),
            Some(Mixing::Permutation),
        ),
        (
            "a memory that forgets signs",
            by_hand(|step, a, _| {
                let memory = step.zero_state("m", &a.shape());
                step.update(memory, memory + a.abs());
                a + memory
            }),
            Some(Mixing::Permutation),
        ),
        (
            "a memory of squares",
            by_hand(|step, a, _| {
                let memory = step.zero_state("m", &a.shape());
                step.update(memory, memory + a.square());
                a * memory + a
            }),
            Some(Mixing::SignedPermutation),
        ),
        (
            "a factor for each rank",
            by_hand(|step, a, _| a * step.data("D", &Dim::named("r"), &Dim::one())),
            None,
        ),
    ];
    for (name, step, allowed) in expected {
        let found = found(&step);
        assert_eq!(found.allowed, allowed, "{name}: {:?}", found.because());
        let draw = |_: &str| Draw::Uniform { bits: 3 };
        let starts = (1..=SEEDS).map(|seed| random::values(&step, &sizes, seed, draw));
        let starts: Vec<Values> = starts.map(|v| v.expect("known sizes")).collect();
        for mixing in Mixing::ALL {
            let steps = STEPS;
            let see = |values: &Values, q: &Q| {
                let sizes = &sizes;
                let run = Run {
                    sizes,
                    values,
                    steps,
                };
                look(&step, &run, q)
            };
            let members = members(mixing);
            let all = || {
                starts
                    .iter()
                    .flat_map(|v| members.iter().map(move |q| see(v, q)))
            };
            let may = allowed.is_some_and(|allowed| mixing <= allowed);
            let differ = all().filter(|seen| *seen == Ok(Seen::Different)).count();
            let equal = all().filter(|seen| *seen == Ok(Seen::Equal)).count();
            assert_eq!(
                differ == 0,
                may,
                "{name}: {differ} differ by {}",
                mixing.name()
            );
            assert!(
                !may || equal > 0,
                "{name}: no run is equal by {}",
                mixing.name()
            );
        }
    }
}
