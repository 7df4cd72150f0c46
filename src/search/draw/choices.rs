//! The numbers behind a case, as proptest draws and shrinks them.

use std::ops::RangeInclusive;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// The largest dimension of any domain.
pub(super) const MAX_SIZE: usize = 3;
/// Numbers kept for each tensor.
pub(super) const POOL: usize = MAX_SIZE * MAX_SIZE;
/// Pools; a step with more tensors begins again.
pub(super) const TENSORS: usize = 8;
/// Numbers kept for each tensor and for the settings of a run of a given recipe.
const RUN_POOL: usize = 16;
const RUN_SCALARS: usize = 16;
/// Numbers kept for each of the other lists.
pub(super) const SCALARS: usize = 12;
/// Free choices of a property.
const PICKS: usize = 6;
/// Numbers kept for the dimensions.
const DIMENSIONS: usize = 8;
/// The halves of which tensors are made.
const HALVES: RangeInclusive<i8> = -8..=8;

/// Choices, each a number that stands for an entry of some list, the simplest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::search) struct Choices {
    /// The size of each dimension, less one.
    pub sizes: Vec<usize>,
    /// The number of steps, less one.
    pub steps: usize,
    pub optimizer: usize,
    pub model: usize,
    pub loss: usize,
    pub clip: usize,
    pub schedule: usize,
    pub regime: usize,
    pub sum: bool,
    pub accumulates: bool,
    pub loraplus: bool,
    /// The settings that may be zero and are not.
    pub on: Vec<bool>,
    /// The switches that are turned over.
    pub turned: Vec<bool>,
    pub counts: usize,
    pub scalars: Vec<usize>,
    /// The kind of each tensor.
    pub kinds: Vec<usize>,
    /// `true` if the tensors are zero with which training starts so.
    pub zero_start: bool,
    pub pools: Vec<Vec<i8>>,
    pub factors: Vec<usize>,
    pub second: Vec<usize>,
    pub flips: Vec<bool>,
    pub arithmetic: usize,
    /// The free parameters of a property.
    #[serde(rename = "picks")]
    pub parameters: Vec<u32>,
}

/// So many choices that every list divides them about evenly.
const MANY: usize = 2520;

/// All choices at random.
pub(super) fn choices() -> impl Strategy<Value = Choices> {
    let choice = || 0..MANY;
    let list = || prop::collection::vec(0..MANY, SCALARS);
    let small = || prop::collection::vec(HALVES, POOL);
    let recipe = (
        (choice(), choice(), choice(), choice(), choice(), choice()),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.05),
        prop::collection::vec(prop::bool::weighted(0.8), SCALARS),
        prop::collection::vec(prop::bool::weighted(0.15), SCALARS),
        choice(),
    );
    let map = (
        list(),
        list(),
        prop::collection::vec(prop::bool::weighted(0.25), SCALARS),
        choice(),
        prop::collection::vec(any::<u16>().prop_map(u32::from), PICKS),
    );
    let tensors = (
        prop::collection::vec(0..MANY, TENSORS),
        prop::bool::weighted(0.25),
        prop::collection::vec(small(), TENSORS),
    );
    let sizes = prop::collection::vec(0..MAX_SIZE, DIMENSIONS);
    (sizes, choice(), recipe, list(), map, tensors).prop_map(
        |(sizes, steps, recipe, scalars, map, tensors)| {
            let (names, sum, accumulates, loraplus, on, turned, counts) = recipe;
            let (optimizer, model, loss, clip, schedule, regime) = names;
            let (factors, second, flips, arithmetic, parameters) = map;
            let (kinds, zero_start, pools) = tensors;
            Choices {
                sizes,
                steps,
                optimizer,
                model,
                loss,
                clip,
                schedule,
                regime,
                sum,
                accumulates,
                loraplus,
                on,
                turned,
                counts,
                scalars,
                kinds,
                zero_start,
                pools,
                factors,
                second,
                flips,
                arithmetic,
                parameters,
            }
        },
    )
}

/// The choices of a run of a given recipe, with dimensions up to `size` and up to `steps` steps,
/// and the pools of trained tensors that start elsewhere. Every other choice is the simplest.
pub(super) fn run_choices(
    size: usize,
    steps: usize,
) -> impl Strategy<Value = (Choices, Vec<Vec<i8>>)> {
    // Small numbers are equal by chance often enough to satisfy the premise of an implication.
    let pool = || prop::collection::vec(-4i8..=4, RUN_POOL);
    let pools = || prop::collection::vec(pool(), TENSORS);
    let less_one = |most: usize| (1..=most).prop_map(|n| n - 1);
    (
        prop::collection::vec(less_one(size.clamp(1, MAX_SIZE)), DIMENSIONS),
        less_one(steps.max(1)),
        prop::collection::vec(0usize..5, RUN_SCALARS),
        pools(),
        pools(),
    )
        .prop_map(|(sizes, steps, scalars, pools, elsewhere)| {
            let choices = Choices {
                sizes,
                steps,
                scalars,
                pools,
                ..Choices::default()
            };
            (choices, elsewhere)
        })
}

/// Something that no drawing gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: found {found}, but drawing gives {expected}")]
pub struct NotDrawn {
    /// The field's path.
    pub field: String,
    /// The value in it.
    pub found: String,
    /// The value that drawing gives.
    pub expected: String,
}

impl Choices {
    /// Refuses what [`choices`] does not draw and shrinking does not lead to.
    pub fn check(&self) -> Result<(), NotDrawn> {
        for (field, number) in [
            ("steps", self.steps),
            ("optimizer", self.optimizer),
            ("model", self.model),
            ("loss", self.loss),
            ("clip", self.clip),
            ("schedule", self.schedule),
            ("regime", self.regime),
            ("counts", self.counts),
            ("arithmetic", self.arithmetic),
        ] {
            within(field, &number, 0..=MANY - 1)?;
        }
        list("sizes", &self.sizes, DIMENSIONS, 0..=MAX_SIZE - 1)?;
        for (field, numbers, length) in [
            ("scalars", &self.scalars, SCALARS),
            ("kinds", &self.kinds, TENSORS),
            ("factors", &self.factors, SCALARS),
            ("second", &self.second, SCALARS),
        ] {
            list(field, numbers, length, 0..=MANY - 1)?;
        }
        for (field, switches) in [
            ("on", &self.on),
            ("turned", &self.turned),
            ("flips", &self.flips),
        ] {
            list(field, switches, SCALARS, false..=true)?;
        }
        list("picks", &self.parameters, PICKS, 0..=u32::from(u16::MAX))?;
        length("pools", self.pools.len(), TENSORS)?;
        for (i, pool) in self.pools.iter().enumerate() {
            list(&format!("pools[{i}]"), pool, POOL, HALVES)?;
        }
        Ok(())
    }
}

fn length(field: &str, found: usize, expected: usize) -> Result<(), NotDrawn> {
    match found == expected {
        true => Ok(()),
        false => Err(NotDrawn {
            field: format!("choices.{field}"),
            found: format!("{found} entries"),
            expected: expected.to_string(),
        }),
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    field: &str,
    found: &T,
    expected: RangeInclusive<T>,
) -> Result<(), NotDrawn> {
    match expected.contains(found) {
        true => Ok(()),
        false => Err(NotDrawn {
            field: format!("choices.{field}"),
            found: found.to_string(),
            expected: format!("{} to {}", expected.start(), expected.end()),
        }),
    }
}

fn list<T: PartialOrd + std::fmt::Display + Clone>(
    field: &str,
    found: &[T],
    expected: usize,
    range: RangeInclusive<T>,
) -> Result<(), NotDrawn> {
    length(field, found.len(), expected)?;
    let mut numbered = found.iter().enumerate();
    numbered.try_for_each(|(i, entry)| within(&format!("{field}[{i}]"), entry, range.clone()))
}

/// The entry of `list` for which a number stands.
pub(super) fn of<T>(list: &[T], number: usize) -> Option<&T> {
    list.get(number.checked_rem(list.len())?)
}

/// The number at `i`, from the first again where there are too few.
pub(super) fn at<T: Copy + Default>(list: &[T], i: usize) -> T {
    of(list, i).copied().unwrap_or_default()
}
