//! How often which value came, as bars; of two runs, as two outlines.

use super::html::Html;
use super::plot::{across, band, drawing, figure, frame, number, top, up};
use super::scale::{Axis, Unit, linear_ticks, log_ticks};
use crate::measures::Distribution;

/// Bars of a plot.
const BARS: usize = 44;

/// From this ratio of the largest to the smallest value on, the axis is
/// logarithmic.
const LOG_FROM: f64 = 8.0;

/// Smallest value that a logarithmic axis shows, in the unit: 1 µs.
const LOG_LEAST: f64 = 1e-6;

/// An axis begins at this share of the first percentile if not above it: a few
/// values near zero would squeeze all others together.
const LOW_SHARE: f64 = 0.3;

/// The distributions of one run or two.
pub(super) struct Bars<'a> {
    pub(super) title: &'static str,
    pub(super) unit: Unit,
    /// Name, class and values of each run.
    pub(super) runs: Vec<(&'a str, &'static str, &'a Distribution)>,
}

/// A horizontal axis of values.
struct Span {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Span {
    /// One that holds all values but the lowest, which the first bar takes in;
    /// `None` if there is none.
    fn of(bars: &Bars<'_>) -> Option<Self> {
        let values = || bars.runs.iter().flat_map(|(.., all)| &all.recorded);
        let values = || values().map(|&[value, _]| value as f64 / 1e6);
        let (least, to) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        let low = bars.runs.iter().filter_map(|(.., all)| Some(all.percentiles.as_ref()?.p1));
        let from = low.reduce(f64::min).map_or(least, |low| least.max(low * LOW_SHARE));
        if bars.unit != Unit::Speed && to / from.max(LOG_LEAST) >= LOG_FROM {
            return Some(Self { from: from.max(LOG_LEAST) * 0.9, to: to * 1.1, logarithmic: true });
        }
        let room = ((to - least) * 0.05).max(to * 0.02).max(LOG_LEAST);
        Some(Self { from: (least - room).max(0.0), to: to + room, logarithmic: false })
    }

    /// Where a value lies, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            (value.max(LOG_LEAST) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        place.clamp(0.0, 1.0)
    }

    /// The value that lies there.
    fn value(&self, share: f64) -> f64 {
        if self.logarithmic {
            self.from * (self.to / self.from).powf(share)
        } else {
            self.from + (self.to - self.from) * share
        }
    }

    fn ticks(&self, unit: Unit) -> Vec<(f64, String)> {
        let places = if self.logarithmic {
            log_ticks(self.from, self.to)
        } else {
            linear_ticks(self.from, self.to)
        };
        let label = |value: f64| match unit {
            Unit::Seconds => short_span(value),
            _ => super::scale::plain(value),
        };
        places.into_iter().map(|value| (across(self.share(value)), label(value))).collect()
    }

    /// Shares of all values, in per cent, by bar.
    fn shares(&self, of: &Distribution) -> Vec<f64> {
        let mut bars = vec![0.0; BARS];
        let all = of.recorded.iter().fold(0.0, |sum, &[_, count]| sum + count as f64);
        for &[value, count] in &of.recorded {
            let place = (self.share(value as f64 / 1e6) * BARS as f64) as usize;
            if let Some(bar) = bars.get_mut(place.min(BARS - 1)) {
                *bar += count as f64 * 100.0 / all;
            }
        }
        bars
    }
}

/// A span on an axis: `250 ms`, `1.5 s`.
fn short_span(secs: f64) -> String {
    let (value, unit) = match secs {
        _ if secs < 0.000_999 => (secs * 1e6, "µs"),
        _ if secs < 0.999 => (secs * 1e3, "ms"),
        _ if secs < 599.0 => (secs, "s"),
        _ => (secs / 60.0, "min"),
    };
    format!("{} {unit}", super::scale::plain(value))
}

/// Adds the bars as a figure; where nothing came, nothing is added.
pub(super) fn add(html: &mut Html, id: &str, bars: &Bars<'_>) {
    let Some(span) = Span::of(bars) else { return };
    let shares: Vec<_> = bars.runs.iter().map(|(.., all)| span.shares(all)).collect();
    let most = shares.iter().flatten().copied().fold(0.0, f64::max);
    let vertical = Axis::vertical(Unit::Percent, most);
    let single = bars.runs.len() == 1;
    let names = bars.runs.iter().map(|&(name, class, _)| (class, name));
    let legend: Vec<_> = names.filter(|_| !single).collect();
    figure(html, bars.title, &legend, |html| {
        drawing(html, id, bars.title, &described(bars), |html| {
            frame(html, &vertical, &span.ticks(bars.unit));
            for ((_, class, _), shares) in bars.runs.iter().zip(&shares) {
                let path = outline(shares, vertical.end);
                html.empty("path", &[("class", &format!("area {class}")), ("d", &path)]);
            }
            if let (true, Some((.., all))) = (single, bars.runs.first()) {
                markers(html, &span, all);
            }
            labels(html, bars, &span, &shares);
        });
    });
}

/// The upper edge of all bars, closed along the base.
fn outline(shares: &[f64], end: f64) -> String {
    let base = number(up(0.0));
    let mut path = format!("M{} {base}", number(across(0.0)));
    for (place, share) in shares.iter().enumerate() {
        let right = across((place + 1) as f64 / shares.len() as f64);
        path.push_str(&format!("V{}H{}", number(up(share / end)), number(right)));
    }
    path.push_str(&format!("V{base}Z"));
    path
}

/// Upright lines at the percentiles.
fn markers(html: &mut Html, span: &Span, all: &Distribution) {
    let Some(at) = &all.percentiles else { return };
    let mut free_from = 0.0;
    for (name, value) in [("P50", at.p50), ("P95", at.p95), ("P99", at.p99)] {
        let place = across(span.share(value));
        let x = number(place);
        let ends = [("y1", &*number(top())), ("y2", &*number(up(0.0)))];
        let [from, to] = ends;
        html.empty("line", &[("class", "marker"), ("x1", &x), ("x2", &x), from, to]);
        // A label that would lie on the one before it says less than none.
        if place >= free_from {
            let y = number(top() - 5.0);
            html.leaf("text", &[("class", "unit mid"), ("x", &x), ("y", &y)], name);
            free_from = place + 28.0;
        }
    }
}

/// Areas over the bars that show their shares under the pointer.
fn labels(html: &mut Html, bars: &Bars<'_>, span: &Span, shares: &[Vec<f64>]) {
    for place in 0..BARS {
        let share = |of: &Vec<f64>| of.get(place).copied().unwrap_or(0.0);
        if shares.iter().all(|of| share(of) <= 0.0) {
            continue;
        }
        let (left, right) = (place as f64 / BARS as f64, (place + 1) as f64 / BARS as f64);
        let (from, to) = (span.value(left), span.value(right));
        let shares: Vec<_> = (bars.runs.iter().zip(shares))
            .map(|((name, ..), of)| format!("{name} {}", Unit::Percent.show(share(of))))
            .collect();
        let (from, to) = (bars.unit.show(from), bars.unit.show(to));
        let from = if place == 0 { "up".to_owned() } else { from };
        let label = format!("{from} to {to}: {}", shares.join(", "));
        band(html, (across(left), across(right)), &label);
    }
}

/// What the bars say, for those who cannot see them.
fn described(bars: &Bars<'_>) -> String {
    let runs = bars.runs.iter().filter_map(|(name, _, all)| {
        let at = all.percentiles.as_ref()?;
        let [p50, p95, p99] = [at.p50, at.p95, at.p99].map(|value| bars.unit.show(value));
        let count = crate::measures::words::count(all.count);
        Some(format!("{name}: {count} values, P50 {p50}, P95 {p95}, P99 {p99}."))
    });
    runs.collect::<Vec<_>>().join(" ")
}
