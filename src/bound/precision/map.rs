//! From k and its split to the rescaled run, by the derived rule.

use std::collections::BTreeMap;

use crate::arith::{Ratio, Surd, show_ratio};
use crate::bound::rescaling::{NoSplit, Rescaling};
use crate::gauge::{CheckError, Options, Rule, check, infer, show_weight};
use crate::scenario::{MapError, Scenario, Split};
use crate::zoo::RecipeError;

/// A rescaled run.
#[derive(Debug, Clone)]
pub struct Rescaled {
    /// The factor.
    pub k: Ratio,
    /// The run to which the rule leads.
    pub run: Scenario,
    /// The factor of each quantity: `loss`, the outputs, every trained tensor.
    pub factors: BTreeMap<String, Surd>,
    /// The rule.
    pub rule: Rule,
}

/// The reason why there is no such rescaled run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// The recipe cannot be built.
    #[error("{0}")]
    Recipe(Box<RecipeError>),
    /// The rule does not multiply the factors as the split says.
    #[error(
        "field `precision.split`: found `{split}`, but the rule of {optimizer} with this recipe multiplies `{tensor}` by {found}, where the split asks for k^({expected})"
    )]
    NotAllowed {
        /// The split's name.
        split: &'static str,
        /// The optimizer.
        optimizer: String,
        /// The tensor.
        tensor: String,
        /// The power of k that the rule gives it.
        found: String,
        /// The power that the split asks for.
        expected: String,
    },
    /// A power of k is no number that can be formed exactly.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The checker does not accept the rule, which is a defect of the program.
    #[error("the rule's certificate is not accepted: {0}")]
    Certificate(Box<CheckError>),
}

/// The run to which the derived rule leads from `run`, with `k` shared as `split` says. The
/// rule's certificate is checked.
///
/// # Errors
/// [`SplitError`]: the rule does not allow the split, or a power of k has no exact form.
pub fn rescale(run: &Scenario, k: &Ratio, split: Split) -> Result<Rescaled, SplitError> {
    let step = (run.recipe.build()).map_err(|e| SplitError::Recipe(Box::new(e)))?;
    let inference = infer(&step, &Options::default());
    check(&step, &inference.question, &inference.certificate)
        .map_err(|e| SplitError::Certificate(Box::new(e)))?;
    let rule = inference.rule;
    let rescaling = Rescaling::of_split(&rule, run.recipe.model, split, k)
        .map_err(|refusal| not_allowed(run, &rule, split, *refusal))?;
    Ok(Rescaled {
        k: k.clone(),
        run: rescaling.scenario(run)?,
        factors: rescaling.factors(&step)?,
        rule,
    })
}

fn not_allowed(run: &Scenario, rule: &Rule, split: Split, refusal: NoSplit) -> SplitError {
    let NoSplit {
        tensor,
        found,
        expected,
    } = refusal;
    SplitError::NotAllowed {
        split: split.name(),
        optimizer: run.recipe.optimizer.name.to_owned(),
        found: match rule.weights.get(&tensor) {
            Some(weight) if rule.dimension() > 0 => format!(
                "k^({}) (weight {} in {})",
                show_ratio(&found),
                show_weight(weight),
                rule.basis().join(", ")
            ),
            _ => "1".to_owned(),
        },
        expected: show_ratio(&expected),
        tensor,
    }
}
