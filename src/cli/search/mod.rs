//! `lora-gauge search`: a campaign of drawn cases; `lora-gauge merge`: its shards as one.

mod journal;
mod merge;
mod output;
mod progress;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args;

pub(super) use merge::{MergeArgs, run as run_merge};

use super::{Console, Failure, Status, defined};
use crate::search::{Campaign, Parameters, PropertyTable, Shard, Totals};
use crate::zoo::{Entry, Optimizer};
use journal::{Done, Journal};
use output::Places;
use progress::Progress;

/// Look for counterexamples: draw cases and put properties to the test
///
/// The same seed and selection give the same cases and the same result, whatever the number of
/// threads. With --out the work done is kept in a folder: the same command in the same folder goes
/// on where it was left, after Ctrl-C or worse.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct SearchArgs {
    /// How many cases to draw
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    cases: u64,
    /// The seed
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Draw from these optimizers only; a TOML file defines one
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    optimizer: Vec<String>,
    /// Look in these arithmetics only
    #[arg(long, value_name = "ARITH", value_delimiter = ',')]
    arith: Vec<String>,
    /// Put these properties to the test only
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    property: Vec<String>,
    /// Begin nothing new after so many seconds
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,
    /// Do one of n parts of the work, numbered from 0; `merge` joins them
    #[arg(long, value_name = "i/n", default_value = "0/1")]
    shard: Shard,
    /// Keep journal, result and witnesses in this folder, and go on where they end
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write JSON to a file, or without one to stdout instead of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    json: Option<Option<PathBuf>>,
}

const EXIT_STATUS: &str = "\
Exit status: 0 no case fails and every property passed at least once; 1 some case fails; 2 nothing
fails, but one case in twenty or more is undecided, or a property never passed; 64 bad usage, or a
folder of another campaign.";

impl SearchArgs {
    fn parameters(&self) -> Result<Parameters, Failure> {
        let named = |name: &String| defined::entry::<Optimizer>(name, Path::new(""));
        let optimizers = self
            .optimizer
            .iter()
            .map(|name| Ok(named(name)?.key().to_owned()));
        let optimizers: Vec<String> = optimizers.collect::<Result<_, Failure>>()?;
        // What is named in another order is the same campaign.
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names.dedup();
            names
        };
        Ok(Parameters {
            shard: self.shard,
            optimizers: sorted(&optimizers),
            arithmetics: sorted(&self.arith),
            properties: sorted(&self.property),
            ..Parameters::new(self.seed, self.cases)
        })
    }
}

pub(super) fn run(args: &SearchArgs, console: &Console) -> Result<Status, Failure> {
    let started = Instant::now();
    let parameters = args.parameters()?;
    let campaign = campaign(&parameters)?;
    let (journal, done) = match &args.out {
        None => (None, Done::default()),
        Some(folder) => {
            let (journal, done) = Journal::open(folder, &parameters)?;
            (Some(journal), done)
        }
    };
    let mut totals = campaign.nothing_yet();
    totals.join(done.totals);
    let all = parameters.shard.chunks(parameters.cases);
    let numbers: Vec<u64> = all.filter(|number| !done.chunks.contains(number)).collect();
    let all = parameters.shard.chunks(parameters.cases);
    let cases = all.map(|n| crate::search::chunk(n, parameters.cases));
    let cases: u64 = cases.map(|range| range.end - range.start).sum();
    let progress = Progress::start(cases, &totals, console);
    let limit = args.time.map(Duration::from_secs);
    let state = Mutex::new((totals, journal, None));
    let record = |number: u64, chunk: Totals| {
        let Ok(mut state) = state.lock() else {
            return false;
        };
        let (totals, journal, failure) = &mut *state;
        if let Some(Err(error)) = journal.as_mut().map(|journal| journal.add(number, &chunk)) {
            *failure = Some(error);
            return false;
        }
        progress.add(&chunk);
        totals.join(chunk);
        limit.is_none_or(|limit| started.elapsed() < limit)
    };
    campaign.chunks(parameters.cases, &numbers, &record);
    let state = state.into_inner();
    let (totals, journal, failure) =
        state.map_err(|_| Failure::new("a thread ended while it held the results"))?;
    progress.finish();
    if let Some(failure) = failure {
        return Err(failure);
    }
    if totals.cases < cases {
        console.remark(&format!(
            "the time is over after {} of {cases} cases",
            totals.cases
        ));
    }
    let places = Places {
        out: args.out.as_deref(),
        json: args.json.as_ref(),
    };
    let status = output::finish(&campaign, &parameters, &totals, &places, console);
    drop(journal);
    status
}

/// The properties of every room.
pub(super) fn properties() -> PropertyTable {
    PropertyTable::default().with([&crate::audit::VERDICTS_AGREE])
}

/// The campaign that the parameters describe.
fn campaign(parameters: &Parameters) -> Result<Campaign, Failure> {
    let selection = parameters.selection(&properties());
    let selection = selection.map_err(|e| Failure::new(e.to_string()))?;
    Campaign::new(parameters.seed, &selection).map_err(|e| Failure::new(e.to_string()))
}
