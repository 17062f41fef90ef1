//! Locates FFmpeg and ffprobe and reads their capabilities.
//!
//! Blocks, within limits, before the first client starts.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ffmpeg::capabilities::{Capabilities, HELP_ARGS, OUTPUT_LIMIT_BYTES, VERSION_ARGS};
use crate::reactor::blocking::run::{CaptureError, CaptureLimits, Captured, capture};
use crate::reactor::host::remedy;
use crate::reactor::timer::Clock;
use crate::units::Tick;

/// Longest time for FFmpeg to print its version and options; Debian's takes a tenth of
/// a second.
const ASK_TIME: Duration = Duration::from_secs(5);

/// How to install FFmpeg.
pub(super) const INSTALL: &str = "install it (apt install ffmpeg, dnf install ffmpeg-free, apk add ffmpeg) or give its path with -ffmpeg";

/// Why FFmpeg cannot be used: one line with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The program of this name: a path unchanged, a bare name as the first executable file
/// of that name in `search_path` (execvp(3)).
#[must_use]
pub(super) fn locate(name: &Path, search_path: &[PathBuf]) -> Option<PathBuf> {
    if name.components().count() > 1 || name.is_absolute() {
        return Some(name.to_owned());
    }
    let executable = |path: &PathBuf| {
        let metadata = path.metadata();
        metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    search_path.iter().map(|directory| directory.join(name)).find(executable)
}

/// The ffprobe that belongs to this FFmpeg: the one next to it, or the one in
/// `search_path`.
#[must_use]
pub(super) fn locate_ffprobe(ffmpeg: &Path, search_path: &[PathBuf]) -> Option<PathBuf> {
    let beside = ffmpeg.with_file_name("ffprobe");
    if beside.is_file() { Some(beside) } else { locate(Path::new("ffprobe"), search_path) }
}

/// Reads FFmpeg's version and options.
///
/// # Errors
/// It is missing, not executable, not FFmpeg, takes longer than 5 s, or `stop` becomes
/// readable.
pub(super) fn ask(
    name: &Path,
    search_path: &[PathBuf],
    stop: BorrowedFd<'_>,
) -> Result<(PathBuf, Capabilities), Unusable> {
    let path = locate(name, search_path).ok_or_else(|| {
        Unusable(format!("FFmpeg not found: no {} in PATH; {INSTALL}", name.display()))
    })?;
    let clock = Clock::start();
    let version = ask_for(&path, VERSION_ARGS, &clock, stop)?;
    let help = ask_for(&path, HELP_ARGS, &clock, stop)?;
    let capabilities = Capabilities::parse(&version.stdout, &help.stdout).map_err(|error| {
        Unusable(format!("{} cannot be used: {error}; {INSTALL}", path.display()))
    })?;
    Ok((path, capabilities))
}

fn ask_for(
    path: &Path,
    args: &[&str],
    clock: &Clock,
    stop: BorrowedFd<'_>,
) -> Result<Captured, Unusable> {
    let args: Vec<OsString> = args.iter().map(Into::into).collect();
    let left = Tick::ZERO.after(ASK_TIME).since(clock.tick());
    let limits = CaptureLimits { time: left, bytes: OUTPUT_LIMIT_BYTES, stop };
    capture(path, &args, limits).map_err(|error| Unusable(why(path, error)))
}

fn why(path: &Path, error: CaptureError) -> String {
    let shown = path.display();
    match error {
        CaptureError::TimedOut => {
            let secs = ASK_TIME.as_secs();
            format!("{shown} did not print its version and options within {secs} s; {INSTALL}")
        }
        CaptureError::Stopped => format!("{shown} was interrupted by the stop"),
        CaptureError::Spawn(failure) => remedy::of_start(path, failure.errno, INSTALL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn executable(directory: &Path, name: &str, text: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn searches_a_bare_name_and_keeps_a_path() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let plain = first.path().join("ffmpeg");
        std::fs::write(&plain, "not executable").unwrap();
        let found = executable(second.path(), "ffmpeg", "");
        let search = [first.path().to_owned(), second.path().to_owned()];
        assert_eq!(locate(Path::new("ffmpeg"), &search), Some(found));
        assert_eq!(locate(Path::new("./ffmpeg"), &search), Some("./ffmpeg".into()));
        assert_eq!(locate(Path::new("ffprobe"), &search), None);
    }

    #[test]
    fn prefers_ffprobe_next_to_ffmpeg() {
        let (beside, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let other = executable(elsewhere.path(), "ffprobe", "");
        let ffmpeg = beside.path().join("ffmpeg");
        let search = [elsewhere.path().to_owned()];
        assert_eq!(locate_ffprobe(&ffmpeg, &search), Some(other));
        let near = executable(beside.path(), "ffprobe", "");
        assert_eq!(locate_ffprobe(&ffmpeg, &search), Some(near));
    }

    #[test]
    fn errors_are_one_line_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let other = executable(directory.path(), "other", "#!/bin/sh\necho hello\n");
        let missing = directory.path().join("missing");
        let (stop, _asks) = std::io::pipe().unwrap();
        for (path, word) in [
            (Path::new("ffmpeg"), "not found"),
            (&missing, "not found"),
            (&plain, "chmod +x"),
            (directory.path(), "is a folder"),
            (&other, "not FFmpeg"),
        ] {
            let said = ask(path, &[], stop.as_fd()).unwrap_err().to_string();
            assert!(said.contains(word), "{said}");
            assert!(said.contains("apt install ffmpeg") && !said.contains('\n'), "{said}");
        }
    }
}
