//! What a user may give as a run: a golden file, a scenario or a witness, told by its content.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Failure, defined, files, search};
use crate::audit::Witness;
use crate::exec::MAX_ENTRIES;
use crate::scenario::{Golden, Scenario, ScenarioFile, parse_golden};
use crate::search::{HUNTED_SCHEMA, HuntedWitness};

/// The forms that are expected where none was found.
const FORMS: &str = "a case is a golden file (JSON with \"format\": \"lora-golden-v1\" or \"lora-golden-models-v1\"), a witness \
     (JSON with \"schema\": \"lora-gauge/witness/2\" or \"lora-gauge/hunted/2\") or a scenario (TOML with `steps`, \
     `sizes`, …)";

/// A run, and what PyTorch made of it where that is known.
pub(super) struct Input {
    /// The run.
    pub scenario: Scenario,
    /// PyTorch's figures.
    pub golden: Option<Golden>,
}

/// The one of a witness's two runs that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Side {
    /// The run as it is.
    Left,
    /// The rescaled run.
    Right,
}

/// A counterexample to a claim, or one that a campaign found.
pub(super) enum Stored {
    OfClaim(Box<Witness>),
    OfCampaign(Box<HuntedWitness>),
}

/// The fields by which a JSON file says what it is.
#[derive(Deserialize)]
struct Label {
    format: Option<IgnoredAny>,
    schema: Option<IgnoredAny>,
}

/// The fields by which a witness says which one it is.
#[derive(Deserialize)]
struct WitnessLabel {
    schema: Option<Value>,
    /// The case of a campaign, which stood in it before it had a form of its own.
    hunted: Option<IgnoredAny>,
}

/// Reads the case at `path`.
pub(super) fn read(path: &Path, side: Side) -> Result<Input, Failure> {
    let text = files::read(path)?;
    let wrong = |message: String| Failure::in_file(path, message);
    let mut case = if !text.trim_start().starts_with('{') {
        let mut file = ScenarioFile::from_toml(&text)
            .map_err(|e| wrong(e.to_string()).advise(FORMS.to_owned()))?;
        defined::embed(&mut file, path)?;
        of_scenario(&file).map_err(wrong)?
    } else {
        let label: Label = serde_json::from_str(&text)
            .map_err(|e| wrong(format!("not valid JSON: {e}")).advise(FORMS.to_owned()))?;
        match label {
            Label {
                schema: Some(_), ..
            } => {
                let most = files::LARGEST_WITNESS;
                if text.len() as u64 > most << 20 {
                    let message = format!("is larger than {most} MiB, which no witness is");
                    return Err(wrong(message));
                }
                of_witness(&text, side).map_err(wrong)?
            }
            Label {
                format: Some(_), ..
            } => of_golden(&text).map_err(wrong)?,
            _ => {
                return Err(wrong(
                    "fields `format` and `schema`: found neither, expected one".to_owned(),
                )
                .advise(FORMS.to_owned()));
            }
        }
    };
    if case.scenario.name.is_empty() {
        let stem = path.file_stem().unwrap_or_default();
        case.scenario.name = stem.to_string_lossy().into_owned();
    }
    Ok(case)
}

/// Reads the witness at `path`.
pub(super) fn read_witness(path: &Path) -> Result<Stored, Failure> {
    let text = files::read_up_to(path, files::LARGEST_WITNESS)?;
    let wrong = |message: String| Failure::in_file(path, message);
    stored(&text).map_err(|e| {
        wrong(format!("not a witness: {e}"))
            .advise("a witness is a file that `lora-gauge audit` or `search` has written")
    })
}

fn stored(text: &str) -> Result<Stored, String> {
    let label: WitnessLabel = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if label.schema.as_ref().and_then(Value::as_str) == Some(HUNTED_SCHEMA) {
        let witness = HuntedWitness::parse(text).map_err(|e| e.to_string())?;
        return Ok(Stored::OfCampaign(Box::new(witness)));
    }
    if label.hunted.is_some() {
        return Err("what a campaign found, of an older version; run the campaign again".into());
    }
    let witness = Witness::parse(text).map_err(|e| e.to_string())?;
    Ok(Stored::OfClaim(Box::new(witness)))
}

fn of_golden(text: &str) -> Result<Input, String> {
    let golden = parse_golden(text).map_err(|e| e.to_string())?;
    Ok(Input {
        scenario: golden.scenario.clone(),
        golden: Some(golden),
    })
}

fn of_witness(text: &str, side: Side) -> Result<Input, String> {
    let scenario = match stored(text)? {
        Stored::OfClaim(witness) => {
            let (left, right) = witness.sides().map_err(|e| e.to_string())?;
            match side {
                Side::Left => left,
                Side::Right => right,
            }
        }
        Stored::OfCampaign(hunted) => {
            let test_case = hunted.test_case(&search::properties());
            let test_case = test_case.map_err(|e| e.to_string())?;
            match side {
                Side::Left => test_case.scenario,
                Side::Right => test_case.mapped().map_err(|e| e.to_string())?,
            }
        }
    };
    Ok(Input {
        scenario,
        golden: None,
    })
}

fn of_scenario(file: &ScenarioFile) -> Result<Input, String> {
    check_sizes(&file.sizes)?;
    Ok(Input {
        scenario: file.scenario().map_err(|e| e.to_string())?,
        golden: None,
    })
}

/// Refuses sizes whose matrices could not be held, before anything is drawn.
pub(super) fn check_sizes(sizes: &BTreeMap<String, usize>) -> Result<(), String> {
    for (name, size) in sizes {
        for (other, second) in sizes {
            if size.checked_mul(*second).is_none_or(|n| n > MAX_ENTRIES) {
                return Err(format!(
                    "field `sizes.{name}`: found {size}, which makes a matrix with \
                     `{other}` = {second} too large: expected at most {MAX_ENTRIES} entries"
                ));
            }
        }
    }
    Ok(())
}
