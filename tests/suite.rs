//! The everyday tests in one program, a module for each subject: one link step instead of twenty.
//! `cargo test --test suite bounds` runs the module `bounds`.

mod common;

mod all_shapes;
mod bounds;
mod claims;
mod cli;
mod derived_rules;
mod drift;
mod equivalence;
mod findings;
mod golden;
mod golden_models;
mod hunt;
mod initialisation;
mod intervals;
mod itf1788;
mod kinds;
mod layering;
mod mixed_precision;
mod mutations;
mod open;
mod optimizers;
mod paper_optimizers;
mod proofs;
mod readme;
mod rotations;
mod rules_hold;
mod soundness;
mod step_order;
mod surroundings;
mod verdicts;
