//! Maps that follow each other are one map: k₁ and then k₂ is k₁·k₂, there and back is nothing.
//!
//! Compared are the runs that the maps lead to, value by value as exact numbers.

use num_traits::Inv;

use super::{HuntedProperty, is_exact_or_encloses};
use crate::arith::{ArithmeticName, Ratio};
use crate::scenario::{Property, Scenario};
use crate::search::draw::Domain;
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "rules-compose",
    says: "one map and then another is their product, and there and back is the identity",
    arithmetics: &[ArithmeticName::Rational],
    supports: is_exact_or_encloses,
    evidence: &[],
    domain,
    judge,
};

fn domain(mut domain: Domain) -> Domain {
    // Nothing is run, so any arithmetic will do.
    if domain.arithmetics.is_empty() {
        domain.arithmetics.push(ArithmeticName::Prime);
    }
    domain
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let count = derived.rule().dimension();
    let of = |all: &[Ratio]| -> Vec<Ratio> { all.iter().cycle().take(count).cloned().collect() };
    let (first, second) = (of(&test_case.factors), of(&test_case.second));
    let both: Vec<Ratio> = first.iter().zip(&second).map(|(x, y)| x * y).collect();
    let back: Vec<Ratio> = first.iter().map(Inv::inv).collect();
    let map = |factors: &[Ratio], run: &Scenario| derived.rescaling(factors).scenario(run);
    let run = &test_case.scenario;
    let there = map(&first, run)?;
    let signs = derived.signs();
    let turned = signs.scenario(&there)?;
    for (what, got, expected) in [
        (
            "one map and then the other",
            map(&second, &there)?,
            map(&both, run)?,
        ),
        (
            "the other and then the one",
            map(&first, &map(&second, run)?)?,
            map(&both, run)?,
        ),
        ("there and back", map(&back, &there)?, run.clone()),
        (
            "two changes of sign",
            signs.scenario(&turned)?,
            there.clone(),
        ),
    ] {
        if let Some(name) = first_difference(&got, &expected) {
            return Ok(TestResult::contradicts(format!(
                "{what}: `{name}` is not what one map makes of it"
            )));
        }
    }
    let said = |factors: &[Ratio]| derived.rescaling(factors).property(&derived.step);
    let (one, other, product) = (said(&first)?, said(&second)?, said(&both)?);
    for name in &product.conclusion {
        let factor = |property: &Property| {
            let own = property.factors.get(name).map(|f| f.0.clone());
            own.unwrap_or_else(|| 1.into())
        };
        if factor(&one).checked_mul(&factor(&other)) != Some(factor(&product)) {
            return Ok(TestResult::contradicts(format!(
                "the factor of `{name}` is not the product of its factors"
            )));
        }
    }
    Ok(TestResult::Passed(Basis::Exact))
}

/// The first value in which two runs differ as exact numbers.
fn first_difference<'a>(x: &'a Scenario, y: &Scenario) -> Option<&'a str> {
    let scalars = x.values.scalars.iter();
    let mut scalars = scalars.filter(|(name, value)| y.values.scalars.get(*name) != Some(value));
    let mut tensors = x.values.tensors.iter().filter(|(name, tensor)| {
        let other = y.values.tensors.get(*name);
        other.is_none_or(|other| !tensor.entries().eq(other.entries()))
    });
    let scalar = scalars.next().map(|(name, _)| name.as_str());
    scalar.or_else(|| tensors.next().map(|(name, _)| name.as_str()))
}
