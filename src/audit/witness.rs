//! A counterexample to a claim, as a file that needs nothing else.
//!
//! It holds the claim, one run and the factor; the other run is computed from these, and what is
//! said of the two is what the claim says. So nothing can be confirmed but that this claim fails on
//! this run. A claim with the name of a built-in one must be that one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::builtin::built_in_called;
use super::case::Case;
use super::claim::{Claim, FieldError, Setting, Statement};
use super::counter::{Trial, Tried};
use super::error::JudgeError;
use crate::arith::{ArithmeticName, Ratio, show_ratio};
use crate::scenario::{Exact, Scenario, ScenarioFile, TensorFile};
use crate::search::{Finding, Replay};

/// The schema name that a witness carries.
pub const WITNESS_SCHEMA: &str = "lora-gauge/witness/2";
/// No witness needs more steps.
const MOST_STEPS: usize = 1000;
/// Nor larger sizes.
const LARGEST_SIZE: usize = 64;

/// A counterexample that needs nothing else to be judged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// `lora-gauge/witness/2`.
    pub schema: String,
    /// The tool and version that wrote it.
    pub tool: String,
    /// The claim, field by field as in its file.
    pub claim: Map<String, Value>,
    /// The variant of a survey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The runs in words.
    pub says: String,
    /// The arithmetic in which the finding is certain.
    pub arithmetic: String,
    /// The factor, of which a change of sign takes the size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<Exact>,
    /// `refuted`: what the claim describes does not hold.
    pub verdict: String,
    /// The finding.
    pub found: Finding,
    /// The run.
    pub run: ScenarioFile,
    /// The first values of the other run, before it is rescaled, if it starts elsewhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub elsewhere: BTreeMap<String, TensorFile>,
    /// Of a claim that a map is the only one: the powers of another one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub another: BTreeMap<String, Exact>,
}

/// The reason for which a witness cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Not a witness file.
    #[error("{0}")]
    Syntax(String),
    /// A field holds something that no witness of the claim can hold.
    #[error("field `{field}`: {message}")]
    Field {
        /// The field.
        field: String,
        /// The value that was found and what was expected.
        message: String,
    },
    /// The claim cannot be put to the test at all.
    #[error(transparent)]
    Judge(#[from] JudgeError),
}

impl From<FieldError> for WitnessError {
    fn from(e: FieldError) -> Self {
        Self::Field {
            field: format!("claim.{}", e.field),
            message: e.message,
        }
    }
}

fn field(field: &str, message: impl ToString) -> WitnessError {
    WitnessError::Field {
        field: field.to_owned(),
        message: message.to_string(),
    }
}

impl Witness {
    /// The witness of a trial that found something.
    pub(super) fn new(claim: &Claim, variant: Option<&str>, says: &str, tried: &Tried) -> Self {
        let Tried {
            trial,
            run,
            finding,
            arithmetic,
        } = tried;
        Self {
            schema: WITNESS_SCHEMA.to_owned(),
            tool: format!("lora-gauge {}", env!("CARGO_PKG_VERSION")),
            claim: claim.file().clone(),
            variant: variant.map(str::to_owned),
            says: says.to_owned(),
            arithmetic: arithmetic.to_string(),
            k: trial.k().map(|k| Exact(k.clone().into())),
            verdict: "refuted".to_owned(),
            found: finding.clone(),
            run: run.into(),
            elsewhere: trial.elsewhere(),
            another: trial.another(),
        }
    }

    /// The claim's identifier.
    pub fn id(&self) -> &str {
        self.claim.get("id").and_then(Value::as_str).unwrap_or("")
    }

    /// Reads a witness file.
    ///
    /// # Errors
    /// [`WitnessError::Syntax`] with line and column; [`WitnessError::Field`] for another schema.
    pub fn parse(text: &str) -> Result<Self, WitnessError> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| WitnessError::Syntax(e.to_string()))?;
        let schema = value.get("schema").and_then(Value::as_str).unwrap_or("");
        if schema != WITNESS_SCHEMA {
            let advice = match schema.starts_with("lora-gauge/witness/") {
                true => "; it is of another version: audit the claim again",
                false => "",
            };
            let message = format!("found `{schema}`, expected `{WITNESS_SCHEMA}`{advice}");
            return Err(field("schema", message));
        }
        serde_json::from_str(text).map_err(|e| WitnessError::Syntax(e.to_string()))
    }

    /// The file's text; the same bytes for the same witness.
    ///
    /// # Errors
    /// [`WitnessError::Syntax`] should a value have no JSON form.
    pub fn to_json(&self) -> Result<String, WitnessError> {
        let text = serde_json::to_string_pretty(self);
        let mut text = text.map_err(|e| WitnessError::Syntax(e.to_string()))?;
        text.push('\n');
        Ok(text)
    }

    /// Puts the claim to the test on the run anew.
    ///
    /// # Errors
    /// [`WitnessError`] when the file holds no claim, or no run of its setting.
    pub fn replay(&self) -> Result<Replay, WitnessError> {
        self.with_trial(|claim, case, trial, run| {
            let name: ArithmeticName =
                (self.arithmetic.parse()).map_err(|e| field("arithmetic", e))?;
            let allowed = match claim.statement() {
                Statement::Bits { arithmetic, .. } => name == *arithmetic,
                _ => {
                    matches!(name, ArithmeticName::Rational | ArithmeticName::Prime)
                        || name.is_enclosure()
                }
            };
            if !allowed {
                let message =
                    format!("found {name}, in which a difference says nothing of the claim");
                return Err(field("arithmetic", message));
            }
            let (found, doubt) = trial.run_in(case, run, name)?;
            Ok(Replay {
                agrees: found.as_ref() == Some(&self.found),
                found,
                doubt,
                first_node: None,
            })
        })
    }

    /// The two runs that are compared; the same one twice where formulas along one run are.
    ///
    /// # Errors
    /// As [`Witness::replay`].
    pub fn sides(&self) -> Result<(Scenario, Scenario), WitnessError> {
        self.with_trial(|_, _, trial, run| Ok(trial.sides(run)?))
    }

    fn with_trial<T>(
        &self,
        then: impl FnOnce(&Claim, &Case<'_>, &Trial, &Scenario) -> Result<T, WitnessError>,
    ) -> Result<T, WitnessError> {
        if self.verdict != "refuted" {
            let message = format!("found `{}`, expected `refuted`", self.verdict);
            return Err(field("verdict", message));
        }
        let claim = self.claim()?;
        let variant = match claim.statement() {
            Statement::Survey(variants) => {
                let named = variants
                    .iter()
                    .find(|v| Some(&v.name) == self.variant.as_ref());
                let names: Vec<&str> = variants.iter().map(|v| v.name.as_str()).collect();
                let expected = || field("variant", format!("expected one of {}", names.join(", ")));
                Some(named.ok_or_else(expected)?)
            }
            _ if self.variant.is_some() => {
                return Err(field("variant", "this claim has no variants"));
            }
            _ => None,
        };
        let setting = variant.map_or(claim.setting(), |v| &v.setting);
        refuse_sizes(&self.run)?;
        let run = self.run.scenario().map_err(|e| field("run", e))?;
        fits(setting, &run)?;
        let k = match &self.k {
            None => None,
            Some(k) => {
                let positive = k.0.as_ratio().filter(|k| **k > Ratio::default());
                let expected = || field("k", "expected a positive rational number");
                Some(positive.cloned().ok_or_else(expected)?)
            }
        };
        if let (Statement::Bits { k: own, .. }, Some(k)) = (claim.statement(), &k)
            && own != k
        {
            let message = format!(
                "found {}, the claim says {}",
                show_ratio(k),
                show_ratio(own)
            );
            return Err(field("k", message));
        }
        let case = Case::new(setting)?;
        let (elsewhere, another) = (&self.elsewhere, &self.another);
        let trial = Trial::of(&claim, variant, &case, &run, k, elsewhere, another)?;
        then(&claim, &case, &trial, &run)
    }

    /// The claim in question.
    fn claim(&self) -> Result<Claim, WitnessError> {
        let own = built_in_called(self.id()).map_err(|e| WitnessError::Syntax(e.to_string()))?;
        match own {
            Some(own) if *own.file() != self.claim => {
                let message = format!(
                    "found `{}`, which is a built-in claim and says something else",
                    self.id()
                );
                Err(field("claim.id", message))
            }
            Some(own) => Ok(own),
            None => Ok(Claim::of("witness", self.claim.clone(), false)?),
        }
    }
}

/// Refuses what would take more than a moment, before anything is made of it.
fn refuse_sizes(run: &ScenarioFile) -> Result<(), WitnessError> {
    if run.steps == 0 || run.steps > MOST_STEPS {
        let message = format!("found {}, expected 1 to {MOST_STEPS}", run.steps);
        return Err(field("run.steps", message));
    }
    if let Some((name, size)) = run.sizes.iter().find(|(_, size)| **size > LARGEST_SIZE) {
        let message = format!("found {size}, expected at most {LARGEST_SIZE}");
        return Err(field(&format!("run.sizes.{name}"), message));
    }
    Ok(())
}

/// Refuses a run of which the setting does not speak.
fn fits(setting: &Setting, run: &Scenario) -> Result<(), WitnessError> {
    for (name, size) in &setting.sizes {
        if run.sizes.get(name) != Some(*size) {
            let message = format!("the claim says {size}");
            return Err(field(&format!("run.sizes.{name}"), message));
        }
    }
    let asked = &setting.numeric;
    let without_terms = |recipe: &crate::zoo::Recipe| {
        let mut file = ScenarioFile::of(recipe);
        file.hyperparameters.clear();
        file.name.clear();
        file
    };
    if without_terms(asked) != without_terms(&run.recipe) {
        return Err(field("run", "it is of another setting than the claim's"));
    }
    refuse_other_terms(setting, run)?;
    for name in &setting.zero {
        let tensor = run.values.tensors.get(name);
        let zero = tensor.is_some_and(|t| t.values().iter().all(|x| *x == 0.0));
        if !zero {
            return Err(field(
                &format!("run.tensors.{name}"),
                "the claim starts it at zero",
            ));
        }
    }
    let step = run.recipe.build().map_err(JudgeError::from)?;
    let mut values = BTreeMap::new();
    for (leaf, base, _) in step.hyperparameters() {
        let value = run.values.scalars.get(leaf);
        if *values.entry(base).or_insert(value) != value {
            let message = format!("`{base}` is one number, for all tensors");
            return Err(field(&format!("run.hyperparameters.{leaf}"), message));
        }
    }
    match zero_term(setting, run) {
        Some(name) => Err(field(
            &format!("run.hyperparameters.{name}"),
            "the claim has it on",
        )),
        None => Ok(()),
    }
}

/// The first setting that the claim has on and the run has at zero.
fn zero_term<'r>(setting: &Setting, run: &'r Scenario) -> Option<&'r str> {
    let is_zero = |(_, value): &(&String, &crate::arith::Surd)| value.is_zero();
    let on = |(name, _): &(&String, &crate::arith::Surd)| {
        let base = |base: &String| *name == base || name.starts_with(&format!("{base}_"));
        setting.nonzero.iter().any(base)
    };
    let mut zeros = run.values.scalars.iter().filter(is_zero);
    zeros.find(on).map(|(name, _)| name.as_str())
}

/// Refuses a run in which other terms are on than the setting has on.
fn refuse_other_terms(setting: &Setting, run: &Scenario) -> Result<(), WitnessError> {
    let asked = &setting.numeric;
    let incidental = setting.incidental();
    // A term that the step does not read is neither on nor off.
    let step = asked.build().map_err(JudgeError::from)?;
    let read = |name: &String| step.hyperparameters().any(|(_, base, _)| base == name);
    let may_be_off = |name: &String| {
        asked.off.contains(name) || incidental.contains(&name.as_str()) || !read(name)
    };
    if let Some(name) = run.recipe.off.iter().find(|name| !may_be_off(name)) {
        return Err(field(
            "run",
            format!("`{name}` is off, and the claim has it on"),
        ));
    }
    if let Some(name) = asked
        .off
        .iter()
        .find(|name| !run.recipe.off.contains(*name))
    {
        let built = run.recipe.build().map_err(JudgeError::from)?;
        if built.hyperparameters().any(|(_, base, _)| base == name) {
            return Err(field(
                "run",
                format!("`{name}` is on, and the claim has it off"),
            ));
        }
    }
    Ok(())
}
