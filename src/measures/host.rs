//! What the run cost this host.

use super::declare::measures;
use super::generator;
use super::measure::{Kind, Measure, Merge};
use super::scene::Needs;
use super::unit::Unit;
use super::value::Value;

measures! {
    FFMPEG_CPU = Measure::counter("children_cpu", "FFmpeg's CPU").number(Unit::Seconds)
        .family("hlsswarm_children_cpu_seconds_total",
            "CPU time of the FFmpeg processes: exact for those that ended, sampled for those alive.")
        .field("host.ffmpeg_cpu_seconds")
        .read(|scene| Value::Number(scene.snapshot.children_cpu.as_secs_f64()));
    FFMPEG_RESIDENT = Measure::gauge("children_resident_memory", "FFmpeg's memory").unit(Unit::Bytes)
        .family("hlsswarm_children_resident_memory_bytes",
            "Resident memory of live FFmpeg processes, shared pages counted in each: the mean of those sampled times those alive; absent when none was sampled.")
        .field("host.ffmpeg_resident_bytes").optional().merge(Merge::Sum)
        .read(|scene| Value::whole(scene.snapshot.children_resident_bytes));
    OWN_CPU = Measure::counter("process_cpu", "Own CPU").number(Unit::Seconds)
        .family("process_cpu_seconds_total", "CPU time of this process, user and system.")
        .field("host.own_cpu_seconds").optional().needs(Needs::Process)
        .column("own_cpu_microseconds")
        .of_process(|process| Value::Number(process.cpu.as_secs_f64()));
    OWN_RESIDENT = Measure::gauge("process_resident_memory", "Own memory").unit(Unit::Bytes)
        .family("process_resident_memory_bytes", "Resident memory of this process.")
        .field("host.own_resident_bytes").optional().merge(Merge::Sum).needs(Needs::Process)
        .column("own_resident_bytes")
        .of_process(|process| Value::Whole(process.resident_bytes));
    OWN_VIRTUAL = Measure::gauge("process_virtual_memory", "Own virtual memory").unit(Unit::Bytes)
        .family("process_virtual_memory_bytes", "Virtual memory of this process.")
        .needs(Needs::Process)
        .of_process(|process| Value::Whole(process.virtual_bytes));
    OPEN_FDS = Measure::gauge("process_open_fds", "Open descriptors")
        .family("process_open_fds", "Open descriptors of this process.")
        .needs(Needs::Process)
        .of_process(|process| Value::Whole(process.open_fds));
    MAX_FDS = Measure::gauge("process_max_fds", "Limit of descriptors")
        .family("process_max_fds", "Limit of open descriptors of this process.")
        .needs(Needs::Process)
        .of_process(|process| Value::Whole(process.max_fds));
    START_TIME = Measure::gauge("process_start_time", "Start of the process").number(Unit::Seconds)
        .family("process_start_time_seconds",
            "Start of this process in seconds since the Unix epoch.")
        .field("run.started_unix_seconds").optional().merge(Merge::Min).needs(Needs::Process)
        .of_process(|process| Value::Number(process.start_unix_secs));
    CORES = Measure::gauge("cores", "Cores")
        .field("host.cores").optional().merge(Merge::Sum)
        .read(|scene| Value::whole(scene.cores.map(u64::from)));
    OWN_PEAK_RESIDENT = Measure::gauge("own_peak_resident", "Own peak memory").unit(Unit::Bytes)
        .field("host.own_peak_resident_bytes").optional().merge(Merge::Max)
        .read(|scene| Value::whole(scene.own_peak_resident_bytes));
    FFMPEG_PEAK_RESIDENT = Measure::gauge("ffmpeg_peak_resident", "Largest FFmpeg").unit(Unit::Bytes)
        .field("host.ffmpeg_peak_resident_bytes").optional().merge(Merge::Max)
        .read(|scene| {
            let largest = scene.snapshot.totals.peak_resident_bytes;
            Value::whole((largest > 0).then_some(largest))
        });
    LARGEST_CLIENT = Measure::note("largest_client", Kind::Text)
        .read(|scene| {
            let client = scene.snapshot.totals.largest_client;
            client.map_or(Value::Absent, |client| Value::Text(client.to_string()))
        });
}

/// The families of this process alone, which the built-in origin serves too.
pub(super) static PROCESS: &[&Measure] =
    &[&OWN_CPU, &OWN_RESIDENT, &OWN_VIRTUAL, &OPEN_FDS, &MAX_FDS, &START_TIME];

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = &[
    &CORES,
    &OWN_CPU,
    &OWN_RESIDENT,
    &OWN_PEAK_RESIDENT,
    &FFMPEG_CPU,
    &FFMPEG_RESIDENT,
    &FFMPEG_PEAK_RESIDENT,
    &generator::TURNS,
    &generator::EVENTS,
    &generator::JOURNAL_DROPPED,
    &generator::STANDSTILLS,
    &generator::STANDSTILL_TIME,
    &generator::STANDSTILL_FIRST_AT,
    &generator::STANDSTILL_LONGEST,
    &generator::STANDSTILL_LONGEST_AT,
];
