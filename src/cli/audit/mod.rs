//! `lora-gauge audit`: judge claims and report on them.

mod progress;
mod witnesses;

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;

use progress::Progress;

use super::table::WIDTH;
use super::{Console, Failure, Status, files};
use crate::audit::{self, Audit, Claim, Judged, Kind};
use crate::report::{self, ReportError, terminal};

/// Judge claims: the built-in ones, or those of claim files
///
/// Every claim gets a verdict, the conditions under which it holds, the evidence, and the command
/// that reproduces it.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct AuditArgs {
    /// Claim files in TOML; the built-in claims when none is given
    claims: Vec<PathBuf>,
    /// Judge only the claims with these identifiers
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    id: Vec<String>,
    /// Write a self-contained HTML report
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a Markdown report
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JSON to a file, or without one to stdout instead of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    json: Option<Option<PathBuf>>,
    /// Where witness files go [default: `witnesses` beside the reports; none without a report]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXIT_STATUS: &str = "\
Exit status: 0 every verdict is the expected one (or, where the claim carries no expectation,
`proved` or `proved-if`); 1 some verdict is not; 2 a claim without an expectation is unknown;
64 bad usage, or a claim that cannot be read (the message names file, field and what is expected).";

pub(super) fn run(args: &AuditArgs, console: &Console) -> Result<Status, Failure> {
    refuse_claims_as_reports(args)?;
    let claims = chosen(all_claims(&args.claims)?, &args.id)?;
    let (listed, claims): (Vec<_>, Vec<_>) =
        (claims.into_iter()).partition(|claim| claim.kind() == Kind::Empirical);
    let mut judged = judge_all(&claims, console);
    let found = judged.iter().filter(|j| j.witness.is_some()).count();
    let written = witnesses::write(&mut judged, args)?;
    let mut audit = Audit::new(judged.into_iter().map(|j| j.judgement).collect());
    audit.not_judged = listed.iter().filter_map(Claim::not_judged).collect();
    let reports = reports(&audit, args)?;
    if matches!(args.json, Some(None)) {
        console.print(&report::json(&audit).map_err(defect)?)?;
    } else {
        console.print(&terminal::audit_table(&audit, WIDTH, true))?;
    }
    for path in &reports {
        console.remark(&format!("written: {}", path.display()));
    }
    match written {
        Some(folder) if found > 0 => {
            console.remark(&format!(
                "written: {} in {}",
                count(found),
                folder.display()
            ));
        }
        None if found > 0 => console.remark(&format!(
            "found: {}; --out DIR writes each as a file for `replay`",
            count(found)
        )),
        _ => {}
    }
    Ok(match audit.exit_status() {
        0 => Status::Holds,
        1 => Status::Refuted,
        _ => Status::Unknown,
    })
}

/// `--json claim.toml` is more likely a forgotten file name than a wish to lose a claim.
fn refuse_claims_as_reports(args: &AuditArgs) -> Result<(), Failure> {
    let json = args.json.iter().flatten();
    for path in json.chain(&args.html).chain(&args.markdown) {
        if path.extension().is_some_and(|e| e == "toml") || args.claims.contains(path) {
            return Err(
                Failure::in_file(path, "this report would overwrite a claim file")
                    .advise("put claim files first, or give --json a file name ending in .json"),
            );
        }
    }
    Ok(())
}

fn all_claims(paths: &[PathBuf]) -> Result<Vec<Claim>, Failure> {
    let claims = match paths {
        [] => audit::builtin().map_err(|e| Failure::new(format!("built-in claim: {e}")))?,
        paths => paths
            .iter()
            .map(|path| claim(path))
            .collect::<Result<_, _>>()?,
    };
    for (i, claim) in claims.iter().enumerate() {
        if claims[..i].iter().any(|other| other.id() == claim.id()) {
            return Err(Failure::new(format!(
                "field `id`: two claims are called `{}`",
                claim.id()
            )));
        }
    }
    Ok(claims)
}

fn claim(path: &Path) -> Result<Claim, Failure> {
    let text = files::read_up_to(path, files::LARGEST_CLAIM)?;
    audit::parse_claim(&path.display().to_string(), &text).map_err(|e| Failure::new(e.to_string()))
}

fn chosen(mut claims: Vec<Claim>, ids: &[String]) -> Result<Vec<Claim>, Failure> {
    for id in ids {
        if !claims.iter().any(|claim| claim.id() == id) {
            let known: Vec<&str> = claims.iter().map(Claim::id).collect();
            return Err(Failure::new(format!(
                "--id {id}: there is no such claim: expected one of {}",
                known.join(", ")
            )));
        }
    }
    if !ids.is_empty() {
        claims.retain(|claim| ids.iter().any(|id| id == claim.id()));
    }
    Ok(claims)
}

/// In parallel, the results in the order of the claims.
fn judge_all(claims: &[Claim], console: &Console) -> Vec<Judged> {
    let progress = Progress::start(claims.len(), console);
    let judged = claims.par_iter().map(|claim| {
        let judged = audit::judge(claim);
        progress.advance();
        judged
    });
    let judged: Vec<Judged> = judged.collect();
    progress.finish();
    judged
}

/// Writes the reports that were asked for; their paths.
fn reports(audit: &Audit, args: &AuditArgs) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    let mut write = |path: &PathBuf, text: String| -> Result<(), Failure> {
        files::write(path, &text)?;
        written.push(path.clone());
        Ok(())
    };
    if let Some(path) = &args.html {
        write(path, report::html(audit).map_err(defect)?)?;
    }
    if let Some(path) = &args.markdown {
        write(path, report::markdown(audit))?;
    }
    if let Some(Some(path)) = &args.json {
        write(path, report::json(audit).map_err(defect)?)?;
    }
    Ok(written)
}

fn count(witnesses: usize) -> String {
    match witnesses {
        1 => "1 witness".to_owned(),
        n => format!("{n} witnesses"),
    }
}

fn defect(e: ReportError) -> Failure {
    Failure::new(format!("the report cannot be written: {e}"))
}
