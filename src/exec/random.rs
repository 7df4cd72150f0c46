//! Random problems as pure functions of shape and seed.
//!
//! # The generator, in words
//! A matrix is drawn from one ChaCha stream with 8 rounds (the original layout: 64-bit block
//! counter from 0, 64-bit stream number). The 32-byte key is the seed as eight little-endian
//! bytes followed by 24 zero bytes; the stream number is the 64-bit FNV-1a hash of the
//! matrix's name in UTF-8. Each draw takes the next eight bytes of the key stream as a
//! little-endian number `u`.
//!
//! An *integer from 0 to n − 1* is the high half of the 128-bit product `u · n`, that is
//! `⌊u·n / 2⁶⁴⌋`. Entries are drawn row after row:
//! - [`Draw::Uniform`]: an integer from 0 to `2·2^b`, minus `2^b`, times `2^-b`: one draw.
//! - [`Draw::Normal`]: the sum of twelve such integers (each minus `2^b`), times `2^-(b+1)`;
//!   its standard deviation is 1 up to a relative 2^-b: twelve draws.
//! - [`Draw::OneHot`]: for each row the column that holds 1, an integer from 0 to columns − 1;
//!   zeros elsewhere: one draw a row (none where there are no columns).
//! - [`Draw::Mask`]: an integer from 0 to 1: one draw.
//! - [`Draw::Zeros`]: no draws.
//!
//! All entries are dyadic with few bits, so that every arithmetic starts from the same numbers.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use super::schedule::size_of;
use super::{ExecError, Sizes, Tensor, Values};
use crate::graph::{LeafKind, StepGraph};

/// The bits after the binary point that [`Draw::default`] uses.
pub const DEFAULT_BITS: u32 = 6;
/// More bits than this are cut down to it, so that every sum of twelve draws is exact.
pub const MAX_BITS: u32 = 48;

/// The distribution of the entries of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Multiples of `2^-bits` from −1 to 1.
    Uniform {
        /// Bits after the binary point.
        bits: u32,
    },
    /// Approximately normal with mean 0 and variance 1, between −6 and 6.
    Normal {
        /// Bits after the binary point, less one.
        bits: u32,
    },
    /// One 1 in each row: the classes of a cross-entropy.
    OneHot,
    /// Zeros and ones, each as likely: what dropout keeps.
    Mask,
    /// Zeros, as LoRA starts one factor.
    Zeros,
}

impl Default for Draw {
    fn default() -> Self {
        Self::Uniform { bits: DEFAULT_BITS }
    }
}

/// The `rows × cols` matrix called `name` of the problem `seed`.
pub fn tensor(draw: Draw, rows: usize, cols: usize, seed: u64, name: &str) -> Tensor {
    let mut source = Source::new(seed, name);
    let count = rows * cols;
    let values = match draw {
        Draw::Uniform { bits } => {
            let bits = bits.min(MAX_BITS);
            let unit = libm::exp2(-f64::from(bits));
            (0..count).map(|_| source.signed(bits) * unit).collect()
        }
        Draw::Normal { bits } => {
            let bits = bits.min(MAX_BITS);
            let unit = libm::exp2(-f64::from(bits + 1));
            let sum = |_| (0..12).map(|_| source.signed(bits)).sum::<f64>() * unit;
            (0..count).map(sum).collect()
        }
        Draw::OneHot => {
            let mut values = vec![0.0; count];
            for row in values.chunks_exact_mut(cols.max(1)) {
                row[source.below(cols as u64) as usize] = 1.0;
            }
            values
        }
        Draw::Mask => (0..count).map(|_| source.below(2) as f64).collect(),
        Draw::Zeros => vec![0.0; count],
    };
    Tensor::of_finite(rows, cols, values)
}

/// Draws every parameter and data leaf of `step`, each as `draw` says for its name.
/// Hyperparameters are not drawn.
///
/// # Errors
/// [`ExecError::UnknownDimension`] and [`ExecError::TooLarge`].
pub fn values(
    step: &StepGraph,
    sizes: &Sizes,
    seed: u64,
    draw: impl Fn(&str) -> Draw,
) -> Result<Values, ExecError> {
    let mut values = Values::new();
    for (name, id) in step.graph.leaves() {
        let kind = step.graph.leaf_at(id).map(|leaf| &leaf.kind);
        if let Some(LeafKind::Parameter | LeafKind::Data) = kind {
            let (rows, cols) = size_of(step, sizes, id)?;
            values.set_tensor(name, tensor(draw(name), rows, cols, seed, name));
        }
    }
    Ok(values)
}

/// The draws of one matrix.
struct Source(ChaCha8Rng);

impl Source {
    fn new(seed: u64, name: &str) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(fnv1a(name.as_bytes()));
        Self(stream)
    }

    /// An integer from 0 to `n − 1`; 0 when `n` is 0.
    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// An integer from `−2^bits` to `2^bits`.
    fn signed(&mut self, bits: u32) -> f64 {
        let half = 1u64 << bits;
        self.below(2 * half + 1) as f64 - half as f64
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers come from an implementation of this file's header in Python.
    #[test]
    fn the_draws_are_those_of_another_implementation() {
        let whole = |tensor: Tensor, unit: f64| -> Vec<i64> {
            tensor.values().iter().map(|x| (x * unit) as i64).collect()
        };
        let uniform = tensor(Draw::default(), 4, 5, 42, "A");
        assert_eq!(
            whole(uniform, 64.0),
            [
                -10, 37, 17, 63, -40, -30, 25, 40, -39, 61, 45, 41, -39, 14, 33, -27, 47, 45, 31,
                -64
            ]
        );
        let normal = tensor(Draw::Normal { bits: 3 }, 2, 3, (1 << 63) + 5, "W0");
        assert_eq!(whole(normal, 16.0), [-19, -18, 7, -16, -23, -26]);
        let classes = tensor(Draw::OneHot, 10, 3, 7, "Y");
        let columns: Vec<_> = classes
            .values()
            .chunks(3)
            .map(|row| row.iter().position(|x| *x == 1.0).unwrap())
            .collect();
        assert_eq!(columns, [1, 2, 2, 1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(classes.values().iter().sum::<f64>(), 10.0);
    }

    #[test]
    fn a_mask_keeps_some_and_drops_some() {
        let mask = tensor(Draw::Mask, 10, 10, 3, "M");
        let kept = mask.values().iter().filter(|x| **x == 1.0).count();
        let dropped = mask.values().iter().filter(|x| **x == 0.0).count();
        assert!(kept + dropped == 100 && kept > 30 && dropped > 30, "{kept}");
    }

    #[test]
    fn shapes_without_entries_are_drawn_too() {
        for draw in [Draw::default(), Draw::OneHot, Draw::Normal { bits: 2 }] {
            assert!(tensor(draw, 3, 0, 1, "A").values().is_empty());
            assert!(tensor(draw, 0, 3, 1, "A").values().is_empty());
        }
    }

    #[test]
    fn names_and_seeds_give_different_matrices() {
        let draw = |seed, name| tensor(Draw::default(), 3, 3, seed, name);
        assert_eq!(draw(1, "A"), draw(1, "A"));
        assert_ne!(draw(1, "A"), draw(1, "B"));
        assert_ne!(draw(1, "A"), draw(2, "A"));
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let values = tensor(Draw::Normal { bits: 6 }, 200, 200, 1, "A");
        let n = values.values().len() as f64;
        let mean = values.values().iter().sum::<f64>() / n;
        let variance = values.values().iter().map(|x| x * x).sum::<f64>() / n - mean * mean;
        assert!(
            mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05,
            "{mean} {variance}"
        );
    }
}
