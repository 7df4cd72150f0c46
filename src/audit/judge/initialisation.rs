//! The initialisation does not depend on alpha: read off the formulas of each scheme.

use num_traits::Zero;

use super::{Draft, JudgeError};
use crate::arith::{Ratio, show_ratio};
use crate::audit::{Evidence, Rung, Table, Verdict};
use crate::gauge;
use crate::graph::{GraphError, StepBuilder, StepGraph};
use crate::zoo::RecipeError;
use crate::zoo::initializers::{First, INITIALIZERS, Initializer};

pub(super) fn judge() -> Result<Draft, JudgeError> {
    let mut rows = Vec::new();
    let (mut free, mut bound) = (Vec::new(), Vec::new());
    for scheme in INITIALIZERS {
        let step = graph(scheme).map_err(RecipeError::from)?;
        let s = step.graph.leaf("s");
        let depends = |name: &str| {
            let output = step.outputs.iter().find(|o| o.name == name);
            output.is_some_and(|o| {
                let cone = step.graph.cone([o.node]);
                s.is_some_and(|s| cone[s.index()])
            })
        };
        let cell = |name: &str| {
            if !depends(name) {
                return "independent".to_owned();
            }
            match power_of_s(&step, name) {
                Some(power) if power.is_zero() => "s cancels".to_owned(),
                Some(power) => format!("s^({})", show_ratio(&power)),
                None => "contains s".to_owned(),
            }
        };
        let cells: Vec<String> = ["A0", "B0", "W0"].iter().map(|n| cell(n)).collect();
        let independent = cells.iter().all(|c| c == "independent");
        if independent { &mut free } else { &mut bound }.push(scheme.name);
        let mut row = vec![scheme.name.to_owned()];
        row.extend(cells);
        row.push(scheme.first.words().to_owned());
        row.push(scheme.source.to_owned());
        rows.push(row);
    }
    let mut draft = if bound.is_empty() {
        Draft::new(Verdict::Proved, "no scheme contains alpha")
    } else if free.is_empty() {
        Draft::new(Verdict::Refuted, "every scheme contains alpha")
    } else {
        Draft::new(
            Verdict::ProvedIf,
            format!(
                "it holds for {} and not for {}",
                free.join(", "),
                bound.join(", ")
            ),
        )
    };
    if !bound.is_empty() && !free.is_empty() {
        draft
            .conditions
            .push(format!("the scheme is one of {}", free.join(", ")));
    }
    draft.evidence.push(
        Evidence::new(
            Rung::Certificate,
            "For each scheme the whole formula of A0, B0 and the frozen weight is a graph; a quantity is independent of alpha when no path leads to it from s.",
        )
        .with("independent", free.join(", "))
        .with("dependent", bound.join(", ")),
    );
    draft.tables.push(Table {
        title: "Initialisation schemes and the power of s = alpha/r in each start value".into(),
        columns: [
            "scheme",
            "A0",
            "B0",
            "frozen weight",
            "network before the first step",
            "formula from",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    });
    let moved = INITIALIZERS.iter().filter(|scheme| {
        let kept = scheme.first == First::Kept;
        !kept && free.contains(&scheme.name)
    });
    let moved: Vec<&str> = moved.map(|scheme| scheme.name).collect();
    if !moved.is_empty() {
        draft.remarks.push(format!(
            "with {} the start values do not depend on alpha, but the network that they make does",
            moved.join(", ")
        ));
    }
    let remarks = INITIALIZERS.iter().filter_map(|scheme| {
        let remark = scheme.remark?;
        Some(format!("{}: {remark}", scheme.name))
    });
    draft.remarks.extend(remarks);
    Ok(draft)
}

/// The scheme's formulas as outputs of a step that trains nothing.
fn graph(scheme: &Initializer) -> Result<StepGraph, GraphError> {
    let step = StepBuilder::new();
    let initial = (scheme.build)(&step);
    step.output("A0", initial.a);
    step.output("B0", initial.b);
    step.output("W0", initial.w0);
    step.set_loss(step.ratio(0, 1));
    step.finish()
}

/// The power of s to which the quantity is proportional, all data held fixed.
fn power_of_s(step: &StepGraph, name: &str) -> Option<Ratio> {
    let rule = gauge::infer(step, &gauge::Options::default()).rule;
    let s = rule.weights.get("s")?;
    let at = s.iter().position(|w| !w.is_zero())?;
    let own = rule.outputs.get(name)?.as_ref()?.get(at)?;
    Some(own / &s[at])
}
