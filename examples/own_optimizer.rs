//! An optimizer of one's own: normalised gradient descent, in builder code. Once it is registered,
//! scenarios, claims and campaigns can name it; its rule is derived and put to the test.

use std::error::Error;

use lora_gauge::gauge::{Options, derive};
use lora_gauge::search::{Campaign, Parameters, PropertyTable, Totals};
use lora_gauge::zoo::{Hyperparameter, Optimizer, Recipe, Trainer, optimizers};

/// `w ← w − lr · ∇ / max(‖∇‖, floor)`
const NORMALISED: Optimizer = Optimizer {
    name: "normalised",
    title: "normalised gradient descent",
    source: "Nesterov 1984",
    hyperparameters: &[
        Hyperparameter::positive("lr", "1e-2"),
        Hyperparameter::optional("floor", "1e-6"),
    ],
    build,
    ..optimizers::PLAIN
};

fn build(trainer: &Trainer<'_>) {
    for f in trainer.factors() {
        let g = f.gradient();
        f.update(f.weight() - f.lr() * g / g.norm().max(f.hyper("floor")));
    }
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    optimizers::register(NORMALISED)?;
    let step = Recipe::new("linear", "mse", "normalised")?.build()?;
    for (quantity, weight) in &derive(&step, &Options::default(), "s").rule().weights {
        let powers: Vec<String> = weight.iter().map(ToString::to_string).collect();
        println!("{quantity}: {}", powers.join(", "));
    }
    let mut parameters = Parameters::new(1, 40);
    parameters.optimizers = vec!["normalised".to_owned()];
    parameters.properties = vec!["rules-compose".to_owned(), "bit-equality".to_owned()];
    let selection = parameters.selection(&PropertyTable::default())?;
    let records = Campaign::new(parameters.seed, &selection)?.records(0..parameters.cases);
    if let Some(failed) = records.iter().find(|record| record.verdict.is_failed()) {
        return Err(format!("the rule fails: {failed:?}").into());
    }
    for (property, tally) in Totals::of(records).properties {
        println!(
            "{property}: {} passed, {} undecided",
            tally.passed, tally.undecided
        );
    }
    Ok(())
}
