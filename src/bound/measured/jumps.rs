//! Decisions of a step that fall differently in two runs.
//!
//! A decision is scale-free, so the rule says that it is the same in both runs. Where it differs,
//! rounding has turned an ulp into a jump.

use crate::arith::Arithmetic;
use crate::bound::study::Jump;
use crate::exec::{Decision, Machine};
use crate::graph::NodeId;
use crate::graph::print::operand;

/// Counts the entries at which the two runs decide differently in the step that both have
/// completed, and adds them to `jumps` while there are fewer than `most`.
pub(super) fn differences<A: Arithmetic>(
    decision: &Decision,
    [l, r]: [&Machine<'_, A>; 2],
    jumps: &mut Vec<Jump>,
    most: usize,
) -> usize {
    let graph = &l.plan().step().graph;
    let alone = |id: NodeId| {
        let text = operand(graph, id);
        let inner = text.strip_prefix('(').and_then(|x| x.strip_suffix(')'));
        inner.unwrap_or(&text).to_owned()
    };
    let mut count = 0;
    for entry in decision.entries(l) {
        let branches = [l, r].map(|run| decision.branch(run, entry));
        let [Some(left), Some(right)] = branches else {
            continue;
        };
        if left == right {
            continue;
        }
        count += 1;
        if jumps.len() < most {
            let values = [l, r].map(|run| decision.values(run, entry).unwrap_or_default());
            let [left_value, right_value] = values;
            jumps.push(Jump {
                step: l.step_number(),
                node: decision.describe(alone),
                entry,
                left: left.to_string(),
                right: right.to_string(),
                left_value,
                right_value,
            });
        }
    }
    count
}
