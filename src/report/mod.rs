//! The report: one page of HTML that needs nothing else, from what the summary's
//! JSON contains.
//!
//! Drawn from a [`Document`] alone, so a page made at the end of a run is the one
//! that is made later from its file. No script, no image, no font, no address of
//! anything else; the page forbids itself to load any. Knows no file.

mod bars;
mod compare;
mod exporters;
mod html;
mod inference;
mod noise;
mod plot;
mod scale;
mod sections;
mod series;
mod tables;
mod verdict;

use self::bars::Bars;
use self::html::Html;
use self::scale::{Axis, Unit};
use self::series::Shown;
use crate::measures::{Distribution, Measure, playback, requests};
use crate::summary::Document;

/// Distributions that are drawn; the others are in the table of percentiles.
const DRAWN: [&Measure; 5] = [
    &playback::STARTUP,
    &requests::SEGMENT_DOWNLOAD,
    &requests::PLAYLIST_DOWNLOAD,
    &playback::SPEED,
    &playback::PLAYLIST_EDGE_AGE,
];

/// The report of one run.
#[must_use]
pub fn page(run: &Document) -> String {
    framed("Report of a load run", &sections::summary_line(run), |html| {
        sections::verdict(html, "Verdict", &verdict::of(run));
        sections::section(html, "In short", |html| sections::key_figures(html, run));
        over_time(html, &[Shown { name: "this run", class: "s1", document: run }]);
        sections::section(html, "Distributions", |html| {
            html.element("div", &[("class", "plots")], |html| {
                for (place, (measure, of)) in drawn(run).into_iter().enumerate() {
                    let (title, unit) = (measure.title, Unit::of(measure));
                    let runs = vec![("share", "s1", of)];
                    bars::add(html, &format!("bars-{place}"), &Bars { title, unit, runs });
                }
            });
            sections::percentiles(html, run);
            html.leaf("p", &[("class", "note")], &sections::source_of_times(run));
        });
        exporters::add(html, run);
        sections::section(html, "Outcomes and errors", |html| tables::outcomes(html, run));
        sections::section(html, "Configuration and host", |html| tables::setting(html, run));
        sections::section(html, "Repeat it", |html| sections::command(html, run));
    })
}

/// The report of two runs beside each other.
#[must_use]
pub fn compare(a: &Document, b: &Document) -> String {
    let (names, runs) = (["Run A", "Run B"], [a, b]);
    let shown = || [("Run A", "s1", a), ("Run B", "s2", b)];
    framed("Comparison of two load runs", "Run B compared with run A", |html| {
        for (name, run) in [("Verdict on run A", a), ("Verdict on run B", b)] {
            sections::verdict(html, name, &verdict::of(run));
        }
        sections::section(html, "What changed", |html| {
            compare::differences(html, names, runs);
            compare::runs(html, names, runs);
        });
        over_time(html, &shown().map(|(name, class, document)| Shown { name, class, document }));
        sections::section(html, "Distributions", |html| {
            html.element("div", &[("class", "plots")], |html| {
                for (place, (measure, of_a)) in drawn(a).into_iter().enumerate() {
                    let (title, unit) = (measure.title, Unit::of(measure));
                    let of_b = b.values.times(measure);
                    let mut runs = vec![("Run A", "s1", of_a)];
                    runs.extend(of_b.map(|of_b| ("Run B", "s2", of_b)));
                    bars::add(html, &format!("bars-{place}"), &Bars { title, unit, runs });
                }
            });
            for (name, _, run) in shown() {
                let text = format!("{name}: {}", sections::source_of_times(run));
                html.leaf("p", &[("class", "note")], &text);
            }
        });
        sections::section(html, "Errors", |html| {
            for (name, _, run) in shown() {
                let caption = format!("{name}: most frequent errors in FFmpeg's log");
                tables::errors(html, &caption, run);
            }
        });
        sections::section(html, "Repeat them", |html| {
            for (name, _, run) in shown() {
                html.leaf("h3", &[], name);
                sections::command(html, run);
            }
        });
    })
}

fn drawn(run: &Document) -> Vec<(&'static Measure, &Distribution)> {
    let all = DRAWN.into_iter();
    all.filter_map(|measure| Some((measure, run.values.times(measure)?))).collect()
}

fn over_time(html: &mut Html, runs: &[Shown<'_>]) {
    sections::section(html, "Over time", |html| {
        if runs.iter().all(|run| run.document.series.is_none()) {
            let text = "The file contains no data over time.";
            html.leaf("p", &[("class", "note")], text);
            return;
        }
        let unit = Axis::time(series::duration(runs)).unit;
        let text = format!(
            "Time is {unit} since the ramp began. Hover over a plot to see the peak of that \
             interval."
        );
        html.leaf("p", &[("class", "note")], &text);
        html.element("div", &[("class", "plots")], |html| series::plots(html, runs));
    });
}

/// What every page has around its parts.
fn framed(title: &str, under: &str, parts: impl FnOnce(&mut Html)) -> String {
    let mut html = Html::default();
    html.element("html", &[("lang", "en"), ("xmlns", "http://www.w3.org/1999/xhtml")], |html| {
        html.element("head", &[], |html| head(html, title));
        html.element("body", &[], |html| {
            html.element("header", &[], |html| {
                html.leaf("h1", &[], title);
                html.leaf("p", &[], under);
            });
            html.element("main", &[], parts);
            let made = concat!("Made by ffmpeg-hls-swarm ", env!("CARGO_PKG_VERSION"), ".");
            html.element("footer", &[], |html| html.leaf("p", &[], made));
        });
    });
    html.into_page()
}

fn head(html: &mut Html, title: &str) {
    html.empty("meta", &[("charset", "utf-8")]);
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    html.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", policy)]);
    html.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    html.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    html.leaf("title", &[], title);
    html.style(include_str!("style.css"));
}

#[cfg(test)]
mod tests;
