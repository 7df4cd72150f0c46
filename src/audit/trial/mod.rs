//! Looking for false verdicts: claims are drawn, judged, and tried by brute force on tiny runs.
//!
//! `property` says what is drawn; `claims` and `statements` make a claim of a test case, with its
//! text (`drawn`, `setting`, `moves`, `formulas`; only `rule` may ask `gauge` for what is right). `truth` and `grid` know neither the judges nor
//! `gauge`: they draw runs (`runs`) that satisfy what the claim assumes, form the other run
//! themselves and compare the two (`compare`). What is tried is the verdict on the claim as it
//! stands and, of a denied one, the table of denials.

mod claims;
mod compare;
mod dice;
mod drawn;
mod formulas;
mod grid;
mod moves;
mod property;
mod rule;
mod runs;
mod setting;
mod statements;
mod truth;
mod witnessed;

use std::panic::{AssertUnwindSafe, catch_unwind};

use drawn::Drawn;
pub use property::VERDICTS_AGREE;
use truth::Tried;

use super::{Judged, Kind, Verdict, judge, parse_claim};
use crate::search::TestCase;
use crate::zoo::RecipeError;

/// The outcome of one drawn claim.
enum Outcome {
    /// Nothing speaks against the verdict.
    Passed,
    /// Something does; with the claim on one line.
    Failed(String),
    /// It cannot be told, or the verdict is `unknown`.
    Undecided(String),
}

/// One drawn claim and what came of it.
struct Trial {
    kind: Kind,
    /// The verdict on it; `None` where it is no claim.
    verdict: Option<Verdict>,
    outcome: Outcome,
}

/// Judges and tries the claim that a test case stands for.
fn trial(test_case: &TestCase) -> Result<Trial, RecipeError> {
    let drawn = claims::claim_of(test_case)?;
    let (verdict, outcome) = outcome(&drawn);
    Ok(Trial {
        kind: drawn.statement.kind(),
        verdict,
        outcome,
    })
}

fn outcome(drawn: &Drawn) -> (Option<Verdict>, Outcome) {
    let failed = |how: String| Outcome::Failed(format!("{how} [{}]", drawn.on_one_line()));
    let judged = judged(drawn);
    if let Some((name, _)) = &drawn.foreign {
        return match judged {
            Err(Refusal::Claim(_)) => (None, Outcome::Passed),
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
        // A denied list of powers is read as "no powers do", which is more than that these do not.
        let is_list = matches!(drawn.statement, drawn::Statement::Survey { .. });
        let both = [own, verdict] == [Verdict::Refuted; 2];
        if verdict != expected && !(is_list && both) {
            return (
                Some(verdict),
                failed(format!("{own} as it stands and {verdict} denied")),
            );
        }
    }
    let outcome = match truth::tried(&positive, &plain) {
        Tried::Fine => Outcome::Passed,
        Tried::Wrong(how) => failed(format!("{}: {how}", plain.judgement.verdict)),
        Tried::Open(why) => Outcome::Undecided(why),
    };
    (Some(verdict), outcome)
}

/// The reason for which there is no judgement.
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
