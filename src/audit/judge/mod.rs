//! From a claim to a verdict: one judge for each kind, all of whom ask the one decision of
//! `gauge`, try what it says on exact runs, and hand back a [`Draft`].
//!
//! *Proved* rests on a certificate, a theorem or an identity, and no exact run contradicts it.
//! *Refuted* rests on a witness that replays, or, where the claim says that something exists, on
//! an exact computation by which it cannot. Everything else is *unknown*, with the reason. What
//! cannot be had on the way is a remark.

mod bits;
mod conserved;
mod exists;
mod experiment;
mod identity;
mod implication;
mod initialisation;
mod rank;
mod survey;
mod unchanged;
mod uniqueness;

use num_traits::Zero;

use super::case::{Case, NoRun};
use super::claim::{Claim, FieldError, Setting, Statement};
use super::counter::{Trial, Tried};
use super::{Evidence, Judgement, Rung, Verdict, Witness, evidence};
use crate::exec::ExecError;
use crate::fault::{Fault, planted};
use crate::gauge::{self, Condition};
use crate::scenario::{self, Scenario, ScenarioError};
use crate::search;
use crate::zoo::RecipeError;

/// A judgement and the counterexample behind it, if there is one.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was found.
    pub judgement: Judgement,
    /// The counterexample, to be stored under the judgement's witness name.
    pub witness: Option<Witness>,
    /// Of what is described (whether it is claimed or denied): it holds under any one of these
    /// sets of conditions.
    pub alternatives: Vec<Vec<Condition>>,
}

/// Why a claim could not be judged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JudgeError {
    /// A field cannot be used.
    #[error("field `{}`: {}", .0.field, .0.message)]
    Field(FieldError),
    /// The recipe cannot be built.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A scenario cannot be set up.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The map does not apply.
    #[error(transparent)]
    Map(#[from] scenario::MapError),
    /// The map names something the step does not have, or the checker refuses a certificate: a
    /// defect of this program.
    #[error(transparent)]
    Decide(#[from] gauge::DecideError),
    /// Two runs could not be compared, or a hunt not carried through.
    #[error(transparent)]
    Search(#[from] search::SearchError),
    /// A run ended.
    #[error(transparent)]
    Run(#[from] ExecError),
}

impl From<FieldError> for JudgeError {
    fn from(e: FieldError) -> Self {
        Self::Field(e)
    }
}

pub(super) use exists::{directions, rescalings};

/// Judges one claim. What cannot be carried through leaves it unknown.
pub fn judge(claim: &Claim) -> Judged {
    let draft = judge_described(claim);
    let mut draft = draft.unwrap_or_else(|e| Draft::unknown(format!("it cannot be judged: {e}")));
    // A verdict on what is described must be borne out before it may be turned round.
    if let Some(witness) = &draft.witness
        && draft.verdict == Verdict::Refuted
    {
        let why = match witness.replay() {
            Ok(replayed) if replayed.agrees => None,
            Ok(replayed) => Some(
                replayed
                    .doubt
                    .unwrap_or("it finds something else".to_owned()),
            ),
            Err(e) => Some(e.to_string()),
        };
        if let Some(why) = why {
            let because = "a counterexample was found, but does not replay, which is a defect";
            draft = Draft::unknown(format!("{because}: {why}"));
        }
    }
    if claim.contrary() {
        draft = draft.denied();
    }
    draft.evidence.extend(evidence::theorems(claim));
    draft.evidence.sort_by_key(|e| e.rung);
    let witness_name = format!("witnesses/{}.json", claim.id());
    let witness_name = draft.witness.is_some().then_some(witness_name);
    Judged {
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
            remarks: draft.remarks,
            witness: witness_name,
            reproduce: claim.reproduce(),
            expected: claim.expected(),
            tables: draft.tables,
            figures: draft.figures,
            derivation: draft.derivation,
        },
        witness: draft.witness,
        alternatives: draft.alternatives,
    }
}

/// The verdict on what the claim describes, before a denial is turned round.
fn judge_described(claim: &Claim) -> Result<Draft, JudgeError> {
    let setting = claim.setting();
    let needs_runs = !matches!(
        claim.statement(),
        Statement::Identity(_)
            | Statement::Initialisation
            | Statement::Empirical(_)
            | Statement::Experiment(_)
            | Statement::Rank
            | Statement::Survey(_)
    );
    let case = Case::new(setting)?;
    if needs_runs && let Some(none) = case.no_run(&case.as_it_is())? {
        return Ok(Draft::unknown(no_such_run(setting, &none)));
    }
    match claim.statement() {
        Statement::Equivalence(own) => unchanged::equivalence(claim, &case, &own.map()),
        Statement::Invariant(own) => unchanged::invariant(claim, &case, own),
        Statement::Implication(own) => implication::judge(claim, &case, own),
        Statement::Uniqueness(own) => uniqueness::judge(claim, &case, own),
        Statement::Freedom(own) => exists::freedom(&case, &own.map(), &own.vary),
        Statement::Knobs(own) => exists::knobs(&case, own),
        Statement::Experiment(own) => experiment::judge(claim, &case, own),
        Statement::Initialisation => initialisation::judge(),
        Statement::Rank => rank::judge(&case),
        Statement::Survey(variants) => survey::judge(claim, variants),
        Statement::Identity(own) => identity::judge(claim, &case, own),
        Statement::Conserved(own) => conserved::judge(claim, &case, own),
        Statement::Bits { map, arithmetic, k } => bits::judge(claim, &case, map, *arithmetic, k),
        Statement::Empirical(own) => Ok(Draft::unknown(own.why.clone())),
    }
}

/// That a setting has no run, and what would have to be on.
fn no_such_run(setting: &Setting, none: &NoRun) -> String {
    let error = super::words::ends(&none.error);
    let off = &setting.numeric.off;
    let floors = setting.numeric.optimizer.hyperparameters.iter();
    // Small numbers that keep a divisor from 0.
    let small = |default: &str| {
        let thousandth = crate::arith::Ratio::new(1.into(), 1000.into());
        crate::arith::parse_ratio(default).is_ok_and(|d| !d.is_zero() && d < thousandth)
    };
    let floors = floors.filter(|h| h.may_be_zero && small(h.default) && off.contains(h.name));
    let floors: Vec<&str> = floors.map(|h| h.name).collect();
    let zero: Vec<&str> = setting.zero.iter().map(String::as_str).collect();
    let mend = match (floors.is_empty(), zero.is_empty()) {
        (false, _) => format!("; leave {} on", floors.join(", ")),
        (true, false) => format!("; {} must not start at 0", zero.join(", ")),
        (true, true) => String::new(),
    };
    format!("there is no such run: {error}{mend}")
}

/// The first setting that the claim has on and the run has at zero.
pub(super) fn refuse_zero_terms(setting: &Setting, run: &Scenario) -> Result<(), String> {
    let is_zero = |(_, value): &(&String, &crate::arith::Surd)| value.is_zero();
    let on = |(name, _): &(&String, &crate::arith::Surd)| {
        let base = |base: &String| *name == base || name.starts_with(&format!("{base}_"));
        setting.nonzero.iter().any(base)
    };
    let mut zeros = run.values.scalars.iter().filter(is_zero);
    match zeros.find(on) {
        Some((name, _)) => Err(name.clone()),
        None => Ok(()),
    }
}

/// What a judge hands back; the claim's own words are added by [`judge`].
pub(super) struct Draft {
    pub verdict: Verdict,
    pub because: String,
    pub conditions: Vec<String>,
    pub evidence: Vec<Evidence>,
    pub remarks: Vec<String>,
    pub witness: Option<Witness>,
    pub alternatives: Vec<Vec<Condition>>,
    pub tables: Vec<super::Table>,
    pub figures: Vec<super::Figure>,
    pub derivation: Option<super::Derivation>,
}

impl Draft {
    fn new(verdict: Verdict, because: impl Into<String>) -> Self {
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

    fn unknown(because: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, because)
    }

    /// Adds what was found; what could not be had is a remark.
    fn gather(&mut self, what: &str, found: Result<Option<Evidence>, JudgeError>) {
        match found {
            Ok(found) => self.evidence.extend(found),
            Err(e) => self.remarks.push(format!("{what}: {e}")),
        }
    }

    /// The verdict on the claim that what was judged does not hold: proved and refuted change
    /// places, unknown stays, and what holds under conditions is no denial's proof.
    fn denied(mut self) -> Self {
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
    fn with_counterexample(
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
            crate::arith::ArithmeticName::Rational | crate::arith::ArithmeticName::Prime => {
                Rung::Exact
            }
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

/// A trial with what was hunted down.
fn tried(trial: Trial, found: &crate::search::Found) -> Tried {
    Tried {
        trial,
        run: found.left.clone(),
        finding: found.finding.clone(),
        arithmetic: found.arithmetic,
    }
}

/// Names joined for a sentence: `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// Whether a power of k is none.
fn is_still(power: &crate::arith::Ratio) -> bool {
    power.is_zero()
}
