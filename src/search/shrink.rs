//! From a failing case to the smallest that fails, and to a witness.

use proptest::strategy::ValueTree;
use rayon::prelude::*;

use super::campaign::{Campaign, judge};
use super::draw::{Choices, dimension_names};
use super::finding::Finding;
use super::result::TestResult;
use super::test_case::TestCase;
use super::witness::HuntedWitness;

/// So many smaller cases are tried.
const TRIES: usize = 600;
/// So many cases of the smallest sizes are drawn anew where a case does not shrink to them.
const REDRAWS: u64 = 160;

/// A shrunk case.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The case.
    pub test_case: TestCase,
    /// The contradiction to the property.
    pub finding: Finding,
}

impl Campaign {
    /// The smallest case to which a failing one shrinks; `None` for one that does not fail.
    pub fn shrink(&self, case: u64) -> Option<Shrunk> {
        self.smallest(case).map(|(_, shrunk)| shrunk)
    }

    fn smallest(&self, case: u64) -> Option<(Choices, Shrunk)> {
        let fails = |choices: &Choices| self.fails(case, choices);
        let mut tree = self.tree(&[case]).ok()?;
        let mut smallest = tree.current();
        let mut shrunk = fails(&smallest)?;
        let mut tries = 0;
        // First in large steps, then entry by entry, then in large steps again.
        reduce(&mut smallest, &mut shrunk, &fails);
        let large = size(&shrunk.test_case);
        if tree.simplify() {
            while tries < TRIES {
                tries += 1;
                let current = tree.current();
                let more = match fails(&current) {
                    Some(found) => {
                        if size(&found.test_case) <= large {
                            (smallest, shrunk) = (current, found);
                        }
                        tree.simplify()
                    }
                    None => tree.complicate(),
                };
                if !more {
                    break;
                }
            }
        }
        reduce(&mut smallest, &mut shrunk, &fails);
        // Of this size other numbers may be needed.
        for least in LEAST {
            if least.holds(&shrunk.test_case) {
                break;
            }
            let redrawn = |number| self.redrawn(case, &smallest, *least, number);
            if let Some(found) = (0..REDRAWS).into_par_iter().find_map_first(redrawn) {
                (smallest, shrunk) = found;
                reduce(&mut smallest, &mut shrunk, &fails);
                break;
            }
        }
        Some((smallest, shrunk))
    }

    fn fails(&self, case: u64, choices: &Choices) -> Option<Shrunk> {
        let (property, domain) = self.domain(case);
        let test_case = domain.test_case(choices).ok()?;
        match judge(property, &test_case) {
            TestResult::Failed(finding) => Some(Shrunk {
                test_case,
                finding: *finding,
            }),
            _ => None,
        }
    }

    /// A failing case that is this small: with other numbers, or another one altogether.
    fn redrawn(
        &self,
        case: u64,
        choices: &Choices,
        least: Least,
        number: u64,
    ) -> Option<(Choices, Shrunk)> {
        let mut drawn = self.tree(&[case, number]).ok()?.current();
        if number.is_multiple_of(2) {
            drawn = Choices {
                sizes: choices.sizes.clone(),
                pools: drawn.pools,
                kinds: drawn.kinds,
                zero_start: drawn.zero_start,
                scalars: drawn.scalars,
                factors: drawn.factors,
                second: drawn.second,
                parameters: drawn.parameters,
                ..choices.clone()
            };
        }
        drawn.steps %= 2;
        drawn.sizes.iter_mut().for_each(|n| *n %= least.size);
        let test_case = self.domain(case).1.test_case(&drawn).ok()?;
        let step = test_case.scenario.recipe.build().ok()?;
        let rank = dimension_names(&step).iter().position(|name| name == "r");
        if let Some(rank) = rank.and_then(|r| drawn.sizes.get_mut(r)) {
            *rank %= least.rank;
        }
        let shrunk = self.fails(case, &drawn)?;
        least.holds(&shrunk.test_case).then_some((drawn, shrunk))
    }

    /// A failing case as a witness; `None` for one that does not fail.
    pub fn witness(&self, case: u64) -> Option<HuntedWitness> {
        let (choices, shrunk) = self.smallest(case)?;
        let Shrunk { test_case, finding } = shrunk;
        Some(self.record(case, choices, &test_case, finding))
    }
}

/// The bounds of a small case.
#[derive(Debug, Clone, Copy)]
struct Least {
    /// The largest dimension.
    size: usize,
    /// The largest rank.
    rank: usize,
}

/// The smallest first.
const LEAST: &[Least] = &[
    Least { size: 1, rank: 1 },
    Least { size: 2, rank: 1 },
    Least { size: 2, rank: 2 },
];

impl Least {
    fn holds(self, test_case: &TestCase) -> bool {
        let run = &test_case.scenario;
        let fits = |name: &str, n| n <= if name == "r" { self.rank } else { self.size };
        run.steps <= 2 && run.sizes.iter().all(|(name, n)| fits(name, n))
    }
}

/// The size of a run, for comparison.
fn size(test_case: &TestCase) -> (usize, usize) {
    let sizes = test_case.scenario.sizes.iter();
    let beyond: usize = sizes.map(|(_, n)| n.saturating_sub(1)).sum();
    (beyond, test_case.scenario.steps)
}

/// Makes one choice after the other the simplest, as long as the case fails, until none can be.
fn reduce(smallest: &mut Choices, shrunk: &mut Shrunk, fails: &dyn Fn(&Choices) -> Option<Shrunk>) {
    let steps: [fn(&mut Choices, usize); 24] = [
        |g, _| g.sizes.fill(0),
        |g, _| g.steps = 0,
        |g, _| g.model = 0,
        |g, _| g.optimizer = 0,
        |g, _| g.loss = 0,
        |g, _| g.clip = 0,
        |g, _| g.schedule = 0,
        |g, _| g.regime = 0,
        |g, _| {
            g.accumulates = false;
            g.loraplus = false;
        },
        |g, _| g.sum = false,
        |g, _| g.on.fill(false),
        |g, _| g.turned.fill(false),
        |g, _| g.counts = 0,
        |g, _| g.scalars.fill(0),
        |g, _| g.kinds.fill(0),
        |g, _| g.zero_start = false,
        |g, _| g.factors.fill(0),
        |g, _| g.second.fill(0),
        |g, _| g.flips.fill(false),
        |g, _| g.arithmetic = 0,
        |g, _| g.parameters.fill(0),
        |g, i| g.sizes[i % 8] = 0,
        |g, i| g.on[i % 8] = false,
        |g, i| g.steps = i,
    ];
    const ROUNDS: usize = 3;
    for _ in 0..ROUNDS {
        let before = smallest.clone();
        for step in &steps {
            for i in 0..8 {
                let mut simpler = smallest.clone();
                step(&mut simpler, i);
                if simpler == *smallest || (simpler.steps > smallest.steps) {
                    continue;
                }
                let found = fails(&simpler);
                if let Some(found) = found.filter(|f| size(&f.test_case) <= size(&shrunk.test_case))
                {
                    (*smallest, *shrunk) = (simpler, found);
                }
            }
        }
        if before == *smallest {
            break;
        }
    }
}
