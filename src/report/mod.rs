//! Plain results as JSON, Markdown, HTML and terminal tables.
//!
//! The HTML report is one file that needs nothing else: style, figures and formulas are inside,
//! it loads nothing from the network and runs no script. What stands in a result may come from
//! a user's file, so every text is escaped for where it goes.
//!
//! HTML and terminal tables need the feature `cli`. This room imports the plain results of `audit` and `bound` and nothing else of the crate. It does not judge,
//! does not compute any figure of its own, and neither reads nor writes files: every function
//! returns a string, the same bytes for the same result.

#[cfg(feature = "cli")]
mod html;
mod json;
mod markdown;
#[cfg(feature = "cli")]
mod mathml;
pub mod precision;
#[cfg(feature = "cli")]
mod svg;
#[cfg(feature = "cli")]
pub mod terminal;
#[cfg(feature = "cli")]
mod view;
mod words;

#[cfg(test)]
mod sample;

#[cfg(feature = "cli")]
pub use html::html;
pub use json::json;
pub use markdown::markdown;

/// The reason for which a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A template that is built into the crate is wrong, which is a defect of this room.
    #[cfg(feature = "cli")]
    #[error("the report's template fails: {0}")]
    Template(#[from] minijinja::Error),
    /// A result cannot be written as JSON.
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}
