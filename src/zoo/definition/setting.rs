//! The settings of a file.

use std::collections::BTreeMap;

use num_traits::{One, Signed, Zero};
use serde::Deserialize;
use toml::Spanned;

use super::{DefinitionError, Text, is_quantity, kept};
use crate::arith::{Ratio, parse_ratio};
use crate::zoo::{Hyperparameter, LORAPLUS_LR_RATIO, Range};

/// The names that scenarios, claims and maps use for something else.
const TAKEN: &[&str] = &[
    "alpha",
    "s",
    "init",
    "loss",
    "max_norm",
    "clip_value",
    "eta_min",
    "min_lr",
    "loss_scale",
    LORAPLUS_LR_RATIO,
];

/// A setting: its default, and which values make sense.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingFile {
    default: Number,
    #[serde(default)]
    range: RangeFile,
    /// True where 0 is admissible and switches the setting's terms off.
    #[serde(default)]
    optional: bool,
}

/// An exact number, as text or as a number of TOML.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, or a text such as \"1e-3\" or \"9/10\""
)]
enum Number {
    Text(String),
    Integer(i64),
    Float(f64),
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RangeFile {
    #[default]
    Positive,
    Fraction,
    AboveOne,
    Real,
}

impl RangeFile {
    fn range(self) -> Range {
        match self {
            Self::Positive => Range::Positive,
            Self::Fraction => Range::Fraction,
            Self::AboveOne => Range::AboveOne,
            Self::Real => Range::Real,
        }
    }

    fn has(self, x: &Ratio) -> bool {
        match self {
            Self::Positive => x.is_positive(),
            Self::Fraction => x.is_positive() && *x < Ratio::one(),
            Self::AboveOne => *x > Ratio::one(),
            Self::Real => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Positive => "a positive number",
            Self::Fraction => "a number between 0 and 1",
            Self::AboveOne => "a number above 1",
            Self::Real => "a number",
        }
    }
}

/// The settings of a file in the alphabet's order.
pub(super) type Settings = BTreeMap<String, Spanned<SettingFile>>;

/// The settings, none of which is called as one of `taken` is.
pub(super) fn settings(
    text: Text<'_>,
    settings: &Settings,
    taken: &[&str],
) -> Result<Vec<Hyperparameter>, DefinitionError> {
    let of = |(name, setting): (&String, &Spanned<SettingFile>)| {
        let field = format!("settings.{name}");
        let wrong = |message| text.wrong(field.as_str(), &setting.span(), message);
        let is_taken = |name: &str| {
            TAKEN.contains(&name)
                || taken.contains(&name)
                || name.starts_with("init_")
                || name.starts_with("carry_")
        };
        if is_taken(name) {
            let message = format!("found `{name}`, which stands for something else");
            return Err(wrong(message + ", expected another name"));
        }
        if !is_quantity(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let message = format!("found `{name}`, expected a small letter");
            return Err(wrong(message + ", then letters, digits and `_`"));
        }
        let SettingFile {
            default,
            range,
            optional,
        } = setting.get_ref();
        let default = match default {
            Number::Text(text) => text.clone(),
            Number::Integer(n) => n.to_string(),
            // The shortest decimal that reads back as the number is what the author wrote.
            Number::Float(x) => format!("{x:e}"),
        };
        let exact = parse_ratio(&default).map_err(|e| wrong(e.to_string()))?;
        let off = exact.is_zero();
        if !(range.has(&exact) || off && *optional) {
            let zero = if *optional { " or 0" } else { "" };
            let expected = range.words();
            return Err(wrong(format!("found {default}, expected {expected}{zero}")));
        }
        Ok(Hyperparameter {
            name: kept(name),
            default: if off { "0" } else { kept(&default) },
            may_be_zero: *optional,
            range: range.range(),
        })
    };
    settings.iter().map(of).collect()
}
