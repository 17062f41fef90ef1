//! What a viewer would have experienced.

use super::declare::measures;
use super::measure::{Better, Kind, Measure, Merge};
use super::scene::Needs;
use super::unit::Unit;
use super::value::Value;

measures! {
    STARTUP = Measure::times("startup", "Start-up")
        .family("hlsswarm_startup_seconds",
            "Time from spawn to the first media, inferred from FFmpeg's log.")
        .field("playback.startup").needs(Needs::Log).column("startup")
        .compared(Better::Less, &[0.5, 0.95])
        .read(|scene| Value::Times(&scene.snapshot.totals.playback.startup));
    STALLED = Measure::gauge("clients_stalled", "Clients stalled")
        .family("hlsswarm_clients_stalled",
            "Clients whose media time stands still for longer than twice the target duration.")
        .field("playback.stalled_at_end").merge(Merge::Sum).needs(Needs::Log)
        .column("stalled_clients")
        .read(|scene| Value::Whole(scene.snapshot.stalled.into()));
    STALLS = Measure::counter("stalls", "Stalls")
        .family("hlsswarm_stalls_total", "Stalls that began.")
        .field("playback.stalls").needs(Needs::Log).column("stalls")
        .read(|scene| Value::Whole(scene.snapshot.totals.playback.stalls));
    STALL_TIME = Measure::counter("stall", "Time stalled").number(Unit::Seconds)
        .family("hlsswarm_stall_seconds_total",
            "Time that clients were stalled, those that still are included.")
        .field("playback.stall_seconds").needs(Needs::Log)
        .read(|scene| Value::Number(scene.snapshot.stall_time.as_secs_f64()));
    STALL_THRESHOLD = Measure::gauge("stall_threshold", "Stall threshold").number(Unit::Seconds)
        .field("playback.stall_threshold_seconds").optional().merge(Merge::Common)
        .needs(Needs::Log)
        .read(|scene| Value::Number(scene.stall.after.as_secs_f64()));
    TARGET_DURATION = Measure::gauge("target_duration", "Target duration").number(Unit::Seconds)
        .field("playback.target_duration_seconds").optional().merge(Merge::Common)
        .needs(Needs::Log)
        .read(|scene| Value::Number(scene.stall.target_duration.as_secs_f64()));
    TARGET_DURATION_SOURCE = Measure::note("target_duration_source", Kind::Text)
        .field("playback.target_duration_source").optional().merge(Merge::Common)
        .needs(Needs::Log)
        .read(|scene| Value::Text(scene.stall.source.name().to_owned()));
    BELOW_REALTIME = Measure::gauge("clients_below_realtime", "Clients below real time")
        .family("hlsswarm_clients_below_realtime",
            "Playing clients whose media time fell more than one second behind the wall clock in their last window.")
        .field("playback.below_realtime_at_end").merge(Merge::Sum).needs(Needs::Log)
        .read(|scene| Value::Whole(scene.snapshot.below_realtime.into()));
    ABOVE_REALTIME = Measure::gauge("clients_above_realtime", "Clients at real time")
        .family("hlsswarm_clients_above_realtime",
            "Playing clients that kept up with the wall clock in their last window, to the second.")
        .field("playback.above_realtime_at_end").merge(Merge::Sum).needs(Needs::Log)
        .read(|scene| Value::Whole(scene.snapshot.above_realtime.into()));
    SPEED = Measure::times("playback_speed", "Speed").unit(Unit::Ratio)
        .family("hlsswarm_playback_speed",
            "Windowed speed in media seconds a wall second, one value a window of each client.")
        .field("playback.speed").needs(Needs::Log)
        .compared(Better::More, &[0.5, 0.05])
        .read(|scene| Value::Times(&scene.snapshot.totals.playback.speed));
    DRIFT = Measure::times("drift", "Drift")
        .family("hlsswarm_drift_seconds",
            "Wall clock less media clock since start-up, one value a window of each client; a client ahead counts as 0.")
        .field("playback.drift").needs(Needs::Log)
        .read(|scene| Value::Times(&scene.snapshot.totals.playback.drift));
    PLAYLIST_EDGE_AGE = Measure::times("playlist_edge_age", "Playlist edge age")
        .family("hlsswarm_playlist_edge_age_seconds",
            "Wall clock minus the newest programme date time in a playlist when it was loaded; absent before the first.")
        .field("playback.playlist_edge_age").optional().merge(Merge::SumIfAny).needs(Needs::Log)
        .column("playlist_edge_age")
        .compared(Better::Less, &[0.5])
        .read(|scene| Value::times_if_any(&scene.snapshot.totals.playback.playlist_edge_age));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = &[
    &STARTUP,
    &STALLS,
    &STALL_TIME,
    &STALL_THRESHOLD,
    &TARGET_DURATION,
    &TARGET_DURATION_SOURCE,
    &STALLED,
    &BELOW_REALTIME,
    &ABOVE_REALTIME,
    &SPEED,
    &DRIFT,
    &PLAYLIST_EDGE_AGE,
];
