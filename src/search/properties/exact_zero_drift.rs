//! In exact arithmetic the rescaled run is the run itself, number by number.

use super::{EXACT, HuntedProperty, is_exact};
use crate::graph::StepGraph;
use crate::search::draw::{Domain, Fit};
use crate::search::judge::{Pair, is_rational_function, judge_pair, ladder};
use crate::search::result::{SearchError, TestResult};
use crate::search::test_case::{Derived, TestCase};
use crate::zoo::optimizers::Optimizer;
use crate::zoo::{Recipe, Schedule};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "exact-zero-drift",
    says: "under its rule a run is the same, number by number, in rationals or the prime field",
    arithmetics: EXACT,
    supports: is_exact,
    evidence: &[],
    domain,
    judge,
};

/// The runs that exact arithmetic can carry through.
fn domain(mut domain: Domain) -> Domain {
    domain.optimizers.retain(|o| takes_an_exact_step(o));
    domain.losses.retain(|l| l.name != "cross_entropy");
    let of_functions = ["mlp_tanh", "mlp_gelu", "attention", "dora", "joint"];
    domain.models.retain(|m| !of_functions.contains(&m.name));
    domain
        .clips
        .retain(|clip| matches!(clip, None | Some(crate::zoo::Clip::Value)));
    let of_functions = |s: &Schedule| {
        matches!(
            s,
            Schedule::Cosine { .. } | Schedule::CosineWithMinLr { .. } | Schedule::InverseSqrt
        )
    };
    domain
        .schedules
        .retain(|s| s.as_ref().is_none_or(|s| !of_functions(s)));
    domain.fit = Fit::Exact;
    domain
}

/// `true` if an exact arithmetic of this build takes a step with it.
fn takes_an_exact_step(optimizer: &'static Optimizer) -> bool {
    let step = Recipe::linear(optimizer).plain().build();
    step.is_ok_and(|step| first_step(&step) || is_rational_function(&step))
}

#[cfg(feature = "mp")]
fn first_step(step: &StepGraph) -> bool {
    use crate::arith::{Ratio, Rational, Surd};
    use crate::exec::{Options, Sizes, random, run};

    let sizes = Sizes::from([("batch", 2), ("n_in", 2), ("n_out", 2), ("r", 2)]);
    let draw = |_: &str| random::Draw::Uniform { bits: 3 };
    let Ok(mut values) = random::values(step, &sizes, 1, draw) else {
        return false;
    };
    for (leaf, ..) in step.hyperparameters() {
        values.set_scalar(leaf, Surd::rational(Ratio::new(1.into(), 2.into())));
    }
    run(Rational, step, &sizes, &values, 1, &Options::default()).is_ok()
}

/// Without rationals only field operations are exact.
#[cfg(not(feature = "mp"))]
fn first_step(_: &StepGraph) -> bool {
    false
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let derived = Derived::new(test_case)?;
    let (right, property) = derived.map()?;
    let pair = Pair {
        property: &property,
        left: &test_case.scenario,
        right: &right,
        mixed: false,
    };
    let arithmetics = ladder(&derived.step, test_case.arithmetic);
    judge_pair(pair, &arithmetics, true)
}
