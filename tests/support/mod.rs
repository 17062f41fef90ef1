//! What the end-to-end tests share: the program under test, a fake FFmpeg, real
//! ones, a web server as witness, a tiny HTTP client, and a look at `/proc`.
//!
//! Every wait has one generous limit and fails with all that was seen. Nothing
//! is killed but what a test itself has started.

#![allow(dead_code, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "tests start programs and read clocks")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

pub(crate) mod exporter;
pub(crate) mod fake;
pub(crate) mod http;
pub(crate) mod lines;
pub(crate) mod media;
pub(crate) mod namespaces;
pub(crate) mod nginx;
pub(crate) mod origin;
pub(crate) mod processes;
pub(crate) mod program;
pub(crate) mod prometheus;
pub(crate) mod rootfs;
pub(crate) mod tools;

use std::time::{Duration, Instant};

/// How long anything may take that is awaited: far more than it needs on a busy
/// machine, so that only a fault reaches it.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A folder that goes when the value goes, on the file system of the build, so
/// that executables can be linked into it.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Asks again and again until the answer is yes: for what tells nobody when it
/// changes. The question itself is the pause.
pub(crate) fn until(what: &str, mut answer: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !answer() {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
    }
}
