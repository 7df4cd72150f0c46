//! Faults that a test build plants, to see whether the search finds them.
//!
//! With the feature `planted-faults` one of [`Fault::ALL`] can be planted at a time; without it
//! [`planted`] is `false` at compile time and nothing is left of any of them. This room knows no
//! other one, and what a fault does stands where it does it.

macro_rules! faults {
    ($($name:ident $what:literal,)*) => {
        /// Something that is done wrong on purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = $what] $name,)*
        }

        impl Fault {
            /// All faults.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What is wrong.
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)*
                }
            }
        }
    };
}

faults! {
    IntervalSumInward "the lower end of an interval sum is rounded up",
    IntervalProductInward "the ends of an interval product are rounded inward",
    IntervalQuotientInward "the ends of an interval quotient are rounded inward",
    IntervalRootInward "the ends of an interval root are rounded inward",
    SquareAcrossZero "the square of an interval across 0 begins at the square of its lower end",
    SignOfZeroIsOne "the sign of 0 is 1 in binary formats",
    BfloatTruncates "bf16 rounds toward 0",
    SubnormalsFlushed "f16 has no subnormal numbers",
    OneBitShort "mp:BITS computes with a bit less",
    SurdLosesSign "a product of exact constants loses its sign",
    SquareLacksTwo "the gradient of a product takes one factor only",
    QuotientGradientSign "the gradient of a divisor has the wrong sign",
    OtherBranch "the gradient of a select passes to the branch not taken",
    SquareNotTransposed "a square matrix is not transposed",
    SumSkipsLast "a sum leaves its last entry out",
    ProductSkipsLast "a matrix product leaves its last inner index out",
    StaleState "the last state keeps its old value in binary formats",
    ReadAfterWrite "states are written before they are read in binary formats",
    StepNumberOff "steps are counted from 0 in binary formats",
    EpsWeightOff "the weight of eps is off by one",
    LrWeightNegated "the weight of a learning rate is negated",
    WeightDecayForgotten "weight decay keeps its value",
    MomentWeightOff "the weight of a state is off by one",
    ScalingWeightOff "the weight of s is off by one",
    RootNotHalved "a root weighs as much as its operand",
    SumUnconstrained "the terms of a sum need not weigh the same",
    ComparisonUnconstrained "the sides of a comparison need not weigh the same",
    InitialValueKept "the first value of the last tensor is not rescaled",
    FactorThroughF64 "factors are rounded to f64 before they are used",
    UnitRoundoffHalved "the unit roundoff is half of what it is",
    UnderflowForgotten "an enclosure knows no underflow",
    QuotientErrorForgotten "a quotient rounds without an error",
    ProductErrorForgotten "a product rounds without an error",
    SumErrorForgotten "the sums of a matrix product round without an error",
    LastingErrorsForgotten "errors made once for all steps do not count",
    FirstRoundingForgotten "the rounding of the first values does not count",
    RightRunForgotten "the errors of the rescaled run do not count",
    ExactRangeTooWide "the bit-exact range reaches one exponent too far",
    OrderKeptFixed "what never changes is taken to be summed in the same order at every step",
    OrderFixedOnward "what is computed from a sum that never changes keeps its rounding",
    FusedOrderForgotten "a sum of two products is taken to be rounded in one way only",
    PointTakenAsExact "a result that is one number is taken to be one of the format",
    UnknownSlopeIsZero "a slope that is not read off values counts as 0",
    LambdaForOneTime "the likely bound counts the entries of one time only",
    SignsForgotten "a map changes no signs where it is decided",
    MapsComposedByName "the two sides of a claim are divided name by name",
    NegateDropped "the signs that a claim changes are not read",
    ClaimFieldDropped "a variant forgets the setting of its claim",
    DenialAccepted "what holds under conditions is accepted as denied, too",
    TiesForgotten "a setting that is one number counts once for each tensor",
    StartForgotten "a map is decided as if runs always started where training does",
    ConditionsNotReduced "conditions are not dropped that a map can do without",
    LaterVariantsForgotten "a survey is decided by its first variant",
    RepeatedSumsTakenApart "a normal form multiplies sums out over which something is repeated",
    FollowersCounted "settings that follow others count as effective",
}

/// The faults of claims: the property of verdicts looks for them, and the other ones for the rest.
pub const OF_CLAIMS: &[Fault] = &[
    Fault::SignsForgotten,
    Fault::MapsComposedByName,
    Fault::NegateDropped,
    Fault::ClaimFieldDropped,
    Fault::DenialAccepted,
    Fault::TiesForgotten,
    Fault::StartForgotten,
    Fault::ConditionsNotReduced,
    Fault::LaterVariantsForgotten,
    Fault::RepeatedSumsTakenApart,
    Fault::FollowersCounted,
];

impl Fault {
    /// Its name: `SumSkipsLast` is `sum-skips-last`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    }
}

#[cfg(feature = "planted-faults")]
mod plant {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::fault::Fault;

    const NONE: usize = usize::MAX;
    static PLANTED: AtomicUsize = AtomicUsize::new(NONE);

    /// Plants `fault` in place of the one before, in the whole process.
    pub fn plant(fault: Option<Fault>) {
        PLANTED.store(fault.map_or(NONE, |f| f as usize), Ordering::SeqCst);
    }

    /// Whether this fault is planted.
    #[inline]
    pub fn planted(fault: Fault) -> bool {
        PLANTED.load(Ordering::Relaxed) == fault as usize
    }
}

#[cfg(feature = "planted-faults")]
pub use plant::{plant, planted};

/// Whether this fault is planted: never, in this build.
#[cfg(not(feature = "planted-faults"))]
#[inline(always)]
pub const fn planted(_: Fault) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_differ() {
        assert_eq!(Fault::SumSkipsLast.name(), "sum-skips-last");
        assert_eq!(Fault::FactorThroughF64.name(), "factor-through-f64");
        let names: std::collections::BTreeSet<String> =
            Fault::ALL.iter().map(|f| f.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
