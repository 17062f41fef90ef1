//! Shared parts of the end-to-end tests: the program under test, fake and real FFmpegs,
//! a web server as witness, a small HTTP client, and readers of `/proc`.
//!
//! Every wait has one generous limit and fails with everything seen so far. Tests end
//! only processes that they started.

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

/// Limit of every wait: far more than needed on a busy machine, so that only a fault
/// reaches it.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A folder, removed with the value, on the file system of the build, so that
/// executables can be linked into it.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Polls a condition until it is true, for events without a notification. The poll
/// itself is the pause.
pub(crate) fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_true() {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
    }
}
