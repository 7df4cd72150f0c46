//! What a weight means: the certified graphs are run on numbers, plain and rescaled.
//!
//! Powers of two pass through floating point exactly, so equality here is equality of bits, and
//! neither the solver nor the checker has a part in it. Random graphs look for a law that is
//! wrong in a corner (a zero that is no zero, a comparison that is not invariant).

use std::collections::BTreeMap;

use num_traits::ToPrimitive;
use proptest::prelude::*;

use super::check;
use crate::arith::{Function, Ratio};
use crate::gauge::{Condition, MapDecision, MapQuestion, Options, Rule, decide, infer, sign_flips};
use crate::graph::{
    Binary, Comparison, Dim, Expr, LeafKind, Op, Shape, StepBuilder, StepGraph, Unary,
};

/// Every node's value, all matrices 1 × 1.
fn run(step: &StepGraph, leaf: impl Fn(&str) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = Vec::new();
    for node in step.graph.nodes() {
        let at = |x: &crate::graph::NodeId| values[x.index()];
        let value = match &node.op {
            Op::Leaf(l) => leaf(&l.name),
            Op::Constant(q) => q.to_f64().unwrap(),
            Op::Count(_) | Op::Identity(_) => 1.0,
            Op::Unary(op, x) => match op {
                Unary::Neg => -at(x),
                Unary::Abs => at(x).abs(),
                Unary::Sign if at(x) == 0.0 => 0.0,
                Unary::Sign => at(x).signum(),
                Unary::Sqrt | Unary::MatrixSqrt => at(x).sqrt(),
                Unary::Inverse => at(x).recip(),
                Unary::Cast(_) => at(x).floor(),
                Unary::Function(Function::Exp) => at(x).exp(),
                Unary::Function(Function::Ln) => at(x).ln(),
                Unary::Function(_) => at(x).cos(),
                _ => at(x),
            },
            Op::Binary(op, x, y) => match op {
                Binary::Add => at(x) + at(y),
                Binary::Sub => at(x) - at(y),
                Binary::Mul | Binary::MatMul => at(x) * at(y),
                Binary::Div => at(x) / at(y),
                Binary::Power => at(x).powf(at(y)),
                Binary::Atan2 => at(x).atan2(at(y)),
                Binary::Max if at(x) < at(y) => at(y),
                Binary::Min if at(x) > at(y) => at(y),
                Binary::Max | Binary::Min => at(x),
            },
            Op::Select {
                comparison,
                lhs,
                rhs,
                then,
                otherwise,
            } => {
                let holds = match comparison {
                    Comparison::Less => at(lhs) < at(rhs),
                    Comparison::LessEqual => at(lhs) <= at(rhs),
                    Comparison::Equal => at(lhs) == at(rhs),
                };
                if holds { at(then) } else { at(otherwise) }
            }
        };
        values.push(value);
    }
    values
}

/// Values of leaves, some negative, some equal, so that comparisons fall either way.
fn leaves(step: &StepGraph, seeds: &[i8]) -> BTreeMap<String, f64> {
    let value = |(i, (name, id)): (usize, (&str, crate::graph::NodeId))| {
        let number = f64::from(seeds[i % seeds.len()]) / 8.0;
        let value = match step.graph.leaf_at(id).map(|l| &l.kind) {
            Some(LeafKind::StepNumber) => 3.0,
            _ if number == 0.0 => 0.625,
            _ => number,
        };
        (name.to_owned(), value)
    };
    step.graph.leaves().enumerate().map(value).collect()
}

/// Compares every weighted node of a rescaled run with the rescaled node of the plain run.
fn compare(
    step: &StepGraph,
    weights: &[Option<Vec<Ratio>>],
    plain: &[f64],
    moved: &[f64],
    factor: impl Fn(&[Ratio]) -> f64,
) -> Result<usize, TestCaseError> {
    let mut compared = 0;
    let mut sound = vec![true; plain.len()];
    for id in step.graph.ids() {
        let i = id.index();
        let ordinary = |x: f64| x == 0.0 || (1e-100..1e100).contains(&x.abs());
        // Beyond the range of exponents, and after NaN, bits say nothing.
        let operands = step.graph.node(id).op.operands();
        sound[i] =
            ordinary(plain[i]) && ordinary(moved[i]) && operands.iter().all(|x| sound[x.index()]);
        if let Some(weight) = &weights[i]
            && sound[i]
        {
            compared += 1;
            prop_assert_eq!(
                moved[i],
                plain[i] * factor(weight),
                "node {} in {:?}",
                i,
                step
            );
        }
    }
    Ok(compared)
}

fn scaling_holds(step: &StepGraph, rule: &Rule, seeds: &[i8]) -> Result<usize, TestCaseError> {
    let plain_leaves = leaves(step, seeds);
    let plain = run(step, |name| plain_leaves[name]);
    let mut compared = 0;
    for g in 0..rule.dimension() {
        let weights = rule.node_weights.iter().flatten().map(|w| &w[g]);
        let common = weights.fold(1, |d, w| num_integer::lcm(d, w.denom().to_i32().unwrap()));
        let power = |w: &Ratio| {
            let exponent = w * Ratio::from_integer(common.into());
            2f64.powi(exponent.to_integer().to_i32().unwrap())
        };
        let moved = run(step, |name| {
            let weight = rule.weights.get(name);
            plain_leaves[name] * weight.map_or(1.0, |w| power(&w[g]))
        });
        compared += compare(step, &rule.node_weights, &plain, &moved, |w| power(&w[g]))?;
    }
    Ok(compared)
}

fn signs_hold(step: &StepGraph, rule: &Rule, seeds: &[i8]) -> Result<usize, TestCaseError> {
    let plain_leaves = leaves(step, seeds);
    let plain = run(step, |name| plain_leaves[name]);
    let sign = |w: &Ratio| if *w == super::q("1") { -1.0 } else { 1.0 };
    let mut compared = 0;
    for g in 0..rule.dimension() {
        let moved = run(step, |name| {
            let weight = rule.weights.get(name);
            plain_leaves[name] * weight.map_or(1.0, |w| sign(&w[g]))
        });
        compared += compare(step, &rule.node_weights, &plain, &moved, |w| sign(&w[g]))?;
    }
    Ok(compared)
}

/// A random step: a pile of operations on earlier values, then updates from the top of it.
fn random_step(operations: &[(u8, u8, u8, u8, u8)]) -> StepGraph {
    let b = StepBuilder::new();
    let one = Dim::one();
    let (a, bb) = (b.parameter("A", &one, &one), b.parameter("B", &one, &one));
    let m = b.zero_state("m", &Shape::scalar());
    let mut pile = vec![a, bb, m, b.data("X", &one, &one), b.step_number()];
    for i in 0..5 {
        pile.push(b.hyperparameter(&format!("h{i}"), &format!("base{}", i / 2), i % 2 == 0));
    }
    for (what, i, j, k, l) in operations {
        let pick = |n: &u8| pile[pile.len() - 1 - usize::from(*n) % pile.len()];
        let (x, y, z, v): (Expr<'_>, _, _, _) = (pick(i), pick(j), pick(k), pick(l));
        pile.push(match what % 21 {
            0 => x + y,
            1 => x - y,
            2..=4 => x * y,
            5 | 6 => x / y,
            7 => x.max(y),
            8 => x.min(y),
            9 => x.abs(),
            10 => x.sign(),
            11 => x.abs().sqrt(),
            12 => x.if_less(y, z, v),
            13 => x.if_less_equal(0, y, 0),
            14 => x.if_equal(y, z, v),
            15 => -x,
            16 => x.square().sqrt(),
            17 => b.ratio(0, 1) * x + y,
            18 => (x / x.detach()).exp(),
            19 => (b.ratio(0, 1) * x).exp() * y + z,
            _ => x.max(0),
        });
    }
    let top = |n: usize| pile[pile.len() - 1 - n];
    b.update(a, a - b.hyperparameter("lr_A", "lr", false) * top(0));
    b.update(bb, bb - b.hyperparameter("lr_B", "lr", false) * top(1));
    b.update(
        m,
        b.hyperparameter("momentum", "momentum", true) * m + top(2),
    );
    b.set_loss(top(3) * b.hyperparameter("loss_scale", "loss_scale", false));
    b.output("top", top(4) + top(5));
    b.finish().unwrap()
}

fn random() -> impl Strategy<Value = (StepGraph, Vec<i8>)> {
    let operation = (any::<u8>(), 0u8..12, 0u8..12, 0u8..12, 0u8..12);
    let seeds = proptest::collection::vec(-12i8..=12, 4..12);
    (proptest::collection::vec(operation, 6..14), seeds)
        .prop_map(|(operations, seeds)| (random_step(&operations), seeds))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_certified_scaling_scales_every_node((step, seeds) in random()) {
        let inference = infer(&step, &Options::default());
        check(&step, &inference.certificate).unwrap();
        scaling_holds(&step, &inference.rule, &seeds)?;
    }

    #[test]
    fn a_certified_sign_flip_flips_what_it_says((step, seeds) in random()) {
        let flips = sign_flips(&step, &Options::default());
        check(&step, &flips.certificate).unwrap();
        signs_hold(&step, &flips.rule, &seeds)?;
    }

    #[test]
    fn conditions_of_a_map_suffice((step, seeds) in random(), shift in -2i64..=2) {
        let rule = infer(&step, &Options::default()).rule;
        prop_assume!(rule.dimension() > 0);
        // A true rule, but one hyperparameter that may be zero is off, and B starts unscaled.
        let sum = |w: &Vec<Ratio>| -> Ratio { w.iter().sum() };
        let mut question = MapQuestion {
            conditions: vec![
                Condition::InitialZero("B".to_owned()),
                Condition::HyperparameterZero("momentum".to_owned()),
            ],
            ..MapQuestion::default()
        };
        for name in &rule.hyperparameters {
            let off = if name == "momentum" { shift } else { 0 };
            let power = sum(&rule.weights[name]) + Ratio::from_integer(off.into());
            question.hyperparameters.insert(name.clone(), power);
        }
        question.initial.insert("A".into(), sum(&rule.weights["A"]));
        let decision = decide(&step, &question).unwrap();
        let (conditions, proof) = match decision {
            MapDecision::Holds(proof) => (vec![], proof),
            MapDecision::HoldsIf(mut all) => {
                let first = all.remove(0);
                (first.conditions, first.proof)
            }
            MapDecision::Fails { conflict } => {
                return Err(TestCaseError::fail(format!("{conflict:?}")));
            }
        };
        check(&step, &proof.scaling.certificate).unwrap();
        let mut plain_leaves = leaves(&step, &seeds);
        for condition in &conditions {
            if let Condition::HyperparameterZero(name) = condition {
                plain_leaves.insert(name.clone(), 0.0);
            }
        }
        let weights = proof.scaling.certificate.weights().unwrap();
        let common = weights
            .iter()
            .flatten()
            .fold(1, |d, w| num_integer::lcm(d, w[0].denom().to_i32().unwrap()));
        let power = |w: &Ratio| {
            let exponent = w * Ratio::from_integer(common.into());
            2f64.powi(exponent.to_integer().to_i32().unwrap())
        };
        let plain = run(&step, |name| plain_leaves[name]);
        let moved = run(&step, |name| {
            plain_leaves[name] * proof.weights.get(name).map_or(1.0, &power)
        });
        compare(&step, &weights, &plain, &moved, |w| power(&w[0]))?;
    }
}

/// The random graphs are not empty of meaning: most have a rule, and most nodes are compared.
#[test]
fn random_steps_are_worth_running() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut with_rule, mut compared, mut flips) = (0, 0, 0);
    for _ in 0..200 {
        let (step, seeds) = random().new_tree(&mut runner).unwrap().current();
        let rule = infer(&step, &Options::default()).rule;
        with_rule += usize::from(rule.independent_parameters() > 0);
        compared += scaling_holds(&step, &rule, &seeds).unwrap();
        flips += sign_flips(&step, &Options::default()).flips.len();
    }
    assert!(
        with_rule > 60 && compared > 2000 && flips > 60,
        "{with_rule} {compared} {flips}"
    );
}
