//! Line charts, and bars where every series is a single number.

use super::scale::{Scale, drawable, label};
use super::{coordinate as c, escaped, shortened};
use crate::audit::Figure;

/// The number of styles of lines in the style sheet; a further series starts over.
pub(crate) const SERIES_STYLES: usize = 6;

/// For how wide a page a figure is drawn. The letters are of the same size in each, so a phone
/// does not get a shrunken drawing of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// For screens; lines have their names at their ends.
    Wide,
    /// For phones; lines are named in the legend only.
    Narrow,
}

impl Size {
    fn width(self) -> f64 {
        match self {
            Self::Wide => 660.0,
            Self::Narrow => 340.0,
        }
    }

    fn height(self) -> f64 {
        match self {
            Self::Wide => 300.0,
            Self::Narrow => 240.0,
        }
    }

    /// The number of letters that fit across.
    fn letters(self) -> usize {
        (self.width() / LETTER) as usize
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "chart wide",
            Self::Narrow => "chart narrow",
        }
    }
}

const LEFT: f64 = 58.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;
/// About the width of a letter at the size the style sheet gives.
const LETTER: f64 = 6.8;
/// The least distance between two labels one above the other.
const LINE: f64 = 15.0;
/// More lines than this are named in the legend only.
const MOST_LABELS: usize = 8;
const LONGEST_LABEL: usize = 18;
/// Lines with more points than this have no marks on them.
const MOST_MARKS: usize = 24;

/// `true` if the figure is drawn as bars: every series is a single number.
pub(crate) fn has_bars(figure: &Figure) -> bool {
    figure.series.iter().all(|s| s.points.len() <= 1)
}

/// The figure as SVG. `id` must be unique in the page; it is used for the title and description
/// that screen readers tell.
pub(crate) fn figure(figure: &Figure, size: Size, id: &str) -> String {
    drawing(figure, size, id, Scale::horizontal)
}

/// The same with x spread evenly whatever the numbers, so that a straight line stays one.
pub(crate) fn even_figure(figure: &Figure, size: Size, id: &str) -> String {
    drawing(figure, size, id, Scale::even)
}

/// The layout of the x axis of these numbers between two positions.
type Axis = fn(&[f64], f64, f64) -> Scale;

fn drawing(figure: &Figure, size: Size, id: &str, axis: Axis) -> String {
    let lines: Vec<Line<'_>> = figure
        .series
        .iter()
        .enumerate()
        .map(|(i, series)| Line {
            style: i % SERIES_STYLES,
            name: &series.name,
            points: &series.points,
        })
        .collect();
    let nothing = lines.iter().flat_map(Line::drawable).next().is_none();
    let (height, body) = if nothing {
        let middle = size.width() / 2.0;
        (
            80.0,
            text("axis-title", middle, 44.0, "middle", "nothing to draw"),
        )
    } else if has_bars(figure) {
        (size.height(), bars(figure, size, &lines))
    } else {
        (size.height(), curves(figure, size, &lines, axis))
    };
    format!(
        "<svg class=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{body}</svg>",
        size.class(),
        c(size.width()),
        c(height),
        escaped(&figure.title),
        escaped(&description(figure, &lines)),
    )
}

struct Line<'a> {
    style: usize,
    name: &'a str,
    points: &'a [(f64, f64)],
}

impl Line<'_> {
    fn drawable(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let points = self.points.iter().copied();
        points.filter(|(x, y)| drawable(*x) && drawable(*y))
    }
}

fn description(figure: &Figure, lines: &[Line<'_>]) -> String {
    let mut out = format!("{} against {}.", figure.y, figure.x);
    for line in lines.iter().take(MOST_LABELS) {
        let ys: Vec<f64> = line.drawable().map(|(_, y)| y).collect();
        let low = ys.iter().copied().reduce(f64::min);
        let high = ys.iter().copied().reduce(f64::max);
        if let (Some(low), Some(high)) = (low, high) {
            out.push_str(&format!(
                " {}: {} to {}.",
                line.name,
                label(low),
                label(high)
            ));
        }
    }
    out
}

fn text(class: &str, x: f64, y: f64, anchor: &str, content: &str) -> String {
    format!(
        "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
        c(x),
        c(y),
        escaped(content)
    )
}

fn rule(class: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!(
        "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
        c(x1),
        c(y1),
        c(x2),
        c(y2)
    )
}

/// The y axis with its grid, and both titles.
fn frame(figure: &Figure, size: Size, vertical: &Scale, right: f64) -> String {
    let bottom = size.height() - BOTTOM;
    let mut out = String::new();
    for (y, label) in vertical.ticks() {
        let at = vertical.at(y);
        out.push_str(&rule("grid", LEFT, at, right, at));
        out.push_str(&text("tick", LEFT - 8.0, at + 4.0, "end", &label));
    }
    out.push_str(&rule("axis", LEFT, bottom, right, bottom));
    let y_title = shortened(&figure.y, size.letters());
    out.push_str(&text("axis-title", 4.0, 16.0, "start", &y_title));
    let x_title = shortened(&figure.x, size.letters() - 16);
    let middle = (LEFT + right) / 2.0;
    out.push_str(&text(
        "axis-title",
        middle,
        size.height() - 8.0,
        "middle",
        &x_title,
    ));
    out
}

fn curves(figure: &Figure, size: Size, lines: &[Line<'_>], axis: Axis) -> String {
    let labelled = size == Size::Wide && lines.len() > 1 && lines.len() <= MOST_LABELS;
    let names = lines.iter().map(|l| l.name.chars().count());
    let longest = names.max().unwrap_or(0).min(LONGEST_LABEL) as f64;
    let margin = if labelled {
        longest * LETTER + 18.0
    } else {
        18.0
    };
    let (right, bottom) = (size.width() - margin, size.height() - BOTTOM);
    let xs: Vec<f64> = lines.iter().flat_map(Line::drawable).map(|p| p.0).collect();
    let ys: Vec<f64> = lines.iter().flat_map(Line::drawable).map(|p| p.1).collect();
    let horizontal = axis(&xs, LEFT + 8.0, right - 8.0);
    let vertical = Scale::vertical(&ys, bottom, TOP);
    let mut out = frame(figure, size, &vertical, right);
    let mut last_end = f64::NEG_INFINITY;
    for (x, label) in horizontal.ticks() {
        let at = horizontal.at(x);
        out.push_str(&rule("axis", at, bottom, at, bottom + 5.0));
        // A label that would run into the one before it is left out; its mark stays.
        let half = label.chars().count() as f64 * LETTER / 2.0;
        if at - half > last_end + 6.0 {
            out.push_str(&text("tick", at, bottom + 19.0, "middle", &label));
            last_end = at + half;
        }
    }
    for line in lines {
        out.push_str(&path(line, &horizontal, &vertical));
    }
    if labelled {
        out.push_str(&labels(lines, size, &vertical, right));
    }
    out
}

/// The line, broken where a point cannot be drawn, with marks when there are few points.
fn path(line: &Line<'_>, horizontal: &Scale, vertical: &Scale) -> String {
    let mut d = String::new();
    let mut marks = String::new();
    let few = line.points.len() <= MOST_MARKS;
    let mut pen_down = false;
    for (x, y) in line.points {
        if !(drawable(*x) && drawable(*y)) {
            pen_down = false;
            continue;
        }
        let (x, y) = (c(horizontal.at(*x)), c(vertical.at(*y)));
        d.push_str(&format!("{}{x} {y}", if pen_down { 'L' } else { 'M' }));
        pen_down = true;
        if few {
            marks.push_str(&format!(
                "<circle class=\"mark s{}\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>",
                line.style
            ));
        }
    }
    if d.is_empty() {
        return d;
    }
    format!("<path class=\"curve s{}\" d=\"{d}\"/>{marks}", line.style)
}

/// Names at the right end of the lines, pushed apart until none covers another.
fn labels(lines: &[Line<'_>], size: Size, vertical: &Scale, right: f64) -> String {
    let ends = lines.iter().filter_map(|line| {
        let last = line.drawable().last()?;
        Some((vertical.at(last.1), line))
    });
    let mut ends: Vec<(f64, &Line<'_>)> = ends.collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for i in 1..ends.len() {
        ends[i].0 = ends[i].0.max(ends[i - 1].0 + LINE);
    }
    // What was pushed below the axis moves up again, and takes the others along.
    let mut floor = size.height() - BOTTOM;
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(floor);
        floor = end.0 - LINE;
    }
    ends.iter()
        .map(|(y, line)| {
            let name = shortened(line.name, LONGEST_LABEL);
            text(
                &format!("label s{}", line.style),
                right + 8.0,
                y + 4.0,
                "start",
                &name,
            )
        })
        .collect()
}

/// One bar for each series.
fn bars(figure: &Figure, size: Size, lines: &[Line<'_>]) -> String {
    let right = size.width() - 18.0;
    let bottom = size.height() - BOTTOM;
    let mut ys: Vec<f64> = lines.iter().flat_map(Line::drawable).map(|p| p.1).collect();
    let reach = ys.iter().copied().fold(0.0f64, |m, y| m.max(y.abs()));
    let least = ys
        .iter()
        .copied()
        .filter(|y| *y > 0.0)
        .fold(reach, f64::min);
    let logarithmic = ys.iter().all(|y| *y > 0.0) && reach / least >= 50.0;
    if !logarithmic {
        // Bars tell by their length, so a linear axis has its zero.
        ys.push(0.0);
    }
    let vertical = Scale::vertical(&ys, bottom, TOP);
    let base = if logarithmic {
        bottom
    } else {
        vertical.at(0.0)
    };
    let mut out = frame(figure, size, &vertical, right);
    let slot = (right - LEFT) / lines.len() as f64;
    let thick = (slot * 0.7).min(64.0);
    let room = (slot / LETTER) as usize;
    for (i, line) in lines.iter().enumerate() {
        let middle = LEFT + slot * (i as f64 + 0.5);
        if room >= 3 {
            let name = shortened(line.name, room);
            out.push_str(&text("tick", middle, bottom + 19.0, "middle", &name));
        }
        let Some((_, y)) = line.drawable().next() else {
            continue;
        };
        let top = vertical.at(y);
        out.push_str(&format!(
            "<rect class=\"bar s{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            line.style,
            c(middle - thick / 2.0),
            c(top.min(base)),
            c(thick),
            c((top - base).abs().max(1.0))
        ));
        if room >= 5 {
            let above = top.min(base) - 6.0;
            out.push_str(&text("tick", middle, above, "middle", &label(y)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Series;

    fn draw(series: &[&[(f64, f64)]]) -> String {
        let series = series.iter().enumerate().map(|(i, points)| Series {
            name: format!("series {i}"),
            points: points.to_vec(),
        });
        let fig = Figure {
            title: "t <b>".into(),
            x: "x".into(),
            y: "y".into(),
            series: series.collect(),
        };
        figure(&fig, Size::Wide, "f") + &figure(&fig, Size::Narrow, "g")
    }

    #[test]
    fn no_figure_holds_a_number_that_is_none() {
        let hostile: &[&[(f64, f64)]] = &[
            &[],
            &[(0.0, f64::NAN), (1.0, 1.0), (f64::INFINITY, 2.0)],
            &[(0.0, f64::MAX), (1.0, f64::MIN)],
            &[(1.0, 0.0), (2.0, 5e-324), (3.0, 1e300)],
            &[(1.0, 1.0)],
        ];
        let mut drawings: Vec<String> = hostile.iter().map(|h| draw(&[h])).collect();
        drawings.push(draw(hostile));
        drawings.push(draw(&[]));
        drawings.push(draw(&[&[(0.0, 1e-9)], &[(0.0, 1.0)]]));
        for svg in drawings {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.contains("t &lt;b&gt;"));
        }
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let flat: Vec<Vec<(f64, f64)>> = (0..8)
            .map(|i| vec![(0.0, 1.0), (1.0, 1.0 + f64::from(i) * 1e-6)])
            .collect();
        let slices: Vec<&[(f64, f64)]> = flat.iter().map(Vec::as_slice).collect();
        let svg = draw(&slices);
        let mut ys: Vec<f64> = svg
            .split("<text class=\"label")
            .skip(1)
            .map(|t| t.split("y=\"").nth(1).unwrap().split('"').next().unwrap())
            .map(|y| y.parse().unwrap())
            .collect();
        ys.sort_by(f64::total_cmp);
        assert_eq!(ys.len(), 8);
        assert!(ys.windows(2).all(|w| w[1] - w[0] >= LINE - 0.2), "{ys:?}");
    }
}
