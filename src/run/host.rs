//! Checks the host before any client is started.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use tracing::{debug, warn};

use super::{Fatal, complain};
use crate::config::Config;
use crate::origin::media::Variant;
use crate::preflight::{
    ClientCost, Demand, HostFacts, MEASURE_INPUT_BYTES, MEASURE_TIME_LIMIT, checks,
    measure_arguments, room,
};
use crate::reactor::blocking::measure::observe;

/// The stream for measuring FFmpeg: its first bytes are enough to find both tracks.
const MEASURE_BITRATE: u64 = 300_000;
const MEASURE_SEGMENT: Duration = Duration::from_secs(2);

/// The target can be raised to this multiple of its start value, plus [`ROOM_MORE`], as
/// far as the host permits.
const ROOM_FACTOR: u32 = 4;
const ROOM_MORE: u32 = 100;

/// Checks the host against the run's requirements: a failed hard check ends the run, a
/// failed soft one warns. Returns the most clients that the host can run; without checks,
/// the target.
pub(super) fn check(config: &Config, ffmpeg: &Path, stop: BorrowedFd<'_>) -> Result<u32, Fatal> {
    let clients = config.swarm.share();
    if config.skip_preflight {
        return Ok(clients);
    }
    let shard = config.swarm.shard;
    let ramp_rate = config.swarm.ramp_rate / f64::from(shard.count());
    let demand = Demand { clients, ramp_rate, tap: config.swarm.tap };
    let (host, cost) = (HostFacts::read(Path::new("/")), measure(ffmpeg, stop));
    let checks = checks(demand, &host, cost);
    for check in &checks {
        let text = match (shard.is_whole(), check.ok()) {
            (true, _) | (_, true) => check.to_string(),
            _ => format!("{check}; this is for shard {shard} alone, and more shards also help"),
        };
        if check.stops() {
            complain(&format!("preflight: {text}"));
        } else if check.ok() {
            debug!(check = text, "preflight_passed");
        } else {
            warn!(check = text, "preflight_warning");
        }
    }
    match checks.iter().filter(|check| check.stops()).count() {
        0 => {
            let most = clients.saturating_mul(ROOM_FACTOR).saturating_add(ROOM_MORE);
            Ok(room(demand, most, &host, cost))
        }
        failed => Err(Fatal(format!(
            "this host cannot carry the run ({failed} of {} checks failed); apply the fixes above, \
             reduce the load, or skip the checks with --skip-preflight",
            checks.len()
        ))),
    }
}

/// The cost of one client of this FFmpeg; `None` if it cannot be measured, which skips
/// some checks.
fn measure(ffmpeg: &Path, stop: BorrowedFd<'_>) -> Option<ClientCost> {
    let args: Vec<OsString> = measure_arguments().iter().map(Into::into).collect();
    let mut input = Variant::new(MEASURE_BITRATE, MEASURE_SEGMENT).segment(0);
    input.truncate(MEASURE_INPUT_BYTES);
    match observe(ffmpeg, &args, &input, MEASURE_TIME_LIMIT, stop) {
        Ok(seen) => {
            let cost = ClientCost::new(seen.private_dirty_bytes, seen.threads, seen.cpu);
            debug!(
                private_bytes = cost.private_bytes,
                start_cpu_ms = u64::try_from(cost.start_cpu.as_millis()).unwrap_or(u64::MAX),
                threads = cost.threads,
                "ffmpeg_measured"
            );
            Some(cost)
        }
        Err(why) => {
            debug!(?why, "ffmpeg_not_measured");
            None
        }
    }
}
