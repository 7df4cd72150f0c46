//! The training step as data.
//!
//! A [`Graph`] is a list of matrix operations in which every operand stands before its user.
//! Shapes are products of named dimensions, checked when a node is built, so that what is said
//! of a graph holds for every size. [`Builder`] gives handles with operators; [`gradient`]
//! differentiates by the reverse mode, as a transformation from graph to graph; [`StepGraph`]
//! adds what makes a graph a step: which node is the next value of which parameter or state.
//!
//! This room knows exact constants and nothing else of `arith`. It does not know how to run a
//! graph, what an optimizer is, or what a weight is, and it has no loops that depend on data: a
//! step is a finite expression.

mod builder;
mod degree;
mod dim;
mod gradient;
mod node;
mod normal;
mod op;
mod parse;
pub mod print;
mod sensitivity;
mod step;

pub use builder::{Builder, Expr};
pub use degree::{degree, longest_product};
pub use dim::{Dim, Shape};
pub use gradient::gradient;
pub use node::{Graph, GraphError, Leaf, LeafKind, Node, NodeId};
pub use normal::{NormalForm, normal_form};
pub use op::{Binary, Comparison, Op, Unary};
pub use parse::{Names, Value, parse_formula, parse_formula_over};
pub use sensitivity::Sensitivity;
pub use step::{Output, ParameterUpdate, StateUpdate, StepBuilder, StepGraph};
