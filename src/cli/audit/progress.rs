//! How far the audit is, on stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Console;

/// A bar that is seen only where somebody looks: on a terminal, without `--quiet`.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many claims.
    pub fn start(claims: usize, console: &Console) -> Self {
        if !console.shows_progress() {
            return Self(ProgressBar::with_draw_target(
                None,
                ProgressDrawTarget::hidden(),
            ));
        }
        let bar = ProgressBar::new(claims as u64);
        let style = ProgressStyle::with_template("judging {bar:30} {pos}/{len} claims{msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// One more claim is judged; from the first on there is an estimate.
    pub fn advance(&self) {
        self.0.inc(1);
        let seconds = self.0.eta().as_secs();
        self.0
            .set_message(format!(", about {} s to go", seconds + 1));
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.0.finish_and_clear();
    }
}
