//! Tests of the room on steps that are built by hand.

mod constraints;
mod derivations;
mod examples;
mod explain;
mod maps;
mod mutations;
mod rules;
mod semantics;

use super::{Certificate, CheckError, Weight};
use crate::arith::{Ratio, parse_ratio};
use crate::graph::StepGraph;

/// Whether the certificate answers its own question.
pub(super) fn check(step: &StepGraph, certificate: &Certificate) -> Result<(), CheckError> {
    super::check(step, &certificate.question, certificate)
}

pub(super) fn q(text: &str) -> Ratio {
    parse_ratio(text).unwrap()
}

/// A weight as a list of texts.
pub(super) fn w(texts: &[&str]) -> Weight {
    texts.iter().map(|t| q(t)).collect()
}
