//! From a failing case to the smallest that fails, and to a witness.

use proptest::strategy::ValueTree;

use super::draw::Genes;
use super::plan::{Plan, judge};
use super::subject::{Derived, Subject};
use super::verdict::Verdict;
use super::witness::{Finding, Witness};
use crate::scenario::{Property, Scenario};

/// So many smaller cases are tried.
const TRIES: usize = 600;

/// A shrunk case.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The case.
    pub subject: Subject,
    /// What contradicts the property.
    pub finding: Finding,
}

impl Plan {
    /// The smallest case to which a failing one shrinks; `None` for one that does not fail.
    pub fn shrink(&self, case: u64) -> Option<Shrunk> {
        let (property, menu) = self.menu(case);
        let fails = |genes: &Genes| -> Option<Shrunk> {
            let subject = menu.subject(genes).ok()?;
            match judge(property, &subject) {
                Verdict::Failed(finding) => Some(Shrunk {
                    subject,
                    finding: *finding,
                }),
                _ => None,
            }
        };
        let mut tree = self.tree(case).ok()?;
        let mut smallest = tree.current();
        let mut shrunk = fails(&smallest)?;
        let mut tries = 0;
        // First in large steps, then entry by entry, then in large steps again.
        reduce(&mut smallest, &mut shrunk, &fails);
        let large = size(&shrunk.subject);
        if tree.simplify() {
            while tries < TRIES {
                tries += 1;
                let current = tree.current();
                let more = match fails(&current) {
                    Some(found) => {
                        if size(&found.subject) <= large {
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
        Some(shrunk)
    }

    /// A failing case as a witness; `None` for one that does not fail.
    pub fn witness(&self, case: u64) -> Option<Witness> {
        let Shrunk { subject, finding } = self.shrink(case)?;
        let (property, _) = self.menu(case);
        let mapped = Derived::new(&subject).and_then(|derived| derived.map());
        let (right, said): (Scenario, Property) = match mapped {
            Ok(mapped) => mapped,
            Err(_) => (subject.scenario.clone(), Property::default()),
        };
        let mut witness = Witness::new(
            property.name,
            property.says,
            subject.arithmetic,
            &said,
            (&subject.scenario, &right),
            finding,
        );
        witness.hunted = Some(subject.file(property.name, self.seed(), case));
        Some(witness)
    }
}

/// How large a run is, for comparison.
fn size(subject: &Subject) -> (usize, usize) {
    let sizes: usize = subject.scenario.sizes.iter().map(|(_, n)| n).sum();
    (sizes, subject.scenario.steps)
}

/// Makes one choice after the other the simplest, as long as the case fails, until none can be.
fn reduce(smallest: &mut Genes, shrunk: &mut Shrunk, fails: &dyn Fn(&Genes) -> Option<Shrunk>) {
    let steps: [fn(&mut Genes, usize); 24] = [
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
        |g, _| g.picks.fill(0),
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
                if let Some(found) = fails(&simpler) {
                    (*smallest, *shrunk) = (simpler, found);
                }
            }
        }
        if before == *smallest {
            break;
        }
    }
}
