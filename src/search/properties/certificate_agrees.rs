//! The checker accepts a rule's certificate, and in no node do two runs contradict it.

use super::{EXACT, HuntedProperty, is_exact_or_encloses};
use crate::arith::{Arithmetic, ArithmeticName, Surd, WithArithmetic, with_arithmetic};
use crate::exec::{ExecError, Keep, Machine, Options, Outputs};
use crate::gauge::{self, check};
use crate::graph::NodeId;
use crate::scenario::Scenario;
use crate::search::draw::Domain;
use crate::search::ends::reason;
use crate::search::finding::{Finding, Place};
use crate::search::judge::ladder;
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "certificate-agrees",
    says: "the checker accepts the certificates, and every node of two runs obeys its weight",
    arithmetics: EXACT,
    supports: is_exact_or_encloses,
    evidence: &[],
    domain,
    judge,
};

fn domain(domain: Domain) -> Domain {
    Domain {
        // The weights are what is tried here; signs have no node weights to multiply with.
        signs: false,
        ..domain
    }
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let signs = gauge::sign_flips(&derived.step, &gauge::Options::default());
    let own = &derived.inference;
    let certificates = [
        (&own.question, &own.certificate),
        (&signs.question, &signs.certificate),
    ];
    for (question, certificate) in certificates {
        if let Err(error) = check(&derived.step, question, certificate) {
            return Ok(TestResult::contradicts(format!(
                "the checker refuses the certificate: {error}"
            )));
        }
    }
    let rescaling = derived.rescaling(&test_case.factors);
    let right = rescaling.scenario(&test_case.scenario)?;
    let weighed = weighed(&derived);
    let mut why = "no arithmetic has all of the operations".to_owned();
    let mut partly = false;
    for name in ladder(&derived.step, test_case.arithmetic) {
        let nodes = Nodes {
            derived: &derived,
            right: &right,
            weighed: &weighed,
        };
        match with_arithmetic(name, nodes)? {
            Said::Agree => {
                return Ok(TestResult::Passed(match name.is_enclosure() {
                    true => Basis::Enclosed,
                    false => Basis::Exact,
                }));
            }
            Said::Contradicts(finding) => return Ok(TestResult::Failed(finding)),
            Said::Partly => partly = true,
            Said::Nothing(reason) => why = reason,
        }
    }
    Ok(match partly {
        true => TestResult::Passed(Basis::Enclosed),
        false => TestResult::Undecided(why),
    })
}

/// The first node at which a run and the rescaled one differ, in the arithmetic that is asked for
/// or the strongest one; `None` where none is known.
pub(in crate::search) fn first_node(test_case: &TestCase) -> Option<Place> {
    let derived = Derived::new(test_case).ok()?;
    let rescaling = derived.rescaling(&test_case.factors);
    let right = rescaling.scenario(&test_case.scenario).ok()?;
    let weighed = weighed(&derived);
    for name in ladder(&derived.step, test_case.arithmetic) {
        let nodes = Nodes {
            derived: &derived,
            right: &right,
            weighed: &weighed,
        };
        if let Ok(Said::Contradicts(finding)) = with_arithmetic(name, nodes)
            && let Finding::Contradicts { place, .. } = *finding
        {
            return place;
        }
    }
    None
}

/// Every node that has a weight, with what it is multiplied by.
fn weighed(derived: &Derived<'_>) -> Vec<(NodeId, Surd)> {
    let rescaling = derived.rescaling(&derived.test_case.factors);
    let rule = derived.rule();
    let all = derived.step.graph.ids().filter_map(|id| {
        let weight = rule.node_weights.get(id.index())?.as_ref()?;
        Some((id, rescaling.factor(weight)?))
    });
    all.collect()
}

enum Said {
    Agree,
    /// The nodes of the first step as far as they are known.
    Partly,
    Contradicts(Box<Finding>),
    Nothing(String),
}

struct Nodes<'a> {
    derived: &'a Derived<'a>,
    right: &'a Scenario,
    weighed: &'a [(NodeId, Surd)],
}

impl WithArithmetic for Nodes<'_> {
    type Output = Said;

    fn call<A: Arithmetic>(self, ctx: A) -> Said {
        self.compare(&ctx)
            .unwrap_or_else(|error| Said::Nothing(reason(&error)))
    }
}

impl Nodes<'_> {
    fn compare<A: Arithmetic>(&self, ctx: &A) -> Result<Said, ExecError> {
        let left = &self.derived.test_case.scenario;
        let step = &self.derived.step;
        let options = Options {
            keep: Keep::Everything,
            outputs: Outputs::None,
        };
        let mut l = left.machine(ctx.clone(), step, options.clone())?;
        let mut r = self.right.machine(ctx.clone(), step, options)?;
        let mut factors = vec![];
        for (id, factor) in self.weighed {
            match ctx.from_surd(factor) {
                Ok(factor) => factors.push((*id, factor)),
                Err(error) => return Ok(Said::Nothing(format!("a factor has {error}"))),
            }
        }
        for taken in 0..left.steps {
            let ends = [l.complete().err(), r.complete().err()];
            for (id, factor) in &factors {
                if let Some(place) = self.first_difference(ctx, &l, &r, (*id, factor), taken) {
                    return Ok(Said::Contradicts(Box::new(Finding::Contradicts {
                        says:
                            "a node of the right run is not what its weight makes of the left run's"
                                .to_owned(),
                        place: Some(place),
                    })));
                }
            }
            match &ends {
                [None, None] => {}
                [left, right] if left == right && left.iter().any(ExecError::is_undefined) => {
                    return Ok(Said::Agree);
                }
                // What is in doubt may end one run earlier than the other; one step was looked at
                // in all its nodes.
                _ if taken > 0 => return Ok(Said::Agree),
                _ => return Ok(Said::Partly),
            }
            l.advance()?;
            r.advance()?;
        }
        Ok(Said::Agree)
    }

    /// The first entry of a node that contradicts its weight.
    fn first_difference<A: Arithmetic>(
        &self,
        ctx: &A,
        l: &Machine<'_, A>,
        r: &Machine<'_, A>,
        (id, factor): (NodeId, &A::Elem),
        taken: usize,
    ) -> Option<Place> {
        let (x, y) = (l.node(id)?, r.node(id)?);
        let mut scaled = ctx.zero();
        for row in 0..x.nrows() {
            for col in 0..x.ncols() {
                let place = |left: String, right: String| Place {
                    after_steps: taken,
                    quantity: self.derived.step.graph.describe(id),
                    entry: (row, col),
                    left,
                    right,
                };
                let defined = [l, r].map(|run| run.is_defined(id, row, col));
                match defined {
                    [true, true] => {
                        ctx.mul(&mut scaled, factor, &x[(row, col)]);
                        if ctx.same(&scaled, &y[(row, col)]) == Ok(false) {
                            return Some(place(ctx.show(&scaled), ctx.show(&y[(row, col)])));
                        }
                    }
                    // Where enclosures have no value, nothing is known.
                    [one, other] if one != other && is_single(ctx.name()) => {
                        let show = |defined: bool| match defined {
                            true => "a value".to_owned(),
                            false => "no value".to_owned(),
                        };
                        return Some(place(show(one), show(other)));
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

/// `true` if an element is one number, of which everything is known.
fn is_single(name: ArithmeticName) -> bool {
    !name.is_enclosure()
}
