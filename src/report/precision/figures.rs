//! The contents of the figures: plain series of numbers, drawn by `svg`.

use super::words::{last_rows, leading};
use crate::audit::{Figure, Series};
use crate::bound::study::{Fit, Magnitude, Row, Study};

const LOG2: &str = "log₂ of the drift";
/// More arithmetics than this are not drawn step by step.
const MOST_STEPWISE: usize = 6;

/// The x axis of the figures in which a straight line must stay one.
pub(super) const BITS: &str = "bits of the significand";

/// All figures of the study that have something to show.
pub(super) fn figures(study: &Study) -> Vec<Figure> {
    let mut figures = vec![];
    for fit in study.fits.iter().filter(|fit| fit.of == "measured") {
        let figure = against_bits(study, fit);
        figures.push(in_units(&figure));
        figures.push(figure);
    }
    figures.push(bits_left(study));
    let first = study.rows.first().map(|row| row.k.as_str());
    let of_first = last_rows(study).filter(|row| Some(row.k.as_str()) == first);
    figures.extend(
        of_first
            .take(MOST_STEPWISE)
            .map(|row| against_steps(study, row)),
    );
    figures.extend(against_k(study));
    figures.retain(|f| f.series.iter().any(|s| !s.points.is_empty()));
    figures
}

fn series(name: &str, points: Vec<(f64, f64)>) -> Option<Series> {
    let name = name.to_owned();
    (!points.is_empty()).then_some(Series { name, points })
}

fn log2(m: &Magnitude) -> Option<f64> {
    m.log2
}

fn against_bits(study: &Study, fit: &Fit) -> Figure {
    let middle = |(bits, (low, high)): &(u32, (f64, f64))| (f64::from(*bits), (low + high) / 2.0);
    let slope = (fit.slope.0 + fit.slope.1) / 2.0;
    let line = fit.points.iter().map(|(bits, _)| f64::from(*bits));
    let line = line
        .map(|bits| (bits, fit.intercept + slope * bits))
        .collect();
    let certified = study
        .fits
        .iter()
        .find(|f| f.k == fit.k && f.of == "certified");
    let of_row = |row: &Row| {
        let bounds = &leading(study, row)?.bounds;
        let probabilistic = bounds.probabilistic.as_ref().ok().and_then(log2)?;
        Some((f64::from(row.precision), probabilistic))
    };
    let rows = last_rows(study).filter(|row| row.k == fit.k);
    let mut probabilistic: Vec<(f64, f64)> = rows.filter_map(of_row).collect();
    probabilistic.sort_by(|x, y| x.0.total_cmp(&y.0));
    let all = [
        series("measured", fit.points.iter().map(middle).collect()),
        series(
            "certified",
            certified.map_or(vec![], |f| f.points.iter().map(middle).collect()),
        ),
        series("probabilistic", probabilistic),
        series("fitted line", line),
    ];
    Figure {
        title: format!(
            "Drift of {} against precision, k = {}",
            study.leading, fit.k
        ),
        x: BITS.to_owned(),
        y: LOG2.to_owned(),
        series: all.into_iter().flatten().collect(),
    }
}

/// The same counted from the unit of each precision: what falls with slope −1 is level here.
fn in_units(figure: &Figure) -> Figure {
    let level = |s: &Series| Series {
        name: s.name.clone(),
        points: s.points.iter().map(|(bits, y)| (*bits, y + bits)).collect(),
    };
    Figure {
        title: format!("{}, in units of 2 to the minus precision", figure.title),
        x: BITS.to_owned(),
        y: "log₂ of drift · 2^precision".to_owned(),
        series: figure.series.iter().map(level).collect(),
    }
}

/// Bars: how many bits agree in each arithmetic of at most double precision.
fn bits_left(study: &Study) -> Figure {
    let first = study.rows.first().map(|row| row.k.as_str());
    let rows = last_rows(study).filter(|row| Some(row.k.as_str()) == first);
    let name = |row: &Row| row.arith.trim_start_matches("mp:").to_owned();
    let bar = |row: &Row| series(&name(row), vec![(0.0, row.bits_left?)]);
    Figure {
        title: format!(
            "Bits of {} that agree after all steps, k = {}",
            study.leading,
            first.unwrap_or("")
        ),
        x: "arithmetic (a number: mp with so many bits)".to_owned(),
        y: "bits".to_owned(),
        series: rows.filter_map(bar).collect(),
    }
}

fn against_steps(study: &Study, row: &Row) -> Figure {
    let points = |all: &[Option<Magnitude>]| {
        // Before the first step nothing has drifted but what rounding the start leaves.
        let steps = all.iter().enumerate().skip(1);
        let points = steps.filter_map(|(t, m)| Some((t as f64, m.as_ref().and_then(log2)?)));
        points.collect::<Vec<_>>()
    };
    let mut all = vec![];
    if let Some(quantity) = leading(study, row) {
        all.push(series(
            &format!("{}, measured", study.leading),
            points(&quantity.by_step),
        ));
        all.push(series(
            &format!("{}, certified", study.leading),
            points(&quantity.certified_by_step),
        ));
    }
    if let Some(loss) = row
        .quantities
        .get("loss")
        .filter(|_| study.leading != "loss")
    {
        all.push(series("loss, measured", points(&loss.by_step)));
    }
    Figure {
        title: format!("Drift against steps in {}, k = {}", row.arith, row.k),
        x: "steps".to_owned(),
        y: LOG2.to_owned(),
        series: all.into_iter().flatten().collect(),
    }
}

/// Drift against k, where there are several.
fn against_k(study: &Study) -> Option<Figure> {
    let mut all: Vec<Series> = vec![];
    for row in last_rows(study) {
        let drift = leading(study, row).and_then(|q| q.measured.as_ref().ok());
        let Some(y) = drift.and_then(|d| d.up.log2) else {
            continue;
        };
        let point = (row.k_near, y);
        match all.iter_mut().find(|s| s.name == row.arith) {
            Some(series) => series.points.push(point),
            None => all.extend(series(&row.arith, vec![point])),
        }
    }
    for series in &mut all {
        series.points.sort_by(|x, y| x.0.total_cmp(&y.0));
    }
    all.iter().any(|s| s.points.len() > 1).then(|| Figure {
        title: format!("Drift of {} against k", study.leading),
        x: "k".to_owned(),
        y: LOG2.to_owned(),
        series: all,
    })
}
