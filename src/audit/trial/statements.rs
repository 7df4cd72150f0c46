//! Statements of every kind about a drawn setting: right ones, nearly right ones and others.

use std::collections::BTreeSet;

use num_traits::{One, Zero};

use super::dice::Dice;
use super::drawn::{Drawn, Statement, Than, Variant};
use super::formulas;
use super::moves::{Map, Side, names};
use super::rule::{self, Leaves, half, slack, solution, spoiled, worded};
use super::setting::{Setting, Start};
use crate::arith::Ratio;
use crate::audit::Kind;
use crate::graph::StepGraph;
use crate::zoo::{Recipe, RecipeError, losses};

/// The quality that a drawn map is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Right,
    Near,
    Any,
}

/// The source from which a statement is drawn.
pub(super) struct Draw {
    pub setting: Setting,
    pub step: StepGraph,
    pub flavour: Flavour,
}

impl Draw {
    fn recipe(&self) -> &Recipe {
        &self.setting.recipe
    }

    /// A claim of a kind.
    pub fn drawn(&self, kind: Kind, dice: &mut Dice) -> Result<Drawn, RecipeError> {
        let mut setting = self.setting.clone();
        let statement = match kind {
            Kind::Invariant => self.invariant(dice),
            Kind::Implication => self.implication(dice),
            Kind::Uniqueness => self.uniqueness(dice),
            Kind::Freedom => self.freedom(dice),
            Kind::Survey => self.survey(dice)?,
            Kind::Identity => {
                let (formula, equals) = formulas::identity(&self.step, self.recipe(), dice);
                Statement::Identity { formula, equals }
            }
            Kind::Conserved => {
                Statement::Conserved(formulas::conserved(&self.step, self.recipe(), dice))
            }
            Kind::Knobs => self.knobs(dice),
            Kind::Bits => self.bits(dice),
            Kind::Rank => Statement::Rank,
            Kind::Experiment => self.experiment(dice),
            _ => {
                let map = self.map(dice);
                // A setting that is a little off: a term or the start forgotten.
                if self.flavour == Flavour::Near && dice.percent(25) {
                    match dice.below(2) {
                        0 => setting.start = Start::Any,
                        _ => drop(setting.terms.pop_first()),
                    }
                }
                Statement::Equivalence(map)
            }
        };
        // A setting that is off by default has to be named to be on.
        let optional = setting.recipe.optimizer.hyperparameters.iter();
        for term in optional.filter(|h| h.may_be_zero && h.default == "0") {
            if !setting.recipe.off.contains(term.name) {
                setting.terms.insert(term.name.to_owned());
            }
        }
        Ok(Drawn {
            setting,
            statement,
            contrary: false,
            foreign: None,
        })
    }

    /// A map that the step obeys, by leaf, and in words. What a tensor that starts at zero is
    /// multiplied by does not matter.
    fn solution(&self, dice: &mut Dice) -> (Leaves, Leaves) {
        let tied = dice.percent(50);
        let all = solution(&self.step, self.recipe(), tied, dice);
        let mut said = all.clone();
        for name in self.setting.zero() {
            match dice.below(3) {
                0 => {}
                1 => drop(said.remove(&name)),
                _ => drop(said.insert(name, half(dice.of([2, -2, 1])))),
            }
        }
        (all, said)
    }

    /// A map of the drawn flavour.
    fn map(&self, dice: &mut Dice) -> Map {
        let (_, said) = self.solution(dice);
        let mut map = rule::map(&self.step, self.recipe(), &said, dice);
        match self.flavour {
            Flavour::Right => {
                if dice.percent(12) {
                    map.negate = rule::signs(&self.step, dice);
                }
                map
            }
            Flavour::Near => spoiled(map, &self.step, self.recipe(), dice),
            Flavour::Any => Map::of(rule::anything(&self.step, self.recipe(), dice)),
        }
    }

    fn invariant(&self, dice: &mut Dice) -> Statement {
        let (all, said) = self.solution(dice);
        let mut map = rule::map(&self.step, self.recipe(), &said, dice);
        let fits = self.flavour == Flavour::Right || dice.percent(30);
        let conclusion = (0..1 + dice.below(2))
            .map(|_| formulas::monomial(&self.step, &all, fits, dice))
            .collect();
        if self.flavour != Flavour::Right && dice.percent(30) {
            map = spoiled(map, &self.step, self.recipe(), dice);
        }
        Statement::Invariant { map, conclusion }
    }

    fn implication(&self, dice: &mut Dice) -> Statement {
        let map = dice.percent(40).then(|| {
            let (_, said) = self.solution(dice);
            rule::map(&self.step, self.recipe(), &said, dice)
        });
        let drawn = formulas::implication(&self.step, self.recipe(), map.is_some(), dice);
        let (premise, until, conclusion) = drawn;
        Statement::Implication {
            map,
            premise,
            until,
            conclusion,
        }
    }

    fn uniqueness(&self, dice: &mut Dice) -> Statement {
        if dice.percent(12) {
            return Statement::Uniqueness {
                map: self.map(dice),
                vary: vec![],
            };
        }
        let map = match self.flavour {
            Flavour::Any if dice.percent(20) => self.map(dice),
            _ => {
                let (_, said) = self.solution(dice);
                Map::of(worded(&self.step, &said, dice))
            }
        };
        let vary = self.some_names(1 + dice.below(2), &map.right, dice);
        Statement::Uniqueness { map, vary }
    }

    /// Names that a map may have, of which none is another's common name; those of `first` mostly.
    fn some_names(&self, count: usize, first: &Side, dice: &mut Dice) -> Vec<String> {
        let mut pool = rule::movable(&self.step, self.recipe());
        let zero = self.setting.zero();
        pool.retain(|[special, _]| !zero.iter().any(|z| *special == format!("init_{z}")));
        let favoured: Vec<[String; 2]> = (pool.iter())
            .filter(|names| names.iter().any(|name| first.contains_key(name)))
            .cloned()
            .collect();
        let mut chosen: Vec<String> = vec![];
        for _ in 0..4 * count {
            let from = match favoured.is_empty() || dice.percent(30) {
                true => &pool,
                false => &favoured,
            };
            let Some([special, common]) = dice.pick(from).cloned() else {
                continue;
            };
            let by_special =
                first.contains_key(&special) || !first.contains_key(&common) && dice.percent(50);
            let name = if by_special {
                special.clone()
            } else {
                common.clone()
            };
            let clash = |other: &String| {
                *other == name
                    || *other == common
                    || !by_special && pool.iter().any(|[s, c]| s == other && *c == common)
            };
            if chosen.len() < count && !chosen.iter().any(clash) {
                chosen.push(name);
            }
        }
        chosen
    }

    fn freedom(&self, dice: &mut Dice) -> Statement {
        let (_, said) = self.solution(dice);
        let side = worded(&self.step, &said, dice);
        let keys: Vec<String> = side.keys().cloned().collect();
        let asked = match side.contains_key("alpha") && !dice.percent(25) {
            true => "alpha".to_owned(),
            false => dice
                .pick(&keys)
                .cloned()
                .unwrap_or_else(|| "alpha".to_owned()),
        };
        let power = side.get(&asked).filter(|p| !p.is_zero()).cloned();
        let mut vary: Vec<String> = keys.into_iter().filter(|key| *key != asked).collect();
        // One name of a quantity is enough, and none of what is asked for.
        let all = names(&self.step);
        let specials = |common: &String| -> Vec<String> {
            let copies = all.iter().filter(|(_, names)| names[1] == *common);
            copies.map(|(_, names)| names[0].clone()).collect()
        };
        let commons: Vec<String> = vary
            .iter()
            .filter(|n| specials(n).len() > 1)
            .cloned()
            .collect();
        for common in commons {
            let special = specials(&common);
            if vary
                .iter()
                .any(|name| *name != common && special.contains(name))
            {
                vary.retain(|name| *name != common && !special.contains(name));
                vary.extend(special.into_iter().filter(|name| *name != asked));
            }
        }
        match self.flavour {
            Flavour::Right => {}
            Flavour::Near => {
                if !vary.is_empty() {
                    vary.remove(dice.below(vary.len()));
                }
            }
            Flavour::Any => {
                vary = self.some_names(1 + dice.below(2), &Side::new(), dice);
                let clash = names(&self.step)
                    .into_iter()
                    .filter(|(_, n)| n.contains(&asked));
                let clash: Vec<String> = clash.flat_map(|(_, n)| n).collect();
                vary.retain(|name| !clash.contains(name));
            }
        }
        if vary.is_empty() {
            let fallback = if asked == "alpha" { "lr" } else { "alpha" };
            vary.push(fallback.to_owned());
        }
        // More than three are too many to try them all.
        vary.truncate(4);
        Statement::Freedom {
            map: Map::of([(asked, power.unwrap_or_else(Ratio::one))].into()),
            vary,
        }
    }

    fn survey(&self, dice: &mut Dice) -> Result<Statement, RecipeError> {
        let mut variants = vec![];
        let shared = dice.percent(40);
        for i in 0..1 + dice.below(3) {
            let mut setting = self.setting.clone();
            if i > 0 {
                vary_setting(&mut setting, dice);
            }
            let step = setting.recipe.build()?;
            let draw = Draw {
                setting: setting.clone(),
                step,
                flavour: match self.flavour {
                    Flavour::Near if i == 0 => Flavour::Right,
                    other => other,
                },
            };
            let map = match shared && i > 0 {
                true => None,
                false => Some(draw.map(dice)),
            };
            variants.push(Variant { setting, map });
        }
        let mut map = None;
        if shared {
            map = variants.first_mut().and_then(|variant| variant.map.take());
        }
        // A name that one of the variants does not have makes it no claim.
        if let Some(map) = &map {
            let known = |variant: &Variant| -> Result<bool, RecipeError> {
                let step = variant.setting.recipe.build()?;
                let names: BTreeSet<String> =
                    names(&step).into_iter().flat_map(|(_, n)| n).collect();
                let mut used = map
                    .right
                    .keys()
                    .chain(map.left.iter().flatten().map(|(n, _)| n))
                    .chain(&map.negate);
                Ok(used.all(|name| names.contains(name)))
            };
            let mut kept = vec![];
            for variant in variants {
                if known(&variant)? {
                    kept.push(variant);
                }
            }
            variants = kept;
        }
        Ok(Statement::Survey { map, variants })
    }

    fn knobs(&self, dice: &mut Dice) -> Statement {
        let zero = self.setting.zero();
        let (_, said) = self.solution(dice);
        let favoured = worded(&self.step, &said, dice);
        let vary = self.some_names(2 + dice.below(3), &favoured, dice);
        let mut follow = match dice.percent(20) {
            true => self.some_names(1, &favoured, dice),
            false => vec![],
        };
        let related: Vec<String> = (names(&self.step).into_iter())
            .filter(|(_, names)| names.iter().any(|name| vary.contains(name)))
            .flat_map(|(_, names)| names)
            .collect();
        follow.retain(|name| !related.contains(name));
        let effective =
            |vary: &[String]| vary.len() - slack(&self.step, vary, &follow, &zero).min(vary.len());
        let own = effective(&vary);
        let than = match vary.len() > 1 && dice.percent(25) {
            true => {
                let mut fewer = vary.clone();
                fewer.remove(dice.below(vary.len()));
                Than::Settings(fewer)
            }
            false => Than::Number(match self.flavour {
                Flavour::Right => own,
                _ => (own + dice.of([1, 0, 2])).saturating_sub(if own > 0 { 1 } else { 0 }),
            }),
        };
        Statement::Knobs { vary, follow, than }
    }

    fn bits(&self, dice: &mut Dice) -> Statement {
        let arithmetic = dice.of(["bf16", "f32", "f16", "f64", "bf16/f32"]);
        let k = dice.of([(4, 1), (2, 1), (1, 4), (16, 1), (9, 1), (3, 1)]);
        let mut map = self.map(dice);
        map.negate.clear();
        Statement::Bits {
            map,
            arithmetic,
            k: Ratio::new(k.0.into(), k.1.into()),
        }
    }

    fn experiment(&self, dice: &mut Dice) -> Statement {
        let (_, said) = self.solution(dice);
        let mut map = Map::of(worded(&self.step, &said, dice));
        let wrong = (0..1 + dice.below(2)).map(|_| {
            let mut side = spoiled(map.clone(), &self.step, self.recipe(), dice).right;
            if side == map.right || side.is_empty() {
                side = rule::anything(&self.step, self.recipe(), dice);
            }
            side
        });
        let wrong = wrong.collect();
        if self.flavour != Flavour::Right {
            map = spoiled(map, &self.step, self.recipe(), dice);
            map.negate.clear();
        }
        Statement::Experiment { map, wrong }
    }
}

/// A setting that is like another one but for one thing.
fn vary_setting(setting: &mut Setting, dice: &mut Dice) {
    let before = setting.clone();
    let recipe = &mut setting.recipe;
    match dice.below(4) {
        0 if setting.named => {
            let name = dice.of(["l1", "mse", "huber"]);
            if let Ok(other) = losses::find(name)
                && recipe.loss.targets == other.targets
            {
                recipe.loss = other;
            }
        }
        1 => recipe.accumulation = 2,
        2 => recipe.clip = None,
        _ => {
            let settings = recipe.optimizer.hyperparameters.iter();
            let optional: Vec<&str> = settings.filter(|h| h.may_be_zero).map(|h| h.name).collect();
            if let Some(name) = dice.pick(&optional)
                && !recipe.off.remove(*name)
            {
                recipe.off.insert((*name).to_owned());
            }
        }
    }
    if setting.recipe.build().is_err() {
        *setting = before;
        return;
    }
    // Named are those that are on; what was not named before stays so.
    let unsaid = before.unsaid();
    let (named, start) = (setting.named, setting.start.clone());
    *setting = Setting {
        named,
        start,
        sizes: before.sizes,
        ..Setting::new(&setting.recipe)
    };
    setting.terms.retain(|name| !unsaid.contains(name));
}
