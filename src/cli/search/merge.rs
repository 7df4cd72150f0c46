//! `lora-gauge merge`: the shards of a campaign as one result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{self, Places};
use super::{campaign, journal};
use crate::cli::{Console, Failure, Status, files};
use crate::search::{Campaign, HuntedError, HuntedWitness, Parameters, Shard, Totals};

/// Join the shards of a campaign
///
/// The result has the same bytes as that of the campaign in one piece.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(in crate::cli) struct MergeArgs {
    /// The folders of the shards, as `search --out` has filled them
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// Write result and witnesses into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write JSON to a file, or without one to stdout instead of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    json: Option<Option<PathBuf>>,
}

const EXIT_STATUS: &str = "\
Exit status: as that of `search`; 64 also where a shard is missing, unfinished, given twice or of
another campaign.";

/// So many missing shards are listed.
const LISTED: usize = 20;

pub(in crate::cli) fn run(args: &MergeArgs, console: &Console) -> Result<Status, Failure> {
    let (parameters, done) = join(&args.shards)?;
    let campaign = campaign(&parameters)?;
    let mut totals = campaign.nothing_yet();
    totals.join(done);
    if let Some(out) = &args.out {
        copy_witnesses(&args.shards, out, &campaign, &totals)?;
    }
    let places = Places {
        out: args.out.as_deref(),
        json: args.json.as_ref(),
    };
    output::finish(&campaign, &parameters, &totals, &places, console)
}

/// The parameters of the whole campaign, and what its shards come to.
fn join(shards: &[PathBuf]) -> Result<(Parameters, Totals), Failure> {
    let mut whole: Option<Parameters> = None;
    let mut given: BTreeMap<u64, &PathBuf> = BTreeMap::new();
    let mut count = 0;
    let mut done = Totals::default();
    for folder in shards {
        let recorded = journal::read(folder)?;
        let shard = recorded.parameters.shard;
        let own = recorded.parameters.in_shard(Shard::default());
        match &whole {
            None => whole = Some(own),
            Some(whole) if *whole == own && count == shard.count => {}
            Some(_) => {
                let message = format!(
                    "is of another campaign than {}, or of another number of shards",
                    shards[0].display()
                );
                return Err(Failure::in_file(folder, message));
            }
        }
        count = shard.count;
        if let Some(other) = given.insert(shard.index, folder) {
            let message = format!("shard {shard} is given twice: {} too", other.display());
            return Err(Failure::in_file(folder, message));
        }
        let wanted = shard.count_chunks(recorded.parameters.cases);
        let missing = wanted.saturating_sub(recorded.done.chunks.len() as u64);
        if missing > 0 {
            let message = format!("shard {shard} is not finished: {missing} chunks are missing");
            return Err(Failure::in_file(folder, message)
                .advise("run its command again, with the same --out, until it ends by itself"));
        }
        done.join(recorded.done.totals);
    }
    refuse_missing(count, &given)?;
    match whole {
        Some(parameters) => Ok((parameters, done)),
        None => Err(Failure::new("no shard is given")),
    }
}

/// Refuses folders that are not those of all shards, whose number is what a file says.
fn refuse_missing(count: u64, given: &BTreeMap<u64, &PathBuf>) -> Result<(), Failure> {
    let missing = count.saturating_sub(given.len() as u64);
    if missing == 0 {
        return Ok(());
    }
    let mut names: Vec<String> = (0..count)
        .filter(|index| !given.contains_key(index))
        .take(LISTED)
        .map(|index| Shard { index, count }.to_string())
        .collect();
    if missing > LISTED as u64 {
        names.push(format!("and {} more", missing - LISTED as u64));
    }
    let message = format!("missing: shard {}", names.join(", "));
    Err(Failure::new(message).advise("give the folder of every shard"))
}

/// Copies what a shard has shrunk, which need not be shrunk again.
fn copy_witnesses(
    shards: &[PathBuf],
    out: &Path,
    campaign: &Campaign,
    totals: &Totals,
) -> Result<(), Failure> {
    for (case, property) in totals.failures() {
        let name = format!("witnesses/{property}-{case}.json");
        let found = shards.iter().map(|folder| folder.join(&name));
        if let Some(found) = found.into_iter().find(|path| path.exists()) {
            journal::refuse_links(&found)?;
            let wrong = |e: HuntedError| Failure::in_file(&found, e.to_string());
            let witness = files::read_up_to(&found, files::LARGEST_WITNESS)?;
            let witness = HuntedWitness::parse(&witness).map_err(wrong)?;
            campaign.owns(case, &witness).map_err(wrong)?;
            files::write(&out.join(&name), &witness.to_json().map_err(wrong)?)?;
        }
    }
    Ok(())
}
