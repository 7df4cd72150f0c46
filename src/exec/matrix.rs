//! Inverses and roots of square matrices, in one documented order for every arithmetic.
//!
//! An undefined entry, or an operation without an answer on the way, leaves the whole result
//! undefined.

use std::cmp::Ordering;

use nalgebra::DMatrix;

use super::buffer::Buffer;
use super::kernels::{Context, Trouble, earliest};
use crate::arith::{Arithmetic, OpError};

/// Sweeps of Jacobi's method after which a matrix counts as one that does not converge. Ten are
/// plenty in binary64, and every doubling of the precision takes one more.
const MAX_SWEEPS: usize = 100;

impl<A: Arithmetic> Context<'_, A> {
    /// `out ←` the identity.
    pub fn identity(&mut self, out: &mut Buffer<A::Elem>) {
        let one = self.ctx.from_integer(1);
        out.declare_all_defined();
        let (ctx, zero) = (self.ctx, self.zero);
        self.settle(out, |o, (row, col)| {
            ctx.set(
                o,
                if row == col {
                    one.as_ref().map_err(OpError::clone)?
                } else {
                    zero
                },
            );
            Ok(())
        });
    }

    /// `out ← x⁻¹` by Gauss–Jordan elimination with partial pivoting: the entry of largest
    /// magnitude in the column, the upper one where two are equal; in an unordered field the
    /// first that is not zero.
    pub fn inverse(&mut self, out: &mut Buffer<A::Elem>, x: &Buffer<A::Elem>) {
        let ctx = self.ctx;
        self.whole(out, x, |m| inverse(ctx, m));
    }

    /// `out ← x^½` for symmetric positive semidefinite `x`. In closed form up to 2 × 2, beyond
    /// that by Jacobi's method (cyclic by rows; Golub and Van Loan, *Matrix Computations*,
    /// §8.5), with negative eigenvalues, which only rounding can cause, taken as 0.
    pub fn matrix_sqrt(&mut self, out: &mut Buffer<A::Elem>, x: &Buffer<A::Elem>) {
        let ctx = self.ctx;
        self.whole(out, x, |m| match m.nrows() {
            0 => Ok(m),
            1 => {
                let mut root = ctx.zero();
                ctx.sqrt(&mut root, &m[(0, 0)])?;
                Ok(DMatrix::from_element(1, 1, root))
            }
            2 => sqrt_2(ctx, &m),
            _ => sqrt_jacobi(ctx, m),
        });
    }

    fn whole(
        &mut self,
        out: &mut Buffer<A::Elem>,
        x: &Buffer<A::Elem>,
        f: impl FnOnce(DMatrix<A::Elem>) -> Result<DMatrix<A::Elem>, OpError>,
    ) {
        out.declare_all_defined();
        let ctx = self.ctx;
        let inherited = x.earliest();
        let result = if inherited.is_none() {
            f(x.matrix.clone())
        } else {
            Ok(x.matrix.clone())
        };
        self.settle(out, |o, at| {
            if let Some(number) = inherited {
                return earliest([number].into_iter());
            }
            match &result {
                Ok(m) => ctx.set(o, &m[at]),
                Err(error) => return Err(Trouble::Own(error.clone())),
            }
            Ok(())
        });
    }
}

type Matrix<A> = DMatrix<<A as Arithmetic>::Elem>;

/// `m⁻¹` as a step computes it: see [`Unary::Inverse`](crate::graph::Unary::Inverse).
///
/// # Errors
/// [`OpError::Undefined`] for a singular matrix, [`OpError::Undecided`] where the arithmetic
/// cannot order the pivots.
pub fn inverse<A: Arithmetic>(ctx: &A, mut m: Matrix<A>) -> Result<Matrix<A>, OpError> {
    let n = m.nrows();
    let one = ctx.from_integer(1)?;
    let mut inv = DMatrix::from_fn(n, n, |i, j| if i == j { one.clone() } else { ctx.zero() });
    let (mut t, mut u) = (ctx.zero(), ctx.zero());
    for col in 0..n {
        let pivot = pivot(ctx, &m, col)?;
        m.swap_rows(col, pivot);
        inv.swap_rows(col, pivot);
        let p = m[(col, col)].clone();
        for j in 0..n {
            for side in [&mut m, &mut inv] {
                ctx.div(&mut t, &side[(col, j)], &p)?;
                ctx.set(&mut side[(col, j)], &t);
            }
        }
        for row in (0..n).filter(|row| *row != col) {
            let factor = m[(row, col)].clone();
            for j in 0..n {
                for side in [&mut m, &mut inv] {
                    ctx.mul(&mut t, &factor, &side[(col, j)]);
                    ctx.sub(&mut u, &side[(row, j)], &t);
                    ctx.set(&mut side[(row, j)], &u);
                }
            }
        }
    }
    Ok(inv)
}

fn pivot<A: Arithmetic>(ctx: &A, m: &Matrix<A>, col: usize) -> Result<usize, OpError> {
    let zero = ctx.zero();
    let mut best: Option<(usize, A::Elem)> = None;
    for row in col..m.nrows() {
        let mut size = ctx.zero();
        match ctx.abs(&mut size, &m[(row, col)]) {
            Ok(()) => {
                let larger = match &best {
                    None => ctx.compare(&size, &zero)? == Ordering::Greater,
                    Some((_, best)) => ctx.compare(&size, best)? == Ordering::Greater,
                };
                if larger {
                    best = Some((row, size));
                }
            }
            Err(OpError::Unsupported { .. }) => {
                if best.is_none() && !ctx.equal(&m[(row, col)], &zero)? {
                    best = Some((row, zero.clone()));
                }
            }
            Err(error) => return Err(error),
        }
    }
    best.map(|(row, _)| row)
        .ok_or(OpError::Undefined("inverse of a singular matrix"))
}

/// (M + √det M · I) / √(tr M + 2√det M) (Levinger 1980).
fn sqrt_2<A: Arithmetic>(ctx: &A, m: &Matrix<A>) -> Result<Matrix<A>, OpError> {
    let (mut t, mut u, mut root) = (ctx.zero(), ctx.zero(), ctx.zero());
    ctx.mul(&mut t, &m[(0, 0)], &m[(1, 1)]);
    ctx.mul(&mut u, &m[(0, 1)], &m[(1, 0)]);
    let mut det = ctx.zero();
    ctx.sub(&mut det, &t, &u);
    // Only rounding can make the determinant negative.
    ctx.max(&mut t, &det, &ctx.zero())?;
    ctx.sqrt(&mut root, &t)?;
    ctx.add(&mut t, &m[(0, 0)], &m[(1, 1)]);
    ctx.add(&mut u, &t, &root);
    ctx.add(&mut t, &u, &root);
    if ctx.equal(&t, &ctx.zero())? {
        return Ok(DMatrix::from_element(2, 2, ctx.zero()));
    }
    let mut scale = ctx.zero();
    ctx.sqrt(&mut scale, &t)?;
    let mut out = m.clone();
    for i in 0..2 {
        for j in 0..2 {
            ctx.set(&mut t, &m[(i, j)]);
            if i == j {
                ctx.add(&mut t, &m[(i, j)], &root);
            }
            ctx.div(&mut out[(i, j)], &t, &scale)?;
        }
    }
    Ok(out)
}

fn sqrt_jacobi<A: Arithmetic>(ctx: &A, mut m: Matrix<A>) -> Result<Matrix<A>, OpError> {
    let n = m.nrows();
    let one = ctx.from_integer(1)?;
    let mut q = DMatrix::from_fn(n, n, |i, j| if i == j { one.clone() } else { ctx.zero() });
    let mut sweeps = 0;
    while sweep(ctx, &mut m, &mut q)? {
        sweeps += 1;
        if sweeps == MAX_SWEEPS {
            return Err(OpError::NotHeld("eigenvalues that do not converge"));
        }
    }
    let mut roots = Vec::with_capacity(n);
    for i in 0..n {
        let (mut eigenvalue, mut root) = (ctx.zero(), ctx.zero());
        ctx.max(&mut eigenvalue, &m[(i, i)], &ctx.zero())?;
        ctx.sqrt(&mut root, &eigenvalue)?;
        roots.push(root);
    }
    let (mut t, mut u) = (ctx.zero(), ctx.zero());
    let mut out = DMatrix::from_element(n, n, ctx.zero());
    for i in 0..n {
        for j in 0..n {
            for (k, root) in roots.iter().enumerate() {
                ctx.mul(&mut t, &q[(i, k)], root);
                ctx.mul_add(&mut out[(i, j)], &t, &q[(j, k)], &mut u);
            }
        }
    }
    Ok(out)
}

/// One rotation for each pair; whether there was an entry left to remove.
fn sweep<A: Arithmetic>(ctx: &A, m: &mut Matrix<A>, q: &mut Matrix<A>) -> Result<bool, OpError> {
    let n = m.nrows();
    let mut rotated = false;
    for p in 0..n {
        for r in p + 1..n {
            if negligible(ctx, m, p, r)? {
                continue;
            }
            rotated = true;
            let (c, s) = rotation(ctx, &m[(p, p)], &m[(p, r)], &m[(r, r)])?;
            for i in 0..n {
                rotate(ctx, m, (i, p), (i, r), &c, &s);
                rotate(ctx, q, (i, p), (i, r), &c, &s);
            }
            for j in 0..n {
                rotate(ctx, m, (p, j), (r, j), &c, &s);
            }
            m[(p, r)] = ctx.zero();
            m[(r, p)] = ctx.zero();
        }
    }
    Ok(rotated)
}

/// `true` if adding the entry to either diagonal entry changes nothing at this precision.
fn negligible<A: Arithmetic>(ctx: &A, m: &Matrix<A>, p: usize, r: usize) -> Result<bool, OpError> {
    let mut sum = ctx.zero();
    for d in [p, r] {
        ctx.add(&mut sum, &m[(d, d)], &m[(p, r)]);
        if !ctx.equal(&sum, &m[(d, d)])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Cosine and sine of the smaller angle that removes the entry b between a and d.
fn rotation<A: Arithmetic>(
    ctx: &A,
    a: &A::Elem,
    b: &A::Elem,
    d: &A::Elem,
) -> Result<(A::Elem, A::Elem), OpError> {
    let one = ctx.from_integer(1)?;
    let [mut t, mut u, mut tau, mut c, mut s] = [(); 5].map(|()| ctx.zero());
    ctx.sub(&mut t, d, a);
    ctx.add(&mut u, b, b);
    ctx.div(&mut tau, &t, &u)?;
    // tan = sign(τ) / (|τ| + √(1 + τ²)), 1 where τ is 0
    ctx.set(&mut u, &one);
    ctx.mul_add(&mut u, &tau, &tau, &mut t);
    ctx.sqrt(&mut t, &u)?;
    ctx.abs(&mut u, &tau)?;
    ctx.accumulate(&mut t, &u);
    let mut tan = ctx.zero();
    ctx.div(&mut tan, &one, &t)?;
    if ctx.compare(&tau, &ctx.zero())? == Ordering::Less {
        let positive = tan.clone();
        ctx.neg(&mut tan, &positive);
    }
    ctx.set(&mut u, &one);
    ctx.mul_add(&mut u, &tan, &tan, &mut t);
    ctx.sqrt(&mut t, &u)?;
    ctx.div(&mut c, &one, &t)?;
    ctx.mul(&mut s, &tan, &c);
    Ok((c, s))
}

/// (x, y) ← (c·x − s·y, s·x + c·y)
fn rotate<A: Arithmetic>(
    ctx: &A,
    m: &mut Matrix<A>,
    x: (usize, usize),
    y: (usize, usize),
    c: &A::Elem,
    s: &A::Elem,
) {
    let [mut cx, mut sy, mut sx, mut cy] = [(); 4].map(|()| ctx.zero());
    ctx.mul(&mut cx, c, &m[x]);
    ctx.mul(&mut sy, s, &m[y]);
    ctx.mul(&mut sx, s, &m[x]);
    ctx.mul(&mut cy, c, &m[y]);
    ctx.sub(&mut m[x], &cx, &sy);
    ctx.add(&mut m[y], &sx, &cy);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::F64;

    fn close(x: &DMatrix<f64>, y: &DMatrix<f64>) {
        let size = y.amax();
        assert!((x - y).amax() <= 1e-13 * size, "{x} against {y}");
    }

    fn matrix(n: usize) -> DMatrix<f64> {
        DMatrix::from_fn(n, n, |i, j| ((i * 7 + j * 3 + i * j) % 11) as f64 - 4.5)
    }

    #[test]
    fn an_inverse_times_the_matrix_is_the_identity() {
        for n in 1..6 {
            let m = matrix(n) + DMatrix::identity(n, n) * 9.0;
            close(
                &(inverse(&F64, m.clone()).unwrap() * m),
                &DMatrix::identity(n, n),
            );
        }
    }

    #[test]
    fn a_zero_pivot_is_exchanged_and_a_singular_matrix_refused() {
        let swap = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0]);
        assert_eq!(inverse(&F64, swap.clone()), Ok(swap));
        assert!(inverse(&F64, DMatrix::from_element(2, 2, 1.0)).is_err());
    }

    #[test]
    fn a_root_is_symmetric_and_its_square_is_the_matrix() {
        for n in 2..6 {
            let m = matrix(n).transpose() * matrix(n);
            let root = if n == 2 {
                sqrt_2(&F64, &m)
            } else {
                sqrt_jacobi(&F64, m.clone())
            };
            let root = root.unwrap();
            close(&root, &root.transpose());
            close(&(&root * &root), &m);
            let eigen = root.symmetric_eigen().eigenvalues;
            assert!(eigen.iter().all(|x| *x >= -1e-13), "{eigen}");
        }
        let zero = DMatrix::from_element(2, 2, 0.0);
        assert_eq!(sqrt_2(&F64, &zero), Ok(zero));
        let diagonal = DMatrix::from_diagonal(&nalgebra::DVector::from_row_slice(&[4.0, 0.0, 9.0]));
        let root = DMatrix::from_diagonal(&nalgebra::DVector::from_row_slice(&[2.0, 0.0, 3.0]));
        assert_eq!(sqrt_jacobi(&F64, diagonal), Ok(root));
    }

    #[cfg(feature = "mp")]
    #[test]
    fn two_by_two_roots_of_squares_are_exact_rationals() {
        use crate::arith::Rational;
        let q = |n: i64| {
            Rational
                .from_ratio(&crate::arith::Ratio::from_integer(n.into()))
                .unwrap()
        };
        // (2 1; 1 3)² = (5 5; 5 10)
        let m = DMatrix::from_row_slice(2, 2, &[q(5), q(5), q(5), q(10)]);
        let root = DMatrix::from_row_slice(2, 2, &[q(2), q(1), q(1), q(3)]);
        assert_eq!(sqrt_2(&Rational, &m), Ok(root));
    }
}
