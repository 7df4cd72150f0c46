//! What is derived about one optimizer: the whole step, and each of its cases.

use std::collections::BTreeMap;

use crate::arith::Ratio;
use crate::cli::Failure;
use crate::gauge::{self, Derivation, Options, Rule, weights_in_sqrt_k};
use crate::graph::StepGraph;
use crate::zoo::{Case, Recipe};

/// The base name of the scalings.
const SCALE: &str = "s";

/// The step of one recipe with what is derived about it.
pub(super) struct Derived {
    pub recipe: Recipe,
    /// True where each setting is one number for all tensors.
    pub is_shared: bool,
    /// The step as it is, whatever its cases decide.
    pub whole: Part,
    /// The step in each combination of decided cases; empty where it has none.
    pub cases: Vec<(Case, Part)>,
}

/// One step graph and everything derived about it.
pub(super) struct Part {
    pub step: StepGraph,
    pub derivation: Derivation,
}

impl Part {
    fn new(recipe: &Recipe, options: &Options) -> Result<Self, Failure> {
        let step = recipe
            .build()
            .map_err(|e| Failure::new(format!("{}: {e}", recipe.optimizer.name)))?;
        Ok(Self {
            derivation: gauge::derive(&step, options, SCALE),
            step,
        })
    }

    pub fn rule(&self) -> &Rule {
        self.derivation.rule()
    }

    /// The shared rule in powers of √k; `None` where it leaves s alone or has several factors.
    pub fn in_sqrt_k(&self) -> Option<BTreeMap<String, Ratio>> {
        weights_in_sqrt_k(&self.derivation.shared.rule, SCALE)
    }
}

impl Derived {
    pub fn new(recipe: Recipe, is_shared: bool) -> Result<Self, Failure> {
        let options = match is_shared {
            true => Options::shared(),
            false => Options::default(),
        };
        let cases = recipe
            .cases()
            .map_err(|e| Failure::new(format!("{}: {e}", recipe.optimizer.name)))?;
        Ok(Self {
            whole: Part::new(&recipe, &options)?,
            cases: cases
                .into_iter()
                .map(|case| Ok((Part::new(&case.recipe, &options)?, case)))
                .map(|part| part.map(|(part, case)| (case, part)))
                .collect::<Result<_, Failure>>()?,
            recipe,
            is_shared,
        })
    }

    /// The whole step and its cases, each with its name.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &Part)> {
        let cases = self.cases.iter().map(|(c, part)| (c.name.as_str(), part));
        std::iter::once(("always", &self.whole)).chain(cases)
    }

    /// The reason for which the checker refuses a certificate, with the name of the part.
    pub fn refused(&self) -> Option<(&str, String)> {
        self.parts()
            .find_map(|(name, part)| Some((name, part.derivation.refused.as_ref()?.to_string())))
    }

    /// The loss, where the model does not bring its own.
    pub fn loss(&self) -> Option<&'static str> {
        let has_targets = self.whole.step.graph.leaf("Y").is_some();
        has_targets.then_some(self.recipe.loss.name)
    }
}
