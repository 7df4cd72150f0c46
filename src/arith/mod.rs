//! The arithmetics.
//!
//! An *arithmetic* is a context object; its elements are plain values. Precision and rounding
//! live in the context, never in the element, so there are no globals and no thread-locals.
//! One law suite (`laws.rs`, tests only) runs over every arithmetic.
//!
//! This room imports no other room of the crate. It does not know matrices, graphs or
//! optimizers, it draws no random numbers, and it never decides that two numbers are "close".

mod accumulate;
mod error;
mod exact;
mod functions;
mod half;
mod interval;
mod jet;
mod machine;
mod model;
#[cfg(feature = "mp")]
mod mp;
mod name;
mod prime;
#[cfg(feature = "mp")]
mod rational;
mod reordered;
mod round;

#[cfg(test)]
mod laws;

use std::cmp::Ordering;
use std::fmt::Debug;

pub use accumulate::Accumulator;
pub use error::OpError;
pub use exact::{ParseExactError, Ratio, Surd, parse_ratio, ratio_from_f64, show_ratio};
pub use functions::Function;
pub use half::{BF16, F16};
pub use interval::{
    Enclosed, Enclosures, Ends, F64Ends, F64Intervals, Interval, Intervals, Toward,
};
#[cfg(feature = "mp")]
pub use interval::{MpEnds, MpIntervals};
pub use jet::{Jet, JetElem};
pub use machine::{F32, F64, Machine, MachineFloat};
pub use model::FloatModel;
#[cfg(feature = "mp")]
pub use mp::Mp;
pub use name::{ArithmeticName, UnknownArithmetic, WithArithmetic, with_arithmetic};
pub use prime::{MODULUS, Prime};
#[cfg(feature = "mp")]
pub use rational::Rational;
pub use reordered::{Reordered, SumOrder};
pub use round::{FloatFormat, Format};

/// The answer of [`Arithmetic::from_f64`] to infinities and NaN.
const NOT_FINITE: OpError = OpError::Undefined("not a finite number");

/// A number system: the context in which every operation of a training step is carried out.
///
/// Operations write into an existing element, so that elements which own memory can reuse it.
///
/// Addition, subtraction, multiplication and negation always have an answer; whether the answer
/// is a number is asked once per entry by [`Arithmetic::check`]. That suffices, since an
/// overflowed intermediate result can never become finite again under these operations.
/// The other operations answer "undefined", "unsupported" or "undecided" through [`OpError`]
/// instead of inventing a value.
// `from_…` converts into an element; `self` is the context that rounds.
#[allow(clippy::wrong_self_convention)]
pub trait Arithmetic: Clone + Debug + Send + Sync + 'static {
    /// An element: a plain value without a reference to its context.
    type Elem: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// The name by which users select this arithmetic.
    fn name(&self) -> ArithmeticName;

    /// The additive identity (`+0` where zeros are signed).
    fn zero(&self) -> Self::Elem;

    /// The exact rational `q`, rounded once to nearest, ties to even.
    ///
    /// # Errors
    /// [`OpError::Overflow`] beyond the largest finite number, [`OpError::Undefined`] where a
    /// denominator vanishes in the prime field.
    fn from_ratio(&self, q: &Ratio) -> Result<Self::Elem, OpError>;

    /// The integer `n`, rounded once. Machine floats do this without allocating, so that a
    /// step number costs nothing.
    ///
    /// # Errors
    /// As [`Arithmetic::from_ratio`].
    fn from_integer(&self, n: u64) -> Result<Self::Elem, OpError> {
        self.from_ratio(&Ratio::from_integer(n.into()))
    }

    /// The exact value of the finite `x` (so `−0` is 0), rounded once. The same as going through
    /// [`Arithmetic::from_ratio`], only faster where an arithmetic can.
    ///
    /// # Errors
    /// As [`Arithmetic::from_ratio`]; [`OpError::Undefined`] when `x` is not finite.
    fn from_f64(&self, x: f64) -> Result<Self::Elem, OpError> {
        self.from_ratio(&ratio_from_f64(x).ok_or(NOT_FINITE)?)
    }

    /// `coeff · √radicand` as one square root of a rational rounded once.
    ///
    /// # Errors
    /// As [`Arithmetic::from_ratio`]; [`OpError::Undefined`] where the arithmetic holds no such
    /// root.
    fn from_surd(&self, x: &Surd) -> Result<Self::Elem, OpError> {
        if let Some(q) = x.as_ratio() {
            return self.from_ratio(q);
        }
        let square = self.from_ratio(&x.squared())?;
        let mut root = self.zero();
        self.sqrt(&mut root, &square)?;
        if x.is_negative() {
            let positive = root.clone();
            self.neg(&mut root, &positive);
        }
        Ok(root)
    }

    /// Every number within `radius` ≥ 0 of `centre`, where an element can stand for all of them;
    /// else the centre.
    ///
    /// # Errors
    /// As [`Arithmetic::from_surd`].
    fn from_ball(&self, centre: &Surd, _radius: &Surd) -> Result<Self::Elem, OpError> {
        self.from_surd(centre)
    }

    /// `out ← x`, reusing the memory of `out`.
    fn set(&self, out: &mut Self::Elem, x: &Self::Elem) {
        out.clone_from(x);
    }

    /// `out ← x + y`.
    fn add(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem);
    /// `out ← x − y`.
    fn sub(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem);
    /// `out ← x · y`.
    fn mul(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem);
    /// `out ← x²`. As the product, only that an arithmetic may know that both operands are one
    /// and the same number.
    fn square(&self, out: &mut Self::Elem, x: &Self::Elem) {
        self.mul(out, x, x);
    }
    /// `out ← −x`.
    fn neg(&self, out: &mut Self::Elem, x: &Self::Elem);
    /// `acc ← acc + x`, rounded once.
    fn accumulate(&self, acc: &mut Self::Elem, x: &Self::Elem);
    /// `acc ← acc + x · y`, the product rounded before the sum (no fused operation).
    /// `product` is scratch space.
    fn mul_add(
        &self,
        acc: &mut Self::Elem,
        x: &Self::Elem,
        y: &Self::Elem,
        product: &mut Self::Elem,
    ) {
        self.mul(product, x, y);
        self.accumulate(acc, product);
    }

    /// `true` if sums and matrix products are handed over whole, to [`Arithmetic::sum`] and
    /// [`Arithmetic::dot`], instead of term by term: where a sum is rounded as one, or kept in a
    /// wider format on the way.
    fn sums_whole(&self) -> bool {
        false
    }

    /// `out ← Σ xᵢ`, from left to right beginning with the first; 0 without terms.
    fn sum<'x>(&self, out: &mut Self::Elem, terms: impl Iterator<Item = &'x Self::Elem> + Clone) {
        for (i, x) in terms.enumerate() {
            if i == 0 {
                self.set(out, x);
            } else {
                self.accumulate(out, x);
            }
        }
    }

    /// `out ← Σ xᵢ·yᵢ`, likewise.
    fn dot<'x>(
        &self,
        out: &mut Self::Elem,
        pairs: impl Iterator<Item = (&'x Self::Elem, &'x Self::Elem)> + Clone,
    ) {
        let mut product = self.zero();
        for (i, (x, y)) in pairs.enumerate() {
            if i == 0 {
                self.mul(out, x, y);
            } else {
                self.mul_add(out, x, y, &mut product);
            }
        }
    }

    /// `out ← x / y`.
    ///
    /// # Errors
    /// [`OpError::Undefined`] when `y` is zero.
    fn div(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError>;

    /// `out ← √x`, the non-negative root.
    ///
    /// # Errors
    /// [`OpError::Undefined`] for negative `x`; [`OpError::NotHeld`] for a rational that is not a
    /// square and for a non-residue of the prime field.
    fn sqrt(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError>;

    /// `x ⋈ y`. Zeros of either sign are equal.
    ///
    /// # Errors
    /// [`OpError::Unsupported`] in an unordered field; [`OpError::Undecided`] where the
    /// arithmetic cannot tell, which is never reported as "false".
    fn compare(&self, x: &Self::Elem, y: &Self::Elem) -> Result<Ordering, OpError>;

    /// `x = y`, which an unordered field knows as well. Zeros of either sign are equal.
    ///
    /// # Errors
    /// [`OpError::Undecided`] where the arithmetic cannot tell.
    fn equal(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        Ok(self.compare(x, y)? == Ordering::Equal)
    }

    /// `x < y`, which may be known where [`Arithmetic::compare`] cannot tell `=` from `>`.
    ///
    /// # Errors
    /// As [`Arithmetic::compare`].
    fn less(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        Ok(self.compare(x, y)? == Ordering::Less)
    }

    /// `x ≤ y`, likewise.
    ///
    /// # Errors
    /// As [`Arithmetic::compare`].
    fn less_equal(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError> {
        Ok(self.compare(x, y)? != Ordering::Greater)
    }

    /// `out ← |x|`.
    ///
    /// # Errors
    /// As [`Arithmetic::compare`].
    fn abs(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError> {
        match self.compare(x, &self.zero())? {
            Ordering::Less => self.neg(out, x),
            Ordering::Equal => self.set(out, &self.zero()),
            Ordering::Greater => self.set(out, x),
        }
        Ok(())
    }

    /// `out ← sign(x)` with `sign(±0) = 0`, as `torch.sign` has it.
    ///
    /// # Errors
    /// As [`Arithmetic::compare`].
    fn sign(&self, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError>;

    /// `out ← max(x, y)`; `x` where they are equal.
    ///
    /// # Errors
    /// As [`Arithmetic::compare`].
    fn max(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        let larger = if self.compare(x, y)? == Ordering::Less {
            y
        } else {
            x
        };
        self.set(out, larger);
        Ok(())
    }

    /// `out ← min(x, y)`; `x` where they are equal.
    ///
    /// # Errors
    /// As [`Arithmetic::compare`].
    fn min(&self, out: &mut Self::Elem, x: &Self::Elem, y: &Self::Elem) -> Result<(), OpError> {
        let smaller = if self.compare(x, y)? == Ordering::Greater {
            y
        } else {
            x
        };
        self.set(out, smaller);
        Ok(())
    }

    /// `out ← f(x)` for a transcendental function.
    ///
    /// # Errors
    /// [`OpError::Unsupported`] in exact arithmetics, [`OpError::Undefined`] outside the domain.
    fn function(&self, f: Function, out: &mut Self::Elem, x: &Self::Elem) -> Result<(), OpError>;

    /// `out ← atan2(y, x)`, the angle of the point (x, y).
    ///
    /// # Errors
    /// [`OpError::Unsupported`] in exact arithmetics.
    fn atan2(&self, out: &mut Self::Elem, y: &Self::Elem, x: &Self::Elem) -> Result<(), OpError>;

    /// `out ← xⁿ` by repeated squaring from the highest bit of n down, each product rounded; 1
    /// for n = 0.
    ///
    /// # Errors
    /// As [`Arithmetic::from_integer`].
    fn power(&self, out: &mut Self::Elem, x: &Self::Elem, n: u64) -> Result<(), OpError> {
        if n == 0 {
            *out = self.from_integer(1)?;
            return Ok(());
        }
        let mut scratch = x.clone();
        self.set(out, x);
        for bit in (0..n.ilog2()).rev() {
            self.mul(&mut scratch, out, out);
            if n >> bit & 1 == 1 {
                self.mul(out, &scratch, x);
            } else {
                self.set(out, &scratch);
            }
        }
        Ok(())
    }

    /// `out ← x` rounded to nearest, ties to even, into a storage format.
    ///
    /// # Errors
    /// [`OpError::Overflow`] beyond the format's largest number, [`OpError::Unsupported`] where
    /// elements are no real numbers.
    fn cast(&self, out: &mut Self::Elem, x: &Self::Elem, to: FloatFormat) -> Result<(), OpError> {
        self.check(x)?;
        let exact = self.to_ratio(x).ok_or(OpError::Unsupported {
            operation: to.name(),
            arithmetic: self.name(),
        })?;
        let rounded = to.round(&exact).ok_or(OpError::Overflow(self.name()))?;
        *out = self.from_f64(rounded)?;
        Ok(())
    }

    /// `true` if `x` is a number.
    ///
    /// # Errors
    /// [`OpError::Overflow`] for an infinity or a NaN.
    fn check(&self, x: &Self::Elem) -> Result<(), OpError>;

    /// Identity of values: the same bits for floats (so `−0` is not `+0`), equality elsewhere.
    ///
    /// # Errors
    /// [`OpError::Undecided`] where the elements say too little about their values: for intervals
    /// that overlap, unless both are the same single number.
    fn same(&self, x: &Self::Elem, y: &Self::Elem) -> Result<bool, OpError>;

    /// The exact value as a rational; `None` for elements that are not one real number
    /// (residues of the prime field, intervals of some width), and for floats with a binary exponent
    /// beyond ±65536, with which exact arithmetic would not come to an end.
    fn to_ratio(&self, x: &Self::Elem) -> Option<Ratio>;

    /// The exact value as text: hexadecimal float, decimal with enough digits, `num/den`, or
    /// residue; of an interval both end points, rounded outward.
    fn show(&self, x: &Self::Elem) -> String;

    /// A nearby `f64`, for figures and tables only; no verdict may rest on it.
    fn approx(&self, x: &Self::Elem) -> f64;

    /// Half the width of what `x` stands for, for tables: 0 where an element is one number.
    fn radius(&self, _: &Self::Elem) -> f64 {
        0.0
    }
}
