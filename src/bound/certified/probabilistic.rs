//! The probabilistic bound: the size of sums of independent errors of mean 0 (Higham and Mary
//! 2019).

use super::contribution::Contribution;

/// The probability with which any of the probabilistic bounds of two runs may fail: that of any
/// entry of any quantity after any of the numbers of steps that were asked for.
pub const FAILURE_PROBABILITY: f64 = 0.01;

/// The bound that independent errors of mean 0 exceed with a small probability only, `lambda`
/// standard deviations and what is of second order; never above the bound for the stated order.
/// The left run's errors are multiplied by `c`.
pub(super) fn probabilistic(lambda: f64, l: &Contribution, r: &Contribution, c: f64) -> f64 {
    let bound = lambda * (c * c * l.squares + r.squares).sqrt() + c * l.rest + r.rest;
    bound.min(c * l.stated + r.stated)
}

/// The number of standard deviations beyond which none of `numbers` sums of independent errors
/// with mean 0, each with a bound of its own, lies but with [`FAILURE_PROBABILITY`]: a sum does
/// with 2·exp(−λ²/2) at most (Hoeffding 1963), and of several events one happens at most as often
/// as all of them together.
pub(super) fn lambda(numbers: usize) -> f64 {
    let one = FAILURE_PROBABILITY / (2.0 * numbers.max(1) as f64);
    // Logarithm and root are off by less than that.
    (-2.0 * one.ln()).sqrt() * (1.0 + 2f64.powi(-40))
}
