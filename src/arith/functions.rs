//! The transcendental functions a step may take.

/// A transcendental function of one variable.
///
/// In machine floats these come from the portable `libm` crate (faithful, not correctly
/// rounded); in `mp:BITS` from MPFR (correctly rounded). They are the one place where `mp:53`
/// and `f64` may differ by a rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// The exponential function.
    Exp,
    /// The natural logarithm.
    Ln,
    /// x ↦ cos(π x), of schedules; without a rounded π in the graph.
    CosPi,
    /// The hyperbolic tangent.
    Tanh,
    /// Φ(x), the distribution function of the standard normal distribution: GELU is x·Φ(x).
    NormalCdf,
    /// φ(x) = Φ′(x) = exp(−x²/2)/√(2π).
    NormalDensity,
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 6] = [
        Self::Exp,
        Self::Ln,
        Self::CosPi,
        Self::Tanh,
        Self::NormalCdf,
        Self::NormalDensity,
    ];

    /// The name used in printed graphs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Ln => "ln",
            Self::CosPi => "cos_pi",
            Self::Tanh => "tanh",
            Self::NormalCdf => "normal_cdf",
            Self::NormalDensity => "normal_density",
        }
    }
}
