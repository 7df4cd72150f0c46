//! Two formulas over the step's quantities are the same, in every network.

use super::{Draft, JudgeError};
use crate::audit::{Claim, Evidence, Rung, Verdict};
use crate::graph::normal_form;

pub(super) fn judge(claim: &Claim) -> Result<Draft, JudgeError> {
    let (left, right) = claim.formulas();
    let outputs = [("claimed.left", left), ("claimed.right", right)];
    let step = claim.symbolic()?.build_observing(&outputs)?;
    let form = |name: &str| {
        let output = step.outputs.iter().find(|o| o.name == name)?;
        normal_form(&step.graph, output.node)
    };
    let (Some(x), Some(y)) = (form("claimed.left"), form("claimed.right")) else {
        return Ok(Draft::new(
            Verdict::Unknown,
            "multiplied out, the formulas are too long",
        ));
    };
    if x != y {
        return Ok(Draft::new(
            Verdict::Unknown,
            "the normal forms of the two formulas differ, which alone does not refute the identity",
        ));
    }
    let mut draft = Draft::new(
        Verdict::Proved,
        format!("{left} and {right} have the same normal form"),
    );
    draft.evidence.push(
        Evidence::new(
            Rung::Certificate,
            "Multiplied out into scalars times words of matrices, both sides are the same sum, so they are equal for all sizes and all values.",
        )
        .with("terms", x.terms()),
    );
    Ok(draft)
}
