//! A float format whose numbers know their weight and the exponents for which they are exact.
//!
//! An element is a number together with its weight: in the run rescaled with exponent `e` it is
//! multiplied by `2^(e·weight)`. Only leaves are told their weight; every operation derives that
//! of its result, inner operations of a matrix product or an inverse alike, and meets the
//! exponents for which its own rounding commutes with those of its operands. So the arithmetic
//! of the step is not written a second time, and an answer is right whatever weights the leaves
//! were given: where they do not fit together, only `e = 0` is left.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use num_integer::Integer;

use super::shift::{FREE, Shifts, bits, may_have_underflowed, of_rounded, of_value};
use crate::arith::{
    Arithmetic, ArithmeticName, FloatFormat, Format, Function, Machine, MachineFloat, OpError,
    Ratio, Surd,
};

/// Weights are whole multiples of one over this.
pub(super) const UNIT: i64 = 5040;

/// A set of exponents: the multiples of `every` in `range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exponents {
    pub range: Shifts,
    pub every: i64,
}

impl Exponents {
    pub const ALL: Self = Self {
        range: Shifts::ALL,
        every: 1,
    };
    /// Nothing but the run itself.
    const NONE: Self = Self {
        range: Shifts { from: 0, to: 0 },
        every: 1,
    };

    pub fn meet(self, other: Self) -> Self {
        Self {
            range: self.range.meet(other.range),
            every: self.every.lcm(&other.every),
        }
    }

    /// The exponents that multiply a number of this weight by an admissible power of two.
    fn of(shifts: Shifts, weight: i64) -> Self {
        if weight == 0 {
            return Self::ALL;
        }
        let size = weight.abs();
        let Shifts { from, to } = if weight > 0 {
            shifts
        } else {
            Shifts {
                from: -shifts.to,
                to: -shifts.from,
            }
        };
        let scaled = |bound: i64| match bound.abs() {
            FREE.. => None,
            _ => Some(bound * UNIT),
        };
        Self {
            range: Shifts {
                from: scaled(from).map_or(-FREE, |x| Integer::div_ceil(&x, &size)),
                to: scaled(to).map_or(FREE, |x| Integer::div_floor(&x, &size)),
            },
            every: UNIT / size.gcd(&UNIT),
        }
    }
}

/// A number that knows for which exponents it is exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Traced<F> {
    pub value: F,
    /// In multiples of 1/`UNIT`; says nothing of zero.
    pub weight: i64,
    /// For this number and everything from which it was computed.
    pub exact: Exponents,
    /// The shifts that its own rounding admits, of a number that was loaded.
    pub loaded: Shifts,
}

impl<F: MachineFloat> Traced<F> {
    /// Gives a leaf its weight.
    pub fn weigh(&mut self, weight: i64) {
        self.weight = weight;
        self.exact = Exponents::of(self.loaded, weight);
    }

    fn is_zero(&self) -> bool {
        self.value.is_zero()
    }
}

/// The notes beside the numbers: what these alone do not say.
#[derive(Debug, Clone)]
pub(super) struct Notes {
    /// For everything that was compared, whose outcome no number carries.
    pub compared: Exponents,
    /// True where numbers of different weights met and that makes no sense.
    pub conflict: bool,
    /// Every result of an operation with its weight, in order, where a record is kept.
    pub record: Option<Vec<(f64, i64)>>,
}

/// The arithmetic of a machine float that traces exponents.
#[derive(Debug, Clone)]
pub(super) struct Tracing<F> {
    inner: Machine<F>,
    notes: Arc<Mutex<Notes>>,
}

impl<F: MachineFloat> Tracing<F> {
    pub fn new(inner: Machine<F>, keeps_record: bool) -> Self {
        let notes = Notes {
            compared: Exponents::ALL,
            conflict: false,
            record: keeps_record.then(Vec::new),
        };
        Self {
            inner,
            notes: Arc::new(Mutex::new(notes)),
        }
    }

    /// The notes of this context and its clones.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn format(&self) -> Format {
        self.inner.format()
    }

    fn loaded(&self, value: F, loaded: Shifts) -> Traced<F> {
        Traced {
            value,
            weight: 0,
            exact: Exponents::ALL,
            loaded,
        }
    }

    fn constant(&self, value: F, z: &Ratio) -> Traced<F> {
        self.loaded(value, of_rounded(z, value.widen(), self.format()))
    }

    /// Writes a result whose rounding admits `shifts`.
    fn write(&self, out: &mut Traced<F>, value: F, weight: i64, before: Exponents, own: Shifts) {
        // Zero has every weight, but may have underflowed from a number that has one.
        let mut exact = before.meet(Exponents::of(own, weight));
        if value.is_zero() {
            exact.every = before.every;
        }
        *out = Traced {
            value,
            weight,
            exact,
            loaded: Shifts::ALL,
        };
        if let Some(record) = &mut self.notes().record {
            record.push((value.widen(), weight));
        }
    }

    /// Writes the sum or difference `value` of `x` and `y`.
    fn write_sum(&self, out: &mut Traced<F>, value: F, x: &Traced<F>, y: &Traced<F>) {
        let (weight, both) = self.alike(x, y);
        // A sum of two numbers of the format never underflows.
        let own = of_value(value.widen(), self.format());
        self.write(out, value, weight, both, own);
    }

    /// The one weight of `x` and `y`, where only equal weights make sense, and the exponents for
    /// which both are right.
    fn alike(&self, x: &Traced<F>, y: &Traced<F>) -> (i64, Exponents) {
        let both = x.exact.meet(y.exact);
        match (x.is_zero(), y.is_zero()) {
            (true, _) => (y.weight, both),
            (_, true) => (x.weight, both),
            _ if x.weight == y.weight => (x.weight, both),
            _ => (x.weight, self.only_itself(both)),
        }
    }

    /// Only the run itself is left: weights met that do not fit together.
    fn only_itself(&self, before: Exponents) -> Exponents {
        self.notes().conflict = true;
        before.meet(Exponents::NONE)
    }

    /// The shifts of a product or quotient `value`, to which `exact` was rounded.
    fn of_quotient(&self, value: F, exact: impl FnOnce() -> Option<Ratio>) -> Shifts {
        let (v, format) = (value.widen(), self.format());
        if !may_have_underflowed(v, format) {
            return of_value(v, format);
        }
        match exact() {
            Some(z) => of_rounded(&z, v, format),
            None => of_value(v, format),
        }
    }
}

impl<F: MachineFloat> Arithmetic for Tracing<F> {
    type Elem = Traced<F>;

    fn name(&self) -> ArithmeticName {
        self.inner.name()
    }

    fn zero(&self) -> Traced<F> {
        self.loaded(F::zero(), Shifts::ALL)
    }

    fn from_ratio(&self, q: &Ratio) -> Result<Traced<F>, OpError> {
        Ok(self.constant(self.inner.from_ratio(q)?, q))
    }

    fn from_surd(&self, x: &Surd) -> Result<Traced<F>, OpError> {
        if let Some(q) = x.as_ratio() {
            return self.from_ratio(q);
        }
        // The square is rounded first and then its root; it moves twice as far.
        let value = self.inner.from_surd(x)?;
        let square = self.from_ratio(&x.squared())?.loaded;
        let square = Shifts {
            from: Integer::div_ceil(&square.from, &2),
            to: Integer::div_floor(&square.to, &2),
        };
        Ok(self.loaded(value, square.meet(of_value(value.widen(), self.format()))))
    }

    fn add(&self, out: &mut Traced<F>, x: &Traced<F>, y: &Traced<F>) {
        let mut value = F::zero();
        self.inner.add(&mut value, &x.value, &y.value);
        self.write_sum(out, value, x, y);
    }

    fn sub(&self, out: &mut Traced<F>, x: &Traced<F>, y: &Traced<F>) {
        let mut value = F::zero();
        self.inner.sub(&mut value, &x.value, &y.value);
        self.write_sum(out, value, x, y);
    }

    fn mul(&self, out: &mut Traced<F>, x: &Traced<F>, y: &Traced<F>) {
        let mut value = F::zero();
        self.inner.mul(&mut value, &x.value, &y.value);
        let own = self.of_quotient(value, || {
            Some(self.inner.to_ratio(&x.value)? * self.inner.to_ratio(&y.value)?)
        });
        let both = x.exact.meet(y.exact);
        self.write(out, value, x.weight + y.weight, both, own);
    }

    fn neg(&self, out: &mut Traced<F>, x: &Traced<F>) {
        *out = *x;
        self.inner.neg(&mut out.value, &x.value);
    }

    fn accumulate(&self, acc: &mut Traced<F>, x: &Traced<F>) {
        let before = *acc;
        self.add(acc, &before, x);
    }

    fn div(&self, out: &mut Traced<F>, x: &Traced<F>, y: &Traced<F>) -> Result<(), OpError> {
        let mut value = F::zero();
        self.inner.div(&mut value, &x.value, &y.value)?;
        let own = self.of_quotient(value, || {
            Some(self.inner.to_ratio(&x.value)? / self.inner.to_ratio(&y.value)?)
        });
        let both = x.exact.meet(y.exact);
        self.write(out, value, x.weight - y.weight, both, own);
        Ok(())
    }

    fn sqrt(&self, out: &mut Traced<F>, x: &Traced<F>) -> Result<(), OpError> {
        let mut value = F::zero();
        self.inner.sqrt(&mut value, &x.value)?;
        let before = match x.weight.is_odd() && !x.is_zero() {
            true => self.only_itself(x.exact),
            false => x.exact,
        };
        // A root is far from underflow.
        let own = of_value(value.widen(), self.format());
        self.write(out, value, x.weight / 2, before, own);
        Ok(())
    }

    fn compare(&self, x: &Traced<F>, y: &Traced<F>) -> Result<Ordering, OpError> {
        let order = self.inner.compare(&x.value, &y.value)?;
        // Numbers of different sign stay in order whatever they are multiplied by.
        let both = match x.value.is_sign_negative() == y.value.is_sign_negative() {
            true => self.alike(x, y).1,
            false => x.exact.meet(y.exact),
        };
        let mut notes = self.notes();
        notes.compared = notes.compared.meet(both);
        Ok(order)
    }

    fn sign(&self, out: &mut Traced<F>, x: &Traced<F>) -> Result<(), OpError> {
        let mut value = F::zero();
        self.inner.sign(&mut value, &x.value)?;
        self.write(out, value, 0, x.exact, Shifts::ALL);
        Ok(())
    }

    fn function(&self, f: Function, out: &mut Traced<F>, x: &Traced<F>) -> Result<(), OpError> {
        let mut value = F::zero();
        self.inner.function(f, &mut value, &x.value)?;
        let before = match x.weight == 0 || x.is_zero() {
            true => x.exact,
            false => self.only_itself(x.exact),
        };
        self.write(out, value, 0, before, Shifts::ALL);
        Ok(())
    }

    fn atan2(&self, out: &mut Traced<F>, y: &Traced<F>, x: &Traced<F>) -> Result<(), OpError> {
        let mut value = F::zero();
        self.inner.atan2(&mut value, &y.value, &x.value)?;
        // The angle is computed from the quotient, which the exponents of `both` leave alone.
        let (_, both) = self.alike(x, y);
        self.write(out, value, 0, both, Shifts::ALL);
        Ok(())
    }

    fn cast(&self, out: &mut Traced<F>, x: &Traced<F>, to: FloatFormat) -> Result<(), OpError> {
        let mut value = F::zero();
        self.inner.cast(&mut value, &x.value, to)?;
        let v = value.widen();
        // What is lost is lost to the storage format; the arithmetic's own must only hold `v`.
        let stored = match self.inner.to_ratio(&x.value) {
            Some(z) => of_rounded(&z, v, to.format()),
            None => Shifts::ALL,
        };
        let own = stored.meet(of_value(v, self.format()));
        self.write(out, value, x.weight, x.exact, own);
        Ok(())
    }

    fn check(&self, x: &Traced<F>) -> Result<(), OpError> {
        self.inner.check(&x.value)
    }

    fn same(&self, x: &Traced<F>, y: &Traced<F>) -> Result<bool, OpError> {
        self.inner.same(&x.value, &y.value)
    }

    fn to_ratio(&self, x: &Traced<F>) -> Option<Ratio> {
        self.inner.to_ratio(&x.value)
    }

    fn show(&self, x: &Traced<F>) -> String {
        self.inner.show(&x.value)
    }

    fn approx(&self, x: &Traced<F>) -> f64 {
        self.inner.approx(&x.value)
    }
}

/// True where `bits` has an answer: for a number other than zero.
pub(super) fn is_number(v: f64) -> bool {
    bits(v).is_some()
}
