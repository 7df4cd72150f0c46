//! The operations on whole matrices, in the documented order.
//!
//! Each kernel computes every entry first and looks for trouble once at the end. Only where
//! there is trouble (an operand with undefined entries, an operation without an answer, a
//! result that is not a number) are the entries visited again, one by one, to find out which
//! are undefined and why. So a run without trouble pays one scan per node and never allocates.

use super::buffer::{Buffer, Cause, CauseNumber, Causes};
use crate::arith::{Arithmetic, OpError};
use crate::fault::{Fault, planted};
use crate::graph::{Comparison, NodeId};

/// The state that the kernels share.
pub(super) struct Context<'m, A: Arithmetic> {
    pub ctx: &'m A,
    /// The node that is evaluated, for causes.
    pub node: NodeId,
    pub causes: &'m mut Causes,
    pub zero: &'m A::Elem,
    pub scratch: &'m mut A::Elem,
}

/// The reason for which one entry has no value.
pub(super) enum Trouble {
    Inherited(CauseNumber),
    Own(OpError),
}

impl From<OpError> for Trouble {
    fn from(error: OpError) -> Self {
        Self::Own(error)
    }
}

/// A matrix as an elementwise operation reads it: a stride of 0 repeats a dimension of size 1.
pub(super) struct View<'s, E> {
    buffer: &'s Buffer<E>,
    entries: &'s [E],
    row_stride: usize,
    col_stride: usize,
}

impl<'s, E: nalgebra::Scalar> View<'s, E> {
    /// Reads `buffer` repeated along dimensions of size 1 up to `shape`.
    pub fn broadcast(buffer: &'s Buffer<E>, shape: (usize, usize)) -> Self {
        let (rows, cols) = buffer.matrix.shape();
        Self {
            buffer,
            entries: buffer.matrix.as_slice(),
            row_stride: usize::from(rows == shape.0),
            col_stride: if cols == shape.1 { rows } else { 0 },
        }
    }

    /// Reads the transpose of `buffer`.
    pub fn transposed(buffer: &'s Buffer<E>) -> Self {
        if planted(Fault::SquareNotTransposed) && buffer.matrix.is_square() {
            return Self::broadcast(buffer, buffer.matrix.shape());
        }
        Self {
            buffer,
            entries: buffer.matrix.as_slice(),
            row_stride: buffer.matrix.nrows(),
            col_stride: 1,
        }
    }

    fn index(&self, row: usize, col: usize) -> usize {
        row * self.row_stride + col * self.col_stride
    }

    fn at(&self, row: usize, col: usize) -> &'s E {
        &self.entries[self.index(row, col)]
    }

    /// `true` if entry `i` of the result stands beside entry `i` here.
    fn is_parallel(&self, shape: (usize, usize)) -> bool {
        (self.row_stride == 1 || shape.0 <= 1) && (self.col_stride == shape.0 || shape.1 <= 1)
    }

    fn is_repeated_scalar(&self) -> bool {
        self.entries.len() == 1
    }

    fn number(&self, row: usize, col: usize) -> CauseNumber {
        self.buffer.number(self.index(row, col))
    }
}

pub(super) fn earliest(numbers: impl Iterator<Item = CauseNumber>) -> Result<(), Trouble> {
    match numbers.filter(|n| *n > 0).min() {
        Some(number) => Err(Trouble::Inherited(number)),
        None => Ok(()),
    }
}

impl<A: Arithmetic> Context<'_, A> {
    /// `true` if every entry is a number.
    fn all_numbers(&self, out: &Buffer<A::Elem>) -> bool {
        let entries = out.matrix.as_slice().iter();
        // Not `all`: a loop without an early exit can be vectorised.
        entries.fold(true, |ok, x| ok & self.ctx.check(x).is_ok())
    }

    /// Visits every entry, from left to right, then from top to bottom, and notes those without
    /// a value. `entry` brings the value up to date or says what is wrong.
    pub(super) fn settle(
        &mut self,
        out: &mut Buffer<A::Elem>,
        mut entry: impl FnMut(&mut A::Elem, (usize, usize)) -> Result<(), Trouble>,
    ) {
        let (rows, cols) = out.matrix.shape();
        for row in 0..rows {
            for col in 0..cols {
                let at = (row, col);
                let value = &mut out.matrix[at];
                let outcome = entry(value, at).and_then(|()| Ok(self.ctx.check(value)?));
                let number = match outcome {
                    Ok(()) => continue,
                    Err(Trouble::Inherited(number)) => number,
                    Err(Trouble::Own(source)) => self.causes.record(Cause {
                        node: self.node,
                        entry: at,
                        source,
                    }),
                };
                self.ctx.set(value, self.zero);
                out.mark(row + col * rows, number);
            }
        }
    }

    /// One number, for constants.
    pub fn scalar(&mut self, out: &mut Buffer<A::Elem>, value: Result<A::Elem, OpError>) {
        out.declare_all_defined();
        let ctx = self.ctx;
        self.settle(out, |o, _| {
            ctx.set(o, value.as_ref().map_err(OpError::clone)?);
            Ok(())
        });
    }

    /// `out ← f(x)`, elementwise.
    #[inline]
    pub fn map(
        &mut self,
        out: &mut Buffer<A::Elem>,
        x: &View<'_, A::Elem>,
        f: impl Fn(&mut A::Elem, &A::Elem) -> Result<(), OpError>,
    ) {
        out.declare_all_defined();
        let shape = out.matrix.shape();
        let mut clean = !x.buffer.has_undefined();
        if clean {
            let entries = out.matrix.as_mut_slice();
            if x.is_parallel(shape) {
                for (o, x) in entries.iter_mut().zip(x.entries) {
                    clean &= f(o, x).is_ok();
                }
            } else if shape.0 > 0 {
                for (col, entries) in entries.chunks_exact_mut(shape.0).enumerate() {
                    for (row, o) in entries.iter_mut().enumerate() {
                        clean &= f(o, x.at(row, col)).is_ok();
                    }
                }
            }
            clean = clean && self.all_numbers(out);
        }
        if !clean {
            self.settle(out, |o, (row, col)| {
                earliest([x.number(row, col)].into_iter())?;
                Ok(f(o, x.at(row, col))?)
            });
        }
    }

    /// `out ← f(x, y)`, elementwise.
    #[inline]
    pub fn zip(
        &mut self,
        out: &mut Buffer<A::Elem>,
        x: &Buffer<A::Elem>,
        y: &Buffer<A::Elem>,
        f: impl Fn(&mut A::Elem, &A::Elem, &A::Elem) -> Result<(), OpError>,
    ) {
        out.declare_all_defined();
        let shape = out.matrix.shape();
        let (x, y) = (View::broadcast(x, shape), View::broadcast(y, shape));
        let mut clean = !(x.buffer.has_undefined() || y.buffer.has_undefined());
        if clean {
            let entries = out.matrix.as_mut_slice();
            if x.is_parallel(shape) && y.is_parallel(shape) {
                for ((o, x), y) in entries.iter_mut().zip(x.entries).zip(y.entries) {
                    clean &= f(o, x, y).is_ok();
                }
            } else if x.is_repeated_scalar() && y.is_parallel(shape) {
                let x = &x.entries[0];
                for (o, y) in entries.iter_mut().zip(y.entries) {
                    clean &= f(o, x, y).is_ok();
                }
            } else if x.is_parallel(shape) && y.is_repeated_scalar() {
                let y = &y.entries[0];
                for (o, x) in entries.iter_mut().zip(x.entries) {
                    clean &= f(o, x, y).is_ok();
                }
            } else if shape.0 > 0 {
                for (col, entries) in entries.chunks_exact_mut(shape.0).enumerate() {
                    for (row, o) in entries.iter_mut().enumerate() {
                        clean &= f(o, x.at(row, col), y.at(row, col)).is_ok();
                    }
                }
            }
            clean = clean && self.all_numbers(out);
        }
        if !clean {
            self.settle(out, |o, (row, col)| {
                earliest([x.number(row, col), y.number(row, col)].into_iter())?;
                Ok(f(o, x.at(row, col), y.at(row, col))?)
            });
        }
    }

    /// `out ← then` where `lhs ⋈ rhs`, else `otherwise`; elementwise.
    pub fn select(
        &mut self,
        out: &mut Buffer<A::Elem>,
        comparison: Comparison,
        [lhs, rhs, then, otherwise]: [&Buffer<A::Elem>; 4],
    ) {
        out.declare_all_defined();
        let shape = out.matrix.shape();
        let view = |buffer| View::broadcast(buffer, shape);
        let (lhs, rhs, then, otherwise) = (view(lhs), view(rhs), view(then), view(otherwise));
        let ctx = self.ctx;
        self.settle(out, |o, (row, col)| {
            earliest([lhs.number(row, col), rhs.number(row, col)].into_iter())?;
            let (x, y) = (lhs.at(row, col), rhs.at(row, col));
            let holds = match comparison {
                Comparison::Less => ctx.less(x, y)?,
                Comparison::LessEqual => ctx.less_equal(x, y)?,
                Comparison::Equal => ctx.equal(x, y)?,
            };
            let taken = if holds { &then } else { &otherwise };
            earliest([taken.number(row, col)].into_iter())?;
            ctx.set(o, taken.at(row, col));
            Ok(())
        });
    }

    /// `out ← x · y`, the matrix product.
    pub fn matmul(&mut self, out: &mut Buffer<A::Elem>, x: &Buffer<A::Elem>, y: &Buffer<A::Elem>) {
        out.declare_all_defined();
        let (rows, cols) = out.matrix.shape();
        let inner = x.matrix.ncols();
        let (left, right) = (x.matrix.as_slice(), y.matrix.as_slice());
        let entries = out.matrix.as_mut_slice();
        if inner == 0 {
            for o in entries.iter_mut() {
                self.ctx.set(o, self.zero);
            }
        } else if self.ctx.sums_whole() {
            for (i, o) in entries.iter_mut().enumerate() {
                let row = left.iter().skip(i % rows).step_by(rows);
                let col = &right[i / rows * inner..][..inner];
                self.ctx.dot(o, row.zip(col));
            }
        } else if rows > 0 {
            // Column by column of `x`: every entry still gets its products in the order of the
            // inner index, and the innermost loop runs over memory in sequence.
            for (o, y) in entries
                .chunks_exact_mut(rows)
                .zip(right.chunks_exact(inner))
            {
                for (k, (x, y)) in left.chunks_exact(rows).zip(y).enumerate() {
                    if planted(Fault::ProductSkipsLast) && k > 0 && k + 1 == inner {
                        continue;
                    }
                    if k == 0 {
                        for (o, x) in o.iter_mut().zip(x) {
                            self.ctx.mul(o, x, y);
                        }
                    } else {
                        for (o, x) in o.iter_mut().zip(x) {
                            self.ctx.mul_add(o, x, y, self.scratch);
                        }
                    }
                }
            }
        }
        debug_assert_eq!(cols * inner, right.len());
        if !self.all_numbers(out) || x.has_undefined() || y.has_undefined() {
            self.settle(out, |_, (row, col)| {
                let of_x = (0..inner).map(|k| x.number_at(row, k));
                let of_y = (0..inner).map(|k| y.number_at(k, col));
                earliest(of_x.chain(of_y))
            });
        }
    }

    /// `out ←` the sums of `x` over every dimension that `out` has only once.
    pub fn sum(&mut self, out: &mut Buffer<A::Elem>, x: &Buffer<A::Elem>) {
        out.declare_all_defined();
        let shape = x.matrix.shape();
        let (rows, cols) = out.matrix.shape();
        let to = (usize::from(rows == shape.0), usize::from(cols == shape.1));
        let entries = out.matrix.as_mut_slice();
        for o in entries.iter_mut() {
            self.ctx.set(o, self.zero);
        }
        let last = (shape.0 * shape.1 > 1).then(|| (shape.0 - 1, shape.1 - 1));
        let add = |entries: &mut [A::Elem], row: usize, col: usize| {
            if planted(Fault::SumSkipsLast) && last == Some((row, col)) {
                return;
            }
            let target = &mut entries[row * to.0 + col * to.1 * rows];
            let value = &x.matrix[(row, col)];
            // Begin with the first entry, not with zero: 0 + −0 would lose the sign.
            if (to.0 == 1 || row == 0) && (to.1 == 1 || col == 0) {
                self.ctx.set(target, value);
            } else {
                self.ctx.accumulate(target, value);
            }
        };
        if self.ctx.sums_whole() {
            let range = |own: usize, at: usize, size: usize| match own {
                0 => 0..size,
                _ => at..at + 1,
            };
            for (i, o) in entries
                .iter_mut()
                .enumerate()
                .filter(|_| !x.matrix.is_empty())
            {
                let cols = range(to.1, i / rows, shape.1);
                let terms =
                    range(to.0, i % rows, shape.0).flat_map(|r| cols.clone().map(move |c| (r, c)));
                self.ctx.sum(o, terms.map(|at| &x.matrix[at]));
            }
        } else if to == (0, 0) {
            for row in 0..shape.0 {
                for col in 0..shape.1 {
                    add(entries, row, col);
                }
            }
        } else {
            // Each sum runs along one dimension, so this order gives the same sums.
            for col in 0..shape.1 {
                for row in 0..shape.0 {
                    add(entries, row, col);
                }
            }
        }
        if !self.all_numbers(out) || x.has_undefined() {
            self.settle(out, |_, (row, col)| {
                let range = |own: bool, at: usize, size: usize| {
                    if own { at..at + 1 } else { 0..size }
                };
                let rows = range(to.0 == 1, row, shape.0);
                earliest(
                    rows.flat_map(|r| {
                        range(to.1 == 1, col, shape.1).map(move |c| x.number_at(r, c))
                    }),
                )
            });
        }
    }

    /// `out ←` the largest entry of each row of `x`; undefined for a row without entries.
    pub fn row_max(&mut self, out: &mut Buffer<A::Elem>, x: &Buffer<A::Elem>) {
        out.declare_all_defined();
        let cols = x.matrix.ncols();
        let ctx = self.ctx;
        let mut larger = self.zero.clone();
        self.settle(out, |o, (row, _)| {
            earliest((0..cols).map(|col| x.number_at(row, col)))?;
            if cols == 0 {
                return Err(OpError::Undefined("maximum of no entries").into());
            }
            ctx.set(o, &x.matrix[(row, 0)]);
            for col in 1..cols {
                ctx.max(&mut larger, o, &x.matrix[(row, col)])?;
                std::mem::swap(o, &mut larger);
            }
            Ok(())
        });
    }
}
