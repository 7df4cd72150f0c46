//! Where results and remarks go, with colour where it is wanted.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::table::WIDTH;
use super::{Color, Failure};

/// Below this a table cannot be read, above it nobody has a terminal.
const NARROWEST: usize = 60;
const WIDEST: usize = 300;

/// Headings and names that a reader looks for.
pub(super) const STRONG: Style = Style::new().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default();

/// The two streams of a command.
#[derive(Debug)]
pub(super) struct Console {
    quiet: bool,
}

impl Console {
    /// Sets the colours of both streams for the whole process.
    pub fn new(quiet: bool, color: Color) -> Self {
        match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        Self { quiet }
    }

    /// A result, on stdout.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            // Whoever reads has seen enough, as in `lora-gauge audit | head`.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(e) => Err(Failure::new(format!("cannot write to stdout: {e}"))),
            Ok(()) => Ok(()),
        }
    }

    /// How many columns tables may take: `COLUMNS` where it is set, within reason.
    pub fn width(&self) -> usize {
        let columns = std::env::var("COLUMNS").ok();
        let columns = columns.and_then(|text| text.trim().parse::<usize>().ok());
        columns.map_or(WIDTH, |n| n.clamp(NARROWEST, WIDEST))
    }

    /// A result as JSON, on stdout.
    pub fn print_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|e| Failure::new(format!("the result has no JSON form: {e}")))?;
        text.push('\n');
        self.print(&text)
    }

    /// Whether somebody looks at stderr who wants to see how far things are.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// A remark, on stderr; nothing with `--quiet`.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Something that the reader must not miss, on stderr, even with `--quiet`.
    pub fn warn(&self, text: &str) {
        say(&format!("{WARNING}warning:{WARNING:#} {text}"));
    }

    /// Why the command could not do its work, on stderr.
    pub fn error(&self, failure: &Failure) {
        say(&format!("{ERROR}error:{ERROR:#} {}", failure.message()));
        if let Some(advice) = failure.advice() {
            say(&format!("{HELP}help:{HELP:#} {advice}"));
        }
    }
}

fn say(text: &str) {
    // There is nowhere left to report that stderr is closed.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
