//! Claims as data, and what became of them.
//!
//! A claim (TOML) says what is claimed in terms that the engine can judge by itself; a judge for
//! each kind of claim gathers evidence and reaches a verdict; [`Judgement`] is the plain result
//! that `report` renders. No verdict rests on a tolerance.
//!
//! This room imports every room below it and neither reads files nor prints.

mod judgement;

pub use judgement::{
    Audit, Derivation, DerivationLine, Evidence, Figure, Judgement, Rung, Series, Summary, Table,
    Theorem, Verdict,
};
