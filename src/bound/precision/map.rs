//! From k and its split to the rescaled run, by the derived rule.

use std::collections::BTreeMap;

use num_traits::Zero;

use crate::arith::{Ratio, Surd, show_ratio};
use crate::gauge::{CheckError, Options, Rule, Weight, check, infer, show_weight};
use crate::scenario::{MapError, Powers, Scenario, Share};
use crate::zoo::RecipeError;

/// A rescaled run.
#[derive(Debug, Clone)]
pub struct Rescaled {
    /// The factor.
    pub k: Ratio,
    /// The run to which the rule leads.
    pub run: Scenario,
    /// What each quantity is multiplied by: `loss`, the outputs, every trained tensor.
    pub factors: BTreeMap<String, Surd>,
    /// The rule.
    pub rule: Rule,
}

/// Why there is no such rescaled run.
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
pub fn rescale(run: &Scenario, k: &Ratio, split: Share) -> Result<Rescaled, SplitError> {
    let step = (run.recipe.build()).map_err(|e| SplitError::Recipe(Box::new(e)))?;
    let inference = infer(&step, &Options::default());
    check(&step, &inference.question, &inference.certificate)
        .map_err(|e| SplitError::Certificate(Box::new(e)))?;
    let rule = inference.rule;
    let [p, q] = split.powers();
    let wanted = |tensor: &str| {
        // Of several pairs the tensors are A_1, B_1, …; what belongs to no pair stays.
        let part = |letter| tensor == letter || tensor.starts_with(&format!("{letter}_"));
        match (part("A"), part("B")) {
            (true, _) => p.clone(),
            (_, true) => q.clone(),
            _ => Ratio::zero(),
        }
    };
    let generators = rule.generators.iter();
    let of_generator: Vec<Ratio> = generators.map(|g| wanted(&g.leaf)).collect();
    let power = |weight: &Weight| -> Ratio {
        let products = weight.iter().zip(&of_generator).map(|(w, g)| w * g);
        products.sum()
    };
    for tensor in &rule.parameters {
        let found = rule.weights.get(tensor).map_or_else(Ratio::zero, power);
        let expected = wanted(tensor);
        if found != expected {
            return Err(SplitError::NotAllowed {
                split: split.name(),
                optimizer: run.recipe.optimizer.name.to_owned(),
                tensor: tensor.clone(),
                found: match rule.weights.get(tensor) {
                    Some(weight) if rule.dimension() > 0 => format!(
                        "k^({}) (weight {} in {})",
                        show_ratio(&found),
                        show_weight(weight),
                        rule.basis().join(", ")
                    ),
                    _ => "1".to_owned(),
                },
                expected: show_ratio(&expected),
            });
        }
    }
    let powers = |names: &[String]| -> BTreeMap<String, Ratio> {
        let with = names
            .iter()
            .filter_map(|n| Some((n.clone(), power(rule.weights.get(n)?))));
        with.collect()
    };
    let powers = Powers {
        hyperparameters: powers(&rule.hyperparameters),
        initial: powers(&rule.parameters),
        ..Powers::default()
    };
    let rescaled = powers.apply(run, k)?;
    let mut factors = BTreeMap::new();
    let mut add = |name: &str, weight: &Weight| -> Result<(), MapError> {
        let power = power(weight);
        let factor = Surd::power(k, &power).ok_or_else(|| MapError::Power {
            k: show_ratio(k),
            power: show_ratio(&power),
            quantity: name.to_owned(),
        })?;
        factors.insert(name.to_owned(), factor);
        Ok(())
    };
    add("loss", &rule.node_weight(step.loss))?;
    for output in &step.outputs {
        if let Some(Some(weight)) = rule.outputs.get(&output.name) {
            add(&output.name, weight)?;
        }
    }
    for name in &rule.parameters {
        if let Some(weight) = rule.weights.get(name) {
            add(name, weight)?;
        }
    }
    Ok(Rescaled {
        k: k.clone(),
        run: rescaled,
        factors,
        rule,
    })
}
