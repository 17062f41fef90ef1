//! One plot: a frame with axes, and lines over time or bars over values.
//!
//! Drawn in units of its own, so that it fits any width. A pointer over a value
//! shows it; the description holds the values for screen readers.

use super::html::Html;
use super::scale::{Axis, Unit, clock};

/// Width and height of a plot, and the room around its frame, in units of the
/// drawing.
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 28.0;

/// Most places at which values are shown: one is some 4 units wide.
const BANDS_MAX: usize = 110;

/// One line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// What it is, as the legend has it.
    pub(super) name: String,
    /// How it is drawn: a class of the style sheet.
    pub(super) class: &'static str,
    /// Seconds since the start, and what was there if anything was.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

impl Line {
    fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.points.iter().filter_map(|&(_, value)| value)
    }

    fn most(&self) -> Option<f64> {
        self.values().reduce(f64::max)
    }
}

/// Lines over the time of a run.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) unit: Unit,
    pub(super) lines: Vec<Line>,
    /// Seconds that the axis covers.
    pub(super) duration: f64,
}

/// Adds a plot as a figure; one in which nothing was is left out.
pub(super) fn over_time(html: &mut Html, id: &str, plot: &Plot) {
    let mosts = plot.lines.iter().filter_map(Line::most);
    let Some(most) = mosts.reduce(f64::max) else { return };
    let vertical = Axis::vertical(plot.unit, most);
    let horizontal = Axis::time(plot.duration);
    let legend: Vec<_> = plot.lines.iter().map(|line| (line.class, line.name.as_str())).collect();
    figure(html, plot.title, &legend, |html| {
        drawing(html, id, plot.title, &described(plot), |html| {
            let ticks: Vec<_> = horizontal
                .ticks
                .iter()
                .map(|(at, text)| (across(at / horizontal.end), text.clone()))
                .collect();
            frame(html, &vertical, &ticks);
            // What the legend names first lies on top.
            for line in plot.lines.iter().rev() {
                let class = format!("line {}", line.class);
                html.empty(
                    "path",
                    &[("class", &class), ("d", &path(line, &horizontal, &vertical))],
                );
            }
            bands(html, plot, &horizontal);
        });
    });
}

/// A figure with its title and legend.
pub(super) fn figure(
    html: &mut Html,
    title: &str,
    legend: &[(&'static str, &str)],
    inside: impl FnOnce(&mut Html),
) {
    html.element("figure", &[], |html| {
        html.element("figcaption", &[], |html| {
            html.leaf("h3", &[], title);
            for (class, name) in legend {
                html.leaf("span", &[("class", &format!("key {class}"))], name);
                html.text(" ");
            }
        });
        inside(html);
    });
}

/// A drawing with what it is called and what it says.
pub(super) fn drawing(
    html: &mut Html,
    id: &str,
    title: &str,
    description: &str,
    inside: impl FnOnce(&mut Html),
) {
    let (title_id, description_id) = (format!("{id}-t"), format!("{id}-d"));
    let names = format!("{title_id} {description_id}");
    let view_box = format!("0 0 {WIDTH} {HEIGHT}");
    let attributes = [
        ("xmlns", "http://www.w3.org/2000/svg"),
        ("role", "img"),
        ("viewBox", &*view_box),
        ("aria-labelledby", &names),
    ];
    html.element("svg", &attributes, |html| {
        html.leaf("title", &[("id", &title_id)], title);
        html.leaf("desc", &[("id", &description_id)], description);
        inside(html);
    });
}

/// Grid, ticks and units.
pub(super) fn frame(html: &mut Html, vertical: &Axis, ticks: &[(f64, String)]) {
    for (value, label) in &vertical.ticks {
        let y = up(value / vertical.end);
        let (right, label_y) = (number(WIDTH - RIGHT), number(y + 4.0));
        let class = if *value > 0.0 { "grid" } else { "base" };
        let y = number(y);
        html.empty(
            "line",
            &[("class", class), ("x1", &number(LEFT)), ("x2", &right), ("y1", &y), ("y2", &y)],
        );
        let at = [("class", "tick end"), ("x", &*number(LEFT - 7.0)), ("y", &label_y)];
        html.leaf("text", &at, label);
    }
    for (x, label) in ticks {
        let (x, y) = (number(*x), number(HEIGHT - BOTTOM + 17.0));
        let (from, to) = (number(HEIGHT - BOTTOM), number(HEIGHT - BOTTOM + 4.0));
        html.empty(
            "line",
            &[("class", "base"), ("x1", &x), ("x2", &x), ("y1", &from), ("y2", &to)],
        );
        html.leaf("text", &[("class", "tick mid"), ("x", &x), ("y", &y)], label);
    }
    if !vertical.unit.is_empty() {
        let at = [("class", "unit"), ("x", "4"), ("y", &*number(TOP - 12.0))];
        html.leaf("text", &at, vertical.unit);
    }
}

/// A line as a path; where nothing was it is interrupted, and a value alone is a
/// dot.
fn path(line: &Line, horizontal: &Axis, vertical: &Axis) -> String {
    let mut path = String::new();
    let mut alone: Option<bool> = None;
    for &(at, value) in &line.points {
        let Some(value) = value else {
            if alone.take() == Some(true) {
                path.push_str("h0");
            }
            continue;
        };
        path.push(if alone.is_none() { 'M' } else { 'L' });
        alone = Some(alone.is_none());
        path.push_str(&number(across(at / horizontal.end)));
        path.push(' ');
        path.push_str(&number(up(value / vertical.end)));
    }
    if alone == Some(true) {
        path.push_str("h0");
    }
    path
}

/// Areas over the plot that show the values beneath the pointer.
fn bands(html: &mut Html, plot: &Plot, horizontal: &Axis) {
    let most = plot.lines.iter().map(|line| line.points.len()).max().unwrap_or(0);
    let count = most.clamp(1, BANDS_MAX);
    let width = horizontal.end / count as f64;
    for place in 0..count {
        let (from, to) = (place as f64 * width, (place + 1) as f64 * width);
        let values = plot.lines.iter().filter_map(|line| {
            let inside = line.points.iter().filter(|&&(at, _)| at > from && at <= to);
            let most = inside.filter_map(|&(_, value)| value).reduce(f64::max)?;
            Some(format!("{} {}", line.name, plot.unit.show(most)))
        });
        let values: Vec<_> = values.collect();
        if values.is_empty() {
            continue;
        }
        let label = format!("{} to {}: {}", clock(from), clock(to), values.join(", "));
        let span = (across(from / horizontal.end), across(to / horizontal.end));
        band(html, span, &label);
    }
}

/// One such place, from one x to another.
pub(super) fn band(html: &mut Html, (from, to): (f64, f64), label: &str) {
    let (x, width) = (number(from), number((to - from).max(0.1)));
    let (y, height) = (number(TOP), number(HEIGHT - TOP - BOTTOM));
    let place = [("class", "band"), ("x", &*x), ("y", &y), ("width", &width), ("height", &height)];
    html.element("rect", &place, |html| html.leaf("title", &[], label));
}

/// What the lines say, for those who cannot see them.
fn described(plot: &Plot) -> String {
    let lines = plot.lines.iter().filter_map(|line| {
        let (most, last) = (line.most()?, line.values().last()?);
        let (most, last) = (plot.unit.show(most), plot.unit.show(last));
        Some(format!("{}: at most {most}, {last} at the end.", line.name))
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// The x of a share of the width, 0 to 1.
pub(super) fn across(share: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * share.clamp(0.0, 1.0)
}

/// The y of a share of the height, 0 to 1.
pub(super) fn up(share: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share.clamp(0.0, 1.0)
}

/// The y of the upper edge of the frame.
pub(super) const fn top() -> f64 {
    TOP
}

/// A coordinate rounded to a tenth of a unit, which is not visible.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>]) -> Line {
        let points = values.iter().zip(1_u32..).map(|(&value, at)| (f64::from(at), value));
        Line { name: "P50".to_owned(), class: "s1", points: points.collect() }
    }

    #[test]
    fn a_gap_interrupts_a_line_and_a_value_alone_is_a_dot() {
        let axis = |end| Axis { end, ticks: Vec::new(), unit: "" };
        let cases: [(&[Option<f64>], &str); 3] = [
            (&[Some(0.0), Some(10.0)], "M167 202L280 26"),
            (&[Some(0.0), None, Some(10.0)], "M167 202h0M393 26h0"),
            (&[None, None], ""),
        ];
        for (values, want) in cases {
            assert_eq!(path(&line(values), &axis(4.0), &axis(10.0)), want);
        }
    }

    #[test]
    fn a_plot_tells_its_values_and_one_of_nothing_is_left_out() {
        let mut plot = Plot {
            title: "Segment times",
            unit: Unit::Seconds,
            lines: vec![line(&[None, Some(0.25), Some(0.5)])],
            duration: 3.0,
        };
        let mut html = Html::default();
        over_time(&mut html, "segments", &plot);
        let page = html.into_page();
        assert!(page.contains("<desc id=\"segments-d\">P50: at most 500 ms, 500 ms at the end."));
        assert!(page.contains("<title>0:01 to 0:02: P50 250 ms</title>"), "{page}");
        plot.lines = vec![line(&[None])];
        let mut html = Html::default();
        over_time(&mut html, "segments", &plot);
        assert_eq!(html.into_page(), "<!DOCTYPE html>\n");
    }
}
