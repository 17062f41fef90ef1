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
    ($(#[$doc:meta])* $all:ident: $($id:ident = $kind:ident $name:literal $([$($label:literal),+])? $help:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help)]
            pub const $id: Family =
                Family::new($name, Kind::$kind, $help)$(.with_labels(&[$($label),+]))?;
        )+

        $(#[$doc])*
        pub const $all: &[Family] = &[$($id),+];
    };
}

families! {
    /// Every family of a load, in the order of a scrape.
    ALL:
    BUILD_INFO = Gauge "hlsswarm_build_info" ["version", "ffmpeg_version"]
        "Always 1; the labels are the versions of this program and of FFmpeg.";
    CLIENTS_TARGET = Gauge "hlsswarm_clients_target"
        "Clients that the run keeps up.";
    CLIENTS_ACTIVE = Gauge "hlsswarm_clients_active"
        "Clients whose FFmpeg process runs; not those starting or in backoff.";
    CLIENTS = Gauge "hlsswarm_clients" ["state"]
        "Clients by state; they sum to the target, or to the highest that it was.";
    CLIENTS_PLAYED = Gauge "hlsswarm_clients_played"
        "Clients that received media at least once.";
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
    CLIENT_EXITS = Counter "hlsswarm_client_exits_total" ["outcome"]
        "Attempts that ended, by what really happened as far as exit code, log and media time tell.";
    CLIENT_UPTIME = Histogram "hlsswarm_client_uptime_seconds"
        "Time from spawn to exit of the FFmpeg processes that ended.";
    RAMP_PROGRESS = Gauge "hlsswarm_ramp_progress"
        "Share of the clients that were started at least once, 0 to 1.";
    START_LATENESS = Histogram "hlsswarm_start_lateness_seconds"
        "Time by which starts and restarts came later than planned.";
    BYTES_DOWNLOADED = Counter "hlsswarm_bytes_downloaded_total"
        "Bytes that the clients received, sampled at their sockets and corrected by what FFmpeg tells at its end; what a socket got between its last sample and its close may be missing.";
    REQUESTS = Counter "hlsswarm_requests_total" ["kind"]
        "Requests that FFmpeg's log tells, by what they asked for.";
    SEGMENTS_DOWNLOADED = Counter "hlsswarm_segments_downloaded_total"
        "Segments asked for and not seen to fail.";
    PLAYLIST_REFRESHES = Counter "hlsswarm_playlist_refreshes_total"
        "Media playlists asked for again and not seen to fail.";
    REQUEST_ERRORS = Counter "hlsswarm_request_errors_total" ["kind", "reason"]
        "Requests that failed, by what they asked for and why.";
    HTTP_ERRORS = Counter "hlsswarm_http_errors_total" ["status"]
        "Answers with an error status, 400 to 599.";
    CONNECTIONS = Counter "hlsswarm_connections_total" ["reused"]
        "Requests by connection: kept alive (true) or new (false).";
    TCP_CONNECT = Histogram "hlsswarm_tcp_connect_seconds"
        "Time of a TCP connect, inferred from FFmpeg's log; absent before the first.";
    SEGMENT_DOWNLOAD = Histogram "hlsswarm_segment_download_seconds"
        "Time of a segment's download, inferred from the lines of FFmpeg's log around it.";
    PLAYLIST_DOWNLOAD = Histogram "hlsswarm_playlist_download_seconds"
        "Time of a playlist's download, inferred from the lines of FFmpeg's log around it.";
    RECONNECTIONS = Counter "hlsswarm_reconnections_total"
        "Reconnects that FFmpeg announced.";
    TIMEOUTS = Counter "hlsswarm_timeouts_total"
        "Requests that timed out.";
    SEGMENTS_SKIPPED = Counter "hlsswarm_segments_skipped_total"
        "Segments that FFmpeg gave up, or that expired before it came to them.";
    STARTUP = Histogram "hlsswarm_startup_seconds"
        "Time from spawn to the first media, inferred from FFmpeg's log.";
    CLIENTS_STALLED = Gauge "hlsswarm_clients_stalled"
        "Clients whose media time stands still for longer than twice the target duration.";
    STALLS = Counter "hlsswarm_stalls_total"
        "Stalls that began.";
    STALL_TIME = Counter "hlsswarm_stall_seconds_total"
        "Time that clients were stalled, those that still are included.";
    BELOW_REALTIME = Gauge "hlsswarm_clients_below_realtime"
        "Playing clients whose media time fell more than one second behind the wall clock in their last window.";
    ABOVE_REALTIME = Gauge "hlsswarm_clients_above_realtime"
        "Playing clients that kept up with the wall clock in their last window, to the second.";
    PLAYBACK_SPEED = Histogram "hlsswarm_playback_speed"
        "Windowed speed in media seconds a wall second, one value a window of each client.";
    DRIFT = Histogram "hlsswarm_drift_seconds"
        "Wall clock less media clock since start-up, one value a window of each client; a client ahead counts as 0.";
    PLAYLIST_EDGE_AGE = Histogram "hlsswarm_playlist_edge_age_seconds"
        "Wall clock minus the newest programme date time in a playlist when it was loaded; absent before the first.";
    TCP_RTT = Histogram "hlsswarm_tcp_rtt_seconds"
        "Smoothed round-trip times of the clients' sockets as the kernel tells them, one value a sample.";
    TCP_RETRANSMITS = Counter "hlsswarm_tcp_retransmits_total"
        "TCP segments that the clients' sockets sent again, as the kernel tells.";
    ORIGIN_UP = Gauge "hlsswarm_origin_up" ["target"]
        "Whether the last look at this part of the origin succeeded (with -origin-metrics or -nginx-metrics).";
    ORIGIN_SCRAPES = Counter "hlsswarm_origin_scrapes_total" ["target"]
        "Looks at this part of the origin, failed ones included.";
    ORIGIN_SCRAPE_FAILURES = Counter "hlsswarm_origin_scrape_failures_total" ["target"]
        "Looks at this part of the origin that failed: no connection, no answer in time, or not the answer of such an exporter.";
    ORIGIN_SAMPLE_AGE = Gauge "hlsswarm_origin_sample_age_seconds" ["target"]
        "Age of what was last told of this part of the origin; absent before the first time.";
    ORIGIN_HOST_CPUS = Gauge "hlsswarm_origin_host_cpus"
        "CPUs of the origin's host.";
    ORIGIN_HOST_CPU_MODE = Gauge "hlsswarm_origin_host_cpu_mode_ratio" ["mode"]
        "Share of all CPUs of the origin's host that was spent in this mode between the last two looks; they sum to 1.";
    ORIGIN_HOST_CPU = Gauge "hlsswarm_origin_host_cpu_used_ratio" ["stat"]
        "Share of all CPUs of the origin's host that did something, 0 to 1.";
    ORIGIN_HOST_MEMORY = Gauge "hlsswarm_origin_host_memory_bytes"
        "Memory of the origin's host.";
    ORIGIN_HOST_MEMORY_AVAILABLE = Gauge "hlsswarm_origin_host_memory_available_bytes"
        "Memory of the origin's host that programs can have without swapping.";
    ORIGIN_HOST_MEMORY_USED = Gauge "hlsswarm_origin_host_memory_used_bytes" ["stat"]
        "Memory of the origin's host that programs cannot have without swapping.";
    ORIGIN_HOST_RECEIVED = Gauge "hlsswarm_origin_host_network_receive_bytes_per_second" ["stat"]
        "Bytes a second that the origin's host received over devices that lead out of it.";
    ORIGIN_HOST_SENT = Gauge "hlsswarm_origin_host_network_transmit_bytes_per_second" ["stat"]
        "Bytes a second that the origin's host sent over devices that lead out of it.";
    ORIGIN_HOST_LOAD = Gauge "hlsswarm_origin_host_load1"
        "Load average of one minute of the origin's host.";
    ORIGIN_NGINX_ACTIVE = Gauge "hlsswarm_origin_nginx_connections_active" ["stat"]
        "Open connections of the origin's nginx, those that wait for a request included.";
    ORIGIN_NGINX_STATES = Gauge "hlsswarm_origin_nginx_connections" ["state"]
        "Open connections of the origin's nginx by what they do.";
    ORIGIN_NGINX_ACCEPTED = Counter "hlsswarm_origin_nginx_connections_accepted_total"
        "Connections that the origin's nginx accepted since the first look.";
    ORIGIN_NGINX_HANDLED = Counter "hlsswarm_origin_nginx_connections_handled_total"
        "Connections that the origin's nginx handled since the first look; fewer than accepted where it ran out of something.";
    ORIGIN_NGINX_REQUESTS = Counter "hlsswarm_origin_nginx_requests_total"
        "Requests that came to the origin's nginx since the first look, those of others included.";
    ORIGIN_NGINX_REQUEST_RATE = Gauge "hlsswarm_origin_nginx_requests_per_second" ["stat"]
        "Requests a second that came to the origin's nginx.";
    CLIENT_UP = Gauge "hlsswarm_client_up" ["client"]
        "Whether this client's FFmpeg process runs (with -prom-client-metrics).";
    CLIENT_RESTARTS = Counter "hlsswarm_client_restarts_total" ["client"]
        "FFmpeg processes of this client started after its first (with -prom-client-metrics).";
    CLIENT_STALLED = Gauge "hlsswarm_client_stalled" ["client"]
        "Whether this client is stalled (with -prom-client-metrics).";
    CLIENT_MEDIA = Counter "hlsswarm_client_media_seconds_total" ["client"]
        "Media time that this client read (with -prom-client-metrics).";
    CLIENT_SPEED = Gauge "hlsswarm_client_playback_speed" ["client"]
        "Windowed speed of this client, while it plays (with -prom-client-metrics).";
    CLIENT_BYTES = Counter "hlsswarm_client_bytes_downloaded_total" ["client"]
        "Bytes that this client received (with -prom-client-metrics).";
    LOG_LINES = Counter "hlsswarm_log_lines_total" ["stream"]
        "Complete lines read from FFmpeg's stderr; none is dropped.";
    LOG_LINES_CUT = Counter "hlsswarm_log_lines_cut_total" ["stream"]
        "Lines of FFmpeg's stderr longer than the line limit; only their beginning was kept.";
    VALUES_REFUSED = Counter "hlsswarm_log_values_refused_total" ["value"]
        "Numbers in FFmpeg's log and progress that were out of bounds and not counted, by kind.";
    LOG_LINES_DROPPED = Counter "hlsswarm_log_lines_dropped_total" ["stream"]
        "Lines of this program's own log (journal) lost because the reader of its stderr stalled.";
    REACTOR_TURN = Histogram "hlsswarm_reactor_turn_seconds"
        "Time of a turn of the event loop, without the wait for events.";
    STANDSTILLS = Counter "hlsswarm_standstills_total"
        "Times in which the event loop stood still for half a second or more: this process was stopped, frozen or got no CPU.";
    STANDSTILL_SECONDS = Counter "hlsswarm_standstill_seconds_total"
        "Time in which the event loop stood still; what clients did meanwhile is counted and not timed.";
    REACTOR_EVENTS = Counter "hlsswarm_reactor_events_total"
        "Events that the event loop dispatched.";
    REACTOR_ENTRIES = Gauge "hlsswarm_reactor_entries" ["kind"]
        "Descriptors that the event loop waits for: connections to this endpoint, two pipes and one process of each client, and its own.";
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

families! {
    /// Every family that the built-in origin has of its own, in the order of a
    /// scrape; the `process_*` families follow.
    ORIGIN:
    ORIGIN_REQUESTS = Counter "hlsswarm_origin_requests_total" ["kind", "status"]
        "Requests that the built-in origin answered, by what they asked for and by the status sent; none where a fault sent no answer.";
    ORIGIN_RESPONSE_BYTES = Counter "hlsswarm_origin_response_bytes_total"
        "Bytes of bodies that sockets took, of responses that are over.";
    ORIGIN_RESPONSES_INCOMPLETE = Counter "hlsswarm_origin_responses_incomplete_total"
        "Responses that were not sent to their end: by a fault, or because the client left or was too slow.";
    ORIGIN_RESPONSE_TIME = Histogram "hlsswarm_origin_response_seconds"
        "Time from a request to the moment at which the socket took the last byte of its response, faults included; requests without any answer are not counted.";
    ORIGIN_FAULTS = Counter "hlsswarm_origin_faults_injected_total" ["kind"]
        "Responses that a fault befell, by kind, a status being a kind of its own; for refuse the windows of time that began.";
    ORIGIN_CONNECTIONS_OPEN = Gauge "hlsswarm_origin_connections_open"
        "Connections that are open, that of the scrape included.";
    ORIGIN_CONNECTIONS = Counter "hlsswarm_origin_connections_accepted_total"
        "Connections accepted.";
    ORIGIN_CONNECTIONS_EVICTED = Counter "hlsswarm_origin_connections_evicted_total"
        "Connections closed because a new one came and no place or descriptor was left; the idlest go first.";
    ORIGIN_ACCESS_DROPPED = Counter "hlsswarm_origin_access_lines_dropped_total"
        "Lines of the access log lost because their reader stalled or the disk is full.";
}

/// The families that have a series of each client.
pub const PER_CLIENT: &[Family] =
    &[CLIENT_UP, CLIENT_RESTARTS, CLIENT_STALLED, CLIENT_MEDIA, CLIENT_SPEED, CLIENT_BYTES];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_family_has_the_name_that_openmetrics_gives_a_counter() {
        for list in [ALL, PER_CLIENT, ORIGIN] {
            for name in list.iter().filter_map(|family| family.name.strip_suffix("_total")) {
                assert!(!ALL.iter().chain(list).any(|other| other.name == name), "{name}");
            }
        }
    }
}
