//! Witness files: two runs, what was said of them, and what was found instead.

use serde::{Deserialize, Serialize};

use super::plan::judge;
use super::properties::{find_property, first_node};
use super::subject::SubjectFile;
use super::verdict::Verdict;
use crate::arith::{
    Arithmetic, ArithmeticName, UnknownArithmetic, WithArithmetic, with_arithmetic,
};
use crate::scenario::{
    CheckError, Difference, Outcome, Property, Scenario, ScenarioError, ScenarioFile, check,
};

/// The schema name that a witness file carries.
pub const SCHEMA: &str = "lora-gauge/witness/1";

/// The exact arithmetic of this build: the rationals, or the prime field without GMP. In both a
/// difference refutes an identity; equality in the prime field alone does not prove one.
pub fn exact_arithmetic() -> ArithmeticName {
    if cfg!(feature = "mp") {
        ArithmeticName::Rational
    } else {
        ArithmeticName::Prime
    }
}

/// What contradicts the property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// An observable differs.
    Differs(Difference),
    /// An observable has no value.
    Undefined {
        /// How many steps had been taken.
        after_steps: usize,
        /// `left` or `right`.
        side: String,
        /// Which node, step and entry, and why.
        reason: String,
    },
    /// Something else that a property of a campaign rules out.
    Contradicts {
        /// What it is, in words.
        says: String,
        /// Where, if there is a place.
        place: Option<Place>,
    },
}

/// Where two things that should agree do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// How many steps had been taken.
    pub after_steps: usize,
    /// The node or quantity.
    pub quantity: String,
    /// The entry (row, column), from 0.
    pub entry: (usize, usize),
    /// What is there on the left.
    pub left: String,
    /// What is there on the right.
    pub right: String,
}

impl Finding {
    /// What an outcome contradicts; `None` where it contradicts nothing.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Fails(difference) => Some(Self::Differs(difference.clone())),
            Outcome::Undefined {
                after_steps,
                side,
                error,
            } => Some(Self::Undefined {
                after_steps: *after_steps,
                side: (*side).to_owned(),
                reason: error.to_string(),
            }),
            Outcome::Holds { .. } | Outcome::PremiseFails(_) | Outcome::Undecided(_) => None,
        }
    }

    /// The finding in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Differs(d) => format!(
                "after {} step{}, {} at row {}, column {} is {} on the left and {} on the right; the difference is {}",
                d.after_steps,
                if d.after_steps == 1 { "" } else { "s" },
                d.quantity,
                d.entry.0,
                d.entry.1,
                d.left,
                d.right,
                d.difference
            ),
            Self::Undefined {
                after_steps,
                side,
                reason,
            } => {
                format!("after {after_steps} steps, on the {side}: {reason}")
            }
            Self::Contradicts { says, place: None } => says.clone(),
            Self::Contradicts {
                says,
                place: Some(p),
            } => format!(
                "{says}: in step {}, {} at row {}, column {} is {} on the left and {} on the right",
                p.after_steps + 1,
                p.quantity,
                p.entry.0,
                p.entry.1,
                p.left,
                p.right
            ),
        }
    }
}

/// A counterexample that needs nothing else to be judged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// `lora-gauge/witness/1`.
    pub schema: String,
    /// The tool and version that wrote it.
    pub tool: String,
    /// The claim it speaks against.
    pub claim: String,
    /// What the two runs are, in words.
    pub says: String,
    /// The arithmetic in which the finding is exact.
    pub arithmetic: String,
    /// What was said of the two runs.
    pub property: Property,
    /// The verdict on the property.
    pub verdict: String,
    /// What was found.
    pub found: Finding,
    /// The left run.
    pub left: ScenarioFile,
    /// The right run.
    pub right: ScenarioFile,
    /// The case of a campaign from which it was shrunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hunted: Option<SubjectFile>,
}

/// Why a witness cannot be replayed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WitnessError {
    /// Not a witness file.
    #[error("{0}")]
    Syntax(String),
    /// The schema is another one.
    #[error("field `schema`: found `{found}`, expected `{SCHEMA}`")]
    Schema {
        /// What was found.
        found: String,
    },
    /// The arithmetic is unknown or not built.
    #[error("field `arithmetic`: {0}")]
    Arithmetic(#[from] UnknownArithmetic),
    /// A run is not well formed.
    #[error("field `{side}`: {error}")]
    Scenario {
        /// `left` or `right`.
        side: &'static str,
        /// What is wrong with it.
        error: ScenarioError,
    },
    /// The runs could not be carried through.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// What was found now; `None` when nothing contradicts the property on the two runs.
    pub found: Option<Finding>,
    /// Where it cannot be told whether the property holds, in words.
    pub doubt: Option<String>,
    /// Of a campaign's case, the first node of all at which the two runs differ.
    pub first_node: Option<Place>,
    /// Whether that is exactly what the file says.
    pub agrees: bool,
}

struct CheckTask<'a> {
    property: &'a Property,
    left: &'a Scenario,
    right: &'a Scenario,
    steps: usize,
}

impl WithArithmetic for CheckTask<'_> {
    type Output = Result<Outcome, CheckError>;
    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        check(&ctx, self.property, self.left, self.right, self.steps)
    }
}

/// Checks a property on two runs in the arithmetic called `name`.
///
/// # Errors
/// [`WitnessError::Arithmetic`] or [`WitnessError::Check`].
pub(crate) fn check_in(
    name: ArithmeticName,
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Outcome, WitnessError> {
    Ok(with_arithmetic(
        name,
        CheckTask {
            property,
            left,
            right,
            steps,
        },
    )??)
}

/// Checks a property on two runs in [`exact_arithmetic`].
///
/// # Errors
/// [`WitnessError::Check`] when a run cannot be carried through.
pub fn check_exactly(
    property: &Property,
    left: &Scenario,
    right: &Scenario,
    steps: usize,
) -> Result<Outcome, WitnessError> {
    check_in(exact_arithmetic(), property, left, right, steps)
}

impl Witness {
    /// A witness against `claim`.
    pub fn new(
        claim: &str,
        says: &str,
        arithmetic: ArithmeticName,
        property: &Property,
        (left, right): (&Scenario, &Scenario),
        found: Finding,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            tool: format!("lora-gauge {}", env!("CARGO_PKG_VERSION")),
            claim: claim.to_owned(),
            says: says.to_owned(),
            arithmetic: arithmetic.to_string(),
            property: property.clone(),
            verdict: "refuted".to_owned(),
            found,
            left: left.into(),
            right: right.into(),
            hunted: None,
        }
    }

    /// Reads a witness file.
    ///
    /// # Errors
    /// [`WitnessError::Syntax`] with line and column, [`WitnessError::Schema`].
    pub fn parse(text: &str) -> Result<Self, WitnessError> {
        let witness: Self =
            serde_json::from_str(text).map_err(|e| WitnessError::Syntax(e.to_string()))?;
        if witness.schema != SCHEMA {
            return Err(WitnessError::Schema {
                found: witness.schema,
            });
        }
        Ok(witness)
    }

    /// The file's text; the same bytes for the same witness.
    ///
    /// # Errors
    /// [`WitnessError::Syntax`] should a value have no JSON form.
    pub fn to_json(&self) -> Result<String, WitnessError> {
        let mut text =
            serde_json::to_string_pretty(self).map_err(|e| WitnessError::Syntax(e.to_string()))?;
        text.push('\n');
        Ok(text)
    }

    /// Judges the two runs anew.
    ///
    /// # Errors
    /// [`WitnessError`] when the file describes no run that can be carried through.
    pub fn replay(&self) -> Result<Replay, WitnessError> {
        if let Some(hunted) = &self.hunted {
            return self.replay_hunted(hunted);
        }
        let side = |side: &'static str, file: &ScenarioFile| {
            file.scenario()
                .map_err(|error| WitnessError::Scenario { side, error })
        };
        let (left, right) = (side("left", &self.left)?, side("right", &self.right)?);
        let name = self.arithmetic.parse::<ArithmeticName>()?;
        let steps = left.steps.min(right.steps);
        let outcome = check_in(name, &self.property, &left, &right, steps)?;
        let found = Finding::of(&outcome);
        let agrees = found.as_ref() == Some(&self.found);
        let doubt = match outcome {
            Outcome::Undecided(doubt) => Some(doubt.to_string()),
            _ => None,
        };
        Ok(Replay {
            found,
            doubt,
            first_node: None,
            agrees,
        })
    }

    /// Judges the property of a campaign anew on the recorded case.
    fn replay_hunted(&self, hunted: &SubjectFile) -> Result<Replay, WitnessError> {
        let subject = hunted.subject()?;
        let property = find_property(&hunted.property)
            .map_err(|e| WitnessError::Syntax(format!("field `hunted.property`: {e}")))?;
        let (found, doubt) = match judge(property, &subject) {
            Verdict::Failed(finding) => (Some(*finding), None),
            Verdict::Undecided(why) => (None, Some(why)),
            Verdict::Passed(_) => (None, None),
        };
        Ok(Replay {
            agrees: found.as_ref() == Some(&self.found),
            first_node: found.as_ref().and_then(|_| first_node(&subject)),
            found,
            doubt,
        })
    }
}
