//! How many clients there were.

use std::borrow::Cow;

use super::declare::measures;
use super::measure::{Kind, Measure, Merge};
use super::never_played;
use super::scene::Needs;
use super::unit::Unit;
use super::value::{Counts, Value};
use crate::ffmpeg::outcome::Outcome;
use crate::stats::State;

measures! {
    BUILD_INFO = Measure::gauge("build_info", "")
        .family("hlsswarm_build_info",
            "Always 1; the labels are the versions of this program and of FFmpeg.")
        .labels(&["version", "ffmpeg_version"])
        .read(|scene| {
            let versions = [env!("CARGO_PKG_VERSION"), scene.ffmpeg_version];
            Value::Samples(vec![(versions.map(Cow::from).to_vec(), 1.0)])
        });
    TARGET = Measure::gauge("clients_target", "Target clients")
        .family("hlsswarm_clients_target", "Target number of clients.")
        .field("clients.target").merge(Merge::Sum).column("target_clients")
        .read(|scene| Value::Whole(scene.snapshot.target.into()));
    ACTIVE = Measure::gauge("clients_active", "Active clients")
        .family("hlsswarm_clients_active",
            "Clients whose FFmpeg process runs; not those starting or in backoff.")
        .column("active_clients")
        .read(|scene| Value::Whole(scene.snapshot.active().into()));
    BY_STATE = Measure::counts("clients", "Clients by state").stands()
        .family("hlsswarm_clients",
            "Clients by state; they sum to the target, or to the highest that it was.")
        .labels(&["state"])
        .read(|scene| Counts::made(
            |place| State::ALL.get(place).map_or("", |state| state.name()),
            scene.snapshot.by_state,
        ));
    PLAYED = Measure::gauge("clients_played", "Clients that played")
        .family("hlsswarm_clients_played", "Clients that received media at least once.")
        .needs(Needs::Log)
        .read(|scene| Value::Whole(scene.snapshot.totals.reception.played().into()));
    EVER_STARTED = Measure::gauge("clients_ever_started", "Clients ever started")
        .field("clients.ever_started").merge(Merge::Sum)
        .read(|scene| Value::Whole(scene.snapshot.ever_started.into()));
    PEAK_ACTIVE = Measure::gauge("peak_active", "Clients at once")
        .field("clients.peak_active").optional().merge(Merge::Again)
        .read(|scene| Value::Whole(scene.snapshot.peak_active.into()));
    PEAK_ACTIVE_AT_MOST = Measure::gauge("peak_active_at_most", "Clients at once, at most")
        .field("clients.peak_active_at_most").optional().merge(Merge::Again);
    MEDIAN_ACTIVE = Measure::gauge("median_active", "Median of active clients")
        .field("clients.median_active").optional().merge(Merge::Again)
        .read(|scene| Value::Whole(scene.snapshot.median_active().into()));
    ACTIVE_TIME = Measure::gauge("active", "Time that clients were active").number(Unit::Seconds)
        .field("clients.active_seconds").merge(Merge::Sum)
        .read(|scene| {
            let snapshot = scene.snapshot;
            Value::Number(snapshot.active_time.client_time(snapshot.now).as_secs_f64())
        });
    TARGET_REACHED = Measure::note("target_reached", Kind::Flag)
        .field("clients.target_reached").optional().merge(Merge::All)
        .read(|scene| Value::Flag(scene.snapshot.target_reached()));
    NEVER_PLAYED = Measure::gauge("clients_never_played", "Clients that never played")
        .field("clients.never_played").optional().merge(Merge::Sum).needs(Needs::Log)
        .read(|scene| Value::Whole(scene.snapshot.never_played().into()));
    KEPT_BY = Measure::counts("kept_by", "What kept clients from playing").stands()
        .field("clients.kept_by").optional().sparse().merge(Merge::SumIfAny)
        .read(|scene| {
            let kept = scene.snapshot.totals.reception.kept();
            let of = |outcome| kept.iter().find(|(kept, ..)| *kept == outcome);
            Counts::made(
                |place| Outcome::ALL.get(place).map_or("", |outcome| outcome.name()),
                Outcome::ALL.map(|outcome| of(outcome).map_or(0, |&(_, clients, _)| clients)),
            )
        });
    KEPT_EXAMPLE = Measure::note("kept_example", Kind::Text)
        .field("clients.kept_example").optional().merge(Merge::First)
        .read(|scene| never_played::example(scene.snapshot).map_or(Value::Absent, Value::Text));
    NEVER_PLAYED_WHY = Measure::note("never_played_why", Kind::Texts).needs(Needs::Log)
        .read(|scene| Value::Texts(never_played::rows(scene.snapshot)));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = ALL;
