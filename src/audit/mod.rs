//! Claims as data, and what became of them.
//!
//! A [`Claim`] (TOML) is a setting and a statement, in terms that the engine can judge by itself.
//! One judge for each kind of statement asks the one decision of `gauge`, tries it on exact runs
//! and reaches a verdict; [`Judgement`] is the plain result that `report` renders, and a [`Witness`]
//! a counterexample that replays by itself. No verdict rests on a tolerance.
//!
//! This room imports every room below it and neither reads files nor prints. The built-in
//! claims and the record of compiled theorems are part of the program.

mod builtin;
mod case;
mod claim;
mod counter;
mod error;
mod evidence;
mod judge;
mod judgement;
mod tangent;
mod theorem;
mod trial;
mod watch;
mod witness;
mod words;

pub use builtin::builtin;
pub use claim::{Claim, ClaimError, FieldError, Kind, parse_claim};
pub use error::JudgeError;
pub use judge::{Judged, judge};
pub use judgement::{
    Audit, Derivation, DerivationLine, Evidence, Figure, Judgement, NotJudged, PrintedDefinition,
    Rung, Series, Summary, Table, Theorem, Verdict,
};
pub use theorem::{TheoremError, theorem};
pub use trial::VERDICTS_AGREE;
pub use witness::{WITNESS_SCHEMA, Witness, WitnessError};
