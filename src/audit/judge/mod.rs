//! From a claim to a verdict: one judge for each kind, all of whom ask the one decision of
//! `gauge`, try what it says on exact runs, and hand back a [`Draft`].
//!
//! *Proved* rests on a certificate, a theorem or an identity, and no exact run contradicts it.
//! *Refuted* rests on a witness that replays, or, where the claim says that something exists, on
//! an exact computation by which it cannot. Everything else is *unknown*, with the reason. What
//! cannot be had on the way is a remark.

mod bits;
mod conserved;
mod draft;
mod exists;
mod experiment;
mod identity;
mod implication;
mod initialisation;
mod rank;
mod survey;
mod unchanged;
mod uniqueness;

use self::draft::Draft;
use super::case::Case;
use super::claim::{Claim, Statement};
use super::error::JudgeError;
use super::{Judgement, Verdict, Witness, evidence};
use crate::gauge::Condition;

/// A judgement and the counterexample behind it, if there is one.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    /// The counterexample, to be stored under the judgement's witness name.
    pub witness: Option<Witness>,
    /// Of what is described (whether it is claimed or denied): it holds under any one of these
    /// sets of conditions.
    pub alternatives: Vec<Vec<Condition>>,
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
        return Ok(Draft::unknown(none.in_words(setting)));
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
