//! Whole summaries as they are printed, and the words of each part.

use std::time::Duration;

use super::*;
use crate::exchange::{Event, RequestKind};
use crate::ffmpeg::outcome::Outcome;
use crate::measures::Measured;
use crate::measures::fixture::{Numbers, busy_run};
use crate::stats::{Health, Snapshot, Standstills, Totals};
use crate::summary::fixture::{Ended, ended};
use crate::summary::page::folded;
use crate::units::{ClientId, Tick};

const COMMAND: &str = "ffmpeg-hls-swarm -clients 10 -ramp-rate 5 -seed 42 \
                       -header 'Authorization: ***' -user-agent 'a b' -duration 1m \
                       https://cdn.example.com/live/stream.m3u8";

fn input<'a>(snapshot: &'a Snapshot<'a>, health: &'a Health) -> Ended<'a> {
    let mut of = ended(snapshot, health);
    of.run.repeat_command = COMMAND;
    of
}

/// A run of 60 s in which all went well.
fn calm_run() -> Numbers {
    let mut totals = Totals { started: 10, stderr_lines: 5_000, ..Totals::default() };
    totals.exits[255] = 10;
    totals.peak_resident_bytes = 64 * 1024 * 1024;
    for _ in 0..10 {
        totals.uptime.record(Duration::from_secs(59));
        totals.lateness.record(Duration::from_micros(300));
    }
    totals.outcomes[Outcome::Stopped.index()] = 10;
    (0..10).for_each(|_| totals.reception.plays(None));
    let requests = &mut totals.requests;
    for (kind, times) in [(RequestKind::Playlist, 300), (RequestKind::Segment, 290)] {
        (0..times).for_each(|nth| requests.record(&Event::Asked { kind, reused: nth >= 10 }));
    }
    (requests.segments_downloaded, requests.playlist_refreshes) = (290, 290);
    for ms in [2, 3, 9] {
        requests.connect.record(Duration::from_millis(ms));
        requests.segment_download.record(Duration::from_millis(ms * 20));
        requests.playlist_download.record(Duration::from_millis(ms));
        requests.bytes += 5_837_000;
        requests.sample_socket(0, Some(Duration::from_micros(ms * 100)));
        totals.playback.startup.record(Duration::from_millis(ms * 200));
        totals.playback.speed.record(Duration::from_millis(1_000 + ms));
        totals.playback.drift.record(Duration::ZERO);
    }
    let health =
        Health { journal_dropped: 0, standstills: Standstills::default(), ..busy_run().health };
    Numbers::new(totals, health)
}

fn agreed(file: &str) -> String {
    file.replace("VERSION", env!("CARGO_PKG_VERSION"))
}

#[test]
fn a_calm_run_has_no_warning() {
    let numbers = calm_run();
    let mut snapshot = numbers.snapshot();
    snapshot.children_resident_bytes = None;
    let got = input(&snapshot, &numbers.health).text();
    assert_eq!(got, agreed(include_str!("../../../tests/data/summary_calm.txt")));
}

#[test]
fn a_bad_run_tells_all_of_it() {
    let numbers = busy_run();
    let mut snapshot = numbers.snapshot();
    snapshot.children_cpu = Duration::from_secs(110);
    let mut bad = input(&snapshot, &numbers.health);
    bad.scene.exporters = Some(&numbers.exporters);
    bad.run.ending = Ending::Forced("SIGINT");
    bad.run.dangerous = true;
    let got = bad.text();
    assert_eq!(got, agreed(include_str!("../../../tests/data/summary_bad.txt")));
}

#[test]
fn what_was_not_measured_is_not_zero() {
    let numbers = Numbers::new(Totals::default(), Health::default());
    let mut snapshot = numbers.snapshot();
    snapshot.ever_started = 0;
    snapshot.children_resident_bytes = None;
    let mut nothing = input(&snapshot, &numbers.health);
    nothing.scene.own_peak_resident_bytes = None;
    nothing.scene.cores = None;
    nothing.run.metrics = None;
    nothing.run.ending = Ending::NothingStarted { stopped_by: None };
    let got = nothing.text();
    let never = ["Uptime", "Own CPU", "Own memory", "FFmpeg's memory", "Late starts"];
    let times = ["Connects", "Segment times", "Start-up", "Speed", "Drift", "Playlist edge age"];
    for name in never.into_iter().chain(times) {
        let row = format!("\n {name:<19}n/a\n");
        assert!(got.contains(&row), "{name}: {got}");
    }
    assert!(got.contains("active: n/a\n") && got.contains(" no client could be started\n"));
    assert!(!got.contains("Metrics") && !got.contains("this host has"));
}

#[test]
fn a_process_that_grew_large_is_a_warning_that_names_its_client() {
    for (mib, warns) in [(255, false), (562, true)] {
        let mut totals = Totals::default();
        totals.note_memory(ClientId::new(3), mib << 20);
        let numbers = Numbers::new(totals, Health::default());
        let got = input(&numbers.snapshot(), &numbers.health).text();
        assert_eq!(got.contains("the FFmpeg of client 3 took 562.0 MiB of memory"), warns, "{got}");
        assert_eq!(got.contains("-ffmpeg-memory-max"), warns, "{got}");
    }
}

#[test]
fn what_nobody_read_is_left_out() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let with = |log, tcp| {
        let mut of = input(&snapshot, &numbers.health);
        of.scene.measured = Measured { log, tcp, tap: false };
        of.text()
    };
    let has = |text: &str, name: &str| text.contains(&format!("\n {name} "));
    for (log, tcp) in [(true, true), (true, false), (false, true), (false, false)] {
        let got = with(log, tcp);
        assert_eq!(has(&got, "Bytes"), log || tcp, "{got}");
        for name in ["Segments", "Failed requests", "Stalls", "Speed", "Start-up", "Times of"] {
            assert_eq!(has(&got, name), log, "{name}: {got}");
        }
        assert_eq!(has(&got, "TCP round trips"), tcp, "{got}");
        assert_eq!(got.contains("not measured (-stats=false)"), !log, "{got}");
        assert!(has(&got, "Outcomes"), "{got}");
    }
}

#[test]
fn no_client_has_no_rate() {
    let mut numbers = busy_run();
    numbers.active_time = crate::stats::ActiveTime::new(10);
    let snapshot = numbers.snapshot();
    let got = input(&snapshot, &numbers.health).text();
    assert!(!got.contains("per client"), "{got}");
    assert!(!got.contains("NaN") && !got.contains(" inf "), "{got}");
}

#[test]
fn no_credential_of_an_error_is_shown() {
    let mut numbers = busy_run();
    numbers.totals.error_patterns.add(b"[http @ 0x1] Cookie: sid=hidden");
    let snapshot = numbers.snapshot();
    let got = input(&snapshot, &numbers.health).text();
    assert!(got.contains("Cookie: ***") && !got.contains("hidden"), "{got}");
}

#[test]
fn the_judgement_is_of_the_time_between_failures() {
    use Outcome::{Completed, Crashed, HttpError, Stopped};
    /// How many, with which outcome, after how many seconds.
    type Attempts = (u64, Outcome, u64);
    let cases: [(&[Attempts], Option<&str>); 9] = [
        (&[], None),
        (&[(10, Stopped, 4)], Some("stable")),
        (&[(10, Stopped, 1), (40, Completed, 2)], Some("stable")),
        (&[(10, Stopped, 4), (1, Crashed, 1)], Some("fair")),
        (&[(2, Stopped, 4), (4, HttpError, 1)], Some("flapping")),
        (&[(10, HttpError, 4)], Some("flapping")),
        (&[(10, HttpError, 5)], Some("unstable")),
        (&[(1, HttpError, 29), (1, Stopped, 0)], Some("unstable")),
        (&[(1, HttpError, 29), (1, Stopped, 1)], Some("fair")),
    ];
    for (attempts, want) in cases {
        let mut totals = Totals::default();
        for &(count, outcome, secs) in attempts {
            for _ in 0..count {
                totals.uptime.record(Duration::from_secs(secs));
                totals.count_outcome(outcome, outcome == Stopped);
            }
        }
        let numbers = Numbers::new(totals, Health::default());
        let document = input(&numbers.snapshot(), &numbers.health).document();
        let got = document.values.text(&processes::UPTIME_JUDGEMENT);
        assert_eq!(got, want, "{attempts:?}");
    }
}

/// From 40 s after the start of a calm run on.
fn stood_still(numbers: &mut Numbers, ms: u64) {
    let span = Duration::from_millis(ms);
    let began = numbers.snapshot().now.elapsed().saturating_sub(Duration::from_secs(20));
    numbers.health.standstills.add(Tick::ZERO.after(began + span), span);
}

#[test]
fn a_standstill_is_told_with_its_time() {
    let mut numbers = calm_run();
    let row = |numbers: &Numbers| {
        let text = input(&numbers.snapshot(), &numbers.health).text();
        text.lines().find(|line| line.starts_with(" Stood still")).map(|line| line[20..].to_owned())
    };
    assert_eq!(row(&numbers), None);
    stood_still(&mut numbers, 2_000);
    assert_eq!(row(&numbers).unwrap(), "for 2.0 s, 40.0 s after the start");
    stood_still(&mut numbers, 1_500);
    let want = "2 times, 3.5 s in all; the longest for 2.0 s, 40.0 s after the start";
    assert_eq!(row(&numbers).unwrap(), want);
}

#[test]
fn each_shortfall_of_the_host_is_named() {
    type Spoil = fn(&mut Numbers);
    let cases: [(Spoil, &[&str]); 10] = [
        (|_| {}, &[]),
        (|n| n.totals.lateness.record(Duration::from_secs(1)), &[]),
        (|n| n.totals.late_starts = 1, &["10.0 % of the starts came late"]),
        (|n| n.totals.spawn_failures[2] = 2, &["2 starts failed here"]),
        (
            |n| n.totals.outcomes[Outcome::HostMemory.index()] = 2,
            &["2 attempts lacked memory here: ask for fewer"],
        ),
        (|n| n.totals.outcomes[Outcome::OomKilled.index()] = 1, &["1 attempt lacked memory"]),
        (|n| n.health.journal_dropped = 1, &["log lines were dropped"]),
        (|n| stood_still(n, 3_000), &[]),
        (
            |n| stood_still(n, 3_001),
            &["this program stood still for 3.0 s, 40.0 s after the start: ask why"],
        ),
        (|n| n.health.process.cpu = Duration::from_secs(49), &["this program used 81.7 %"]),
    ];
    for (spoil, want) in cases {
        let mut numbers = calm_run();
        spoil(&mut numbers);
        let snapshot = numbers.snapshot();
        let document = input(&snapshot, &numbers.health).document();
        let got = document.values.texts(&shortfalls::SHORTFALLS);
        assert_eq!(got.len(), want.len(), "{got:?}");
        for (got, want) in got.iter().zip(want) {
            assert!(got.starts_with(want), "{got}");
        }
    }
}

#[test]
fn the_host_is_judged_by_its_cores() {
    let numbers = calm_run();
    let mut snapshot = numbers.snapshot();
    snapshot.children_cpu = Duration::from_secs(109);
    for (cores, want) in [(Some(2), 1), (Some(4), 0), (None, 0)] {
        let mut of = input(&snapshot, &numbers.health);
        of.scene.cores = cores;
        let document = of.document();
        let found = document.values.texts(&shortfalls::SHORTFALLS);
        assert_eq!(found.len(), want, "{cores:?}");
    }
}

#[test]
fn rare_exit_codes_share_a_line() {
    let mut numbers = calm_run();
    for code in 1..=20 {
        numbers.totals.exits[code] = 100 - code as u64;
    }
    let text = input(&numbers.snapshot(), &numbers.health).text();
    let rows: Vec<_> = text.lines().skip_while(|line| !line.starts_with(" Exits ")).collect();
    assert!(rows[0].contains(" 1 (error) "), "{text}");
    assert!(rows[8].trim_start().starts_with("other codes "), "{text}");
}

#[test]
fn every_line_fits_and_the_command_can_be_pasted() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let mut wide = input(&snapshot, &numbers.health);
    wide.run.dangerous = true;
    for line in wide.text().lines() {
        assert!(line.len() <= 80 && line.is_ascii(), "{line}");
    }
    let pasted = folded(COMMAND).join("\n");
    assert!(pasted.contains("\\\n"), "{pasted}");
    assert_eq!(shell_words::split(&pasted), shell_words::split(COMMAND));
    assert_eq!(folded("it's"), ["it's"]);
}
