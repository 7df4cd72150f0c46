//! One judge for each kind of claim.

mod bits;
mod conserved;
mod equivalence;
mod experiment;
mod freedom;
mod identity;
mod implication;
mod initialisation;
mod invariant;
mod knobs;
mod rank;
mod survey;
mod uniqueness;

use super::{Claim, ClaimError, Evidence, Judgement, Kind, Verdict, evidence};
use crate::arith::ArithmeticName;
use crate::gauge;
use crate::scenario::{self, Property, Scenario, ScenarioError};
use crate::search::{Finding, Found, HuntError, Witness, WitnessError};
use crate::zoo::RecipeError;

/// A judgement and the counterexample behind it, if there is one.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was found.
    pub judgement: Judgement,
    /// The counterexample, to be stored under the judgement's witness name.
    pub witness: Option<Witness>,
}

/// Why a claim could not be judged at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JudgeError {
    /// The claim's file is at fault.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A scenario cannot be set up.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The map does not apply.
    #[error(transparent)]
    Map(#[from] scenario::MapError),
    /// The map names something the step does not have.
    #[error(transparent)]
    Weights(#[from] gauge::MapError),
    /// The independent checker rejects the solver's certificate: a defect of this program.
    #[error("the certificate is rejected by its checker: {0}")]
    Certificate(#[from] gauge::CheckError),
    /// A hunt could not be carried through.
    #[error(transparent)]
    Hunt(#[from] HuntError),
    /// Two runs could not be compared.
    #[error(transparent)]
    Check(#[from] scenario::CheckError),
    /// A witness could not be formed.
    #[error(transparent)]
    Witness(#[from] WitnessError),
}

/// Judges one claim.
///
/// # Errors
/// [`JudgeError`] when the claim cannot be judged at all; a claim that is merely undecided gets
/// the verdict `unknown`.
pub fn judge(claim: &Claim) -> Result<Judged, JudgeError> {
    let mut draft = match claim.kind() {
        Kind::Equivalence => equivalence::judge(claim),
        Kind::Invariant => invariant::judge(claim),
        Kind::Implication => implication::judge(claim),
        Kind::Uniqueness => uniqueness::judge(claim),
        Kind::Freedom => freedom::judge(claim),
        Kind::Experiment => experiment::judge(claim),
        Kind::Initialisation => initialisation::judge(claim),
        Kind::Rank => rank::judge(claim),
        Kind::Survey => survey::judge(claim),
        Kind::Identity => identity::judge(claim),
        Kind::Conserved => conserved::judge(claim),
        Kind::Knobs => knobs::judge(claim),
        Kind::Bits => bits::judge(claim),
        Kind::Empirical => Ok(Draft::new(
            Verdict::Unknown,
            claim.not_judged().map_or_else(String::new, |c| c.why),
        )),
    }?;
    if claim.contrary() {
        draft = draft.denied();
    }
    draft.evidence.extend(evidence::theorems(claim));
    draft.evidence.sort_by_key(|e| e.rung);
    let witness_name = draft
        .witness
        .as_ref()
        .map(|_| format!("witnesses/{}.json", claim.id()));
    Ok(Judged {
        judgement: Judgement {
            id: claim.id().to_owned(),
            title: claim.title().to_owned(),
            source: claim.source().to_owned(),
            group: claim.group().to_owned(),
            kind: claim.kind().name().to_owned(),
            verdict: draft.verdict,
            because: draft.because,
            conditions: draft.conditions,
            evidence: draft.evidence,
            witness: witness_name,
            reproduce: claim.reproduce(),
            expected: claim.expected(),
            tables: draft.tables,
            figures: draft.figures,
            derivation: draft.derivation,
        },
        witness: draft.witness,
    })
}

/// What a judge hands back; the claim's own words are added by [`judge`].
struct Draft {
    verdict: Verdict,
    because: String,
    conditions: Vec<String>,
    evidence: Vec<Evidence>,
    witness: Option<Witness>,
    tables: Vec<super::Table>,
    figures: Vec<super::Figure>,
    derivation: Option<super::Derivation>,
}

impl Draft {
    fn new(verdict: Verdict, because: impl Into<String>) -> Self {
        Self {
            verdict,
            because: because.into(),
            conditions: vec![],
            evidence: vec![],
            witness: None,
            tables: vec![],
            figures: vec![],
            derivation: None,
        }
    }

    /// The verdict on the claim that what was judged does not hold.
    fn denied(mut self) -> Self {
        self.because = match self.verdict {
            Verdict::Proved => format!("it does hold: {}", self.because),
            Verdict::Refuted => format!("what is denied is refuted: {}", self.because),
            Verdict::ProvedIf => format!("it fails but for an exception: {}", self.because),
            Verdict::Unknown => self.because,
        };
        self.verdict = match self.verdict {
            Verdict::Proved => Verdict::Refuted,
            Verdict::Refuted => Verdict::Proved,
            other => other,
        };
        if self.verdict == Verdict::ProvedIf {
            self.conditions = vec![format!("not all of: {}", self.conditions.join("; "))];
        }
        self
    }

    /// Adds a counterexample: the witness and an entry on the rung of exact arithmetic, or of
    /// bounds where two intervals are disjoint.
    fn with_counterexample(
        mut self,
        claim: &Claim,
        property: &Property,
        found: &Found,
        says: &str,
    ) -> Self {
        let sizes: Vec<String> = found
            .left
            .sizes
            .iter()
            .map(|(name, size)| format!("{name} = {size}"))
            .collect();
        self.evidence.push(
            Evidence::new(
                if found.arithmetic.is_enclosure() {
                    super::Rung::Bound
                } else {
                    super::Rung::Exact
                },
                format!("Counterexample ({says}): {}.", found.finding.describe()),
            )
            .with("sizes", sizes.join(", "))
            .with("arithmetic", found.arithmetic),
        );
        self.witness = Some(witness_in(
            claim,
            found.arithmetic,
            property,
            (&found.left, &found.right),
            found.finding.clone(),
            says,
        ));
        self
    }
}

fn witness_in(
    claim: &Claim,
    arithmetic: ArithmeticName,
    property: &Property,
    (left, right): (&Scenario, &Scenario),
    finding: Finding,
    says: &str,
) -> Witness {
    Witness::new(
        claim.id(),
        says,
        arithmetic,
        property,
        (left, right),
        finding,
    )
}
