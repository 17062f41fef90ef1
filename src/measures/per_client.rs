//! Samples of each client, for those who ask for them (`-prom-client-metrics`).

use super::declare::measures;
use super::measure::Measure;
use super::scene::Needs;
use super::unit::Unit;
use crate::stats::State;

/// Most clients with samples of their own: those with the lowest numbers. Beyond
/// it a scrape takes tens of milliseconds, in which nothing else is served.
pub const MAX_CLIENTS: usize = 1_000;

/// Clients above which a warning is due: Prometheus keeps every series in memory.
const WARN_ABOVE_CLIENTS: u32 = 200;

measures! {
    UP = Measure::gauge("client_up", "Runs")
        .family("hlsswarm_client_up",
            "Whether this client's FFmpeg process runs (with -prom-client-metrics).")
        .labels(&["client"])
        .of_client(|client| Some(f64::from(u8::from(client.state == State::Running))));
    RESTARTS = Measure::counter("client_restarts", "Restarts")
        .family("hlsswarm_client_restarts_total",
            "FFmpeg processes of this client started after its first (with -prom-client-metrics).")
        .labels(&["client"])
        .of_client(|client| Some(client.restarts as f64));
    STALLED = Measure::gauge("client_stalled", "Stalled").needs(Needs::Log)
        .family("hlsswarm_client_stalled",
            "Whether this client is stalled (with -prom-client-metrics).")
        .labels(&["client"])
        .of_client(|client| Some(f64::from(u8::from(client.stalled))));
    MEDIA = Measure::counter("client_media", "Media time").number(Unit::Seconds).needs(Needs::Log)
        .family("hlsswarm_client_media_seconds_total",
            "Media time that this client read (with -prom-client-metrics).")
        .labels(&["client"])
        .of_client(|client| Some(client.media.as_secs_f64()));
    SPEED = Measure::gauge("client_playback_speed", "Speed").number(Unit::Ratio).needs(Needs::Log)
        .family("hlsswarm_client_playback_speed",
            "Windowed speed of this client, while it plays (with -prom-client-metrics).")
        .labels(&["client"])
        .of_client(|client| client.speed);
    BYTES = Measure::counter("client_bytes_downloaded", "Bytes").unit(Unit::Bytes)
        .needs(Needs::Bytes)
        .family("hlsswarm_client_bytes_downloaded_total",
            "Bytes that this client received (with -prom-client-metrics).")
        .labels(&["client"])
        .of_client(|client| client.bytes.map(|bytes| bytes as f64));
}

/// A warning at the start of a run of so many clients, in one line; `None` if none is
/// due.
#[must_use]
pub fn warning(clients: u32) -> Option<String> {
    if clients <= WARN_ABOVE_CLIENTS {
        return None;
    }
    let shown = MAX_CLIENTS.min(clients as usize);
    let series = shown * ALL.len();
    let rest = if shown < clients as usize {
        format!(", of the first {shown} clients alone")
    } else {
        String::new()
    };
    Some(format!(
        "-prom-client-metrics creates {series} series{rest}: omit it, or run at most \
         {WARN_ABOVE_CLIENTS} clients"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_of_many_clients() {
        let cases = [
            (200, None),
            (201, Some("creates 1206 series: omit")),
            (1_000, Some("creates 6000 series: omit")),
            (1_001, Some("creates 6000 series, of the first 1000 clients alone: omit")),
        ];
        for (clients, want) in cases {
            let got = warning(clients);
            assert_eq!(got.is_some(), want.is_some(), "{clients}");
            assert!(got.unwrap_or_default().contains(want.unwrap_or_default()), "{clients}");
        }
    }
}
