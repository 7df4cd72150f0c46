//! A scalar setting of an optimizer.

/// A scalar setting of an optimizer, one for each trained tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hyperparameter {
    /// PyTorch's name, for instance `lr`; of a list the name of one entry: `beta1` of `betas`. Where
    /// that name stands for something else as well, the distinct one: `optimizer.alpha`, since
    /// `alpha` is LoRA's.
    pub name: &'static str,
    /// PyTorch's default, as an exact decimal.
    pub default: &'static str,
    /// True where 0 is admissible and switches a term off.
    pub may_be_zero: bool,
    /// The values that make sense besides.
    pub range: Range,
}

/// The values of a setting that make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Positive numbers.
    Positive,
    /// Numbers between 0 and 1, as the share of a mean that is kept.
    Fraction,
    /// Numbers above 1.
    AboveOne,
    /// Any number.
    Real,
}

/// The prefix of the name of an optimizer's setting that is the name of something else.
const OWN: &str = "optimizer.";

impl Hyperparameter {
    /// PyTorch's name: `alpha` of `optimizer.alpha`.
    pub fn pytorch_name(&self) -> &'static str {
        self.name.strip_prefix(OWN).unwrap_or(self.name)
    }

    const fn new(name: &'static str, default: &'static str, range: Range, zero: bool) -> Self {
        Self {
            name,
            default,
            may_be_zero: zero,
            range,
        }
    }

    /// A positive number.
    pub const fn positive(name: &'static str, default: &'static str) -> Self {
        Self::new(name, default, Range::Positive, false)
    }

    /// A positive number, or 0, which switches its term off.
    pub const fn optional(name: &'static str, default: &'static str) -> Self {
        Self::new(name, default, Range::Positive, true)
    }

    /// A number strictly between 0 and 1.
    pub const fn fraction(name: &'static str, default: &'static str) -> Self {
        Self::new(name, default, Range::Fraction, false)
    }

    /// A number between 0 and 1, or 0, which switches its term off.
    pub const fn optional_fraction(name: &'static str, default: &'static str) -> Self {
        Self::new(name, default, Range::Fraction, true)
    }

    /// A number above 1.
    pub const fn above_one(name: &'static str, default: &'static str) -> Self {
        Self::new(name, default, Range::AboveOne, false)
    }

    /// A number above 1, or 0, which switches its term off.
    pub const fn optional_above_one(name: &'static str, default: &'static str) -> Self {
        Self::new(name, default, Range::AboveOne, true)
    }

    /// Any number.
    pub const fn real(name: &'static str, default: &'static str) -> Self {
        Self::new(name, default, Range::Real, false)
    }
}
