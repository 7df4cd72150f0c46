//! A claim: what is claimed, in terms that a judge can use.

mod file;
mod recipe;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use file::{File, PowersFile, StartFile};
pub(super) use file::{VariantFile, WrongFile};

use super::{NotJudged, Verdict};
use crate::arith::{ArithmeticName, Ratio};
use crate::scenario::{Property, ScaleMap};
use crate::search::Start;
use crate::zoo::RecipeError;

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
    /// Two formulas over the step's quantities are the same.
    Identity,
    /// A formula keeps its value from step to step.
    Conserved,
    /// So many settings have only so many effective degrees of freedom.
    Knobs,
    /// Two runs in a float format have the same bits.
    Bits,
    /// Only an experiment on real data could decide: listed, not judged.
    Empirical,
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
            Self::Identity => "identity",
            Self::Conserved => "conserved",
            Self::Knobs => "knobs",
            Self::Bits => "bits",
            Self::Empirical => "empirical",
        }
    }
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

    /// The heading under which reports list it; empty for none.
    pub fn group(&self) -> &str {
        &self.file.group
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

    /// Whether the claim is that what is described does not hold.
    pub(super) fn contrary(&self) -> bool {
        self.file.contrary
    }

    /// The claim as one that is listed and not judged; `None` for one that is judged.
    pub fn not_judged(&self) -> Option<NotJudged> {
        (self.kind() == Kind::Empirical).then(|| NotJudged {
            id: self.id().to_owned(),
            title: self.title().to_owned(),
            source: self.source().to_owned(),
            why: self.file.why.clone(),
        })
    }

    /// The number of effective degrees of freedom that is claimed, and the settings with which
    /// those in `vary` are compared.
    pub(super) fn knobs(&self) -> (Option<usize>, &[String]) {
        (self.file.effective, &self.file.compared_with)
    }

    /// The two formulas of an identity.
    pub(super) fn formulas(&self) -> (&str, &str) {
        (&self.file.formula, &self.file.equals)
    }

    /// The float format and the factor of a comparison of bits.
    pub(super) fn bits(&self) -> (Option<ArithmeticName>, Option<Ratio>) {
        let k = self.file.k.as_ref().and_then(|k| k.0.as_ratio().cloned());
        (
            self.file.arithmetic.as_deref().and_then(|a| a.parse().ok()),
            k,
        )
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

    /// The map of a variant: its own, or the claim's.
    pub(super) fn variant_map(&self, variant: &VariantFile) -> ScaleMap {
        match &variant.map {
            Some(powers) => scale_map(powers, &self.file.negate),
            None => self.map(),
        }
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
            ..Property::default()
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
                | Kind::Bits
        );
        let own_maps = f.kind == Kind::Survey && f.variant.iter().all(|v| v.map.is_some());
        if needs_map && !own_maps && f.map.is_none() && f.left.is_none() && f.right.is_none() {
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
        if matches!(f.kind, Kind::Identity) && (f.formula.is_empty() || f.equals.is_empty()) {
            return Err(self.field("formula, equals", "missing: an identity has two sides"));
        }
        if f.kind == Kind::Knobs && f.vary.is_empty() {
            return Err(self.field("vary", "missing: name the settings to count"));
        }
        if f.kind == Kind::Knobs && f.effective.is_none() && f.compared_with.is_empty() {
            let message = "missing: say how many are effective, or name settings to compare with";
            return Err(self.field("effective, compared_with", message));
        }
        if f.kind == Kind::Bits {
            if let Some(name) = &f.arithmetic {
                name.parse::<ArithmeticName>()
                    .map_err(|e| self.field("arithmetic", e))?;
            }
            if self.bits().0.is_none() || self.bits().1.is_none() {
                return Err(self.field("arithmetic, k", "missing: name a format and a rational k"));
            }
        }
        if (f.kind == Kind::Empirical) == f.why.is_empty() {
            let message = "expected for claims of kind `empirical`, and for these only";
            return Err(self.field("why", message));
        }
        if f.kind == Kind::Empirical {
            return Ok(());
        }
        if f.kind == Kind::Survey {
            for variant in &f.variant {
                for recipe in [
                    self.variant_symbolic(variant)?,
                    self.variant_numeric(variant)?,
                ] {
                    let step = recipe
                        .build()
                        .map_err(|e: RecipeError| self.field("variant", e))?;
                    let map = self.variant_map(variant);
                    map.resolve(&step).map_err(|e| self.field("map", e))?;
                }
            }
        } else {
            let step = self
                .symbolic()?
                .build()
                .map_err(|e: RecipeError| self.field("optimizer", e))?;
            let mut maps = vec![self.map()];
            maps.extend(self.wrong().map(|(_, map)| map));
            for map in maps {
                map.resolve(&step).map_err(|e| self.field("map", e))?;
            }
            self.observe(&self.numeric()?)?;
        }
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

impl Claim {
    /// Reads every formula of the claim.
    fn observe(&self, recipe: &crate::zoo::Recipe) -> Result<(), ClaimError> {
        let f = &self.file;
        let formulas: Vec<(&str, &str)> = (f.premise.iter())
            .chain(&f.conclusion)
            .chain(
                [&f.formula, &f.equals]
                    .into_iter()
                    .filter(|t| !t.is_empty()),
            )
            .map(|text| ("observable", text.as_str()))
            .collect();
        recipe
            .build_observing(&formulas)
            .map_err(|e| self.field("premise, conclusion, formula, equals", e))?;
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
