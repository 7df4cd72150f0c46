//! Verifies, symbolically and numerically, what LoRA's alpha does.
//!
//! The training step is written once, as a graph of matrix operations ([`graph`], [`zoo`]). It is
//! run in an arithmetic ([`exec`], [`arith`]), and its scaling rule is derived from it
//! ([`gauge`]). A [`scenario`] is a run as data; [`bound`] says what rounding does, [`search`] looks for counterexamples, [`audit`]
//! judges claims, [`report`] shows the verdicts and `cli`, a feature, is the command line.
//!
//! The README has an example; ARCHITECTURE.md describes each module and what it never imports.

// Tests may; `cli`, which alone prints, says so.
#![cfg_attr(
    not(test),
    warn(
        clippy::dbg_macro,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod arith;
pub mod audit;
pub mod bound;
#[cfg(feature = "cli")]
pub mod cli;
pub mod exec;
#[cfg(feature = "planted-faults")]
pub mod fault;
#[cfg(not(feature = "planted-faults"))]
#[allow(dead_code)]
mod fault;
pub mod gauge;
pub mod graph;
pub mod report;
pub mod scenario;
pub mod search;
pub mod zoo;

/// The example in the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
