//! What is said about a setting, typed by its kind: a field that a kind does not have is an error.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::setting::{Setting, SettingFile};
use super::{FieldError, PowersFile, check_each, read};
use crate::arith::{ArithmeticName, FloatModel, Ratio};
use crate::graph::StepGraph;
use crate::scenario::{Exact, Powers, Property, ScaleMap};

/// Most formulas, wrong rules or variants of one claim. Each costs as much as a claim of its own.
const MOST_ENTRIES: usize = 64;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident $name:literal $reads:expr,)*) => {
        /// What kind of thing is claimed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        pub enum Kind {
            $($(#[doc = $doc])* #[serde(rename = $name)] $kind,)*
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The name in files and reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Whether a claim of this kind uses a field of the setting.
            pub(super) fn reads(self, field: &str) -> bool {
                let reads: fn(&str) -> bool = match self { $(Self::$kind => $reads,)* };
                reads(field)
            }
        }
    };
}

kinds! {
    /// A map leaves loss and weight unchanged at every step.
    Equivalence "equivalence" |_| true,
    /// Formulas over the step's quantities keep their values under a map, at every step.
    Invariant "invariant" |_| true,
    /// What is equal in two runs makes something else equal.
    Implication "implication" |_| true,
    /// The map is the only one of its sort.
    Uniqueness "uniqueness" |_| true,
    /// A quantity can be moved freely if others follow.
    Freedom "freedom" |_| true,
    /// A finite experiment can tell a right rule from wrong ones.
    Experiment "experiment" |field| ["model", "optimizer", "loss", "reduction"].contains(&field),
    /// The initialisation does not depend on alpha.
    Initialisation "initialisation" |_| false,
    /// No scaling turns the run of one rank into that of another.
    Rank "rank" |field| !["sizes", "midway"].contains(&field),
    /// A map leaves several variants of the step unchanged.
    Survey "survey" |_| true,
    /// Two formulas over the step's quantities are the same.
    Identity "identity" |field| field != "start",
    /// A formula keeps its value from step to step.
    Conserved "conserved" |_| true,
    /// So many settings have only so many effective degrees of freedom.
    Knobs "knobs" |_| true,
    /// Two runs in a float format have the same bits.
    Bits "bits" |_| true,
    /// Only an experiment on real data could decide: listed, not judged.
    Empirical "empirical" |_| false,
}

macro_rules! with_map {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $fdoc:literal])* $(#[serde($($meta:tt)*)])? $field:ident: $type:ty,)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $fdoc])* $(#[serde($($meta)*)])? pub $field: $type,)*
            #[serde(default)]
            map: Option<PowersFile>,
            #[serde(default)]
            left: Option<PowersFile>,
            #[serde(default)]
            right: Option<PowersFile>,
            #[serde(default)]
            negate: Option<BTreeSet<String>>,
        }

        impl $name {
            /// The map of the claim.
            pub fn map(&self) -> MapFile {
                MapFile {
                    map: self.map.clone(),
                    left: self.left.clone(),
                    right: self.right.clone(),
                    negate: self.negate.clone(),
                }
            }
        }
    };
}

with_map! {
    /// `kind = "equivalence"`.
    Equivalence {}
}

with_map! {
    /// `kind = "invariant"`.
    Invariant {
        /// The formulas that keep their values.
        conclusion: Vec<String>,
    }
}

with_map! {
    /// `kind = "implication"`.
    Implication {
        /// What is equal in both runs.
        #[serde(default)]
        premise: Vec<String>,
        /// Up to so many steps; always when absent.
        #[serde(default)]
        premise_until: Option<usize>,
        /// What is then equal.
        conclusion: Vec<String>,
    }
}

with_map! {
    /// `kind = "uniqueness"`.
    Uniqueness {
        /// The quantities whose powers might be others.
        #[serde(default)]
        vary: Vec<String>,
        /// Whether mixings of the ranks are among the maps in question.
        #[serde(default)]
        mixing: bool,
    }
}

with_map! {
    /// `kind = "freedom"`.
    Freedom {
        /// The quantities that may follow, by any power of k.
        vary: Vec<String>,
    }
}

with_map! {
    /// `kind = "experiment"`.
    Experiment {
        /// Rules that the experiment should notice to be wrong.
        wrong: Vec<Wrong>,
    }
}

with_map! {
    /// `kind = "survey"`.
    Survey {
        /// The variants.
        variant: Vec<Value>,
    }
}

with_map! {
    /// `kind = "bits"`.
    Bits {
        /// The float format.
        arithmetic: String,
        /// The factor.
        k: Option<Exact>,
    }
}

/// A rule that an experiment should notice to be wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    /// Its name.
    pub name: String,
    /// Its map.
    pub map: PowersFile,
}

/// `kind = "identity"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// One side.
    pub formula: String,
    /// The other side.
    pub equals: String,
}

/// `kind = "conserved"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conserved {
    /// What keeps its value.
    pub formula: String,
}

/// `kind = "knobs"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    /// The settings that are counted.
    pub vary: Vec<String>,
    /// How many degrees of freedom are effective.
    #[serde(default)]
    pub effective: Option<usize>,
    /// Settings with fewer effective degrees of freedom.
    #[serde(default)]
    pub compared_with: Vec<String>,
    /// Settings that move along and are not counted.
    #[serde(default)]
    pub follow: Vec<String>,
}

/// `kind = "empirical"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empirical {
    /// Why no judge here can decide.
    pub why: String,
}

/// `kind = "rank"` and `kind = "initialisation"`, which say all.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A variant of the step in a survey, read.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// The claim's setting with the variant's own fields laid over it.
    pub setting: Setting,
    /// Its own map, or the claim's.
    pub map: MapFile,
}

/// What is said.
#[derive(Debug, Clone)]
pub enum Statement {
    /// See [`Kind::Equivalence`].
    Equivalence(Equivalence),
    /// See [`Kind::Invariant`].
    Invariant(Invariant),
    /// See [`Kind::Implication`].
    Implication(Implication),
    /// See [`Kind::Uniqueness`].
    Uniqueness(Uniqueness),
    /// See [`Kind::Freedom`].
    Freedom(Freedom),
    /// See [`Kind::Experiment`].
    Experiment(Experiment),
    /// See [`Kind::Initialisation`].
    Initialisation,
    /// See [`Kind::Rank`].
    Rank,
    /// See [`Kind::Survey`].
    Survey(Vec<Variant>),
    /// See [`Kind::Identity`].
    Identity(Identity),
    /// See [`Kind::Conserved`].
    Conserved(Conserved),
    /// See [`Kind::Knobs`].
    Knobs(Knobs),
    /// See [`Kind::Bits`].
    Bits {
        /// The map.
        map: MapFile,
        /// The float format.
        arithmetic: ArithmeticName,
        /// The factor.
        k: Ratio,
    },
    /// See [`Kind::Empirical`].
    Empirical(Empirical),
}

/// A map as it is written: one, or one for each side of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MapFile {
    map: Option<PowersFile>,
    left: Option<PowersFile>,
    right: Option<PowersFile>,
    negate: Option<BTreeSet<String>>,
}

/// A side of a claimed equivalence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `left`.
    Left,
    /// `right`, or `map`.
    Right,
}

impl MapFile {
    /// Whether there is any.
    fn is_given(&self) -> bool {
        self.map.is_some() || self.left.is_some() || self.right.is_some()
    }

    /// What one side is multiplied by, in the names of `step`. Signs belong to the map from the
    /// left side to the right one.
    ///
    /// # Errors
    /// [`FieldError`] for a name that no quantity has.
    pub fn side(&self, side: Side, step: &StepGraph) -> Result<Powers, FieldError> {
        let (field, powers) = match (side, &self.map) {
            (Side::Left, _) => ("left", &self.left),
            (Side::Right, Some(_)) => ("map", &self.map),
            (Side::Right, None) => ("right", &self.right),
        };
        let scale = scale_map(field, powers.as_ref())?;
        scale.resolve(step).map_err(|e| FieldError::new(field, e))
    }

    /// The map from the left side to the right one, composed quantity by quantity.
    ///
    /// # Errors
    /// As [`MapFile::side`].
    pub fn powers(&self, step: &StepGraph) -> Result<Powers, FieldError> {
        use crate::fault::{Fault, planted};
        let (left, right) = (self.side(Side::Left, step)?, self.side(Side::Right, step)?);
        let mut map = left.towards(&right);
        if planted(Fault::MapsComposedByName)
            && let (Some(left), Some(right)) = (&self.left, &self.right)
        {
            let mut by_name = scale_map("right", Some(right))?;
            for (name, power) in scale_map("left", Some(left))?.powers {
                *by_name.powers.entry(name).or_default() -= power;
            }
            map = by_name
                .resolve(step)
                .map_err(|e| FieldError::new("map", e))?;
        }
        if !planted(Fault::NegateDropped) {
            map.negated = self.negated(step)?;
        }
        Ok(map)
    }

    fn negated(&self, step: &StepGraph) -> Result<BTreeSet<String>, FieldError> {
        let signs = ScaleMap {
            negate: self.negate.clone().unwrap_or_default(),
            ..ScaleMap::default()
        };
        let signs = signs.resolve(step);
        Ok(signs.map_err(|e| FieldError::new("negate", e))?.negated)
    }

    /// Whether only the right side is named.
    pub fn is_one_sided(&self) -> bool {
        self.left.is_none()
    }

    fn validate(&self, setting: &Setting, needed: bool) -> Result<(), FieldError> {
        if self.map.is_some() && (self.left.is_some() || self.right.is_some()) {
            let message = "stands beside `left` or `right`: one map, or two sides, not both";
            return Err(FieldError::new("map", message));
        }
        if needed && !self.is_given() {
            return Err(FieldError::new(
                "map",
                "missing: this kind of claim needs one",
            ));
        }
        if self.negate.is_some() && !self.is_given() {
            return Err(FieldError::new("negate", "stands without a map"));
        }
        for recipe in [&setting.symbolic, &setting.numeric] {
            let step = recipe
                .build()
                .map_err(|e| FieldError::new("optimizer", e))?;
            self.powers(&step)?;
        }
        Ok(())
    }
}

fn scale_map(field: &str, powers: Option<&PowersFile>) -> Result<ScaleMap, FieldError> {
    let mut map = ScaleMap::default();
    for (name, power) in powers.into_iter().flatten() {
        let Some(power) = power.0.as_ratio() else {
            let message = format!("found {}, expected a rational power of k", power.0);
            return Err(FieldError::new(format!("{field}.{name}"), message));
        };
        map.powers.insert(name.clone(), power.clone());
    }
    Ok(map)
}

impl Wrong {
    /// The map in the names of `step`.
    ///
    /// # Errors
    /// As [`MapFile::side`].
    pub fn powers(&self, step: &StepGraph) -> Result<Powers, FieldError> {
        let map = scale_map("wrong.map", Some(&self.map))?;
        map.resolve(step)
            .map_err(|e| FieldError::new("wrong.map", e))
    }
}

fn typed<T: for<'de> Deserialize<'de>>(
    kind: Kind,
    fields: Map<String, Value>,
) -> Result<T, FieldError> {
    let named = |e: FieldError| {
        let message = format!("a claim of kind `{}`: {}", kind.name(), e.message);
        FieldError::new(e.field, message)
    };
    check_each::<T>(&fields).map_err(named)?;
    read(fields).map_err(named)
}

fn some_of<T>(field: &str, list: &[T], expected: &str) -> Result<(), FieldError> {
    match list.len() {
        0 => Err(FieldError::new(field, format!("missing: {expected}"))),
        found => not_too_many(field, found),
    }
}

fn not_too_many(field: &str, found: usize) -> Result<(), FieldError> {
    let message = || format!("found {found} entries, expected at most {MOST_ENTRIES}");
    match found > MOST_ENTRIES {
        true => Err(FieldError::new(field, message())),
        false => Ok(()),
    }
}

/// Reads every formula over the quantities of the setting.
fn formulas(setting: &Setting, field: &str, all: &[String]) -> Result<(), FieldError> {
    for formula in all {
        for recipe in [&setting.symbolic, &setting.numeric] {
            // What only a run has, such as its output, an unknown network lacks.
            let text = [("observable", formula.as_str())];
            if let Err(e) = recipe.build_observing(&text)
                && (!setting.any_network() || std::ptr::eq(recipe, &setting.numeric))
            {
                return Err(FieldError::new(field, e));
            }
        }
    }
    Ok(())
}

/// Names that a map may move.
fn quantities(setting: &Setting, field: &str, names: &[String]) -> Result<(), FieldError> {
    let step = setting.symbolic.build();
    let step = step.map_err(|e| FieldError::new("optimizer", e))?;
    let known = ScaleMap::quantities(&step);
    for (i, name) in names.iter().enumerate() {
        let is_leaf = step.hyperparameters().any(|(leaf, ..)| leaf == name);
        if !known.contains(name) && !is_leaf {
            let message = format!("found `{name}`, expected some of {}", known.join(", "));
            return Err(FieldError::new(field, message));
        }
        if names[..i].contains(name) {
            return Err(FieldError::new(field, format!("names `{name}` twice")));
        }
    }
    Ok(())
}

impl Statement {
    /// Reads the statement of a claim about `setting`, and everything that can be known to be
    /// wrong with it before judging.
    pub(super) fn read(
        kind: Kind,
        fields: Map<String, Value>,
        setting: &Setting,
    ) -> Result<Self, FieldError> {
        Ok(match kind {
            Kind::Equivalence => {
                let own: Equivalence = typed(kind, fields)?;
                own.map().validate(setting, true)?;
                Self::Equivalence(own)
            }
            Kind::Invariant => {
                let own: Invariant = typed(kind, fields)?;
                own.map().validate(setting, true)?;
                some_of("conclusion", &own.conclusion, "name at least one quantity")?;
                formulas(setting, "conclusion", &own.conclusion)?;
                Self::Invariant(own)
            }
            Kind::Implication => {
                let own: Implication = typed(kind, fields)?;
                own.map().validate(setting, false)?;
                some_of("conclusion", &own.conclusion, "name at least one quantity")?;
                if own.premise_until.is_some() && own.premise.is_empty() {
                    return Err(FieldError::new("premise_until", "stands without `premise`"));
                }
                not_too_many("premise", own.premise.len())?;
                formulas(setting, "premise", &own.premise)?;
                formulas(setting, "conclusion", &own.conclusion)?;
                Self::Implication(own)
            }
            Kind::Uniqueness => {
                let own: Uniqueness = typed(kind, fields)?;
                own.map().validate(setting, true)?;
                if own.mixing != own.vary.is_empty() {
                    let message = "expected the quantities among which to look, or `mixing = true`, \
                                   and not both";
                    return Err(FieldError::new("vary", message));
                }
                quantities(setting, "vary", &own.vary)?;
                Self::Uniqueness(own)
            }
            Kind::Freedom => {
                let own: Freedom = typed(kind, fields)?;
                own.map().validate(setting, true)?;
                some_of("vary", &own.vary, "name the quantities that may follow")?;
                quantities(setting, "vary", &own.vary)?;
                if let Some(name) = own.vary.iter().find(|name| own.names(name)) {
                    let message = format!("`{name}` is given by the map and free as well");
                    return Err(FieldError::new("vary", message));
                }
                Self::Freedom(own)
            }
            Kind::Experiment => {
                let own: Experiment = typed(kind, fields)?;
                own.map().validate(setting, true)?;
                some_of("wrong", &own.wrong, "name at least one wrong rule")?;
                let step = setting.numeric.build();
                let step = step.map_err(|e| FieldError::new("optimizer", e))?;
                for wrong in &own.wrong {
                    wrong.powers(&step)?;
                }
                Self::Experiment(own)
            }
            Kind::Survey => {
                let own: Survey = typed(kind, fields)?;
                some_of("variant", &own.variant, "name at least one variant")?;
                let has_own =
                    |v: &Value| ["map", "left", "right"].iter().any(|f| v.get(f).is_some());
                if own.map().is_given() && own.variant.iter().all(has_own) {
                    let message = "no variant uses it, since each has its own";
                    return Err(FieldError::new("map", message));
                }
                let variants = own.variant.iter().enumerate();
                let variants = variants.map(|(i, v)| Variant::read(i, v, &own, setting));
                let variants: Vec<Variant> = variants.collect::<Result<_, _>>()?;
                for (i, variant) in variants.iter().enumerate() {
                    if variants[..i].iter().any(|other| other.name == variant.name) {
                        let message = format!("two are called `{}`", variant.name);
                        return Err(FieldError::new("variant.name", message));
                    }
                }
                Self::Survey(variants)
            }
            Kind::Identity => {
                let own: Identity = typed(kind, fields)?;
                formulas(setting, "formula", std::slice::from_ref(&own.formula))?;
                formulas(setting, "equals", std::slice::from_ref(&own.equals))?;
                Self::Identity(own)
            }
            Kind::Conserved => {
                let own: Conserved = typed(kind, fields)?;
                formulas(setting, "formula", std::slice::from_ref(&own.formula))?;
                Self::Conserved(own)
            }
            Kind::Knobs => {
                let own: Knobs = typed(kind, fields)?;
                some_of("vary", &own.vary, "name the settings to count")?;
                for (field, names) in [
                    ("vary", &own.vary),
                    ("compared_with", &own.compared_with),
                    ("follow", &own.follow),
                ] {
                    quantities(setting, field, names)?;
                }
                if own.effective.is_some() != own.compared_with.is_empty() {
                    let message = "say how many are effective, or name settings to compare with \
                                   under `compared_with`, and not both";
                    return Err(FieldError::new("effective", message));
                }
                Self::Knobs(own)
            }
            Kind::Bits => {
                let own: Bits = typed(kind, fields)?;
                own.map().validate(setting, true)?;
                let arithmetic: ArithmeticName =
                    (own.arithmetic.parse()).map_err(|e| FieldError::new("arithmetic", e))?;
                if FloatModel::of(arithmetic).is_none() {
                    let message = format!("found {arithmetic}, expected a float format");
                    return Err(FieldError::new("arithmetic", message));
                }
                let k = own.k.as_ref().and_then(|k| k.0.as_ratio());
                let k = k.filter(|k| **k > Ratio::default()).cloned();
                let missing = || FieldError::new("k", "expected a positive rational number");
                Self::Bits {
                    map: own.map(),
                    arithmetic,
                    k: k.ok_or_else(missing)?,
                }
            }
            Kind::Rank => {
                typed::<Nothing>(kind, fields)?;
                Self::Rank
            }
            Kind::Initialisation => {
                typed::<Nothing>(kind, fields)?;
                Self::Initialisation
            }
            Kind::Empirical => {
                let own: Empirical = typed(kind, fields)?;
                if own.why.is_empty() {
                    return Err(FieldError::new("why", "say why it is not judged"));
                }
                Self::Empirical(own)
            }
        })
    }
}

impl Freedom {
    fn names(&self, quantity: &str) -> bool {
        let sides = [&self.map, &self.left, &self.right];
        sides
            .into_iter()
            .flatten()
            .any(|s| s.contains_key(quantity))
    }
}

impl Implication {
    /// What is said of two runs.
    pub fn property(&self) -> Property {
        Property {
            premise: self.premise.clone(),
            premise_until: self.premise_until,
            conclusion: self.conclusion.clone(),
            ..Property::default()
        }
    }
}

impl Variant {
    fn read(
        number: usize,
        value: &Value,
        claim: &Survey,
        setting: &Setting,
    ) -> Result<Self, FieldError> {
        let place = |e: FieldError| {
            FieldError::new(
                format!("variant.{}", e.field),
                format!("number {}: {}", number + 1, e.message),
            )
        };
        let Value::Object(fields) = value else {
            return Err(FieldError::new(
                "variant",
                "found no table, expected fields",
            ));
        };
        let (own, rest): (Map<_, _>, Map<_, _>) = (fields.clone().into_iter())
            .partition(|(name, _)| SettingFile::FIELDS.contains(&name.as_str()));
        check_each::<SettingFile>(&own).map_err(place)?;
        let own: SettingFile = read(own).map_err(place)?;
        let named: OwnMap = typed(Kind::Survey, rest).map_err(place)?;
        use crate::fault::{Fault, planted};
        let setting = match planted(Fault::ClaimFieldDropped) {
            true => Setting::new(own),
            false => setting.overlaid(&own),
        };
        let setting = setting.map_err(place)?;
        let map = match named.map().is_given() {
            // Signs that the claim changes are changed in every variant.
            true => MapFile {
                negate: named.negate.clone().or(claim.negate.clone()),
                ..named.map()
            },
            false => MapFile {
                negate: named.negate.clone().or(claim.negate.clone()),
                ..claim.map()
            },
        };
        map.validate(&setting, true).map_err(place)?;
        Ok(Self {
            name: named.name,
            setting,
            map,
        })
    }
}

with_map! {
    /// The fields of a variant that are no setting.
    OwnMap {
        /// Its name.
        name: String,
    }
}
