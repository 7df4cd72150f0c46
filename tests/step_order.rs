//! A bound for any order of summation holds where the order is another one at each step.
#![cfg(feature = "mp")]

use std::collections::BTreeMap;

use lora_gauge::arith::{
    Arithmetic, ArithmeticName, Ratio, Reordered, SumOrder, Surd, WithArithmetic, ratio_from_f64,
    with_arithmetic,
};
use lora_gauge::bound::certified::{PairBounds, pair_bounds};
use lora_gauge::bound::precision::rescale;
use lora_gauge::exec::{Machine, Options, Outputs};
use lora_gauge::scenario::{Scenario, Split};
use nalgebra::DMatrix;
use rug::Float;

use crate::common::runs::{drift, ratio, scenario};

// A copy of shared/findings/bounds/step-order.toml.
const FOUND: &str = include_str!("scenarios/step_order.toml");
const FORWARD: SumOrder = SumOrder::Forward;
const BACKWARD: SumOrder = SumOrder::Backward;

/// How sums are made at one step, and whether products are fused into them.
type Step = (SumOrder, bool);
type Values = BTreeMap<String, DMatrix<Ratio>>;

/// The exact values of all trained tensors and outputs after each step of a run in which
/// everything is computed anew at each step, in the order that is given for it.
struct Anew<'a>(&'a Scenario, &'a [Step]);

impl WithArithmetic for Anew<'_> {
    type Output = Vec<Values>;
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        let Self(run, orders) = self;
        let step = run.recipe.build().expect("a recipe");
        let options = Options {
            outputs: Outputs::All,
            ..Options::default()
        };
        let (first, fused) = orders[0];
        let ctx = Reordered::with(ctx, first, fused);
        let machine = Machine::new(ctx.clone(), &step, &run.sizes, &run.values, &options);
        let mut machine = machine.expect("a run");
        let exact = |m: &DMatrix<A::Elem>| m.map(|x| ctx.to_ratio(&x).expect("a number"));
        let mut all = vec![];
        for taken in 0..=run.steps {
            let (order, fused) = orders[taken % orders.len()];
            ctx.sum_in(order, fused);
            machine.settle(&mut |_, _| {});
            machine.forward().expect("a step");
            let outputs = step.outputs.iter().map(|o| &o.name);
            let outputs = outputs.map(|name| (name, machine.output(name)));
            let trained = step.parameters.iter().map(|p| &p.name);
            let trained = trained.map(|name| (name, machine.parameter(name)));
            let named = outputs.chain(trained);
            let named = named.map(|(name, m)| (name.clone(), exact(m.expect("a matrix"))));
            all.push(named.collect());
            if taken < run.steps {
                machine.advance().expect("a step");
            }
        }
        all
    }
}

fn anew(run: &Scenario, arith: ArithmeticName, orders: &[Step]) -> Vec<Values> {
    with_arithmetic(arith, Anew(run, orders)).expect("an arithmetic")
}

/// The drift, where 400 bits tell 0 from what is not.
fn apart(x: &DMatrix<Ratio>, y: &DMatrix<Ratio>, c: &Surd) -> Float {
    drift(x, y, c, 400).expect("a size")
}

/// From one side and then from the other, and the other run the other way round.
fn against(fused: bool) -> [[Step; 2]; 2] {
    [
        [(FORWARD, fused), (BACKWARD, fused)],
        [(BACKWARD, fused), (FORWARD, fused)],
    ]
}

struct Pair {
    left: Scenario,
    right: Scenario,
    factors: BTreeMap<String, Surd>,
    bounds: PairBounds,
    arith: ArithmeticName,
}

fn pair(text: &str, arith: ArithmeticName) -> Pair {
    let left = scenario(text);
    let map = rescale(&left, &ratio("3"), Split::Sqrt);
    let map = map.expect("a rescaled run");
    let steps: Vec<usize> = (0..=left.steps).collect();
    let bounds = pair_bounds(&left, &map.run, &map.factors, arith, &steps, &|_| {});
    Pair {
        bounds: bounds.expect("bounds"),
        right: map.run,
        factors: map.factors,
        left,
        arith,
    }
}

impl Pair {
    /// The largest drift of B after all steps, checked against the bounds of everything at all
    /// times, and the certified bound for B.
    fn largest(&self, ways: &[[[Step; 2]; 2]]) -> (Float, Float) {
        let last = self.left.steps;
        assert_eq!(
            self.bounds.certified_steps, last,
            "{:?}",
            self.bounds.endings
        );
        let mut largest = Float::new(64);
        for [left, right] in ways {
            let x = anew(&self.left, self.arith, left);
            let y = anew(&self.right, self.arith, right);
            for (taken, (x, y)) in x.iter().zip(&y).enumerate() {
                for (name, x) in x {
                    let own = &self.bounds.at[&taken][name];
                    let Ok(bound) = &own.certified else { continue };
                    let found = apart(x, &y[name], &self.factors[name]);
                    assert!(found <= *bound, "{name} after {taken}: {found} > {bound}");
                }
            }
            largest.max_mut(&apart(&x[last]["B"], &y[last]["B"], &self.factors["B"]));
        }
        let bound = self.bounds.at[&last]["B"].certified.clone();
        (largest, bound.expect("a bound"))
    }

    fn stated(&self) -> Float {
        let own = &self.bounds.at[&self.left.steps]["B"];
        own.certified_stated.clone().expect("a bound")
    }
}

fn of_f64(x: f64) -> Ratio {
    ratio_from_f64(x).expect("a number")
}

#[test]
fn two_steps_that_sum_to_and_fro_stay_within_the_bound() {
    let pair = pair(FOUND, ArithmeticName::F32);
    let [left, right] = against(false);
    let x = &anew(&pair.left, pair.arith, &left)[2]["B"];
    let y = &anew(&pair.right, pair.arith, &right)[2]["B"];
    // As found: 0x1.e23c8p-5 and 0x1.18a9p-5.
    assert_eq!(x[0], of_f64(f64::from(0x1e_23c8) * 2f64.powi(-25)));
    assert_eq!(y[0], of_f64(f64::from(0x1_18a9) * 2f64.powi(-21)));
    let (reached, bound) = pair.largest(&[[left, right], [right, left]]);
    assert!(reached > 8.04e-3, "{reached}");
    // What it was when all steps were taken to sum alike was less.
    assert!(bound > 8.347e-4 && bound < 0.2, "{bound}");
    assert!(pair.stated() < 8.347e-4);
}

/// Of two products either one may be the one that is not rounded.
#[test]
fn two_steps_that_fuse_one_product_and_then_the_other_stay_within_the_bound() {
    let text = FOUND
        .replace("n_in = 3", "n_in = 2")
        .replace("cols = 3", "cols = 2")
        .replace(
            r#"["0x1.0000000000000p+0", "0x1.0000000000000p+0", "0x1.0000000000000p+0"]"#,
            r#"["0x1.0004560000000p+0", "0x1.000abc0000000p+0"]"#,
        )
        .replace(
            r#"["0x1.0000000000000p+10", "0x1.0004000000000p+0", "-0x1.0080020000000p+10"]"#,
            r#"["0x1.1234560000000p+10", "-0x1.1212340000000p+10"]"#,
        )
        .replace(
            r#"["0x1.0000000000000p+0", "0x0.0p+0", "0x0.0p+0"]"#,
            r#"["0x1.0000000000000p+0", "0x0.0p+0"]"#,
        );
    for arith in [ArithmeticName::F32, ArithmeticName::Mp(24)] {
        let pair = pair(&text, arith);
        let [left, right] = against(true);
        let (reached, _) = pair.largest(&[[left, right], [right, left]]);
        assert!(reached > pair.stated(), "{reached}");
    }
}

/// Sums of five terms for two rows, in orders drawn for each step.
#[test]
fn steps_that_sum_in_drawn_orders_stay_within_the_bound() {
    let row = |entries: [&str; 5]| entries.map(|x| format!("\"{x}\"")).join(", ");
    let ones = row(["1"; 5]);
    let weights = row(["1000.125", "3/7", "-2000.5", "5/3", "1000.7"]);
    let a = row(["1", "0", "0", "0", "0"]);
    let text = format!(
        r#"
name = "drawn-orders"
model = "linear"
loss = "mse"
optimizer = "sgd"
reduction = "sum"
steps = 2
alpha = "1"
[sizes]
batch = 2
n_in = 5
n_out = 1
r = 1
[hyperparameters]
lr_A = "1e-30"
lr_B = "0.4975"
[tensors]
X = {{ rows = 2, cols = 5, values = [{ones}, {ones}] }}
W0 = {{ rows = 1, cols = 5, values = [{weights}], scale = "1/3" }}
A = {{ rows = 1, cols = 5, values = [{a}] }}
B = {{ rows = 1, cols = 1, values = ["0"] }}
Y = {{ rows = 2, cols = 1, values = ["0", "0"] }}
"#
    );
    for arith in [
        ArithmeticName::F32,
        ArithmeticName::F64,
        ArithmeticName::Mp(113),
    ] {
        let pair = pair(&text, arith);
        let way = |i: u64| {
            let one = |run: u64, step: u64| {
                (SumOrder::Drawn(4 * i + 2 * run + step), i.is_multiple_of(2))
            };
            [[one(0, 0), one(0, 1)], [one(1, 0), one(1, 1)]]
        };
        let mut ways: Vec<[[Step; 2]; 2]> = (0..40).map(way).collect();
        ways.extend([against(false), against(true)]);
        let (reached, bound) = pair.largest(&ways);
        assert!(reached > pair.stated(), "{arith}: {reached} {bound}");
    }
}
