//! A model from a file.
//!
//! ```toml
//! name = "two-scales"
//! tensors = [
//!     { name = "X", shape = ["batch", "n_in"] },
//!     { name = "W0", shape = ["n_out", "n_in"] },
//!     { name = "A", shape = ["r", "n_in"], trained = true },
//!     { name = "B", shape = ["n_out", "r"], trained = true, zero = true },
//! ]
//! formulas = ["W = W0 + s * B @ A"]
//! ```
//!
//! A formula for `Z` gives the output, which is else `X @ W.T`; one for `loss` gives a loss that
//! needs no targets. Every name that begins with `W` is a quantity that comparisons look at. What
//! has the dimension `batch` is another in each micro-batch. A dimension may be a product, as in
//! `c_in * d_in`, or `1`.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::setting::{Settings, settings};
use super::{DefinitionError, Formulas, Text, is_quantity, kept};
use crate::graph::{Dim, Expr, GraphError, Names, Shape, StepBuilder, gradient};
use crate::zoo::models::{Content, Forward, MODELS, MicroBatch, PLAIN, PairNames};
use crate::zoo::{Hyperparameter, Model};

/// The most tensors of a model.
const MOST_TENSORS: usize = 64;
/// The dimension that data of one micro-batch alone have.
const BATCH: &str = "batch";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    #[serde(default)]
    title: String,
    tensors: Vec<Spanned<TensorFile>>,
    /// The factors A and B and the scale of each LoRA pair.
    #[serde(default = "one_pair")]
    pairs: Vec<Spanned<[String; 3]>>,
    #[serde(default)]
    settings: Settings,
    formulas: Vec<Spanned<String>>,
}

fn one_pair() -> Vec<Spanned<[String; 3]>> {
    vec![Spanned::new(0..0, ["A", "B", "s"].map(str::to_owned))]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorFile {
    name: String,
    shape: [String; 2],
    #[serde(default)]
    trained: bool,
    #[serde(default)]
    zero: bool,
    #[serde(default)]
    content: Content,
}

/// A model's text and what it says of a step.
#[derive(Debug)]
pub struct ModelFile {
    text: &'static str,
    tensors: Vec<Tensor>,
    /// The leaves of the scales.
    scales: Vec<String>,
    settings: Vec<Hyperparameter>,
    formulas: Formulas,
}

#[derive(Debug)]
struct Tensor {
    name: String,
    shape: Shape,
    trained: bool,
}

impl ModelFile {
    /// The model that `text` defines.
    ///
    /// # Errors
    /// [`DefinitionError`] names the field and the line, what was found and what was expected.
    pub fn read(text: &str) -> Result<Model, DefinitionError> {
        let place = Text(text);
        let file: File = place.parse()?;
        place.name(
            &file.name,
            &MODELS.iter().map(|m| m.name).collect::<Vec<_>>(),
        )?;
        let tensors = tensors(place, &file)?;
        let mut formulas = Formulas::read(place, "formulas", &file.formulas)?;
        if !(formulas.assigns("Z") || formulas.assigns("loss")) {
            if !formulas.assigns("W") {
                let message = "missing: expected a formula for `W`, `Z` or `loss`".to_owned();
                return Err(place.wrong("formulas", &file.name.span(), message));
            }
            formulas.follow("W", "Z", "X @ W.T");
        }
        let pairs = pairs(place, &file)?;
        let declared: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
        formulas.leave_alone(&declared, "this one is a tensor")?;
        let settings = settings(place, &file.settings, &declared)?;
        let mut own = Self {
            text: "",
            tensors,
            scales: pairs.iter().map(|[_, _, s]| s.clone()).collect(),
            settings,
            formulas,
        };
        own.try_out()?;
        own.text = kept(text);
        let own: &'static Self = Box::leak(Box::new(own));
        let all = || file.tensors.iter().map(Spanned::get_ref);
        let zero = all().filter(|t| t.zero).map(|t| kept(&t.name));
        let contents = all().filter(|t| t.content != Content::Real);
        let contents = contents.map(|t| (kept(&t.name), t.content));
        let pairs = pairs.iter().map(|[a, b, s]| PairNames {
            a: kept(a),
            b: kept(b),
            s: kept(s),
        });
        Ok(Model {
            name: kept(file.name.get_ref()),
            title: kept(&file.title),
            pairs: Vec::leak(pairs.collect()),
            zero_at_start: Vec::leak(zero.collect()),
            hyperparameters: &own.settings,
            contents: Vec::leak(contents.collect()),
            file: Some(own),
            ..PLAIN
        })
    }

    /// The whole text of the file.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Declares parameters and data and returns the output or loss for one micro-batch.
    pub(in crate::zoo) fn forward<'g>(
        &self,
        step: &'g StepBuilder,
        batch: MicroBatch,
    ) -> Forward<'g> {
        match self.outcome(step, batch) {
            Ok(forward) => forward,
            Err(error) => {
                step.fail(error.of_step());
                Forward::Loss(step.ratio(0, 1))
            }
        }
    }

    fn outcome<'g>(
        &self,
        step: &'g StepBuilder,
        batch: MicroBatch,
    ) -> Result<Forward<'g>, DefinitionError> {
        let mut names = self.leaves(step, batch);
        self.formulas.apply(step, &mut names)?;
        let value = |name: &str| names.get(name).copied().flatten();
        let assigned: BTreeSet<&str> = self.formulas.names().collect();
        for name in assigned.into_iter().filter(|name| name.starts_with('W')) {
            if let Some(value) = value(name) {
                step.output(name, value);
            }
        }
        let output = || value("Z").unwrap_or_else(|| step.ratio(0, 1));
        Ok(value("loss").map_or_else(|| Forward::Output(output()), Forward::Loss))
    }

    /// The tensors, scales and settings.
    fn leaves<'g>(&self, step: &'g StepBuilder, batch: MicroBatch) -> Names<'g> {
        let mut names = Names::new();
        for tensor in &self.tensors {
            let (name, Shape { rows, cols }) = (&tensor.name, &tensor.shape);
            let of_batch = rows.names().chain(cols.names()).any(|dim| dim == BATCH);
            let leaf = if tensor.trained {
                step.parameter(name, rows, cols)
            } else if of_batch {
                batch.data(step, name, rows, cols)
            } else {
                step.data(name, rows, cols)
            };
            names.insert(name.clone(), Some(leaf));
        }
        for scale in &self.scales {
            let leaf = step.hyperparameter(scale, "s", false);
            names.insert(scale.clone(), Some(leaf));
        }
        for setting in &self.settings {
            let leaf = step.hyperparameter(setting.name, setting.name, setting.may_be_zero);
            names.insert(setting.name.to_owned(), Some(leaf));
        }
        names
    }

    /// Builds a step and its gradients once.
    fn try_out(&self) -> Result<(), DefinitionError> {
        let step = StepBuilder::new();
        let loss = match self.outcome(&step, MicroBatch::ONLY)? {
            Forward::Output(z) => z.sum(),
            Forward::Loss(loss) => loss,
        };
        if !loss.shape().is_scalar() {
            let message = format!("the loss has shape {}, expected 1 × 1", loss.shape());
            return Err(self.formulas.wrong("loss", GraphError::Incomplete(message)));
        }
        self.formulas.check_products(&step)?;
        let leaves: Vec<Expr<'_>> = step
            .parameters()
            .iter()
            .map(|(_, id)| step.at(*id))
            .collect();
        let result = match self.formulas.assigns("loss") {
            true => "loss",
            false => "Z",
        };
        gradient(loss, &leaves)
            .and_then(|_| step.take_mistake().map_or(Ok(()), Err))
            .map_err(|error| self.formulas.wrong(result, error))
    }
}

fn tensors(text: Text<'_>, file: &File) -> Result<Vec<Tensor>, DefinitionError> {
    let mut all: Vec<Tensor> = Vec::new();
    for (number, tensor) in file.tensors.iter().enumerate() {
        let field = format!("tensors[{number}]");
        let wrong = |message: String| Err(text.wrong(field.as_str(), &tensor.span(), message));
        let own = tensor.get_ref();
        let name = &own.name;
        if number >= MOST_TENSORS {
            return wrong(format!(
                "found {}, expected at most {MOST_TENSORS}",
                file.tensors.len()
            ));
        }
        if !is_quantity(name) {
            return wrong(format!(
                "found `{name}`, expected a letter, then letters, digits and `_`"
            ));
        }
        if ["t", "loss"].contains(&name.as_str()) || all.iter().any(|t| t.name == *name) {
            return wrong(format!(
                "found `{name}`, expected a name that stands for nothing else"
            ));
        }
        if own.zero && !own.trained {
            return wrong(format!(
                "`{name}` is zero at the start: expected `trained = true`"
            ));
        }
        let [Some(rows), Some(cols)] = [&own.shape[0], &own.shape[1]].map(|dim| dimension(dim))
        else {
            let found = own.shape.join(", ");
            return wrong(format!(
                "found the shape {found}, expected two dimensions like `n_in`"
            ));
        };
        all.push(Tensor {
            name: name.clone(),
            shape: Shape::new(rows, cols),
            trained: own.trained,
        });
    }
    match all.iter().any(|t| t.trained) {
        true => Ok(all),
        false => {
            let message = "found no tensor with `trained = true`, expected at least one".to_owned();
            Err(text.wrong("tensors", &file.name.span(), message))
        }
    }
}

/// A dimension from its text: `n_in`, `c_in * d_in` or `1`.
fn dimension(text: &str) -> Option<Dim> {
    if text.trim() == "1" {
        return Some(Dim::one());
    }
    let mut names = text.split('*').map(str::trim);
    names.try_fold(Dim::one(), |product, name| {
        is_quantity(name).then(|| product.times(&Dim::named(name)))
    })
}

/// The pairs whose factors are trained tensors; where the file names none, A and B if there are any.
fn pairs(text: Text<'_>, file: &File) -> Result<Vec<[String; 3]>, DefinitionError> {
    let tensors = || file.tensors.iter().map(Spanned::get_ref);
    let trained = |name: &String| tensors().any(|t| t.trained && t.name == *name);
    let mut pairs = Vec::new();
    for (number, pair) in file.pairs.iter().enumerate() {
        let [a, b, s] = pair.get_ref();
        let is_pair = trained(a) && trained(b) && a != b;
        let is_scale = is_quantity(s) && s != "t" && !tensors().any(|t| t.name == *s);
        if is_pair && is_scale {
            pairs.push([a.clone(), b.clone(), s.clone()]);
        } else if !pair.span().is_empty() {
            let message = format!(
                "found {a}, {b}, {s}, expected two trained tensors and the name of their scale"
            );
            return Err(text.wrong(format!("pairs[{number}]"), &pair.span(), message));
        }
    }
    Ok(pairs)
}
