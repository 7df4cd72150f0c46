//! Claims as data, and what became of them.
//!
//! A [`Claim`] (TOML) says what is claimed in terms that the engine can judge by itself; one
//! judge for each kind of claim gathers evidence and reaches a verdict; [`Judgement`] is the
//! plain result that `report` renders. No verdict rests on a tolerance.
//!
//! This room imports every room below it and neither reads files nor prints. The built-in
//! claims and the record of compiled theorems are part of the program.

mod builtin;
mod claim;
mod evidence;
mod judgement;
mod judges;
mod theorem;
mod trial;

pub use builtin::builtin;
pub use claim::{Claim, ClaimError, Kind, parse_claim};
pub use judgement::{
    Audit, Derivation, DerivationLine, Evidence, Figure, Judgement, NotJudged, Rung, Series,
    Summary, Table, Theorem, Verdict,
};
pub use judges::{JudgeError, Judged, judge};
pub use theorem::{TheoremError, theorem};
pub use trial::{Trial, TrialOutcome, trial};
