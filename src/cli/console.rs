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
        let text = printable(text, OWN);
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
        say_under(WARNING, "warning:", text);
    }

    /// Why the command could not do its work, on stderr.
    pub fn error(&self, failure: &Failure) {
        say_under(ERROR, "error:", failure.message());
        if let Some(advice) = failure.advice() {
            say_under(HELP, "help:", advice);
        }
    }
}

fn say(text: &str) {
    write_error(&printable(text, &[]));
}

fn say_under(style: Style, head: &str, text: &str) {
    write_error(&format!("{style}{head}{style:#} {}", printable(text, &[])));
}

fn write_error(text: &str) {
    // There is nowhere left to report that stderr is closed.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// What steers the terminal on our own behalf: bold and plain, and the colours of verdicts in the
/// tables of `report`.
const OWN: &[&str] = &[
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[39m",
    "\u{1b}[38;5;9m",
    "\u{1b}[38;5;10m",
    "\u{1b}[38;5;11m",
    "\u{1b}[38;5;14m",
];

/// The text without anything by which a file could steer the terminal: control characters other
/// than a line's end, and those that change the direction of writing, stand there as `\u{1b}`.
/// Only what is in `own` is left as it is.
fn printable(text: &str, own: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let styled = own.iter().find(|own| rest.starts_with(**own));
        let length = match styled {
            Some(styled) => {
                out += styled;
                styled.len()
            }
            None => {
                match c != '\n' && steers(c) {
                    true => out.extend(c.escape_unicode()),
                    false => out.push(c),
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    out
}

/// The text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| match steers(c) {
            true => c.escape_unicode().collect::<Vec<char>>(),
            false => vec![c],
        })
        .collect()
}

/// Whether a terminal obeys the character rather than showing it.
fn steers(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal_but_our_own_styles() {
        let wild = "\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}\u{202e}\r\n\u{1b}[31m";
        let tame = "\\u{1b}]0;x\\u{7}\\u{1b}[2J\\u{9b}\\u{202e}\\u{d}\n\\u{1b}[31m";
        assert_eq!(printable(wild, OWN), tame);
        assert_eq!(one_line("a\nb\u{1b}"), "a\\u{a}b\\u{1b}");
        let own = format!("{STRONG}α{STRONG:#}\n");
        assert_eq!(printable(&own, OWN), own);
        assert!(!printable(&own, &[]).contains('\u{1b}'));
    }
}
