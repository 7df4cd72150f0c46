//! Graphs as text.

mod text;

pub use text::{formula, to_text, unary_name};
