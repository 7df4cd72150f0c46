//! Looking for false verdicts: claims are drawn, judged, and tried by brute force on tiny runs.
//!
//! `claims` makes a claim of a subject, with its text (`drawn`, `setting`, `moves`, `formulas`;
//! only `rule` may ask `gauge` for what is right). `truth` and `grid` know neither the judges nor
//! `gauge`: they draw runs (`runs`) that satisfy what the claim assumes, form the other run
//! themselves and compare the two (`compare`). What is tried is the verdict on the claim as it
//! stands and, of a denied one, the table of denials.

mod claims;
mod compare;
mod dice;
mod draw;
mod drawn;
mod formulas;
mod grid;
mod moves;
mod rule;
mod runs;
mod setting;
mod truth;

use std::panic::{AssertUnwindSafe, catch_unwind};

use drawn::Drawn;
use truth::Tried;

use super::{Judged, Verdict, judge, parse_claim};
use crate::search::Subject;

/// What came of one drawn claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialOutcome {
    /// Nothing speaks against the verdict.
    Passed,
    /// Something does; with the claim on one line.
    Failed(String),
    /// It cannot be told, or the verdict is `unknown`.
    Undecided(String),
}

/// One drawn claim and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The kind of claim.
    pub kind: &'static str,
    /// The verdict on it; `None` where it is none, or could not be judged.
    pub verdict: Option<Verdict>,
    /// What came of it.
    pub outcome: TrialOutcome,
    /// The claim's file.
    pub claim: String,
    /// How many microseconds the judges took, and how many the runs.
    pub micros: (u128, u128),
}

/// Draws, judges and tries one claim.
pub fn trial(seed: u64, case: u64) -> Trial {
    match draw::subject(seed, case) {
        Ok(subject) => trial_of(&subject),
        Err(error) => nothing(format!("the case cannot be drawn: {error}")),
    }
}

fn nothing(why: String) -> Trial {
    Trial {
        kind: "none",
        verdict: None,
        outcome: TrialOutcome::Undecided(why),
        claim: String::new(),
        micros: (0, 0),
    }
}

/// Judges and tries the claim that a subject stands for.
pub(crate) fn trial_of(subject: &Subject) -> Trial {
    let drawn = match claims::claim_of(subject) {
        Ok(drawn) => drawn,
        Err(error) => return nothing(format!("the case cannot be drawn: {error}")),
    };
    let kind = drawn.statement.kind().name();
    let mut micros = (0, 0);
    let (verdict, outcome) = outcome(&drawn, &mut micros);
    Trial {
        kind,
        verdict,
        outcome,
        claim: drawn.text(),
        micros,
    }
}

fn outcome(drawn: &Drawn, micros: &mut (u128, u128)) -> (Option<Verdict>, TrialOutcome) {
    let failed = |how: String| TrialOutcome::Failed(format!("{how} [{}]", drawn.on_one_line()));
    let clock = std::time::Instant::now();
    let judged = judged(drawn);
    micros.0 = clock.elapsed().as_micros();
    if let Some((name, _)) = &drawn.foreign {
        return match judged {
            Err(Refusal::Claim(_)) => (None, TrialOutcome::Passed),
            Err(other) => (None, failed(format!("{other}"))),
            Ok(_) => (
                None,
                failed(format!("`{name}` says nothing here, and is accepted")),
            ),
        };
    }
    let judged = match judged {
        Ok(judged) => judged,
        Err(refusal) => return (None, failed(format!("{refusal}"))),
    };
    let verdict = judged.judgement.verdict;
    let mut plain = judged.clone();
    let mut positive = drawn.clone();
    if drawn.contrary {
        positive = drawn.denied();
        plain = match self::judged(&positive) {
            Ok(plain) => plain,
            Err(refusal) => return (Some(verdict), failed(format!("not denied: {refusal}"))),
        };
        let own = plain.judgement.verdict;
        let expected = match own {
            Verdict::Proved => Verdict::Refuted,
            Verdict::Refuted => Verdict::Proved,
            // What holds under conditions does hold, and so its denial does not.
            Verdict::ProvedIf => Verdict::Refuted,
            Verdict::Unknown => Verdict::Unknown,
        };
        if verdict != expected {
            return (
                Some(verdict),
                failed(format!("{own} as it stands and {verdict} denied")),
            );
        }
    }
    let clock = std::time::Instant::now();
    let tried = truth::tried(&positive, &plain);
    micros.1 = clock.elapsed().as_micros();
    let outcome = match tried {
        Tried::Fine => TrialOutcome::Passed,
        Tried::Wrong(how) => failed(format!("{}: {how}", plain.judgement.verdict)),
        Tried::Open(why) => TrialOutcome::Undecided(why),
    };
    (Some(verdict), outcome)
}

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("it is no claim: {0}")]
    Claim(String),
    #[error("the judge gives up with a panic")]
    Panic,
}

fn judged(drawn: &Drawn) -> Result<Judged, Refusal> {
    let text = drawn.text();
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let claim = parse_claim("drawn.toml", &text).map_err(|e| Refusal::Claim(e.to_string()))?;
        Ok(judge(&claim))
    }));
    judged.unwrap_or(Err(Refusal::Panic))
}
