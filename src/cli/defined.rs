//! Optimizers, models and losses as users name them: by name, or by the file that defines one.

use std::path::Path;

use super::{Failure, files};
use crate::scenario::ScenarioFile;
use crate::zoo::{Entry, LookupError, Loss, Model, Optimizer};

/// The entry that `name` names: a path that ends in `.toml` is that of a file.
pub(super) fn entry<T: Entry>(name: &str, folder: &Path) -> Result<&'static T, Failure> {
    let wrong = |error: LookupError| Failure::new(error.to_string());
    if !is_file(name) {
        return T::find(name).map_err(wrong);
    }
    let path = folder.join(name);
    let text = files::read_up_to(&path, files::LARGEST_CLAIM)?;
    let kind = T::KIND;
    if !text.contains('=') {
        let message = format!("found no field, expected the TOML of the {kind}");
        return Err(Failure::in_file(&path, message));
    }
    T::find(&text).map_err(|error| match error {
        LookupError::Definition { error, .. } => Failure::in_file(&path, error),
        other => wrong(other),
    })
}

fn is_file(name: &str) -> bool {
    name.ends_with(".toml") && !name.contains('\n')
}

/// Puts the content of the files that a scenario names, beside its own, in the place of their
/// names.
pub(super) fn embed(scenario: &mut ScenarioFile, path: &Path) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    embed_one::<Model>(&mut scenario.model, folder)?;
    embed_one::<Loss>(&mut scenario.loss, folder)?;
    embed_one::<Optimizer>(&mut scenario.optimizer, folder)
}

fn embed_one<T: Entry>(name: &mut String, folder: &Path) -> Result<(), Failure> {
    if is_file(name) {
        *name = entry::<T>(name, folder)?.key().to_owned();
    }
    Ok(())
}
