//! From the fields of a file to the statement of a claim: what each kind asks of its own.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::map::MapFile;
use super::setting::{Setting, SettingFile};
use super::statement::*;
use super::{FieldError, check_each, read};
use crate::arith::{ArithmeticName, FloatModel, Ratio};
use crate::fault::{Fault, planted};
use crate::scenario::ScaleMap;

/// Most formulas, wrong rules or variants of one claim. Each costs as much as a claim of its own.
const MOST_ENTRIES: usize = 64;

/// The statement of one kind as its fields have it.
trait Fields: for<'de> Deserialize<'de> {
    /// Everything that can be known to be wrong with it before judging.
    fn check(&self, setting: &Setting) -> Result<(), FieldError>;
}

/// Reads the fields of a statement about `setting`.
fn checked<T: Fields>(
    kind: Kind,
    fields: Map<String, Value>,
    setting: &Setting,
) -> Result<T, FieldError> {
    let own: T = typed(kind, fields)?;
    own.check(setting)?;
    Ok(own)
}

impl Statement {
    /// Reads the statement of a claim about `setting`, and finds everything that can be known to
    /// be wrong with it before judging.
    pub(super) fn read(
        kind: Kind,
        fields: Map<String, Value>,
        setting: &Setting,
    ) -> Result<Self, FieldError> {
        Ok(match kind {
            Kind::Equivalence => Self::Equivalence(checked(kind, fields, setting)?),
            Kind::Invariant => Self::Invariant(checked(kind, fields, setting)?),
            Kind::Implication => Self::Implication(checked(kind, fields, setting)?),
            Kind::Uniqueness => Self::Uniqueness(checked(kind, fields, setting)?),
            Kind::Freedom => Self::Freedom(checked(kind, fields, setting)?),
            Kind::Experiment => Self::Experiment(checked(kind, fields, setting)?),
            Kind::Survey => Self::Survey(variants(&checked(kind, fields, setting)?, setting)?),
            Kind::Identity => Self::Identity(checked(kind, fields, setting)?),
            Kind::Conserved => Self::Conserved(checked(kind, fields, setting)?),
            Kind::Knobs => Self::Knobs(checked(kind, fields, setting)?),
            Kind::Bits => bits(&checked(kind, fields, setting)?)?,
            Kind::Empirical => Self::Empirical(checked(kind, fields, setting)?),
            Kind::Rank => {
                typed::<Nothing>(kind, fields)?;
                Self::Rank
            }
            Kind::Initialisation => {
                typed::<Nothing>(kind, fields)?;
                Self::Initialisation
            }
        })
    }
}

impl Fields for Equivalence {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        self.map().validate(setting, true)
    }
}

impl Fields for Invariant {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        self.map().validate(setting, true)?;
        some_of("conclusion", &self.conclusion, "name at least one quantity")?;
        formulas(setting, "conclusion", &self.conclusion)
    }
}

impl Fields for Implication {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        self.map().validate(setting, false)?;
        some_of("conclusion", &self.conclusion, "name at least one quantity")?;
        if self.premise_until.is_some() && self.premise.is_empty() {
            return Err(FieldError::new("premise_until", "stands without `premise`"));
        }
        not_too_many("premise", self.premise.len())?;
        formulas(setting, "premise", &self.premise)?;
        formulas(setting, "conclusion", &self.conclusion)
    }
}

impl Fields for Uniqueness {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        self.map().validate(setting, true)?;
        if self.mixing != self.vary.is_empty() {
            let message = "expected the quantities among which to look, or `mixing = true`, \
                           and not both";
            return Err(FieldError::new("vary", message));
        }
        quantities(setting, "vary", &self.vary)
    }
}

impl Fields for Freedom {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        self.map().validate(setting, true)?;
        some_of("vary", &self.vary, "name the quantities that may follow")?;
        quantities(setting, "vary", &self.vary)?;
        match self.vary.iter().find(|name| self.names(name)) {
            Some(name) => {
                let message = format!("`{name}` is given by the map and free as well");
                Err(FieldError::new("vary", message))
            }
            None => Ok(()),
        }
    }
}

impl Fields for Experiment {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        self.map().validate(setting, true)?;
        some_of("wrong", &self.wrong, "name at least one wrong rule")?;
        let step = setting.numeric.build();
        let step = step.map_err(|e| FieldError::new("optimizer", e))?;
        for wrong in &self.wrong {
            wrong.powers(&step)?;
        }
        Ok(())
    }
}

impl Fields for Survey {
    fn check(&self, _: &Setting) -> Result<(), FieldError> {
        some_of("variant", &self.variant, "name at least one variant")?;
        let has_own = |v: &Value| ["map", "left", "right"].iter().any(|f| v.get(f).is_some());
        if self.map().is_given() && self.variant.iter().all(has_own) {
            let message = "no variant uses it, since each has its own";
            return Err(FieldError::new("map", message));
        }
        Ok(())
    }
}

impl Fields for Identity {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        formulas(setting, "formula", std::slice::from_ref(&self.formula))?;
        formulas(setting, "equals", std::slice::from_ref(&self.equals))
    }
}

impl Fields for Conserved {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        formulas(setting, "formula", std::slice::from_ref(&self.formula))
    }
}

impl Fields for Knobs {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        some_of("vary", &self.vary, "name the settings to count")?;
        for (field, names) in [
            ("vary", &self.vary),
            ("compared_with", &self.compared_with),
            ("follow", &self.follow),
        ] {
            quantities(setting, field, names)?;
        }
        if self.effective.is_some() != self.compared_with.is_empty() {
            let message = "say how many are effective, or name settings to compare with \
                           under `compared_with`, and not both";
            return Err(FieldError::new("effective", message));
        }
        Ok(())
    }
}

impl Fields for Bits {
    fn check(&self, setting: &Setting) -> Result<(), FieldError> {
        self.map().validate(setting, true)
    }
}

impl Fields for Empirical {
    fn check(&self, _: &Setting) -> Result<(), FieldError> {
        match self.why.is_empty() {
            true => Err(FieldError::new("why", "say why it is not judged")),
            false => Ok(()),
        }
    }
}

fn bits(own: &Bits) -> Result<Statement, FieldError> {
    let arithmetic: ArithmeticName =
        (own.arithmetic.parse()).map_err(|e| FieldError::new("arithmetic", e))?;
    if FloatModel::of(arithmetic).is_none() {
        let message = format!("found {arithmetic}, expected a float format");
        return Err(FieldError::new("arithmetic", message));
    }
    let k = own.k.as_ref().and_then(|k| k.0.as_ratio());
    let k = k.filter(|k| **k > Ratio::default()).cloned();
    let missing = || FieldError::new("k", "expected a positive rational number");
    Ok(Statement::Bits {
        map: own.map(),
        arithmetic,
        k: k.ok_or_else(missing)?,
    })
}

fn variants(own: &Survey, setting: &Setting) -> Result<Vec<Variant>, FieldError> {
    let variants = own.variant.iter().enumerate();
    let variants = variants.map(|(i, v)| Variant::read(i, v, own, setting));
    let variants: Vec<Variant> = variants.collect::<Result<_, _>>()?;
    for (i, variant) in variants.iter().enumerate() {
        if variants[..i].iter().any(|other| other.name == variant.name) {
            let message = format!("two are called `{}`", variant.name);
            return Err(FieldError::new("variant.name", message));
        }
    }
    Ok(variants)
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
