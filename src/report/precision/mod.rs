//! A precision study as JSON, Markdown, one HTML page and a terminal table.

#[cfg(feature = "cli")]
mod figures;
#[cfg(feature = "cli")]
mod html;
mod json;
mod markdown;
#[cfg(feature = "cli")]
mod terminal;
mod words;

#[cfg(feature = "cli")]
pub use html::html;
pub use json::json;
pub use markdown::markdown;
#[cfg(feature = "cli")]
pub use terminal::terminal;

#[cfg(all(test, feature = "cli"))]
mod tests;
