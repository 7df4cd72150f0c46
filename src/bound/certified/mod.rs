//! Certified bounds of the drift of two runs.
//!
//! The way there: the exact run is enclosed at high precision (`reference`); all admissible runs
//! lie in a box about it, the reachable tube (`tube`, `zonotope`), whose radii come from the
//! sensitivities of every node (`snapshot`, `slope`, `adjoint`); from a result the same sensitivities lead
//! back to every elementary error (`backward`), which gives the bounds, and to the run in which
//! all of them hurt (`adversary`). `enclosure` encloses every operation by itself instead.
//! `pair_bounds` puts two runs side by side.
//!
//! # What is assumed
//! Every operation rounds to nearest, ties to even, with gradual underflow, as IEEE 754 asks; `mp`
//! has no range that could be left. A bound *in any order of summation* holds for every order and
//! every tree of the additions of a sum or a matrix product, with products fused into them or not,
//! and for another such choice at every step and in each of the two runs (`renewed`). It does not
//! hold for hardware or libraries that do otherwise: that flush subnormal numbers to zero
//! (processors with the modes FTZ and DAZ on, which `torch.set_flush_denormal` sets; CUDA code
//! compiled with `-ftz=true`; the bfloat16 products of x86, which oneDNN and so PyTorch take, and
//! which neither read nor return subnormal numbers), that take shorter formats inside a product
//! (TF32, reductions in half precision), that round otherwise than to nearest, or that compute
//! quotients and roots approximately. Where nothing is subnormal, flushing changes nothing.

mod adjoint;
mod adversary;
mod backward;
mod contribution;
mod enclosure;
mod error;
mod intervals;
mod layout;
mod pair_bounds;
mod probabilistic;
mod radius;
mod reference;
mod renewed;
mod rounding_up;
mod slope;
mod snapshot;
#[cfg(test)]
mod tests;
mod tube;
mod zonotope;

pub use error::BoundError;
pub use pair_bounds::{EntryBound, Gap, PairBounds, pair_bounds, pair_bounds_where};
pub use probabilistic::FAILURE_PROBABILITY;
pub use tube::MAX_CARRIED;
