//! Checks the host before anything is started on it.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use tracing::{debug, warn};

use super::{Fatal, complain};
use crate::config::Config;
use crate::origin::media::Variant;
use crate::preflight::{
    Host, MEASURE_INPUT_BYTES, MEASURE_TIME_LIMIT, Measured, Plan, checks, measure_arguments, room,
};
use crate::reactor::blocking::measure::observe;

/// The stream that FFmpeg is measured with: its first bytes hold enough for both
/// tracks to be found.
const MEASURE_BITRATE: u64 = 300_000;
const MEASURE_SEGMENT: Duration = Duration::from_secs(2);

/// The target can be raised to this much of what it was at the start, and by
/// [`ROOM_MORE`], as far as the host has room.
const ROOM_FACTOR: u32 = 4;
const ROOM_MORE: u32 = 100;

/// Holds the host against what the run wants of it: a hard check that fails ends
/// the run, a soft one warns. Returns how many clients there is room for; left
/// unchecked, no more than were asked for.
pub(super) fn check(config: &Config, ffmpeg: &Path, stop: BorrowedFd<'_>) -> Result<u32, Fatal> {
    let clients = config.swarm.share();
    if config.skip_preflight {
        return Ok(clients);
    }
    let shard = config.swarm.shard;
    let plan = Plan { clients, ramp_rate: config.swarm.ramp_rate / f64::from(shard.count()) };
    let (host, measured) = (Host::read(Path::new("/")), measure(ffmpeg, stop));
    let checks = checks(plan, &host, measured);
    for check in &checks {
        let told = match (shard.is_whole(), check.ok()) {
            (true, _) | (_, true) => check.to_string(),
            _ => format!("{check}; that is for shard {shard} alone, and more shards help as well"),
        };
        if check.stops() {
            complain(&format!("preflight: {told}"));
        } else if check.ok() {
            debug!(check = told, "preflight_passed");
        } else {
            warn!(check = told, "preflight_warning");
        }
    }
    match checks.iter().filter(|check| check.stops()).count() {
        0 => {
            let most = clients.saturating_mul(ROOM_FACTOR).saturating_add(ROOM_MORE);
            Ok(room(plan, most, &host, measured))
        }
        failed => Err(Fatal(format!(
            "this host cannot carry the run ({failed} of {} checks failed); mend it as said above, \
             ask for less, or try anyway with --skip-preflight",
            checks.len()
        ))),
    }
}

/// What one client of this FFmpeg costs; `None` if it cannot be told, which
/// leaves some checks undone and says so.
fn measure(ffmpeg: &Path, stop: BorrowedFd<'_>) -> Option<Measured> {
    let args: Vec<OsString> = measure_arguments().iter().map(Into::into).collect();
    let mut input = Variant::new(MEASURE_BITRATE, MEASURE_SEGMENT).segment(0);
    input.truncate(MEASURE_INPUT_BYTES);
    match observe(ffmpeg, &args, &input, MEASURE_TIME_LIMIT, stop) {
        Ok(seen) => {
            let measured = Measured::new(seen.private_dirty_bytes, seen.threads, seen.cpu);
            debug!(
                private_bytes = measured.private_bytes,
                start_cpu_ms = u64::try_from(measured.start_cpu.as_millis()).unwrap_or(u64::MAX),
                threads = measured.threads,
                "ffmpeg_measured"
            );
            Some(measured)
        }
        Err(why) => {
            debug!(?why, "ffmpeg_not_measured");
            None
        }
    }
}
