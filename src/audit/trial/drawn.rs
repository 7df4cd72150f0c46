//! A drawn claim and its text.

use toml::{Table, Value};

use super::moves::{Map, Side};
use super::setting::{Fields, Setting};
use crate::arith::{Ratio, show_ratio};
use crate::audit::Kind;

/// A claim in parts.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub setting: Setting,
    pub statement: Statement,
    pub contrary: bool,
    /// A field or a name that makes it no claim at all.
    pub foreign: Option<(String, Value)>,
}

/// The drawn statement, by kind.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    Equivalence(Map),
    Invariant {
        map: Map,
        conclusion: Vec<String>,
    },
    Implication {
        map: Option<Map>,
        premise: Vec<String>,
        until: Option<usize>,
        conclusion: Vec<String>,
    },
    Uniqueness {
        map: Map,
        /// Mixings of the ranks where it is empty.
        vary: Vec<String>,
    },
    Freedom {
        map: Map,
        vary: Vec<String>,
    },
    Survey {
        map: Option<Map>,
        variants: Vec<Variant>,
    },
    Identity {
        formula: String,
        equals: String,
    },
    Conserved(String),
    Knobs {
        vary: Vec<String>,
        follow: Vec<String>,
        than: Than,
    },
    Bits {
        map: Map,
        arithmetic: &'static str,
        k: Ratio,
    },
    Rank,
    Experiment {
        map: Map,
        wrong: Vec<Side>,
    },
}

/// With what a number of effective settings is compared.
#[derive(Debug, Clone)]
pub(super) enum Than {
    Number(usize),
    Settings(Vec<String>),
}

/// A variant of a survey, with the whole of its setting.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub setting: Setting,
    pub map: Option<Map>,
}

fn list(names: &[String]) -> Value {
    Value::Array(names.iter().cloned().map(Value::String).collect())
}

impl Statement {
    /// The kind of the claim.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Equivalence(_) => Kind::Equivalence,
            Self::Invariant { .. } => Kind::Invariant,
            Self::Implication { .. } => Kind::Implication,
            Self::Uniqueness { .. } => Kind::Uniqueness,
            Self::Freedom { .. } => Kind::Freedom,
            Self::Survey { .. } => Kind::Survey,
            Self::Identity { .. } => Kind::Identity,
            Self::Conserved(_) => Kind::Conserved,
            Self::Knobs { .. } => Kind::Knobs,
            Self::Bits { .. } => Kind::Bits,
            Self::Rank => Kind::Rank,
            Self::Experiment { .. } => Kind::Experiment,
        }
    }

    fn fields(&self) -> Fields {
        let text = |text: &str| Value::String(text.to_owned());
        let field = |name: &str, value: Value| (name.to_owned(), value);
        match self {
            Self::Equivalence(map) => map.fields(),
            Self::Invariant { map, conclusion } => {
                [map.fields(), vec![field("conclusion", list(conclusion))]].concat()
            }
            Self::Implication {
                map,
                premise,
                until,
                conclusion,
            } => {
                let mut fields = map.as_ref().map(Map::fields).unwrap_or_default();
                fields.push(field("premise", list(premise)));
                if let Some(until) = until {
                    fields.push(field("premise_until", Value::Integer(*until as i64)));
                }
                fields.push(field("conclusion", list(conclusion)));
                fields
            }
            Self::Uniqueness { map, vary } => {
                let own = match vary.is_empty() {
                    true => field("mixing", Value::Boolean(true)),
                    false => field("vary", list(vary)),
                };
                [map.fields(), vec![own]].concat()
            }
            Self::Freedom { map, vary } => [map.fields(), vec![field("vary", list(vary))]].concat(),
            // What the variants have alike is said once, with the claim.
            Self::Survey { map, variants } => {
                let mut fields = map.as_ref().map(Map::fields).unwrap_or_default();
                let common = common(variants);
                let variants = variants.iter().enumerate().map(|(i, variant)| {
                    let mut table = Table::new();
                    table.insert(
                        "name".to_owned(),
                        Value::String(format!("variant {}", i + 1)),
                    );
                    let own = variant.setting.fields().into_iter();
                    table.extend(own.filter(|field| !common.contains(field)));
                    if let Some(map) = &variant.map {
                        table.extend(map.fields());
                    }
                    Value::Table(table)
                });
                fields.push(field("variant", Value::Array(variants.collect())));
                fields
            }
            Self::Identity { formula, equals } => {
                vec![
                    field("formula", text(formula)),
                    field("equals", text(equals)),
                ]
            }
            Self::Conserved(formula) => vec![field("formula", text(formula))],
            Self::Knobs { vary, follow, than } => {
                let mut fields = vec![field("vary", list(vary))];
                if !follow.is_empty() {
                    fields.push(field("follow", list(follow)));
                }
                fields.push(match than {
                    Than::Number(n) => field("effective", Value::Integer(*n as i64)),
                    Than::Settings(names) => field("compared_with", list(names)),
                });
                fields
            }
            Self::Bits { map, arithmetic, k } => {
                let mut fields = map.fields();
                fields.push(field("arithmetic", text(arithmetic)));
                fields.push(field("k", text(&show_ratio(k))));
                fields
            }
            Self::Rank => vec![],
            Self::Experiment { map, wrong } => {
                let wrong = wrong.iter().enumerate().map(|(i, side)| {
                    let mut table = Table::new();
                    table.insert("name".to_owned(), Value::String(format!("rule {}", i + 1)));
                    table.extend(Map::of(side.clone()).fields());
                    Value::Table(table)
                });
                let wrong = field("wrong", Value::Array(wrong.collect()));
                [map.fields(), vec![wrong]].concat()
            }
        }
    }
}

/// The fields that all variants have alike.
fn common(variants: &[Variant]) -> Fields {
    let mut all = variants.iter().map(|variant| variant.setting.fields());
    let first = all.next().unwrap_or_default();
    let rest: Vec<Fields> = all.collect();
    let alike = |field: &(String, Value)| rest.iter().all(|fields| fields.contains(field));
    let (common, own): (Fields, Fields) = first.into_iter().partition(alike);
    // Flags and terms need each other, so a setting has all of them or none.
    let together = |(name, _): &(String, Value)| ["flags", "terms", "without"].contains(&&**name);
    let apart = own.iter().any(together)
        || rest
            .iter()
            .flatten()
            .any(|field| together(field) && !common.contains(field));
    let stays = |field: &(String, Value)| !(apart && together(field));
    common.into_iter().filter(stays).collect()
}

impl Drawn {
    /// The claim's file, a field on each line.
    pub fn text(&self) -> String {
        let mut fields: Fields = vec![];
        let mut add = |name: &str, text: &str| {
            fields.push((name.to_owned(), Value::String(text.to_owned())));
        };
        add("id", "drawn");
        add("title", "a drawn claim");
        add("kind", self.statement.kind().name());
        if self.contrary {
            fields.push(("contrary".to_owned(), Value::Boolean(true)));
        }
        fields.extend(match &self.statement {
            Statement::Survey { variants, .. } => common(variants),
            Statement::Experiment { .. } => {
                let said = ["model", "optimizer", "loss", "reduction"];
                let all = self.setting.fields().into_iter();
                all.filter(|(name, _)| said.contains(&name.as_str()))
                    .collect()
            }
            _ => self.setting.fields(),
        });
        fields.extend(self.statement.fields());
        let foreign = self.foreign.iter().cloned();
        // A field that is there already is replaced.
        fields.retain(|(name, _)| foreign.clone().all(|(other, _)| other != *name));
        fields.extend(foreign);
        let lines = fields
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"));
        lines.collect()
    }

    /// The text on one line, for messages.
    pub fn on_one_line(&self) -> String {
        self.text().trim_end().replace('\n', "; ")
    }

    /// The same claim denied, or the other way round.
    pub fn denied(&self) -> Self {
        Self {
            contrary: !self.contrary,
            ..self.clone()
        }
    }
}
