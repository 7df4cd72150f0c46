//! The truth of a claim on tiny runs, tried by brute force and apart from the judges.
//!
//! Nothing here knows a rule or a certificate: the right run is the left one with its numbers
//! multiplied by what the map says, and both are run.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Agreement, Crowd, Within, compare, compare_in, within};
use super::dice::Dice;
use super::drawn::{Drawn, Statement, Variant};
use super::grid;
use super::moves::{Map, Moves};
use super::runs::{Bench, Run, Wish};
use super::setting::Setting;
use super::witnessed;
use crate::arith::{ArithmeticName, Ratio, Surd, with_arithmetic};
use crate::audit::{Judged, Verdict};
use crate::exec::Tensor;
use crate::gauge::Condition;
use crate::search::exact_arithmetic;

/// The outcome of trying a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tried {
    /// Nothing speaks against it.
    Fine,
    /// Something does.
    Wrong(String),
    /// It cannot be told.
    Open(String),
}

/// The number of runs that an agreement rests on.
const RUNS: usize = 14;
/// The number of runs that look for a difference that is to exist.
const LOOKS: usize = 40;

/// Tries the verdict on the claim as it stands, not denied.
pub(super) fn tried(drawn: &Drawn, judged: &Judged) -> Tried {
    let mut dice = Dice::of_text(&drawn.text(), 0);
    let verdict = judged.judgement.verdict;
    if verdict == Verdict::Unknown {
        let because = &judged.judgement.because;
        let is_defect = because.starts_with("it cannot be judged") || because.contains("a defect");
        return match is_defect {
            true => Tried::Wrong(because.clone()),
            false => Tried::Open(format!("unknown: {because}")),
        };
    }
    if let Some(wrong) = replayed(drawn, judged) {
        return wrong;
    }
    let witness = judged.witness.as_ref();
    if let Some(how) = witness.and_then(|own| witnessed::contradiction(drawn, own)) {
        return Tried::Wrong(how);
    }
    let holds = verdict != Verdict::Refuted;
    let setting = &drawn.setting;
    match &drawn.statement {
        Statement::Equivalence(map) if holds => {
            map_holds(setting, map, &[], judged, verdict, &mut dice)
        }
        Statement::Invariant { map, conclusion } if holds => {
            let formulas: Vec<&str> = conclusion.iter().map(String::as_str).collect();
            map_holds(setting, map, &formulas, judged, verdict, &mut dice)
        }
        Statement::Implication { .. } if holds => implication(drawn, &mut dice),
        Statement::Uniqueness { map, vary } => match vary.is_empty() {
            true if holds => mixed(setting, map, &mut dice),
            true => Tried::Fine,
            false => grid::unique(
                setting,
                map,
                vary,
                (holds, judged.witness.is_some()),
                &mut dice,
            ),
        },
        Statement::Freedom { map, vary } => grid::free(setting, map, vary, verdict, &mut dice),
        Statement::Knobs { vary, follow, than } => {
            grid::knobs(setting, (vary, follow), than, holds, &mut dice)
        }
        Statement::Survey { map, variants } if holds => {
            survey(variants, map.as_ref(), judged, verdict, &mut dice)
        }
        Statement::Identity { formula, equals } if holds => {
            alone(setting, &[formula, equals], Within::Pair, &mut dice)
        }
        Statement::Conserved(formula) if holds => {
            alone(setting, &[formula], Within::Time, &mut dice)
        }
        Statement::Bits { map, arithmetic, k } if holds => {
            bits(setting, map, arithmetic, k, &mut dice)
        }
        Statement::Rank if holds => grid::ranks(setting, &mut dice),
        Statement::Experiment { map, wrong } if holds => {
            let Ok(bench) = Bench::new(setting, &[]) else {
                return Tried::Open("no step".to_owned());
            };
            let wish = Wish::of(setting);
            let claimed = agree(&bench, setting, &map.moves(&bench.step), &wish, &mut dice);
            if let Tried::Wrong(how) = claimed {
                return Tried::Wrong(format!("the claimed rule is wrong: {how}"));
            }
            for side in wrong {
                let moves = Map::of(side.clone()).moves(&bench.step);
                if !some_differ(&bench, setting, &moves, &wish.clone().generic(), &mut dice) {
                    return Tried::Wrong("what is to be noticed never shows".to_owned());
                }
            }
            claimed
        }
        _ => Tried::Fine,
    }
}

/// A refutation needs a witness that is confirmed, where it does not say that nothing exists.
fn replayed(drawn: &Drawn, judged: &Judged) -> Option<Tried> {
    let existence = matches!(
        drawn.statement,
        Statement::Freedom { .. }
            | Statement::Knobs { .. }
            | Statement::Uniqueness { .. }
            | Statement::Rank
            | Statement::Experiment { .. }
    );
    let Some(witness) = &judged.witness else {
        let missing = judged.judgement.verdict == Verdict::Refuted && !existence;
        return missing.then(|| Tried::Wrong("refuted without a witness".to_owned()));
    };
    match witness.replay() {
        Ok(replay) if replay.found.is_some() && replay.agrees => None,
        Ok(replay) => Some(Tried::Wrong(format!(
            "the witness is not confirmed: {:?}",
            replay.found
        ))),
        Err(error) => Some(Tried::Wrong(format!(
            "the witness cannot be replayed: {error}"
        ))),
    }
}

/// A drawn run and the one to which the map leads.
pub(super) fn one(
    bench: &Bench,
    setting: &Setting,
    moves: &Moves,
    wish: &Wish,
    dice: &mut Dice,
) -> Option<(Run, Run)> {
    let base = dice.of([(2, 1), (1, 2), (3, 2), (3, 1), (2, 3)]);
    let k = moves.factor(&Ratio::new(
        i64::from(base.0).into(),
        i64::from(base.1).into(),
    ));
    let left = bench.run(wish, &setting.sizes, dice);
    let right = Run {
        values: moves.apply(&left.values, &k)?,
        ..left.clone()
    };
    Some((left, right))
}

/// The trial of whether all of some drawn runs are left alone.
pub(super) fn agree(
    bench: &Bench,
    setting: &Setting,
    moves: &Moves,
    wish: &Wish,
    dice: &mut Dice,
) -> Tried {
    let (mut seen, mut why) = (0, "no run".to_owned());
    for i in 0..RUNS {
        let wish = Wish {
            generic: i % 2 == 0,
            apart: if i % 4 < 2 {
                apart(bench, moves)
            } else {
                BTreeSet::new()
            },
            ..wish.clone()
        };
        let Some((left, right)) = one(bench, setting, moves, &wish, dice) else {
            continue;
        };
        match compare(bench, &left, &right) {
            Agreement::Differs(place) => {
                return Tried::Wrong(format!(
                    "a run of {} differs: {place}; {}",
                    left.steps,
                    show(&left)
                ));
            }
            Agreement::Nothing(reason) => why = reason,
            _ => seen += 1,
        }
    }
    match seen {
        0 => Tried::Open(format!("no run to be compared: {why}")),
        _ => Tried::Fine,
    }
}

/// The settings of which the map moves copies differently, so that each is a number by itself.
fn apart(bench: &Bench, moves: &Moves) -> BTreeSet<String> {
    let mut powers: BTreeMap<&str, BTreeSet<Ratio>> = BTreeMap::new();
    for (leaf, base, _) in bench.step.hyperparameters() {
        let power = moves.powers.get(leaf).cloned().unwrap_or_default();
        powers.entry(base).or_default().insert(power);
    }
    let several = powers.into_iter().filter(|(_, powers)| powers.len() > 1);
    several.map(|(base, _)| base.to_owned()).collect()
}

/// A run in a few words.
fn show(run: &Run) -> String {
    let scalars = run
        .values
        .scalars
        .iter()
        .map(|(name, x)| format!("{name} = {x}"));
    let tensors = run
        .values
        .tensors
        .iter()
        .map(|(name, x)| format!("{name} = {:?}", x.values()));
    scalars.chain(tensors).collect::<Vec<_>>().join(", ")
}

/// `true` if some drawn run is not left alone.
pub(super) fn some_differ(
    bench: &Bench,
    setting: &Setting,
    moves: &Moves,
    wish: &Wish,
    dice: &mut Dice,
) -> bool {
    (0..LOOKS).any(|_| {
        let pair = one(bench, setting, moves, wish, dice);
        pair.is_some_and(|(left, right)| compare(bench, &left, &right).differs())
    })
}

fn map_holds(
    setting: &Setting,
    map: &Map,
    formulas: &[&str],
    judged: &Judged,
    verdict: Verdict,
    dice: &mut Dice,
) -> Tried {
    let Ok(bench) = Bench::new(setting, formulas) else {
        return Tried::Open("no step".to_owned());
    };
    let moves = map.moves(&bench.step);
    let wish = Wish::of(setting);
    // Formulas may have quotients, which then need a value and nothing else.
    let only_defined = !formulas.is_empty() && judged.alternatives.is_empty();
    if verdict == Verdict::Proved || only_defined {
        return agree(&bench, setting, &moves, &wish, dice);
    }
    let alternatives = &judged.alternatives;
    if alternatives.is_empty() {
        return Tried::Wrong("it holds under conditions, and none is named".to_owned());
    }
    for set in alternatives {
        let (moved, wished) = under(&moves, &wish, set);
        match agree(&bench, setting, &moved, &wished, dice) {
            Tried::Fine => {}
            Tried::Wrong(how) => return Tried::Wrong(format!("{set:?} is not enough: {how}")),
            Tried::Open(why) => return Tried::Open(format!("under {set:?}: {why}")),
        }
        for left_out in set {
            let rest: Vec<Condition> = set.iter().filter(|c| *c != left_out).cloned().collect();
            let (moved, mut wished) = under(&moves, &wish, &rest);
            if let Condition::HyperparameterZero(name) = left_out {
                wished.on.insert(name.clone());
            }
            if !some_differ(&bench, setting, &moved, &wished.generic(), dice) {
                return Tried::Wrong(format!("{left_out:?} of {set:?} is not needed"));
            }
        }
    }
    Tried::Fine
}

/// Map and runs under these conditions.
fn under(moves: &Moves, wish: &Wish, conditions: &[Condition]) -> (Moves, Wish) {
    let (mut moves, mut wish) = (moves.clone(), wish.clone());
    for condition in conditions {
        match condition {
            Condition::InitialZero(name) => drop(wish.zero.insert(name.clone())),
            Condition::HyperparameterZero(name) => drop(wish.off.insert(name.clone())),
            Condition::SignChanges(name) => {
                if !moves.negated.remove(name) {
                    moves.negated.insert(name.clone());
                }
            }
        }
    }
    (moves, wish)
}

fn survey(
    variants: &[Variant],
    shared: Option<&Map>,
    judged: &Judged,
    verdict: Verdict,
    dice: &mut Dice,
) -> Tried {
    let said = judged.judgement.conditions.join("; ");
    let mut result = Tried::Fine;
    for (i, variant) in variants.iter().enumerate() {
        let name = format!("variant {}", i + 1);
        // One that holds under conditions of its own has them listed after its name.
        let left_out = !said.contains(&name) || said.contains(&format!("{name}:"));
        if verdict == Verdict::ProvedIf && left_out {
            continue;
        }
        let Ok(bench) = Bench::new(&variant.setting, &[]) else {
            return Tried::Open("no step".to_owned());
        };
        let Some(map) = variant.map.as_ref().or(shared) else {
            return Tried::Open("no map".to_owned());
        };
        let wish = Wish::of(&variant.setting);
        match agree(
            &bench,
            &variant.setting,
            &map.moves(&bench.step),
            &wish,
            dice,
        ) {
            Tried::Wrong(how) => return Tried::Wrong(format!("{name}: {how}")),
            Tried::Fine => {}
            open => result = open,
        }
    }
    result
}

fn alone(setting: &Setting, formulas: &[&String], asked: Within, dice: &mut Dice) -> Tried {
    let formulas: Vec<&str> = formulas.iter().map(|f| f.as_str()).collect();
    let Ok(bench) = Bench::new(setting, &formulas) else {
        return Tried::Open("no step".to_owned());
    };
    let mut seen = 0;
    let mut why = String::new();
    for i in 0..2 * RUNS {
        let wish = Wish {
            generic: i % 2 == 0,
            ..Wish::of(setting)
        };
        let run = bench.run(&wish, &setting.sizes, dice);
        match within(&bench, &run, asked) {
            Agreement::Differs(place) => {
                return Tried::Wrong(format!("a run shows otherwise: {place}; {}", show(&run)));
            }
            Agreement::Nothing(reason) => why = reason,
            _ => seen += 1,
        }
    }
    match seen {
        0 => Tried::Open(format!("no run to be looked at: {why}")),
        _ => Tried::Fine,
    }
}

fn bits(setting: &Setting, map: &Map, arithmetic: &str, k: &Ratio, dice: &mut Dice) -> Tried {
    let (Ok(bench), Ok(name)) = (
        Bench::new(setting, &[]),
        arithmetic.parse::<ArithmeticName>(),
    ) else {
        return Tried::Open("no step".to_owned());
    };
    let moves = map.moves(&bench.step);
    let mut seen = 0;
    for _ in 0..RUNS {
        let wish = Wish::of(setting).generic();
        let left = bench.run(&wish, &setting.sizes, dice);
        let Some(values) = moves.apply(&left.values, k) else {
            continue;
        };
        let right = Run {
            values,
            ..left.clone()
        };
        match compare_in(name, &bench, &left, &right) {
            // Below its normal numbers this format loses digits, which is said.
            Agreement::Differs(place) if name != ArithmeticName::F16 => {
                return Tried::Wrong(format!("bits differ: {place}; {}", show(&left)));
            }
            Agreement::Same => seen += 1,
            _ => {}
        }
    }
    match seen {
        0 => Tried::Open("no run in the format to be compared".to_owned()),
        _ => Tried::Fine,
    }
}

fn implication(drawn: &Drawn, dice: &mut Dice) -> Tried {
    let Statement::Implication {
        map,
        premise,
        until,
        conclusion,
    } = &drawn.statement
    else {
        return Tried::Fine;
    };
    let setting = &drawn.setting;
    let mut formulas: Vec<&str> = vec![];
    for formula in premise.iter().chain(conclusion) {
        if !formulas.contains(&formula.as_str()) {
            formulas.push(formula);
        }
    }
    let Ok(bench) = Bench::new(setting, &formulas) else {
        return Tried::Open("no step".to_owned());
    };
    let moves = map
        .as_ref()
        .map(|map| map.moves(&bench.step))
        .unwrap_or_default();
    let mut held = 0;
    for _ in 0..3 {
        let wish = Wish {
            smallest: true,
            steps: 1 + dice.below(2),
            ..Wish::of(setting).generic()
        };
        let first = bench.run(&wish, &BTreeMap::new(), dice);
        let starts: Vec<Run> = (0..10)
            .map(|_| elsewhere(&bench, &first, &wish, dice))
            .collect();
        let k = moves.factor(&Ratio::from_integer(2.into()));
        let mapped = |run: &Run| {
            let values = moves.apply(&run.values, &k)?;
            Some(Run {
                values,
                ..run.clone()
            })
        };
        let right: Vec<Run> = starts.iter().filter_map(mapped).collect();
        let crowd = Crowd {
            bench: &bench,
            left: &starts,
            right: &right,
            premises: premise.len(),
            until: *until,
        };
        match with_arithmetic(exact_arithmetic(), crowd) {
            Ok((Some(place), _)) => {
                return Tried::Wrong(format!("{place} contradict it; {}", show(&first)));
            }
            Ok((None, some)) => held += some,
            Err(error) => return Tried::Open(error.to_string()),
        }
    }
    match held {
        0 => Tried::Open("no two runs satisfy the premise".to_owned()),
        _ => Tried::Fine,
    }
}

/// The same run from other trained tensors, small whole numbers that often coincide.
fn elsewhere(bench: &Bench, run: &Run, wish: &Wish, dice: &mut Dice) -> Run {
    let mut other = run.clone();
    for p in &bench.step.parameters {
        if let Some(tensor) = other.values.tensors.get_mut(&p.name)
            && !wish.zero.contains(&p.name)
        {
            let (rows, cols) = (tensor.rows(), tensor.cols());
            let entries = (0..rows * cols).map(|_| dice.of([1.0, -1.0, 2.0, -2.0]));
            if let Ok(drawn) = Tensor::new(rows, cols, entries.collect()) {
                *tensor = drawn;
            }
        }
    }
    other
}

/// The trial of whether a rotation of the ranks on top of the map goes unnoticed.
fn mixed(setting: &Setting, map: &Map, dice: &mut Dice) -> Tried {
    let Ok(bench) = Bench::new(setting, &[]) else {
        return Tried::Open("no step".to_owned());
    };
    let moves = map.moves(&bench.step);
    let two = [("r".to_owned(), 2)].into();
    if setting.sizes.get("r").is_some_and(|r| *r != 2) {
        return Tried::Open("there are no ranks to be mixed".to_owned());
    }
    let (mut same, mut map_is_wrong) = (0, false);
    for _ in 0..RUNS {
        let wish = Wish::of(setting).generic();
        let setting = Setting {
            sizes: two_of(&setting.sizes, &two),
            ..setting.clone()
        };
        let Some((left, mut right)) = one(&bench, &setting, &moves, &wish, dice) else {
            continue;
        };
        map_is_wrong |= compare(&bench, &left, &right).differs();
        for pair in setting.recipe.model.pairs {
            rotate(&mut right, pair.a, true);
            rotate(&mut right, pair.b, false);
        }
        match compare(&bench, &left, &right) {
            Agreement::Differs(_) => return Tried::Fine,
            Agreement::Nothing(_) => {}
            _ => same += 1,
        }
    }
    match (same, map_is_wrong) {
        (_, true) => Tried::Wrong("the map itself does not hold".to_owned()),
        (0, _) => Tried::Open("no run to be compared".to_owned()),
        _ => Tried::Wrong("a rotation of the ranks goes unnoticed".to_owned()),
    }
}

fn two_of(
    sizes: &BTreeMap<String, usize>,
    more: &BTreeMap<String, usize>,
) -> BTreeMap<String, usize> {
    let all = sizes.iter().chain(more);
    all.map(|(name, size)| (name.clone(), *size)).collect()
}

/// `O·A`, or `B·Oᵀ`, with `O = (3 4; -4 3)/5`.
fn rotate(run: &mut Run, name: &str, rows_are_ranks: bool) {
    const O: [[f64; 2]; 2] = [[3.0, 4.0], [-4.0, 3.0]];
    let Some(tensor) = run.values.tensors.get_mut(name) else {
        return;
    };
    let (rows, cols) = (tensor.rows(), tensor.cols());
    let at = |r: usize, c: usize| tensor.values().get(r * cols + c).copied().unwrap_or(0.0);
    let entries = (0..rows * cols).map(|i| {
        let (r, c) = (i / cols, i % cols);
        match rows_are_ranks {
            true => O[r % 2][0] * at(0, c) + O[r % 2][1] * at(1, c),
            false => O[c % 2][0] * at(r, 0) + O[c % 2][1] * at(r, 1),
        }
    });
    let fifth = Surd::rational(Ratio::new(1.into(), 5.into()));
    let turned = Tensor::new(rows, cols, entries.collect()).ok();
    let scaled = turned
        .and_then(|t| t.scaled_by(tensor.scale()))
        .and_then(|t| t.scaled_by(&fifth));
    if let Some(scaled) = scaled {
        *tensor = scaled;
    }
}
