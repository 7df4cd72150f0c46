//! Optimizers, models and losses that a file defines: settings, memory and tensors, and formulas in order
//! in the notation of claims.

mod loss;
mod model;
mod optimizer;
mod setting;

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::graph::{GraphError, Names, StepBuilder, longest_product, parse_formula_over};

pub use loss::LossFile;
pub use model::ModelFile;
pub use optimizer::OptimizerFile;

/// The longest file, in bytes.
const LONGEST_TEXT: usize = 1 << 16;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;
/// The most formulas of a file.
const MOST_FORMULAS: usize = 256;

/// The most factors of a product. Exact numbers get longer with each, and a square of a square of
/// a square soon has more digits than there is memory.
const MOST_FACTORS: u64 = 1 << 14;

/// A file that defines no optimizer, model or loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// The text is not of the form.
    #[error("{0}")]
    Syntax(String),
    /// A field holds what cannot be used.
    #[error("field `{field}`, line {line}: {message}")]
    Field {
        /// The field's path.
        field: String,
        /// The line, from 1.
        line: usize,
        /// The words for what was found and what is expected.
        message: String,
    },
    /// A formula cannot be read, or its shapes do not fit.
    #[error("field `{field}`, line {line}: {error}")]
    Formula {
        /// The field's path.
        field: String,
        /// The line, from 1.
        line: usize,
        /// The place in the formula, what was found and what is expected.
        error: Box<GraphError>,
    },
}

impl DefinitionError {
    /// The mistake as one of the step that was to be built.
    fn of_step(self) -> GraphError {
        match self {
            Self::Formula { error, .. } => *error,
            other => GraphError::Incomplete(other.to_string()),
        }
    }
}

/// The text of a file, in which places have lines.
#[derive(Debug, Clone, Copy)]
struct Text<'t>(&'t str);

impl<'t> Text<'t> {
    fn parse<T: DeserializeOwned>(self) -> Result<T, DefinitionError> {
        let length = self.0.len();
        if length > LONGEST_TEXT {
            let message = format!("found {length} bytes, expected at most {LONGEST_TEXT}");
            return Err(DefinitionError::Syntax(message));
        }
        toml::from_str(self.0).map_err(|e| DefinitionError::Syntax(e.to_string()))
    }

    fn line(self, at: &Range<usize>) -> usize {
        let before = self.0.bytes().take(at.start);
        1 + before.filter(|byte| *byte == b'\n').count()
    }

    fn wrong(
        self,
        field: impl Into<String>,
        at: &Range<usize>,
        message: String,
    ) -> DefinitionError {
        DefinitionError::Field {
            field: field.into(),
            line: self.line(at),
            message,
        }
    }

    /// The name of an entry that no built-in one has.
    fn name(self, name: &Spanned<String>, known: &[&str]) -> Result<(), DefinitionError> {
        let text = name.get_ref();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let expected = if known.contains(&text.as_str()) {
            "a name that no other has"
        } else if text.is_empty() || text.len() > LONGEST_NAME || !text.chars().all(allowed) {
            "at most 64 letters, digits, `_` and `-`"
        } else {
            return Ok(());
        };
        let message = format!("found `{text}`, expected {expected}");
        Err(self.wrong("name", &name.span(), message))
    }
}

/// True where formulas can name a quantity so: a letter, then letters, digits and `_`.
fn is_quantity(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= LONGEST_NAME
        && name.chars().all(rest)
}

/// Formulas in order, each of which gives a value to a name: `m = beta * m + g`.
#[derive(Debug)]
struct Formulas(Vec<Assignment>);

#[derive(Debug)]
struct Assignment {
    name: String,
    formula: String,
    field: String,
    line: usize,
}

impl Formulas {
    fn read(
        text: Text<'_>,
        field: &str,
        lines: &[Spanned<String>],
    ) -> Result<Self, DefinitionError> {
        if let Some(line) = lines.get(MOST_FORMULAS) {
            let message = format!("found {}, expected at most {MOST_FORMULAS}", lines.len());
            return Err(text.wrong(field, &line.span(), message));
        }
        let assignment = |(number, line): (usize, &Spanned<String>)| {
            let field = format!("{field}[{number}]");
            let halves = line.get_ref().split_once('=');
            let halves = halves.map(|(name, formula)| (name.trim(), formula.trim()));
            match halves.filter(|(name, _)| is_quantity(name)) {
                Some((name, formula)) => Ok(Assignment {
                    name: name.to_owned(),
                    formula: formula.to_owned(),
                    field,
                    line: text.line(&line.span()),
                }),
                None => {
                    let message = format!("found `{}`, expected `name = formula`", line.get_ref());
                    Err(text.wrong(field, &line.span(), message))
                }
            }
        };
        let all = lines.iter().enumerate().map(assignment);
        Ok(Self(all.collect::<Result<_, _>>()?))
    }

    /// The names that are given values, in order.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|a| a.name.as_str())
    }

    fn assigns(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    /// Adds a formula for `name` whose place in the file is that of the last one for `before`.
    fn follow(&mut self, before: &str, name: &str, formula: &str) {
        let Some(place) = self.0.iter().rfind(|a| a.name == before) else {
            return;
        };
        let (field, line) = (place.field.clone(), place.line);
        self.0.push(Assignment {
            name: name.to_owned(),
            formula: formula.to_owned(),
            field,
            line,
        });
    }

    /// Refuses a formula for one of these names.
    fn leave_alone(&self, names: &[&str], why: &str) -> Result<(), DefinitionError> {
        match self.0.iter().find(|a| names.contains(&a.name.as_str())) {
            None => Ok(()),
            Some(assignment) => Err(DefinitionError::Field {
                field: assignment.field.clone(),
                line: assignment.line,
                message: format!(
                    "found `{} = …`, expected another name: {why}",
                    assignment.name
                ),
            }),
        }
    }

    /// Gives the names their values, one after the other.
    fn apply<'g>(
        &self,
        step: &'g StepBuilder,
        names: &mut Names<'g>,
    ) -> Result<(), DefinitionError> {
        for assignment in &self.0 {
            let value = parse_formula_over(step, names, &assignment.formula);
            let value = value.map_err(|error| DefinitionError::Formula {
                field: assignment.field.clone(),
                line: assignment.line,
                error: Box::new(error),
            })?;
            names.insert(assignment.name.clone(), value);
        }
        Ok(())
    }

    /// Refuses a step that multiplies too much.
    fn check_products(&self, step: &StepBuilder) -> Result<(), DefinitionError> {
        let factors = longest_product(&step.graph());
        let Some(last) = self.0.last().filter(|_| factors > MOST_FACTORS) else {
            return Ok(());
        };
        Err(DefinitionError::Field {
            field: last.field.clone(),
            line: last.line,
            message: format!(
                "found products of {factors} factors, expected {MOST_FACTORS} at most"
            ),
        })
    }

    /// The error `error` at the last formula for `name`.
    fn wrong(&self, name: &str, error: GraphError) -> DefinitionError {
        let last = self.0.iter().rfind(|a| a.name == name);
        DefinitionError::Formula {
            field: last.map_or_else(|| name.to_owned(), |a| a.field.clone()),
            line: last.map_or(1, |a| a.line),
            error: Box::new(error),
        }
    }
}

/// Keeps the text until the program ends.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}
