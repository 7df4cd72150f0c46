//! An arithmetic of one's own: fractions of whole numbers in pure Rust. Its elements are plain
//! values, and what it cannot do it answers with an [`OpError`].
//!
//! The note's script is run in it at alpha = 1 and, with a smaller rate and start, at alpha = 4: the
//! two runs are one, number by number.

use std::cmp::Ordering;
use std::error::Error;

use lora_gauge::arith::{Arithmetic, ArithmeticName, Function, OpError, Ratio, Surd, show_ratio};
use lora_gauge::scenario::{Outcome, Property, ScaleMap, check, seed_script};
use num_traits::{Signed, ToPrimitive, Zero};

/// Fractions of whole numbers, which never round.
#[derive(Debug, Clone)]
struct Fractions;

impl Fractions {
    fn has_no(&self, operation: &'static str) -> OpError {
        OpError::Unsupported {
            operation,
            arithmetic: self.name(),
        }
    }
}

impl Arithmetic for Fractions {
    type Elem = Ratio;

    fn name(&self) -> ArithmeticName {
        ArithmeticName::Other("fractions")
    }

    fn zero(&self) -> Ratio {
        Ratio::zero()
    }

    fn from_ratio(&self, q: &Ratio) -> Result<Ratio, OpError> {
        Ok(q.clone())
    }

    fn add(&self, out: &mut Ratio, x: &Ratio, y: &Ratio) {
        *out = x + y;
    }

    fn sub(&self, out: &mut Ratio, x: &Ratio, y: &Ratio) {
        *out = x - y;
    }

    fn mul(&self, out: &mut Ratio, x: &Ratio, y: &Ratio) {
        *out = x * y;
    }

    fn neg(&self, out: &mut Ratio, x: &Ratio) {
        *out = -x;
    }

    fn accumulate(&self, acc: &mut Ratio, x: &Ratio) {
        *acc += x;
    }

    fn div(&self, out: &mut Ratio, x: &Ratio, y: &Ratio) -> Result<(), OpError> {
        if y.is_zero() {
            return Err(OpError::Undefined("division by zero"));
        }
        *out = x / y;
        Ok(())
    }

    fn sqrt(&self, out: &mut Ratio, x: &Ratio) -> Result<(), OpError> {
        let root = Surd::sqrt(x).ok_or(OpError::Undefined("the root of a negative number"))?;
        let root = root.as_ratio().cloned();
        *out = root.ok_or(OpError::NotHeld("the root of a number that is no square"))?;
        Ok(())
    }

    fn compare(&self, x: &Ratio, y: &Ratio) -> Result<Ordering, OpError> {
        Ok(x.cmp(y))
    }

    fn sign(&self, out: &mut Ratio, x: &Ratio) -> Result<(), OpError> {
        *out = x.signum();
        Ok(())
    }

    fn function(&self, f: Function, _: &mut Ratio, _: &Ratio) -> Result<(), OpError> {
        Err(self.has_no(f.name()))
    }

    fn atan2(&self, _: &mut Ratio, _: &Ratio, _: &Ratio) -> Result<(), OpError> {
        Err(self.has_no("atan2"))
    }

    fn check(&self, _: &Ratio) -> Result<(), OpError> {
        Ok(())
    }

    fn same(&self, x: &Ratio, y: &Ratio) -> Result<bool, OpError> {
        Ok(x == y)
    }

    fn to_ratio(&self, x: &Ratio) -> Option<Ratio> {
        Some(x.clone())
    }

    fn show(&self, x: &Ratio) -> String {
        show_ratio(x)
    }

    fn approx(&self, x: &Ratio) -> f64 {
        x.to_f64().unwrap_or(f64::NAN)
    }
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let left = seed_script(1)?;
    let step = left.recipe.build()?;
    let map = ScaleMap::of(&[("alpha", "1"), ("lr", "-1"), ("init", "-1/2")])?;
    let right = map
        .resolve(&step)?
        .apply(&left, &Ratio::from_integer(4.into()))?;
    match check(&Fractions, &Property::same_run(), &left, &right, left.steps)? {
        Outcome::Holds { compared } => {
            println!("{compared} numbers are equal as {}", Fractions.name());
            Ok(())
        }
        other => Err(format!("the runs differ: {other:?}").into()),
    }
}
