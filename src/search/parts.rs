//! A campaign in parts: chunks of consecutive cases, shared out between shards.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::totals::Totals;

/// The number of cases in a chunk, the smallest part that is recorded.
pub const CHUNK: u64 = 40;

/// One of several parts of equal size into which a campaign is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// Its number, from 0.
    pub index: u64,
    /// How many there are.
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
    /// How many chunks of a campaign of so many cases are its own.
    pub fn count_chunks(self, cases: u64) -> u64 {
        let all = cases.div_ceil(CHUNK);
        all.saturating_sub(self.index).div_ceil(self.count.max(1))
    }

    /// How many cases of a campaign of so many are its own.
    pub fn count_cases(self, cases: u64) -> u64 {
        let own = self.count_chunks(cases);
        let last = own.checked_sub(1).map(|n| chunk(self.number(n), cases));
        last.map_or(0, |last| (own - 1) * CHUNK + (last.end - last.start))
    }

    /// The number of its chunk at this place.
    fn number(self, place: u64) -> u64 {
        self.index.saturating_add(place.saturating_mul(self.count))
    }

    /// The numbers of its chunks of a campaign of so many cases.
    pub fn chunks(self, cases: u64) -> impl Iterator<Item = u64> {
        let step = usize::try_from(self.count).unwrap_or(usize::MAX);
        (self.index..cases.div_ceil(CHUNK)).step_by(step.max(1))
    }
}

/// So many chunks are begun together: all of them are done before the next one is begun, so that
/// what is done can be told in little memory, however long the campaign is.
const BLOCK: u64 = 4096;

/// Which chunks of a shard are done.
#[derive(Debug, Clone)]
pub struct Done {
    shard: Shard,
    cases: u64,
    /// As many are done from the first one on.
    before: u64,
    /// The places of those that are done of the block that follows.
    block: BTreeSet<u64>,
}

/// A chunk that cannot come next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoneError {
    /// It is another shard's, or beyond the last one.
    #[error("chunk {0} is not one of this shard")]
    Another(u64),
    /// It is done.
    #[error("chunk {0} is recorded twice")]
    Twice(u64),
    /// Others must be done before.
    #[error("chunk {0} is recorded before others that must be done first")]
    Early(u64),
}

impl Done {
    /// Nothing yet of a shard of a campaign of so many cases.
    pub fn new(shard: Shard, cases: u64) -> Self {
        Self {
            shard,
            cases,
            before: 0,
            block: BTreeSet::new(),
        }
    }

    /// One more chunk is done.
    ///
    /// # Errors
    /// [`DoneError`] for a chunk that cannot be the next one.
    pub fn add(&mut self, number: u64) -> Result<(), DoneError> {
        let Shard { index, count } = self.shard;
        let beyond = number.checked_sub(index).filter(|n| n % count == 0);
        let place = beyond.map(|n| n / count);
        let total = self.shard.count_chunks(self.cases);
        let place = place.filter(|place| *place < total);
        let place = place.ok_or(DoneError::Another(number))?;
        let end = total.min(self.before + BLOCK);
        if place >= end {
            return Err(DoneError::Early(number));
        }
        if place < self.before || !self.block.insert(place) {
            return Err(DoneError::Twice(number));
        }
        if self.block.len() as u64 == end - self.before {
            self.before = end;
            self.block.clear();
        }
        Ok(())
    }

    /// How many chunks are not done.
    pub fn missing(&self) -> u64 {
        self.shard.count_chunks(self.cases) - self.before - self.block.len() as u64
    }

    /// The numbers of the chunks that come next; none where all are done.
    pub fn next(&self) -> Vec<u64> {
        let total = self.shard.count_chunks(self.cases);
        let places = self.before..total.min(self.before + BLOCK);
        let open = places.filter(|place| !self.block.contains(place));
        open.map(|place| self.shard.number(place)).collect()
    }
}

/// The cases of a chunk of a campaign of so many cases.
pub fn chunk(number: u64, cases: u64) -> Range<u64> {
    let from = number.saturating_mul(CHUNK).min(cases);
    from..from.saturating_add(CHUNK).min(cases)
}

impl Plan {
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
                let lengths = chunks.iter().map(|n| chunk(*n, cases));
                let own: u64 = lengths.map(|range| range.end - range.start).sum();
                assert_eq!(shard.count_cases(cases), own, "{shard} of {cases}");
            }
        }
        let all = Shard::default().count_cases(u64::MAX);
        assert_eq!(all, u64::MAX);
    }

    #[test]
    fn chunks_are_done_block_by_block() {
        let shard = Shard { index: 1, count: 3 };
        let cases = 3 * CHUNK * (BLOCK + 2);
        let mut done = Done::new(shard, cases);
        assert_eq!(done.missing(), BLOCK + 2);
        let first = done.next();
        assert_eq!((first.len() as u64, first[0], first[1]), (BLOCK, 1, 4));
        let beyond = shard.number(BLOCK);
        assert_eq!(done.add(beyond), Err(DoneError::Early(beyond)));
        assert_eq!(done.add(0), Err(DoneError::Another(0)));
        assert_eq!(done.add(u64::MAX), Err(DoneError::Another(u64::MAX)));
        for number in first.iter().rev() {
            done.add(*number).unwrap();
            assert_eq!(done.add(*number), Err(DoneError::Twice(*number)));
        }
        assert_eq!(done.next(), [beyond, beyond + 3]);
        done.add(beyond + 3).unwrap();
        done.add(beyond).unwrap();
        assert_eq!((done.missing(), done.next()), (0, vec![]));
        let after = shard.number(BLOCK + 2);
        assert_eq!(done.add(after), Err(DoneError::Another(after)));
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
