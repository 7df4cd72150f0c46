//! A claim as a TOML file.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Verdict;
use crate::arith::Ratio;
use crate::scenario::{Exact, Property, ScaleMap};
use crate::search::Start;
use crate::zoo::{Clip, Recipe, RecipeError, UnknownName};

/// What kind of thing is claimed, and so which judge it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A map leaves loss and weight unchanged at every step.
    Equivalence,
    /// Formulas over the step's quantities keep their values under a map, at every step.
    Invariant,
    /// What is equal in two runs makes something else equal.
    Implication,
    /// The map is the only one of its sort.
    Uniqueness,
    /// A quantity can be moved freely if others follow.
    Freedom,
    /// A finite experiment can tell a right rule from wrong ones.
    Experiment,
    /// The initialisation does not depend on alpha.
    Initialisation,
    /// No scaling turns the run of one rank into that of another.
    Rank,
    /// A map leaves several variants of the step unchanged.
    Survey,
}

impl Kind {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equivalence => "equivalence",
            Self::Invariant => "invariant",
            Self::Implication => "implication",
            Self::Uniqueness => "uniqueness",
            Self::Freedom => "freedom",
            Self::Experiment => "experiment",
            Self::Initialisation => "initialisation",
            Self::Rank => "rank",
            Self::Survey => "survey",
        }
    }
}

/// Powers of k by the name of the quantity.
type PowersFile = BTreeMap<String, Exact>;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectFile {
    verdict: Verdict,
}

/// A rule that an experiment should notice to be wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrongFile {
    pub name: String,
    map: PowersFile,
}

/// A variant of the step in a survey.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantFile {
    pub name: String,
    #[serde(default)]
    terms: Vec<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    clip: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    title: String,
    #[serde(default)]
    source: String,
    kind: Kind,
    #[serde(default = "sgd")]
    optimizer: String,
    #[serde(default = "mse")]
    loss: String,
    /// The optional terms (momentum, weight_decay, …) that are on.
    #[serde(default)]
    terms: Vec<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    clip: Option<String>,
    /// `any` or `lora` (B = 0).
    #[serde(default)]
    start: StartFile,
    #[serde(default)]
    map: Option<PowersFile>,
    #[serde(default)]
    left: Option<PowersFile>,
    #[serde(default)]
    right: Option<PowersFile>,
    #[serde(default)]
    negate: BTreeSet<String>,
    #[serde(default)]
    premise: Vec<String>,
    #[serde(default)]
    premise_until: Option<usize>,
    #[serde(default)]
    conclusion: Vec<String>,
    #[serde(default)]
    vary: Vec<String>,
    #[serde(default)]
    mixing: bool,
    #[serde(default)]
    wrong: Vec<WrongFile>,
    #[serde(default)]
    variant: Vec<VariantFile>,
    #[serde(default)]
    theorems: Vec<String>,
    #[serde(default)]
    expect: Option<ExpectFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StartFile {
    #[default]
    Any,
    Lora,
}

fn sgd() -> String {
    "sgd".into()
}
fn mse() -> String {
    "mse".into()
}

/// Why a file is not a claim.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClaimError {
    /// Not TOML, a missing or unknown field, or a value of the wrong type.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, column and what was expected.
        message: String,
    },
    /// A field holds something that cannot be used.
    #[error("{file}: field `{field}`: {message}")]
    Field {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// What was found and what was expected.
        message: String,
    },
}

/// A claim that can be judged.
#[derive(Debug, Clone)]
pub struct Claim {
    origin: String,
    built_in: bool,
    file: File,
}

/// Reads a claim; `name` is the file's name for messages.
///
/// # Errors
/// [`ClaimError`] names the file, the line or field, what was found and what was expected.
pub fn parse_claim(name: &str, text: &str) -> Result<Claim, ClaimError> {
    parse(name, text, false)
}

/// Reads a claim that is part of the program, and may name theorems.
pub(super) fn parse_built_in(name: &str, text: &str) -> Result<Claim, ClaimError> {
    parse(name, text, true)
}

fn parse(name: &str, text: &str, built_in: bool) -> Result<Claim, ClaimError> {
    let file: File = toml::from_str(text).map_err(|e| ClaimError::Syntax {
        file: name.to_owned(),
        message: e.to_string().trim_end().to_owned(),
    })?;
    let claim = Claim {
        origin: name.to_owned(),
        built_in,
        file,
    };
    claim.validate()?;
    Ok(claim)
}

impl Claim {
    /// The claim's identifier.
    pub fn id(&self) -> &str {
        &self.file.id
    }

    /// What is claimed, in words.
    pub fn title(&self) -> &str {
        &self.file.title
    }

    /// Who claims it.
    pub fn source(&self) -> &str {
        &self.file.source
    }

    /// Which judge it goes to.
    pub fn kind(&self) -> Kind {
        self.file.kind
    }

    /// The verdict that the file expects.
    pub fn expected(&self) -> Option<Verdict> {
        self.file.expect.as_ref().map(|e| e.verdict)
    }

    /// The command that judges this claim alone.
    pub fn reproduce(&self) -> String {
        if self.built_in {
            format!("lora-gauge audit --id {}", self.id())
        } else {
            format!("lora-gauge audit {}", self.origin)
        }
    }

    /// The theorems that the claim names.
    pub(super) fn theorems(&self) -> &[String] {
        &self.file.theorems
    }

    /// The names of quantities among which the judge looks.
    pub(super) fn vary(&self) -> &[String] {
        &self.file.vary
    }

    /// Whether mixings of the ranks are among the maps in question.
    pub(super) fn mixing(&self) -> bool {
        self.file.mixing
    }

    pub(super) fn wrong(&self) -> impl Iterator<Item = (&WrongFile, ScaleMap)> {
        self.file
            .wrong
            .iter()
            .map(|w| (w, scale_map(&w.map, &BTreeSet::new())))
    }

    pub(super) fn variants(&self) -> &[VariantFile] {
        &self.file.variant
    }

    /// How runs start.
    pub(super) fn start(&self) -> Start {
        match self.file.start {
            StartFile::Any => Start::default(),
            StartFile::Lora => Start::lora(),
        }
    }

    /// The claim's property of two runs.
    pub(super) fn property(&self) -> Property {
        Property {
            premise: self.file.premise.clone(),
            premise_until: self.file.premise_until,
            conclusion: self.file.conclusion.clone(),
        }
    }

    /// The map, or the one that leads from the left side to the right one.
    pub(super) fn map(&self) -> ScaleMap {
        let read = |powers: &Option<PowersFile>| {
            scale_map(
                powers.as_ref().unwrap_or(&BTreeMap::new()),
                &self.file.negate,
            )
        };
        match (&self.file.left, &self.file.right) {
            (None, None) => read(&self.file.map),
            (left, right) => {
                let mut map = read(left).towards(&read(right));
                map.negate = self.file.negate.clone();
                map
            }
        }
    }

    /// The recipe of the claim in the given model: the named terms on, all others off.
    ///
    /// # Errors
    /// [`ClaimError::Field`] for a name that the zoo does not have.
    pub(super) fn recipe(&self, model: &str) -> Result<Recipe, ClaimError> {
        let f = &self.file;
        self.recipe_with(model, &f.terms, &f.flags, f.clip.as_deref())
    }

    pub(super) fn variant_recipe(
        &self,
        model: &str,
        variant: &VariantFile,
    ) -> Result<Recipe, ClaimError> {
        self.recipe_with(
            model,
            &variant.terms,
            &variant.flags,
            variant.clip.as_deref(),
        )
    }

    fn recipe_with(
        &self,
        model: &str,
        terms: &[String],
        flags: &[String],
        clip: Option<&str>,
    ) -> Result<Recipe, ClaimError> {
        let field = |field: &str, e: UnknownName| self.field(field, e);
        let mut recipe =
            Recipe::new(model, &self.file.loss, &self.file.optimizer).map_err(|e| {
                let what = e.what;
                field(what, e)
            })?;
        recipe = recipe.plain();
        for term in terms {
            let is_on = recipe
                .optimizer
                .hyperparameters
                .iter()
                .any(|h| h.name == term && !recipe.off.contains(term));
            if !is_on && !recipe.off.remove(term) {
                let known: Vec<&str> = recipe.off.iter().map(String::as_str).collect();
                return Err(self.field(
                    "terms",
                    format!("found `{term}`, expected some of {}", known.join(", ")),
                ));
            }
        }
        for flag in flags {
            recipe.set_flag(flag, true).map_err(|e| field("flags", e))?;
        }
        if let Some(clip) = clip {
            recipe.clip = Some(clip.parse::<Clip>().map_err(|e| field("clip", e))?);
        }
        Ok(recipe)
    }

    pub(super) fn field(&self, field: &str, message: impl ToString) -> ClaimError {
        ClaimError::Field {
            file: self.origin.clone(),
            field: field.to_owned(),
            message: message.to_string(),
        }
    }

    /// Everything that can be known to be wrong before judging.
    fn validate(&self) -> Result<(), ClaimError> {
        let f = &self.file;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if f.id.is_empty() || f.id.starts_with('.') || !f.id.chars().all(plain) {
            return Err(self.field(
                "id",
                format!(
                    "found `{}`, expected letters, digits, `.`, `_` or `-`",
                    f.id
                ),
            ));
        }
        let powers = [("map", &f.map), ("left", &f.left), ("right", &f.right)];
        for (name, powers) in powers {
            for (quantity, power) in powers.iter().flat_map(|p| p.iter()) {
                if power.0.as_ratio().is_none() {
                    return Err(self.field(
                        &format!("{name}.{quantity}"),
                        format!("found {}, expected a rational power of k", power.0),
                    ));
                }
            }
        }
        let needs_map = matches!(
            f.kind,
            Kind::Equivalence
                | Kind::Invariant
                | Kind::Uniqueness
                | Kind::Experiment
                | Kind::Survey
        );
        if needs_map && f.map.is_none() && f.left.is_none() && f.right.is_none() {
            return Err(self.field(
                "map",
                format!("missing: a claim of kind `{}` needs one", f.kind.name()),
            ));
        }
        if matches!(f.kind, Kind::Invariant | Kind::Implication) && f.conclusion.is_empty() {
            return Err(self.field("conclusion", "missing: name at least one quantity"));
        }
        if matches!(f.kind, Kind::Uniqueness | Kind::Freedom) && f.vary.is_empty() && !f.mixing {
            return Err(self.field("vary", "missing: name the quantities among which to look"));
        }
        if f.kind == Kind::Experiment && f.wrong.is_empty() {
            return Err(self.field("wrong", "missing: name at least one wrong rule"));
        }
        if f.kind == Kind::Survey && f.variant.is_empty() {
            return Err(self.field("variant", "missing: name at least one variant"));
        }
        let recipes: Vec<Recipe> = match f.kind {
            Kind::Survey => f
                .variant
                .iter()
                .map(|v| self.variant_recipe("opaque", v))
                .collect::<Result<_, _>>()?,
            _ => vec![self.recipe("opaque")?],
        };
        for recipe in recipes {
            let step = recipe
                .build()
                .map_err(|e: RecipeError| self.field("optimizer", e))?;
            let mut maps = vec![self.map()];
            maps.extend(self.wrong().map(|(_, map)| map));
            // A survey's variants differ in what they have; each takes what applies to it.
            if f.kind != Kind::Survey {
                for map in maps {
                    map.resolve(&step).map_err(|e| self.field("map", e))?;
                }
            }
        }
        let observing = self.recipe("linear")?;
        let formulas: Vec<(&str, &str)> = f
            .premise
            .iter()
            .chain(&f.conclusion)
            .map(|text| ("observable", text.as_str()))
            .collect();
        observing
            .build_observing(&formulas)
            .map_err(|e| self.field("premise, conclusion", e))?;
        for theorem in &f.theorems {
            if !self.built_in {
                let message = format!(
                    "found `{theorem}`: which theorem bears on a claim is not for the claim to say, \
                     so only built-in claims name theorems"
                );
                return Err(self.field("theorems", message));
            }
            super::theorem(theorem, &f.id).map_err(|e| self.field("theorems", e))?;
        }
        Ok(())
    }
}

fn scale_map(powers: &PowersFile, negate: &BTreeSet<String>) -> ScaleMap {
    let powers = powers
        .iter()
        .map(|(name, power)| {
            (
                name.clone(),
                power.0.as_ratio().cloned().unwrap_or_else(Ratio::default),
            )
        })
        .collect();
    ScaleMap {
        powers,
        negate: negate.clone(),
    }
}
