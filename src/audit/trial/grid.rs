//! Claims that something exists or does not, tried on every map of a grid of powers.

use std::collections::BTreeSet;

use super::compare::{Agreement, Sieve, compare};
use super::dice::Dice;
use super::drawn::Than;
use super::moves::{Map, Moves, Side, names};
use super::rule::rank;
use super::runs::{Bench, Run, Wish};
use super::setting::Setting;
use super::truth::{Tried, agree, one, some_differ};
use crate::arith::{Ratio, Surd};
use crate::audit::Verdict;
use crate::exec::Tensor;

/// The most names whose powers are tried all together.
const MOST: usize = 4;
/// Runs that a map has to pass to count as one that changes nothing.
const RUNS: usize = 30;

/// Powers in steps that the model's factors ask for.
fn powers(setting: &Setting, fixed: &Side, names: usize) -> Vec<Ratio> {
    let unit: i64 = match setting.recipe.model.name {
        "lokr" => 3,
        "loha" => 4,
        _ => 2,
    };
    // Those of what is asked for as well, as far as the grid stays small.
    let halves = |power: &Ratio| *power.denom() == 2.into();
    let unit = match fixed.values().any(halves) && names <= 2 {
        true => unit * if unit % 2 == 0 { 1 } else { 2 },
        false => unit,
    };
    let reach: i64 = match names {
        0..=2 => 4 * unit,
        3 => 2 * unit,
        _ => 2 * unit.min(2),
    };
    (-reach..=reach)
        .map(|n| Ratio::new(n.into(), unit.into()))
        .collect()
}

/// A setting's step with a few runs to sort out maps.
struct Grid<'b> {
    bench: &'b Bench,
    setting: &'b Setting,
    sieves: Vec<(Sieve<'b>, Run)>,
}

impl<'b> Grid<'b> {
    fn new(bench: &'b Bench, setting: &'b Setting, dice: &mut Dice) -> Option<Self> {
        let mut sieves = vec![];
        for _ in 0..12 {
            let wish = Wish {
                steps: 2,
                ..Wish::of(setting).generic()
            };
            let run = bench.run(&wish, &setting.sizes, dice);
            if let Some(sieve) = Sieve::new(bench, &run).filter(Sieve::is_of_use) {
                sieves.push((sieve, run));
            }
            if sieves.len() == 3 {
                break;
            }
        }
        (!sieves.is_empty()).then_some(Self {
            bench,
            setting,
            sieves,
        })
    }

    fn passes(&self, moves: &Moves, k: &Ratio) -> bool {
        self.sieves.iter().all(|(sieve, run)| {
            moves
                .apply(&run.values, k)
                .is_some_and(|values| sieve.passes(&values))
        })
    }

    /// `true` if a map that has come through leaves many exact runs alone.
    fn survives(&self, moves: &Moves, dice: &mut Dice) -> bool {
        let mut seen = 0;
        for i in 0..RUNS {
            let wish = Wish {
                generic: i % 3 > 0,
                steps: 2 + i % 4,
                ..Wish::of(self.setting)
            };
            let Some((left, right)) = one(self.bench, self.setting, moves, &wish, dice) else {
                continue;
            };
            match compare(self.bench, &left, &right) {
                Agreement::Differs(_) => return false,
                Agreement::Nothing(_) => {}
                _ => seen += 1,
            }
        }
        seen > 0
    }

    /// All maps with `fixed` and any powers of `names` that change nothing, until `stop` has
    /// enough of them.
    fn survivors(
        &self,
        fixed: &Side,
        names: &[String],
        dice: &mut Dice,
        mut wanted: impl FnMut(&[Ratio], bool) -> bool,
    ) {
        let powers = powers(self.setting, fixed, names.len());
        let k = Ratio::from_integer(match self.setting.recipe.model.name {
            "lokr" => 64.into(),
            "loha" => 256.into(),
            _ => 4.into(),
        });
        let count = powers.len().pow(names.len() as u32);
        for number in 0..count {
            let mut rest = number;
            let mut chosen = vec![];
            for _ in names {
                chosen.push(powers[rest % powers.len()].clone());
                rest /= powers.len();
            }
            let mut side = fixed.clone();
            side.extend(names.iter().cloned().zip(chosen.iter().cloned()));
            let moves = Map::of(side).moves(&self.bench.step);
            if self.passes(&moves, &k) && wanted(&chosen, false) && self.survives(&moves, dice) {
                wanted(&chosen, true);
            }
        }
    }
}

fn too_many(names: &[String]) -> Option<Tried> {
    (names.len() > MOST).then(|| Tried::Open("more names than can be tried".to_owned()))
}

/// The trial of whether another map than the claimed one does the same.
pub(super) fn unique(
    setting: &Setting,
    map: &Map,
    vary: &[String],
    (holds, has_witness): (bool, bool),
    dice: &mut Dice,
) -> Tried {
    let Ok(bench) = Bench::new(setting, &[]) else {
        return Tried::Open("no step".to_owned());
    };
    let claimed = map.moves(&bench.step);
    let own = match holds {
        true => agree(&bench, setting, &claimed, &Wish::of(setting), dice),
        false => {
            let generic = Wish::of(setting).generic();
            if some_differ(&bench, setting, &claimed, &generic, dice) {
                return Tried::Fine;
            }
            Tried::Fine
        }
    };
    if own != Tried::Fine {
        return own;
    }
    let Some(grid) = Grid::new(&bench, setting, dice) else {
        return Tried::Open("no run to be compared".to_owned());
    };
    // What the claimed map does to the names that do not vary stays as it is: by leaf, since a
    // common name may be among them.
    let varied = |leaf: &str| {
        let all = names(&bench.step).into_iter();
        all.filter(|(own, _)| own == leaf)
            .any(|(_, n)| n.iter().any(|n| vary.contains(n)))
    };
    let mut fixed = Side::new();
    for (leaf, [special, _]) in names(&bench.step) {
        if !varied(&leaf) {
            let power = claimed.powers.get(&leaf).cloned().unwrap_or_default();
            fixed.insert(special, power);
        }
    }
    let step = &bench.step;
    let mut other = None;
    let zero = setting.zero();
    grid.survivors(&fixed, vary, dice, |powers, sure| {
        let mut side = fixed.clone();
        side.extend(vary.iter().cloned().zip(powers.iter().cloned()));
        let mut apart = Map::of(side).moves(step);
        let mut same = claimed.clone();
        for name in &zero {
            apart.powers.remove(name);
            same.powers.remove(name);
        }
        let news = apart.powers != same.powers && other.is_none();
        if sure && news {
            other = Some(powers.to_vec());
        }
        news
    });
    match (holds, other) {
        (true, Some(powers)) => {
            Tried::Wrong(format!("{vary:?} with {} do the same", shown(&powers)))
        }
        (false, None) if !has_witness && claimed.negated.is_empty() => {
            Tried::Wrong(format!("no other powers of {vary:?} do the same"))
        }
        _ => Tried::Fine,
    }
}

fn shown(powers: &[Ratio]) -> String {
    let all: Vec<String> = powers.iter().map(crate::arith::show_ratio).collect();
    format!("[{}]", all.join(", "))
}

/// The trial of whether some powers of the names that vary undo what is asked for.
pub(super) fn free(
    setting: &Setting,
    map: &Map,
    vary: &[String],
    verdict: Verdict,
    dice: &mut Dice,
) -> Tried {
    if let Some(open) = too_many(vary) {
        return open;
    }
    let Ok(bench) = Bench::new(setting, &[]) else {
        return Tried::Open("no step".to_owned());
    };
    let Some(grid) = Grid::new(&bench, setting, dice) else {
        return Tried::Open("no run to be compared".to_owned());
    };
    let mut found = None;
    grid.survivors(&map.right, vary, dice, |powers, sure| {
        if sure {
            found = Some(powers.to_vec());
        }
        found.is_none()
    });
    // Under conditions it holds where something else has to follow as well.
    match (verdict == Verdict::Proved, found) {
        (false, Some(powers)) => Tried::Wrong(format!("{vary:?} with {} do", shown(&powers))),
        (true, None) => {
            // With three names or more the grid has not all powers that solutions have.
            let powers = &mut map.right.values();
            let small = powers.all(|p| p.numer().magnitude() <= p.denom().magnitude());
            let small = small && vary.len() < 3;
            match small {
                true => Tried::Wrong(format!("no powers of {vary:?} on the grid do")),
                false => Tried::Open("it may be done beyond the grid".to_owned()),
            }
        }
        _ => Tried::Fine,
    }
}

/// The number of effective settings, from the maps of a grid that change nothing.
fn effective(grid: &Grid<'_>, vary: &[String], follow: &[String], dice: &mut Dice) -> usize {
    let all = [vary, follow].concat();
    let mut basis: Vec<Vec<Ratio>> = vec![];
    grid.survivors(&Side::new(), &all, dice, |powers, sure| {
        let mut more = basis.clone();
        more.push(powers.iter().take(vary.len()).cloned().collect());
        let news = rank(more.clone()) > basis.len();
        if sure && news {
            basis = more;
        }
        news
    });
    vary.len() - basis.len()
}

/// The trial of whether the number of effective settings is what it is said to be.
pub(super) fn knobs(
    setting: &Setting,
    (vary, follow): (&[String], &[String]),
    than: &Than,
    holds: bool,
    dice: &mut Dice,
) -> Tried {
    if let Some(open) = too_many(&[vary, follow].concat()) {
        return open;
    }
    let Ok(bench) = Bench::new(setting, &[]) else {
        return Tried::Open("no step".to_owned());
    };
    let Some(grid) = Grid::new(&bench, setting, dice) else {
        return Tried::Open("no run to be compared".to_owned());
    };
    let own = effective(&grid, vary, follow, dice);
    let (true_of_runs, how) = match than {
        Than::Number(n) => (own == *n, format!("{own} of {vary:?} are effective")),
        Than::Settings(names) => {
            let other = effective(&grid, names, follow, dice);
            (
                own > other,
                format!("{own} of {vary:?} are effective, and {other} of {names:?}"),
            )
        }
    };
    match true_of_runs == holds {
        true => Tried::Fine,
        false => Tried::Wrong(how),
    }
}

/// The trial of whether some alpha, rates and scale of A lead from a run of rank 1 to one of rank 2 of whose A
/// it has the first row.
pub(super) fn ranks(setting: &Setting, dice: &mut Dice) -> Tried {
    let Ok(bench) = Bench::new(setting, &[]) else {
        return Tried::Open("no step".to_owned());
    };
    if bench.step.graph.leaf("A").is_none() || bench.step.graph.leaf("B").is_none() {
        return Tried::Open("there is more than one pair".to_owned());
    }
    let mut pairs = vec![];
    for _ in 0..8 {
        let wish = Wish {
            steps: 2,
            zero: BTreeSet::from(["B".to_owned()]),
            ..Wish::of(setting).generic()
        };
        let larger: std::collections::BTreeMap<String, usize> =
            ["n_in", "n_out", "batch", "vocab", "r"]
                .map(|n| (n.to_owned(), 2))
                .into();
        let large = bench.run(&wish, &larger, dice);
        let mut small = large.clone();
        small.sizes.set("r", 1);
        for (name, rows_are_ranks) in [("A", true), ("B", false)] {
            let Some(tensor) = large.values.tensors.get(name) else {
                continue;
            };
            let (rows, cols) = (tensor.rows(), tensor.cols());
            let kept = |i: &usize| {
                if rows_are_ranks {
                    i / cols == 0
                } else {
                    i.is_multiple_of(cols)
                }
            };
            let entries = (0..rows * cols)
                .filter(kept)
                .filter_map(|i| tensor.values().get(i).copied());
            let shape = if rows_are_ranks { (1, cols) } else { (rows, 1) };
            if let Ok(first) = Tensor::new(shape.0, shape.1, entries.collect()) {
                small.values.set_tensor(name, first);
            }
        }
        if let Some(sieve) = Sieve::new(&bench, &small).filter(Sieve::is_of_use)
            && let Some(sieve) = sieve.at(&large)
        {
            pairs.push((sieve, small, large));
        }
        if pairs.len() == 3 {
            break;
        }
    }
    if pairs.is_empty() {
        return Tried::Open("no run to be compared".to_owned());
    }
    let rates: Vec<&str> = (bench.step.hyperparameters())
        .filter(|(_, base, _)| *base == "lr")
        .map(|(leaf, _, _)| leaf)
        .collect();
    let factor = |n: i64| Ratio::new((1i64 << (n + 2)).into(), 4.into());
    for number in 0..125 {
        let [s, rate, a] = [number % 5, number / 5 % 5, number / 25].map(|n: i64| factor(n));
        let moved = |run: &Run| -> Option<Run> {
            let mut values = run.values.clone();
            for (name, value) in values.scalars.iter_mut() {
                let by = match name.as_str() {
                    "s" => &s,
                    name if rates.contains(&name) => &rate,
                    _ => continue,
                };
                *value = value.checked_mul(&Surd::rational(by.clone()))?;
            }
            let tensor = values
                .tensors
                .get("A")?
                .scaled_by(&Surd::rational(a.clone()))?;
            values.set_tensor("A", tensor);
            Some(Run {
                values,
                ..run.clone()
            })
        };
        let all_same = pairs.iter().all(|(sieve, small, large)| {
            moved(large).is_some_and(|right| {
                sieve.passes(&right.values) && !compare(&bench, small, &right).differs()
            })
        });
        if all_same {
            return Tried::Wrong(format!(
                "alpha times {s}, lr times {rate}, A times {a} lead from rank 1 to rank 2"
            ));
        }
    }
    Tried::Fine
}
