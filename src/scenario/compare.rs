//! Two machines side by side: which entries of an observable are the same.

use nalgebra::DMatrix;

use super::{Difference, Doubt};
use crate::arith::{Arithmetic, OpError};
use crate::exec::Machine;

/// Two values of one entry.
pub(crate) struct Pair<E> {
    entry: (usize, usize),
    left: E,
    right: E,
}

/// The result of comparing the entries of two matrices, up to the first that differs.
pub(crate) struct Compared<E> {
    pub equal: usize,
    pub different: Option<Pair<E>>,
    /// The first entry of which it cannot be told, and why.
    pub undecided: Option<(Pair<E>, OpError)>,
}

impl<E: Clone> Compared<E> {
    fn none() -> Self {
        Self {
            equal: 0,
            different: None,
            undecided: None,
        }
    }

    /// Compares one more entry, unless a difference was found.
    fn add<A: Arithmetic<Elem = E>>(&mut self, ctx: &A, entry: (usize, usize), x: &E, y: &E) {
        if self.different.is_some() {
            return;
        }
        let pair = || Pair {
            entry,
            left: x.clone(),
            right: y.clone(),
        };
        match ctx.same(x, y) {
            Ok(true) => self.equal += 1,
            Ok(false) => self.different = Some(pair()),
            Err(reason) => {
                self.undecided.get_or_insert_with(|| (pair(), reason));
            }
        }
    }
}

impl<E> Pair<E> {
    pub fn difference<A: Arithmetic<Elem = E>>(
        &self,
        ctx: &A,
        quantity: &str,
        after_steps: usize,
    ) -> Difference {
        let mut difference = ctx.zero();
        ctx.sub(&mut difference, &self.left, &self.right);
        Difference {
            after_steps,
            quantity: quantity.to_owned(),
            entry: self.entry,
            left: ctx.show(&self.left),
            right: ctx.show(&self.right),
            difference: ctx.show(&difference),
        }
    }

    pub fn doubt<A: Arithmetic<Elem = E>>(
        &self,
        ctx: &A,
        quantity: &str,
        after_steps: usize,
        reason: OpError,
    ) -> Doubt {
        Doubt {
            after_steps,
            quantity: quantity.to_owned(),
            entry: self.entry,
            left: ctx.show(&self.left),
            right: ctx.show(&self.right),
            reason,
        }
    }
}

/// Compares two matrices entry by entry, the left one times `factor`. A dimension of size 1 is
/// repeated.
pub(crate) fn compare_entries<A: Arithmetic>(
    ctx: &A,
    x: &DMatrix<A::Elem>,
    y: &DMatrix<A::Elem>,
    factor: Option<&A::Elem>,
) -> Compared<A::Elem> {
    let mut compared = Compared::none();
    let mut scaled = ctx.zero();
    for entry in entries(x, y) {
        let (x, y) = (at(x, entry), at(y, entry));
        match factor {
            None => compared.add(ctx, entry, x, y),
            Some(factor) => {
                ctx.mul(&mut scaled, factor, x);
                compared.add(ctx, entry, &scaled, y);
            }
        }
    }
    compared
}

/// Compares `factor` times the left value of an output with the right one.
pub(super) fn compare_values<A: Arithmetic>(
    ctx: &A,
    left: &Machine<'_, A>,
    right: &Machine<'_, A>,
    name: &str,
    factor: Option<&A::Elem>,
) -> Compared<A::Elem> {
    match (left.output(name), right.output(name)) {
        (Some(x), Some(y)) => compare_entries(ctx, x, y, factor),
        _ => Compared::none(),
    }
}

/// Compares dividend times the other's divisor where both are quotients. A divisor that is 0 leaves
/// no quotient that could be equal to another one.
pub(super) fn compare_quotients<A: Arithmetic>(
    ctx: &A,
    left: &Machine<'_, A>,
    right: &Machine<'_, A>,
    name: &str,
) -> Compared<A::Elem> {
    let divisor = divisor_name(name);
    let (Some(dl), Some(dr)) = (left.output(&divisor), right.output(&divisor)) else {
        return compare_values(ctx, left, right, name, None);
    };
    let (Some(x), Some(y)) = (left.output(name), right.output(name)) else {
        return Compared::none();
    };
    let mut compared = Compared::none();
    for entry in entries(x, dl) {
        let (mut l, mut r) = (ctx.zero(), ctx.zero());
        let is_zero = |x: &A::Elem| ctx.equal(x, &ctx.zero()) != Ok(false);
        if is_zero(at(dl, entry)) || is_zero(at(dr, entry)) {
            compared.undecided.get_or_insert_with(|| {
                let pair = Pair {
                    entry,
                    left: at(x, entry).clone(),
                    right: at(y, entry).clone(),
                };
                (pair, OpError::Undefined("a divisor may be 0"))
            });
            continue;
        }
        ctx.mul(&mut l, at(x, entry), at(dr, entry));
        ctx.mul(&mut r, at(y, entry), at(dl, entry));
        compared.add(ctx, entry, &l, &r);
    }
    compared
}

/// The entries of two matrices of which one may be repeated.
fn entries<E>(x: &DMatrix<E>, y: &DMatrix<E>) -> impl Iterator<Item = (usize, usize)> + use<E> {
    let (rows, cols) = (x.nrows().max(y.nrows()), x.ncols().max(y.ncols()));
    (0..rows).flat_map(move |row| (0..cols).map(move |col| (row, col)))
}

/// An entry of a matrix that is repeated along dimensions of size 1.
fn at<E>(m: &DMatrix<E>, (row, col): (usize, usize)) -> &E {
    &m[(row.min(m.nrows() - 1), col.min(m.ncols() - 1))]
}

/// The output that holds the divisor of an observable that is a quotient.
pub(super) fn divisor_name(observable: &str) -> String {
    format!("divisor of {observable}")
}
