//! The sums of elementary errors that bounds are made of.

use super::intervals::{F64Interval, magnitude};
use super::rounding_up::{add, mul};

/// A sum of bounds that errors contribute, in units of the unit roundoff.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Contribution {
    /// The sum in any order of summation.
    pub any: f64,
    /// The sum in the stated order.
    pub stated: f64,
    /// The sum of the squares in the stated order.
    pub squares: f64,
    /// The part of each of them that comes from the widths of sensitivities.
    pub rest: f64,
}

impl Contribution {
    /// An error of this size, whatever the order of summation.
    pub fn of(error: f64) -> Self {
        Self {
            any: error,
            stated: error,
            squares: mul(error, error),
            rest: 0.0,
        }
    }

    /// The part of an error that counts where any order of summation is admitted.
    pub fn in_any_order(&self) -> Self {
        Self {
            any: self.any,
            ..Self::default()
        }
    }

    /// The part of an error that counts in the stated order.
    pub fn in_stated_order(&self) -> Self {
        Self { any: 0.0, ..*self }
    }

    /// Adds `size` times the errors of one entry.
    fn note(&mut self, size: f64, error: &Self) {
        self.any = add(self.any, mul(size, error.any));
        self.stated = add(self.stated, mul(size, error.stated));
        self.squares = add(self.squares, mul(mul(size, size), error.squares));
    }

    /// Adds the errors of several entries, each times the size of its sensitivity.
    pub fn note_all<'s>(
        &mut self,
        sensitivities: impl IntoIterator<Item = &'s F64Interval>,
        errors: impl Iterator<Item = Self>,
    ) {
        for (sensitivity, error) in sensitivities.into_iter().zip(errors) {
            self.note(magnitude(sensitivity), &error);
        }
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
}
