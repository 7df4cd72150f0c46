//! A precision study as JSON, Markdown, one HTML page and a terminal table.

mod figures;
mod html;
mod json;
mod markdown;
mod terminal;
mod words;

pub use html::html;
pub use json::json;
pub use markdown::markdown;
pub use terminal::terminal;

#[cfg(test)]
mod tests;
