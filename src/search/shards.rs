//! A campaign in parts: chunks of consecutive cases, shared out between shards.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::campaign::Campaign;
use super::totals::Totals;

/// The number of cases in a chunk, the smallest part that is recorded.
pub const CHUNK: u64 = 40;

/// One of several parts of equal size into which a campaign is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// Its number, from 0.
    pub index: u64,
    /// The number of all shards.
    pub count: u64,
}

impl Default for Shard {
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

/// A text that is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{0}`, expected i/n with i from 0 to n − 1, for instance 0/8")]
pub struct ShardError(String);

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError(text.to_owned());
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let (index, count) = (number(index)?, number(count)?);
        match index < count {
            true => Ok(Self { index, count }),
            false => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl Shard {
    /// The number of its own chunks of a campaign of so many cases.
    pub fn count_chunks(self, cases: u64) -> u64 {
        let all = cases.div_ceil(CHUNK);
        all.saturating_sub(self.index).div_ceil(self.count.max(1))
    }

    /// The numbers of its chunks of a campaign of so many cases.
    pub fn chunks(self, cases: u64) -> impl Iterator<Item = u64> {
        let step = usize::try_from(self.count).unwrap_or(usize::MAX);
        (self.index..cases.div_ceil(CHUNK)).step_by(step.max(1))
    }
}

/// The cases of a chunk of a campaign of so many cases.
pub fn chunk(number: u64, cases: u64) -> Range<u64> {
    let from = number.saturating_mul(CHUNK).min(cases);
    from..from.saturating_add(CHUNK).min(cases)
}

impl Campaign {
    /// Judges the chunks with these numbers, on all threads of the current pool. Each is handed
    /// to `done` as soon as it is finished; where that answers `false`, no more are begun, and
    /// the answer is `false`.
    pub fn chunks(
        &self,
        cases: u64,
        numbers: &[u64],
        done: &(dyn Fn(u64, Totals) -> bool + Sync),
    ) -> bool {
        let stopped = AtomicBool::new(false);
        let one = |number: &u64| {
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            let records = chunk(*number, cases).map(|case| self.case(case));
            if !done(*number, Totals::of(records)) {
                stopped.store(true, Ordering::Relaxed);
            }
        };
        numbers.par_iter().with_max_len(1).for_each(one);
        !stopped.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_out_every_chunk_once() {
        for (cases, count) in [(0, 3), (39, 2), (40, 2), (1000, 7)] {
            let shards = (0..count).map(|index| Shard { index, count });
            let mut all: Vec<u64> = shards.flat_map(|s| s.chunks(cases)).collect();
            all.sort_unstable();
            let covered: Vec<u64> = all.iter().flat_map(|n| chunk(*n, cases)).collect();
            assert_eq!(covered, (0..cases).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn shards_count_their_own() {
        for (cases, count) in [(0, 3), (39, 2), (40, 2), (81, 2), (1000, 7)] {
            for shard in (0..count).map(|index| Shard { index, count }) {
                let chunks: Vec<u64> = shard.chunks(cases).collect();
                assert_eq!(shard.count_chunks(cases), chunks.len() as u64);
            }
        }
    }

    #[test]
    fn a_shard_as_text() {
        let shard: Shard = "2/8".parse().unwrap();
        assert_eq!((shard.index, shard.count), (2, 8));
        assert_eq!(shard.to_string(), "2/8");
        for wrong in ["", "1", "8/8", "-1/2", "0/0", "a/b", "0/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
