//! The command line: one file for each verb.
//!
//! A verb reads its arguments and files, calls the rooms below, prints, and says how it ended
//! (`Status`). Results go to stdout, progress and remarks to stderr.
//!
//! This is the only room that prints, reads or writes files, looks at the environment or sets an
//! exit status, and it may use every other room. It computes nothing and judges nothing itself:
//! what is true does not depend on how it was asked for. No other room uses this one.

#![allow(clippy::print_stderr, clippy::print_stdout)]

mod audit;
mod case;
mod console;
mod defined;
mod deviation;
mod failure;
mod files;
mod precision;
mod replay;
mod rules;
mod run;
mod search;
mod table;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use console::Console;
use failure::Failure;

/// Verifies, symbolically and numerically, what LoRA's alpha does.
#[derive(Debug, Parser)]
#[command(name = "lora-gauge", version, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

const EXIT_STATUS: &str = "\
Exit status: 0 everything holds, 1 something is refuted, 2 something is unknown,
64 bad usage or bad input (the message on stderr says what was found and what is expected).";

#[derive(Debug, Args)]
struct Global {
    /// Say nothing on stderr but errors
    #[arg(long, global = true)]
    quiet: bool,
    /// When to use colour; `auto` honours NO_COLOR and uses none outside a terminal
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// How many threads to use; results do not depend on it [default: one for each core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Audit(audit::AuditArgs),
    Rules(rules::RulesArgs),
    Run(run::RunArgs),
    Precision(precision::PrecisionArgs),
    Replay(replay::ReplayArgs),
    Search(search::SearchArgs),
    Merge(search::MergeArgs),
}

/// The end of a verb that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Holds,
    Refuted,
    Unknown,
}

impl Status {
    fn code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Refuted => 1,
            Self::Unknown => 2,
        }
    }
}

/// Bad usage or bad input (`EX_USAGE` of sysexits).
const BAD_INPUT: u8 = 64;

/// Reads the command line, does what it says and returns the exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap, too, but they belong on stdout. Where even
            // the message cannot be written there is nobody left to tell.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { BAD_INPUT } else { 0 });
        }
    };
    let console = Console::new(cli.global.quiet, cli.global.color);
    let ended = start_threads(cli.global.threads).and_then(|()| match &cli.verb {
        Verb::Audit(args) => audit::run(args, &console),
        Verb::Rules(args) => rules::run(args, &console),
        Verb::Run(args) => run::run(args, &console),
        Verb::Precision(args) => precision::run(args, &console),
        Verb::Replay(args) => replay::run(args, &console),
        Verb::Search(args) => search::run(args, &console),
        Verb::Merge(args) => search::run_merge(args, &console),
    });
    match ended {
        Ok(status) => ExitCode::from(status.code()),
        Err(failure) => {
            console.error(&failure);
            ExitCode::from(BAD_INPUT)
        }
    }
}

fn start_threads(threads: Option<u16>) -> Result<(), Failure> {
    let Some(threads) = threads else {
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::from(threads))
        .build_global()
        .map_err(|e| Failure::new(format!("cannot start {threads} threads: {e}")))
}
