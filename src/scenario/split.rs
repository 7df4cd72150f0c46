//! The split of k between the two factors of a LoRA pair.

use serde::{Deserialize, Serialize};

use crate::arith::Ratio;
use crate::zoo::Model;

/// How k is shared between the factors A (by p) and B (by q) of each pair, with k = 1/(p·q).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// p = q = 1/√k.
    #[default]
    Sqrt,
    /// p = 1, q = 1/k: only B is changed.
    B,
    /// p = 1/k, q = 1: only A is changed.
    A,
}

impl Split {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqrt => "sqrt",
            Self::B => "b",
            Self::A => "a",
        }
    }

    /// The smallest n > 0 for which p and q are powers of two at k = 2ⁿ.
    pub fn root(self) -> i64 {
        match self {
            Self::Sqrt => 2,
            Self::B | Self::A => 1,
        }
    }

    /// The powers of k that p and q are.
    fn powers(self) -> [Ratio; 2] {
        let q = |n: i64, d: i64| Ratio::new(n.into(), d.into());
        match self {
            Self::Sqrt => [q(-1, 2), q(-1, 2)],
            Self::B => [q(0, 1), q(-1, 1)],
            Self::A => [q(-1, 1), q(0, 1)],
        }
    }

    /// The power of k by which `tensor` is multiplied; none for a tensor that belongs to no pair
    /// of `model`, of which a split says nothing.
    pub fn power(self, model: &Model, tensor: &str) -> Option<Ratio> {
        let [p, q] = self.powers();
        if model.pairs.iter().any(|pair| pair.a == tensor) {
            return Some(p);
        }
        model.pairs.iter().any(|pair| pair.b == tensor).then_some(q)
    }
}
