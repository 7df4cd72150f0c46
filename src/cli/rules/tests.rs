//! What a user sees of an optimizer with cases, and how wide it is.

use super::derived::Derived;
use super::{json, overview, words};
use crate::zoo::optimizers::{OPTIMIZERS, PLAIN};
use crate::zoo::{Hyperparameter, Optimizer, Recipe, Regime, Trainer};

/// Descent that divides by the root of the squared gradient from the second step on, as RAdam
/// does once it is rectified.
static WITH_CASES: Optimizer = Optimizer {
    name: "two_phases",
    title: "descent, then normalised descent",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1"),
        Hyperparameter::optional("eps", "1e-8"),
    ],
    regimes: &[Regime {
        name: "first",
        when: "t = 1",
        otherwise: "t > 1",
    }],
    build,
    ..PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let (g, t) = (f.gradient(), f.step_number());
        let normalised = g / (g.square().sqrt() + f.hyper("eps"));
        let direction = trainer.regime("first", g, normalised, |x, y| t.if_equal(1, x, y));
        f.update(f.weight() - f.lr() * direction);
    }
}

fn derived() -> Derived {
    let mut recipe = Recipe::new("linear", "mse", "sgd").unwrap();
    recipe.optimizer = &WITH_CASES;
    let derived = Derived::new(recipe, false).unwrap();
    assert!(derived.refused().is_none());
    derived
}

#[test]
fn each_case_has_a_rule_of_its_own() {
    let all = [derived()];
    let json = serde_json::to_value(json::document(&all)).unwrap();
    let regimes = json["rules"][0]["regimes"].as_array().unwrap();
    let names: Vec<&str> = regimes
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["always", "first", "not first"]);
    // The two phases need different rates, so nothing holds for a whole run.
    for (regime, dimension) in regimes.iter().zip([0, 2, 2]) {
        assert_eq!(regime["dimension"], dimension, "{regime}");
        assert_eq!(regime["certificate"]["checked"], true);
    }
    assert_eq!(regimes[1]["weights"]["lr_A"][0], "2");
    assert_eq!(regimes[1]["unread"], serde_json::json!(["eps_A", "eps_B"]));
    assert_eq!(regimes[1]["decided"]["first"], true);
    assert_eq!(regimes[2]["weights"]["lr_A"][0], "1");
    assert_eq!(regimes[2]["when"], "t > 1");
    let text = words::document(&all, false, 200);
    assert!(
        text.contains(
            "In the case first (t = 1): 2 factors are free, independently: p, q: A·p, B·q, \
             s·p^-1·q^-1, lr_A·p^2, lr_B·q^2; eps_A, eps_B not read."
        ),
        "{text}"
    );
    assert!(overview::table(&all, 120).contains("2 of 2 differ"));
}

#[test]
fn nothing_is_wider_than_asked() {
    let mut all: Vec<Derived> = vec![derived()];
    for optimizer in OPTIMIZERS {
        let recipe = Recipe::new("linear", "mse", optimizer.name).unwrap();
        all.push(Derived::new(recipe, false).unwrap());
    }
    for width in [80, 100, 120] {
        let visible = |text: String| {
            let plain = anstream::adapter::strip_str(&text).to_string();
            for line in plain.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            plain
        };
        let table = visible(overview::table(&all, width));
        for optimizer in OPTIMIZERS {
            assert!(table.contains(optimizer.name), "{}", optimizer.name);
        }
        visible(words::document(&all, true, width));
    }
}
