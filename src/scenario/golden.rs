//! Golden trajectories: runs of PyTorch, stored step by step. `lora-golden-v1` is about one linear
//! layer; `lora-golden-models-v1` holds a scenario of its own.

use std::collections::BTreeMap;

use num_traits::Zero;
use serde::Deserialize;
use serde_json::Value;

use super::{Scenario, ScenarioError, ScenarioFile};
use crate::arith::{Surd, parse_ratio, ratio_from_f64};
use crate::exec::{MAX_ENTRIES, Sizes, Tensor, Values};
use crate::zoo::losses::Targets;
use crate::zoo::{Clip, Hyperparameter, LORAPLUS_LR_RATIO, Recipe};

/// The format names of which a golden file must carry one.
const FORMAT: &str = "lora-golden-v1";
const MODELS_FORMAT: &str = "lora-golden-models-v1";

/// A stored run and what PyTorch made of it.
#[derive(Debug, Clone)]
pub struct Golden {
    /// The run.
    pub scenario: Scenario,
    /// PyTorch's loss before each step.
    pub losses: Vec<f64>,
    /// PyTorch's loss after the last step.
    pub final_loss: f64,
    /// PyTorch's parameters after each step, row after row, by name.
    pub parameters: BTreeMap<String, Vec<Vec<f64>>>,
    /// The largest relative change of any result when A0 (or every trained tensor) is multiplied
    /// by 1 + 10⁻¹⁴ at the start: how ill conditioned the run is.
    pub sensitivity: f64,
}

/// Why a golden file cannot be used; the fields are those of the file.
pub type GoldenError = ScenarioError;

#[derive(Deserialize)]
struct File {
    id: String,
    optimizer: String,
    #[serde(rename = "hyper_A")]
    hyper_a: BTreeMap<String, Value>,
    #[serde(rename = "hyper_B")]
    hyper_b: BTreeMap<String, Value>,
    clip: Option<ClipFile>,
    loss: String,
    #[serde(default)]
    loss_params: BTreeMap<String, f64>,
    shapes: Shapes,
    s: f64,
    steps: usize,
    #[serde(rename = "X")]
    x: Vec<f64>,
    #[serde(rename = "Y")]
    y: Vec<f64>,
    #[serde(rename = "W0")]
    w0: Vec<f64>,
    #[serde(rename = "A0")]
    a0: Vec<f64>,
    #[serde(rename = "B0")]
    b0: Vec<f64>,
    losses: Vec<f64>,
    final_loss: f64,
    #[serde(rename = "A")]
    a: Vec<Vec<f64>>,
    #[serde(rename = "B")]
    b: Vec<Vec<f64>>,
    #[serde(rename = "sensitivity_A0_rel_1e_14")]
    sensitivity: f64,
}

#[derive(Deserialize)]
struct Shapes {
    batch: usize,
    n_in: usize,
    n_out: usize,
    r: usize,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ClipFile {
    Norm {
        max_norm: f64,
    },
    Value {
        #[serde(rename = "value_A")]
        value_a: f64,
        #[serde(rename = "value_B")]
        value_b: f64,
    },
}

fn exact(field: &str, x: f64) -> Result<Surd, GoldenError> {
    ratio_from_f64(x)
        .map(Surd::rational)
        .ok_or_else(|| ScenarioError::field(field, format!("{x} is not finite")))
}

/// Reads a golden file.
///
/// # Errors
/// [`ScenarioError`] naming the field, what was found and what was expected.
pub fn parse_golden(text: &str) -> Result<Golden, GoldenError> {
    let syntax = |e: serde_json::Error| ScenarioError::Syntax(e.to_string());
    let label: Label = serde_json::from_str(text).map_err(syntax)?;
    match label.format.as_str() {
        FORMAT => of_layer(serde_json::from_str(text).map_err(syntax)?),
        MODELS_FORMAT => of_model(serde_json::from_str(text).map_err(syntax)?),
        found => Err(ScenarioError::field(
            "format",
            format!("found `{found}`, expected `{FORMAT}` or `{MODELS_FORMAT}`"),
        )),
    }
}

#[derive(Deserialize)]
struct Label {
    format: String,
}

/// The second format: any scenario, with PyTorch's figures.
#[derive(Deserialize)]
struct ModelFile {
    scenario: ScenarioFile,
    losses: Vec<f64>,
    final_loss: f64,
    parameters: BTreeMap<String, Vec<Vec<f64>>>,
    #[serde(rename = "sensitivity_start_rel_1e_14")]
    sensitivity: f64,
}

fn of_model(file: ModelFile) -> Result<Golden, GoldenError> {
    let scenario = file.scenario.scenario()?;
    one_for_each_step("losses", file.losses.len(), scenario.steps)?;
    let step = scenario.recipe.build()?;
    for (name, steps) in &file.parameters {
        let field = format!("parameters.{name}");
        if step.parameter(name).is_none() {
            let model = scenario.recipe.model.name;
            let message = format!("the model `{model}` trains no such tensor");
            return Err(ScenarioError::field(field, message));
        }
        one_for_each_step(&field, steps.len(), scenario.steps)?;
    }
    for p in &step.parameters {
        if !file.parameters.contains_key(&p.name) {
            let field = format!("parameters.{}", p.name);
            return Err(ScenarioError::field(field, "missing"));
        }
    }
    Ok(Golden {
        scenario,
        losses: file.losses,
        final_loss: file.final_loss,
        parameters: file.parameters,
        sensitivity: file.sensitivity,
    })
}

fn one_for_each_step(field: &str, found: usize, steps: usize) -> Result<(), GoldenError> {
    if found == steps {
        return Ok(());
    }
    let message = format!("found {found} entries, expected one for each of {steps} steps");
    Err(ScenarioError::field(field, message))
}

fn of_layer(file: File) -> Result<Golden, GoldenError> {
    let mut recipe = Recipe::new("linear", &file.loss, &file.optimizer)?;
    let mut scalars = BTreeMap::from([("s".to_owned(), exact("s", file.s)?)]);
    // The names in the file are PyTorch's, those of the run have their owner before them.
    for (name, value) in &file.loss_params {
        scalars.insert(format!("loss.{name}"), exact(name, *value)?);
    }
    match &file.clip {
        None => {}
        Some(ClipFile::Norm { max_norm }) => {
            recipe.clip = Some(Clip::Norm);
            scalars.insert("max_norm".into(), exact("clip.max_norm", *max_norm)?);
        }
        Some(ClipFile::Value { value_a, value_b }) => {
            recipe.clip = Some(Clip::Value);
            scalars.insert("clip_value_A".into(), exact("clip.value_A", *value_a)?);
            scalars.insert("clip_value_B".into(), exact("clip.value_B", *value_b)?);
        }
    }
    read_settings(&file, &mut recipe, &mut scalars)?;
    let step = recipe.build()?;
    for h in recipe.optimizer.hyperparameters {
        let of = |factor: &str| scalars.get(&format!("{}_{factor}", h.name));
        if step.graph.leaf(h.name).is_some() && of("A") != of("B") {
            let message = "differs from hyper_A, but the optimizer has one number for both";
            let field = format!("hyper_B.{}", h.pytorch_name());
            return Err(ScenarioError::field(field, message));
        }
    }
    let mut needed = step.hyperparameters().map(|(leaf, ..)| leaf);
    if let Some(leaf) = needed.find(|leaf| !scalars.contains_key(*leaf)) {
        return Err(ScenarioError::field(leaf, "missing"));
    }
    scalars.retain(|leaf, _| step.graph.leaf(leaf).is_some());
    let Shapes {
        batch,
        n_in,
        n_out,
        r,
    } = file.shapes;
    let targets = match recipe.loss.targets {
        Targets::Real => file.y.clone(),
        Targets::Classes => one_hot(&file.y, n_out)?,
    };
    let tensor = |name: &str, rows, cols, values: &[f64]| {
        Tensor::new(rows, cols, values.to_vec()).map_err(|e| ScenarioError::field(name, e))
    };
    let tensors = BTreeMap::from([
        ("X".to_owned(), tensor("X", batch, n_in, &file.x)?),
        ("Y".to_owned(), tensor("Y", batch, n_out, &targets)?),
        ("W0".to_owned(), tensor("W0", n_out, n_in, &file.w0)?),
        ("A".to_owned(), tensor("A0", r, n_in, &file.a0)?),
        ("B".to_owned(), tensor("B0", n_out, r, &file.b0)?),
    ]);
    for (field, found) in [
        ("losses", file.losses.len()),
        ("A", file.a.len()),
        ("B", file.b.len()),
    ] {
        one_for_each_step(field, found, file.steps)?;
    }
    Ok(Golden {
        scenario: Scenario {
            name: file.id,
            recipe,
            sizes: Sizes::from([("batch", batch), ("n_in", n_in), ("n_out", n_out), ("r", r)]),
            values: Values { tensors, scalars },
            steps: file.steps,
        },
        losses: file.losses,
        final_loss: file.final_loss,
        parameters: BTreeMap::from([("A".to_owned(), file.a), ("B".to_owned(), file.b)]),
        sensitivity: file.sensitivity,
    })
}

/// Numbers become hyperparameters, booleans and mode names switches; a term whose setting is zero
/// or null for both factors is left out, as PyTorch does. A list `betas` becomes `beta1`, `beta2`;
/// a `loraplus_lr_ratio` asks for LoRA+. A setting that the file does not name has its default.
fn read_settings(
    file: &File,
    recipe: &mut Recipe,
    scalars: &mut BTreeMap<String, Surd>,
) -> Result<(), GoldenError> {
    for flag in recipe.optimizer.pytorch_flags {
        recipe.set_flag(flag, true)?;
    }
    for (name, of_a) in &file.hyper_a {
        let field = format!("hyper_A.{name}");
        let of_b = file.hyper_b.get(name).ok_or_else(|| {
            ScenarioError::field(format!("hyper_B.{name}"), "missing, but hyper_A has it")
        })?;
        let optimizer = recipe.optimizer;
        if let Some((_, only)) = optimizer.fixed.iter().find(|(n, _)| n == name) {
            let expected = serde_json::from_str(only).unwrap_or(Value::Null);
            if [of_a, of_b].iter().any(|v| **v != expected) {
                return Err(ScenarioError::field(
                    field,
                    format!("found {of_a}, expected {only}: nothing else is built"),
                ));
            }
            continue;
        }
        match (of_a, of_b) {
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                let stem = name.strip_suffix('s').filter(|_| name != "eps");
                let stem = stem.unwrap_or(name);
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    let entry = format!("{stem}{}", i + 1);
                    read_number(recipe, scalars, &entry, &format!("{field}[{i}]"), [a, b])?;
                }
            }
            (Value::Null, Value::Null) => leave_out(recipe, name, &field)?,
            (Value::Bool(a), Value::Bool(b)) if a == b => recipe.set_flag(name, *a)?,
            (Value::String(a), Value::String(b)) if a == b => recipe.set_flag(a, true)?,
            (Value::Number(a), Value::Number(_)) => {
                if optimizer.counts.iter().any(|(n, _)| n == name) {
                    let count = a.as_u64().and_then(|n| u32::try_from(n).ok());
                    let count = count.filter(|_| of_a == of_b).ok_or_else(|| {
                        let message = format!("found {of_a}, expected one whole number for both");
                        ScenarioError::field(&field, message)
                    })?;
                    recipe.set_count(name, count)?;
                } else {
                    read_number(recipe, scalars, name, &field, [of_a, of_b])?;
                }
            }
            _ if setting(recipe, name, &field).is_ok() => {
                read_number(recipe, scalars, name, &field, [of_a, of_b])?;
            }
            _ => {
                return Err(ScenarioError::field(
                    field,
                    "the setting must be of one kind, and a switch the same, for both factors",
                ));
            }
        }
    }
    for h in recipe.optimizer.hyperparameters {
        let given = file.hyper_a.get(h.pytorch_name());
        if given.is_some_and(Value::is_null) || scalars.contains_key(h.name) {
            continue;
        }
        let default = parse_ratio(h.default).map_err(|e| ScenarioError::field(h.name, e))?;
        if default.is_zero() {
            recipe.switch_off(h.name)?;
            continue;
        }
        for leaf in [
            format!("{}_A", h.name),
            format!("{}_B", h.name),
            h.name.into(),
        ] {
            scalars.insert(leaf, Surd::rational(default.clone()));
        }
    }
    Ok(())
}

/// A setting that is null: its term is left out, or, where nothing else would do, it is not read.
fn leave_out(recipe: &mut Recipe, name: &str, field: &str) -> Result<(), GoldenError> {
    let setting = setting(recipe, name, field)?;
    if setting.may_be_zero {
        recipe.switch_off(setting.name)?;
    }
    Ok(())
}

/// The optimizer's setting that PyTorch calls `name`.
fn setting(recipe: &Recipe, name: &str, field: &str) -> Result<Hyperparameter, GoldenError> {
    let optimizer = recipe.optimizer;
    let mut all = optimizer.hyperparameters.iter();
    let known = all.find(|h| h.pytorch_name() == name);
    known.copied().ok_or_else(|| {
        let message = format!("the optimizer `{}` has no such setting", optimizer.name);
        ScenarioError::field(field, message)
    })
}

fn read_number(
    recipe: &mut Recipe,
    scalars: &mut BTreeMap<String, Surd>,
    name: &str,
    field: &str,
    [of_a, of_b]: [&Value; 2],
) -> Result<(), GoldenError> {
    let number = |value: &Value| {
        value
            .as_f64()
            .ok_or_else(|| ScenarioError::field(field, format!("found {value}, expected a number")))
    };
    let (a, b) = (number(of_a)?, number(of_b)?);
    let mut name = name;
    if name == LORAPLUS_LR_RATIO {
        if a != b {
            return Err(ScenarioError::field(field, "LoRA+ has one ratio"));
        }
        recipe.loraplus = true;
    } else {
        let setting = setting(recipe, name, field)?;
        name = setting.name;
        if setting.may_be_zero && a == 0.0 && b == 0.0 {
            recipe.switch_off(name)?;
        }
    }
    // Where the optimizer has one number for all factors, PyTorch's groups agree.
    for (leaf, value) in [
        (format!("{name}_A"), a),
        (format!("{name}_B"), b),
        (name.into(), a),
    ] {
        scalars.insert(leaf, exact(field, value)?);
    }
    Ok(())
}

fn one_hot(classes: &[f64], n_out: usize) -> Result<Vec<f64>, GoldenError> {
    let entries = classes.len().checked_mul(n_out);
    let entries = entries.filter(|n| *n <= MAX_ENTRIES).ok_or_else(|| {
        ScenarioError::field("Y", format!("{} × {n_out} is too large", classes.len()))
    })?;
    let mut values = vec![0.0; entries];
    for (row, class) in classes.iter().enumerate() {
        if *class < 0.0 || class.fract() != 0.0 || *class >= n_out as f64 {
            return Err(ScenarioError::field(
                format!("Y[{row}]"),
                format!(
                    "found {class}, expected a class from 0 to {}",
                    n_out.saturating_sub(1)
                ),
            ));
        }
        values[row * n_out + *class as usize] = 1.0;
    }
    Ok(values)
}
