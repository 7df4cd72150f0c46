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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::ratio_from_f64;
    use proptest::prelude::*;

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
