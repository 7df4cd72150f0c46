//! The gradient by the reverse mode is the exact quotient of differences.
//!
//! Along one entry of one trained tensor the loss of the models and losses drawn here is, as long
//! as no branch changes, a polynomial of degree two at most, so that the central quotient of
//! differences is its slope: no limit is taken and nothing is rounded. The step is halved until
//! no branch changes; the kink of |x| at 0, which is odd, may lie in its middle.

use num_traits::Zero;

use super::HuntedProperty;
use crate::arith::{Arithmetic, ArithmeticName, Ratio, Rational, ratio_from_f64};
use crate::exec::{
    Branch, Decision, ExecError, Keep, Machine, Options, Outputs, Tensor, decisions,
};
use crate::graph::StepGraph;
use crate::scenario::Scenario;
use crate::search::draw::Menu;
use crate::search::pair::reason;
use crate::search::subject::Subject;
use crate::search::verdict::{Evidence, JudgeError, Verdict};
use crate::search::witness::{Finding, Place};

pub(super) const PROPERTY: HuntedProperty = HuntedProperty {
    name: "gradient-is-difference-quotient",
    says: "the gradient by the reverse mode is the exact quotient of differences, in rationals",
    arithmetics: &[ArithmeticName::Rational],
    supports: |name| name == ArithmeticName::Rational,
    menu,
    judge,
};

fn menu(mut menu: Menu) -> Menu {
    let of_degree_two = [
        "linear",
        "linear_dropout",
        "embedding",
        "mlp_relu",
        "loha",
        "lokr",
        "lora_bias",
    ];
    // Half of the layers are plain.
    let mut models = menu.models.clone();
    models.retain(|m| of_degree_two.contains(&m.name));
    menu.models = models;
    menu.losses.retain(|l| l.name != "cross_entropy");
    menu.clips = vec![None];
    menu.schedules = vec![None];
    menu
}

/// How many entries are looked at.
const ENTRIES: usize = 4;
/// How often the step is divided by four.
const DIVISIONS: i32 = 16;

fn judge(subject: &Subject) -> Result<Verdict, JudgeError> {
    let run = &subject.scenario;
    let plain = run.recipe.build()?;
    let names: Vec<(String, String)> = plain
        .parameters
        .iter()
        .map(|p| (format!("gradient of {}", p.name), format!("g_{}", p.name)))
        .collect();
    let named: Vec<(&str, &str)> = names
        .iter()
        .map(|(n, f)| (n.as_str(), f.as_str()))
        .collect();
    let step = run.recipe.build_observing(&named)?;
    let outputs = names.iter().map(|(name, _)| name.clone()).collect();
    let trial = Trial {
        decisions: decisions(&step.graph, [step.loss]),
        options: Options {
            keep: Keep::Everything,
            outputs: Outputs::Named(outputs),
        },
        step: &step,
    };
    let middle = match trial.look(run) {
        Ok(middle) => middle,
        Err(error) => return Ok(Verdict::Undecided(reason(&error))),
    };
    let mut compared = 0;
    let mut picks = subject.picks.iter().cycle();
    let mut pick = || *picks.next().unwrap_or(&0) as usize;
    for _ in 0..2 * ENTRIES {
        let number = pick() % plain.parameters.len().max(1);
        let Some(parameter) = plain.parameters.get(number) else {
            break;
        };
        let name = parameter.name.as_str();
        let Some(tensor) = run.values.tensors.get(name) else {
            continue;
        };
        let place = pick() % tensor.values().len().max(1);
        let entry = (place / tensor.cols().max(1), place % tensor.cols().max(1));
        let Some(quotient) = trial.quotient(run, name, place, &middle)? else {
            continue;
        };
        let Some(slope) = middle.gradients.get(number).and_then(|g| g.get(place)) else {
            continue;
        };
        if *slope != quotient {
            let show = |q: &Ratio| crate::arith::show_ratio(q);
            return Ok(Verdict::Failed(Box::new(Finding::Contradicts {
                says: "the reverse mode (left) is not the quotient of differences (right)"
                    .to_owned(),
                place: Some(Place {
                    after_steps: 0,
                    quantity: format!("g_{name}"),
                    entry,
                    left: show(slope),
                    right: show(&quotient),
                }),
            })));
        }
        compared += 1;
        if compared == ENTRIES {
            break;
        }
    }
    Ok(match compared {
        0 => Verdict::Undecided("every entry that was tried lies on a kink".to_owned()),
        _ => Verdict::Passed(Evidence::Exact),
    })
}

struct Trial<'a> {
    step: &'a StepGraph,
    decisions: Vec<Decision>,
    options: Options,
}

/// What one evaluation shows.
struct Seen {
    loss: Ratio,
    /// Of each trained tensor, row after row.
    gradients: Vec<Vec<Ratio>>,
    taken: Vec<Vec<Option<Branch>>>,
}

impl Trial<'_> {
    fn look(&self, run: &Scenario) -> Result<Seen, ExecError> {
        let mut machine =
            Machine::new(Rational, self.step, &run.sizes, &run.values, &self.options)?;
        machine.forward()?;
        let exact = |x: &rug::Rational| Rational.to_ratio(x).unwrap_or_default();
        let gradient = |name: &String| {
            let matrix = machine.output(name).map(nalgebra::DMatrix::transpose);
            matrix.map_or(vec![], |m| m.iter().map(exact).collect())
        };
        let names = match &self.options.outputs {
            Outputs::Named(names) => names.as_slice(),
            _ => &[],
        };
        Ok(Seen {
            loss: exact(machine.loss()),
            gradients: names.iter().map(gradient).collect(),
            taken: self.decisions.iter().map(|d| d.taken(&machine)).collect(),
        })
    }

    /// The central quotient of differences with a step within which no branch changes; `None`
    /// where every step that was tried crosses one.
    fn quotient(
        &self,
        run: &Scenario,
        name: &str,
        place: usize,
        middle: &Seen,
    ) -> Result<Option<Ratio>, JudgeError> {
        for i in 0..DIVISIONS {
            let h = libm::exp2(f64::from(-1 - 2 * i));
            let (Some(up), Some(down)) = (moved(run, name, place, h), moved(run, name, place, -h))
            else {
                continue;
            };
            let (Ok(up), Ok(down)) = (self.look(&up), self.look(&down)) else {
                continue;
            };
            if !is_one_piece(&down, middle, &up) {
                continue;
            }
            let step = ratio_from_f64(2.0 * h).filter(|step| !step.is_zero());
            return Ok(step.map(|step| (up.loss - down.loss) / step));
        }
        Ok(None)
    }
}

/// Whether every decision falls alike, or is the sign of something that is 0 in the middle
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
fn moved(run: &Scenario, name: &str, place: usize, h: f64) -> Option<Scenario> {
    let tensor = run.values.tensors.get(name)?;
    if *tensor.scale() != crate::arith::Surd::from(1) {
        return None;
    }
    let mut values = tensor.values().to_vec();
    let entry = values.get_mut(place)?;
    let before = ratio_from_f64(*entry)?;
    *entry += h;
    if ratio_from_f64(*entry)? - before != ratio_from_f64(h)? {
        return None;
    }
    let mut moved = run.clone();
    let tensor = Tensor::new(tensor.rows(), tensor.cols(), values).ok()?;
    moved.values.set_tensor(name, tensor);
    Some(moved)
}
