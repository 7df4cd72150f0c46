//! A run stays within its enclosures, node by node.
//!
//! A run in rationals is compared with interval arithmetic, a run in a float format with the
//! enclosure of all roundings of that format. What a run computes wrongly in the same way on both
//! sides of a map shows here and in no comparison of the two.

use nalgebra::DMatrix;

use super::HuntedProperty;
use crate::arith::{
    Arithmetic, ArithmeticName, Enclosed, Enclosures, F64Intervals, FloatModel, Intervals, MpEnds,
    MpIntervals, Ratio, Reordered, WithArithmetic, show_ratio, with_arithmetic,
};
use crate::exec::{ExecError, Keep, Machine, Options, Outputs};
use crate::graph::StepGraph;
use crate::scenario::Scenario;
use crate::search::draw::Domain;
use crate::search::finding::{Finding, Place};
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::TestCase;

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "runs-stay-enclosed",
    says: "every node of a run lies in its interval, or in the enclosure of all roundings",
    arithmetics: &[
        ArithmeticName::Rational,
        ArithmeticName::F32,
        ArithmeticName::F64,
        ArithmeticName::Bf16,
        ArithmeticName::F16,
        ArithmeticName::Mp(24),
        ArithmeticName::Mp(53),
    ],
    supports: |name| name == ArithmeticName::Rational || FloatModel::of(name).is_some(),
    // Numbers without a largest exponent would become very long as rationals.
    evidence: &[],
    domain: |domain| Domain {
        well_conditioned: true,
        ..domain
    },
    judge,
};

/// Bits of the ends beyond those of the format, so that their own rounding hides little.
const GUARD: u32 = 24;
/// Bits of the intervals that are to hold an exact run: few, so that everything is rounded.
const COARSE: u32 = 24;

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let pick = |i: usize| test_case.parameters.get(i).copied().unwrap_or(0);
    let task = Task {
        run: &test_case.scenario,
        step: &test_case.scenario.recipe.build()?,
        order: (pick(0) % 2 == 1).then(|| (u64::from(pick(1)), pick(2) % 2 == 1)),
    };
    let escaped = with_arithmetic(test_case.arithmetic, task)??;
    Ok(match escaped {
        None => TestResult::Passed(Basis::Enclosed),
        Some(place) => TestResult::Failed(Box::new(Finding::Contradicts {
            says: "a run (left) is outside its enclosure (right)".to_owned(),
            place: Some(place),
        })),
    })
}

struct Task<'a> {
    run: &'a Scenario,
    step: &'a StepGraph,
    /// The order of summation, drawn from a seed, with or without fusing; or the documented one.
    order: Option<(u64, bool)>,
}

impl WithArithmetic for Task<'_> {
    type Output = Result<Option<Place>, SearchError>;

    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        let Some(model) = FloatModel::of(ctx.name()) else {
            let coarse = MpIntervals::new(COARSE);
            return Ok(
                match self.escape(&ctx, &F64Intervals::new(), Intervals::bounds)? {
                    None => self.escape(&ctx, &coarse, Intervals::bounds)?,
                    place => place,
                },
            );
        };
        let bounds = |ctx: &Enclosures<MpEnds>, x: &Enclosed<_>| ctx.intervals().bounds(&x.range);
        let ends = MpEnds::new(model.precision + GUARD);
        let enclosures = Enclosures::new(ends, model);
        Ok(match self.order {
            None => self.escape(&ctx, &enclosures, bounds)?,
            Some((seed, fused)) => {
                self.escape(&Reordered::new(ctx, seed, fused), &enclosures, bounds)?
            }
        })
    }
}

impl Task<'_> {
    /// The first entry of a node at which the run in `ctx` is not where the enclosure says. Both
    /// are followed up to the first step in which one of them ends.
    fn escape<A: Arithmetic, E: Arithmetic>(
        &self,
        ctx: &A,
        enclosing: &E,
        ends: impl Fn(&E, &E::Elem) -> [Option<Ratio>; 2],
    ) -> Result<Option<Place>, ExecError> {
        let Self { run, step, .. } = self;
        let options = Options {
            keep: Keep::Everything,
            outputs: Outputs::None,
        };
        let single = Machine::new(ctx.clone(), step, &run.sizes, &run.values, &options);
        let within = Machine::new(enclosing.clone(), step, &run.sizes, &run.values, &options);
        // A format that does not hold the values has no run.
        let (Ok(mut single), Ok(mut within)) = (single, within) else {
            return Ok(None);
        };
        for taken in 0..run.steps.max(1) {
            let ended = [single.complete().is_err(), within.complete().is_err()];
            for id in step.graph.ids() {
                let (Some(x), Some(y)) = (single.node(id), within.node(id)) else {
                    continue;
                };
                // An inverse has values everywhere or nowhere, its enclosure entry by entry.
                let whole = entries(y).all(|(row, col)| within.is_defined(id, row, col));
                let at = |entry: (usize, usize)| -> Option<(String, String)> {
                    if !within.is_defined(id, entry.0, entry.1) {
                        return None;
                    }
                    let shown = enclosing.show(&y[entry]);
                    if !single.is_defined(id, entry.0, entry.1) {
                        // Rationals lack operations that intervals have.
                        let has_all = FloatModel::of(ctx.name()).is_some();
                        return (has_all && whole).then(|| ("no value".to_owned(), shown));
                    }
                    let value = ctx.to_ratio(&x[entry])?;
                    let [inf, sup] = ends(enclosing, &y[entry]);
                    let inside =
                        inf.is_none_or(|inf| inf <= value) && sup.is_none_or(|sup| value <= sup);
                    (!inside).then(|| (show_ratio(&value), shown))
                };
                if let Some((entry, (left, right))) =
                    entries(x).find_map(|entry| Some((entry, at(entry)?)))
                {
                    return Ok(Some(Place {
                        after_steps: taken,
                        quantity: step.graph.describe(id),
                        entry,
                        left,
                        right,
                    }));
                }
            }
            if ended.contains(&true) || taken + 1 == run.steps {
                break;
            }
            single.advance()?;
            within.advance()?;
        }
        Ok(None)
    }
}

/// All places of a matrix.
fn entries<T>(m: &DMatrix<T>) -> impl Iterator<Item = (usize, usize)> {
    let (rows, cols) = m.shape();
    (0..rows).flat_map(move |row| (0..cols).map(move |col| (row, col)))
}
