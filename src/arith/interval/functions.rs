//! Enclosures of transcendental functions: monotone pieces and extrema.

use super::Toward::{Down, Up};
use super::{Ends, Interval, Intervals, Side};
use crate::arith::{Function, OpError};

impl<E: Ends> Intervals<E> {
    /// `out ← f(x)`.
    pub(super) fn extension(
        &self,
        f: Function,
        out: &mut Interval<E::End>,
        x: &Interval<E::End>,
    ) -> Result<(), OpError> {
        match f {
            Function::Exp | Function::Tanh | Function::NormalCdf => self.rising(f, out, x),
            Function::Ln => {
                let zero = self.ends.zero();
                if x.sup <= zero {
                    return Err(OpError::Undefined(
                        "logarithm of a number that is not positive",
                    ));
                }
                if x.inf <= zero {
                    return Err(OpError::Undecided(
                        "logarithm of an interval with numbers that are not positive",
                    ));
                }
                self.rising(f, out, x);
            }
            Function::NormalDensity => self.bell(f, out, x),
            Function::CosPi => self.cos_pi(out, x),
        }
        Ok(())
    }

    /// A function that grows.
    fn rising(&self, f: Function, out: &mut Interval<E::End>, x: &Interval<E::End>) {
        self.ends.function(f, &mut out.inf, &x.inf, Down);
        self.ends.function(f, &mut out.sup, &x.sup, Up);
    }

    /// An even function that falls on the positive side.
    fn bell(&self, f: Function, out: &mut Interval<E::End>, x: &Interval<E::End>) {
        match self.side(x) {
            Side::Right => {
                self.ends.function(f, &mut out.inf, &x.sup, Down);
                self.ends.function(f, &mut out.sup, &x.inf, Up);
            }
            Side::Left => self.rising(f, out, x),
            Side::Both => {
                let mut flipped = self.ends.zero();
                self.ends.neg(&mut flipped, &x.inf);
                let farthest = self.larger(&flipped, &x.sup);
                self.ends.function(f, &mut out.inf, farthest, Down);
                let zero = self.ends.zero();
                self.ends.function(f, &mut out.sup, &zero, Up);
            }
        }
    }

    /// cos(π x) is 1 at even integers, −1 at odd ones, and monotone between neighbours.
    fn cos_pi(&self, out: &mut Interval<E::End>, x: &Interval<E::End>) {
        let (even, odd) = self.integers(x);
        let f = Function::CosPi;
        let at = |end: &E::End, to| {
            let mut value = self.ends.zero();
            self.ends.function(f, &mut value, end, to);
            value
        };
        out.inf = if odd {
            self.ends.from_f64(-1.0, Down)
        } else {
            self.smaller(&at(&x.inf, Down), &at(&x.sup, Down)).clone()
        };
        out.sup = if even {
            self.ends.from_f64(1.0, Up)
        } else {
            self.larger(&at(&x.inf, Up), &at(&x.sup, Up)).clone()
        };
    }

    /// The presence of an even and of an odd integer in `x`; perhaps both where
    /// `x` is so wide that this cannot be told.
    fn integers(&self, x: &Interval<E::End>) -> (bool, bool) {
        if !self.ends.is_finite(&x.inf) || !self.ends.is_finite(&x.sup) {
            return (true, true);
        }
        let first = self.ends.ceil(&x.inf);
        if first > x.sup {
            return (false, false);
        }
        // Where the next integer is not an end point, rounding up makes it a larger one; then
        // the distance to it tells whether it lies in `x`.
        let one = self.ends.from_f64(1.0, Down);
        let mut distance = self.ends.zero();
        self.ends.sub(&mut distance, &x.sup, &first, Up);
        if distance >= one {
            return (true, true);
        }
        let even = self.ends.is_even(&first);
        (even, !even)
    }

    /// The angles of the points (x, y) in (−π, π]. The origin has the angle 0. Where the points
    /// lie on both sides of the negative half of the first axis, angles near −π and near π both
    /// occur, and the answer is all of [−π, π].
    pub(super) fn angle(&self, y: &Interval<E::End>, x: &Interval<E::End>) -> Interval<E::End> {
        let zero = self.ends.zero();
        let one = self.ends.from_f64(1.0, Down);
        let minus_one = self.ends.from_f64(-1.0, Down);
        let half_turn = self.ends.atan2(&zero, &minus_one, Up);
        let mut minus_half_turn = self.ends.zero();
        self.ends.neg(&mut minus_half_turn, &half_turn);
        if x.contains(&zero) && y.contains(&zero) {
            let left = x.inf < zero;
            return Interval {
                inf: match y.inf < zero {
                    true if left => minus_half_turn,
                    true => self.ends.atan2(&minus_one, &zero, Down),
                    false => zero.clone(),
                },
                sup: match y.sup > zero {
                    _ if left => half_turn,
                    true => self.ends.atan2(&one, &zero, Up),
                    false => zero,
                },
            };
        }
        if x.inf < zero && y.inf < zero && y.sup >= zero {
            return Interval {
                inf: minus_half_turn,
                sup: half_turn,
            };
        }
        // The angle is continuous here and monotone along each side of the rectangle.
        let corners = [
            (&y.inf, &x.inf),
            (&y.inf, &x.sup),
            (&y.sup, &x.inf),
            (&y.sup, &x.sup),
        ];
        let mut angles = corners.map(|(y, x)| Interval {
            inf: self.ends.atan2(y, x, Down),
            sup: self.ends.atan2(y, x, Up),
        });
        let [hull, others @ ..] = &mut angles;
        for other in others {
            if other.inf < hull.inf {
                hull.inf = other.inf.clone();
            }
            if other.sup > hull.sup {
                hull.sup = other.sup.clone();
            }
        }
        hull.clone()
    }
}

#[cfg(all(test, feature = "mp"))]
mod tests {
    use super::super::MpIntervals;
    use super::*;
    use crate::arith::Arithmetic;

    const CTX: fn() -> MpIntervals = || MpIntervals::new(53);

    fn interval(inf: f64, sup: f64) -> Interval<rug::Float> {
        Interval {
            inf: CTX().ends.from_f64(inf, Down),
            sup: CTX().ends.from_f64(sup, Up),
        }
    }

    fn cos_pi(inf: f64, sup: f64) -> Interval<rug::Float> {
        let mut out = CTX().zero();
        CTX().cos_pi(&mut out, &interval(inf, sup));
        out
    }

    #[test]
    fn a_cosine_takes_its_extrema_at_integers_and_only_there() {
        for (inf, sup, least, largest) in [
            (0.25, 0.5, Some(0.5), Some(0.25)),
            (0.25, 1.5, None, Some(0.25)),
            (-0.25, 0.5, Some(0.5), None),
            (-1.25, -0.5, None, Some(-0.5)),
            (1.5, 2.25, Some(1.5), None),
            (1.25, 1.75, Some(1.25), Some(1.75)),
            (0.5, 2.5, None, None),
            (0.0, 1.0, None, None),
        ] {
            let range = cos_pi(inf, sup);
            let end = |at: Option<f64>, of: fn(Interval<rug::Float>) -> rug::Float| {
                at.map(|at| of(cos_pi(at, at)))
            };
            let least = end(least, |x| x.inf).unwrap_or(interval(-1.0, -1.0).inf);
            let largest = end(largest, |x| x.sup).unwrap_or(interval(1.0, 1.0).sup);
            assert_eq!(range.inf, least, "{inf} {sup}");
            assert_eq!(range.sup, largest, "{inf} {sup}");
        }
        assert_eq!(cos_pi(3e300, 3e300), interval(1.0, 1.0));
        assert_eq!(cos_pi(-3.0, -3.0), interval(-1.0, -1.0));
    }

    #[test]
    fn the_bell_is_highest_at_zero() {
        let bell = |inf, sup| {
            let mut out = CTX().zero();
            let f = Function::NormalDensity;
            CTX().function(f, &mut out, &interval(inf, sup)).unwrap();
            out
        };
        assert_eq!(bell(-1.0, 2.0).sup, bell(0.0, 0.0).sup);
        assert_eq!(bell(-1.0, 2.0).inf, bell(2.0, 2.0).inf);
        assert_eq!(bell(-3.0, -2.0), bell(2.0, 3.0));
        assert_eq!(bell(2.0, 3.0).sup, bell(2.0, 2.0).sup);
        assert_eq!(bell(f64::MIN, 0.0).inf, 0.0);
    }

    #[test]
    fn angles_stop_at_the_cut_and_turn_round_at_the_origin() {
        let angle =
            |y: (f64, f64), x: (f64, f64)| CTX().angle(&interval(y.0, y.1), &interval(x.0, x.1));
        let of_point = |y, x| angle((y, y), (x, x));
        let (turn, zero) = (of_point(0.0, -1.0), of_point(0.0, 1.0));
        let (up, down) = (of_point(1.0, 0.0), of_point(-1.0, 0.0));
        let mut back = CTX().zero();
        CTX().neg(&mut back, &turn);
        for (y, x, inf, sup) in [
            (
                (-1.0, 1.0),
                (1.0, 2.0),
                &of_point(-1.0, 1.0),
                &of_point(1.0, 1.0),
            ),
            ((0.0, 1.0), (-2.0, -1.0), &of_point(1.0, -1.0), &turn),
            ((-0.0, 0.0), (-2.0, -1.0), &turn, &turn),
            (
                (-1.0, -0.5),
                (-2.0, -1.0),
                &of_point(-0.5, -2.0),
                &of_point(-1.0, -1.0),
            ),
            ((-1.0, 1.0), (-2.0, -1.0), &back, &turn),
            ((-1.0, 0.0), (-2.0, -1.0), &back, &turn),
            ((0.0, 0.0), (0.0, 0.0), &zero, &zero),
            ((0.0, 0.0), (-1.0, 1.0), &zero, &turn),
            ((0.0, 1.0), (0.0, 1.0), &zero, &up),
            ((-1.0, 0.0), (0.0, 1.0), &down, &zero),
            ((-1.0, 0.0), (-1.0, 1.0), &back, &turn),
            ((0.0, 1.0), (-1.0, 0.0), &zero, &turn),
            (
                (1.0, 2.0),
                (-1.0, 1.0),
                &of_point(1.0, 1.0),
                &of_point(1.0, -1.0),
            ),
        ] {
            let found = angle(y, x);
            assert_eq!(found.inf, inf.inf, "{y:?} {x:?}");
            assert_eq!(found.sup, sup.sup, "{y:?} {x:?}");
        }
    }
}
