//! Choices as a function of a few numbers, the simplest for zeros.

use sha2::{Digest, Sha256};

/// Choices one after the other.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    state: u64,
    plain: bool,
}

impl Dice {
    /// The choices that belong to these numbers: always the first one where all are 0, so that
    /// what is shrunk becomes simpler.
    pub fn new(numbers: &[u32]) -> Self {
        let state = numbers
            .iter()
            .fold(1, |state, n| mix(state ^ u64::from(*n)));
        Self {
            state,
            plain: numbers.iter().all(|n| *n == 0),
        }
    }

    /// The choices that belong to a text.
    pub fn of_text(text: &str, number: u64) -> Self {
        let mut key = [0u8; 8];
        let digest = Sha256::digest(text.as_bytes());
        key.copy_from_slice(&digest[..8]);
        Self {
            state: mix(u64::from_le_bytes(key) ^ mix(number)),
            plain: false,
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        match self.plain || n < 2 {
            true => 0,
            false => (self.next() % n as u64) as usize,
        }
    }

    /// Yes in so many of a hundred cases; no in the simplest one.
    pub fn percent(&mut self, share: usize) -> bool {
        100 - self.below(100) <= share
    }

    /// One of a list.
    pub fn of<T: Copy, const N: usize>(&mut self, list: [T; N]) -> T {
        list[self.below(N)]
    }

    /// One of a list of any length.
    pub fn pick<'t, T>(&mut self, list: &'t [T]) -> Option<&'t T> {
        list.get(self.below(list.len()))
    }
}

/// SplitMix64's finish.
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_choose_what_comes_first_and_others_everything() {
        let mut plain = Dice::new(&[0, 0]);
        assert!((0..100).all(|_| plain.below(7) == 0 && !plain.percent(99)));
        let mut dice = Dice::new(&[0, 1]);
        let seen: std::collections::BTreeSet<usize> = (0..100).map(|_| dice.below(7)).collect();
        assert_eq!(seen.len(), 7);
        let yes = (0..1000).filter(|_| dice.percent(30)).count();
        assert!((250..350).contains(&yes), "{yes}");
    }
}
