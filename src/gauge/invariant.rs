//! The monomials of weight zero, which no rescaling can change.

use std::fmt;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::lattice::{cost, kernel, shorten, split};
use super::rule::Rule;
use crate::arith::Ratio;

/// A product of integer powers of hyperparameters and parameter scales that has weight zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invariant {
    /// Name and exponent of each factor; hyperparameters in the order of the graph, then
    /// parameters.
    pub factors: Vec<(String, BigInt)>,
    /// `true` if the scale of a parameter is among the factors.
    pub has_parameters: bool,
}

impl Invariant {
    /// `true` if this is one quantity that keeps its value anyway, such as a momentum.
    pub fn is_trivial(&self) -> bool {
        self.factors.len() == 1
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let power = |(name, e): &(String, BigInt)| match e.abs() {
            one if one.is_one() => name.clone(),
            e => format!("{name}^{e}"),
        };
        let (above, below): (Vec<_>, Vec<_>) =
            self.factors.iter().partition(|(_, e)| e.is_positive());
        let above: Vec<String> = above.into_iter().map(power).collect();
        let below: Vec<String> = below.into_iter().map(power).collect();
        let above = match above.is_empty() {
            true => "1".to_owned(),
            false => above.join("*"),
        };
        match below.as_slice() {
            [] => f.write_str(&above),
            [one] => write!(f, "{above}/{one}"),
            many => write!(f, "{above}/({})", many.join("*")),
        }
    }
}

/// A basis of all monomials of weight zero in the hyperparameters and parameter scales of a
/// rule: every such monomial is a product of integer powers of these, in one way.
///
/// First come those of hyperparameters alone (a basis of all such), then those which contain
/// the scale of a parameter, last the trivial ones (single quantities of weight zero). Shorter
/// ones stand first.
pub fn invariants(rule: &Rule) -> Vec<Invariant> {
    let hyperparameters = rule.hyperparameters.iter().map(|name| (name, false));
    let parameters = rule.parameters.iter().map(|name| (name, true));
    let (trivial, columns): (Vec<_>, Vec<_>) = hyperparameters
        .chain(parameters)
        .filter_map(|(name, is_parameter)| Some((name, is_parameter, rule.weights.get(name)?)))
        .partition(|(_, _, weight)| weight.iter().all(Ratio::is_zero));
    let rows: Vec<Vec<BigInt>> = (0..rule.dimension())
        .map(|g| integers(columns.iter().map(|(_, _, weight)| &weight[g])))
        .collect();
    let of_parameters: Vec<usize> = (0..columns.len()).filter(|i| columns[*i].1).collect();
    let (mut alone, mut with) = split(kernel(&rows, columns.len()), &of_parameters);
    shorten(&mut alone, &[]);
    shorten(&mut with, &alone);
    let mut all = Vec::new();
    for vectors in [&mut alone, &mut with] {
        // Ties in length: the one whose first factor stands first.
        let absent = |x: &[BigInt]| -> Vec<bool> { x.iter().map(Zero::is_zero).collect() };
        vectors.sort_by_cached_key(|x| (cost(x).0, absent(x)));
        all.extend(vectors.iter().map(|x| {
            let factors: Vec<(usize, &BigInt)> =
                x.iter().enumerate().filter(|(_, e)| !e.is_zero()).collect();
            Invariant {
                has_parameters: factors.iter().any(|(i, _)| columns[*i].1),
                factors: factors
                    .into_iter()
                    .map(|(i, e)| (columns[i].0.clone(), e.clone()))
                    .collect(),
            }
        }));
    }
    all.extend(
        trivial
            .into_iter()
            .map(|(name, is_parameter, _)| Invariant {
                factors: vec![(name.clone(), BigInt::one())],
                has_parameters: is_parameter,
            }),
    );
    all
}

/// The entries times their common denominator.
fn integers<'a>(row: impl Iterator<Item = &'a Ratio> + Clone) -> Vec<BigInt> {
    let common = row
        .clone()
        .fold(BigInt::one(), |lcm, entry| lcm.lcm(entry.denom()));
    row.map(|entry| (entry * Ratio::from_integer(common.clone())).to_integer())
        .collect()
}
