//! What a run was, beside its numbers.

use super::declare::measures;
use super::facts::RunFacts;
use super::host;
use super::measure::{Kind, Measure, Merge};
use super::unit::Unit;
use super::value::Value;
use crate::units::shard::Shard;

/// A number of the shard; absent if this was the whole run.
fn of_shard(run: &RunFacts<'_>, number: impl Fn(Shard) -> u32) -> Value<'static> {
    if run.shard.is_whole() { Value::Absent } else { Value::Whole(number(run.shard).into()) }
}

fn text(text: Option<&str>) -> Value<'static> {
    text.map_or(Value::Absent, |text| Value::Text(text.to_owned()))
}

measures! {
    VERSION = Measure::note("version", Kind::Text)
        .field("version").optional().merge(Merge::Common)
        .of_run(|_| text(Some(env!("CARGO_PKG_VERSION"))));
    FFMPEG_VERSION = Measure::note("ffmpeg_version", Kind::Text)
        .field("ffmpeg_version").optional().merge(Merge::Common)
        .read(|scene| Value::Text(scene.ffmpeg_version.to_owned()));
    ENDED = Measure::note("ended", Kind::Text)
        .field("run.ended").optional().merge(Merge::Common)
        .of_run(|run| text(Some(run.ending.name())));
    SIGNAL = Measure::note("signal", Kind::Text)
        .field("run.signal").optional().merge(Merge::Common)
        .of_run(|run| text(run.ending.signal()));
    DURATION = Measure::gauge("duration", "Duration").number(Unit::Seconds)
        .field("run.duration_seconds").merge(Merge::Max)
        .read(|scene| Value::Number(scene.snapshot.elapsed.as_secs_f64()));
    LATE = Measure::gauge("late", "Began late").number(Unit::Seconds)
        .field("run.late_seconds").optional().merge(Merge::Max)
        .of_run(|run| Value::number(run.late.map(|late| late.as_secs_f64())));
    URL = Measure::note("url", Kind::Text)
        .field("run.url").optional().merge(Merge::Common)
        .of_run(|run| text(Some(run.url)));
    SEED = Measure::gauge("seed", "Seed")
        .field("run.seed").merge(Merge::Common)
        .of_run(|run| Value::Whole(run.seed));
    COMMAND = Measure::note("command", Kind::Text)
        .field("run.command").merge(Merge::Again)
        .of_run(|run| text(Some(run.repeat_command)));
    DANGEROUS = Measure::note("dangerous", Kind::Flag)
        .field("run.dangerous").merge(Merge::Any)
        .of_run(|run| Value::Flag(run.dangerous));
    METRICS_ADDRESS = Measure::note("metrics_address", Kind::Text)
        .field("run.metrics_address").optional()
        .of_run(|run| text(run.metrics.map(|address| address.to_string()).as_deref()));
    SHARD_INDEX = Measure::gauge("shard_index", "Shard")
        .field("shard.index")
        .of_run(|run| of_shard(run, Shard::index));
    SHARD_COUNT = Measure::gauge("shard_count", "Shards")
        .field("shard.count")
        .of_run(|run| of_shard(run, Shard::count));
    SHARD_CLIENTS = Measure::gauge("shard_clients", "Clients of all shards")
        .field("shard.clients")
        .of_run(|run| of_shard(run, |_| run.clients));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = &[
    &VERSION,
    &FFMPEG_VERSION,
    &ENDED,
    &SIGNAL,
    &DURATION,
    &host::START_TIME,
    &LATE,
    &URL,
    &SEED,
    &COMMAND,
    &DANGEROUS,
    &METRICS_ADDRESS,
    &SHARD_INDEX,
    &SHARD_COUNT,
    &SHARD_CLIENTS,
];
