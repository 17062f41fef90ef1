//! The rows of the summary's text: which measures stand in which row.
//!
//! A measure that no row names has one of its own at the end of its block.

use std::cmp::Reverse;

use super::document::Document;
use crate::ffmpeg::outcome::Outcome;
use crate::measures::value::total;
use crate::measures::{
    Distribution, Kind, Measure, Unit, clients, generator, host, log, playback, processes,
    requests, run, tcp, words,
};
use crate::stats::totals::LATE_START_MS;

/// Most exit codes, kinds of failure and error statuses that are named.
const NAMES_MAX: usize = 8;

/// A ramp that began so long after its moment is worth a row, in seconds.
const LATE_RAMP_SECS: f64 = 1.0;

/// A row: its name, the measures in it, and its lines; without lines it is left out.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) measures: &'static [&'static Measure],
    pub(super) lines: fn(&Document) -> Vec<String>,
}

/// Rows that stand together, and the sections of the summary that they are of.
pub(super) struct Block {
    pub(super) sections: &'static [&'static str],
    pub(super) rows: &'static [Row],
    /// Measures of these sections that the text does not show.
    pub(super) hidden: &'static [&'static Measure],
}

const fn row(
    name: &'static str,
    measures: &'static [&'static Measure],
    lines: fn(&Document) -> Vec<String>,
) -> Row {
    Row { name, measures, lines }
}

/// What the run was and how many clients it had.
pub(super) static RUN: Block = Block {
    sections: &["run", "shard", "clients"],
    rows: &[
        row("Ended", &[&run::ENDED, &run::SIGNAL], |of| vec![ended(of)]),
        row("Duration", &[&run::DURATION], duration),
        row("Began late", &[&run::LATE], late),
        row("Shard", &[&run::SHARD_INDEX, &run::SHARD_COUNT, &run::SHARD_CLIENTS], shard),
        row(
            "Clients",
            &[
                &clients::TARGET,
                &clients::PEAK_ACTIVE,
                &clients::PEAK_ACTIVE_AT_MOST,
                &clients::MEDIAN_ACTIVE,
            ],
            |of| vec![format!("target {}, active: {}", counted(of, &clients::TARGET), active(of))],
        ),
        row("Target", &[&clients::TARGET_REACHED, &clients::EVER_STARTED], target),
        row(
            "Never played",
            &[
                &clients::NEVER_PLAYED,
                &clients::KEPT_BY,
                &clients::KEPT_EXAMPLE,
                &clients::NEVER_PLAYED_WHY,
            ],
            never_played,
        ),
    ],
    hidden: &[
        &clients::ACTIVE_TIME,
        &host::START_TIME,
        &run::URL,
        &run::SEED,
        &run::COMMAND,
        &run::DANGEROUS,
        &run::METRICS_ADDRESS,
    ],
};

/// What became of the processes.
pub(super) static PROCESSES: Block = Block {
    sections: &["processes"],
    rows: &[
        row("Starts", &[&processes::STARTED, &processes::RESTARTED], |of| {
            let started = counted(of, &processes::STARTED);
            vec![format!("{started}, restarts among them: {}", counted(of, &processes::RESTARTED))]
        }),
        row("Used up restarts", &[&processes::MAX_RESTARTS_REACHED], |of| {
            let clients = whole(of, &processes::MAX_RESTARTS_REACHED).filter(|&n| n > 0);
            clients.map(|clients| words::plural(clients, "client")).into_iter().collect()
        }),
        row("Spawn failures", &[&processes::SPAWN_FAILURES], |of| {
            let came = came(of, &processes::SPAWN_FAILURES).into_iter();
            or_none(came.map(|(name, count)| format!("{name}: {}", words::count(count))).collect())
        }),
        row("Uptime", &[&processes::UPTIME, &processes::UPTIME_JUDGEMENT], |of| {
            let values = percentiles(of.values.times(&processes::UPTIME));
            let word = of.values.text(&processes::UPTIME_JUDGEMENT);
            vec![match (values, word) {
                (Some(values), Some(word)) => format!("{values}: {word}"),
                _ => n_a(),
            }]
        }),
        row("Outcomes", &[&processes::OUTCOMES], |of| {
            shares(came(of, &processes::OUTCOMES), "other outcomes", Outcome::ALL.len())
        }),
        row("Exits", &[&processes::EXITS], |of| {
            let named = |(code, n): (String, u64)| {
                (code.parse().map_or_else(|_| code.clone(), words::exit_code), n)
            };
            let exits = came(of, &processes::EXITS).into_iter().map(named).collect();
            shares(exits, "other codes", NAMES_MAX)
        }),
    ],
    // They are shown with the host that they speak of.
    hidden: &[&processes::START_LATENESS, &processes::LATE_STARTS],
};

/// What the clients received.
pub(super) static BYTES: Block = Block {
    sections: &["bytes"],
    rows: &[row("Bytes", &[&requests::BYTES, &requests::BIT_RATE], |of| {
        let Some(bytes) = whole(of, &requests::BYTES) else { return Vec::new() };
        let rate = of.values.number(&requests::BIT_RATE).map(words::bit_rate);
        vec![with_rate(words::bytes(bytes), rate)]
    })],
    hidden: &[],
};

/// What the clients asked for, and what a viewer would have experienced.
pub(super) static STREAM: Block = Block {
    sections: &["requests", "playback"],
    rows: &[
        row("Segments", &[&requests::SEGMENTS, &requests::SEGMENTS_PER_MINUTE], |of| {
            vec![a_minute(of, &requests::SEGMENTS, &requests::SEGMENTS_PER_MINUTE)]
        }),
        row(
            "Playlist refreshes",
            &[&requests::PLAYLIST_REFRESHES, &requests::REFRESHES_PER_MINUTE],
            |of| vec![a_minute(of, &requests::PLAYLIST_REFRESHES, &requests::REFRESHES_PER_MINUTE)],
        ),
        row("Requests", &[&requests::BY_KIND], |of| {
            let all = of.values.counts(&requests::BY_KIND).iter().filter(|&&(_, n)| n > 0);
            let all = all.map(|(kind, n)| format!("{kind} {}", words::count(*n)));
            vec![joined(all.collect())]
        }),
        row("Connections", &[&requests::CONNECTIONS_NEW, &requests::CONNECTIONS_REUSED], |of| {
            let new = counted(of, &requests::CONNECTIONS_NEW);
            vec![format!("{new} new, {} reused", counted(of, &requests::CONNECTIONS_REUSED))]
        }),
        row("Failed requests", &[&requests::ERRORS], |of| {
            or_none(most(came(of, &requests::ERRORS)))
        }),
        row("Error statuses", &[&requests::HTTP_ERRORS], |of| {
            vec![joined(most(came(of, &requests::HTTP_ERRORS)))]
        }),
        row(
            "Interruptions",
            &[&requests::SEGMENTS_SKIPPED, &requests::RECONNECTIONS, &requests::TIMEOUTS],
            |of| {
                let all = [
                    (&requests::SEGMENTS_SKIPPED, "skipped segment"),
                    (&requests::RECONNECTIONS, "reconnect"),
                    (&requests::TIMEOUTS, "timeout"),
                ];
                let came = all.map(|(measure, noun)| (whole(of, measure).unwrap_or(0), noun));
                let came = came.into_iter().filter(|&(count, _)| count > 0);
                vec![joined(came.map(|(count, noun)| words::plural(count, noun)).collect())]
            },
        ),
        row("Sequence jumps", &[&requests::SEQUENCE_JUMPS], |of| {
            own(of, &requests::SEQUENCE_JUMPS)
        }),
        row("Failed reloads", &[&requests::RELOAD_FAILURES], |of| {
            own(of, &requests::RELOAD_FAILURES)
        }),
        row("Connects", &[&requests::TCP_CONNECT], |of| own(of, &requests::TCP_CONNECT)),
        row("Segment times", &[&requests::SEGMENT_DOWNLOAD], |of| {
            own(of, &requests::SEGMENT_DOWNLOAD)
        }),
        row("Playlist times", &[&requests::PLAYLIST_DOWNLOAD], |of| {
            own(of, &requests::PLAYLIST_DOWNLOAD)
        }),
        row("Start-up", &[&playback::STARTUP], |of| own(of, &playback::STARTUP)),
        row("Stalls", &[&playback::STALLS, &playback::STALL_TIME, &playback::STALLED], stalls),
        row(
            "Stall threshold",
            &[
                &playback::STALL_THRESHOLD,
                &playback::TARGET_DURATION,
                &playback::TARGET_DURATION_SOURCE,
            ],
            |of| {
                let text = stall_threshold(of);
                vec![text.unwrap_or_else(|| "not the same in every shard".to_owned())]
            },
        ),
        row("Speed", &[&playback::SPEED], |of| own(of, &playback::SPEED)),
        row("Drift", &[&playback::DRIFT], |of| own(of, &playback::DRIFT)),
        row("Playlist edge age", &[&playback::PLAYLIST_EDGE_AGE], |of| {
            own(of, &playback::PLAYLIST_EDGE_AGE)
        }),
    ],
    hidden: &[&playback::BELOW_REALTIME, &playback::ABOVE_REALTIME],
};

/// What the kernel reports of the sockets.
pub(super) static TCP: Block = Block {
    sections: &["tcp"],
    rows: &[
        row("TCP round trips", &[&tcp::RTT], |of| own(of, &tcp::RTT)),
        row("TCP retransmits", &[&tcp::RETRANSMITS], |of| vec![counted(of, &tcp::RETRANSMITS)]),
    ],
    hidden: &[],
};

/// What the run cost the host, and what was read of FFmpeg.
pub(super) static HOST: Block = Block {
    sections: &["host", "log"],
    rows: &[
        row("Own CPU", &[&host::OWN_CPU], |of| vec![of_core(of, &host::OWN_CPU)]),
        row("Own memory", &[&host::OWN_RESIDENT, &host::OWN_PEAK_RESIDENT], own_memory),
        row("FFmpeg's CPU", &[&host::FFMPEG_CPU, &host::CORES], |of| {
            let (cores, hosts) = (whole(of, &host::CORES), of.merged.is_some());
            let cores = cores.map_or_else(String::new, |cores| {
                if hosts {
                    format!("; all hosts have {cores} cores")
                } else {
                    format!("; this host has {cores}")
                }
            });
            vec![format!("{}{cores}", of_core(of, &host::FFMPEG_CPU))]
        }),
        row(
            "FFmpeg's memory",
            &[&host::FFMPEG_RESIDENT, &host::FFMPEG_PEAK_RESIDENT, &host::LARGEST_CLIENT],
            ffmpeg_memory,
        ),
        row("Late starts", &[&processes::LATE_STARTS, &processes::START_LATENESS], late_starts),
        row("Own log lines", &[&generator::JOURNAL_DROPPED], |of| {
            vec![format!("{} dropped", counted(of, &generator::JOURNAL_DROPPED))]
        }),
        row(
            "Stood still",
            &[
                &generator::STANDSTILLS,
                &generator::STANDSTILL_TIME,
                &generator::STANDSTILL_LONGEST,
                &generator::STANDSTILL_LONGEST_AT,
            ],
            |of| crate::measures::shortfalls::standstills(&of.values).into_iter().collect(),
        ),
        row("FFmpeg's log lines", &[&log::LINES, &log::LINES_CUT], |of| {
            let Some(lines) = whole(of, &log::LINES).filter(|&lines| lines > 0) else {
                return Vec::new();
            };
            let cut = counted(of, &log::LINES_CUT);
            vec![format!("{} read, {cut} cut short", words::count(lines))]
        }),
        row("Values refused", &[&log::VALUES_REFUSED], |of| {
            let all = came(of, &log::VALUES_REFUSED).into_iter();
            all.map(|(name, count)| format!("{name}: {}", words::count(count))).collect()
        }),
    ],
    hidden: &[
        &generator::TURNS,
        &generator::EVENTS,
        &generator::STANDSTILL_FIRST_AT,
        &log::ERROR_LINES,
        &log::ERROR_PATTERNS,
        &crate::measures::shortfalls::SHORTFALLS,
    ],
};

/// A measure as it is shown where nothing else is said.
pub(super) fn own(of: &Document, measure: &Measure) -> Vec<String> {
    let values = &of.values;
    vec![match measure.kind {
        Kind::Whole => match values.whole(measure) {
            None => n_a(),
            Some(value) if measure.unit == Unit::Bytes => words::bytes(value),
            Some(0) if measure.grows => "none".to_owned(),
            Some(value) => words::count(value),
        },
        Kind::Number => values.number(measure).map_or_else(n_a, |value| match measure.unit {
            Unit::Seconds => words::span(words::duration(value)),
            Unit::BitsPerSecond => words::bit_rate(value),
            Unit::Ratio => words::share(value, 1.0),
            _ => format!("{value:.1}"),
        }),
        Kind::Times if measure.unit == Unit::Ratio => {
            speeds(values.times(measure)).unwrap_or_else(n_a)
        }
        Kind::Times => percentiles(values.times(measure)).unwrap_or_else(n_a),
        Kind::Counts | Kind::Groups if values.has(measure) => joined(most(came(of, measure))),
        Kind::Flag => {
            values.flag(measure).map_or_else(n_a, |flag| if flag { "yes" } else { "no" }.to_owned())
        }
        Kind::Text => values.text(measure).map_or_else(n_a, str::to_owned),
        Kind::Counts | Kind::Groups | Kind::Texts | Kind::Patterns => n_a(),
    }]
}

fn n_a() -> String {
    "n/a".to_owned()
}

fn whole(of: &Document, measure: &Measure) -> Option<u64> {
    of.values.whole(measure)
}

fn counted(of: &Document, measure: &Measure) -> String {
    whole(of, measure).map_or_else(n_a, words::count)
}

/// The counts by name that came, the most frequent first, equal ones in the order of
/// their list.
fn came(of: &Document, measure: &Measure) -> Vec<(String, u64)> {
    let pairs = of.values.groups(measure).iter().map(|(names, n)| (names.join(" "), *n));
    let mut all: Vec<_> = of.values.counts(measure).iter().cloned().chain(pairs).collect();
    all.retain(|&(_, count)| count > 0);
    all.sort_by_key(|&(_, count)| Reverse(count));
    all
}

/// The first of some counts, and the rest of them as one.
fn most(all: Vec<(String, u64)>) -> Vec<String> {
    let rest = total(all.iter().skip(NAMES_MAX).map(|&(_, count)| count));
    let rest = (rest > 0).then(|| ("others".to_owned(), rest));
    let shown = all.into_iter().take(NAMES_MAX).chain(rest);
    shown.map(|(name, count)| format!("{name}: {}", words::count(count))).collect()
}

/// Names with their counts and shares, so many of them, and the rest as one.
fn shares(all: Vec<(String, u64)>, others: &str, shown: usize) -> Vec<String> {
    let sum = total(all.iter().map(|&(_, count)| count));
    let rest = total(all.iter().skip(shown).map(|&(_, count)| count));
    let rest = (rest > 0).then(|| (others.to_owned(), rest));
    let rows = all.into_iter().take(shown).chain(rest).map(|(name, count)| {
        let share = words::share(count as f64, sum as f64);
        format!("{name:<22}{:>10}{share:>10}", words::count(count))
    });
    or_none(rows.collect())
}

fn or_none(rows: Vec<String>) -> Vec<String> {
    if rows.is_empty() { vec!["none".to_owned()] } else { rows }
}

fn joined(parts: Vec<String>) -> String {
    or_none(parts).join(", ")
}

/// `P50 …, P95 …, P99 …`; `None` where nothing was recorded.
fn percentiles(of: Option<&Distribution>) -> Option<String> {
    let at = of?.percentiles?;
    let [p50, p95, p99] = [at.p50, at.p95, at.p99].map(|secs| words::span(words::duration(secs)));
    Some(format!("P50 {p50}, P95 {p95}, P99 {p99}"))
}

/// The median of the speeds and their lower end, which is the one that hurts.
fn speeds(of: Option<&Distribution>) -> Option<String> {
    let at = of?.percentiles?;
    Some(format!("P50 {:.2}, P5 {:.2}, P1 {:.2}", at.p50, at.p5, at.p1))
}

/// What ended a run, in words.
pub(crate) fn ended(of: &Document) -> String {
    let signal = of.values.text(&run::SIGNAL);
    match of.values.text(&run::ENDED) {
        None => "not all in the same way".to_owned(),
        Some(name) => words::ended(name, signal),
    }
}

fn duration(of: &Document) -> Vec<String> {
    let secs = of.values.number(&run::DURATION);
    let span = secs.map_or_else(n_a, |secs| words::span(words::duration(secs)));
    vec![if of.merged.is_some() { format!("{span}, that of the longest") } else { span }]
}

fn late(of: &Document) -> Vec<String> {
    let late = of.values.number(&run::LATE).filter(|&late| late > LATE_RAMP_SECS);
    let text = |late| format!("{} after -start-at", words::span(words::duration(late)));
    late.map(text).into_iter().collect()
}

fn shard(of: &Document) -> Vec<String> {
    let number = |measure| whole(of, measure);
    let (index, count) = (number(&run::SHARD_INDEX), number(&run::SHARD_COUNT));
    let all = number(&run::SHARD_CLIENTS);
    let (Some(index), Some(count), Some(all)) = (index, count, all) else { return Vec::new() };
    vec![format!("{index}/{count} of {all} clients")]
}

/// Peak and median of the active clients. The peak of shards is known at the ends of
/// intervals, so their own peaks bound it.
pub(crate) fn active(of: &Document) -> String {
    if of.values.number(&clients::EVER_STARTED) == Some(0.0) {
        return n_a();
    }
    let peak = whole(of, &clients::PEAK_ACTIVE);
    let bound = whole(of, &clients::PEAK_ACTIVE_AT_MOST);
    let median = counted(of, &clients::MEDIAN_ACTIVE);
    let peak = match (peak, bound.map(words::count)) {
        (Some(peak), Some(at_most)) if bound != Some(peak) => {
            format!("peak {} ({at_most} at most)", words::count(peak))
        }
        (Some(peak), _) => format!("peak {}", words::count(peak)),
        (None, Some(at_most)) => format!("peak {at_most} at most (the sum of the shards' own)"),
        (None, None) => "peak n/a".to_owned(),
    };
    format!("{peak}, median {median}")
}

fn target(of: &Document) -> Vec<String> {
    if of.values.flag(&clients::TARGET_REACHED) != Some(false) {
        return Vec::new();
    }
    let Some(below) = of.below_target().filter(|_| of.merged.is_none()) else {
        return vec!["not reached by every shard".to_owned()];
    };
    let started = counted(of, &clients::EVER_STARTED);
    vec![format!("not reached: {below}, {started} ever started")]
}

fn never_played(of: &Document) -> Vec<String> {
    let Some(never) = whole(of, &clients::NEVER_PLAYED) else { return Vec::new() };
    let why = of.values.texts(&clients::NEVER_PLAYED_WHY);
    if !why.is_empty() {
        return why.to_vec();
    }
    let of_all = counted(of, &clients::EVER_STARTED);
    let causes = most(came(of, &clients::KEPT_BY)).join(", ");
    let causes = if causes.is_empty() { causes } else { format!(": {causes}") };
    vec![format!("{} of {of_all} clients{causes}", words::count(never))]
}

fn with_rate(total: String, rate: Option<String>) -> String {
    match rate {
        Some(rate) => format!("{total}; each client {rate}"),
        None => total,
    }
}

fn a_minute(of: &Document, count: &Measure, rate: &Measure) -> String {
    let rate = of.values.number(rate).map(|rate| format!("{rate:.1} a minute"));
    with_rate(counted(of, count), rate)
}

fn stalls(of: &Document) -> Vec<String> {
    let Some(stalls) = whole(of, &playback::STALLS) else { return vec![n_a()] };
    if stalls == 0 {
        return vec!["none".to_owned()];
    }
    let time = of.values.number(&playback::STALL_TIME).unwrap_or(0.0);
    let time = words::span(words::duration(time));
    let stalled = whole(of, &playback::STALLED).unwrap_or(0);
    let stalled = words::plural(stalled, "client");
    vec![format!("{}, {time} in all, {stalled} stalled at the end", words::count(stalls))]
}

/// When a client counted as stalled, and why then; `None` if that is not known.
pub(crate) fn stall_threshold(of: &Document) -> Option<String> {
    let after = words::duration(of.values.number(&playback::STALL_THRESHOLD)?);
    let target = of.values.number(&playback::TARGET_DURATION).map(words::duration);
    let source = of.values.text(&playback::TARGET_DURATION_SOURCE);
    Some(match target.zip(source) {
        Some((target, source)) => words::stall_threshold(after, target, source),
        None => words::span(after),
    })
}

/// CPU time, and its share of one core where one host had it.
pub(crate) fn of_core(of: &Document, measure: &Measure) -> String {
    let Some(secs) = of.values.number(measure) else { return n_a() };
    let cpu = words::span(words::duration(secs));
    if of.merged.is_some() {
        return format!("{cpu} in all");
    }
    let share = words::share(secs, of.values.number(&run::DURATION).unwrap_or(0.0));
    format!("{cpu} ({share} of one core)")
}

fn own_memory(of: &Document) -> Vec<String> {
    let bytes = |measure| whole(of, measure).map(words::bytes);
    let all = of.merged.is_some();
    vec![match (bytes(&host::OWN_RESIDENT), bytes(&host::OWN_PEAK_RESIDENT)) {
        (Some(now), Some(peak)) if all => format!("{now} in all, peak of one {peak}"),
        (Some(now), Some(peak)) => format!("{now}, peak {peak}"),
        (Some(now), None) => now,
        (None, Some(peak)) => format!("peak {peak}"),
        (None, None) => n_a(),
    }]
}

fn ffmpeg_memory(of: &Document) -> Vec<String> {
    let bytes = |measure| whole(of, measure).map(words::bytes);
    let now = bytes(&host::FFMPEG_RESIDENT).map(|now| format!("{now} now"));
    let largest = bytes(&host::FFMPEG_PEAK_RESIDENT);
    let largest = largest.map(|largest| format!("largest process {largest}"));
    let known: Vec<_> = [now, largest].into_iter().flatten().collect();
    vec![if known.is_empty() { n_a() } else { known.join(", ") }]
}

fn late_starts(of: &Document) -> Vec<String> {
    let lateness = of.values.times(&processes::START_LATENESS);
    let Some(values) = percentiles(lateness) else { return vec![n_a()] };
    let late = counted(of, &processes::LATE_STARTS);
    let all = words::count(lateness.map_or(0, |lateness| lateness.count));
    vec![format!("{late} of {all} by over {LATE_START_MS} ms; {values}")]
}
