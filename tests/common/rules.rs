//! Rules and claims, as the library derives and judges them.

use std::sync::OnceLock;

use lora_gauge::arith::Ratio;
use lora_gauge::audit::{Claim, Judged, builtin, judge, parse_claim};
use lora_gauge::gauge::{Options, Rule, check, infer};
use lora_gauge::graph::StepGraph;
use lora_gauge::scenario::Powers;
use lora_gauge::zoo::Recipe;
use rayon::prelude::*;

/// An optimizer on the linear layer with the mean squared error.
pub fn recipe(optimizer: &str) -> Recipe {
    Recipe::new("linear", "mse", optimizer).expect("an optimizer of the zoo")
}

/// The rule of a step, whose certificate the checker accepts.
pub fn rule_of(name: &str, step: &StepGraph, options: &Options) -> Rule {
    let inference = infer(step, options);
    check(step, &inference.question, &inference.certificate)
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    inference.rule
}

/// The map in which generator g of the rule is the power `exponents[g]` of k.
pub fn powers(rule: &Rule, exponents: &[i64]) -> Powers {
    let power = |name: &String| -> Ratio {
        let weight = rule.weights.get(name).map_or(&[][..], Vec::as_slice);
        let terms = weight.iter().zip(exponents);
        terms
            .map(|(w, e)| w * Ratio::from_integer((*e).into()))
            .sum()
    };
    let all = |names: &[String]| names.iter().map(|n| (n.clone(), power(n))).collect();
    Powers {
        hyperparameters: all(&rule.hyperparameters),
        initial: all(&rule.parameters),
        ..Powers::default()
    }
}

/// The built-in claims with their judgements: one audit for all tests that read it.
pub fn built_in() -> &'static [(Claim, Judged)] {
    static AUDIT: OnceLock<Vec<(Claim, Judged)>> = OnceLock::new();
    AUDIT.get_or_init(|| {
        let claims = builtin().expect("well-formed built-in claims");
        let judged = |claim| {
            let judged = judge(&claim);
            (claim, judged)
        };
        claims.into_par_iter().map(judged).collect()
    })
}

/// The judgement of a claim.
pub fn judged(text: &str) -> Judged {
    let claim = parse_claim("claim.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    judge(&claim)
}
