//! Chooses the streams that every client reads.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use tracing::{info, warn};

use crate::config::{Config, PLACEHOLDER_URL, ProbeFailurePolicy};
use crate::ffmpeg::capabilities::Capabilities;
use crate::ffmpeg::command::Map;
use crate::ffmpeg::options::{Options, VariantChoice};
use crate::ffmpeg::variants::{
    PROBE_OUTPUT_LIMIT_BYTES, PROBE_TIME_LIMIT, Variants, probe_arguments,
};
use crate::reactor::blocking::run::{CaptureError, CaptureLimits, capture};
use crate::reactor::blocking::wait::is_readable;
use crate::reactor::host::remedy;
use crate::run::{Fatal, tools};

/// Selects the streams as requested, using ffprobe if the selection needs bit rates.
pub(super) fn choose(
    config: &Config,
    options: &Options,
    ffmpeg: &Path,
    capabilities: &Capabilities,
    stop: BorrowedFd<'_>,
) -> Result<Map, Fatal> {
    match config.variant {
        VariantChoice::All => return Ok(Map::All),
        VariantChoice::First => return Ok(Map::First),
        VariantChoice::Highest | VariantChoice::Lowest => {}
    }
    let found = if options.url.as_str() == PLACEHOLDER_URL {
        Err("there is no URL to probe".to_owned())
    } else {
        probe(config, options, ffmpeg, capabilities, stop)
    };
    match (found, config.probe_failure_policy) {
        (Ok(variants), _) => {
            let chosen = variants.chosen(config.variant).map(|program| program.to_string());
            info!(bitrates = variants.to_string(), chosen, "variants_found");
            Ok(variants.map(config.variant))
        }
        (Err(why), _) if is_readable(stop) => Err(Fatal(why)),
        (Err(why), ProbeFailurePolicy::Fallback) => {
            warn!(why, using = "first", "variants_unknown");
            Ok(Map::First)
        }
        (Err(why), ProbeFailurePolicy::Fail) => Err(Fatal(format!(
            "the variants are unknown: {why}; use -variant all or first, or \
             -probe-failure-policy fallback"
        ))),
    }
}

fn probe(
    config: &Config,
    options: &Options,
    ffmpeg: &Path,
    capabilities: &Capabilities,
    stop: BorrowedFd<'_>,
) -> Result<Variants, String> {
    let ffprobe = config
        .ffprobe
        .as_deref()
        .map_or_else(
            || tools::locate_ffprobe(ffmpeg, &config.search_path),
            |name| tools::locate(name, &config.search_path),
        )
        .ok_or("ffprobe found neither next to FFmpeg nor in PATH (give its path with -ffprobe)")?;
    let args: Vec<OsString> = probe_arguments(options, capabilities)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|arg| OsString::from_vec(arg.into_bytes()))
        .collect();
    let limits = CaptureLimits { time: PROBE_TIME_LIMIT, bytes: PROBE_OUTPUT_LIMIT_BYTES, stop };
    let printed = capture(&ffprobe, &args, limits).map_err(|error| match error {
        CaptureError::TimedOut => {
            format!("{} took longer than {} s", ffprobe.display(), PROBE_TIME_LIMIT.as_secs())
        }
        CaptureError::Stopped => format!("{} was interrupted by the stop", ffprobe.display()),
        CaptureError::Spawn(failure) => {
            remedy::of_start(&ffprobe, failure.errno, "give another one with -ffprobe")
        }
    })?;
    Variants::parse(&printed.stdout).map_err(|error| error.to_string())
}
