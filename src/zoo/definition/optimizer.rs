//! An optimizer from a file.
//!
//! ```toml
//! name = "heavy-ball"
//! title = "momentum as Polyak has it"
//! source = "Polyak 1964"
//! update = [
//!     "b = momentum * buffer + g",
//!     "buffer = b",
//!     "w = w - lr * b",
//! ]
//! [settings]
//! lr = { default = "1e-3" }
//! momentum = { default = "0.9", range = "fraction", optional = true }
//! [memory]
//! buffer = { first = "0" }
//! ```
//!
//! The formulas are those of one trained tensor `w` with the gradient `g`, for each in turn; `t` is
//! the number of the step, `rows` and `cols` are the numbers of rows and columns. A later formula
//! for a name takes its earlier value's place, and the last ones for `w` and the memory are the
//! next values. A setting that is off takes its terms with it.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::setting::{Settings, settings};
use super::{DefinitionError, Formulas, Text, is_quantity, kept};
use crate::graph::{Dim, Expr, GraphError, Names, Shape, StepBuilder, Value, parse_formula_over};
use crate::zoo::optimizers::{OPTIMIZERS, PLAIN};
use crate::zoo::{Factor, Optimizer, Trainer};

/// The names that every formula of an optimizer may use.
const GIVEN: &[&str] = &["w", "g", "t", "rows", "cols"];
/// Memory of schedules, which stands beside the optimizer's.
const OF_SCHEDULES: &[&str] = &["lr", "steps_of_period"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    memory: BTreeMap<String, Spanned<MemoryFile>>,
    update: Vec<Spanned<String>>,
}

/// Memory of one trained tensor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryFile {
    /// The first value, a formula over settings and `w`.
    #[serde(default = "zero")]
    first: Spanned<String>,
    #[serde(default)]
    shape: ShapeFile,
}

fn zero() -> Spanned<String> {
    Spanned::new(0..0, "0".to_owned())
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ShapeFile {
    /// The tensor's own.
    #[default]
    Tensor,
    /// One number for each row.
    Rows,
    /// One number for each column.
    Columns,
    /// One number.
    Scalar,
}

impl ShapeFile {
    fn of(self, tensor: &Shape) -> Shape {
        let Shape { rows, cols } = tensor.clone();
        match self {
            Self::Tensor => Shape::new(rows, cols),
            Self::Rows => Shape::new(rows, Dim::one()),
            Self::Columns => Shape::new(Dim::one(), cols),
            Self::Scalar => Shape::scalar(),
        }
    }
}

/// An optimizer's text and what it says of a step.
#[derive(Debug)]
pub struct OptimizerFile {
    text: &'static str,
    settings: Vec<String>,
    memory: Vec<Memory>,
    update: Formulas,
}

#[derive(Debug)]
struct Memory {
    name: String,
    first: String,
    line: usize,
    shape: ShapeFile,
}

/// The place in which the formulas of one tensor find what they name.
trait Surroundings<'g> {
    fn step(&self) -> &'g StepBuilder;
    fn weight(&self) -> Expr<'g>;
    fn gradient(&self) -> Expr<'g>;
    /// The setting, with the schedule where it is the learning rate.
    fn setting(&self, name: &str) -> Value<'g>;
    fn state(&self, name: &str, first: Expr<'g>) -> Expr<'g>;
}

impl<'g> Surroundings<'g> for Factor<'_, 'g> {
    fn step(&self) -> &'g StepBuilder {
        self.builder()
    }
    fn weight(&self) -> Expr<'g> {
        Factor::weight(self)
    }
    fn gradient(&self) -> Expr<'g> {
        Factor::gradient(self)
    }
    fn setting(&self, name: &str) -> Value<'g> {
        self.uses(name).then(|| match name {
            "lr" => self.lr(),
            _ => self.hyper(name),
        })
    }
    fn state(&self, name: &str, first: Expr<'g>) -> Expr<'g> {
        Factor::state(self, name, first)
    }
}

/// A tensor of any shape, on which a file is tried when it is read.
struct Trial<'g> {
    step: &'g StepBuilder,
    weight: Expr<'g>,
    gradient: Expr<'g>,
}

impl<'g> Surroundings<'g> for Trial<'g> {
    fn step(&self) -> &'g StepBuilder {
        self.step
    }
    fn weight(&self) -> Expr<'g> {
        self.weight
    }
    fn gradient(&self) -> Expr<'g> {
        self.gradient
    }
    fn setting(&self, name: &str) -> Value<'g> {
        Some(self.step.hyperparameter(name, name, false))
    }
    fn state(&self, name: &str, first: Expr<'g>) -> Expr<'g> {
        self.step.state(name, first)
    }
}

impl OptimizerFile {
    /// The optimizer that `text` defines.
    ///
    /// # Errors
    /// [`DefinitionError`] names the field and the line, what was found and what was expected.
    pub fn read(text: &str) -> Result<Optimizer, DefinitionError> {
        let place = Text(text);
        let file: File = place.parse()?;
        place.name(
            &file.name,
            &OPTIMIZERS.iter().map(|o| o.name).collect::<Vec<_>>(),
        )?;
        let update = Formulas::read(place, "update", &file.update)?;
        let memory = memory(place, &file)?;
        let names = file.settings.keys().map(String::as_str);
        update.leave_alone(&["t", "rows", "cols"], "this one is given")?;
        update.leave_alone(&names.collect::<Vec<_>>(), "this one is a setting")?;
        let updated = memory.iter().map(|m| m.name.as_str()).chain(["w"]);
        for name in updated {
            if !update.assigns(name) {
                let message = format!("missing: expected a formula for the next `{name}`");
                return Err(place.wrong("update", &file.name.span(), message));
            }
        }
        let settings_of = file.settings.keys().cloned().collect();
        let mut own = Self {
            text: "",
            settings: settings_of,
            memory,
            update,
        };
        own.try_out()?;
        let hyperparameters = settings(place, &file.settings, GIVEN)?;
        own.text = kept(text);
        Ok(Optimizer {
            name: kept(file.name.get_ref()),
            title: kept(&file.title),
            source: kept(&file.source),
            hyperparameters: Vec::leak(hyperparameters),
            file: Some(Box::leak(Box::new(own))),
            ..PLAIN
        })
    }

    /// The whole text of the file.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Writes one step for every trained tensor.
    pub(in crate::zoo) fn step(&self, trainer: &Trainer<'_>) {
        for factor in trainer.factors() {
            match self.next(&factor) {
                Ok((weight, states)) => {
                    factor.update(weight);
                    for (state, next) in states {
                        factor.update_state(state, next);
                    }
                }
                Err(error) => factor.builder().fail(error.of_step()),
            }
        }
    }

    fn try_out(&self) -> Result<(), DefinitionError> {
        let step = StepBuilder::new();
        // No formula can spell these dimensions.
        let [rows, cols] = ["#rows", "#columns"].map(Dim::named);
        let tensor = Trial {
            step: &step,
            weight: step.parameter("w", &rows, &cols),
            gradient: step.data("g", &rows, &cols),
        };
        self.next(&tensor)?;
        self.update.check_products(&step)
    }

    /// The next value of a tensor, and that of each of its memories.
    fn next<'g>(&self, tensor: &impl Surroundings<'g>) -> Result<Next<'g>, DefinitionError> {
        let (step, weight) = (tensor.step(), tensor.weight());
        let mut names = Names::new();
        for name in &self.settings {
            names.insert(name.clone(), tensor.setting(name));
        }
        let mut at_start = names.clone();
        at_start.remove("lr");
        at_start.insert("w".to_owned(), Some(weight));
        let mut states = Vec::new();
        for memory in &self.memory {
            let wrong = |error| DefinitionError::Formula {
                field: format!("memory.{}.first", memory.name),
                line: memory.line,
                error: Box::new(error),
            };
            let first = parse_formula_over(step, &at_start, &memory.first).map_err(wrong)?;
            let shape = memory.shape.of(&weight.shape());
            let first = of_shape(step, first, &shape).map_err(wrong)?;
            let state = tensor.state(&memory.name, first);
            names.insert(memory.name.clone(), Some(state));
            states.push((memory, state));
        }
        let shape = weight.shape();
        let (rows, cols) = (step.count(&shape.rows), step.count(&shape.cols));
        let given = [weight, tensor.gradient(), step.step_number(), rows, cols];
        for (name, value) in GIVEN.iter().zip(given) {
            names.insert((*name).to_owned(), Some(value));
        }
        self.update.apply(step, &mut names)?;
        let next = |name: &str, shape: &Shape| {
            let value = names.get(name).copied().flatten();
            of_shape(step, value, shape).map_err(|error| self.update.wrong(name, error))
        };
        let updated = states
            .into_iter()
            .map(|(memory, state)| Ok((state, next(&memory.name, &state.shape())?)));
        Ok((next("w", &shape)?, updated.collect::<Result<_, _>>()?))
    }
}

/// A tensor's next value, and its memories with their next values.
type Next<'g> = (Expr<'g>, Vec<(Expr<'g>, Expr<'g>)>);

/// `value`, copied where it has one row or column and the shape has more.
fn of_shape<'g>(
    step: &'g StepBuilder,
    value: Value<'g>,
    shape: &Shape,
) -> Result<Expr<'g>, GraphError> {
    let value = value.unwrap_or_else(|| step.ratio(0, 1));
    let own = value.shape();
    match own.broadcast(shape).as_ref() == Some(shape) {
        true => Ok(value.broadcast_to(shape)),
        false => Err(GraphError::Shape {
            operation: "next value",
            left: shape.clone(),
            right: own,
        }),
    }
}

fn memory(text: Text<'_>, file: &File) -> Result<Vec<Memory>, DefinitionError> {
    let of = |(name, memory): (&String, &Spanned<MemoryFile>)| {
        let is_taken = GIVEN.contains(&name.as_str())
            || OF_SCHEDULES.contains(&name.as_str())
            || file.settings.contains_key(name);
        if is_taken || !is_quantity(name) {
            let message = match is_taken {
                true => format!("found `{name}`, expected a name that stands for nothing else"),
                false => format!("found `{name}`, expected a letter, then letters, digits and `_`"),
            };
            return Err(text.wrong(format!("memory.{name}"), &memory.span(), message));
        }
        let MemoryFile { first, shape } = memory.get_ref();
        Ok(Memory {
            name: name.clone(),
            first: first.get_ref().clone(),
            line: text.line(&memory.span()),
            shape: *shape,
        })
    };
    file.memory.iter().map(of).collect()
}
