//! How far a campaign is, on stderr.

use std::sync::Mutex;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Console;
use crate::search::Totals;

/// A bar that is seen only where somebody looks: on a terminal, without `--quiet`.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: u64,
    totals: Totals,
}

impl Progress {
    /// A bar for so many cases, of which some were done before.
    pub fn start(cases: u64, before: &Totals, console: &Console) -> Self {
        let target = match console.shows_progress() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(cases), target);
        let style = ProgressStyle::with_template("searching {bar:30} {pos}/{len} cases{msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_position(before.cases);
        Self {
            bar,
            started: Instant::now(),
            state: Mutex::new(State {
                now: 0,
                totals: before.clone(),
            }),
        }
    }

    /// So much more is done.
    pub fn add(&self, totals: &Totals) {
        if self.bar.is_hidden() {
            return;
        }
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        state.now += totals.cases;
        state.totals.join(totals.clone());
        let all = state.totals.cases;
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = state.now as f64 / seconds.max(0.001);
        let left = self.bar.length().unwrap_or(all).saturating_sub(all);
        let seconds = left as f64 / rate.max(0.001);
        let coverage = &state.totals.coverage;
        let reached = coverage.optimizers.values().filter(|n| **n > 0).count();
        self.bar.set_position(all);
        self.bar.set_message(format!(
            ", {rate:.0}/s, about {} s to go; {reached} of {} optimizers, {} failed, {} undecided",
            seconds as u64 + 1,
            coverage.optimizers.len(),
            state.totals.failed(),
            state.totals.undecided()
        ));
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
