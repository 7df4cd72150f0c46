//! The rules that a finite experiment can and cannot notice: the seed's own script, measured.

use super::{Draft, JudgeError};
use crate::arith::{Arithmetic, F32, F64, Ratio, parse_ratio};
use crate::audit::case::Case;
use crate::audit::claim::Experiment;
use crate::audit::counter::{Trial, Tried};
use crate::audit::words::describe;
use crate::audit::{Claim, Evidence, Figure, Rung, Series, Table, Verdict};
use crate::exec::{self, Options};
use crate::graph::StepGraph;
use crate::scenario::{Outcome, Powers, Property, SEED_ALPHAS, Scenario, check, seed_script};
use crate::search::check_exactly;

/// The number of random problems of the script's shape.
const SEEDS: u64 = 20;

/// The effect of one wrong rule on the script.
struct Noticed {
    name: String,
    map: String,
    /// Steps taken before the exact losses first differ, over all problems and values of alpha;
    /// `None` where they never did.
    exact: Vec<Option<usize>>,
    /// The same for the losses as the script prints them, with four decimals.
    printed: Vec<Option<usize>>,
    /// `true` if some losses could not be compared, so that nothing is known of them.
    is_open: bool,
}

pub(super) fn judge(claim: &Claim, case: &Case<'_>, own: &Experiment) -> Result<Draft, JudgeError> {
    let problems: Vec<Scenario> = (0..SEEDS).map(seed_script).collect::<Result<_, _>>()?;
    let step = problems[0].recipe.build()?;
    if step != case.step {
        return Ok(Draft::unknown(
            "only the seed's script is built: one linear layer, l1, mean reduction, plain sgd",
        ));
    }
    let right = own.map().powers(&step)?;
    // An experiment is no evidence for a rule that is wrong.
    let under = crate::search::Population {
        zero: ["B".to_owned()].into(),
        ..case.as_it_is()
    };
    if let Some((found, k)) = case.counterexample(&under, &case.same_run(), &right)? {
        let because = format!(
            "the rule itself is wrong: under {} {}",
            describe(&step, &right),
            found.finding.describe()
        );
        let trial = Trial::Rescaled {
            powers: right.clone(),
            k,
            property: case.same_run(),
        };
        let draft = Draft::new(Verdict::Refuted, because);
        let tried = Tried::of(trial, &found);
        let says = "two runs that differ by the claimed rule";
        return Ok(draft.with_counterexample(claim, None, &tried, says));
    }
    let alphas = alphas();
    let maps: Result<Vec<Powers>, _> = own.wrong.iter().map(|wrong| wrong.powers(&step)).collect();
    let maps = maps?;
    // What the script runs takes these powers of the alphas that it tries.
    for map in std::iter::once(&right).chain(&maps) {
        for k in alphas.iter().chain([&Ratio::from_integer(3.into())]) {
            if let Err(e) = map.apply(&problems[0], k) {
                return Ok(Draft::unknown(format!(
                    "the script cannot try this map: {e}"
                )));
            }
        }
    }
    let mut evidence = vec![];
    let bits = bit_equal(&problems, &right, &alphas)?;
    let rounding = rounding(&problems, &right)?;
    let never_rounds = bits.0 == bits.1;
    evidence.push(
        Evidence::new(
            Rung::BitEqual,
            if never_rounds {
                "Every alpha of the script is a power of 4. In f32 all its runs have the same bits, so the experiment never tests rounding: it could not tell an exact rule from one that is exact only for powers of two."
            } else {
                "Not all of the script's runs have the same bits in f32."
            },
        )
        .with("runs with equal bits", format!("{} of {}", bits.0, bits.1)),
    );
    evidence.push(
        Evidence::new(
            Rung::BitEqual,
            "At alpha = 3, which the script does not try, the same rule is exact in exact arithmetic and yet the f32 runs differ in their bits: rounding shows.",
        )
        .with("f32 runs that differ at alpha = 3", format!("{} of {}", rounding.0, rounding.1)),
    );
    let mut noticed = Vec::new();
    for (wrong, powers) in own.wrong.iter().zip(maps) {
        let question = crate::gauge::MapQuestion {
            zero: ["B".to_owned()].into(),
            ..case.question(&powers)
        };
        let decision = crate::gauge::decide(&step, &question)?;
        if let crate::gauge::MapDecision::Holds(_) = decision {
            return Ok(Draft::unknown(format!(
                "`{}` is no wrong rule: from B = 0 it changes nothing",
                wrong.name
            )));
        }
        noticed.push(measure(&step, &problems, &powers, &alphas, &wrong.name)?);
    }
    if let Some(open) = noticed.iter().find(|n| n.is_open) {
        return Ok(Draft::unknown(format!(
            "whether the script notices `{}` cannot be told: exact arithmetic has no answer for one of its runs",
            open.name
        )));
    }
    let escaped: Vec<&str> = noticed
        .iter()
        .filter(|n| n.exact.iter().any(Option::is_none))
        .map(|n| n.name.as_str())
        .collect();
    let latest = noticed
        .iter()
        .flat_map(|n| n.exact.iter().flatten())
        .max()
        .copied();
    let blind: Vec<&str> = noticed
        .iter()
        .filter(|n| {
            n.exact
                .iter()
                .flatten()
                .min()
                .is_some_and(|first| *first > 1)
        })
        .map(|n| n.name.as_str())
        .collect();
    evidence.push(
        Evidence::new(
            Rung::Exact,
            "Each wrong rule was put into the script in exact arithmetic, on every random problem and at every alpha but 1; the table says after how many steps the losses first differ from those of alpha = 1. The loss before the first step never differs, since B = 0 hides A and alpha.",
        )
        .with("problems", SEEDS)
        .with("wrong rules", noticed.len())
        .with("missed", if escaped.is_empty() { "none".into() } else { escaped.join(", ") })
        .with("latest step", latest.map_or("-".into(), |l| l.to_string()))
        .with("invisible after one step", if blind.is_empty() { "none".into() } else { blind.join(", ") }),
    );
    let mut draft = if escaped.is_empty() {
        Draft::new(
            Verdict::ProvedIf,
            "it notices every wrong rule tried, some only at the second step, but never tests rounding",
        )
    } else {
        Draft::new(
            Verdict::Refuted,
            format!("it does not notice: {}", escaped.join(", ")),
        )
    };
    draft.conditions = vec![
        "as evidence against wrong powers of k, not as a proof and not about rounding".into(),
        "at least two steps are looked at (one step from B = 0 sees only the product k²·c·u² of rate factor c and init factor u)".into(),
    ];
    draft.evidence = evidence;
    draft.tables.push(table(&noticed));
    draft.figures.push(figure(&step, &problems[0], own)?);
    Ok(draft)
}

fn alphas() -> Vec<Ratio> {
    let one = Ratio::from_integer(1.into());
    SEED_ALPHAS
        .iter()
        .filter_map(|a| parse_ratio(a).ok())
        .filter(|a| *a != one)
        .collect()
}

/// The number of rescaled runs with the same bits as alpha = 1 in f32, and of all.
fn bit_equal(
    problems: &[Scenario],
    right: &Powers,
    alphas: &[Ratio],
) -> Result<(usize, usize), JudgeError> {
    let mut equal = 0;
    for problem in problems {
        for k in alphas {
            let other = right.apply(problem, k)?;
            let outcome = compared(problem, &other);
            equal += usize::from(matches!(outcome, Some(Outcome::Holds { .. })));
        }
    }
    Ok((equal, problems.len() * alphas.len()))
}

/// The effect on the bits, unless a run leaves the range of f32.
fn compared(left: &Scenario, right: &Scenario) -> Option<Outcome> {
    check(&F32, &Property::same_run(), left, right, left.steps).ok()
}

/// The number of f32 runs that differ in their bits at alpha = 3.
fn rounding(problems: &[Scenario], right: &Powers) -> Result<(usize, usize), JudgeError> {
    let three = Ratio::from_integer(3.into());
    let mut differ = 0;
    for problem in problems {
        let other = right.apply(problem, &three)?;
        let outcome = compared(problem, &other);
        differ += usize::from(matches!(outcome, Some(Outcome::Fails(_))));
    }
    Ok((differ, problems.len()))
}

fn measure(
    step: &StepGraph,
    problems: &[Scenario],
    powers: &Powers,
    alphas: &[Ratio],
    name: &str,
) -> Result<Noticed, JudgeError> {
    let losses_only = Property {
        conclusion: vec!["loss".into()],
        ..Property::default()
    };
    let mut noticed = Noticed {
        name: name.to_owned(),
        map: describe(step, powers),
        exact: vec![],
        printed: vec![],
        is_open: false,
    };
    for problem in problems {
        let base = printed(step, problem).ok();
        for k in alphas {
            let other = powers.apply(problem, k)?;
            // The script prints the loss before each of its steps, so the last update is unseen.
            let seen = problem.steps - 1;
            let outcome = check_exactly(&losses_only, problem, &other, seen)?;
            noticed.is_open |= !matches!(outcome, Outcome::Fails(_) | Outcome::Holds { .. });
            noticed.exact.push(match outcome {
                Outcome::Fails(difference) => Some(difference.after_steps),
                _ => None,
            });
            // A run that leaves the range of f32 prints no losses to the end.
            let shown = printed(step, &other).ok();
            let both = base.as_ref().zip(shown.as_ref());
            let apart = both.and_then(|(x, y)| x.iter().zip(y).position(|(x, y)| x != y));
            noticed.printed.push(apart);
        }
    }
    Ok(noticed)
}

/// The losses in f32 as PyTorch prints them. Only what a reader of the output could see; no
/// verdict rests on it.
fn printed(step: &StepGraph, scenario: &Scenario) -> Result<Vec<String>, JudgeError> {
    let Scenario {
        sizes,
        values,
        steps,
        ..
    } = scenario;
    let run = exec::run(F32, step, sizes, values, *steps, &Options::default());
    let run = run?;
    Ok(run.losses.iter().map(|loss| format!("{loss:.4}")).collect())
}

fn table(noticed: &[Noticed]) -> Table {
    let span = |steps: &[Option<usize>]| {
        let seen: Vec<usize> = steps.iter().flatten().copied().collect();
        let missed = steps.len() - seen.len();
        let range = match (seen.iter().min(), seen.iter().max()) {
            (Some(a), Some(b)) if a == b => format!("after {a}"),
            (Some(a), Some(b)) => format!("after {a} to {b}"),
            _ => "never".to_owned(),
        };
        if missed == 0 {
            range
        } else {
            format!("{range}; missed in {missed} of {}", steps.len())
        }
    };
    Table {
        title: "Wrong rules in the seed's script: after how many steps its losses differ".into(),
        columns: ["wrong rule", "map", "exact losses", "four printed decimals"]
            .map(String::from)
            .to_vec(),
        rows: noticed
            .iter()
            .map(|n| {
                vec![
                    n.name.clone(),
                    n.map.clone(),
                    span(&n.exact),
                    span(&n.printed),
                ]
            })
            .collect(),
    }
}

/// The losses of one problem at alpha = 1 and under each rule at alpha = 4.
fn figure(step: &StepGraph, problem: &Scenario, own: &Experiment) -> Result<Figure, JudgeError> {
    let four = Ratio::from_integer(4.into());
    let mut maps = vec![("the rule".to_owned(), own.map().powers(step)?)];
    for wrong in own.wrong.iter().take(4) {
        maps.push((wrong.name.clone(), wrong.powers(step)?));
    }
    let mut series = vec![];
    for (name, map) in maps {
        let scenario = map.apply(problem, &four)?;
        let Scenario {
            sizes,
            values,
            steps,
            ..
        } = &scenario;
        let Ok(run) = exec::run(F64, step, sizes, values, *steps, &Options::default()) else {
            continue;
        };
        let points = run
            .losses
            .iter()
            .enumerate()
            .map(|(i, loss)| (i as f64, F64.approx(loss)))
            .collect();
        series.push(Series { name, points });
    }
    Ok(Figure {
        title: "The script's L1 loss at alpha = 4 under the rule and under wrong ones".into(),
        x: "steps taken".into(),
        y: "loss".into(),
        series,
    })
}
