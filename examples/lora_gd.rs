//! LoRA gradient descent, written once for every kind of number and run in `f32`, `f64` and 256 bits;
//! then once more with alpha·k, lr/k and both factors over √k; and how far the two trajectories drift
//! apart in each, measured exactly, beside the certified bound.
//!
//! `cargo run --release --example lora_gd`

use std::error::Error;

use lora_gauge::arith::{Arithmetic, F32, F64, Mp, parse_ratio};
use lora_gauge::bound::precision::{StudyPlan, study};
use lora_gauge::exec::{Options, run};
use lora_gauge::scenario::{Scenario, seed_script};

/// Gradient descent in any arithmetic: the loss before the first step and after the last.
fn descend<A: Arithmetic>(ctx: A, case: &Scenario) -> Result<[f64; 2], Box<dyn Error>> {
    let step = case.recipe.build()?;
    let (sizes, values, options) = (&case.sizes, &case.values, Options::default());
    let run = run(ctx.clone(), &step, sizes, values, case.steps, &options)?;
    Ok([&run.losses[0], &run.final_loss].map(|loss| ctx.approx(loss)))
}

/// What is printed: a line for each arithmetic.
pub fn table() -> Result<String, Box<dyn Error>> {
    // W = W0 + (alpha/r)·B·A on 16 samples, from B = 0.
    let mut case = seed_script(0)?;
    case.steps = 20;
    let (f32, f64, mp) = ("f32".parse()?, "f64".parse()?, "mp:256".parse()?);
    let plan = StudyPlan {
        arithmetics: vec![f32, f64, mp],
        k: vec![parse_ratio("3")?],
        split: Default::default(),
        steps: vec![case.steps],
        against_bits: vec![],
        wanted: 16,
    };
    let (f32, f64) = (descend(F32, &case)?, descend(F64, &case)?);
    let losses = [f32, f64, descend(Mp::new(256), &case)?];
    let mut table = "in      loss from  to        drift of W  at most\n".to_owned();
    for (row, [first, last]) in study(&case, &plan, "", &|_| {})?.rows.iter().zip(losses) {
        let (name, w) = (&row.arith, &row.quantities["W"]);
        let drift = w.measured.as_ref().map_err(|why| why.to_string())?;
        let bound = w.bounds.certified.as_ref().map_err(|why| why.to_string())?;
        let (drift, bound) = (&drift.up.text, &bound.text);
        table += &format!("{name:<7} {first:<10.6} {last:<9.6} {drift:<11} {bound}\n");
    }
    Ok(table)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", table()?);
    Ok(())
}
