//! Compares frames as text with `tests/data/dashboard/`. A frame that differs is printed
//! in full; if the change is intended, copy it there.

use super::*;
use crate::measures::fixture::{Numbers, busy_run};
use crate::stats::{ClientFigures, Health, Pace, Snapshot, State, Totals};
use crate::swarm::ClientDetail;
use crate::units::Tick;
use crate::units::recent_log::Gravity;

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (120, 40);

/// Clients of every kind, repeated.
fn views(count: u32) -> impl Iterator<Item = ClientView> {
    (0..count).map(move |number| {
        let (state, stalled, pace) = match number % 50 {
            3 => (State::Running, true, Some(Pace::Below)),
            7 | 20 => (State::Running, false, Some(Pace::Below)),
            9 => (State::Backoff, false, None),
            11 => (State::Draining, false, None),
            30 => (State::Running, false, None),
            _ if number + 20 > count => (State::Idle, false, None),
            _ => (State::Running, false, Some(Pace::Keeps)),
        };
        let client = ClientId::new(number);
        let attempts = u64::from(number % 7 == 0) + 1;
        ClientView { client, state, attempts, deadline: None, stalled, pace }
    })
}

fn run() -> Run {
    Run {
        url: "http://127.0.0.1:8080/stream.m3u8".to_owned(),
        seed: 42,
        duration: Some(Duration::from_secs(300)),
        room: 40,
    }
}

fn last_lines() -> RecentLog {
    let mut log = RecentLog::default();
    for (gravity, text) in [
        (
            Gravity::Plain,
            "2026-11-23T09:13:19.923Z info  ramp_complete active=10 elapsed_sec=1.999",
        ),
        (Gravity::Warning, "2026-11-23T09:13:24.975Z warn  client_stalled client_id=1"),
        (
            Gravity::Plain,
            "2026-11-23T09:13:27.924Z info  client_started client_id=9 attempt=2\n    one",
        ),
    ] {
        log.push(gravity, text);
    }
    log
}

fn opened() -> Opened {
    let figures = ClientFigures {
        client: ClientId::new(3),
        state: State::Backoff,
        restarts: 4,
        stalled: false,
        media: Duration::from_secs(58),
        speed: None,
        bytes: Some(1_930_000),
    };
    Opened {
        detail: ClientDetail {
            figures,
            attempts: 5,
            pid: None,
            uptime: None,
            starts_in: Some(Duration::from_millis(850)),
            last_outcome: Some(crate::ffmpeg::outcome::Outcome::HttpError),
            last_lines: Vec::new(),
        },
        command: format!(
            "ffmpeg {} -i http://127.0.0.1:8080/stream.m3u8",
            "-option value ".repeat(9)
        ),
        last_lines: vec!["[http @ 0x1] [error] HTTP error 404 Not Found".to_owned()],
    }
}

/// The text on the screen after these keys.
fn frame(keys: &str, size: (u16, u16), clients: u32, numbers: &Numbers) -> String {
    let (run, log, opened) = (run(), last_lines(), opened());
    let mut dashboard = Dashboard::new(true);
    let mut out = Vec::new();
    // The history has twelve seconds; a frame is drawn after each key.
    for secs in (48..=60).chain(keys.bytes().map(|_| 60)) {
        let mut numbers = Numbers::new(numbers.totals.clone(), numbers.health.clone());
        numbers.totals.requests.bytes = secs * secs * 1_000;
        numbers.totals.requests.segments_downloaded = secs * 2;
        let snapshot = Snapshot { now: Tick::from_millis(secs * 1_000), ..numbers.snapshot() };
        if let Some(key) = (secs == 60).then(|| keys.as_bytes().get(out.len())).flatten() {
            dashboard.typed(&[*key], &mut Vec::new());
            out.push(*key);
        }
        dashboard.look_at(views(clients));
        let board = View {
            run: &run,
            scene: &numbers.scene(&snapshot),
            opened: Some(&opened).filter(|_| dashboard.opened().is_some()),
            log: &log,
        };
        dashboard.draw(&board, size, &mut Vec::new());
    }
    dashboard.screen.text()
}

fn hold(name: &str, seen: &str, want: &str) {
    assert_eq!(seen.trim_end(), want.trim_end(), "\n--- {name} ---\n{seen}\n--- end ---\n");
}

macro_rules! holds {
    ($name:ident, $keys:expr, $size:expr, $clients:expr, $numbers:expr) => {
        #[test]
        fn $name() {
            let want =
                include_str!(concat!("../../tests/data/dashboard/", stringify!($name), ".txt"));
            hold(stringify!($name), &frame($keys, $size, $clients, &$numbers), want);
        }
    };
}

holds!(overview_small, "", SMALL, 10, busy_run());
holds!(overview_large, "", LARGE, 500, busy_run());
holds!(overview_empty, "", SMALL, 10, Numbers::new(Totals::default(), Health::default()));
holds!(load_small, "2", SMALL, 10, busy_run());
holds!(experience_small, "3", SMALL, 10, busy_run());
holds!(errors_small, "4", SMALL, 10, busy_run());
holds!(clients_small, "5", SMALL, 5_000, busy_run());
holds!(clients_large, "sf", LARGE, 5_000, busy_run());
holds!(client_small, "5\r", SMALL, 10, busy_run());
holds!(host_small, "6", SMALL, 10, busy_run());
holds!(help_small, "?", SMALL, 10, busy_run());
holds!(too_small, "", (44, 10), 10, busy_run());

#[test]
fn a_frame_with_nothing_new_writes_nothing() {
    let (numbers, run, log) = (busy_run(), run(), last_lines());
    let snapshot = numbers.snapshot();
    let scene = Scene { exporters: None, cores: None, ..numbers.scene(&snapshot) };
    let board = View { run: &run, scene: &scene, opened: None, log: &log };
    let mut dashboard = Dashboard::new(true);
    let mut out = Vec::new();
    dashboard.draw(&board, SMALL, &mut out);
    assert!(!out.is_empty());
    out.clear();
    dashboard.draw(&board, SMALL, &mut out);
    assert!(out.is_empty(), "{}", out.escape_ascii());
    dashboard.typed(b"\x0c", &mut Vec::new());
    dashboard.draw(&board, SMALL, &mut out);
    assert!(out.len() > 1_000);
}

#[test]
fn every_pane_is_drawn_at_the_size_of_the_terminal() {
    let numbers = busy_run();
    for size in [(0, 0), (1, 1), (79, 24), (80, 23), (81, 25), (65_535, 65_535), (80, 500)] {
        for keys in ["", "2", "3", "4", "5\r", "6", "?"] {
            let drawn = frame(keys, size, 3, &numbers);
            let (width, height) = (size.0.min(LARGEST.0), size.1.min(LARGEST.1));
            assert_eq!(drawn.lines().count(), usize::from(height), "{keys} {size:?}");
            let widest = drawn.lines().map(|line| line.chars().count()).max();
            assert!(widest.unwrap_or(0) <= usize::from(width), "{keys} {size:?}");
        }
    }
}

#[test]
fn typed_keys_become_orders() {
    let mut dashboard = Dashboard::new(false);
    let mut orders = Vec::new();
    dashboard.typed(b"q \x1b[Aq", &mut orders);
    assert_eq!(orders, [Order::Quit, Order::HoldRamp(true), Order::Quit]);
    dashboard.typed(b"\x1b", &mut orders);
    assert!(dashboard.waits_for_keys());
    dashboard.keys_rest();
    assert!(!dashboard.waits_for_keys());
}

#[test]
fn nothing_hidden_is_drawn() {
    let mut numbers = busy_run();
    let line = "[x] \u{9b}2J a\u{202e}b \u{2066}c\u{200b} \x1b[31m";
    (0..1_000).for_each(|_| numbers.totals.error_patterns.add(line.as_bytes()));
    let drawn = frame("4", LARGE, 10, &numbers);
    assert!(drawn.contains("\\u{9b}#J a\\u{202e}b \\u{2066}c\\u{200b} \\u{1b}[#m"), "{drawn}");
    assert!(!drawn.contains(|c| c != '\n' && crate::units::text::is_hidden(c)));
}
