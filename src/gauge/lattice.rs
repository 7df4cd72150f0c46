//! Integer vectors: kernels, echelon forms and short bases.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

type Vector = Vec<BigInt>;

/// A basis of the integer vectors `x` of length `n` with `row · x = 0` for every row.
///
/// Unimodular column operations (Cohen, *A Course in Computational Algebraic Number Theory*,
/// 1993, §2.4), so the basis generates all of them, not only a sublattice of finite index.
pub(super) fn kernel(rows: &[Vector], n: usize) -> Vec<Vector> {
    let mut basis: Vec<Vector> = (0..n)
        .map(|i| (0..n).map(|j| BigInt::from(u8::from(i == j))).collect())
        .collect();
    for row in rows {
        let value = |x: &Vector| -> BigInt { row.iter().zip(x).map(|(a, b)| a * b).sum() };
        gather(&mut basis, value);
    }
    basis
}

/// Replaces a basis by one in which only vectors with value 0 are left, and the single one that
/// has the greatest common divisor of all values is removed and returned.
fn gather(basis: &mut Vec<Vector>, value: impl Fn(&Vector) -> BigInt) -> Option<Vector> {
    loop {
        let mut active: Vec<(usize, BigInt)> = basis
            .iter()
            .enumerate()
            .map(|(i, x)| (i, value(x)))
            .filter(|(_, v)| !v.is_zero())
            .collect();
        active.sort_by_key(|(i, v)| (v.abs(), *i));
        let (smallest, v) = active.first()?.clone();
        if active.len() == 1 {
            return Some(basis.remove(smallest));
        }
        let pivot = basis[smallest].clone();
        for (i, w) in &active[1..] {
            add(&mut basis[*i], &-w.div_floor(&v), &pivot);
        }
    }
}

fn add(x: &mut Vector, factor: &BigInt, y: &Vector) {
    for (a, b) in x.iter_mut().zip(y) {
        *a += factor * b;
    }
}

/// Splits a lattice into a basis of its vectors that vanish in `columns`, and vectors that
/// complete it to a basis of the whole.
pub(super) fn split(mut basis: Vec<Vector>, columns: &[usize]) -> (Vec<Vector>, Vec<Vector>) {
    let mut others = Vec::new();
    for &column in columns {
        others.extend(gather(&mut basis, |x| x[column].clone()));
    }
    (basis, others)
}

/// Shortens each of `vectors` by adding multiples of the others and of `fixed`, as long as its
/// exponents get smaller in sum. The lattice that `vectors` and `fixed` generate stays the same.
pub(super) fn shorten(vectors: &mut [Vector], fixed: &[Vector]) {
    let mut changed = true;
    while changed {
        changed = false;
        for i in 0..vectors.len() {
            for j in 0..vectors.len() + fixed.len() {
                if i == j {
                    continue;
                }
                let other = match j.checked_sub(vectors.len()) {
                    Some(f) => fixed[f].clone(),
                    None => vectors[j].clone(),
                };
                for factor in [BigInt::one(), -BigInt::one()] {
                    let mut shorter = vectors[i].clone();
                    add(&mut shorter, &factor, &other);
                    if cost(&shorter) < cost(&vectors[i]) {
                        vectors[i] = shorter;
                        changed = true;
                    }
                }
            }
        }
    }
    for x in vectors {
        let below = x.iter().filter(|a| a.is_negative()).count();
        let above = x.iter().filter(|a| a.is_positive()).count();
        let first_is_below = x
            .iter()
            .find(|a| !a.is_zero())
            .is_some_and(BigInt::is_negative);
        if below > above || (below == above && first_is_below) {
            for a in x.iter_mut() {
                *a = -&*a;
            }
        }
    }
}

/// The length of a monomial for a reader: the sum of its exponents, then how many factors stand below (or
/// above, if these are fewer), then the number of its factors.
pub(super) fn cost(x: &Vector) -> (BigInt, usize, usize) {
    let sum = x.iter().map(BigInt::abs).sum();
    let below = x.iter().filter(|a| a.is_negative()).count();
    let above = x.iter().filter(|a| a.is_positive()).count();
    (sum, below.min(above), below + above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_vectors_have_most_above_the_line_and_the_first_where_it_is_even() {
        let vector = |x: &[i32]| -> Vector { x.iter().map(|&a| a.into()).collect() };
        for (x, shortened) in [
            ([0, -1, 1], [0, 1, -1]),
            ([0, 1, -1], [0, 1, -1]),
            ([1, -1, -1], [-1, 1, 1]),
            ([-1, 1, 1], [-1, 1, 1]),
        ] {
            let mut vectors = [vector(&x)];
            shorten(&mut vectors, &[]);
            assert_eq!(vectors, [vector(&shortened)], "{x:?}");
        }
    }
}
