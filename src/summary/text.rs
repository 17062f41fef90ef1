//! The summary as text for people: what a run was, what its clients experienced, and
//! how far the host that made the load is to be trusted.
//!
//! What was not measured is said to be so or left out; it is never shown as 0.

use super::cells;
use super::document::Document;
use super::exporters;
use super::merged::Merged;
use super::page::Page;
use super::rows::{self, Block};
use crate::measures::{
    Ending, METRICS_PATH, Measure, exchanges, host, log, processes, requests, run, shortfalls,
    words,
};
use crate::swarm::MEMORY_WARNING_BYTES;

/// What the numbers are worth if the host fell short.
pub(crate) const BOTTLENECK: &str = "this host, not the origin, was a bottleneck of this run";

/// The summary as a framed block, ending in a line end.
#[must_use]
pub fn render(of: &Document) -> String {
    let mut page = Page::default();
    page.rule('=');
    page.line(&title(of));
    page.rule('=');
    if let Some(merged) = &of.merged {
        shard_rows(&mut page, merged);
    }
    block(&mut page, of, &rows::RUN);
    if let Some(merged) = &of.merged {
        merged.remarks.iter().for_each(|remark| page.wrapped("", remark));
    }
    block(&mut page, of, &rows::PROCESSES);
    page.rule('-');
    stream(&mut page, of);
    error_patterns(&mut page, of);
    exporters::add(&mut page, of);
    page.rule('-');
    block(&mut page, of, &rows::HOST);
    let recorded =
        |measure: &Measure| of.values.times(measure).is_some_and(|times| times.count > 0);
    if recorded(&processes::UPTIME) || recorded(&processes::START_LATENESS) {
        page.line(" Percentiles (P50, P95 and so on) are off by 1 % at most.");
    }
    warnings(&mut page, of);
    page.rule('-');
    repeat(&mut page, of);
    page.rule('=');
    page.text
}

fn title(of: &Document) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match &of.merged {
        None => format!(" ffmpeg-hls-swarm {version}: exit summary"),
        Some(merged) => {
            let all = words::plural(u64::from(merged.count), "shard");
            format!(" ffmpeg-hls-swarm {version}: summary of {} of {all}", merged.shards.len())
        }
    }
}

/// What ended a run, in words.
#[must_use]
pub fn ended(ending: Ending) -> String {
    words::ended(ending.name(), ending.signal())
}

/// Adds the rows of a block, and one for each measure that none of them names.
fn block(page: &mut Page, of: &Document, block: &Block) {
    for row in block.rows {
        page.rows(row.name, &(row.lines)(of));
    }
    for measure in unnamed(block).filter(|measure| of.has(measure)) {
        page.rows(measure.title, &cells::own(of, measure));
    }
}

/// The measures of a block's sections that no row of it names.
fn unnamed(block: &Block) -> impl Iterator<Item = &'static Measure> {
    let of_block = crate::measures::fields()
        .filter(|measure| measure.section().is_some_and(|of| block.sections.contains(&of)));
    of_block.filter(|measure| {
        let named = block.rows.iter().flat_map(|row| row.measures).chain(block.hidden);
        !named.into_iter().any(|named| named.id == measure.id)
    })
}

/// Adds requests, times and stalls, as far as they were measured.
fn stream(page: &mut Page, of: &Document) {
    block(page, of, &rows::BYTES);
    let asked = of.has(&requests::BY_KIND);
    if asked {
        block(page, of, &rows::STREAM);
    } else if of.merged.is_some() {
        page.line(" Requests, times and stalls were not measured by every shard.");
    } else {
        page.line(" Requests, times and stalls were not measured (-stats=false).");
    }
    if of.has(&crate::measures::tcp::RTT) {
        block(page, of, &rows::TCP);
    }
    if of.has(&exchanges::RESULTS) {
        block(page, of, &rows::EXCHANGES);
        page.line(" Requests and their times are those of the exchanges on the wire.");
    } else if asked {
        page.line(" Times of connects, segments and playlists are inferred from FFmpeg's log.");
    }
}

/// Adds the most frequent error patterns.
fn error_patterns(page: &mut Page, of: &Document) {
    let lines = of.values.whole(&log::ERROR_LINES);
    if lines.is_none_or(|lines| lines == 0) {
        if of.has(&requests::BY_KIND) {
            page.row("Errors in the log", lines.map_or("n/a", |_| "none"));
        }
        return;
    }
    page.row("Errors in the log", &words::plural(lines.unwrap_or(0), "line"));
    let patterns = of.values.patterns(&log::ERROR_PATTERNS);
    if patterns.is_empty() {
        return;
    }
    page.rule('-');
    let about = if of.merged.is_some() { "about" } else { "at most" };
    page.line(&format!(" Most frequent errors in FFmpeg's log; # is a number, ~ is {about}:"));
    for pattern in patterns {
        let exact = pattern.overcount == 0 && pattern.undercount.unwrap_or(0) == 0;
        let head = format!("{}{}", if exact { "" } else { "~" }, words::count(pattern.count));
        page.wrapped(&head, &pattern.pattern);
    }
}

/// Adds a row for each shard to the text.
fn shard_rows(page: &mut Page, merged: &Merged) {
    for shard in &merged.shards {
        let (clients, starts) = (words::count(shard.clients), words::count(shard.started));
        let row = format!("{clients} clients, {starts} starts: {}", shard.file);
        page.row(&format!("Shard {}", shard.index), &row);
    }
}

/// Adds a warning for shards that are missing to the text.
fn missing(page: &mut Page, merged: &Merged) {
    if merged.missing.is_empty() {
        return;
    }
    page.rule('-');
    page.line(" WARNING: this summary is incomplete; these shards are missing:");
    for index in &merged.missing {
        page.line(&format!(" - shard {index}/{}", merged.count));
    }
}

fn warnings(page: &mut Page, of: &Document) {
    if let Some(merged) = &of.merged {
        missing(page, merged);
    }
    let shortfalls = of.values.texts(&shortfalls::SHORTFALLS);
    if !shortfalls.is_empty() {
        page.rule('-');
        if of.merged.is_some() {
            page.line(" WARNING: a host, not the origin, was a bottleneck of this run:");
        } else {
            page.line(&format!(" WARNING: {BOTTLENECK}:"));
        }
        for shortfall in shortfalls {
            page.line(&format!(" - {shortfall}"));
        }
    }
    let peak = of.values.whole(&host::FFMPEG_PEAK_RESIDENT);
    if let Some(peak) = peak.filter(|&peak| peak >= MEMORY_WARNING_BYTES)
        && let Some(client) = of.values.text(&host::LARGEST_CLIENT)
    {
        page.rule('-');
        page.line(&format!(
            " WARNING: the FFmpeg of client {client} took {} of memory, more than a",
            words::bytes(peak)
        ));
        page.line(" usual stream needs. -ffmpeg-memory-max ends a process that takes too much.");
    }
    if of.values.flag(&run::DANGEROUS) == Some(true) {
        page.rule('-');
        page.line(" WARNING: --dangerous: the URL's host was replaced and TLS was not verified.");
    }
}

fn repeat(page: &mut Page, of: &Document) {
    if let Some(address) = of.values.text(&run::METRICS_ADDRESS) {
        page.row("Metrics were at", &format!("http://{address}{METRICS_PATH}"));
    }
    let seed = of.values.whole(&run::SEED);
    page.row("Seed", &seed.map_or_else(|| "n/a".to_owned(), |seed| seed.to_string()));
    if let Some(command) = of.values.text(&run::COMMAND) {
        let all = of.merged.is_some();
        page.line(if all { " All of it from one host:" } else { " Repeat this run with:" });
        page.folded(command);
    }
}

#[cfg(test)]
mod tests;
