//! The gradient by the reverse mode is the exact quotient of differences.
//!
//! Along one entry of one trained tensor the loss of most models and losses is, as long as no
//! branch changes, a polynomial of degree two at most, so that the central quotient of differences
//! is its slope: no limit is taken and nothing is rounded. The step is halved until no branch
//! changes; the kink of |x| at 0, which is odd, may lie in its middle. Of the others see
//! [`mean_value`].

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use num_traits::Zero;

use super::{HuntedProperty, mean_value};
use crate::arith::{Arithmetic, ArithmeticName, Ratio, Rational, ratio_from_f64, show_ratio};
use crate::exec::{
    Branch, Decision, ExecError, Keep, Machine, Options, Outputs, Tensor, decisions,
};
use crate::graph::StepGraph;
use crate::scenario::Scenario;
use crate::search::draw::Domain;
use crate::search::ends::reason;
use crate::search::finding::{self, Finding};
use crate::search::result::{Basis, SearchError, TestResult};
use crate::search::test_case::TestCase;
use crate::zoo::Recipe;

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "gradient-is-difference-quotient",
    says: "the gradient by the reverse mode is the quotient of differences, exactly or enclosed",
    arithmetics: &[ArithmeticName::Rational],
    supports: |name| name == ArithmeticName::Rational,
    evidence: &[],
    domain,
    judge,
};

fn domain(mut domain: Domain) -> Domain {
    // The norm of DoRA is detached, so that its gradient is none.
    domain.models.retain(|m| m.name != "dora");
    domain.clips = vec![None];
    domain.schedules = vec![None];
    domain
}

/// `true` if the loss is a polynomial of degree two at most along every trained entry.
fn is_of_degree_two(recipe: &Recipe) -> bool {
    let models = [
        "linear",
        "linear_dropout",
        "embedding",
        "mlp_relu",
        "loha",
        "lokr",
        "lora_bias",
    ];
    models.contains(&recipe.model.name) && recipe.loss.name != "cross_entropy"
}

/// The number of entries that are looked at.
const ENTRIES: usize = 4;
/// The number of times that the step is divided by four.
const DIVISIONS: i32 = 16;

/// A slope and a quotient of differences that contradict each other, or do not.
pub(super) struct Compared {
    pub agree: bool,
    pub slope: String,
    pub quotient: String,
}

/// One entry of one trained tensor, with the name of the output that is its gradient.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub tensor: &'a str,
    pub gradient: &'a str,
    pub entry: (usize, usize),
}

fn judge(test_case: &TestCase) -> Result<TestResult, SearchError> {
    let run = &test_case.scenario;
    let plain = run.recipe.build()?;
    let names = gradients(&plain);
    let named: Vec<(&str, &str)> = names
        .iter()
        .map(|(n, f)| (n.as_str(), f.as_str()))
        .collect();
    let step = run.recipe.build_observing(&named)?;
    let options = Options {
        keep: Keep::Everything,
        outputs: Outputs::Named(names.iter().map(|(name, _)| name.clone()).collect()),
    };
    let trial = match is_of_degree_two(&run.recipe) {
        true => match Trial::new(&step, &options, run) {
            Ok(trial) => Some(trial),
            Err(error) => return Ok(TestResult::Undecided(reason(&error))),
        },
        false => None,
    };
    let compare = |place| match &trial {
        Some(trial) => trial.compare(run, place),
        None => mean_value::compare(&step, &options, run, place),
    };
    let mut compared = 0;
    let mut picks = test_case.parameters.iter().cycle();
    let mut pick = || *picks.next().unwrap_or(&0) as usize;
    for _ in 0..2 * ENTRIES {
        let number = pick() % names.len().max(1);
        let (Some(parameter), Some((gradient, _))) =
            (plain.parameters.get(number), names.get(number))
        else {
            break;
        };
        let Some(tensor) = run.values.tensors.get(&parameter.name) else {
            continue;
        };
        let place = pick() % tensor.values().len().max(1);
        let entry = (place / tensor.cols().max(1), place % tensor.cols().max(1));
        let of = Place {
            tensor: &parameter.name,
            gradient,
            entry,
        };
        match compare(of) {
            None => continue,
            Some(found) if found.agree => compared += 1,
            Some(found) => {
                return Ok(contradiction(of, found));
            }
        }
        if compared == ENTRIES {
            break;
        }
    }
    Ok(match compared {
        0 => TestResult::Undecided("every entry that was tried lies on a kink".to_owned()),
        _ if trial.is_some() => TestResult::Passed(Basis::Exact),
        _ => TestResult::Passed(Basis::Enclosed),
    })
}

/// The name of the output that holds the gradient of each trained tensor, and its formula.
fn gradients(step: &StepGraph) -> Vec<(String, String)> {
    let trained = step.parameters.iter().map(|p| &p.name);
    let named = trained.map(|name| (format!("gradient of {name}"), format!("g_{name}")));
    named.collect()
}

/// The finding that the slope at a place is not the quotient of differences.
fn contradiction(of: Place<'_>, found: Compared) -> TestResult {
    let says = "the reverse mode (left) is not the quotient of differences (right)";
    TestResult::Failed(Box::new(Finding::Contradicts {
        says: says.to_owned(),
        place: Some(finding::Place {
            after_steps: 0,
            quantity: format!("g_{}", of.tensor),
            entry: of.entry,
            left: found.slope,
            right: found.quotient,
        }),
    }))
}

struct Trial<'a> {
    step: &'a StepGraph,
    options: &'a Options,
    decisions: Vec<Decision>,
    middle: Seen,
}

/// The values of one evaluation.
#[derive(Default)]
struct Seen {
    loss: Ratio,
    /// By output, row after row.
    gradients: BTreeMap<String, DMatrix<Ratio>>,
    taken: Vec<Vec<Option<Branch>>>,
}

impl<'a> Trial<'a> {
    fn new(step: &'a StepGraph, options: &'a Options, run: &Scenario) -> Result<Self, ExecError> {
        let mut trial = Self {
            step,
            options,
            decisions: decisions(&step.graph, [step.loss]),
            middle: Seen::default(),
        };
        trial.middle = trial.look(run)?;
        Ok(trial)
    }

    fn look(&self, run: &Scenario) -> Result<Seen, ExecError> {
        let mut machine = Machine::new(Rational, self.step, &run.sizes, &run.values, self.options)?;
        machine.forward()?;
        // A rational number is always one.
        let exact = |x: &rug::Rational| Rational.to_ratio(x).unwrap_or_default();
        let names = match &self.options.outputs {
            Outputs::Named(names) => names.as_slice(),
            _ => &[],
        };
        let gradient =
            |name: &String| Some((name.clone(), machine.output(name)?.map(|x| exact(&x))));
        Ok(Seen {
            loss: exact(machine.loss()),
            gradients: names.iter().filter_map(gradient).collect(),
            taken: self.decisions.iter().map(|d| d.taken(&machine)).collect(),
        })
    }

    /// The slope and the central quotient of differences with a step within which no branch
    /// changes; `None` where every step that was tried crosses one.
    fn compare(&self, run: &Scenario, place: Place<'_>) -> Option<Compared> {
        let slope = self
            .middle
            .gradients
            .get(place.gradient)?
            .get(place.entry)?;
        for i in 0..DIVISIONS {
            let h = libm::exp2(f64::from(-1 - 2 * i));
            let (Some(up), Some(down)) = (moved(run, place, h), moved(run, place, -h)) else {
                continue;
            };
            let (Ok(up), Ok(down)) = (self.look(&up), self.look(&down)) else {
                continue;
            };
            if !is_one_piece(&down, &self.middle, &up) {
                continue;
            }
            let step = ratio_from_f64(2.0 * h).filter(|step| !step.is_zero())?;
            let quotient = (up.loss - down.loss) / step;
            return Some(Compared {
                agree: *slope == quotient,
                slope: show_ratio(slope),
                quotient: show_ratio(&quotient),
            });
        }
        None
    }
}

/// `true` if every decision falls alike, or is the sign of something that is 0 in the middle
/// and odd.
fn is_one_piece(down: &Seen, middle: &Seen, up: &Seen) -> bool {
    let [down, middle, up] = [down, middle, up].map(|seen| seen.taken.iter().flatten());
    let mut all = down.zip(middle).zip(up);
    all.all(|((x, y), z)| match (x, y, z) {
        (Some(x), Some(y), Some(z)) => {
            (x == y && y == z) || (*y == Branch::Zero && x.opposite() == Some(*z))
        }
        _ => false,
    })
}

/// The run with one entry of a trained tensor moved by `h`; `None` where that is not exact.
pub(super) fn moved(run: &Scenario, place: Place<'_>, h: f64) -> Option<Scenario> {
    let tensor = run.values.tensors.get(place.tensor)?;
    if *tensor.scale() != crate::arith::Surd::from(1) {
        return None;
    }
    let mut values = tensor.values().to_vec();
    let entry = values.get_mut(place.entry.0 * tensor.cols() + place.entry.1)?;
    let before = ratio_from_f64(*entry)?;
    *entry += h;
    if ratio_from_f64(*entry)? - before != ratio_from_f64(h)? {
        return None;
    }
    let mut moved = run.clone();
    let tensor = Tensor::new(tensor.rows(), tensor.cols(), values).ok()?;
    moved.values.set_tensor(place.tensor, tensor);
    Some(moved)
}
