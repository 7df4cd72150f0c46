//! Tests of the room on steps that are built by hand.

mod constraints;
mod derivations;
mod examples;
mod explain;
mod maps;
mod mutations;
mod rules;
mod semantics;

use super::Weight;
use crate::arith::{Ratio, parse_ratio};

pub(super) fn q(text: &str) -> Ratio {
    parse_ratio(text).unwrap()
}

/// A weight as a list of texts.
pub(super) fn w(texts: &[&str]) -> Weight {
    texts.iter().map(|t| q(t)).collect()
}
