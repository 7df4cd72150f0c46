//! The evidence ladder: which rungs were climbed.

use super::{coordinate as c, escaped};
use crate::audit::{Judgement, Rung};
use crate::report::words;

const STEP: f64 = 24.0;
const WIDTH: f64 = 236.0;
const RAIL_LEFT: f64 = 12.0;
const RAIL_RIGHT: f64 = 76.0;

/// The ladder of a claim, strongest rung on top. `id` must be unique in the page.
pub(crate) fn ladder(claim: &Judgement, id: &str) -> String {
    let pieces = |rung: Rung| claim.evidence.iter().filter(|e| e.rung == rung).count();
    let height = STEP * words::RUNGS.len() as f64 + 8.0;
    let mut body = String::new();
    for x in [RAIL_LEFT, RAIL_RIGHT] {
        body.push_str(&format!(
            "<line class=\"rail\" x1=\"{x}\" y1=\"4\" x2=\"{x}\" y2=\"{}\"/>",
            c(height - 4.0),
            x = c(x)
        ));
    }
    let mut climbed = vec![];
    for (i, rung) in words::RUNGS.into_iter().enumerate() {
        let y = 4.0 + STEP * (i as f64 + 0.5);
        let n = pieces(rung);
        let state = if n > 0 { "climbed" } else { "bare" };
        body.push_str(&format!(
            "<line class=\"rung {state}\" x1=\"{}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>",
            c(RAIL_LEFT),
            c(RAIL_RIGHT),
            y = c(y)
        ));
        let label = match n {
            0 => rung.name().to_owned(),
            1 => format!("✓ {}", rung.name()),
            n => format!("✓ {} × {n}", rung.name()),
        };
        body.push_str(&format!(
            "<text class=\"rung-label {state}\" x=\"{}\" y=\"{}\">{}</text>",
            c(RAIL_RIGHT + 12.0),
            c(y + 4.5),
            escaped(&label)
        ));
        if n > 0 {
            climbed.push(rung.name());
        }
    }
    let told = if climbed.is_empty() {
        "No rung was climbed.".to_owned()
    } else {
        format!("Climbed, strongest first: {}.", climbed.join(", "))
    };
    format!(
        "<svg class=\"ladder\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">Evidence ladder</title><desc id=\"{id}-d\">{told}</desc>{body}</svg>",
        c(WIDTH),
        c(height)
    )
}
