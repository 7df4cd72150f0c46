//! From a seed and a number to a case: what a property is asked about.
//!
//! A [`Menu`] says what a property draws from, [`Genes`] are the numbers that proptest draws and
//! shrinks, and [`Menu::subject`] makes a run of them. Every number chooses from a list whose
//! first entry is the simplest, so that what is shrunk stays on the menu.

mod genes;
mod menu;
mod recipe;
mod values;

pub use genes::NotDrawn;
pub(super) use genes::{Genes, genes};
pub(crate) use menu::{Factors, Fit, Menu};
pub(super) use menu::{has_ranks, splits};
