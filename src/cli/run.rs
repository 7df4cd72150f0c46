//! `lora-gauge run`: one case in one arithmetic.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use nalgebra::DMatrix;
use serde::Serialize;

use super::case::{self, Input, Side};
use super::deviation::Deviations;
use super::{Console, Failure, Status, table};
use crate::arith::{Arithmetic, ArithmeticName, WithArithmetic, with_arithmetic};
use crate::exec::{self, ExecError, MAX_ENTRIES, Options, Outputs, Trajectory};
use crate::scenario::Scenario;

/// Run a case in one arithmetic
///
/// A case is a golden file (a run of PyTorch, stored step by step), a scenario in TOML, or a
/// witness; which it is, its content says. A golden file is compared with what PyTorch got.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct RunArgs {
    /// A golden file, a scenario or a witness
    case: PathBuf,
    /// The arithmetic: f32, f64, bf16, f16 (their sums in wider numbers: bf16/f32, bf16/exact, f16/f32, f16/exact), mp:BITS, interval, interval:BITS, rational or prime
    #[arg(long, value_name = "ARITH", default_value = "f64")]
    arith: ArithmeticName,
    /// Take this many steps instead of the case's own number
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Record these outputs too, before the first step and after each; `W` is the weight
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    outputs: Vec<String>,
    /// Which run of a witness
    #[arg(long, value_enum, default_value_t = Side::Left)]
    side: Side,
    /// Print everything exactly, as JSON
    #[arg(long)]
    json: bool,
}

const EXIT_STATUS: &str = "\
Exit status: 0, but 1 where a golden file is run in f64 and leaves the tolerance that
tests/golden/README.md states; 64 for bad input, and where the arithmetic cannot do one of the
operations (the message names node, step and entry).";

/// A trajectory as text, whatever its arithmetic: exact for JSON, short for a table, nearby for
/// the comparison with PyTorch.
struct Record {
    losses: Vec<String>,
    final_loss: String,
    parameters: BTreeMap<String, Vec<Vec<String>>>,
    outputs: BTreeMap<String, Vec<Vec<String>>>,
    nearby: Nearby,
}

/// The same in binary64, for looking and for the comparison with PyTorch.
pub(super) struct Nearby {
    /// The loss before each step, and after the last one.
    pub losses: Vec<f64>,
    /// Each parameter after each step, row after row.
    pub parameters: BTreeMap<String, Vec<Vec<f64>>>,
    /// The largest distance of each loss from the one above, where the arithmetic holds intervals.
    pub radii: Vec<f64>,
}

#[derive(Serialize)]
struct RunJson<'a> {
    schema: &'static str,
    case: &'a str,
    arith: String,
    steps: usize,
    losses: &'a [String],
    final_loss: &'a str,
    #[serde(flatten)]
    parameters: &'a BTreeMap<String, Vec<Vec<String>>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: &'a BTreeMap<String, Vec<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pytorch: Option<PyTorchJson>,
}

#[derive(Serialize)]
struct PyTorchJson {
    largest_deviation: String,
    tolerance: String,
    within: bool,
}

pub(super) fn run(args: &RunArgs, console: &Console) -> Result<Status, Failure> {
    let Input { scenario, golden } = case::read(&args.case, args.side)?;
    let wrong = |message: String| Failure::in_file(&args.case, message);
    let steps = args.steps.unwrap_or(scenario.steps);
    check_length(&scenario, steps).map_err(wrong)?;
    let task = Task {
        scenario: &scenario,
        steps,
        outputs: &args.outputs,
    };
    let record = with_arithmetic(args.arith, task)
        .map_err(|e| Failure::new(e.to_string()))?
        .map_err(wrong)
        .map_err(|failure| failure.advise(WHAT_TO_DO))?;
    // A residue of the prime field is near to no real number.
    let deviations = golden
        .filter(|_| args.arith != ArithmeticName::Prime)
        .map(|golden| Deviations::from(&record.nearby, &golden));
    if args.json {
        console.print_json(&RunJson {
            schema: "lora-gauge/run/1",
            case: &scenario.name,
            arith: args.arith.to_string(),
            steps,
            losses: &record.losses,
            final_loss: &record.final_loss,
            parameters: &record.parameters,
            outputs: &record.outputs,
            pytorch: deviations.as_ref().map(|d| PyTorchJson {
                largest_deviation: format!("{:e}", d.largest()),
                tolerance: format!("{:e}", d.tolerance),
                within: d.within(),
            }),
        })?;
    } else {
        console.print(&as_table(
            &scenario,
            args.arith,
            steps,
            &record,
            deviations.as_ref(),
        ))?;
    }
    match deviations {
        Some(d) if args.arith == ArithmeticName::F64 && !d.within() => {
            console.warn(&format!(
                "{} leaves the tolerance: it deviates from PyTorch by {:.1e}, allowed {:.1e}",
                args.case.display(),
                d.largest(),
                d.tolerance
            ));
            Ok(Status::Refuted)
        }
        _ => Ok(Status::Holds),
    }
}

const WHAT_TO_DO: &str = "choose an arithmetic that has the operation (f64 and mp:BITS have all \
     of them), or fewer steps with --steps";

/// Refuses a record that could not be held in memory.
fn check_length(scenario: &Scenario, steps: usize) -> Result<(), String> {
    let of_one: usize = scenario
        .values
        .tensors
        .values()
        .map(|t| t.values().len())
        .sum();
    match of_one.max(1).checked_mul(steps) {
        Some(entries) if entries <= MAX_ENTRIES => Ok(()),
        _ => Err(format!(
            "field `steps`: found {steps}, too many for tensors with {of_one} entries: expected \
             at most {}",
            MAX_ENTRIES / of_one.max(1)
        )),
    }
}

struct Task<'a> {
    scenario: &'a Scenario,
    steps: usize,
    outputs: &'a [String],
}

impl WithArithmetic for Task<'_> {
    type Output = Result<Record, String>;

    fn call<A: Arithmetic>(self, ctx: A) -> Self::Output {
        let step = self.scenario.recipe.build().map_err(|e| e.to_string())?;
        let options = Options {
            outputs: Outputs::Named(self.outputs.to_vec()),
            ..Options::default()
        };
        let Scenario { sizes, values, .. } = self.scenario;
        let trajectory = exec::run(ctx.clone(), &step, sizes, values, self.steps, &options);
        let trajectory = trajectory.map_err(|e: ExecError| e.to_string())?;
        Ok(Record::new(&ctx, &trajectory))
    }
}

impl Record {
    fn new<A: Arithmetic>(ctx: &A, trajectory: &Trajectory<A::Elem>) -> Self {
        let show = |x: &A::Elem| ctx.show(x);
        let near = |x: &A::Elem| ctx.approx(x);
        let losses = || trajectory.losses.iter().chain([&trajectory.final_loss]);
        Self {
            losses: trajectory.losses.iter().map(show).collect(),
            final_loss: show(&trajectory.final_loss),
            parameters: each(&trajectory.parameters, show),
            outputs: each(&trajectory.outputs, show),
            nearby: Nearby {
                losses: losses().map(near).collect(),
                parameters: each(&trajectory.parameters, near),
                radii: losses().map(|x| ctx.radius(x)).collect(),
            },
        }
    }
}

/// Every matrix row after row, every entry through `f`.
fn each<E: nalgebra::Scalar, T>(
    matrices: &BTreeMap<String, Vec<DMatrix<E>>>,
    f: impl Fn(&E) -> T,
) -> BTreeMap<String, Vec<Vec<T>>> {
    let rows = |m: &DMatrix<E>| {
        m.row_iter()
            .flat_map(|row| row.iter().map(&f).collect::<Vec<_>>())
            .collect()
    };
    matrices
        .iter()
        .map(|(name, steps)| (name.clone(), steps.iter().map(rows).collect()))
        .collect()
}

fn as_table(
    scenario: &Scenario,
    arith: ArithmeticName,
    steps: usize,
    record: &Record,
    deviations: Option<&Deviations>,
) -> String {
    let title = format!(
        "{}: {} with {} in {arith}, {steps} steps\n",
        scenario.name, scenario.recipe.optimizer.name, scenario.recipe.loss.name
    );
    let enclosed = arith.is_enclosure();
    let mut columns = vec!["steps".to_owned(), "loss".to_owned()];
    columns.extend(enclosed.then(|| "±".to_owned()));
    if let Some(d) = deviations {
        columns.extend(d.names().map(|name| format!("{name} off by")));
    }
    let nearby = arith != ArithmeticName::Prime;
    let exact = record.losses.iter().chain([&record.final_loss]);
    let rows = exact
        .zip(&record.nearby.losses)
        .enumerate()
        .map(|(taken, (exact, near))| {
            let loss = if nearby { short(*near) } else { exact.clone() };
            let mut row = vec![taken.to_string(), loss];
            row.extend(enclosed.then(|| format!("{:.1e}", record.nearby.radii[taken])));
            if let Some(d) = deviations {
                row.extend(
                    d.after(taken)
                        .map(|x| x.map_or(String::new(), |x| format!("{x:.1e}"))),
                );
            }
            row
        });
    let rows: Vec<Vec<String>> = rows.collect();
    let mut text = title + &table::figures(&columns, &rows);
    if let Some(d) = deviations {
        text += &format!("largest deviation from PyTorch: {:.1e}", d.largest());
        text += &match (arith, d.within()) {
            (ArithmeticName::F64, true) => format!(", within the tolerance {:.1e}\n", d.tolerance),
            (ArithmeticName::F64, false) => {
                format!(", OUTSIDE the tolerance {:.1e}\n", d.tolerance)
            }
            _ => format!(" (the tolerance {:.1e} is for f64)\n", d.tolerance),
        };
    }
    text
}

/// Eight significant digits, with an exponent where the number is very large or small.
fn short(x: f64) -> String {
    if x == 0.0 || (1e-4..1e7).contains(&x.abs()) {
        format!("{x:.8}")
    } else {
        format!("{x:.7e}")
    }
}
