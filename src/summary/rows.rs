//! The rows of the summary's text: which measures stand in which row.
//!
//! A measure that no row names has one of its own at the end of its block.

use super::cells::{
    NAMES_MAX, a_minute, active, came, counted, duration, ended, ffmpeg_memory, joined, late,
    late_starts, most, n_a, never_played, of_core, or_none, own, own_memory, percentiles, shard,
    shares, stall_threshold, stalls, target, whole, with_rate,
};
use super::document::Document;
use crate::ffmpeg::outcome::Outcome;
use crate::measures::{
    Measure, clients, exchanges, generator, host, log, playback, processes, requests, run, tcp,
    words,
};

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
            let restarts = whole(of, &processes::RESTARTED).unwrap_or(0);
            vec![format!("{started}, of which {}", words::plural(restarts, "restart"))]
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
            if_any(of, &requests::SEQUENCE_JUMPS)
        }),
        row("Failed reloads", &[&requests::RELOAD_FAILURES], |of| {
            if_any(of, &requests::RELOAD_FAILURES)
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

/// What the tap knows of the exchanges.
pub(super) static EXCHANGES: Block = Block {
    sections: &["exchanges"],
    rows: &[
        row("Redirects", &[&exchanges::REDIRECTS], |of| own(of, &exchanges::REDIRECTS)),
        row("TTFB of segments", &[&exchanges::TTFB_SEGMENT], |of| {
            own(of, &exchanges::TTFB_SEGMENT)
        }),
        row("TTFB of playlists", &[&exchanges::TTFB_PLAYLIST], |of| {
            own(of, &exchanges::TTFB_PLAYLIST)
        }),
        row("Not ok", &[&exchanges::RESULTS], |of| {
            let failed = came(of, &exchanges::RESULTS);
            let failed = failed.into_iter().filter(|(name, _)| !name.ends_with(" ok"));
            vec![joined(most(failed.collect()))]
        }),
        row("Caches", &[&exchanges::CACHED], |of| vec![joined(most(came(of, &exchanges::CACHED)))]),
        row("Name look-ups", &[&exchanges::DNS], |of| if_any(of, &exchanges::DNS)),
        row("TLS handshakes", &[&exchanges::TLS], |of| if_any(of, &exchanges::TLS)),
        row("Delay in the tap", &[&exchanges::TAP_DELAY], |of| own(of, &exchanges::TAP_DELAY)),
    ],
    hidden: &[&exchanges::SEGMENT_RATIO],
};

/// The row of a measure; none if it is not there.
fn if_any(of: &Document, measure: &'static Measure) -> Vec<String> {
    if of.has(measure) { own(of, measure) } else { Vec::new() }
}

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
