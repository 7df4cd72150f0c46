//! A loss from a file.
//!
//! ```toml
//! name = "log-cosh"
//! formulas = [
//!     "d = sharpness * (z - y)",
//!     "loss = ln((exp(d) + exp(-d)) / 2)",
//! ]
//! [settings]
//! sharpness = { default = "1" }
//! ```
//!
//! The last formula for `loss` gives the unreduced loss of the output `z` and its targets `y`. Where
//! `classes` is true the targets are one class for each row, given one-hot.

use serde::Deserialize;
use toml::Spanned;

use super::setting::{Settings, settings};
use super::{DefinitionError, Formulas, Text, kept};
use crate::graph::{Dim, Expr, Names, StepBuilder, gradient};
use crate::zoo::Loss;
use crate::zoo::losses::{LOSSES, PLAIN, Targets};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    #[serde(default)]
    classes: bool,
    #[serde(default)]
    settings: Settings,
    formulas: Vec<Spanned<String>>,
}

/// A loss's text and what it says of a step.
#[derive(Debug)]
pub struct LossFile {
    text: &'static str,
    /// The names of the settings in the file.
    settings: Vec<String>,
    formulas: Formulas,
}

impl LossFile {
    /// The loss that `text` defines.
    ///
    /// # Errors
    /// [`DefinitionError`] names the field and the line, what was found and what was expected.
    pub fn read(text: &str) -> Result<Loss, DefinitionError> {
        let place = Text(text);
        let file: File = place.parse()?;
        place.name(
            &file.name,
            &LOSSES.iter().map(|l| l.name).collect::<Vec<_>>(),
        )?;
        let formulas = Formulas::read(place, "formulas", &file.formulas)?;
        formulas.leave_alone(&["z", "y"], "this one is given")?;
        let names: Vec<&str> = file.settings.keys().map(String::as_str).collect();
        formulas.leave_alone(&names, "this one is a setting")?;
        if !formulas.assigns("loss") {
            let message = "missing: expected a formula for `loss`".to_owned();
            return Err(place.wrong("formulas", &file.name.span(), message));
        }
        let mut own = Self {
            text: "",
            settings: file.settings.keys().cloned().collect(),
            formulas,
        };
        own.try_out()?;
        let settings = settings(place, &file.settings, &["z", "y"])?;
        let parameters = settings.iter().map(|h| (kept(&of_loss(h.name)), h.default));
        own.text = kept(text);
        Ok(Loss {
            name: kept(file.name.get_ref()),
            targets: match file.classes {
                true => Targets::Classes,
                false => Targets::Real,
            },
            parameters: Vec::leak(parameters.collect()),
            file: Some(Box::leak(Box::new(own))),
            ..PLAIN
        })
    }

    /// The whole text of the file.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The unreduced loss of the output `z` and its targets `y`.
    pub(in crate::zoo) fn unreduced<'g>(
        &self,
        step: &'g StepBuilder,
        z: Expr<'g>,
        y: Expr<'g>,
    ) -> Expr<'g> {
        self.outcome(step, z, y).unwrap_or_else(|error| {
            step.fail(error.of_step());
            step.ratio(0, 1)
        })
    }

    fn outcome<'g>(
        &self,
        step: &'g StepBuilder,
        z: Expr<'g>,
        y: Expr<'g>,
    ) -> Result<Expr<'g>, DefinitionError> {
        let given = [("z", z), ("y", y)];
        let given = given.map(|(name, value)| (name.to_owned(), Some(value)));
        let mut names = Names::from(given);
        for setting in &self.settings {
            let leaf = of_loss(setting);
            let value = step.hyperparameter(&leaf, &leaf, false);
            names.insert(setting.clone(), Some(value));
        }
        self.formulas.apply(step, &mut names)?;
        let loss = names.get("loss").copied().flatten();
        Ok(loss.unwrap_or_else(|| step.ratio(0, 1)))
    }

    /// Builds the loss and its gradient once.
    fn try_out(&self) -> Result<(), DefinitionError> {
        let step = StepBuilder::new();
        // No formula can spell these dimensions.
        let [rows, cols] = ["#rows", "#columns"].map(Dim::named);
        let z = step.parameter("z", &rows, &cols);
        let loss = self.outcome(&step, z, step.data("y", &rows, &cols))?.sum();
        self.formulas.check_products(&step)?;
        let gradient = gradient(loss, &[z]);
        gradient.map_err(|error| self.formulas.wrong("loss", error))?;
        Ok(())
    }
}

/// The setting `name` among those of optimizer and model.
fn of_loss(name: &str) -> String {
    format!("loss.{name}")
}
