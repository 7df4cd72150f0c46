//! The symmetry of a training step: how every quantity must be rescaled when some are.
//!
//! A quantity `x` has *weight* `(i, j)` when the rescaled run has `x' = pⁱ·qʲ·x`. Every node of
//! the step graph gets an unknown weight; every operation ties its result's weight to its
//! operands'. The ties are linear, so [`infer`] solves them exactly: the solutions are the
//! scaling rules that the step obeys for every size, input and number of steps. The same
//! equations over the field with two elements give the sign flips ([`sign_flips`]).
//! [`decide`] asks whether one given map is such a rule, or under which conditions; [`conflicts`] explains in words
//! why there is none; [`invariants`] lists what no rule can change.
//!
//! Soundness does not rest on the solver: a solution becomes a [`Certificate`], and [`check`]
//! verifies node by node that it answers the [`Question`] that was asked, sharing no code with the
//! inference.
//!
//! This room reads exact rationals from `arith` and graphs from `graph`. It never imports
//! `exec`, `search`, `audit`, `report` or `cli`. It does not run a step, knows no optimizer by
//! name, and treats a transcendental function or an opaque loss as a wall: what goes in must
//! have weight 0. It looks for scalings (and signs) of whole tensors, not of single rows. Of the
//! mixings of ranks it says by which of three groups ([`rotations`]): a pass of its own, which is no
//! part of a certificate.

mod certificate;
mod checker;
mod conflict;
mod constrain;
mod decide;
mod derivation;
mod direction;
mod field;
mod group_action;
mod infer;
mod invariant;
mod irreducible;
mod lattice;
mod linear;
mod name;
mod question;
mod rotation;
mod rule;
mod sign;
mod tie;
mod words;
mod zero;

#[cfg(test)]
mod tests;

pub use certificate::{Certificate, CertifiedLeaf, CertifiedNode, CertifiedUpdate};
pub use checker::{CheckError, check};
pub use conflict::{Conflicts, ConstantConflict, Constraint, conflicts};
pub use decide::{
    Alternative, Condition, DecideError, MapDecision, MapProof, MapQuestion, Proof, complete,
    decide,
};
pub use derivation::{Derivation, derive};
pub use direction::{Direction, DirectionKind, Quotient, directions};
pub use group_action::Mixing;
pub use infer::{Inference, infer};
pub use invariant::{Invariant, invariants};
pub use question::{MapClaim, Question, Symmetry};
pub use rotation::{Rotations, rotations};
pub use rule::{Generator, Options, Rule, Tied, Weight, weights_in_sqrt_k};
pub use sign::{SignFlip, SignFlips, sign_flips};
pub use tie::TieConflict;
pub use words::{show_decimal, show_weight};
pub use zero::vanishing_states;
