//! Small sets of equations that cannot hold together with what is wanted.

use std::cmp::Reverse;

use super::constrain::{Equation, System};
use super::field::Field;
use super::linear::{Echelon, Form};

/// The core equations of a system, one for each distinct constraint, the first of its kind.
pub(super) fn distinct<F: Field>(system: &System<F>) -> Vec<&Equation<F>> {
    let mut seen: Vec<Form<F>> = Vec::new();
    let mut kept = Vec::new();
    for equation in system.equations.iter().filter(|e| e.core) {
        let monic = equation.form.monic();
        if !seen.contains(&monic) {
            seen.push(monic);
            kept.push(equation);
        }
    }
    kept
}

/// A smallest set found (in several orders of search) of equations that determine one of the
/// columns from `tail` on. No equation can be left out of it. Empty when all of them together
/// determine none.
pub(super) fn irreducible<'e, F: Field>(
    columns: usize,
    tail: usize,
    equations: &[&'e Equation<F>],
) -> Vec<&'e Equation<F>> {
    let n = equations.len();
    let length = |i: &usize| equations[*i].form.terms().count();
    let mut orders: Vec<Vec<usize>> = vec![(0..n).collect(), (0..n).rev().collect()];
    let (mut short, mut long): (Vec<usize>, Vec<usize>) = ((0..n).collect(), (0..n).collect());
    short.sort_by_key(length);
    long.sort_by_key(|i| Reverse(length(i)));
    orders.extend([short, long]);
    // Fixed scrambles: the result must not depend on chance.
    for seed in [7usize, 31, 101] {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|i| (i + 1).wrapping_mul(seed * 2_654_435_761) >> 7 & 0xffff);
        orders.push(order);
    }
    let mut found: Vec<Vec<usize>> = orders
        .into_iter()
        .map(|order| one(columns, tail, equations, order))
        .collect();
    for set in &mut found {
        set.sort_unstable();
    }
    found.sort();
    let smallest = found.into_iter().min_by_key(Vec::len).unwrap_or_default();
    smallest.into_iter().map(|i| equations[i]).collect()
}

/// One irreducible set. Equations are added in order; the one that first closes the conflict
/// belongs to the set, what comes after it does not; repeat until the set alone conflicts.
fn one<F: Field>(
    columns: usize,
    tail: usize,
    equations: &[&Equation<F>],
    mut order: Vec<usize>,
) -> Vec<usize> {
    let mut core: Vec<usize> = Vec::new();
    loop {
        let mut echelon = Echelon::new(columns);
        for &i in &core {
            echelon.insert(&equations[i].form);
        }
        if echelon.determined_from(tail) > 0 {
            return core;
        }
        let closes = order.iter().position(|&i| {
            echelon
                .insert(&equations[i].form)
                .is_some_and(|column| column >= tail)
        });
        let Some(at) = closes else {
            return Vec::new();
        };
        core.push(order[at]);
        order.truncate(at);
    }
}
