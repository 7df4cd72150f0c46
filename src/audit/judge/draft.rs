//! A verdict in the making: what a judge hands back.

use crate::arith::ArithmeticName;
use crate::audit::counter::Tried;
use crate::audit::error::JudgeError;
use crate::audit::{Claim, Derivation, Evidence, Figure, Rung, Table, Verdict, Witness};
use crate::fault::{Fault, planted};
use crate::gauge::Condition;

/// The result of a judge; the claim's own words are added by [`super::judge`].
pub struct Draft {
    pub verdict: Verdict,
    pub because: String,
    pub conditions: Vec<String>,
    pub evidence: Vec<Evidence>,
    pub remarks: Vec<String>,
    pub witness: Option<Witness>,
    pub alternatives: Vec<Vec<Condition>>,
    pub tables: Vec<Table>,
    pub figures: Vec<Figure>,
    pub derivation: Option<Derivation>,
}

impl Draft {
    pub fn new(verdict: Verdict, because: impl Into<String>) -> Self {
        Self {
            verdict,
            because: because.into(),
            conditions: vec![],
            evidence: vec![],
            remarks: vec![],
            witness: None,
            alternatives: vec![],
            tables: vec![],
            figures: vec![],
            derivation: None,
        }
    }

    pub fn unknown(because: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, because)
    }

    /// Adds what was found; what could not be had is a remark.
    pub fn gather(&mut self, what: &str, found: Result<Option<Evidence>, JudgeError>) {
        match found {
            Ok(found) => self.evidence.extend(found),
            Err(e) => self.remarks.push(format!("{what}: {e}")),
        }
    }

    /// The verdict on the claim that what was judged does not hold: proved and refuted change
    /// places, unknown stays, and what holds under conditions is no denial's proof.
    pub fn denied(mut self) -> Self {
        let because = std::mem::take(&mut self.because);
        (self.verdict, self.because) = match self.verdict {
            Verdict::Proved => (Verdict::Refuted, format!("it does hold: {because}")),
            Verdict::Refuted => (
                Verdict::Proved,
                format!("what is denied is refuted: {because}"),
            ),
            Verdict::ProvedIf if planted(Fault::DenialAccepted) => (Verdict::ProvedIf, because),
            Verdict::ProvedIf => (
                Verdict::Refuted,
                format!("what is denied does hold under conditions: {because}"),
            ),
            Verdict::Unknown => (Verdict::Unknown, because),
        };
        self
    }

    /// Adds a counterexample: the witness and an entry on the rung of exact arithmetic, of bits,
    /// or of bounds where two intervals are disjoint.
    pub fn with_counterexample(
        mut self,
        claim: &Claim,
        variant: Option<&str>,
        tried: &Tried,
        says: &str,
    ) -> Self {
        let sizes = tried.run.sizes.iter();
        let sizes: Vec<String> = sizes
            .map(|(name, size)| format!("{name} = {size}"))
            .collect();
        let rung = match tried.arithmetic {
            name if name.is_enclosure() => Rung::Bound,
            ArithmeticName::Rational | ArithmeticName::Prime => Rung::Exact,
            _ => Rung::BitEqual,
        };
        let words = format!("Counterexample ({says}): {}.", tried.finding.describe());
        let found = Evidence::new(rung, words)
            .with("sizes", sizes.join(", "))
            .with("arithmetic", tried.arithmetic);
        self.evidence.push(found);
        self.witness = Some(Witness::new(claim, variant, says, tried));
        self
    }
}
