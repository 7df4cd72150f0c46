//! The plain result of judging a claim.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The judgement of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds as stated.
    Proved,
    /// It holds under the conditions listed, and not without them.
    ProvedIf,
    /// It does not hold as stated.
    Refuted,
    /// Neither could be shown.
    Unknown,
}

impl Verdict {
    /// The name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::ProvedIf => "proved-if",
            Self::Refuted => "refuted",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A rung of the evidence ladder, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// A named, compiled Rocq theorem.
    Theorem,
    /// Weights for every node, re-checked by the independent checker.
    Certificate,
    /// Equal or different in exact arithmetic.
    Exact,
    /// Equal or different bit by bit.
    BitEqual,
    /// Inside a certified bound.
    Bound,
    /// So many random cases.
    Search,
}

impl Rung {
    /// The name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Theorem => "theorem",
            Self::Certificate => "certificate",
            Self::Exact => "exact",
            Self::BitEqual => "bit-equal",
            Self::Bound => "bound",
            Self::Search => "search",
        }
    }
}

/// A compiled theorem as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theorem {
    /// Its fully qualified name.
    pub name: String,
    /// The statement in words.
    pub says: String,
    /// Its hypotheses, in words.
    pub hypotheses: Vec<String>,
    /// The statement as the prover prints it.
    pub statement: String,
    /// The definitions that the statement uses, directly or through one another.
    pub definitions: Vec<PrintedDefinition>,
    /// The axioms it rests on; empty when it is closed under the global context.
    pub assumptions: Vec<String>,
    /// The prover that compiled it.
    pub prover: String,
}

/// A definition of a theorem's statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedDefinition {
    /// Its fully qualified name.
    pub name: String,
    /// Its body and type as the prover prints them.
    pub text: String,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rung of the ladder it stands on.
    pub rung: Rung,
    /// The meaning, in a sentence or two.
    pub says: String,
    /// Exact figures behind the sentence.
    #[serde(default)]
    pub numbers: BTreeMap<String, String>,
    /// The theorem, on that rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theorem: Option<Theorem>,
}

impl Evidence {
    /// Evidence without figures.
    pub fn new(rung: Rung, says: impl Into<String>) -> Self {
        Self {
            rung,
            says: says.into(),
            numbers: BTreeMap::new(),
            theorem: None,
        }
    }

    /// Adds a figure.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.numbers.insert(name.to_owned(), value.to_string());
        self
    }
}

/// One quantity of a derivation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivationLine {
    /// The quantity's name.
    pub quantity: String,
    /// The formula, as text.
    pub formula: String,
    /// The same as presentation MathML (`<math>…</math>`).
    pub mathml: String,
    /// Its weight over the basis, one exact rational for each generator.
    pub weight: Vec<String>,
}

/// The step with a weight at each quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// The subject of the derivation, in words.
    pub title: String,
    /// The generators, for instance `p`, `q`, or `k`.
    pub basis: Vec<String>,
    /// The quantities, operands first.
    pub lines: Vec<DerivationLine>,
    /// Products of powers that the map leaves alone, for instance `s*A*B`.
    pub invariants: Vec<String>,
    /// SHA-256 of the certificate behind the weights.
    pub certificate: String,
}

/// A table of measurements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The measured quantity.
    pub title: String,
    /// Column heads.
    pub columns: Vec<String>,
    /// Rows of cells, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}

/// One line or set of bars of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points (x, y); for looking only.
    pub points: Vec<(f64, f64)>,
}

/// A figure for the report; no verdict rests on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The caption.
    pub title: String,
    /// The quantity along x.
    pub x: String,
    /// The quantity along y.
    pub y: String,
    /// The lines.
    pub series: Vec<Series>,
}

/// A claim together with what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The claim's identifier.
    pub id: String,
    /// The claim in words.
    pub title: String,
    /// The source of the claim.
    pub source: String,
    /// The heading under which it is listed; empty for none.
    #[serde(default)]
    pub group: String,
    /// The kind of claim.
    pub kind: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason for the verdict in one sentence.
    pub because: String,
    /// Under which conditions it holds.
    pub conditions: Vec<String>,
    /// Everything that was found, strongest first.
    pub evidence: Vec<Evidence>,
    /// Evidence that could not be had, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The witness file's name, where there is a counterexample.
    pub witness: Option<String>,
    /// The command that reproduces this row.
    pub reproduce: String,
    /// The verdict that the claim's file expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Verdict>,
    /// Measurements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// The step with its weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<Derivation>,
}

impl Judgement {
    /// `true` if the verdict is the expected one; without an expectation, whether it is
    /// `proved` or `proved-if`.
    pub fn holds(&self) -> bool {
        match self.expected {
            Some(expected) => self.verdict == expected,
            None => matches!(self.verdict, Verdict::Proved | Verdict::ProvedIf),
        }
    }
}

/// A claim that only an experiment on real data could decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotJudged {
    /// The claim's identifier.
    pub id: String,
    /// The claim in words.
    pub title: String,
    /// The source of the claim.
    pub source: String,
    /// The reason for which it is not judged.
    pub why: String,
}

/// The number of claims with each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Claims that hold as stated.
    pub proved: usize,
    /// Claims that hold under conditions.
    pub proved_if: usize,
    /// Claims that do not hold.
    pub refuted: usize,
    /// Claims that could not be decided.
    pub unknown: usize,
}

/// All claims that were judged together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// `lora-gauge/audit/1`.
    pub schema: String,
    /// The claims in the order in which they were given.
    pub claims: Vec<Judgement>,
    /// The claims that are listed and not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_judged: Vec<NotJudged>,
    /// The verdicts counted.
    pub summary: Summary,
}

impl Audit {
    /// Counts the verdicts of `claims`.
    pub fn new(claims: Vec<Judgement>) -> Self {
        let mut summary = Summary::default();
        for claim in &claims {
            match claim.verdict {
                Verdict::Proved => summary.proved += 1,
                Verdict::ProvedIf => summary.proved_if += 1,
                Verdict::Refuted => summary.refuted += 1,
                Verdict::Unknown => summary.unknown += 1,
            }
        }
        Self {
            schema: "lora-gauge/audit/1".to_owned(),
            claims,
            not_judged: vec![],
            summary,
        }
    }

    /// The claims by heading, in order.
    pub fn groups(&self) -> Vec<(&str, &[Judgement])> {
        let same = |x: &Judgement, y: &Judgement| x.group == y.group;
        let chunks = self.claims.chunk_by(same);
        chunks.map(|c| (c[0].group.as_str(), c)).collect()
    }

    /// 0 when everything holds, 1 when something is refuted or not as expected, 2 when something
    /// without an expectation is unknown.
    pub fn exit_status(&self) -> u8 {
        let unexpected = |c: &&Judgement| !c.holds();
        let undecided = |c: &Judgement| c.expected.is_none() && c.verdict == Verdict::Unknown;
        if self.claims.iter().filter(unexpected).any(|c| !undecided(c)) {
            1
        } else if self.claims.iter().any(undecided) {
            2
        } else {
            0
        }
    }
}
