//! The fuzzed properties, checked on the kept inputs: those that cover the code, and
//! every input that once violated a property.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test, which shares the properties with the crate of the fuzz targets"
)]

#[path = "fuzz/properties/mod.rs"]
mod properties;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// Most bytes of the kept inputs of one target.
const CORPUS_BYTES_MAX: u64 = 60_000;

/// Checks a property on every input of its corpus.
fn hold(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{target} has hardly any input");
    let mut bytes = 0;
    for file in files {
        let input = fs::read(&file).unwrap();
        bytes += input.len() as u64;
        if let Err(failure) = catch_unwind(AssertUnwindSafe(|| check(&input))) {
            eprintln!("{} breaks a promise", file.display());
            resume_unwind(failure);
        }
    }
    assert!(bytes <= CORPUS_BYTES_MAX, "{target} has {bytes} bytes");
    // The empty input counts as well.
    check(&[]);
}

#[test]
fn log_events_do_not_depend_on_chunking() {
    hold("log", properties::log::check);
}

#[test]
fn progress_does_not_depend_on_chunking() {
    hold("progress", properties::progress::check);
}

#[test]
fn responses_do_not_depend_on_chunking() {
    hold("http", properties::http::check);
}

#[test]
fn origin_output_is_parsed_back() {
    hold("origin", properties::origin::check);
}

#[test]
fn any_command_line_is_accepted_or_rejected() {
    hold("flags", properties::flags::check);
}

#[test]
fn masking_only_removes_and_leaves_no_value() {
    hold("redact", properties::redact::check);
}

#[test]
fn exporter_values_do_not_depend_on_chunking() {
    hold("exporter", properties::exporter::check);
}

#[test]
fn rewriting_changes_the_uris_of_a_playlist_and_nothing_else() {
    hold("playlist", properties::playlist::check);
}

#[test]
fn exchanges_do_not_depend_on_chunking() {
    hold("tap", properties::tap::check);
}
