//! Where runs end.

use super::finding::Finding;
use super::result::SearchError;
use crate::arith::{Arithmetic, ArithmeticName, WithArithmetic, with_arithmetic};
use crate::exec::{ExecError, Outputs};
use crate::graph::StepGraph;
use crate::scenario::Scenario;

/// Two runs of which one has no value where the other has one.
pub(super) fn ends_apart(ends: [Option<End>; 2]) -> Finding {
    let after_steps = ends.iter().flatten().map(|e| e.taken).min().unwrap_or(0);
    let first = ends.iter().position(|end| {
        let taken = end.as_ref().map(|end| end.taken);
        taken == Some(after_steps)
    });
    let side = ["left", "right"][first.unwrap_or(0)];
    let [left, right] = ends.map(|end| match end {
        Some(end) => end.error.to_string(),
        None => "goes on".to_owned(),
    });
    Finding::Undefined {
        after_steps,
        side: side.to_owned(),
        reason: format!("on the left: {left}; on the right: {right}"),
    }
}

/// The reason for which a run ends, without the place, so that equal reasons can be counted.
pub(super) fn reason(error: &ExecError) -> String {
    match error {
        ExecError::Operation { source, .. } => format!("a run ends: {source}"),
        other => format!("a run cannot be set up: {other}"),
    }
}

/// The end of a run before its last step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    /// So many steps it can take and still be evaluated after them.
    pub taken: usize,
    pub error: ExecError,
}

impl End {
    pub(super) fn forget_entry(&mut self) {
        if let ExecError::Operation { entry, .. } = &mut self.error {
            *entry = (0, 0);
        }
    }
}

/// The end of a run within `steps` steps, with all its outputs; `None` where it has none.
pub(crate) fn end_of(
    name: ArithmeticName,
    run: &Scenario,
    steps: usize,
) -> Result<Option<End>, SearchError> {
    struct Alone<'a>(&'a Scenario, &'a StepGraph, usize);
    impl WithArithmetic for Alone<'_> {
        type Output = Option<End>;
        fn call<A: Arithmetic>(self, ctx: A) -> Option<End> {
            let Self(run, step, steps) = self;
            let mut seen = 0;
            let machine = run.machine(ctx, step, Outputs::All);
            let walked = machine.and_then(|mut m| m.watch(steps, |taken, _| seen = taken));
            walked.err().map(|error| End { taken: seen, error })
        }
    }
    let step = run.recipe.build()?;
    Ok(with_arithmetic(name, Alone(run, &step, steps))?)
}
