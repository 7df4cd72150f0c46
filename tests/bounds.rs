//! No measured drift exceeds a certified bound, whatever the order of summation; and what the
//! bounds come to on layers of a usual kind.
//!
//! `LORA_GAUGE_CASES` multiplies the number of scenarios.
#![cfg(feature = "mp")]

use std::collections::BTreeMap;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use lora_gauge::arith::{
    Accumulator, Arithmetic, ArithmeticName, F64, FloatModel, Ratio, Reordered, Surd,
    WithArithmetic, parse_ratio, ratio_from_f64, with_arithmetic,
};
use lora_gauge::bound::Rescaling;
use lora_gauge::bound::certified::{BoundError, EntryBound, Gap, PairBounds, pair_bounds_where};
use lora_gauge::bound::measured::measure;
use lora_gauge::exec::{self, ExecError, Options, Outputs, Tensor, Trajectory};
use lora_gauge::gauge;
use lora_gauge::scenario::{Exact, RandomFile, Scenario, ScenarioFile, seed_script};
use lora_gauge::zoo::Recipe;
use lora_gauge::zoo::optimizers::OPTIMIZERS;
use nalgebra::DMatrix;
use num_traits::Zero;
use rayon::prelude::*;
use rug::Float;

use crate::common::cases::factor;
use crate::common::runs::drift;

/// How a float run sums.
#[derive(Debug, Clone, Copy)]
enum Order {
    Documented,
    Other { seed: u64, fused: bool },
}

type Values = BTreeMap<String, DMatrix<Ratio>>;

/// The values after the last step of a run, exactly.
struct Run<'s> {
    scenario: &'s Scenario,
    steps: usize,
    order: Order,
}

impl WithArithmetic for Run<'_> {
    /// Nothing where a number is too long to be compared exactly.
    type Output = Result<Option<Values>, ExecError>;
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        match self.order {
            Order::Documented => self.run(ctx),
            Order::Other { seed, fused } => self.run(Reordered::new(ctx, seed, fused)),
        }
    }
}

impl Run<'_> {
    fn run<A: Arithmetic>(&self, ctx: A) -> Result<Option<Values>, ExecError> {
        let options = Options {
            outputs: Outputs::All,
            ..Options::default()
        };
        let step = self.scenario.recipe.build().expect("a recipe");
        let s = self.scenario;
        let run = exec::run(
            ctx.clone(),
            &step,
            &s.sizes,
            &s.values,
            self.steps,
            &options,
        )?;
        let Trajectory {
            final_loss,
            parameters,
            outputs,
            ..
        } = run;
        let exact = |m: &DMatrix<A::Elem>| -> Option<DMatrix<Ratio>> {
            let entries: Option<Vec<Ratio>> = m.iter().map(|x| ctx.to_ratio(x)).collect();
            Some(DMatrix::from_vec(m.nrows(), m.ncols(), entries?))
        };
        let loss = DMatrix::from_element(1, 1, final_loss);
        let last = |values: &'_ Vec<DMatrix<A::Elem>>| values.last().cloned().expect("a value");
        let named = parameters.iter().chain(&outputs);
        let mut all = named.map(|(name, values)| (name.clone(), last(values)));
        let all = all.by_ref().chain([("loss".to_owned(), loss)]);
        Ok(all.map(|(name, m)| Some((name, exact(&m)?))).collect())
    }
}

/// A pair of runs that a rule makes the same.
struct Case {
    left: Scenario,
    right: Scenario,
    /// The two runs whose drift is measured: the same ones, or two within their ranges.
    points: [Scenario; 2],
    factors: BTreeMap<String, Surd>,
    arith: ArithmeticName,
    steps: usize,
    orders: [Order; 2],
}

struct Draw(ChaCha8Rng);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }
    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }
}

const LOSSES: [&str; 5] = ["mse", "l1", "huber", "smooth_l1", "cross_entropy"];

fn case(index: u64) -> Option<Case> {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(index));
    let optimizer = &OPTIMIZERS[(index % OPTIMIZERS.len() as u64) as usize];
    let loss = draw.of(&LOSSES);
    let mut recipe = Recipe::new("linear", loss, optimizer.name).expect("a recipe");
    for (name, default) in optimizer.counts {
        recipe.set_count(name, (*default).min(2)).expect("a count");
    }
    let steps = match draw.below(4) {
        0 => 1 + draw.below(3),
        1 | 2 => 1 + draw.below(10),
        _ => 1 + draw.below(50),
    } as usize;
    let mut size = |name: &str, most: u64| (name.to_owned(), 1 + draw.below(most) as usize);
    let sizes = [
        size("batch", 4),
        size("n_in", 3),
        size("n_out", 3),
        size("r", 3),
    ];
    let lr = draw.of(&["1/10", "1/2", "1/100", "3"]);
    let alpha = draw.of(&["1", "4", "1/3"]);
    let zero = draw.of(&[vec![], vec!["B".to_owned()]]);
    let radii: &[Option<&str>] = match index % 4 {
        0 => &[None, Some("1/1024"), Some("1/16")],
        _ => &[None],
    };
    let mut ranges = BTreeMap::new();
    for name in ["A", "X"] {
        let radius = draw.of(radii);
        ranges.extend(radius.map(|r| (name.to_owned(), Exact(r.parse().expect("a number")))));
    }
    let mut file = ScenarioFile {
        ranges,
        steps,
        alpha: Some(Exact(alpha.parse().expect("a number"))),
        sizes: sizes.into(),
        hyperparameters: [("lr".to_owned(), Exact(lr.parse().expect("a number")))].into(),
        random: Some(RandomFile { seed: index, zero }),
        ..ScenarioFile::of(&recipe)
    };
    if loss == "cross_entropy" {
        file.sizes.insert("n_out".into(), 3);
    }
    let left = file.scenario().ok()?;
    let step = left.recipe.build().ok()?;
    let rule = gauge::infer(&step, &gauge::Options::default()).rule;
    if rule.dimension() == 0 {
        return None;
    }
    let roots = ["3", "2", "1/3", "7/5", "10", "1/4"];
    let factors = (0..rule.dimension()).map(|_| {
        let root = parse_ratio(draw.of(&roots)).expect("a number");
        // A square, so that every half power is a number.
        &root * &root
    });
    let rescaling = Rescaling::new(&rule, factors.collect());
    let right = rescaling.scenario(&left).ok()?;
    let property = rescaling.property(&step).ok()?;
    let bits = 40 + draw.below(261) as u32;
    let arith = [
        ArithmeticName::F32,
        ArithmeticName::F64,
        ArithmeticName::Bf16,
        ArithmeticName::F16,
        ArithmeticName::Bf16Sums(Accumulator::F32),
        ArithmeticName::F16Sums(Accumulator::Exact),
        ArithmeticName::Mp(bits),
        ArithmeticName::Mp(bits),
    ];
    let arith = draw.of(&arith);
    let mut order = || Order::Other {
        seed: draw.0.next_u64(),
        fused: draw.below(2) == 0,
    };
    let orders = [order(), order()];
    let mut point = left.clone();
    for tensor in point.values.tensors.values_mut() {
        *tensor = somewhere(tensor, &mut draw);
    }
    Some(Case {
        orders,
        points: [point.clone(), rescaling.scenario(&point).ok()?],
        left,
        right,
        factors: property
            .factors
            .into_iter()
            .map(|(n, f)| (n, f.0))
            .collect(),
        arith,
        steps,
    })
}

/// A matrix within the tensor's radius.
fn somewhere(tensor: &Tensor, draw: &mut Draw) -> Tensor {
    let eighth = tensor.radius() / Ratio::from_integer(8.into());
    let mut moved = |x: &f64| {
        let part = Ratio::from_integer((draw.below(17) as i64 - 8).into());
        let exact = ratio_from_f64(*x).expect("a number") + part * &eighth;
        let near = F64.from_ratio(&exact).expect("a number");
        assert_eq!(ratio_from_f64(near), Some(exact), "binary64 holds it");
        near
    };
    let values = match tensor.radius().is_zero() {
        true => tensor.values().to_vec(),
        false => tensor.values().iter().map(&mut moved).collect(),
    };
    let point = Tensor::new(tensor.rows(), tensor.cols(), values).expect("a matrix");
    point.scaled_by(tensor.scale()).expect("its own scale")
}

/// The bounds of a case; over ranges the two exact runs are one by the rule.
fn bounds_of(case: &Case) -> Result<PairBounds, BoundError> {
    let gap = match case.left.values.has_ranges() {
        true => Gap::ByCertificate,
        false => Gap::Enclosed,
    };
    pair_bounds_where(
        gap,
        [&case.left, &case.right],
        &case.factors,
        case.arith,
        &[case.steps],
        &|_| {},
    )
}

/// What came of one case.
#[derive(Default)]
struct Tally {
    cases: usize,
    no_rule: usize,
    compared: usize,
    uncertified: usize,
    reached: usize,
    chances: usize,
    exceeded: usize,
    /// Bounds over ranges of inputs.
    ranged: usize,
    /// Pairs of runs with numbers too long to be compared.
    too_long: usize,
    /// certified / measured, in any order.
    ratios: Vec<f64>,
    optimizers: BTreeMap<&'static str, usize>,
    why: BTreeMap<String, usize>,
}

impl Tally {
    fn join(mut self, other: Self) -> Self {
        self.cases += other.cases;
        self.no_rule += other.no_rule;
        self.compared += other.compared;
        self.uncertified += other.uncertified;
        self.reached += other.reached;
        self.chances += other.chances;
        self.exceeded += other.exceeded;
        self.ranged += other.ranged;
        self.too_long += other.too_long;
        self.ratios.extend(other.ratios);
        for (name, n) in other.optimizers {
            *self.optimizers.entry(name).or_default() += n;
        }
        for (why, n) in other.why {
            *self.why.entry(why).or_default() += n;
        }
        self
    }
}

fn judge(index: u64) -> Tally {
    let mut tally = Tally::default();
    let Some(case) = case(index) else {
        tally.no_rule = 1;
        return tally;
    };
    tally.cases = 1;
    let name = case.left.recipe.optimizer.name;
    let say = format!("case {index}: {name}, {}, {} steps", case.arith, case.steps);
    let bounds = bounds_of(&case);
    let bounds: PairBounds = match bounds {
        Ok(bounds) => bounds,
        Err(error) => {
            tally.uncertified = 1;
            *tally.why.entry(error.to_string()).or_default() += 1;
            return tally;
        }
    };
    if bounds.certified_steps < case.steps {
        tally.uncertified = 1;
    }
    *tally.optimizers.entry(name).or_default() += 1;
    let run = |scenario, order| {
        let run = Run {
            scenario,
            steps: case.steps,
            order,
        };
        with_arithmetic(case.arith, run).expect("an arithmetic")
    };
    let documented = [Order::Documented; 2];
    let precision = FloatModel::of(case.arith).expect("a format").precision;
    let bits = precision * 2 + 2300;
    for (orders, is_documented) in [(documented, true), (case.orders, false)] {
        let runs = (
            run(&case.points[0], orders[0]),
            run(&case.points[1], orders[1]),
        );
        let (left, right) = match runs {
            (Ok(Some(left)), Ok(Some(right))) => (left, right),
            (Ok(_), Ok(_)) => {
                tally.too_long += 1;
                continue;
            }
            (left, right) => {
                let error = left.err().or(right.err()).map(|e| e.to_string());
                // The last evaluation of loss and outputs belongs to no step.
                let loss = &bounds.at[&case.steps]["loss"];
                assert!(
                    loss.certified.is_err() && loss.enclosure.is_err(),
                    "{say}: certified, and yet {error:?}"
                );
                continue;
            }
        };
        for (quantity, own) in &bounds.at[&case.steps] {
            let one = Surd::from(1);
            let c = case.factors.get(quantity).unwrap_or(&one);
            let Some(measured) = drift(&left[quantity], &right[quantity], c, bits) else {
                let certified: &EntryBound = &own.certified;
                assert!(certified.is_err(), "{say}, {quantity}: relative to 0");
                continue;
            };
            let mut check = |what: &str, bound: &EntryBound| {
                if let Ok(bound) = bound {
                    assert!(
                        measured <= *bound,
                        "{say}, {quantity}: {measured:.6} measured, {what} {bound:.6}, {orders:?}"
                    );
                    tally.compared += 1;
                }
            };
            check("any order", &own.certified);
            check("enclosure", &own.enclosure);
            if is_documented {
                check("documented order", &own.certified_stated);
                // What the error model reaches is within the bound, to first order in the unit
                // roundoff, of which half formats are not worth speaking.
                if let (Ok(reached), Ok(bound)) = (&own.adversarial, &own.certified_stated)
                    && precision >= 24
                {
                    let most = Float::with_val(64, bound * 1.001f64);
                    assert!(
                        *reached <= most,
                        "{say}, {quantity}: {reached:.6} reached, {bound:.6} certified"
                    );
                    tally.reached += 1;
                }
                if let Ok(chance) = &own.probabilistic {
                    tally.chances += 1;
                    tally.exceeded += usize::from(measured > *chance);
                }
            }
            tally.ranged += usize::from(case.left.values.has_ranges() && own.certified.is_ok());
            if let (Ok(bound), true) = (&own.certified, measured > 0) {
                tally
                    .ratios
                    .push(Float::with_val(64, bound / &measured).to_f64());
            }
        }
    }
    tally
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q) as usize]
}

#[test]
fn no_measured_drift_exceeds_a_certified_bound() {
    let cases = 280 * factor();
    let mut tally = (0..cases)
        .into_par_iter()
        .map(judge)
        .reduce(Tally::default, Tally::join);
    tally.ratios.sort_by(f64::total_cmp);
    println!(
        "{} scenarios ({} draws without a rule), {} comparisons, none exceeded; {} scenarios not certified to the end",
        tally.cases, tally.no_rule, tally.compared, tally.uncertified
    );
    println!("{} adversarial runs, none beyond the bound", tally.reached);
    println!("{} pairs of runs diverge beyond comparison", tally.too_long);
    println!("{} bounds over ranges of inputs", tally.ranged);
    println!("by optimizer: {:?}", tally.optimizers);
    println!("no bound at all: {:?}", tally.why);
    let quantiles = [0.0, 0.1, 0.5, 0.9, 1.0].map(|q| quantile(&tally.ratios, q));
    println!("certified (any order) / measured, quantiles 0, 0.1, 0.5, 0.9, 1: {quantiles:.3?}");
    println!(
        "probabilistic bound exceeded {} of {} times",
        tally.exceeded, tally.chances
    );
    assert!(tally.compared > 1000 && tally.optimizers.len() >= 20 && tally.ranged > 50);
    assert!(
        tally.exceeded * 100 <= tally.chances,
        "more often than it says"
    );
}

/// A layer of 8 × 8 with rank 4 and 16 samples, mean squared error, rates at which descent is
/// stable, from LoRA's start, and the note's map at k = 3.
fn usual(optimizer: &str, seed: u64) -> Case {
    let recipe = Recipe::new("linear", "mse", optimizer).expect("a recipe");
    let lr = if optimizer == "sgd" { "1/10" } else { "1/100" };
    let sizes = [("batch", 16), ("n_in", 8), ("n_out", 8), ("r", 4)];
    let file = ScenarioFile {
        steps: 20,
        alpha: Some(Exact(Surd::from(4))),
        sizes: sizes.map(|(name, size)| (name.to_owned(), size)).into(),
        hyperparameters: [("lr".to_owned(), Exact(lr.parse().expect("a number")))].into(),
        random: Some(RandomFile {
            seed,
            zero: vec!["B".into()],
        }),
        ..ScenarioFile::of(&recipe)
    };
    let left = file.scenario().expect("a scenario");
    note_map(left, 20, ArithmeticName::F32)
}

/// The run to which the note's map leads at k = 3: p = q = 1/√3.
fn note_map(left: Scenario, steps: usize, arith: ArithmeticName) -> Case {
    let step = left.recipe.build().expect("a step");
    let rule = gauge::infer(&step, &gauge::Options::default()).rule;
    assert_eq!(rule.basis(), ["p", "q"]);
    let root = ("1/3", "1/2");
    let root = [root, root].map(|(base, power)| {
        let of = |text| parse_ratio(text).expect("a number");
        (of(base), of(power))
    });
    let rescaling = Rescaling::of_powers(&rule, root.to_vec());
    let property = rescaling.property(&step).expect("factors");
    let right = rescaling.scenario(&left).expect("a rescaled run");
    Case {
        points: [left.clone(), right.clone()],
        right,
        factors: property
            .factors
            .into_iter()
            .map(|(n, f)| (n, f.0))
            .collect(),
        orders: [Order::Documented; 2],
        left,
        arith,
        steps,
    }
}

#[test]
fn bounds_of_usual_layers_are_near_what_the_error_model_reaches() {
    let seeds = 3 * factor();
    let (mut stated, mut any, mut chance) = (vec![], vec![], vec![]);
    for seed in 0..seeds {
        let case = usual("sgd", seed);
        let bounds = bounds_of(&case).expect("bounds");
        assert_eq!(bounds.certified_steps, 20, "{:?}", bounds.endings);
        let run = |scenario| {
            let run = Run {
                scenario,
                steps: case.steps,
                order: Order::Documented,
            };
            with_arithmetic(case.arith, run)
                .expect("an arithmetic")
                .expect("a run")
                .expect("numbers of a usual size")
        };
        let (left, right) = (run(&case.left), run(&case.right));
        for (quantity, own) in &bounds.at[&20] {
            let one = Surd::from(1);
            let c = case.factors.get(quantity).unwrap_or(&one);
            let measured = drift(&left[quantity], &right[quantity], c, 256).expect("a drift");
            let over = |bound: &EntryBound, least: &Float| {
                let bound = bound.as_ref().expect("a bound");
                Float::with_val(64, bound / least).to_f64()
            };
            let reached = own.adversarial.as_ref().expect("a run");
            stated.push(over(&own.certified_stated, reached));
            any.push(over(&own.certified, &measured));
            chance.push(over(&own.probabilistic, &measured));
        }
    }
    for (what, ratios, most) in [
        (
            "certified (documented order) / adversarial",
            &mut stated,
            1.2,
        ),
        ("certified (any order) / measured", &mut any, 300.0),
        ("probabilistic / measured", &mut chance, 10.0),
    ] {
        ratios.sort_by(f64::total_cmp);
        let quantiles = [0.0, 0.5, 0.9, 1.0].map(|q| quantile(ratios, q));
        println!("{what}: quantiles 0, 0.5, 0.9, 1: {quantiles:.3?}");
        assert!(quantiles[1] <= most, "{what}: median {}", quantiles[1]);
    }
    // A bound that is below what was reached would be no bound.
    assert!(stated[0] >= 1.0 && *stated.last().expect("a ratio") <= 1.2);
}

#[test]
fn a_certificate_ends_before_an_ulp_becomes_a_jump() {
    let (steps, mut jumped, mut before) = (500, 0, vec![]);
    for seed in 0..20 {
        let left = Scenario {
            steps,
            ..seed_script(seed).expect("the note's script")
        };
        let case = note_map(left, steps, ArithmeticName::F32);
        let measured = measure(&case.left, &case.right, &case.factors, case.arith, steps);
        let measured = measured.expect("two runs");
        let bounds = bounds_of(&case).expect("bounds");
        let ends = bounds.certified_steps as u64 + 1;
        let Some(jump) = measured.jumps.first() else {
            println!("seed {seed}: no jump in {steps} steps; the certificate ends in step {ends}");
            continue;
        };
        jumped += 1;
        before.push(jump.step - ends.min(jump.step));
        println!(
            "seed {seed}: a jump in step {} at {} {:?}: {} on the left, {} on the right; the certificate ends in step {ends}, {} steps before",
            jump.step,
            jump.node,
            jump.entry,
            jump.left,
            jump.right,
            jump.step - ends.min(jump.step)
        );
        assert!(ends <= jump.step, "seed {seed}: certified beyond a jump");
    }
    println!("{jumped} of 20 runs show a jump");
    assert!(jumped >= 1);
}
