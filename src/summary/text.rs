//! The exit summary: what a run was, what its clients lived through, and how far
//! the host that made the load is to be trusted.
//!
//! What was not measured is said to be so or left out; it is never shown as 0.

mod judgement;
pub(crate) mod origin_side;
pub(crate) mod streaming;

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) use self::judgement::{judge, judgement};
use crate::ffmpeg::outcome::Outcome;
use crate::measures::Measured;
use crate::measures::limits::{HOST_CPU_SHARE, OWN_CPU_SHARE};
use crate::measures::never_played;
use crate::measures::words;
use crate::stats::totals::LATE_START_MS;
use crate::stats::{Health, Histogram, OriginSide, Series, Snapshot, Totals};
use crate::swarm::{MEMORY_WARNING_BYTES, StallThreshold};
use crate::units::ClientId;
use crate::units::process::SpawnFailureReason;
use crate::units::shard::Shard;
use crate::units::text::visible;

/// Width of the frame in columns.
const WIDTH: usize = 78;

/// Columns before a value.
const INDENT: usize = 20;

/// Most exit codes that get a line of their own.
const MAX_EXIT_LINES: usize = 8;

/// Share of late starts above which the ramp was not the one asked for.
const LATE_SHARE: f64 = 0.05;

/// Share of the run above which a standstill counts: so much was not timed.
const STANDSTILL_SHARE: f64 = 0.05;

/// A ramp that began so long after its moment is worth a line.
const LATE_RAMP: Duration = Duration::from_secs(1);

/// What the numbers are worth if the host fell short.
pub(crate) const BOTTLENECK: &str = "this host, not the origin, was a bottleneck of this run";

/// What ended the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// `-duration` was over.
    DurationReached,
    /// This signal asked for it.
    Signal(&'static str),
    /// This second signal forced it.
    Forced(&'static str),
    /// No client was left that may start again.
    RestartsUsedUp,
    /// No process was started.
    NothingStarted {
        /// This signal came before.
        stopped_by: Option<&'static str>,
    },
}

/// All that the summary tells.
#[derive(Debug, Clone, Copy)]
pub struct SummaryInput<'a> {
    /// What the clients lived through, at the end.
    pub snapshot: &'a Snapshot<'a>,
    /// What the generator itself did.
    pub health: &'a Health,
    /// What could be told at all.
    pub measured: Measured,
    /// When a client counted as stalled.
    pub stall: StallThreshold,
    /// FFmpeg's version, as it says it.
    pub ffmpeg_version: &'a str,
    /// Most resident memory that this process ever had, in bytes, if known.
    pub own_peak_resident_bytes: Option<u64>,
    /// Cores that this run may use, if known.
    pub cores: Option<u32>,
    /// What ended the run.
    pub ending: Ending,
    /// Seed of every random choice.
    pub seed: u64,
    /// The playlist, credentials masked.
    pub url: &'a str,
    /// Which share of the clients this was.
    pub shard: Shard,
    /// Clients of the whole run.
    pub clients: u32,
    /// How long after the moment asked for the ramp began; `None` if none was.
    pub late: Option<Duration>,
    /// The command that repeats the run, credentials masked.
    pub repeat_command: &'a str,
    /// Where `/metrics` was served, if it was.
    pub metrics: Option<SocketAddr>,
    /// Whether TLS was not verified and the host replaced.
    pub dangerous: bool,
    /// The run over time, if it was kept.
    pub series: Option<&'a Series>,
    /// What the origin told of itself; `None` if it was not asked.
    pub origin_side: Option<&'a OriginSide>,
}

/// The summary as a framed block, ending in a line end.
#[must_use]
pub fn render(input: &SummaryInput<'_>) -> String {
    let mut page = Page::default();
    page.rule('=');
    page.line(concat!(" ffmpeg-hls-swarm ", env!("CARGO_PKG_VERSION"), ": exit summary"));
    page.rule('=');
    run(&mut page, input);
    processes(&mut page, input);
    streaming::add(&mut page, input);
    streaming::error_patterns(&mut page, input);
    origin_side::add(&mut page, input);
    host(&mut page, input);
    warnings(&mut page, input);
    page.rule('-');
    repeat(&mut page, input);
    page.rule('=');
    page.text
}

/// A framed block in the making.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(&visible(line));
        self.text.push('\n');
    }

    pub(crate) fn rule(&mut self, of: char) {
        self.line(&of.to_string().repeat(WIDTH));
    }

    pub(crate) fn row(&mut self, name: &str, value: &str) {
        self.line(&format!(" {name:<width$}{value}", width = INDENT - 1));
    }

    /// A shell command in lines that fit.
    pub(crate) fn folded(&mut self, command: &str) {
        folded(command).iter().for_each(|line| self.line(line));
    }

    /// A count before a text of several lines.
    pub(crate) fn wrapped(&mut self, head: &str, text: &str) {
        streaming::add_wrapped(self, head, text);
    }

    /// A name with one line for each value.
    fn rows(&mut self, name: &str, values: &[String]) {
        for (i, value) in values.iter().enumerate() {
            self.row(if i == 0 { name } else { "" }, value);
        }
    }
}

/// What ended a run, in words.
#[must_use]
pub fn ended(ending: Ending) -> String {
    match ending {
        Ending::DurationReached => "-duration was over".to_owned(),
        Ending::Signal(signal) => format!("stopped by {signal}"),
        Ending::Forced(signal) => format!("forced by a second {signal}: all clients were killed"),
        Ending::RestartsUsedUp => "every client used up its restarts".to_owned(),
        Ending::NothingStarted { stopped_by: None } => "no client could be started".to_owned(),
        Ending::NothingStarted { stopped_by: Some(signal) } => {
            format!("stopped by {signal} before a client was started")
        }
    }
}

fn run(page: &mut Page, input: &SummaryInput<'_>) {
    let snapshot = input.snapshot;
    page.row("Ended", &ended(input.ending));
    page.row("Duration", &words::span(snapshot.elapsed));
    if let Some(late) = input.late.filter(|&late| late > LATE_RAMP) {
        page.row("Began late", &format!("{} after -start-at", words::span(late)));
    }
    if !input.shard.is_whole() {
        page.row("Shard", &format!("{} of {} clients", input.shard, input.clients));
    }
    let active = if snapshot.ever_started > 0 {
        format!("peak {}, median {}", snapshot.peak_active, input.snapshot.median_active())
    } else {
        "n/a".to_owned()
    };
    page.row("Clients", &format!("target {}, active: {active}", snapshot.target));
    if !snapshot.target_reached() {
        let below = words::below_target(snapshot.peak_active, snapshot.target);
        let started = words::count(u64::from(snapshot.ever_started));
        page.row("Target", &format!("not reached: {below}, {started} ever started"));
    }
    if input.measured.log {
        page.rows("Never played", &never_played::rows(snapshot));
    }
}

fn processes(page: &mut Page, input: &SummaryInput<'_>) {
    let totals = input.snapshot.totals;
    let (started, restarted) = (words::count(totals.started), words::count(totals.restarted));
    page.row("Starts", &format!("{started}, restarts among them: {restarted}"));
    if totals.max_restarts_reached > 0 {
        let clients = words::plural(totals.max_restarts_reached, "client");
        page.row("Used up restarts", &clients);
    }
    let failures = spawn_failures(input.snapshot);
    if failures.is_empty() {
        page.row("Spawn failures", "none");
    } else {
        page.rows("Spawn failures", &failures);
    }
    page.row("Uptime", &uptime(input.snapshot));
    page.rows("Outcomes", &streaming::outcomes(input.snapshot));
    page.rows("Exits", &exits(input.snapshot));
}

fn spawn_failures(snapshot: &Snapshot<'_>) -> Vec<String> {
    let reasons = SpawnFailureReason::ALL.iter().zip(snapshot.totals.spawn_failures);
    reasons
        .filter(|&(_, failures)| failures > 0)
        .map(|(reason, failures)| format!("{}: {}", reason.name(), words::count(failures)))
        .collect()
}

/// `P50 …, P95 …, P99 …`; `None` where nothing was recorded.
fn percentiles(of: &Histogram) -> Option<String> {
    let at = |quantile| of.quantile(quantile).map(words::span);
    Some(format!("P50 {}, P95 {}, P99 {}", at(0.5)?, at(0.95)?, at(0.99)?))
}

fn uptime(snapshot: &Snapshot<'_>) -> String {
    match (percentiles(&snapshot.totals.uptime), judgement(snapshot)) {
        (Some(values), Some(word)) => format!("{values}: {word}"),
        _ => "n/a".to_owned(),
    }
}

/// Exit codes with their names, counts and shares, the most frequent first.
fn exits(snapshot: &Snapshot<'_>) -> Vec<String> {
    let mut seen: Vec<(u8, u64)> =
        (0_u8..=255).zip(snapshot.totals.exits.iter().copied()).filter(|&(_, n)| n > 0).collect();
    if seen.is_empty() {
        return vec!["none".to_owned()];
    }
    seen.sort_by_key(|&(code, exits)| (std::cmp::Reverse(exits), code));
    let all: u64 = seen.iter().map(|&(_, exits)| exits).sum();
    let shown = seen.iter().take(MAX_EXIT_LINES);
    let mut rows: Vec<_> =
        shown.map(|&(code, n)| share_row(&words::exit_code(code), n, all)).collect();
    let others: u64 = seen.iter().skip(MAX_EXIT_LINES).map(|&(_, exits)| exits).sum();
    if others > 0 {
        rows.push(share_row("other codes", others, all));
    }
    rows
}

/// A name, how often it came, and its share of `all`.
fn share_row(name: &str, count: u64, all: u64) -> String {
    let share = words::share(count as f64, all as f64);
    format!("{name:<22}{:>10}{share:>10}", words::count(count))
}

fn host(page: &mut Page, input: &SummaryInput<'_>) {
    let (snapshot, totals) = (input.snapshot, input.snapshot.totals);
    page.rule('-');
    let of_core = |cpu: Duration| {
        let share = words::share(cpu.as_secs_f64(), snapshot.elapsed.as_secs_f64());
        format!("{} ({share} of one core)", words::span(cpu))
    };
    page.row("Own CPU", &own_cpu(input).map_or_else(|| "n/a".to_owned(), of_core));
    page.row("Own memory", &own_memory(input));
    let cores = input.cores.map_or_else(String::new, |n| format!("; this host has {n}"));
    page.row("FFmpeg's CPU", &format!("{}{cores}", of_core(snapshot.children_cpu)));
    page.row("FFmpeg's memory", &children_memory(snapshot));
    page.row("Late starts", &late_starts(snapshot));
    let dropped = words::count(input.health.journal_dropped);
    page.row("Own log lines", &format!("{dropped} dropped"));
    if let Some(stood) = standstills(input) {
        page.row("Stood still", &stood);
    }
    if totals.stderr_lines > 0 {
        let (read, cut) = (words::count(totals.stderr_lines), totals.stderr_lines_cut);
        page.row("FFmpeg's log lines", &format!("{read} read, {} cut short", words::count(cut)));
    }
    let refused: Vec<_> = values_refused(totals)
        .map(|(claim, count)| format!("{claim}: {}", words::count(count)))
        .collect();
    page.rows("Values refused", &refused);
    if totals.uptime.count() > 0 || totals.lateness.count() > 0 {
        page.line(" Percentiles (P50, P95 and so on) are off by 1 % at most.");
    }
}

/// `None` if this process was never measured, which its start time tells.
pub(crate) fn own_cpu(input: &SummaryInput<'_>) -> Option<Duration> {
    let process = &input.health.process;
    (process.start_unix_secs > 0.0).then_some(process.cpu)
}

fn own_memory(input: &SummaryInput<'_>) -> String {
    let now = own_cpu(input).map(|_| input.health.process.resident_bytes);
    match (now, input.own_peak_resident_bytes) {
        (Some(now), Some(peak)) => format!("{}, peak {}", words::bytes(now), words::bytes(peak)),
        (Some(now), None) => words::bytes(now),
        (None, Some(peak)) => format!("peak {}", words::bytes(peak)),
        (None, None) => "n/a".to_owned(),
    }
}

fn children_memory(snapshot: &Snapshot<'_>) -> String {
    let largest = snapshot.totals.peak_resident_bytes;
    let now = snapshot.children_resident_bytes.map(|now| format!("{} now", words::bytes(now)));
    let largest = (largest > 0).then(|| format!("largest process {}", words::bytes(largest)));
    let known: Vec<_> = [now, largest].into_iter().flatten().collect();
    if known.is_empty() { "n/a".to_owned() } else { known.join(", ") }
}

fn late_starts(snapshot: &Snapshot<'_>) -> String {
    let totals = snapshot.totals;
    let Some(values) = percentiles(&totals.lateness) else { return "n/a".to_owned() };
    let (late, all) = (words::count(totals.late_starts), words::count(totals.lateness.count()));
    format!("{late} of {all} by over {LATE_START_MS} ms; {values}")
}

fn warnings(page: &mut Page, input: &SummaryInput<'_>) {
    let shortfalls = shortfalls(input);
    if !shortfalls.is_empty() {
        page.rule('-');
        page.line(&format!(" WARNING: {BOTTLENECK}:"));
        for shortfall in shortfalls {
            page.line(&format!(" - {shortfall}"));
        }
    }
    if let Some(client) = large_process(input.snapshot.totals) {
        page.rule('-');
        let peak = words::bytes(input.snapshot.totals.peak_resident_bytes);
        page.line(&format!(
            " WARNING: the FFmpeg of client {client} took {peak} of memory, more than a"
        ));
        page.line(" usual stream needs. -ffmpeg-memory-max ends a process that takes too much.");
    }
    if input.dangerous {
        page.rule('-');
        page.line(" WARNING: --dangerous: the URL's host was replaced and TLS was not verified.");
    }
}

/// Numbers in FFmpeg's output that were refused, by name; those that came.
pub(crate) fn values_refused(totals: &Totals) -> impl Iterator<Item = (&'static str, u64)> + use<> {
    let all = totals.refused().by_claim();
    all.filter(|&(_, count)| count > 0).map(|(claim, count)| (claim.name(), count))
}

/// That this program stood still, when and how long; `None` if it did not.
fn standstills(input: &SummaryInput<'_>) -> Option<String> {
    let stood = input.health.standstills;
    let longest_at = input.snapshot.since_start(stood.longest_at);
    words::standstills(stood.count, stood.total, stood.longest, Some(longest_at))
}

/// The client of the largest process, if that was large.
fn large_process(totals: &Totals) -> Option<ClientId> {
    totals.largest_client.filter(|_| totals.peak_resident_bytes >= MEMORY_WARNING_BYTES)
}

/// Why the numbers say less about the origin than they seem to.
pub(crate) fn shortfalls(input: &SummaryInput<'_>) -> Vec<String> {
    let totals = input.snapshot.totals;
    let elapsed = input.snapshot.elapsed.as_secs_f64();
    let own = own_cpu(input).unwrap_or_default().as_secs_f64();
    let all = own + input.snapshot.children_cpu.as_secs_f64();
    let starts = totals.lateness.count() as f64;
    let failures: u64 = totals.spawn_failures.iter().sum();
    let mut found = Vec::new();
    if totals.late_starts as f64 > starts * LATE_SHARE {
        let share = words::share(totals.late_starts as f64, starts);
        found.push(format!("{share} of the starts came late: ask for a lower -ramp-rate"));
    }
    if failures > 0 {
        let refused = words::plural(failures, "start");
        found.push(format!("{refused} failed here: see the spawn failures above"));
    }
    let stood = input.health.standstills.total.as_secs_f64();
    if let Some(how) = standstills(input).filter(|_| stood > elapsed * STANDSTILL_SHARE) {
        found.push(format!("this program stood still {how}: ask why it was stopped"));
    }
    let starved = totals.attempts(Outcome::is_lack_of_memory);
    if starved > 0 {
        let attempts = words::plural(starved, "attempt");
        found.push(format!("{attempts} lacked memory here: ask for fewer -clients"));
    }
    if input.health.journal_dropped > 0 {
        found.push("log lines were dropped: whatever reads stderr is too slow".to_owned());
    }
    if elapsed > 0.0 && own > elapsed * OWN_CPU_SHARE {
        found.push(format!("this program used {} of one core", words::share(own, elapsed)));
    }
    let capacity = input.cores.map_or(0.0, |cores| f64::from(cores) * elapsed);
    if capacity > 0.0 && all > capacity * HOST_CPU_SHARE {
        let share = words::share(all, capacity);
        found.push(format!("the run used {share} of this host's CPU: ask for fewer -clients"));
    }
    found
}

fn repeat(page: &mut Page, input: &SummaryInput<'_>) {
    if let Some(address) = input.metrics {
        page.row("Metrics were at", &format!("http://{address}/metrics"));
    }
    page.row("Seed", &input.seed.to_string());
    page.line(" Repeat this run with:");
    page.folded(input.repeat_command);
}

/// A shell command folded between its words, so that it fits the frame and can
/// still be pasted; a word that is too long keeps its line.
fn folded(command: &str) -> Vec<String> {
    let Ok(words) = shell_words::split(command) else { return vec![command.to_owned()] };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words.iter().map(|word| shell_words::quote(word)) {
        // One space before the word, two characters of continuation after it.
        if !line.is_empty() && line.len() + word.len() + 3 > WIDTH {
            lines.push(format!("{line} \\"));
            line = "   ".to_owned();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests;
