//! What is said to be invariant is the same in a run and in the rescaled one.
//!
//! Monomials in settings and in the scales of trained tensors are compared as exact numbers; of
//! single pairs the products that no split of k can change are compared along the run.

use num_traits::ToPrimitive;

use super::{EXACT, HuntedProperty, is_exact_or_encloses};
use crate::arith::{Ratio, Surd};
use crate::gauge::{Invariant, invariants};
use crate::scenario::Property;
use crate::search::draw::Domain;
use crate::search::judge::{Pair, judge_pair, ladder};
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "invariants",
    says: "every invariant of a rule is the same in both runs, as a number and along the run",
    arithmetics: EXACT,
    supports: is_exact_or_encloses,
    evidence: &[],
    domain,
    judge,
};

fn domain(domain: Domain) -> Domain {
    Domain {
        // A product of both factors keeps its sign or not by itself.
        signs: false,
        ..domain
    }
}

/// Products of which none changes, whatever the optimizer, in terms of one pair.
const ALONG_THE_RUN: [&str; 3] = ["s * (B @ A)", "g_A @ A.T", "B.T @ g_B"];

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let rescaling = derived.rescaling(&test_case.factors);
    let rule = derived.rule();
    for invariant in invariants(rule) {
        let factor = |name: &str| rescaling.factor(rule.weights.get(name)?);
        let product = product(&invariant, factor);
        if product.as_ref() != Some(&Surd::from(1)) {
            let product = product.map_or("no number".to_owned(), |p| p.to_string());
            return Ok(TestResult::contradicts(format!(
                "{invariant} is multiplied by {product}"
            )));
        }
    }
    let right = rescaling.scenario(&test_case.scenario)?;
    // Beside other trained tensors the products may have weights.
    let names: Vec<&str> = rule.parameters.iter().map(String::as_str).collect();
    if names != ["A", "B"] || derived.step.graph.leaf("s").is_none() {
        return Ok(TestResult::Passed(Basis::Exact));
    }
    let property = Property {
        conclusion: ALONG_THE_RUN.map(str::to_owned).to_vec(),
        ..Property::default()
    };
    let pair = Pair {
        property: &property,
        left: &test_case.scenario,
        right: &right,
        mixed: false,
    };
    judge_pair(pair, &ladder(&derived.step, test_case.arithmetic), false)
}

/// The factor by which an invariant is multiplied.
fn product(invariant: &Invariant, factor: impl Fn(&str) -> Option<Surd>) -> Option<Surd> {
    let mut product = Surd::from(1);
    for (name, exponent) in &invariant.factors {
        let own = factor(name)?;
        let power = match own.as_ratio() {
            Some(q) => Surd::power(q, &Ratio::from_integer(exponent.clone()))?,
            None => root_power(&own, exponent.to_i32()?)?,
        };
        product = product.checked_mul(&power)?;
    }
    Some(product)
}

/// A power of a number with a root.
fn root_power(x: &Surd, exponent: i32) -> Option<Surd> {
    let squares = Surd::power(
        &x.squared(),
        &Ratio::from_integer(exponent.div_euclid(2).into()),
    )?;
    match exponent.rem_euclid(2) {
        0 => Some(squares),
        _ => squares.checked_mul(x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_roots() {
        let root = Surd::sqrt(&Ratio::from_integer(3.into())).unwrap();
        let third = Ratio::new(1.into(), 3.into());
        assert_eq!(root_power(&root, -2), Some(Surd::rational(third)));
        assert_eq!(root_power(&root, 1), Some(root.clone()));
        assert_eq!(root_power(&root, 0), Some(Surd::from(1)));
    }
}
