//! Verifies, symbolically and numerically, what LoRA's alpha does.

pub mod arith;
pub mod audit;
pub mod cli;
pub mod exec;
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
