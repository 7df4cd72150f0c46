//! A claim put to the test on one run: what the other side is, and what is compared.
//!
//! Judges and replays go through here alike, so what one finds the other confirms.

use std::collections::BTreeMap;

use super::case::Case;
use super::claim::{Claim, FieldError, Statement, Variant};
use super::error::JudgeError;
use super::watch::{Compare, Watched, watch_in};
use crate::arith::{ArithmeticName, Ratio};
use crate::exec::{ExecError, Tensor};
use crate::gauge::{self, MapDecision};
use crate::graph::StepGraph;
use crate::scenario::{
    CheckError, Exact, Outcome, Powers, Property, ScaleMap, Scenario, ScenarioError, TensorFile,
};
use crate::search::{self, Finding, Found, MixingMatrix, check_in};

/// A change to a run, and what must then be so.
#[derive(Debug, Clone)]
pub(super) enum Trial {
    /// The run under a map at k, beside the run itself.
    Rescaled {
        powers: Powers,
        k: Ratio,
        property: Property,
    },
    /// The same from other first values.
    Elsewhere {
        powers: Powers,
        k: Ratio,
        property: Property,
        tensors: BTreeMap<String, Tensor>,
    },
    /// The run under the claimed map beside that under another one which is a rule as well.
    Another {
        claimed: Powers,
        other: Powers,
        names: BTreeMap<String, Exact>,
        k: Ratio,
        trained: Vec<String>,
    },
    /// The run under the map beside the same with its ranks turned.
    Turned {
        powers: Powers,
        k: Ratio,
        trained: Vec<String>,
    },
    /// The run, a formula beside its own first value.
    Along { formula: String },
    /// The run, one formula beside another.
    Sides { formula: String, equals: String },
}

/// A trial that contradicts the claim.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub trial: Trial,
    pub run: Scenario,
    pub finding: Finding,
    pub arithmetic: ArithmeticName,
}

impl Tried {
    /// A trial with the counterexample that was hunted down.
    pub fn of(trial: Trial, found: &Found) -> Self {
        Self {
            trial,
            run: found.left.clone(),
            finding: found.finding.clone(),
            arithmetic: found.arithmetic,
        }
    }
}

impl Trial {
    /// The trial of a claim on a run, as a witness describes it.
    pub fn of(
        claim: &Claim,
        variant: Option<&Variant>,
        case: &Case<'_>,
        run: &Scenario,
        k: Option<Ratio>,
        elsewhere: &BTreeMap<String, TensorFile>,
        another: &BTreeMap<String, Exact>,
    ) -> Result<Self, FieldError> {
        let k = || k.clone().ok_or_else(|| FieldError::new("k", "missing"));
        refuse_superfluous(claim.statement(), elsewhere, another)?;
        let step = &case.step;
        let rescaled = |powers: Powers, property| -> Result<Self, FieldError> {
            Ok(Self::Rescaled {
                powers,
                k: k()?,
                property,
            })
        };
        let same = case.same_run();
        Ok(match (claim.statement(), variant) {
            (Statement::Survey(_), Some(variant)) => rescaled(variant.map.powers(step)?, same)?,
            (Statement::Equivalence(own), _) => rescaled(own.map().powers(step)?, same)?,
            (Statement::Experiment(own), _) => rescaled(own.map().powers(step)?, same)?,
            (Statement::Bits { map, .. }, _) => rescaled(map.powers(step)?, same)?,
            (Statement::Invariant(own), _) => {
                let property = Property {
                    conclusion: own.conclusion.clone(),
                    ..Property::default()
                };
                rescaled(own.map().powers(step)?, property)?
            }
            (Statement::Implication(own), _) => Self::Elsewhere {
                powers: own.map().powers(step)?,
                k: k()?,
                property: own.property(),
                tensors: tensors(case, run, elsewhere)?,
            },
            (Statement::Uniqueness(own), _) if own.mixing => Self::Turned {
                powers: own.map().powers(step)?,
                k: k()?,
                trained: trained(step),
            },
            (Statement::Uniqueness(own), _) => Self::Another {
                claimed: own.map().powers(step)?,
                other: powers_of(another, step)?,
                names: another.clone(),
                k: k()?,
                trained: trained(step),
            },
            (Statement::Conserved(own), _) => Self::Along {
                formula: own.formula.clone(),
            },
            (Statement::Identity(own), _) => Self::Sides {
                formula: own.formula.clone(),
                equals: own.equals.clone(),
            },
            _ => {
                let message = "no run speaks against a claim of this kind";
                return Err(FieldError::new("kind", message));
            }
        })
    }

    /// The factor.
    pub fn k(&self) -> Option<&Ratio> {
        match self {
            Self::Rescaled { k, .. }
            | Self::Elsewhere { k, .. }
            | Self::Another { k, .. }
            | Self::Turned { k, .. } => Some(k),
            Self::Along { .. } | Self::Sides { .. } => None,
        }
    }

    /// The first values of the other run.
    pub fn elsewhere(&self) -> BTreeMap<String, TensorFile> {
        match self {
            Self::Elsewhere { tensors, .. } => {
                let file = |(name, tensor): (&String, &Tensor)| (name.clone(), tensor.into());
                tensors.iter().map(file).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    /// The powers of another map.
    pub fn another(&self) -> BTreeMap<String, Exact> {
        match self {
            Self::Another { names, .. } => names.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// The two runs that are compared; the same one twice where formulas along one run are.
    ///
    /// # Errors
    /// [`JudgeError`] where a power of k cannot be formed.
    pub fn sides(&self, run: &Scenario) -> Result<(Scenario, Scenario), JudgeError> {
        Ok(match self {
            Self::Rescaled { powers, k, .. } => (run.clone(), powers.apply(run, k)?),
            Self::Elsewhere {
                powers, k, tensors, ..
            } => {
                let mut other = run.clone();
                for (name, tensor) in tensors {
                    other.values.set_tensor(name, tensor.clone());
                }
                (run.clone(), powers.apply(&other, k)?)
            }
            Self::Another {
                claimed, other, k, ..
            } => (claimed.apply(run, k)?, other.apply(run, k)?),
            Self::Turned { powers, k, .. } => {
                let scaled = powers.apply(run, k)?;
                let turned = turned(&scaled)?;
                (scaled, turned)
            }
            Self::Along { .. } | Self::Sides { .. } => (run.clone(), run.clone()),
        })
    }

    /// The contradiction to the claim on `run` in one arithmetic, or why it cannot be told.
    ///
    /// # Errors
    /// [`JudgeError`] where the run is none of the setting.
    pub fn run_in(
        &self,
        case: &Case<'_>,
        run: &Scenario,
        name: ArithmeticName,
    ) -> Result<(Option<Finding>, Option<String>), JudgeError> {
        let property = match self {
            Self::Rescaled { property, .. } | Self::Elsewhere { property, .. } => property.clone(),
            Self::Another { other, trained, .. } => {
                let question = case.question(other);
                if !matches!(
                    gauge::decide(&case.symbolic, &question)?,
                    MapDecision::Holds(_)
                ) {
                    let doubt = "the other map has no certificate".to_owned();
                    return Ok((None, Some(doubt)));
                }
                unique(case, trained)
            }
            Self::Turned { trained, .. } => {
                let (_, turned) = self.sides(run)?;
                let same = check_in(name, &case.same_run(), run, &turned, run.steps);
                if !matches!(same, Ok(Outcome::Holds { .. })) {
                    let doubt = "the turned run is not known to be the same".to_owned();
                    return Ok((None, Some(doubt)));
                }
                unique(case, trained)
            }
            Self::Along { formula } => {
                let watched = watch_in(name, run, &[formula], Compare::WithStart, run.steps)?;
                return Ok(of_watched(watched));
            }
            Self::Sides { formula, equals } => {
                let sides = [formula.as_str(), equals.as_str()];
                let watched = watch_in(name, run, &sides, Compare::Sides, run.steps)?;
                return Ok(of_watched(watched));
            }
        };
        let (left, right) = self.sides(run)?;
        let outcome = match check_in(name, &property, &left, &right, run.steps) {
            Ok(outcome) => outcome,
            Err(search::SearchError::Check(CheckError::Run(error))) if is_operation(&error) => {
                return Ok((None, Some(error.to_string())));
            }
            Err(error) => return Err(error.into()),
        };
        let doubt = match &outcome {
            Outcome::Undecided(doubt) => Some(doubt.to_string()),
            Outcome::PremiseFails(d) => Some(format!("the premise `{}` fails", d.quantity)),
            Outcome::Holds { compared: 0 } => Some("nothing is compared".to_owned()),
            _ => None,
        };
        Ok((Finding::of(&outcome), doubt))
    }
}

/// Refuses the fields that only claims of other kinds have.
fn refuse_superfluous(
    statement: &Statement,
    elsewhere: &BTreeMap<String, TensorFile>,
    another: &BTreeMap<String, Exact>,
) -> Result<(), FieldError> {
    let is_implication = matches!(statement, Statement::Implication(_));
    let is_uniqueness = matches!(statement, Statement::Uniqueness(_));
    for (field, allowed) in [
        ("elsewhere", elsewhere.is_empty() || is_implication),
        ("another", another.is_empty() || is_uniqueness),
    ] {
        if !allowed {
            return Err(FieldError::new(field, "this kind of claim has none"));
        }
    }
    Ok(())
}

fn is_operation(error: &ExecError) -> bool {
    matches!(error, ExecError::Operation { .. })
}

fn of_watched(watched: Watched) -> (Option<Finding>, Option<String>) {
    match watched {
        Watched::Equal => (None, None),
        Watched::Differs(difference, _) => (Some(Finding::Differs(difference)), None),
        Watched::Unknown(why) => (None, Some(why)),
        Watched::Undefined(error) => (None, Some(error.to_string())),
    }
}

fn trained(step: &StepGraph) -> Vec<String> {
    step.parameters.iter().map(|p| p.name.clone()).collect()
}

/// The property of equal runs under the only map: equal trained tensors.
fn unique(case: &Case<'_>, trained: &[String]) -> Property {
    Property {
        premise: case.same_run().conclusion,
        conclusion: trained.to_vec(),
        ..Property::default()
    }
}

fn powers_of(another: &BTreeMap<String, Exact>, step: &StepGraph) -> Result<Powers, FieldError> {
    let wrong = |message: String| FieldError::new("another", message);
    if another.is_empty() {
        return Err(wrong("missing: the powers of another map".to_owned()));
    }
    let mut map = ScaleMap::default();
    for (name, power) in another {
        let power = power.0.as_ratio();
        let power = power.ok_or_else(|| wrong(format!("`{name}` has no rational power")))?;
        map.powers.insert(name.clone(), power.clone());
    }
    map.resolve(step).map_err(|e| wrong(e.to_string()))
}

/// First values of the shapes that the run has, for every trained tensor that is not zero.
fn tensors(
    case: &Case<'_>,
    run: &Scenario,
    files: &BTreeMap<String, TensorFile>,
) -> Result<BTreeMap<String, Tensor>, FieldError> {
    let mut all = BTreeMap::new();
    for name in trained(&case.step) {
        let place = format!("elsewhere.{name}");
        let own = run.values.tensors.get(&name);
        let Some(file) = files.get(&name) else {
            return Err(FieldError::new(place, "missing"));
        };
        let tensor = file.tensor(&name).map_err(|e| FieldError::new(&place, e))?;
        if own.map(|t| (t.rows(), t.cols())) != Some((tensor.rows(), tensor.cols())) {
            return Err(FieldError::new(place, "it has not the shape of the run's"));
        }
        let zero = tensor.values().iter().all(|x| *x == 0.0);
        if case.setting.zero.contains(&name) && !zero {
            return Err(FieldError::new(place, "the claim starts it at zero"));
        }
        all.insert(name, tensor);
    }
    if let Some(name) = files.keys().find(|name| !all.contains_key(*name)) {
        return Err(FieldError::new(
            "elsewhere",
            format!("`{name}` is not trained"),
        ));
    }
    Ok(all)
}

/// The run with its two ranks turned by O = (3 4; −4 3)/5: A → O·A, B → B·Oᵀ.
pub(super) fn turned(scenario: &Scenario) -> Result<Scenario, JudgeError> {
    let values = MixingMatrix::rotation().mixed(&scenario.values);
    let wrong = || ScenarioError::field("A, B", "are no two factors of rank 2 that can be turned");
    Ok(Scenario {
        values: values.ok_or_else(wrong)?,
        ..scenario.clone()
    })
}
