//! Every family of `/metrics`: name, type and help text.
//!
//! `docs/METRICS.md` repeats them and `tests/metrics_docs.rs` compares the two.
//! A name says its unit where it has one.

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows; its name ends in `_total`.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Counts by upper bound.
    Histogram,
}

impl Kind {
    /// The type as both text formats name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A family, without its samples.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name, with `_total` if it is a counter.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it means, in one line.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

impl Family {
    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, kind, help, labels: &[] }
    }

    const fn with_labels(self, labels: &'static [&'static str]) -> Self {
        Self { labels, ..self }
    }
}

macro_rules! families {
    ($($id:ident = $kind:ident $name:literal $([$($label:literal),+])? $help:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help)]
            pub const $id: Family =
                Family::new($name, Kind::$kind, $help)$(.with_labels(&[$($label),+]))?;
        )+

        /// Every family, in the order of a scrape.
        pub const ALL: &[Family] = &[$($id),+];
    };
}

families! {
    BUILD_INFO = Gauge "hlsswarm_build_info" ["version", "ffmpeg_version"]
        "Always 1; the labels are the versions of this program and of FFmpeg.";
    CLIENTS_TARGET = Gauge "hlsswarm_clients_target"
        "Clients that the run keeps up.";
    CLIENTS_ACTIVE = Gauge "hlsswarm_clients_active"
        "Clients whose FFmpeg process runs; not those starting or in backoff.";
    CLIENTS = Gauge "hlsswarm_clients" ["state"]
        "Clients by state; they sum to the target.";
    CLIENTS_STARTED = Counter "hlsswarm_clients_started_total"
        "FFmpeg processes started.";
    CLIENTS_RESTARTED = Counter "hlsswarm_clients_restarted_total"
        "FFmpeg processes started after the first of their client.";
    MAX_RESTARTS_REACHED = Counter "hlsswarm_clients_max_restarts_reached_total"
        "Clients that used up their restarts and stay down.";
    SPAWN_FAILURES = Counter "hlsswarm_spawn_failures_total" ["reason"]
        "Starts that fork or exec refused, by what this host ran out of or lacks.";
    PROCESS_EXITS = Counter "hlsswarm_process_exits_total" ["code"]
        "FFmpeg processes that ended, by exit code; 128+n for signal n.";
    CLIENT_UPTIME = Histogram "hlsswarm_client_uptime_seconds"
        "Time from spawn to exit of the FFmpeg processes that ended.";
    RAMP_PROGRESS = Gauge "hlsswarm_ramp_progress"
        "Share of the clients that were started at least once, 0 to 1.";
    START_LATENESS = Histogram "hlsswarm_start_lateness_seconds"
        "Time by which starts and restarts came later than planned.";
    LOG_LINES = Counter "hlsswarm_log_lines_total" ["stream"]
        "Complete lines read from FFmpeg's stderr; none is dropped.";
    LOG_LINES_CUT = Counter "hlsswarm_log_lines_cut_total" ["stream"]
        "Lines of FFmpeg's stderr longer than the line limit; only their beginning was kept.";
    LOG_LINES_DROPPED = Counter "hlsswarm_log_lines_dropped_total" ["stream"]
        "Lines of this program's own log (journal) lost because the reader of its stderr stalled.";
    REACTOR_TURN = Histogram "hlsswarm_reactor_turn_seconds"
        "Time of a turn of the event loop, without the wait for events.";
    REACTOR_EVENTS = Counter "hlsswarm_reactor_events_total"
        "Events that the event loop dispatched.";
    SCRAPE_DURATION = Gauge "hlsswarm_scrape_duration_seconds"
        "Time that rendering the scrape before this one took; absent in the first.";
    CHILDREN_CPU = Counter "hlsswarm_children_cpu_seconds_total"
        "CPU time of the FFmpeg processes: exact for those that ended, sampled for those alive.";
    CHILDREN_RESIDENT = Gauge "hlsswarm_children_resident_memory_bytes"
        "Resident memory of live FFmpeg processes, shared pages counted in each: the mean of those sampled times those alive; absent when none was sampled.";
    PROCESS_CPU = Counter "process_cpu_seconds_total"
        "CPU time of this process, user and system.";
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes"
        "Resident memory of this process.";
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes"
        "Virtual memory of this process.";
    PROCESS_OPEN_FDS = Gauge "process_open_fds"
        "Open descriptors of this process.";
    PROCESS_MAX_FDS = Gauge "process_max_fds"
        "Limit of open descriptors of this process.";
    PROCESS_START = Gauge "process_start_time_seconds"
        "Start of this process in seconds since the Unix epoch.";
}
