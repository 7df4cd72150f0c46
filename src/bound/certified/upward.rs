//! Sums and products of non-negative binary64 numbers, rounded up.

/// A number not below `x + y`.
pub(super) fn add(x: f64, y: f64) -> f64 {
    match (x == 0.0, y == 0.0) {
        (true, _) => y,
        (_, true) => x,
        _ => (x + y).next_up(),
    }
}

/// A number not below `x · y`.
pub(super) fn mul(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 {
        0.0
    } else {
        (x * y).next_up()
    }
}

/// A number not below the sum of `terms`.
pub(super) fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    terms.fold(0.0, add)
}

/// A sum of bounds that errors contribute, in units of the unit roundoff.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Contribution {
    /// In any order of summation.
    pub any: f64,
    /// In the documented order.
    pub stated: f64,
    /// The sum of the squares in the documented order.
    pub squares: f64,
    /// What comes to each of them from the widths of sensitivities.
    pub rest: f64,
}

impl Contribution {
    /// Of an error, what counts where any order of summation is admitted.
    pub fn in_any_order(&self) -> Self {
        Self {
            any: self.any,
            ..Self::default()
        }
    }

    /// Of an error, what counts in the documented order.
    pub fn in_stated_order(&self) -> Self {
        Self { any: 0.0, ..*self }
    }

    /// Adds `size` times the errors of one entry.
    pub fn note(&mut self, size: f64, error: &Self) {
        self.any = add(self.any, mul(size, error.any));
        self.stated = add(self.stated, mul(size, error.stated));
        self.squares = add(self.squares, mul(mul(size, size), error.squares));
    }

    /// Adds what sensitivities neglect as numbers.
    pub fn note_rest(&mut self, rest: f64) {
        self.any = add(self.any, rest);
        self.stated = add(self.stated, rest);
        self.rest = add(self.rest, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::ratio_from_f64;
    use proptest::prelude::*;

    #[test]
    fn what_entries_contribute_is_weighed_and_the_rest_is_not() {
        let error = Contribution {
            any: 4.0,
            stated: 2.0,
            squares: 1.0,
            rest: 0.0,
        };
        let mut sum = Contribution::default();
        sum.note(3.0, &error);
        sum.note_rest(0.5);
        // Rounded up, and each operation by a few units in the last place at most.
        for (found, exact) in [
            (sum.any, 12.5),
            (sum.stated, 6.5),
            (sum.squares, 9.0),
            (sum.rest, 0.5),
        ] {
            let most = exact * (1.0 + 8.0 * f64::EPSILON);
            assert!(exact <= found && found <= most, "{found} for {exact}");
        }
    }

    #[test]
    fn zero_adds_nothing() {
        assert_eq!(
            (add(0.0, 5.0), add(5.0, 0.0), add(0.0, 0.0)),
            (5.0, 5.0, 0.0)
        );
        assert_eq!((mul(0.0, 5.0), mul(5.0, 0.0)), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn nothing_is_below_the_exact_result(x in 0.0f64..1e300, y in 0.0f64..1e300, e in -320i32..0) {
            let y = y * 10f64.powi(e);
            let q = |x| ratio_from_f64(x).unwrap();
            prop_assert!(q(add(x, y)) >= q(x) + q(y));
            let product = mul(x, y);
            prop_assert!(product.is_infinite() || q(product) >= q(x) * q(y));
        }
    }
}
