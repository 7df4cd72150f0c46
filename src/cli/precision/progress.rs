//! How far the study is, on stderr, once it takes longer than two seconds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Console;

/// What takes less is over before a bar could be read.
const PATIENCE: Duration = Duration::from_secs(2);
/// The bar counts in thousandths.
const WHOLE: f64 = 1000.0;

/// A bar that is seen only where somebody looks: on a terminal, without `--quiet`.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    wanted: bool,
    shown: AtomicBool,
}

impl Progress {
    pub fn start(console: &Console) -> Self {
        let bar = ProgressBar::with_draw_target(Some(WHOLE as u64), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("running {bar:30} {percent} %{msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self {
            bar,
            started: Instant::now(),
            wanted: console.shows_progress(),
            shown: AtomicBool::new(false),
        }
    }

    /// The part that is done, from 0 to 1.
    pub fn at(&self, part: f64) {
        if !self.wanted || self.started.elapsed() < PATIENCE {
            return;
        }
        if !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position((part * WHOLE) as u64);
        if part > 0.0 {
            let seconds = self.started.elapsed().as_secs_f64() * (1.0 - part) / part;
            self.bar
                .set_message(format!(", about {} s to go", seconds as u64 + 1));
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
