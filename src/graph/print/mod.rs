//! Graphs for people to read.
//!
//! [`to_text`] lists every node, which is the form in which a certificate can be checked by
//! hand. [`definitions`] picks the quantities worth showing and writes each as an equation over
//! the others, as text, LaTeX and MathML: one walk of the graph with three notations.
//!
//! Nothing here computes, and nothing here simplifies beyond what leaves every number the same
//! in every arithmetic (`x + x` is printed as `2 x`, `x + (−y)` as `x − y`, a scalar factor
//! first, `(X Y)ᵀ` as `Yᵀ Xᵀ`).

mod definitions;
mod latex;
mod mathml;
mod plain;
mod symbol;
#[cfg(test)]
mod tests;
mod text;
mod walk;

pub use definitions::{Definition, definitions};
pub use latex::{LatexOptions, latex};
pub use mathml::mathml;
pub use text::{formula, operand, place, to_text, written};
