//! Products, quotients and powers, by the signs of the operands.

use super::Toward::{Down, Up};
use super::{Ends, Interval, Intervals, Side, outward_unless};
use crate::arith::OpError;
use crate::fault::{Fault, planted};

impl<E: Ends> Intervals<E> {
    /// `out ← x · y`; the smallest and the largest product of two end points.
    pub(super) fn product(
        &self,
        out: &mut Interval<E::End>,
        x: &Interval<E::End>,
        y: &Interval<E::End>,
    ) {
        use Side::{Both, Left, Right};
        let (least, largest) = match (self.side(x), self.side(y)) {
            (Right, Right) => ((&x.inf, &y.inf), (&x.sup, &y.sup)),
            (Right, Left) => ((&x.sup, &y.inf), (&x.inf, &y.sup)),
            (Right, Both) => ((&x.sup, &y.inf), (&x.sup, &y.sup)),
            (Left, Right) => ((&x.inf, &y.sup), (&x.sup, &y.inf)),
            (Left, Left) => ((&x.sup, &y.sup), (&x.inf, &y.inf)),
            (Left, Both) => ((&x.inf, &y.sup), (&x.inf, &y.inf)),
            (Both, Right) => ((&x.inf, &y.sup), (&x.sup, &y.sup)),
            (Both, Left) => ((&x.sup, &y.inf), (&x.inf, &y.inf)),
            (Both, Both) => {
                let mut other = self.ends.zero();
                self.ends.mul(&mut out.inf, &x.inf, &y.sup, Down);
                self.ends.mul(&mut other, &x.sup, &y.inf, Down);
                if other < out.inf {
                    self.ends.set(&mut out.inf, &other);
                }
                self.ends.mul(&mut out.sup, &x.inf, &y.inf, Up);
                self.ends.mul(&mut other, &x.sup, &y.sup, Up);
                if other > out.sup {
                    self.ends.set(&mut out.sup, &other);
                }
                return;
            }
        };
        let (down, up) = outward_unless(Fault::IntervalProductInward);
        self.ends.mul(&mut out.inf, least.0, least.1, down);
        self.ends.mul(&mut out.sup, largest.0, largest.1, up);
    }

    /// `out ← x / y` for a divisor that is certainly not 0.
    pub(super) fn quotient(
        &self,
        out: &mut Interval<E::End>,
        x: &Interval<E::End>,
        y: &Interval<E::End>,
    ) -> Result<(), OpError> {
        use Side::{Both, Left, Right};
        if y.contains(&self.ends.zero()) {
            return Err(if y.is_point() {
                OpError::Undefined("division by zero")
            } else {
                OpError::Undecided("division by an interval that contains 0")
            });
        }
        // A dividend that is not negative is largest over the divisor nearest to 0, and so on.
        let (least, largest) = match (self.side(x), self.side(y)) {
            (Right, Right) => ((&x.inf, &y.sup), (&x.sup, &y.inf)),
            (Left, Right) => ((&x.inf, &y.inf), (&x.sup, &y.sup)),
            (Both, Right) => ((&x.inf, &y.inf), (&x.sup, &y.inf)),
            (Right, _) => ((&x.sup, &y.sup), (&x.inf, &y.inf)),
            (Left, _) => ((&x.sup, &y.inf), (&x.inf, &y.sup)),
            (Both, _) => ((&x.sup, &y.sup), (&x.inf, &y.sup)),
        };
        let (down, up) = outward_unless(Fault::IntervalQuotientInward);
        self.ends.div(&mut out.inf, least.0, least.1, down);
        self.ends.div(&mut out.sup, largest.0, largest.1, up);
        Ok(())
    }

    /// `out ← xⁿ`, 1 for n = 0; an even power is never negative.
    pub(super) fn integer_power(&self, out: &mut Interval<E::End>, x: &Interval<E::End>, n: u64) {
        let (least, largest) = match (self.side(x), n.is_multiple_of(2)) {
            (_, false) | (Side::Right, true) => (&x.inf, &x.sup),
            (Side::Left, true) => (&x.sup, &x.inf),
            (Side::Both, true) => {
                let mut flipped = self.ends.zero();
                self.ends.neg(&mut flipped, &x.inf);
                let largest = self.larger(&flipped, &x.sup);
                let least = match planted(Fault::SquareAcrossZero) {
                    true => self.smaller(&flipped, &x.sup).clone(),
                    false => self.ends.zero(),
                };
                self.ends.power(&mut out.inf, &least, n, Down);
                self.ends.power(&mut out.sup, largest, n, Up);
                return;
            }
        };
        self.ends.power(&mut out.inf, least, n, Down);
        self.ends.power(&mut out.sup, largest, n, Up);
    }
}
