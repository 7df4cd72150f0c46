//! The stored form of a scenario: the same fields in TOML and in JSON.

use std::collections::BTreeMap;
use std::fmt;

use num_traits::{Signed, Zero};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{PrecisionFile, Scenario, ScenarioError, dotted, draw_of, only_choice};
use crate::arith::{Arithmetic, F64, Ratio, Surd, parse_ratio};
use crate::exec::random;
use crate::exec::{MAX_ENTRIES, Sizes, Tensor, Values};
use crate::graph::{LeafKind, StepGraph};
use crate::zoo::{
    Clip, Entry, Hyperparameter, LossScaling, Recipe, Reduction, Schedule, float_format,
};

/// An exact number in a file: a string such as `"0.1"`, `"9/4"`, `"0x1.8p+1"` or
/// `"1/2*sqrt(3)"`, or a number, which is read as the decimal that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exact(pub Surd);

/// A binary64 number in a file, written as a hexadecimal float so that no bit is lost. A decimal
/// is read as the nearest binary64 number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Float(pub f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&F64.show(&self.0))
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Float;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a text such as \"0x1.8p+1\" or \"0.1\"")
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Float, E> {
                self.visit_str(&n.to_string())
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Float, E> {
                self.visit_str(&n.to_string())
            }
            fn visit_f64<E: de::Error>(self, x: f64) -> Result<Float, E> {
                self.visit_str(&format!("{x:e}"))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Float, E> {
                let exact: Surd = text.parse().map_err(E::custom)?;
                let rounded = F64.from_surd(&exact).map_err(E::custom)?;
                // No exact number has the sign of a zero.
                let negative = rounded == 0.0 && text.trim_start().starts_with('-');
                Ok(Float(if negative { -0.0 } else { rounded }))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A tensor in a file: `scale` times `values`, row after row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorFile {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// The entries before scaling, as hexadecimal floats or decimals; each must be a binary64
    /// number.
    pub values: Vec<Float>,
    /// The common factor.
    #[serde(default = "one")]
    pub scale: Exact,
}

fn one() -> Exact {
    Exact(Surd::from(1))
}

/// Values drawn by the documented generator instead of being given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomFile {
    /// The seed.
    pub seed: u64,
    /// The tensors that are zero instead; `["B"]` is LoRA's default start.
    #[serde(default)]
    pub zero: Vec<String>,
}

/// A scenario as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// A name for reports.
    #[serde(default)]
    pub name: String,
    /// The network: its name, or the whole text of a file that defines one.
    #[serde(default = "linear")]
    pub model: String,
    /// The loss, likewise.
    #[serde(default = "mse")]
    pub loss: String,
    /// `mean` or `sum`.
    #[serde(default = "mean")]
    pub reduction: String,
    /// The optimizer, likewise.
    #[serde(default = "sgd")]
    pub optimizer: String,
    /// The optimizer's switches that are turned on, or off as `no-name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The optimizer's whole numbers that are not the default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u32>,
    /// Case distinctions that are taken as decided.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regimes: BTreeMap<String, bool>,
    /// True where the optimizer's memory starts from given values, as in the middle of a run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub midway: bool,
    /// LoRA+: one `lr`, times `loraplus_lr_ratio` for the factors B.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loraplus: bool,
    /// `value`, `norm`, `norm-exact`, `norm-per-tensor` or `norm-per-tensor-exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<String>,
    /// The learning-rate schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// The number of micro-batches, with data `X_1`, `Y_1`, `X_2`, … of their own, in one step.
    #[serde(default = "one_batch", skip_serializing_if = "is_one_batch")]
    pub gradient_accumulation_steps: u32,
    /// `unscaled` or `kept`: what becomes of the factor `loss_scale` in the gradients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scaling: Option<String>,
    /// `bf16`, `f16` or `f32`: what every trained tensor is rounded into after each update. The
    /// optimizer's memory stays in the run's arithmetic, and the first values are as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// `bf16`, `f16` or `f32`: what both operands of every matrix product of the forward pass are
    /// rounded into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<String>,
    /// The number of steps.
    pub steps: usize,
    /// LoRA's alpha; `s` is then alpha divided by the rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<Exact>,
    /// The size of each dimension.
    pub sizes: BTreeMap<String, usize>,
    /// Hyperparameters: `s`, `lr` for every tensor or `lr_A` for one, `max_norm`,
    /// `optimizer.alpha`, `loss.delta`, …
    #[serde(default, deserialize_with = "dotted")]
    pub hyperparameters: BTreeMap<String, Exact>,
    /// The draw of the tensors that are not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomFile>,
    /// Given tensors.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tensors: BTreeMap<String, TensorFile>,
    /// By tensor: how far each entry may be from the given or drawn one, before the tensor's
    /// `scale`. Bounds then hold for every input in these ranges; single runs take the middle.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges: BTreeMap<String, Exact>,
    /// The scope of a precision study of the run; nothing else reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<PrecisionFile>,
}

fn one_batch() -> u32 {
    1
}
fn is_one_batch(n: &u32) -> bool {
    *n == 1
}
fn linear() -> String {
    "linear".into()
}
fn mse() -> String {
    "mse".into()
}
fn mean() -> String {
    "mean".into()
}
fn sgd() -> String {
    "sgd".into()
}

impl ScenarioFile {
    /// Reads a TOML scenario.
    ///
    /// # Errors
    /// [`ScenarioError::Syntax`] with line and column.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|e| ScenarioError::Syntax(e.to_string()))
    }

    /// A file of this recipe without a step, a size or a number.
    pub fn of(recipe: &Recipe) -> Self {
        Self {
            name: String::new(),
            model: recipe.model.key().to_owned(),
            loss: recipe.loss.key().to_owned(),
            reduction: recipe.reduction.name().to_owned(),
            optimizer: recipe.optimizer.key().to_owned(),
            flags: recipe.switches(),
            counts: recipe.counts.clone(),
            regimes: recipe.regimes.clone(),
            midway: recipe.midway,
            loraplus: recipe.loraplus,
            clip: recipe.clip.map(|c| c.name().to_owned()),
            schedule: recipe.schedule.clone(),
            gradient_accumulation_steps: recipe.accumulation,
            loss_scaling: recipe.loss_scaling.map(|s| s.name().to_owned()),
            storage: recipe.storage.map(|f| f.name().to_owned()),
            compute: recipe.compute.map(|f| f.name().to_owned()),
            steps: 0,
            alpha: None,
            sizes: BTreeMap::new(),
            hyperparameters: BTreeMap::new(),
            random: None,
            tensors: BTreeMap::new(),
            ranges: BTreeMap::new(),
            precision: None,
        }
    }

    /// The run that the file describes.
    ///
    /// # Errors
    /// [`ScenarioError`] naming the field.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        let mut recipe = self.recipe()?;
        // Some combinations of terms exclude each other, so what is plainly off goes first.
        for h in recipe.optimizer.hyperparameters {
            if h.may_be_zero && self.is_off(h)? {
                recipe.switch_off(h.name)?;
            }
        }
        let full = recipe.build()?;
        let mut scalars = self.scalars(&recipe, &full)?;
        for h in recipe
            .optimizer
            .hyperparameters
            .iter()
            .filter(|h| h.may_be_zero)
        {
            let of_this = |(leaf, _): &(&String, &Surd)| {
                full.hyperparameters()
                    .any(|(name, base, _)| name == leaf.as_str() && base == h.name)
            };
            if scalars.iter().filter(of_this).all(|(_, v)| v.is_zero()) {
                recipe.switch_off(h.name)?;
            }
        }
        let step = recipe.build()?;
        scalars.retain(|leaf, _| step.graph.leaf(leaf).is_some());
        let sizes: Sizes = self.sizes.iter().map(|(n, s)| (n.clone(), *s)).collect();
        let tensors = self.tensors(&recipe, &step, &sizes)?;
        Ok(Scenario {
            name: self.name.clone(),
            recipe,
            sizes,
            values: Values { tensors, scalars },
            steps: self.steps,
        })
    }

    /// True where the setting is zero as one number for all tensors.
    fn is_off(&self, h: &Hyperparameter) -> Result<bool, ScenarioError> {
        let default = parse_ratio(h.default).map_err(|e| ScenarioError::field(h.name, e))?;
        let common = self.hyperparameters.get(h.name);
        let of_one = |name: &String| {
            let rest = name.strip_prefix(h.name);
            rest.is_some_and(|rest| rest.starts_with('_'))
        };
        Ok(common.map_or(default.is_zero(), |value| value.0.is_zero())
            && !self.hyperparameters.keys().any(of_one))
    }

    fn recipe(&self) -> Result<Recipe, ScenarioError> {
        let mut recipe = Recipe::new(&self.model, &self.loss, &self.optimizer)?;
        recipe.reduction = self.reduction.parse::<Reduction>()?;
        for flag in &self.flags {
            recipe.set_flag(flag, true)?;
        }
        for (name, count) in &self.counts {
            recipe.set_count(name, *count)?;
        }
        for (name, holds) in &self.regimes {
            if !recipe.optimizer.regimes.iter().any(|r| r.name == name) {
                let known: Vec<&str> = recipe.optimizer.regimes.iter().map(|r| r.name).collect();
                let message = format!("found `{name}`, expected one of: {}", known.join(", "));
                return Err(ScenarioError::field("regimes", message));
            }
            recipe = recipe.in_regime(name, *holds);
        }
        recipe.midway = self.midway;
        recipe.loraplus = self.loraplus;
        recipe.clip = match &self.clip {
            None => None,
            Some(name) => Some(name.parse::<Clip>()?),
        };
        self.schedule.as_ref().map_or(Ok(()), Schedule::check)?;
        recipe.schedule.clone_from(&self.schedule);
        if self.gradient_accumulation_steps == 0 {
            let field = "gradient_accumulation_steps";
            return Err(ScenarioError::field(field, "found 0, expected at least 1"));
        }
        recipe.accumulation = self.gradient_accumulation_steps;
        recipe.loss_scaling = match &self.loss_scaling {
            None => None,
            Some(name) => Some(name.parse::<LossScaling>()?),
        };
        let format = |name: &Option<String>| name.as_deref().map(float_format).transpose();
        recipe.storage = format(&self.storage)?;
        recipe.compute = format(&self.compute)?;
        Ok(recipe)
    }

    /// A value for every hyperparameter leaf: the tensor's own, the common one, the default.
    fn scalars(
        &self,
        recipe: &Recipe,
        step: &StepGraph,
    ) -> Result<BTreeMap<String, Surd>, ScenarioError> {
        let mut known: Vec<&str> = recipe.off.iter().map(String::as_str).collect();
        let mut scalars = BTreeMap::new();
        for (leaf, base, _) in step.hyperparameters() {
            known.extend([leaf, base]);
            let given = self
                .hyperparameters
                .get(leaf)
                .or_else(|| self.hyperparameters.get(base));
            let value = match (given, base, recipe.default_of(base)) {
                (Some(value), ..) => value.0.clone(),
                (None, "s", _) => self.scaling()?,
                (None, _, Some(default)) => {
                    Surd::rational(parse_ratio(default).map_err(|e| ScenarioError::field(leaf, e))?)
                }
                (None, ..) => {
                    return Err(ScenarioError::field(
                        format!("hyperparameters.{leaf}"),
                        format!("missing: give `{leaf}` or `{base}`"),
                    ));
                }
            };
            scalars.insert(leaf.to_owned(), value);
        }
        match self
            .hyperparameters
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            Some(name) => Err(ScenarioError::field(
                format!("hyperparameters.{name}"),
                self.no_such_setting(name, &known),
            )),
            None => Ok(scalars),
        }
    }

    /// The words on what to write instead of `name`.
    fn no_such_setting(&self, name: &str, known: &[&str]) -> String {
        // The last part of a name with its owner before it is what the owner calls it.
        let is_own = |k: &&&str| k.rsplit_once('.').is_some_and(|(_, own)| own == name);
        let own = known.iter().find(is_own);
        let lora = name == "alpha" || name.starts_with("alpha_");
        match own.map(|own| own.split_once('.').unwrap_or(("", own)).0) {
            Some(owner) => {
                let who = match owner {
                    "loss" => format!("the loss `{}`", self.loss),
                    _ => format!("the optimizer `{}`", self.optimizer),
                };
                let lora = if lora {
                    "LoRA's stands above the tables; "
                } else {
                    ""
                };
                let own = own.copied().unwrap_or_default();
                format!("one name for two quantities: {lora}that of {who} is `{own}`")
            }
            None if lora => "LoRA's alpha is no hyperparameter: \
                write `alpha = …` above the tables, or `s` here"
                .to_owned(),
            None => format!(
                "this recipe has no such hyperparameter: it has {}",
                known.join(", ")
            ),
        }
    }

    fn scaling(&self) -> Result<Surd, ScenarioError> {
        let missing =
            || ScenarioError::field("alpha", "missing: give `alpha`, or `hyperparameters.s`");
        let alpha = &self.alpha.as_ref().ok_or_else(missing)?.0;
        let r = self
            .sizes
            .get("r")
            .copied()
            .filter(|r| *r > 0)
            .ok_or_else(|| ScenarioError::field("sizes.r", "alpha needs a rank of at least 1"))?;
        let inverse = Surd::rational(Ratio::new(1.into(), r.into()));
        alpha.checked_mul(&inverse).ok_or_else(missing)
    }

    fn tensors(
        &self,
        recipe: &Recipe,
        step: &StepGraph,
        sizes: &Sizes,
    ) -> Result<BTreeMap<String, Tensor>, ScenarioError> {
        let mut tensors = BTreeMap::new();
        for (name, id) in step.graph.leaves() {
            let wanted = match step.graph.leaf_at(id).map(|l| &l.kind) {
                Some(LeafKind::Parameter | LeafKind::Data) => &step.graph.node(id).shape,
                _ => continue,
            };
            let size = |dim: &crate::graph::Dim| {
                dim.size(|n| sizes.get(n)).ok_or_else(|| {
                    let names: Vec<_> = dim.names().collect();
                    let message = match names.iter().all(|name| sizes.get(name).is_some()) {
                        true => "the product is too large",
                        false => "missing size",
                    };
                    ScenarioError::field(format!("sizes.{}", names.join(".")), message)
                })
            };
            let (rows, cols) = (size(&wanted.rows)?, size(&wanted.cols)?);
            if rows.checked_mul(cols).is_none_or(|n| n > MAX_ENTRIES) {
                let message =
                    format!("{rows} × {cols} is too large: expected at most {MAX_ENTRIES} entries");
                return Err(ScenarioError::field(format!("tensors.{name}"), message));
            }
            let content = recipe.content(name);
            let tensor = match (self.tensors.get(name), &self.random) {
                (Some(given), _) => given.tensor(name)?,
                (None, Some(draw)) if draw.zero.iter().any(|z| z == name) => {
                    Tensor::zeros(rows, cols)
                }
                (None, draw) => match (only_choice(content, rows, cols), draw) {
                    (Some(only), _) => only,
                    (None, Some(draw)) => {
                        random::tensor(draw_of(content), rows, cols, draw.seed, name)
                    }
                    (None, None) => {
                        return Err(ScenarioError::field(
                            format!("tensors.{name}"),
                            format!("missing: give {rows} × {cols} values, or a [random] seed"),
                        ));
                    }
                },
            };
            if (tensor.rows(), tensor.cols()) != (rows, cols) {
                return Err(ScenarioError::field(
                    format!("tensors.{name}"),
                    format!(
                        "is {} × {}, but the sizes ask for {rows} × {cols}",
                        tensor.rows(),
                        tensor.cols()
                    ),
                ));
            }
            let tensor = match self.ranges.get(name) {
                Some(radius) => tensor.within(&range(name, radius)?),
                None => tensor,
            };
            tensors.insert(name.to_owned(), tensor);
        }
        let given = self.tensors.keys().map(|name| ("tensors", name));
        let ranges = self.ranges.keys().map(|name| ("ranges", name));
        let zero = self.random.iter().flat_map(|draw| &draw.zero);
        match given
            .chain(ranges)
            .chain(zero.map(|name| ("random.zero", name)))
            .find(|(_, name)| !tensors.contains_key(*name))
        {
            Some((field, name)) => {
                let known: Vec<&str> = tensors.keys().map(String::as_str).collect();
                Err(ScenarioError::field(
                    format!("{field}.{name}"),
                    format!(
                        "this recipe has no such tensor: it has {}",
                        known.join(", ")
                    ),
                ))
            }
            None => Ok(tensors),
        }
    }
}

impl From<&Scenario> for ScenarioFile {
    /// The stored form with every value written out exactly.
    fn from(scenario: &Scenario) -> Self {
        let recipe = &scenario.recipe;
        let zeros = recipe
            .off
            .iter()
            .map(|name| (name.clone(), Exact(Surd::from(0))));
        let given = scenario
            .values
            .scalars
            .iter()
            .map(|(n, v)| (n.clone(), Exact(v.clone())));
        Self {
            name: scenario.name.clone(),
            steps: scenario.steps,
            sizes: scenario
                .sizes
                .iter()
                .map(|(n, s)| (n.to_owned(), s))
                .collect(),
            hyperparameters: zeros.chain(given).collect(),
            tensors: scenario
                .values
                .tensors
                .iter()
                .map(|(name, tensor)| (name.clone(), TensorFile::from(tensor)))
                .collect(),
            ranges: scenario
                .values
                .tensors
                .iter()
                .filter(|(_, tensor)| !tensor.radius().is_zero())
                .map(|(name, t)| (name.clone(), Exact(Surd::rational(t.radius().clone()))))
                .collect(),
            ..Self::of(recipe)
        }
    }
}

impl From<&Tensor> for TensorFile {
    fn from(tensor: &Tensor) -> Self {
        Self {
            rows: tensor.rows(),
            cols: tensor.cols(),
            values: tensor.values().iter().map(|x| Float(*x)).collect(),
            scale: Exact(tensor.scale().clone()),
        }
    }
}

impl TensorFile {
    /// The tensor.
    ///
    /// # Errors
    /// [`ScenarioError::Field`], with `name` for the place.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, ScenarioError> {
        let values = self.values.iter().map(|x| x.0).collect();
        let tensor = Tensor::new(self.rows, self.cols, values)
            .map_err(|e| ScenarioError::field(format!("tensors.{name}"), e))?;
        tensor.scaled_by(&self.scale.0).ok_or_else(|| {
            ScenarioError::field(format!("tensors.{name}.scale"), "does not combine")
        })
    }
}

/// The radius of a range: a rational number that is not negative.
fn range(name: &str, radius: &Exact) -> Result<Ratio, ScenarioError> {
    let rational = radius.0.as_ratio().filter(|q| !q.is_negative()).cloned();
    rational.ok_or_else(|| {
        ScenarioError::field(
            format!("ranges.{name}"),
            format!(
                "found {}, expected a rational number that is not negative",
                radius.0
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_keeps_its_sign_in_a_file() {
        for (text, negative) in [
            ("\"-0x0.0p+0\"", true),
            ("\"0x0.0p+0\"", false),
            ("-0.0", true),
            ("0", false),
            ("\"-1e-400\"", true),
        ] {
            let float: Float = serde_json::from_str(text).unwrap();
            assert!(
                float.0 == 0.0 && float.0.is_sign_negative() == negative,
                "{text}"
            );
            let again: Float =
                serde_json::from_str(&serde_json::to_string(&float).unwrap()).unwrap();
            assert_eq!(again.0.to_bits(), float.0.to_bits());
        }
    }
}
